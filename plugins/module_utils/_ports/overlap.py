# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which addresses collide on one port, as the kernel sees it.

The rules are those of the kernel's ``inet_rcv_saddr_equal`` and of the device check before it. The test binds every
pair for real and compares.
"""

from __future__ import annotations

import typing as t

from .._errors import BadInput
from .._sockets.address import parse_ip, render_ip

EVERYWHERE = "*"
"""Every address of both families: 0.0.0.0 and a v6only ::, two sockets."""

_ANY_IPV4 = "0.0.0.0"
_ANY_IPV6 = "::"
_WILDCARDS = frozenset((EVERYWHERE, _ANY_IPV4, _ANY_IPV6))


class Place(t.Protocol):
    """Whatever asks for a port on an address: a claim, a listener."""

    @property
    def proto(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def v6only(self) -> bool | None: ...

    @property
    def device(self) -> str | None: ...


PlaceT = t.TypeVar("PlaceT", bound=Place)


def canonical(text: str) -> str:
    """An address in the one form in which equal addresses are equal text.

    ``*`` stays; brackets around IPv6 are dropped; an IPv4-mapped address becomes IPv4; a zone is kept on a link-local
    address (``fe80::1%eth0``).

    :raises BadInput: it is no IP address, or has a zone where none can be
    """
    plain = text.strip()
    if plain == EVERYWHERE:
        return plain
    if plain.startswith("[") and plain.endswith("]"):
        plain = plain[1:-1]
        if ":" not in plain:
            raise BadInput(f"{text!r} is not an IP address: only IPv6 stands in brackets")
    address, percent, zone = plain.partition("%")
    try:
        packed = parse_ip(address)
    except ValueError:
        raise BadInput(f"{text!r} is not an IP address (write 192.0.2.1, 2001:db8::1, or * for every address)") from None
    if not percent:
        return render_ip(packed)
    if not zone or len(zone) > 15 or not zone.isprintable() or any(sign in zone for sign in "/% "):
        raise BadInput(f"{text!r} has a zone that is not the name of an interface")
    if len(packed) != 16 or packed[0] != 0xFE or packed[1] & 0xC0 != 0x80:
        raise BadInput(f"{text!r} has a zone, and only link-local addresses (fe80::/10) can have one")
    return f"{render_ip(packed)}%{zone}"


def _split_zone(address: str, device: str | None) -> tuple[str, str | None]:
    if "%" not in address:
        return address, device
    bare, _percent, zone = address.partition("%")
    return bare, device or zone


def _covers_ipv4(address: str, v6only: bool | None) -> bool:
    # Where nobody said whether :: is v6only, it must be taken for one that is not.
    return address in (EVERYWHERE, _ANY_IPV4) or (address == _ANY_IPV6 and not v6only)


def overlaps(
    proto: str,  # noqa: ARG001 (TCP and UDP have one matrix; who asks need not know)
    a_address: str,
    a_v6only: bool | None,
    a_device: str | None,
    b_address: str,
    b_v6only: bool | None,
    b_device: str | None,
) -> bool:
    """Whether two sockets on one port of one protocol exclude each other, SO_REUSEPORT and SO_REUSEADDR left aside.

    Addresses are :func:`canonical`. ``v6only`` matters for ``::`` alone; None is "not known" and counts as False. A
    device excludes only the same device, and everything that is bound to none.
    """
    a_address, a_device = _split_zone(a_address, a_device)
    b_address, b_device = _split_zone(b_address, b_device)
    if a_device and b_device and a_device != b_device:
        return False
    if a_address == b_address:
        return True
    for wide, v6only, other in ((a_address, a_v6only, b_address), (b_address, b_v6only, a_address)):
        if wide == EVERYWHERE:
            return True
        if wide == _ANY_IPV6 and ":" in other:
            return True
        if _covers_ipv4(wide, v6only) and ":" not in other:
            return True
    return False


def _overlap(one: Place, other: Place) -> bool:
    return overlaps(one.proto, one.address, one.v6only, one.device, other.address, other.v6only, other.device)


class OverlapIndex(t.Generic[PlaceT]):
    """Places by protocol, port and address, so that what collides is found without comparing all with all.

    On one port only a wildcard or the same address can collide, so nothing else is compared.
    """

    def __init__(self, places: t.Iterable[PlaceT]) -> None:
        self._wide: dict[tuple[str, int], list[PlaceT]] = {}
        self._narrow: dict[tuple[str, int], dict[str, list[PlaceT]]] = {}
        for place in places:
            key = (place.proto, place.port)
            address = _split_zone(place.address, None)[0]
            if address in _WILDCARDS:
                self._wide.setdefault(key, []).append(place)
            else:
                self._narrow.setdefault(key, {}).setdefault(address, []).append(place)

    def colliding(self, place: Place) -> list[PlaceT]:
        """What collides with a place, itself included where it was put in."""
        key = (place.proto, place.port)
        address = _split_zone(place.address, None)[0]
        narrow = self._narrow.get(key, {})
        same = [one for ones in narrow.values() for one in ones] if address in _WILDCARDS else narrow.get(address, [])
        return [one for one in (*self._wide.get(key, ()), *same) if _overlap(place, one)]

    def pairs(self) -> t.Iterator[tuple[PlaceT, PlaceT]]:
        """Every two places that collide, once."""
        for key, wide in self._wide.items():
            narrow = [one for ones in self._narrow.get(key, {}).values() for one in ones]
            for index, one in enumerate(wide):
                yield from ((one, other) for other in wide[index + 1 :] if _overlap(one, other))
                yield from ((one, other) for other in narrow if _overlap(one, other))
        for by_address in self._narrow.values():
            for ones in by_address.values():
                for index, one in enumerate(ones):
                    yield from ((one, other) for other in ones[index + 1 :] if _overlap(one, other))
