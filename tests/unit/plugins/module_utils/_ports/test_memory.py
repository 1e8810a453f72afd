# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen is known again, and no longer than it should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._ports.memory import (
    Sighting,
    count_owners,
    is_as_fresh,
    owner_key,
    parse_claims,
    parse_keep_days,
    parse_memory,
    remember,
    render_memory,
)
from ansible_collections.guarded.deploy.plugins.module_utils._ports.report import claim_as_dict
from builders.ports import ID_TWO, claim, container_owner, unit_owner

pytestmark = pytest.mark.feature("B10")
NOW, DAY = 1_800_000_000.0, 86_400.0
UNIT = owner_key(unit_owner())

SIGHTINGS = st.builds(
    Sighting, st.sampled_from(["tcp", "udp"]), st.sampled_from(["*", "0.0.0.0", "::1"]), st.integers(1, 65535), st.floats(0, 2e9)
)


@given(st.dictionaries(st.text(), st.lists(SIGHTINGS).map(tuple)))
def test_what_is_written_is_read_again(memory):
    assert parse_memory(render_memory(memory)) == memory


@given(st.text())
def test_whatever_the_file_has_become_is_read_or_refused(text):
    try:
        parse_memory(text)
    except Unparsable as error:
        assert "observed.json" in str(error)  # noqa: PT017 (either is right)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1}', '{"version": 2, "seen": {}}', '{"version": 1, "seen": {"a": [["tcp"]]}}']
)
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(Unparsable):
        parse_memory(text)


def test_only_who_listens_is_remembered():
    states = [claim(unit_owner(), state=state) for state in ("wanted", "latent", "planned", "bound", "forwarded")]
    assert remember({}, states, NOW, 90) == {}
    assert remember({}, [claim(unit_owner())], NOW, 90) == {UNIT: (Sighting("tcp", "0.0.0.0", 9090, NOW),)}


def test_a_container_made_anew_is_the_same_one():
    first = remember({}, [claim(container_owner())], NOW, 90)
    again = remember(first, [claim(container_owner(container_id=ID_TWO), port=9091)], NOW + 1, 90)
    assert [[one.port for one in sightings] for sightings in again.values()] == [[9091]]


def test_a_port_that_was_given_up_is_forgotten_and_one_that_sleeps_is_kept():
    asleep = remember({}, [claim(unit_owner("a.service"), 80)], NOW, 90)
    both = remember(asleep, [claim(unit_owner("b.service"), 81)], NOW + DAY, 90)
    assert {key: [one.port for one in sightings] for key, sightings in both.items()} == {
        owner_key(unit_owner("a.service")): [80],
        owner_key(unit_owner("b.service")): [81],
    }


def test_who_was_not_seen_for_long_is_forgotten():
    old = remember({}, [claim(unit_owner())], NOW, 90)
    assert remember(old, [], NOW + 90 * DAY, 90) == old
    assert remember(old, [], NOW + 90 * DAY + 1, 90) == {}


def test_seeing_the_same_again_is_no_news_for_a_day():
    first = remember({}, [claim(unit_owner())], NOW, 90)
    assert is_as_fresh(first, remember(first, [claim(unit_owner())], NOW + DAY - 1, 90))
    assert not is_as_fresh(first, remember(first, [claim(unit_owner())], NOW + DAY, 90))
    assert not is_as_fresh(first, remember(first, [claim(unit_owner(), 9091)], NOW + 1, 90))
    assert not is_as_fresh(first, remember(first, [claim(unit_owner("b.service"))], NOW + 1, 90))


def test_claims_of_a_look_are_read_again():
    found = claim(container_owner())
    assert remember({}, parse_claims([claim_as_dict(found)]), NOW, 90) == remember({}, [found], NOW, 90)
    assert count_owners(render_memory(remember({}, [found], NOW, 90))) == 1


@pytest.mark.parametrize("entry", [{}, {"owner": {}}, {"owner": {"kind": "unit", "name": "a", "evil": 1}, "proto": "tcp"}])
def test_what_is_no_claim_is_named(entry):
    with pytest.raises(BadInput, match=r"claims\[0\]"):
        parse_claims([entry])


def test_less_than_a_day_is_no_memory():
    with pytest.raises(BadInput):
        parse_keep_days(0)
