# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The addresses of socket units (systemd.socket(5), ``ListenStream=``; ``socket_address_parse`` in systemd)."""

from __future__ import annotations

import re
import typing as t

from .._ports.model import DeclaredPort
from .._sockets.address import parse_ip, render_ip
from .specifiers import expand_specifiers

if t.TYPE_CHECKING:
    from .merge import MergedUnit, Setting

# An empty assignment of any of them forgets the others as well (socket_free_ports).
_LISTEN = (
    "ListenStream",
    "ListenDatagram",
    "ListenSequentialPacket",
    "ListenFIFO",
    "ListenSpecial",
    "ListenNetlink",
    "ListenMessageQueue",
    "ListenUSBFunction",
)
_PROTOS = {"ListenStream": "tcp", "ListenDatagram": "udp"}
# "80", "192.0.2.1:80", "[::1]:80", "[fe80::1]:80%eth0"
_PLACE = re.compile(r"(?:(?P<address>\[[^]]*\]|[0-9.]+):)?(?P<port>\d{1,5})(?:%(?P<zone>[^%/ ]+))?$")
_NO_PORT = ("/", "@", "vsock:", "vsock-stream:", "vsock-dgram:", "vsock-seqpacket:")


class Listened(t.NamedTuple):
    """Ports, Unix socket paths, and why there may be other ports."""

    ports: tuple[DeclaredPort, ...]
    paths: tuple[str, ...]
    unknown: tuple[str, ...]


def read_listen(unit: MergedUnit) -> Listened:
    """What a socket unit listens on. FIFOs, netlink, message queues and vsock are no IP ports; neither are SCTP
    (``ListenSequentialPacket=``, ``SocketProtocol=sctp``) and UDP-Lite, which have port numbers of their own."""
    settings: list[Setting] = []
    for one in unit.settings:
        if one.section == "Socket" and one.key in _LISTEN:
            settings.append(one)
            if not one.value:
                settings.clear()
    bind = unit.last("Socket", "BindIPv6Only")
    device = unit.last("Socket", "BindToDevice")
    protocol = unit.last("Socket", "SocketProtocol")
    ports: list[DeclaredPort] = []
    paths: list[str] = []
    unknown: list[str] = []
    for one in settings:
        expanded = expand_specifiers(one.value, unit.name, unit.fragment or "")
        text = expanded.text
        if text.startswith("/") and one.key in (*_PROTOS, "ListenSequentialPacket"):
            paths.append(text.rstrip("/"))
        if one.key not in _PROTOS or text.startswith(_NO_PORT) or (protocol is not None and protocol.value in ("sctp", "udplite")):
            continue
        port = None if expanded.unknown else _port(one, text, bind.value if bind else "default", unit)
        if port is None:
            unknown.append(f"{one.key}={one.value} names no port that can be told")
        elif port.port:
            ports.append(port._replace(device=device.value if device else port.device))
    return Listened(tuple(dict.fromkeys(ports)), tuple(dict.fromkeys(paths)), tuple(dict.fromkeys(unknown)))


def _port(setting: Setting, text: str, bind: str, unit: MergedUnit) -> DeclaredPort | None:
    match = _PLACE.match(text)
    if match is None or int(match["port"]) > 65535:
        return None
    address, v6only = "*", None
    if match["address"] is not None:
        read = _address(match["address"])
        if read is None:
            return None
        address = read
        v6only = {"both": False, "ipv6-only": True}.get(bind) if address == "::" else None
    elif bind == "ipv6-only":
        # A bare port is a socket of :: that takes IPv4 as well, unless this forbids it.
        address, v6only = "::", True
    zone = match["zone"]
    place = "" if setting.file == unit.fragment else f" in {setting.file}"
    source = f"{setting.key}={setting.value}{place}"
    return DeclaredPort(_PROTOS[setting.key], address, int(match["port"]), source, setting.line, "declared", v6only, zone)


def _address(text: str) -> str | None:
    try:
        packed = parse_ip(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    # [192.0.2.1]:80 is no address; neither is 2001:db8::1:80 without brackets, which the pattern does not let through.
    return render_ip(packed) if (len(packed) == 16) == text.startswith("[") else None
