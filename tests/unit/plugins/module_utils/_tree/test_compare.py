# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded trees compared with the host and with each other."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Damaged
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EntryChange, Tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.compare import compare_recorded, compare_tree, compare_with_host
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from builders.copied_contents import CopiedContents


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("a", "b"):
        (root / name).write_text(f"content of {name}")
    os.link(root / "b", root / "same")
    return root


def record(root: Path, copy: Path) -> tuple[Tree, CopiedContents]:
    time.sleep(0.02)
    return walk(str(root)), CopiedContents(str(root), copy)


class Damage(CopiedContents):
    def open(self, path: str) -> t.BinaryIO:
        raise Damaged(f"{path} is not there")


@pytest.mark.feature("A12")
def test_two_records_are_compared_by_content(root: Path, tmp_path: Path) -> None:
    before = record(root, tmp_path / "one")
    for name in ("a", "b"):
        (root / name).write_text((root / name).read_text())  # the same again
        os.utime(root / name, ns=(1, 1))
    (root / "a").write_text("CONTENT OF a")
    after = record(root, tmp_path / "other")
    assert compare_recorded(*before, *after) == (
        EntryChange(f"{root}/a", "changed", ("content", "times")),
        EntryChange(f"{root}/b", "changed", ("times",)),
        EntryChange(f"{root}/same", "changed", ("times",)),
    )
    assert sorted(before[1].opened) == ["a", "b"], "a file with two names is read once"
    assert compare_recorded(*before, *before) == ()


@pytest.mark.feature("A12")
def test_a_file_is_not_equal_because_it_could_not_be_read(root: Path, tmp_path: Path) -> None:
    tree, contents = record(root, tmp_path / "copy")
    os.utime(root / "a")
    broken = Damage(str(root), tmp_path / "broken")
    with pytest.raises(CouldNotLook, match=f"{root}/a cannot be compared: a is not there"):
        compare_tree(tree, broken)
    with pytest.raises(CouldNotLook, match="cannot be compared"):
        compare_recorded(tree, broken, walk(str(root)), contents)
    found = compare_with_host(tree, broken)
    assert [pair.before.path for pair in found.diff.unsure] == ["a"]
    assert len(found.failures) == 1


def test_nothing_is_left_open(root: Path, tmp_path: Path) -> None:
    tree, contents = record(root, tmp_path / "copy")
    os.utime(root / "a")
    before = os.listdir("/proc/self/fd")
    compare_tree(tree, contents)
    assert os.listdir("/proc/self/fd") == before
