# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks over real trees."""

from __future__ import annotations

import errno
import gc
import os
import resource
import socket
import stat
import struct
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Denied, LinkInPath
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EXCLUDED, MOUNTED, Entry, Tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree import walk as walking
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)


def by_path(tree: Tree) -> dict[str, Entry]:
    return {entry.path: entry for entry in tree.entries}


@pytest.mark.feature("A6")
def test_every_kind_of_entry_with_what_the_kernel_tells(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "file").write_bytes(b"12345")
    os.chown(root / "file", 33, 65534)
    os.chmod(root / "file", 0o4640)
    os.utime(root / "file", ns=(5, 1_700_000_000_123_456_789))
    (root / "folder").mkdir()
    (root / "folder" / "inside").write_bytes(b"")
    (root / "link").symlink_to("/nowhere/at all")
    os.mkfifo(root / "fifo", 0o600)
    os.mknod(root / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    os.link(root / "file", root / "name2")
    tree = walk(str(root))
    found = by_path(tree)
    assert [entry.path for entry in tree.entries] == [".", "fifo", "file", "link", "name2", "null", "socket", "folder", "folder/inside"]
    kinds = {path: entry.kind for path, entry in found.items()}
    assert kinds == {
        ".": "folder", "fifo": "fifo", "file": "file", "link": "link", "name2": "file", "null": "device", "socket": "socket",
        "folder": "folder", "folder/inside": "file",
    }  # fmt: skip
    file, stated = found["file"], os.lstat(root / "file")
    assert file[2:11] == (
        0o4640, 33, 65534, 5, 1_700_000_000_123_456_789, stated.st_ctime_ns, stated.st_ino, 2, stated.st_blocks,
    )  # fmt: skip
    assert found["name2"] == file._replace(path="name2")
    assert found["link"].target == "/nowhere/at all"
    assert found["null"].target == "c 1:3"
    assert (tree.root, tree.left_out, tree.excluded, tree.one_file_system) == (str(root), (), (), True)


@pytest.mark.feature("A6")
def test_attributes_are_raw_and_a_links_own(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "file").write_bytes(b"")
    (root / "link").symlink_to("file")
    os.setxattr(root / "file", "user.x", b"\0\xff")
    os.setxattr(root / "file", "security.capability", CAPABILITY)
    os.setxattr(root / "link", "trusted.y", b"link's", follow_symlinks=False)
    subprocess.run(["setfacl", "-m", "u:33:rwx", "-m", "d:u:33:r", str(root)], check=True)
    found = by_path(walk(str(root)))
    assert found["file"].xattrs == (("security.capability", CAPABILITY), ("user.x", b"\0\xff"))
    assert found["link"].xattrs == (("trusted.y", b"link's"),)
    assert [name for name, _value in found["."].xattrs] == ["system.posix_acl_access", "system.posix_acl_default"]
    assert all(not entry.xattrs for entry in walk(str(root), xattrs=False).entries)


@pytest.mark.feature("A6")
@pytest.mark.parametrize("name", [b"line\nbreak", b"\xff\xfe", b" ", b"-rf", b"l" * 255, b"\x01"])
def test_any_name_survives(tmp_path: Path, name: bytes) -> None:
    with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
        pass
    (entry,) = [entry for entry in walk(str(tmp_path)).entries if entry.path != "."]
    assert os.fsencode(entry.path) == name


@pytest.mark.feature("A6")
def test_nothing_there_is_an_empty_tree_and_any_root_is_recorded(tmp_path: Path) -> None:
    assert walk(str(tmp_path / "missing")).entries == ()
    assert walk(str(tmp_path / "missing" / "below")).entries == ()
    (tmp_path / "file").write_bytes(b"1")
    assert walk(str(tmp_path / "file" / "below")).entries == ()
    (tmp_path / "link").symlink_to("file")
    for name, kind in (("file", "file"), ("link", "link")):
        (entry,) = walk(str(tmp_path / name)).entries
        assert (entry.path, entry.kind) == (".", kind)


@pytest.mark.feature("A6")
def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "away").symlink_to("/etc")
    assert [entry.path for entry in walk(str(tmp_path / "tree")).entries] == [".", "away"]
    (tmp_path / "link").symlink_to("tree")
    with pytest.raises(LinkInPath, match="link"):
        walk(str(tmp_path / "link" / "below"))
    with pytest.raises(BadInput):
        walk(str(tmp_path) + "/")


def test_what_is_excluded_is_left_out_with_all_below(tmp_path: Path) -> None:
    for path in ("cache/deep/file", "keep/x.log", "keep/y"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    tree = walk(str(tmp_path), [f"{tmp_path}/cache", "*.log"])
    assert [entry.path for entry in tree.entries] == [".", "keep", "keep/y"]
    assert set(tree.left_out) == {("cache", EXCLUDED), ("keep/x.log", EXCLUDED)}
    assert tree.excluded == (f"{tmp_path}/cache", "*.log")


def test_what_an_earlier_walk_left_out_stays_out(tmp_path: Path) -> None:
    (tmp_path / "was").mkdir()
    (tmp_path / "was" / "file").write_bytes(b"")
    tree = walk(str(tmp_path), left_out=(("was", MOUNTED),))
    assert [entry.path for entry in tree.entries] == ["."]
    assert tree.left_out == (("was", MOUNTED),)


@pytest.mark.feature("A6")
@pytest.mark.parametrize("kind", ["tmpfs", "bind", "bound file"])
def test_mount_points_are_not_entered(tmp_path: Path, kind: str) -> None:
    root, source = tmp_path / "tree", tmp_path / "source"
    (root / "point").mkdir(parents=True)
    (source / "below").mkdir(parents=True)
    (source / "file").write_bytes(b"outside")
    (root / "file").write_bytes(b"")
    point = root / ("file" if kind == "bound file" else "point")
    mount = {"tmpfs": ["-t", "tmpfs", "none"], "bind": ["--bind", str(source)], "bound file": ["--bind", str(source / "file")]}[kind]
    subprocess.run(["mount", *mount, str(point)], check=True)
    try:
        (source / "below" / "seen").write_bytes(b"")
        tree = walk(str(root))
        entered = walk(str(root), one_file_system=False)
    finally:
        subprocess.run(["umount", str(point)], check=True)
    assert tree.left_out == ((point.name, MOUNTED),)
    assert point.name not in by_path(tree)
    assert point.name in by_path(entered)
    assert ("point/below/seen" in by_path(entered)) is (kind == "bind")


@pytest.mark.parametrize("is_mounted", [True, False])
def test_a_mount_that_keeps_root_out_is_no_failed_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_mounted: bool) -> None:
    """A user's FUSE mount that appeared after the mount points were read."""
    (tmp_path / "point").mkdir()
    answers = iter([frozenset[str](), frozenset({"point"} if is_mounted else ())])
    monkeypatch.setattr(walking, "read_mount_points", lambda root: next(answers))
    real = walking.open_below

    def open_below(folder: int, path: str) -> int:
        if path == "point":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(folder, path)

    monkeypatch.setattr(walking, "open_below", open_below)
    if is_mounted:
        assert walk(str(tmp_path)).left_out == (("point", MOUNTED),)
    else:
        with pytest.raises(Denied, match=f"{tmp_path}/point: Permission denied"):
            walk(str(tmp_path))


def test_what_is_known_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("same", "changed"):
        (tmp_path / name).write_bytes(b"")
    time.sleep(0.02)
    known = walk(str(tmp_path)).entries
    os.setxattr(tmp_path / "changed", "user.x", b"1")
    real, asked = os.listxattr, list[str]()

    def listxattr(path: str, **options: bool) -> list[str]:
        asked.append(os.path.basename(path))
        return real(path, **options)

    monkeypatch.setattr(os, "listxattr", listxattr)
    found = by_path(walk(str(tmp_path), known=known))
    assert asked == ["changed"]
    assert found["changed"].xattrs == (("user.x", b"1"),)
    assert found["same"] is by_path(Tree("", known))["same"]


def test_a_tree_may_be_deeper_than_there_are_descriptors(tmp_path: Path) -> None:
    depth, here = 1500, os.open(tmp_path, os.O_RDONLY)
    for _round in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        tree = walk(str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
    assert len(tree.entries) == depth + 1


def test_the_collector_is_on_again_and_no_descriptor_is_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    before = os.listdir("/proc/self/fd")
    walk(str(tmp_path))
    assert gc.isenabled()
    assert os.listdir("/proc/self/fd") == before
