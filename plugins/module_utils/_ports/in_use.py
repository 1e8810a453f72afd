# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a log or an engine's error says of an address that was in use.

A line counts where it says so in one of the phrases of :data:`_SAYS_IN_USE`. Its port is taken from a phrase that can
only be the port that was wanted, else from the one endpoint on the line, else from the sentence that the same program
writes next to it. A number that might be something else (a time, a pid, a source line) is never a port.
"""

from __future__ import annotations

import re
import typing as t

from .model import WantedPort

_SAYS_IN_USE = re.compile(
    # "bind: address already in use", "98: Address already in use", "address in use" (BIND 9)
    r"address (?:is )?(?:already )?in use"
    # Node, Ruby, Erlang; Rust's kind
    r"|EADDRINUSE|\bAddrInUse\b|\[Errno 98\]"
    # Docker: "Bind for 0.0.0.0:9090 failed: port is already allocated"
    r"|port is already allocated"
    # Spring Boot: "Port 8080 was already in use.", MinIO: "Specified port '9000' is already in use"
    r"|\bport '?\d+'? (?:was|is) already in use"
    # Spring Boot with Tomcat: "... failed to start. The port may already be in use or ..."
    r"|the port may already be in use"
    # gunicorn
    r"|\bConnection in use: \(",
    re.IGNORECASE,
)
# A socket file, not a port; or a client that found no local port.
_NO_LISTENER = re.compile(r"\blisten unix |unix:/|\.sock\b|AF_UNIX|\bdial (?:tcp|udp)|\bconnect\(\)", re.IGNORECASE)

_IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_ANY = rf"(?P<address>\[[0-9A-Fa-f:.]*(?:%\w+)?\]|{_IPV4}|localhost|\*|\+|)"
_PORT = r"(?P<port>\d{1,5})(?!\d)"

_PHRASES = (
    # Go: "listen tcp4 0.0.0.0:9090: bind: address already in use", "listen tcp :9100: bind: ..."
    re.compile(rf"\blisten (?P<proto>tcp|udp)(?P<family>[46]?) {_ANY}:{_PORT}"),
    # Docker 28: "failed to bind host port for 0.0.0.0:7148:172.18.0.2:7148/tcp: ...", "failed to bind host port 0.0.0.0:7148/tcp: ..."
    re.compile(rf"failed to bind host port (?:for )?{_ANY}:{_PORT}(?::{_IPV4}:\d+|:\[[0-9a-f:]+\]:\d+)?/(?P<proto>tcp|udp)"),
    # Docker: "Bind for 0.0.0.0:9090 failed: port is already allocated"
    re.compile(rf"\bBind for {_ANY}:{_PORT} failed"),
    # nginx: "bind() to [::]:80 failed (98: Address already in use)"
    re.compile(rf"\bbind\(\) to {_ANY}:{_PORT} failed"),
    # sshd: "Bind to port 22 on 0.0.0.0 failed: Address already in use."
    re.compile(rf"\bBind to port {_PORT} on (?P<address>{_IPV4}|[0-9A-Fa-f:]+) failed"),
    # asyncio: "error while attempting to bind on address ('0.0.0.0', 8000): ...", gunicorn: "Connection in use: ('', 8000)"
    re.compile(rf"\('(?P<address>[^']*)', {_PORT}(?:, \d+, \d+)?\)"),
    # Dovecot: "bind(0.0.0.0, 143) failed: Address already in use"
    re.compile(rf"\bbind\((?P<address>{_IPV4}|[0-9A-Fa-f:]+|\*), {_PORT}\)"),
    # BIND 9: "couldn't add command channel 127.0.0.1#953: address in use"
    re.compile(rf"(?P<address>{_IPV4}|[0-9A-Fa-f]*:[0-9A-Fa-f:]+)#{_PORT}"),
    # Node: "listen EADDRINUSE: address already in use :::8080"
    re.compile(rf"(?<![\w:])(?P<address>::):{_PORT}"),
    # pasta: "Failed to bind port 8000 (Address already in use) for option '-t 8000-8000:80-80', exiting"; -u is UDP
    re.compile(rf"\bFailed to bind port {_PORT} \(.* for option '-(?P<option>[tu]) "),
    # Postfix: "fatal: bind 0.0.0.0 port 25: ...", ProFTPD: "Failed binding to 0.0.0.0, port 21: ...", Ruby: 'bind(2) for "::1" port 3000'
    re.compile(rf"(?P<address>{_IPV4}|::1?)[\",]? port {_PORT}"),
    # Exim: "socket bind() to port 25 for address 127.0.0.1 failed: Address already in use"
    re.compile(rf"\bport {_PORT} for address (?P<address>{_IPV4}|[0-9A-Fa-f:]+) failed"),
)
# Erlang: "[{port,15672}]"; Tomcat: '["http-nio-8080"]', '[HTTP/1.1-8080]'; dnsmasq: "for port 53:"; Redis: "on port 6379 (TCP)"
_PORT_WORDS = re.compile(
    r"(?<!remote )(?<!source )(?<!peer )(?<!from )\bport(?:[ :=]{1,2}|, ?)['\"]?(?P<port>\d{1,5})(?![\w.])"
    r"|\[\"?(?:https?|ajp|HTTP)[-\w./]*-(?P<connector>\d{1,5})\"?\]",
    re.IGNORECASE,
)
# Any other endpoint: never after a letter or digit (times, "main.go:802"), nor after "0.0.0.0:80:" (what lies behind it).
_ENDPOINT = re.compile(
    rf"(?<![\w.:])(?<!\d:)(?P<address>\[[0-9A-Fa-f:.]*(?:%\w+)?\]|{_IPV4}|localhost|\*|\+):(?P<port>\d{{1,5}})(?![\w.:-]*\d)"
    rf"|(?:(?<=[\s(='])|(?<=[\s(=]\"))(?P<bare>):(?P<bare_port>\d{{1,5}})(?![\w.-]|:\d)"
)
# Sentences that stand near the line, before (-) or after (+) it, and name the port or the address of it.
_NEIGHBOURS = (
    # PostgreSQL, after 'could not bind IPv4 address "127.0.0.1": Address already in use'
    re.compile(rf"another postmaster already running on port {_PORT}"),
    # MariaDB, MySQL
    re.compile(rf"already have another (?:server|mysqld server) running on port: {_PORT}"),
    # rsync, after "bind() failed: Address already in use (address-family 2)"
    re.compile(rf"unable to bind any inbound sockets on port {_PORT}"),
    # mosquitto, before "Error: Address already in use"
    re.compile(rf"Opening ipv[46] listen socket on port {_PORT}"),
    # uWSGI, before "bind(): Address already in use [core/socket.c line 769]"
    re.compile(rf"another instance of uWSGI is running on the same address \({_ANY}:{_PORT}\)"),
    # BIND 9, before "creating TCP socket: address in use"
    re.compile(rf"listening on IPv[46] interface \S+, (?P<address>[0-9A-Fa-f.:]+)#{_PORT}"),
    # Tomcat, before "java.net.BindException: Address already in use"
    re.compile(rf"ProtocolHandler \[\"?[a-z]+-[a-z0-9]+-{_PORT}\"?\]"),
    # Jetty, before the same; Netty and Elasticsearch, before the cause
    re.compile(rf"Failed to bind to:? (?:/{_ANY}:|\[){_PORT}"),
)
_NEIGHBOURHOOD = 3
_QUOTED_ADDRESS = re.compile(rf"could not bind IPv[46] address \"(?P<address>{_IPV4}|[0-9A-Fa-f:]+)\"")
_MOST_QUOTED = 160


class InUse(t.NamedTuple):
    """``seen``: the text says that an address was in use. ``ports``: which, as far as it names them."""

    seen: bool
    ports: tuple[WantedPort, ...]


class _Place(t.NamedTuple):
    protos: tuple[str, ...]
    address: str
    port: int


def parse_in_use(text: str) -> InUse:
    """What a log, or the error of an engine, says of addresses that were in use."""
    lines = text.splitlines()
    seen = False
    found: dict[tuple[str, str, int], WantedPort] = {}
    for index, line in enumerate(lines):
        if _SAYS_IN_USE.search(line) is None:
            continue
        places = _places(line) or _near(lines, index)
        if not places and _NO_LISTENER.search(line):
            continue
        seen = True
        for place in places:
            for proto in place.protos:
                wanted = WantedPort(proto, place.address, place.port, f"its log: {_quoted(line)}", "observed")
                found.setdefault((proto, place.address, place.port), wanted)
    return InUse(seen, tuple(found.values()))


def _quoted(line: str) -> str:
    text = line.strip()
    mark = _SAYS_IN_USE.search(text)
    # The end of a long line says more than its beginning: the error stands there.
    end = mark.end() if mark else len(text)
    return text if len(text) <= _MOST_QUOTED else "..." + text[max(0, end - _MOST_QUOTED) : end]


def _places(line: str) -> list[_Place]:
    if re.search(r"\bdial (?:tcp|udp)", line):
        return []
    for phrase in _PHRASES:
        places = [_place(match, line) for match in phrase.finditer(line)]
        if places:
            return _sane(places)
    endpoints = {
        (_address(match["address"] or ""), int(match["port"] or match["bare_port"])) for match in _ENDPOINT.finditer(line)
    }
    if not endpoints:
        endpoints = {("*", int(match["port"] or match["connector"])) for match in _PORT_WORDS.finditer(line)}
    # Of several, none can be told to be the one.
    return _sane([_Place(_protos(line), address, port) for address, port in endpoints]) if len(endpoints) == 1 else []


def _near(lines: list[str], index: int) -> list[_Place]:
    """The port from the lines around, nearest first; what another such line lies between belongs to that one."""
    quoted = _QUOTED_ADDRESS.search(lines[index])
    for distance in range(1, _NEIGHBOURHOOD + 1):
        for other in (index - distance, index + distance):
            if not 0 <= other < len(lines):
                continue
            for neighbour in _NEIGHBOURS:
                match = neighbour.search(lines[other])
                if match is not None:
                    place = _place(match, lines[index])
                    return _sane([place._replace(address=quoted["address"]) if quoted else place])
    return []


def _sane(places: list[_Place]) -> list[_Place]:
    return [place for place in places if 0 < place.port <= 65535]


def _place(match: re.Match[str], line: str) -> _Place:
    groups = match.groupdict()
    address = _address(groups.get("address") or "")
    if address == "*" and groups.get("family"):
        # "listen tcp4 :9090"
        address = "0.0.0.0" if groups["family"] == "4" else "::"
    protos = _protos(line)
    if groups.get("proto"):
        protos = (groups["proto"],)
    elif groups.get("option"):
        protos = ("udp",) if groups["option"] == "u" else ("tcp",)
    return _Place(protos, address, int(groups["port"]))


def _address(text: str) -> str:
    bare = text.strip("[]")
    if bare in ("", "*", "+"):
        return "*"
    return "127.0.0.1" if bare == "localhost" else bare


def _protos(line: str) -> tuple[str, ...]:
    # Node binds UDP ("bind EADDRINUSE") and listens on TCP ("listen EADDRINUSE").
    if re.search(r"\budp[46]?\b|\bUDP[46]?\b|SOCK_DGRAM|bind EADDRINUSE", line):
        return ("tcp", "udp") if re.search(r"\btcp[46]?\b|\bTCP[46]?\b", line) else ("udp",)
    # These do not say which: dnsmasq needs both, and Docker's allocator says "Bind for 0.0.0.0:9092 failed" for UDP too.
    return ("tcp", "udp") if "dnsmasq" in line or "port is already allocated" in line else ("tcp",)
