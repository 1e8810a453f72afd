# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder in which new entries are made."""

from __future__ import annotations

import io
import os
import struct
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Entry
from ansible_collections.guarded.deploy.plugins.module_utils._tree.descend import open_folder
from ansible_collections.guarded.deploy.plugins.module_utils._tree.staging import Staging, dress, remove_leftovers

FILE = Entry("a", "file", 0o4750, 33, 34, 4, 1_600_000_000_000_000_001, 0, 1, 1, 8)


@pytest.fixture
def staging(tmp_path: Path) -> t.Iterator[Staging]:
    parent = open_folder(str(tmp_path))
    made = Staging(parent)
    os.close(parent)
    yield made
    made.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.feature("A6")
def test_nobody_else_can_enter_it(staging: Staging) -> None:
    found = os.fstat(staging.folder)
    assert (found.st_mode & 0o7777, found.st_uid) == (0o700, os.geteuid())


@pytest.mark.feature("A6")
def test_a_default_acl_of_the_tree_lets_nobody_in(tmp_path: Path) -> None:
    # u::rwx,u:33:rwx,g::rwx,m::rwx,o::rwx
    entries = [(1, 7, -1), (2, 7, 33), (4, 7, -1), (16, 7, -1), (32, 7, -1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(tmp_path, "system.posix_acl_default", acl)
    parent = open_folder(str(tmp_path))
    made = Staging(parent)
    os.close(parent)
    assert os.fstat(made.folder).st_mode & 0o7777 == 0o700
    _name, descriptor = made.make_file(io.BytesIO(b"1234"), False, 4)
    dress(descriptor, FILE, fresh=True)
    assert os.listxattr(descriptor) == []
    os.close(descriptor)
    made.close()


@pytest.mark.feature("A6")
def test_a_file_gets_all_that_was_recorded(staging: Staging) -> None:
    entry = FILE._replace(xattrs=(("user.x", b"1"),))
    name, descriptor = staging.make_file(io.BytesIO(b"1234"), False, 4)
    dress(descriptor, entry, fresh=True)
    found = os.stat(name, dir_fd=staging.folder)
    os.close(descriptor)
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o4750, 33, 34)
    assert (found.st_mtime_ns, found.st_atime_ns, found.st_size) == (entry.mtime_ns, entry.mtime_ns, 4)


@pytest.mark.feature("A13")
def test_a_content_of_another_size_is_not_kept(staging: Staging) -> None:
    with pytest.raises(OSError, match="holds 3 bytes of its content instead of 4"):
        staging.make_file(io.BytesIO(b"123"), False, 4)
    assert os.listdir(staging.folder) == []


def test_only_what_is_ours_is_a_leftover(tmp_path: Path) -> None:
    ours, others_mode, others_owner, link = (f".guarded-deploy.0123456789abcde{digit}" for digit in "0123")
    short, longer = ".guarded-deploy.0123456789abcde", "x.guarded-deploy.0123456789abcdef"
    for name in (ours, others_mode, others_owner, short, longer):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "1").write_text("")
    os.chmod(tmp_path / others_mode, 0o755)
    os.chown(tmp_path / others_owner, 33, 33)
    (tmp_path / link).symlink_to("/etc")
    parent = open_folder(str(tmp_path))
    remove_leftovers(parent)
    os.close(parent)
    assert sorted(os.listdir(tmp_path)) == sorted([others_mode, others_owner, link, short, longer])
