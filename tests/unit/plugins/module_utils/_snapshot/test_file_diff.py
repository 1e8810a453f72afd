# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences of files in words."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.file_diff import describe_changes, describe_tree_diff
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Change, Entry, EntryChange
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.tree_diff import Pair, TreeDiff

pytestmark = pytest.mark.feature("A12")

FILE = Entry("a", "file", 0o644, 0, 0, 10, 1_000_000_000, 1, 1, 1, 8)
FOLDER = FILE._replace(kind="folder", path="d")


def changed(*pairs: tuple[Entry, Entry, tuple[str, ...]]) -> list[Change]:
    return describe_tree_diff("/srv", TreeDiff((), (), tuple(Pair(*pair) for pair in pairs), ()))


@pytest.mark.parametrize(
    ("now", "fields", "before", "after"),
    [
        (FILE._replace(size=12, mtime_ns=2), ("content", "times"), "content of 10 bytes", "content of 12 bytes"),
        (FILE._replace(mtime_ns=2), ("content", "times"), "content of 10 bytes", "other content of 10 bytes"),
        (FILE._replace(mode=0o4755), ("mode",), "mode 0644", "mode 4755"),
        (FILE._replace(uid=1, gid=2), ("owner", "mode"), "owner 0:0, mode 0644", "owner 1:2, mode 0644"),
        (FILE._replace(kind="link", target="/x"), ("kind",), "file, mode 0644, owner 0:0, 10 bytes", "link to /x"),
        (
            FILE._replace(mtime_ns=1_500_000_000),
            ("times",),
            "modified 1970-01-01 00:00:01.000000000 UTC",
            "modified 1970-01-01 00:00:01.500000000 UTC",
        ),
        (FILE._replace(xattrs=(("user.a", b"1"),)), ("xattrs",), "user.a not set", "user.a set"),
        (FILE._replace(links=2), ("links",), "1 name, hard links as recorded", "2 names, hard links not as recorded"),
    ],
)
def test_what_differs_is_told_and_the_rest_is_not(now, fields, before, after):
    assert changed((FILE, now, fields)) == [Change("files", "/srv/a", before, after)]


def test_what_came_and_went():
    diff = TreeDiff((FILE,), (FOLDER, FILE._replace(path=".", kind="link", target="/t")), (), (), (FILE._replace(path="m"),))
    assert describe_tree_diff("/srv", diff) == [
        Change("files", "/srv", "link to /t", ""),
        Change("files", "/srv/a", "", "file, mode 0644, owner 0:0, 10 bytes"),
        Change("files", "/srv/d", "folder, mode 0644, owner 0:0", ""),
        Change("files", "/srv/m", "file, mode 0644, owner 0:0, 10 bytes", "another file system is mounted there"),
    ]


def test_of_a_folder_in_which_something_was_made_only_that_is_told():
    assert changed((FOLDER, FOLDER._replace(mtime_ns=3), ("times",))) == []
    assert len(changed((FOLDER, FOLDER._replace(mtime_ns=3, mode=0o700), ("mode", "times")))) == 1


def test_without_entries():
    changes = [EntryChange("/a", "added"), EntryChange("/b", "removed"), EntryChange("/c", "changed", ("content", "mode"))]
    assert describe_changes(changes) == [
        Change("files", "/a", "", "there"),
        Change("files", "/b", "there", ""),
        Change("files", "/c", "as recorded", "other content, mode"),
    ]
