# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses between bytes and text, against the standard library."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._sockets.address import parse_ip, render_ip


@given(st.binary(min_size=4, max_size=4))
def test_ipv4_is_rendered_as_the_standard_library_does(packed: bytes) -> None:
    assert render_ip(packed) == str(ipaddress.IPv4Address(packed))


# Sparse, so that runs of zeros of every length and place occur.
_SPARSE = st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\xfe\x80", b"\xff\xff"]), min_size=8, max_size=8).map(b"".join)


@given(_SPARSE | st.binary(min_size=16, max_size=16))
@example(bytes(10) + b"\xff\xff\x7f\0\0\1")
def test_ipv6_is_rendered_as_the_standard_library_does_and_a_mapped_address_as_ipv4(packed: bytes) -> None:
    address = ipaddress.IPv6Address(packed)
    assert render_ip(packed) == str(address.ipv4_mapped or address)


@given(_SPARSE | st.binary(min_size=16, max_size=16))
def test_every_way_to_write_an_address_is_read(packed: bytes) -> None:
    address = ipaddress.IPv6Address(packed)
    for text in (str(address), address.exploded, str(address).upper()):
        assert parse_ip(text) == packed


@given(st.text(alphabet="0123456789abcdefg:.", max_size=24))
@example("::1.2.3.4")
@example("1:2:3:4:5:6:1.2.3.4")
@example("1.2.3.4::")
@example("1:2:3:4:5:6:7::")
@example("1:2:3:4:5:6:7:8::")
@example("::1::")
@example(":::")
@example("1:2:3:4:5:6:7")
@example("127.1")
@example("010.0.0.1")
@example("256.0.0.1")
@example("")
def test_what_is_an_address_is_what_the_standard_library_takes_for_one(text: str) -> None:
    try:
        expected = ipaddress.ip_address(text).packed
    except ValueError:
        with pytest.raises(ValueError):
            parse_ip(text)
    else:
        assert parse_ip(text) == expected


@pytest.mark.parametrize("text", ["\u0661.0.0.1", "1.0.0.1\n", " 1.0.0.1", "::\uff11"])
def test_digits_of_other_scripts_and_spaces_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ip(text)
