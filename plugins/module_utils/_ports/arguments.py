# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The ports that a command line asks for.

Only what is known is read: options of programs in :data:`PROGRAMS`, and a few long options that mean a listen address
wherever they occur. "Unknown" (nothing) is a right answer here; a wrong port is not. ``-p`` is a port to one program
and a password to the next, so no short option means anything without its program.
"""

from __future__ import annotations

import re
import shlex
import typing as t

from .model import WantedPort


class Program(t.NamedTuple):
    """What a program's options mean.

    ``endpoints`` take ``address:port`` (or a port alone), ``ports`` a port alone, ``addresses`` the address that goes
    with it. ``default`` is the port without any of them, given only where no configuration file or variable can set
    another. ``source`` says where this is known from.
    """

    source: str
    endpoints: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    protos: tuple[str, ...] = ("tcp",)
    default: int | None = None


_TCP_AND_UDP = ("tcp", "udp")
_EXPORTER = "exporter-toolkit: --web.listen-address"

PROGRAMS: dict[str, Program] = {
    "alertmanager": Program("alertmanager --help", ("--web.listen-address",), default=9093),
    "blackbox_exporter": Program(_EXPORTER, ("--web.listen-address",), default=9115),
    "busybox httpd": Program("busybox httpd --help: -p [IP:]PORT, default *:80", ("-p",), default=80),
    "code-server": Program("code-server --help", ("--bind-addr",), ("--port",)),
    "daphne": Program("daphne --help", (), ("-p", "--port"), ("-b", "--bind")),
    "darkhttpd": Program("darkhttpd --help", (), ("--port",), ("--addr",)),
    "dnsmasq": Program("dnsmasq(8)", (), ("-p", "--port"), protos=_TCP_AND_UDP),
    "etcd": Program("etcd --help", ("--listen-client-urls", "--listen-peer-urls", "--listen-metrics-urls")),
    "flask": Program("flask run --help", (), ("-p", "--port"), ("-h", "--host")),
    "gunicorn": Program("gunicorn --help", ("-b", "--bind")),
    "httpd": Program("busybox httpd --help; Apache's httpd has no -p", ("-p",)),
    "hypercorn": Program("hypercorn --help", ("-b", "--bind")),
    "mariadbd": Program("mariadbd --help", (), ("-P", "--port"), ("--bind-address",)),
    "memcached": Program("memcached -h", (), ("-p", "--port"), ("-l", "--listen")),
    "minio": Program("minio server --help", ("--address", "--console-address")),
    "mongod": Program("mongod --help", (), ("--port",), ("--bind_ip",)),
    "mosquitto": Program("mosquitto(8)", (), ("-p", "--port")),
    "mysqld": Program("mysqld --help", (), ("-P", "--port"), ("--bind-address",)),
    "named": Program("named(8)", (), ("-p",), protos=_TCP_AND_UDP),
    "node_exporter": Program(_EXPORTER, ("--web.listen-address",), default=9100),
    "php": Program("php --help: -S <addr>:<port>", ("-S",)),
    "postgres": Program("postgres --help", (), ("-p", "--port"), ("-h",)),
    "prometheus": Program("prometheus --help", ("--web.listen-address",), default=9090),
    "prometheus-alertmanager": Program("alertmanager --help (Debian's name)", ("--web.listen-address",), default=9093),
    "prometheus-blackbox-exporter": Program(_EXPORTER + " (Debian's name)", ("--web.listen-address",), default=9115),
    "prometheus-node-exporter": Program(_EXPORTER + " (Debian's name)", ("--web.listen-address",), default=9100),
    "prometheus-pushgateway": Program(_EXPORTER + " (Debian's name)", ("--web.listen-address",), default=9091),
    "puma": Program("puma --help: -b tcp://0.0.0.0:9292, -p PORT", ("-b", "--bind"), ("-p", "--port")),
    "pushgateway": Program(_EXPORTER, ("--web.listen-address",), default=9091),
    "python -m http.server": Program("python3 -m http.server --help", addresses=("-b", "--bind"), default=8000),
    "redis-server": Program("redis-server --help: options are settings of redis.conf", (), ("--port",), ("--bind",)),
    "sshd": Program("sshd(8)", (), ("-p",)),
    "streamlit": Program("streamlit run --help", (), ("--server.port",), ("--server.address",)),
    "uvicorn": Program("uvicorn --help", (), ("--port",), ("--host",)),
    "valkey-server": Program("valkey-server --help", (), ("--port",), ("--bind",)),
    "varnishd": Program("varnishd(1)", ("-a",)),
    "waitress-serve": Program("waitress-serve --help", ("--listen",), ("--port",), ("--host",)),
}
# Words that come before the program they run.
_WRAPPERS = ("env", "exec", "nice", "ionice", "nohup", "setsid", "stdbuf", "tini", "dumb-init", "catatonit", "command")
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")
_OPERATORS = frozenset((";", "&", "&&", "|", "||", "(", ")", "\n"))
# Long options that name a listen address in whatever program has them; they count only with "address:port" behind them.
_ANYWHERE = (
    "--bind-address",
    "--health-probe-bind-address",
    "--http-address",
    "--listen",
    "--listen-addr",
    "--listen-address",
    "--metrics-bind-address",
    "--web.listen-address",
)
# Java: Spring Boot's property, as a system property too; Jenkins. Traefik: --entrypoints.web.address=:80/udp
_PROPERTY = re.compile(r"(?:-Dserver\.port|--server\.port|--httpPort)=(?P<port>\d+)$")
_ENTRY_POINT = re.compile(r"--entry[pP]oints\.[\w-]+\.address=(?P<endpoint>[^/]*)(?:/(?P<proto>tcp|udp))?$")
# socat: TCP4-LISTEN:80,fork
_SOCAT = re.compile(r"(?P<proto>tcp|udp)[46]?-(?:listen|l|recv|recvfrom):(?P<port>\d+)(?:,.*?\bbind=(?P<address>[^,]+))?", re.IGNORECASE)
_ENDPOINT = re.compile(
    r"(?:[a-z0-9+]+://)?(?P<address>\[[0-9A-Fa-f:.]*(?:%\w+)?\]|\d{1,3}(?:\.\d{1,3}){3}|localhost|\*|):(?P<port>\d{1,5})/?$"
)


def find_ports(argv: t.Sequence[str]) -> tuple[WantedPort, ...]:
    """The ports that a command line asks for, as far as they are known; all with the confidence ``inferred``."""
    found = dict.fromkeys(port for command in _commands(list(argv), 3) for port in _ports(command))
    return tuple(found)


def _commands(argv: list[str], depth: int) -> list[list[str]]:
    """The programs that a command line runs, without what wraps them; a shell's ``-c`` is looked into."""
    while argv:
        name = _name(argv[0])
        if name in _SHELLS:
            return _shell_commands(argv, depth)
        if name == "timeout":
            argv = _after_options(argv[1:])[1:]
        elif name in _WRAPPERS or re.match(r"\w+=", argv[0]):
            argv = _after_options(argv[1:])
        else:
            return [argv]
    return []


def _shell_commands(argv: list[str], depth: int) -> list[list[str]]:
    script = next((argv[index + 1] for index, word in enumerate(argv[:-1]) if re.match(r"-[a-z]*c$", word)), None)
    if script is None or depth == 0:
        return []
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in _OPERATORS:
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:
        return []
    return [inner for command in commands for inner in _commands(command, depth - 1)]


def _after_options(argv: list[str]) -> list[str]:
    """What follows a wrapper's options. Their values are not known, so a wrapper with a valued option hides its program."""
    while argv and argv[0].startswith("-"):
        argv = argv[1:]
    return argv


def _name(path: str) -> str:
    # "-bash" is a login shell; "nginx:" a title that a program has set.
    return path.rpartition("/")[2].lstrip("-").rstrip(":")


def _ports(argv: list[str]) -> list[WantedPort]:
    name, rest = _program(argv)
    if name in ("nc", "ncat", "netcat"):
        return _netcat(rest)
    if name == "socat":
        return _socat(rest)
    program = PROGRAMS.get(name)
    found = _by_table(name, program, rest) if program else []
    return found or _by_option(name, rest)


def _program(argv: list[str]) -> tuple[str, list[str]]:
    """The name that the table knows a command by, and its arguments."""
    name, rest = _name(argv[0]), argv[1:]
    if name == "busybox" and rest:
        applet = _name(rest[0])
        return (f"busybox {applet}" if f"busybox {applet}" in PROGRAMS else applet), rest[1:]
    if re.match(r"(?:python|pypy)[\d.]*$", name):
        return _python(rest)
    return name, rest


def _python(rest: list[str]) -> tuple[str, list[str]]:
    for index, word in enumerate(rest):
        if word == "-m" and index + 1 < len(rest):
            module = rest[index + 1]
            known = f"python -m {module}"
            return (known if known in PROGRAMS else module), rest[index + 2 :]
        if not word.startswith("-"):
            # A script: "python3 /usr/bin/gunicorn --bind ..."
            return _name(word), rest[index + 1 :]
    return "python", []


def _values(rest: list[str], options: tuple[str, ...]) -> list[str]:
    """The values of the options: behind ``=``, in the next word, or glued to a short one (``-p80``)."""
    found = []
    for index, word in enumerate(rest):
        if word == "--":
            break
        for option in options:
            if word == option and index + 1 < len(rest):
                found.append(rest[index + 1])
            elif word.startswith(option + "="):
                found.append(word[len(option) + 1 :])
            elif len(option) == 2 and word.startswith(option) and word[2:].isdigit():
                found.append(word[2:])
    return found


def _by_table(name: str, program: Program, rest: list[str]) -> list[WantedPort]:
    address = next((_address(text) for text in _values(rest, program.addresses)), "*")
    asked = [one for text in _values(rest, program.endpoints) for one in text.split(",")]
    plain = _values(rest, program.ports)
    if name == "python -m http.server":
        plain = [word for word in rest if word.isdigit()][:1]
    found = []
    for text in asked:
        found += _wanted(name, text, program.protos, "*", plain_port=True)
    for text in plain:
        found += _wanted(name, text, program.protos, address, plain_port=True)
    if not (asked or plain) and program.default is not None:
        found += _wanted(f"{name} without a port option", str(program.default), program.protos, address, plain_port=True)
    return found


def _by_option(name: str, rest: list[str]) -> list[WantedPort]:
    found = []
    for text in _values(rest, _ANYWHERE):
        found += _wanted(name, text, ("tcp",), "*", plain_port=False)
    for word in rest:
        match = _PROPERTY.match(word)
        if match is not None:
            found += _wanted(name, match["port"], ("tcp",), "*", plain_port=True)
        match = _ENTRY_POINT.match(word)
        if match is not None:
            found += _wanted(name, match["endpoint"], (match["proto"] or "tcp",), "*", plain_port=False)
    return found


def _netcat(rest: list[str]) -> list[WantedPort]:
    """``nc -lk -p 9090 -e cat``, ``nc -l 9090``, ``nc -lup 53``."""
    letters = "".join(word[1:] for word in rest if re.match(r"-[a-zA-Z]+$", word))
    if "l" not in letters and "--listen" not in rest:
        return []
    texts = [rest[index + 1] for index, word in enumerate(rest[:-1]) if re.match(r"-[a-zA-Z]*p$", word)]
    texts = texts or [word for word in rest if word.isdigit()][-1:]
    protos = ("udp",) if "u" in letters or "--udp" in rest else ("tcp",)
    return [port for text in texts[:1] for port in _wanted("nc", text, protos, "*", plain_port=True)]


def _socat(rest: list[str]) -> list[WantedPort]:
    found = []
    for word in rest:
        match = _SOCAT.match(word)
        if match is not None:
            address = _address(match["address"] or "")
            found += _wanted("socat", match["port"], (match["proto"].lower(),), address, plain_port=True)
    return found


def _wanted(name: str, text: str, protos: tuple[str, ...], address: str, plain_port: bool) -> list[WantedPort]:
    """The ports of ``8080``, ``:8080``, ``127.0.0.1:8080`` or ``http://[::1]:8080``; none where it is something else."""
    match = _ENDPOINT.match(text)
    if match is not None:
        address, digits = _address(match["address"]), match["port"]
    elif plain_port and text.isdigit():
        digits = text
    else:
        return []
    port = int(digits)
    # Port 0 asks for any.
    return [WantedPort(proto, address, port, f"arguments of {name}", "inferred") for proto in protos if 0 < port <= 65535]


def _address(text: str) -> str:
    bare = text.strip("[]")
    if bare in ("", "*"):
        return "*"
    if bare == "localhost":
        return "127.0.0.1"
    # Names are not looked up: they are taken for every address, so nothing is missed.
    return bare if re.match(r"[0-9A-Fa-f:.]+(?:%\w+)?$", bare) and (":" in bare or "." in bare) else "*"
