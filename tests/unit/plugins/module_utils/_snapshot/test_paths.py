# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be recorded, and that nothing is recorded twice or by mistake."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Refused
from ansible_collections.guarded.deploy.plugins.module_utils._guard.units import ADMIN_FOLDER, LOCAL_FOLDER, unit_files, unit_links
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.paths import (
    DEFAULT_PATHS,
    NEVER,
    collapse,
    is_below,
    is_ours,
    literal,
    parse_path,
    plan_paths,
)

pytestmark = pytest.mark.feature("A6")

PATHS = st.lists(st.sampled_from(["a", "b", "a-b", "a.b", "x y", "\udcff"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(st.lists(PATHS))
def test_collapsed_paths_hold_each_path_once_and_none_more(paths):
    kept = collapse(paths)
    assert set(kept) <= set(paths)
    for path in paths:
        assert sum(is_below(path, one) for one in kept) == 1


@pytest.mark.parametrize(("text", "path"), [("/srv//app/", "/srv/app"), ("/srv/./app", "/srv/app"), ("/", "/"), ("/a b", "/a b")])
def test_paths_are_normalised(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["srv/app", "", "~/app", "/srv/../etc", "/srv/a\0b"])
def test_what_is_no_plain_absolute_path_is_named(text):
    with pytest.raises(BadInput, match="path"):
        parse_path(text)


@pytest.mark.parametrize(
    "path", ["/", "/proc", "/proc/sys", "/sys", "/dev/shm", "/run", "/var", "/home", *NEVER, "/var/lib/guarded-deploy/snapshots"]
)
def test_what_must_not_be_recorded_is_refused_with_a_reason(path):
    with pytest.raises(Refused, match=r"is not recorded.*: ."):
        plan_paths([path])


def test_what_must_not_be_recorded_is_left_out_below_what_may_be():
    plan = plan_paths(["/var/lib", "/srv"])
    for path in ("/var/lib/guarded-deploy", "/var/lib/docker", "/var/lib/containers", "/var/lib/dpkg"):
        assert path in plan.excluded
    assert not any(path.startswith(("/proc", "/etc")) for path in plan.excluded)


def test_what_the_guard_lays_among_the_units_is_never_recorded():
    excluded = plan_paths(DEFAULT_PATHS).excluded
    folders = (LOCAL_FOLDER, ADMIN_FOLDER)
    for path in (path for folder in folders for path in (*unit_files(folder), *(link for link, _target in unit_links(folder)))):
        assert any(fnmatch.fnmatchcase(path, pattern) for pattern in excluded), path
        assert is_ours(path)


def test_a_user_may_leave_something_out_but_not_all():
    assert plan_paths(["/srv"], ["*.log", "/srv/data"]).excluded == ("*.log", "/srv/data")
    for pattern in ("/srv", "/srv/", "/", ""):
        with pytest.raises(BadInput, match="left out"):
            plan_paths(["/srv"], [pattern])


@given(st.text(alphabet="ab*?[]!/\\ ", min_size=1), st.text(alphabet="ab*?[]!/\\ ", min_size=1))
def test_a_literal_pattern_matches_just_its_path(path, other):
    assert fnmatch.fnmatchcase(path, literal(path))
    assert fnmatch.fnmatchcase(other, literal(path)) == (path == other)


def test_the_default_paths_can_be_recorded_all():
    assert plan_paths(DEFAULT_PATHS).paths == DEFAULT_PATHS
