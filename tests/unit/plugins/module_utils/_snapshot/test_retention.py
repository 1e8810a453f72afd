# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots go, and which never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.retention import Kept, plan_retention

pytestmark = pytest.mark.feature("A17")

DAY = 86400.0
NOW = 100 * DAY


def aged(**days: float) -> list[Kept]:
    """Good snapshots of so many days; a name that begins with "bad" is a damaged one's."""
    return [Kept(name, NOW - age * DAY, not name.startswith("bad")) for name, age in days.items()]


def test_the_oldest_beyond_the_count_go() -> None:
    assert plan_retention(aged(c=3, a=1, d=4, b=2), NOW, keep=2, max_age_days=None) == ("d", "c")


def test_what_is_too_old_goes() -> None:
    assert plan_retention(aged(a=1, b=2, c=3), NOW, keep=None, max_age_days=2) == ("c",)


def test_without_limits_nothing_goes() -> None:
    assert plan_retention(aged(a=1, b=2000), NOW, None, None) == ()


def test_the_newest_good_one_stays_however_old_it_is() -> None:
    assert plan_retention(aged(bad=1, a=50, b=60), NOW, keep=0, max_age_days=0.5) == ("b", "bad")


def test_what_a_guard_needs_stays() -> None:
    assert plan_retention(aged(a=1, b=2, c=3), NOW, keep=1, max_age_days=1.5, needed=["c"]) == ("b",)


def test_a_damaged_one_fills_no_place() -> None:
    assert plan_retention(aged(bad1=1, a=2, bad2=3, b=4, c=5), NOW, keep=2, max_age_days=None) == ("c",)


SNAPSHOTS = st.lists(
    st.builds(Kept, st.text("abc", min_size=1, max_size=3), st.floats(0, NOW), st.booleans()), unique_by=lambda one: one.id
)


@given(SNAPSHOTS, st.none() | st.integers(0, 5), st.none() | st.floats(0, 200), st.sets(st.text("abc", min_size=1, max_size=3)))
def test_laws(snapshots: list[Kept], keep: int | None, max_age: float | None, needed: set[str]) -> None:
    gone = set(plan_retention(snapshots, NOW, keep, max_age, needed))
    good = sorted((one.at, one.id) for one in snapshots if one.is_good)
    assert not gone & needed
    assert not good or good[-1][1] not in gone
    left = [one for one in snapshots if one.id not in gone]
    # A second run right afterwards finds nothing more to do.
    assert plan_retention(left, NOW, keep, max_age, needed) == ()
    if max_age is not None:
        kept_though_old = [one.id for one in left if NOW - one.at > max_age * DAY]
        assert set(kept_though_old) <= needed | {name for _at, name in good[-1:]}
