# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What ``--publish`` and ``PublishPort=`` mean.

Docker and Podman read one syntax, ``[[address:]host:]container[/protocol]``, and differ at its edges. Sources: what
``create -p`` of Docker 20.10 and 26.1 and of Podman 5.4 took and refused (tests/cases/publish).
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Unparsable
from .._sockets.address import parse_ip, render_ip
from .model import Publish

PROTOCOLS = ("tcp", "udp", "sctp")
_DIGITS = re.compile(r"[0-9]+")
# Podman reads numbers with strconv.Atoi, which knows a sign.
_PODMAN_DIGITS = re.compile(r"\+?[0-9]+")


class Published(t.NamedTuple):
    """What one publish option asks for. ``chosen_from`` is the range (first, last) out of which the engine takes one
    port that is free, None where there is no such range. ``ports`` leave sctp out."""

    ports: tuple[Publish, ...]
    chosen_from: tuple[int, int] | None = None


def everywhere(engine: str) -> str:
    """The address of a port that was published without one: Docker takes 0.0.0.0 and [::], Podman 0.0.0.0 alone."""
    return "*" if engine == "docker" else "0.0.0.0"


def parse_publish(spec: str, engine: str) -> tuple[Published, ...]:
    """What one ``--publish`` value asks for; Podman takes several of them, with commas in between.

    :raises Unparsable: the engine refuses the value; the text quotes it and says why
    """
    if engine == "podman":
        return tuple(_podman(one) for one in spec.split(","))
    return (_docker(spec),)


def _refused(spec: str, engine: str, why: str) -> Unparsable:
    return Unparsable(f"{engine} refuses to publish {spec!r}: {why}")


def _docker(spec: str) -> Published:
    plain = _docker_long(spec) if "=" in spec else spec
    # "80:80/tcp/udp" is 80/tcp, "80:80/" too.
    ports, _slash, protocol = plain.partition("/")
    protocol = protocol.partition("/")[0].lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise _refused(spec, "docker", f"there is no protocol {protocol}")
    head, _colon, container = ports.rpartition(":")
    address, colon, host = head.rpartition(":")
    if not container:
        raise _refused(spec, "docker", "it names no port of the container")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    elif ":" in address:
        # "::1:9090:80"; but "::95" is an empty address and an empty host port.
        raise _refused(spec, "docker", "IPv6 must stand in brackets")
    address = _address(spec, "docker", address if colon else "")
    inside = _range(spec, "docker", container, lowest=0)
    if not host:
        return _bind(protocol, address, None, inside)
    outside = _range(spec, "docker", host, lowest=0)
    if len(inside) == len(outside):
        return _bind(protocol, address, outside, inside)
    if len(inside) > 1:
        raise _refused(spec, "docker", "the two ranges are not of one length")
    # "8000-8010:80": the engine takes the first that is free.
    return _bind(protocol, address, None, inside)._replace(chosen_from=(outside[0], outside[-1]))


def _docker_long(spec: str) -> str:
    """``published=9090,target=80,protocol=udp`` as ``9090:80/udp``."""
    fields = {"published": "", "target": "", "protocol": "tcp"}
    for pair in spec.split(","):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise _refused(spec, "docker", f"{pair!r} is no field=value")
        fields[name.strip().lower()] = value.strip()
    return f"{fields['published']}:{fields['target']}/{fields['protocol']}"


def _podman(spec: str) -> Published:
    ports, slash, protocol = spec.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise _refused(spec, "podman", f"there is no protocol {protocol!r}")
    address: str | None = None
    if ports.startswith("["):
        address, bracket, ports = ports[1:].partition("]:")
        if not bracket or ":" not in ports:
            raise _refused(spec, "podman", "the address in brackets is followed by no two ports")
    fields = ports.split(":")
    if len(fields) == 3 and address is None:
        address = fields.pop(0)
    if len(fields) > 2:
        raise _refused(spec, "podman", "it has too many colons; IPv6 must stand in brackets")
    if address == "":
        # ":80:92" and "::95" pass quadlet's generator and fail here.
        raise _refused(spec, "podman", "its address is empty")
    inside = _range(spec, "podman", fields[-1], lowest=1)
    bound = _address(spec, "podman", address or "")
    if len(fields) == 1 or not fields[0]:
        return _bind(protocol, bound, None, inside)
    outside = _range(spec, "podman", fields[0], lowest=1)
    if len(inside) != len(outside):
        raise _refused(spec, "podman", "the two ranges are not of one length")
    return _bind(protocol, bound, outside, inside)


def _address(spec: str, engine: str, text: str) -> str:
    if not text:
        return everywhere(engine)
    try:
        return render_ip(parse_ip(text))
    except ValueError:
        raise _refused(spec, engine, f"{text!r} is no IP address") from None


def _range(spec: str, engine: str, text: str, lowest: int) -> range:
    first, dash, last = text.partition("-")
    digits = _PODMAN_DIGITS if engine == "podman" else _DIGITS
    ends = (first, last) if dash else (first,)
    if not all(digits.fullmatch(end) for end in ends):
        raise _refused(spec, engine, f"{text!r} is no port or range of ports")
    low, high = int(ends[0]), int(ends[-1])
    if not (lowest <= low <= 65535 and lowest <= high <= 65535):
        raise _refused(spec, engine, f"{text} is not between {lowest} and 65535")
    if high < low or (dash and engine == "podman" and high == low):
        raise _refused(spec, engine, f"the range {text} ends before it begins")
    return range(low, high + 1)


def _bind(protocol: str, address: str, outside: range | None, inside: range) -> Published:
    if protocol == "sctp":
        return Published(())
    hosts: t.Sequence[int | None] = outside if outside is not None else [None] * len(inside)
    # Docker takes port 0 for "any".
    return Published(tuple(Publish(protocol, address, host or None, port) for host, port in zip(hosts, inside)))
