# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""IP addresses between bytes and text. By hand: importing ``ipaddress`` alone takes milliseconds on a target."""

from __future__ import annotations

import re
import struct

_MAPPED = bytes(10) + b"\xff\xff"
# Decimal, without leading zeros: what follows one is octal to some programs and decimal to others.
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII)
_GROUP = re.compile("[0-9a-fA-F]{1,4}")


def _parse_ipv4(text: str) -> bytes:
    match = _IPV4.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return bytes(map(int, match.groups()))


def _parse_groups(text: str, may_end_in_ipv4: bool) -> bytes:
    if not text:
        return b""
    groups = text.split(":")
    tail = _parse_ipv4(groups.pop()) if may_end_in_ipv4 and "." in groups[-1] else b""
    if not all(_GROUP.fullmatch(group) for group in groups):
        raise ValueError(text)
    return b"".join(int(group, 16).to_bytes(2, "big") for group in groups) + tail


def parse_ip(text: str) -> bytes:
    """The 4 or 16 bytes of an IPv4 or IPv6 address without a zone.

    :raises ValueError: it is none
    """
    if ":" not in text:
        return _parse_ipv4(text)
    head, gap, tail = text.partition("::")
    left = _parse_groups(head, may_end_in_ipv4=not gap)
    right = _parse_groups(tail, may_end_in_ipv4=True)
    missing = 16 - len(left) - len(right)
    if missing < (2 if gap else 0) or (missing and not gap):
        raise ValueError(text)
    return left + bytes(missing) + right


def _longest_zeros(groups: tuple[int, ...]) -> tuple[int, int]:
    """(start, length) of the first longest run of zeros."""
    best, start = (0, 0), 0
    for index in range(9):
        if index == 8 or groups[index]:
            if index - start > best[1]:
                best = (start, index - start)
            start = index + 1
    return best


def render_ip(packed: bytes) -> str:
    """The text of 4 or 16 bytes, as RFC 5952 wants it; an IPv4-mapped address as the IPv4 address that it is."""
    if len(packed) == 16 and packed.startswith(_MAPPED):
        packed = packed[12:]
    if len(packed) == 4:
        return ".".join(map(str, packed))
    groups = struct.unpack(">8H", packed)
    start, length = _longest_zeros(groups)
    if length < 2:
        return ":".join(f"{group:x}" for group in groups)
    left = ":".join(f"{group:x}" for group in groups[:start])
    right = ":".join(f"{group:x}" for group in groups[start + length :])
    return f"{left}::{right}"
