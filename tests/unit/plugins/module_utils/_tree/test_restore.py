# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees brought back: what is set right, what is left alone, what fails."""

from __future__ import annotations

import io
import os
import shutil
import socket
import struct
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Damaged, LinkInPath
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EntryChange, Tree, TreeOutcome
from ansible_collections.guarded.deploy.plugins.module_utils._tree.compare import compare_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.restore import restore_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from builders.copied_contents import CopiedContents

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)


class Recorded:
    """A tree with files ``a``, ``b``, ``folder/c``, ``folder/sub/d``, a link and a FIFO, and its record."""

    def __init__(self, place: Path, copy: Path | None = None) -> None:
        self.copy = copy or place / "copy"
        self.root = place / "tree"
        (self.root / "folder" / "sub").mkdir(parents=True)
        for name in ("a", "b", "folder/c", "folder/sub/d"):
            (self.root / name).write_text(f"content of {name}")
        (self.root / "link").symlink_to("a")
        os.mkfifo(self.root / "fifo")
        for path in (self.root, *self.root.rglob("*")):
            os.utime(path, ns=(0, 1_600_000_000_000_000_000), follow_symlinks=False)
        self.record()

    def record(self, excluded: t.Sequence[str] = ()) -> None:
        time.sleep(0.02)  # until what was written is older than the clock that stamps changes
        self.tree: Tree = walk(str(self.root), excluded)
        shutil.rmtree(self.copy, ignore_errors=True)
        self.contents = CopiedContents(str(self.root), self.copy)

    def restore(self, check: bool = False) -> TreeOutcome:
        return restore_tree(self.tree, self.contents, check)

    def changes(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What differs, with paths relative to the root."""
        found = compare_tree(self.tree, self.contents)
        return [(os.path.relpath(change.path, self.root), change.what, change.fields) for change in found]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def keep_times(change: t.Callable[[Path], object]) -> t.Callable[[Path], object]:
    def work(root: Path) -> None:
        found = os.stat(root)
        change(root)
        os.utime(root, ns=(found.st_atime_ns, found.st_mtime_ns))

    return work


def write_secretly(root: Path) -> None:
    found = os.stat(root / "a")
    (root / "a").write_text("CONTENT OF a")
    os.utime(root / "a", ns=(0, found.st_mtime_ns))


def to_link(root: Path) -> None:
    shutil.rmtree(root / "folder")
    (root / "folder").symlink_to("/etc")


def relink(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("/elsewhere")


# What is done, and what is said of it.
CHANGES: dict[str, tuple[t.Callable[[Path], object], list[tuple[str, str, tuple[str, ...]]]]] = {
    "edit": (lambda root: (root / "a").write_text("longer than it was"), [("a", "changed", ("content", "times"))]),
    "edit that keeps size and mtime": (write_secretly, [("a", "changed", ("content",))]),
    "touch": (lambda root: os.utime(root / "a"), [("a", "changed", ("times",))]),
    "touch of a link": (lambda root: os.utime(root / "link", ns=(1, 1), follow_symlinks=False), [("link", "changed", ("times",))]),
    "chmod": (lambda root: os.chmod(root / "a", 0o600), [("a", "changed", ("mode",))]),
    "chmod of a folder": (lambda root: os.chmod(root / "folder", 0o1777), [("folder", "changed", ("mode",))]),
    "chmod of a fifo": (lambda root: os.chmod(root / "fifo", 0o600), [("fifo", "changed", ("mode",))]),
    "chown": (lambda root: os.chown(root / "a", 33, 34), [("a", "changed", ("owner",))]),
    "chown of a link": (lambda root: os.chown(root / "link", 33, 34, follow_symlinks=False), [("link", "changed", ("owner",))]),
    "xattr": (lambda root: os.setxattr(root / "a", "user.x", b"1"), [("a", "changed", ("xattrs",))]),
    "xattr of a link": (
        lambda root: os.setxattr(root / "link", "trusted.x", b"1", follow_symlinks=False),
        [("link", "changed", ("xattrs",))],
    ),
    "capability": (lambda root: os.setxattr(root / "a", "security.capability", CAPABILITY), [("a", "changed", ("xattrs",))]),
    "acl": (
        lambda root: subprocess.run(["setfacl", "-m", "u:33:rwx", str(root / "b")], check=True),
        [("b", "changed", ("mode", "xattrs"))],
    ),
    "default acl": (
        lambda root: subprocess.run(["setfacl", "-d", "-m", "u:33:rwx", str(root / "folder")], check=True),
        [("folder", "changed", ("xattrs",))],
    ),
    "target": (keep_times(relink), [("link", "changed", ("target", "times"))]),
    "new file": (keep_times(lambda root: (root / "new").write_text("")), [("new", "added", ())]),
    "new folder": (
        keep_times(lambda root: [(root / "new" / "x").mkdir(parents=True), (root / "new" / "x" / "y").write_text("")]),
        [("new", "added", ()), ("new/x", "added", ()), ("new/x/y", "added", ())],
    ),
    "removed file": (keep_times(lambda root: (root / "a").unlink()), [("a", "removed", ())]),
    "removed fifo": (keep_times(lambda root: (root / "fifo").unlink()), [("fifo", "removed", ())]),
    "removed folder": (
        keep_times(lambda root: shutil.rmtree(root / "folder")),
        [("folder", "removed", ()), ("folder/c", "removed", ()), ("folder/sub", "removed", ()), ("folder/sub/d", "removed", ())],
    ),
    "folder becomes a link": (
        keep_times(to_link),
        [("folder", "changed", ("kind",)), ("folder/c", "removed", ()), ("folder/sub", "removed", ()), ("folder/sub/d", "removed", ())],
    ),
    "file becomes a folder": (
        keep_times(lambda root: [(root / "a").unlink(), (root / "a" / "in").mkdir(parents=True)]),
        [("a", "changed", ("kind",)), ("a/in", "added", ())],
    ),
    "link becomes a file": (
        keep_times(lambda root: [(root / "link").unlink(), (root / "link").write_text("x")]),
        [("link", "changed", ("kind",))],
    ),
    "a second name": (keep_times(lambda root: os.link(root / "a", root / "again")), [("again", "added", ())]),
    "two files become one": (
        keep_times(lambda root: [(root / "b").unlink(), os.link(root / "a", root / "b")]),
        [("a", "changed", ("links",)), ("b", "changed", ("content", "links"))],
    ),
}


@pytest.mark.feature("A6", "A11")
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told_and_undone(recorded: Recorded, what: str) -> None:
    change, expected = CHANGES[what]
    change(recorded.root)
    assert walk(str(recorded.root), known=recorded.tree.entries) == walk(str(recorded.root)), "a change hides behind what is known"
    assert recorded.changes() == expected
    assert [(os.path.relpath(found.path, recorded.root), *found[1:]) for found in recorded.restore(check=True).changes] == expected
    assert recorded.changes() == expected, "check mode changed something"
    outcome = recorded.restore()
    assert outcome.failures == ()
    assert len(outcome.changes) == len(expected)
    assert recorded.changes() == []
    assert walk(str(recorded.root)).entries[0].path == "."
    assert not [name for name in os.listdir(recorded.root) if name.startswith(".guarded")]
    assert recorded.restore() == TreeOutcome((), ())


@pytest.mark.feature("A11")
def test_what_is_right_is_not_touched(recorded: Recorded) -> None:
    before = {entry.path: entry for entry in recorded.tree.entries}
    (recorded.root / "folder" / "c").write_text("changed")
    recorded.restore()
    after = {entry.path: entry for entry in walk(str(recorded.root)).entries}
    changed = {path for path in before if (before[path].inode, before[path].ctime_ns) != (after[path].inode, after[path].ctime_ns)}
    assert changed == {".", "folder", "folder/c"}  # the folders' times were brought back, too


@pytest.mark.feature("A13")
def test_content_is_read_only_where_the_inode_tells_of_a_change(recorded: Recorded) -> None:
    recorded.contents.opened.clear()
    os.chmod(recorded.root / "b", 0o600)
    recorded.changes()
    assert recorded.contents.opened == ["b"]


@pytest.mark.feature("A6")
@pytest.mark.parametrize("gone", [("one",), ("one", "two"), ("one", "two", "three")])
def test_names_of_one_file_are_names_of_one_file_again(tmp_path: Path, gone: tuple[str, ...]) -> None:
    recorded = Recorded(tmp_path)
    (recorded.root / "one").write_text("shared")
    os.link(recorded.root / "one", recorded.root / "folder" / "two")
    os.link(recorded.root / "one", recorded.root / "three")
    recorded.record()
    inode = os.stat(recorded.root / "one").st_ino
    for name in gone:
        path = recorded.root / ("folder/two" if name == "two" else name)
        path.unlink()
        path.write_text("alone")
    assert recorded.restore().failures == ()
    found = [os.stat(recorded.root / name) for name in ("one", "folder/two", "three")]
    assert len({stated.st_ino for stated in found}) == 1
    assert found[0].st_nlink == 3
    assert (found[0].st_ino == inode) is (len(gone) < 3), "a name that was right should keep its file"
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_names_of_one_link_and_of_one_fifo_too(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    for name in ("link", "fifo"):
        os.link(recorded.root / name, recorded.root / "folder" / name, follow_symlinks=False)
    recorded.record()
    for name in ("link", "fifo"):
        (recorded.root / name).unlink()
    assert recorded.restore().failures == ()
    for name in ("link", "fifo"):
        assert os.path.samestat(os.lstat(recorded.root / name), os.lstat(recorded.root / "folder" / name))
    assert recorded.changes() == []


@pytest.mark.feature("A6")
@pytest.mark.parametrize("change", ["mode", "content"])
def test_a_file_with_a_name_outside_the_tree_is_not_changed_in_place(recorded: Recorded, tmp_path: Path, change: str) -> None:
    """Whoever may write in the tree may have linked another's file there."""
    outside = tmp_path / "outside"
    outside.write_text("another's")
    os.chmod(outside, 0o600)
    (recorded.root / "a").unlink()
    os.link(outside, recorded.root / "a")
    if change == "mode":
        recorded.record()
        os.chmod(outside, 0o640)
    assert recorded.restore().failures == ()
    assert outside.read_text() == "another's"
    assert os.stat(outside).st_mode & 0o7777 == (0o640 if change == "mode" else 0o600)
    assert os.stat(outside).st_nlink == 1
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_what_root_gets_back_is_not_open_for_anybody(recorded: Recorded) -> None:
    """A user who was given a file of root's may still have it open when it is root's again."""
    os.chown(recorded.root / "a", 33, 33)
    with open(recorded.root / "a", "r+") as kept:
        assert recorded.restore().failures == ()
        kept.write("evil")
    assert (recorded.root / "a").read_text() == "content of a"
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_holes_stay_holes(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    with open(recorded.root / "sparse", "wb") as file:
        file.seek(30 << 20)
        file.write(b"data")
        file.truncate(64 << 20)
    with open(recorded.root / "zeros", "wb") as file:
        file.write(bytes(1 << 20))
    recorded.record()
    for name in ("sparse", "zeros"):
        (recorded.root / name).unlink()
    assert recorded.restore().failures == ()
    assert os.stat(recorded.root / "sparse").st_blocks * 512 <= 64 << 10
    assert os.stat(recorded.root / "zeros").st_blocks * 512 >= 1 << 20, "zeros that were written are not made a hole"
    assert recorded.changes() == []


@pytest.mark.feature("A6")
@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_a_root_that_is_no_folder(tmp_path: Path, kind: str) -> None:
    recorded = Recorded(tmp_path)
    shutil.rmtree(recorded.root)
    root = recorded.root
    {"file": lambda: root.write_text("x"), "link": lambda: root.symlink_to("y"), "fifo": lambda: os.mkfifo(root)}[kind]()
    time.sleep(0.02)
    tree = walk(str(recorded.root))
    contents = CopiedContents(str(recorded.root), tmp_path / "of_root")
    recorded.root.unlink()
    (recorded.root / "now" / "a folder").mkdir(parents=True)
    for name in (".guarded-deploy.0123456789abcdef", ".guarded-deploy.mine"):
        (tmp_path / name).mkdir(mode=0o700)
    assert restore_tree(tree, contents).failures == ()
    assert compare_tree(tree, contents) == ()
    assert sorted(os.listdir(tmp_path)) == [".guarded-deploy.mine", "copy", "of_root", "tree"]


@pytest.mark.feature("A6", "A11")
def test_a_path_that_was_not_there_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "new"
    tree = walk(str(root))
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_text("")
    contents = CopiedContents(str(root), tmp_path / "copy")
    outcome = restore_tree(tree, contents)
    assert outcome == TreeOutcome(tuple(EntryChange(str(path), "added") for path in (root, root / "sub", root / "sub" / "file")), ())
    assert not root.exists()


@pytest.mark.feature("A6")
def test_a_tree_whose_parent_is_gone_is_made_again(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path / "one" / "two", tmp_path / "copy")
    shutil.rmtree(tmp_path / "one")
    assert recorded.restore().failures == ()
    assert recorded.changes() == []


@pytest.mark.feature("A11")
def test_what_was_left_out_is_left_alone(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    (recorded.root / "cache").mkdir()
    recorded.record(["cache", "*.log"])
    (recorded.root / "cache" / "new").write_text("")
    (recorded.root / "new.log").write_text("")
    (recorded.root / "added" / "deep").mkdir(parents=True)
    (recorded.root / "added" / "deep" / "x.log").write_text("")
    (recorded.root / "added" / "other").write_text("")
    outcome = recorded.restore()
    assert outcome.failures == ()
    assert recorded.changes() == []
    assert (recorded.root / "cache" / "new").exists()
    assert (recorded.root / "new.log").exists()
    assert (recorded.root / "added" / "deep" / "x.log").exists()
    assert not (recorded.root / "added" / "other").exists()


@pytest.mark.feature("A11")
def test_mount_points_are_left_alone(recorded: Recorded, tmp_path: Path) -> None:
    (recorded.root / "new").mkdir()
    for point in ("new", "folder"):
        subprocess.run(["mount", "-t", "tmpfs", "none", str(recorded.root / point)], check=True)
    try:
        (recorded.root / "new" / "file").write_text("elsewhere")
        (recorded.root / "a").unlink()
        outcome = recorded.restore()
        assert (recorded.root / "new" / "file").exists()
        assert len(outcome.failures) == 1
        assert str(recorded.root / "folder") in outcome.failures[0]
        assert "mounted" in outcome.failures[0]
        assert (recorded.root / "a").exists(), "one entry that fails stops the others"
        assert ("folder", "changed", ("kind",)) in recorded.changes()
    finally:
        for point in ("new", "folder"):
            subprocess.run(["umount", str(recorded.root / point)], check=True)
    (recorded.root / "new").rmdir()
    assert recorded.restore().failures == ()
    assert recorded.changes() == []


@pytest.mark.feature("A11")
def test_what_lay_under_a_mount_when_it_was_recorded_is_left_alone(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    (recorded.root / "point").mkdir()
    (recorded.root / "point" / "under").write_text("was hidden then")
    subprocess.run(["mount", "-t", "tmpfs", "none", str(recorded.root / "point")], check=True)
    try:
        recorded.record()
    finally:
        subprocess.run(["umount", str(recorded.root / "point")], check=True)
    (recorded.root / "a").unlink()
    assert recorded.restore().failures == ()
    assert (recorded.root / "point" / "under").read_text() == "was hidden then"
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_an_owner_that_comes_back_takes_no_rights_away(tmp_path: Path) -> None:
    """A change of owner takes capabilities and the setuid bit from a file."""
    recorded = Recorded(tmp_path)
    for name in ("a", "b"):
        os.chown(recorded.root / name, 33, 33)
    os.setxattr(recorded.root / "a", "security.capability", CAPABILITY)
    os.chmod(recorded.root / "b", 0o4755)
    recorded.record()
    for name in ("a", "b"):
        os.chown(recorded.root / name, 0, 0)
    assert recorded.restore().failures == ()
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_sockets_are_left_to_who_listens(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    with socket.socket(socket.AF_UNIX) as old, socket.socket(socket.AF_UNIX) as new, socket.socket(socket.AF_UNIX) as inside:
        old.bind(str(recorded.root / "old"))
        recorded.record()
        new.bind(str(recorded.root / "folder" / "new"))
        (recorded.root / "added").mkdir()
        inside.bind(str(recorded.root / "added" / "s"))
    (recorded.root / "old").unlink()
    assert recorded.restore().failures == ()
    assert recorded.changes() == []
    assert sorted(os.listdir(recorded.root / "folder")) == ["c", "new", "sub"]
    assert not (recorded.root / "added").exists(), "a folder of the change's goes with its socket"


@pytest.mark.feature("A11", "A15")
def test_what_cannot_be_changed_is_named_and_does_not_stop_the_rest(recorded: Recorded) -> None:
    for name in ("a", "folder/c"):
        (recorded.root / name).write_text("changed")
    subprocess.run(["chattr", "+i", str(recorded.root / "a")], check=True)
    try:
        outcome = recorded.restore()
    finally:
        subprocess.run(["chattr", "-i", str(recorded.root / "a")], check=True)
    assert len(outcome.failures) == 1
    assert f"{recorded.root}/a was not brought back: Operation not permitted (is it immutable" in outcome.failures[0]
    assert [path for path, *_rest in recorded.changes()] == ["a"]
    assert recorded.restore().failures == ()
    assert recorded.changes() == []


@pytest.mark.feature("A11")
def test_a_full_file_system_is_a_failure_and_leaves_no_half_file(tmp_path: Path) -> None:
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(point)], check=True)
    try:
        recorded = Recorded(point, tmp_path / "copy")
        (recorded.root / "big").write_bytes(os.urandom(600_000))
        recorded.record()
        (recorded.root / "big").write_text("small")
        with open(point / "filler", "wb") as file:
            file.write(bytes(os.statvfs(point).f_bavail * 4096 - 100_000))
        outcome = recorded.restore()
        assert ["No space left" in failure and "/big" in failure for failure in outcome.failures] == [True]
        assert (recorded.root / "big").read_text() == "small"
        assert not [name for name in os.listdir(recorded.root) if name.startswith(".guarded")]
        (point / "filler").unlink()
        assert recorded.restore().failures == ()
        assert recorded.changes() == []
    finally:
        subprocess.run(["umount", str(point)], check=True)


class BrokenContents(CopiedContents):
    """Contents of which one is short and one is damaged."""

    def open(self, path: str) -> t.BinaryIO:
        if path == "a":
            return io.BytesIO(b"short")
        if path == "b":
            raise Damaged("the archive's digest is another")
        return super().open(path)


@pytest.mark.feature("A13")
def test_what_the_snapshot_does_not_hold_is_never_put_in_place(recorded: Recorded, tmp_path: Path) -> None:
    for name in ("a", "b", "folder/c"):
        (recorded.root / name).unlink()
    shutil.rmtree(tmp_path / "copy")
    outcome = restore_tree(recorded.tree, BrokenContents("/dev/null", tmp_path / "copy"))
    assert not (recorded.root / "a").exists()
    assert not (recorded.root / "b").exists()
    assert len(outcome.failures) == 3
    assert "holds 5 bytes of its content instead of 12" in outcome.failures[0]
    assert "the archive's digest is another" in outcome.failures[1]


@pytest.mark.feature("A11")
def test_what_a_killed_restore_left_is_removed(recorded: Recorded) -> None:
    left = recorded.root / ".guarded-deploy.0123456789abcdef"
    left.mkdir(mode=0o700)
    (left / "1").write_text("half")
    assert recorded.restore().failures == ()
    assert recorded.changes() == []


@pytest.mark.feature("A6")
def test_a_link_on_the_way_stops_it(recorded: Recorded, tmp_path: Path) -> None:
    tree = recorded.tree._replace(root=str(tmp_path / "way" / "tree"))
    (tmp_path / "way").symlink_to(tmp_path)
    (recorded.root / "a").unlink()
    with pytest.raises(LinkInPath, match="way"):
        restore_tree(tree, recorded.contents)
    assert not (recorded.root / "a").exists()


@pytest.mark.feature("A6")
def test_a_device_that_is_gone_is_named(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    subprocess.run(["mknod", str(recorded.root / "null"), "c", "1", "3"], check=True)
    recorded.record()
    (recorded.root / "null").unlink()
    (failure,) = recorded.restore().failures
    assert f"{recorded.root}/null was not brought back: a device is not made again" in failure


def test_no_descriptor_is_left_open(recorded: Recorded) -> None:
    before = os.listdir("/proc/self/fd")
    for name in ("a", "b", "link", "fifo", "folder"):
        remove(recorded.root / name)
    recorded.restore()
    assert os.listdir("/proc/self/fd") == before
