# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exclusion patterns and mount points."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook
from ansible_collections.guarded.deploy.plugins.module_utils._tree.exclusion import compile_exclusion, parse_mount_points, read_mount_points


@pytest.mark.parametrize(
    ("patterns", "path", "excluded"),
    [
        (["/srv/app/cache"], "/srv/app/cache", True),
        (["/srv/app/cache"], "/srv/app/cache2", False),
        (["/srv/*/cache"], "/srv/a/b/cache", True),
        (["*.log"], "/srv/app/x.log", True),
        (["*.log"], "/srv/app/x.log.d", False),
        (["*.log"], "/srv/app.log/x", False),
        (["cache"], "/srv/cache", True),
        (["cache"], "/srv/mycache", False),
        (["[ab]?"], "/srv/a1", True),
        (["[ab]?"], "/srv/c1", False),
        (["x.y"], "/srv/xzy", False),
        (["line*"], "/srv/line\nbreak", True),
        (["/srv/line*"], "/srv/line\nbreak", True),
        (["none", "/srv/x", "*.tmp"], "/srv/a.tmp", True),
        (["*.udc"], "/srv/\udcff.udc", True),
    ],
)
def test_what_a_pattern_excludes(patterns: list[str], path: str, excluded: bool) -> None:
    matches = compile_exclusion(patterns)
    assert matches is not None
    assert matches(path) is excluded


def test_without_patterns_there_is_nothing_to_ask() -> None:
    assert compile_exclusion([]) is None


def test_mount_points_are_read_with_their_escapes() -> None:
    text = rb"""22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:26 / /srv/two\040words rw shared:1 - tmpfs tmpfs rw
31 22 0:27 / /srv/line\012break\134x rw - tmpfs tmpfs rw
"""
    assert parse_mount_points(text) == ["/", "/srv/two words", "/srv/line\nbreak\\x"]


def test_a_line_that_is_none_is_an_error() -> None:
    with pytest.raises(CouldNotLook, match="mountinfo"):
        parse_mount_points(b"22 1 254:0\n")


def test_mount_points_below_a_path() -> None:
    assert "proc" in read_mount_points("/")
    assert read_mount_points("/proc/self") == frozenset()
