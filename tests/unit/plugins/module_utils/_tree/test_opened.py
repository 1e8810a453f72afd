# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree held open by its root."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import LinkInPath, NothingThere
from ansible_collections.guarded.deploy.plugins.module_utils._tree.opened import OpenedTree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "folder").mkdir(parents=True)
    (tmp_path / "tree" / "folder" / "file").write_text("content")
    return tmp_path / "tree"


@pytest.mark.feature("A6")
def test_a_file_is_read_by_its_path_in_the_tree(root: Path) -> None:
    with OpenedTree(str(root)) as tree, os.fdopen(tree.open_regular("folder/file")) as file:
        assert file.read() == "content"


@pytest.mark.feature("A6")
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_only_a_regular_file_is_opened(root: Path, kind: str) -> None:
    {"link": lambda path: path.symlink_to("/etc/passwd"), "fifo": os.mkfifo, "folder": Path.mkdir}[kind](root / "other")
    with OpenedTree(str(root)) as tree, pytest.raises(OSError, match="no regular file") as caught:
        tree.open_regular("other")
    assert caught.value.errno == errno.ESTALE


@pytest.mark.feature("A6")
def test_a_link_in_place_of_a_folder_leads_nowhere(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (root / "away").symlink_to(tmp_path / "outside")
    with OpenedTree(str(root)) as tree:
        for look in (tree.folder, tree.open_regular, tree.hold):
            with pytest.raises(NotADirectoryError):
                look("away/file" if look != tree.folder else "away")


def test_many_folders_need_few_descriptors(root: Path) -> None:
    for number in range(300):
        (root / str(number)).mkdir()
    with OpenedTree(str(root)) as tree:
        for number in range(300):
            assert os.path.samestat(os.fstat(tree.folder(str(number))), os.stat(root / str(number)))
        assert len(os.listdir("/proc/self/fd")) < 200


@pytest.mark.feature("A6")
def test_a_missing_parent_is_made_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "tree"
    with pytest.raises(NothingThere):
        OpenedTree(str(path))
    with OpenedTree(str(path), make_parent=True) as tree:
        folder, name = tree.place(".")
        assert (os.readlink(f"/proc/self/fd/{folder}"), name) == (str(path.parent), "tree")
    assert os.stat(path.parent).st_mode & 0o7777 == 0o755
    (tmp_path / "way").symlink_to("one")
    with pytest.raises(LinkInPath):
        OpenedTree(str(tmp_path / "way" / "three" / "tree"), make_parent=True)
