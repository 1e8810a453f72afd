# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong entries are named, right ones are read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput
from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import (
    parse_accepted,
    parse_max_claims,
    parse_planned,
    parse_timeout,
)

GOOD = {"port": "80"}
ACCEPTED = {"port": "80", "reason": "r", "by": "b", "expires": "2026-12-31"}


@pytest.mark.feature("B8")
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"port": "0"}, "port 0 is not between 1 and 65535"),
        ({"port": "65536"}, "port 65536 is not between 1 and 65535"),
        ({"port": "http"}, "'http' is not a number"),
        ({"port": ""}, "'' is not a number"),
        ({"port": "-1"}, "'-1' is not a number"),
        ({"port": "90-"}, "'90-' is not a number"),
        ({"port": "٣"}, "is not a number"),
        ({"port": "90-80"}, "ends before it begins"),
        ({"port": "1-65535"}, "more than 4096 ports"),
        ({"port": "80", "proto": "sctp"}, "'sctp' is neither tcp nor udp"),
        ({"port": "80", "address": "10.0.0.256"}, "'10.0.0.256' is not an IP address"),
        ({"port": "80", "address": "localhost"}, "'localhost' is not an IP address"),
        ({"port": "80", "address": "10.0.0.1%eth0"}, "zone"),
        ({"port": "80", "address": "; rm -rf /"}, "is not an IP address"),
    ],
)
def test_a_wrong_planned_entry_is_named(entry, told):
    with pytest.raises(BadInput) as error:
        parse_planned([GOOD, entry])
    assert str(error.value).startswith("planned[1]: ")
    assert told in str(error.value)


def test_a_range_is_every_port_of_it():
    assert [one.port for one in parse_planned([{"port": "8000-8003", "proto": "UDP"}])] == [8000, 8001, 8002, 8003]


def test_an_address_with_a_zone_is_understood():
    assert parse_planned([{"port": "80", "address": "[fe80::1%eth0]"}])[0].address == "fe80::1%eth0"


@given(st.text())
def test_whatever_stands_for_a_port_is_read_or_refused(text):
    with contextlib.suppress(BadInput):
        assert all(1 <= one.port <= 65535 for one in parse_planned([{"port": text}]))


@pytest.mark.feature("B19")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expires": "31.12.2026"}, "expires is '31.12.2026'"),
        ({"expires": "2026-13-01"}, "expires is"),
        ({"expires": ""}, "expires is ''"),
        ({"reason": " "}, "reason is empty"),
        ({"by": ""}, "by is empty"),
        ({"kinds": ["everything"]}, "unknown kind 'everything'"),
        ({"port": "70000"}, "port 70000 is not between"),
    ],
)
def test_a_wrong_acceptance_is_named(change, told):
    with pytest.raises(BadInput, match=r"^accepted\[0\]: ") as error:
        parse_accepted([{**ACCEPTED, **change}])
    assert told in str(error.value)


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_a_timeout_has_bounds(seconds):
    with pytest.raises(BadInput):
        parse_timeout(seconds)


def test_fewer_than_no_claims_cannot_be_listed():
    assert parse_max_claims(0) == 0
    with pytest.raises(BadInput):
        parse_max_claims(-1)
