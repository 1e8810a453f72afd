# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents out of archives that GNU tar has written, and members that are added to them."""

from __future__ import annotations

import io
import os
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Damaged
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Tree
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.tar_listing import parse_listing, plan_archiving
from ansible_collections.guarded.deploy.plugins.module_utils._tree.archive import Archive
from ansible_collections.guarded.deploy.plugins.module_utils._tree.digest import GrowingDigest, digest_file
from ansible_collections.guarded.deploy.plugins.module_utils._tree.member import read_member
from ansible_collections.guarded.deploy.plugins.module_utils._tree.reread import append_files, archive_end
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost

pytestmark = pytest.mark.feature("A6")

LONG = "n" * 200
ODD = [b"plain", b"new\nline", b"bad\xffname", b"-dash", b"\\012", os.fsencode(LONG), os.fsencode(f"{LONG}/{LONG}"), "\u00fc".encode()]


def make_sparse(path: Path, *pieces: tuple[int, bytes], size: int) -> None:
    with path.open("wb") as file:
        for offset, content in pieces:
            file.seek(offset)
            file.write(content)
        file.truncate(size)


def make_tree(root: Path) -> None:
    (root / LONG).mkdir(parents=True)
    chance = random.Random(4)
    for name in ODD:
        path = os.path.join(os.fsencode(root), name)
        if not os.path.isdir(path):
            with open(path, "wb") as file:
                file.write(chance.randbytes(chance.choice([0, 1, 511, 512, 513, 70_000])))
    make_sparse(root / "hole-at-start", (1 << 20, b"end"), size=(1 << 20) + 3)
    make_sparse(root / "hole-at-end", (0, b"start"), size=3 << 20)
    make_sparse(root / "only-hole", size=2 << 20)
    make_sparse(root / "holes", *((number << 20, b"%d" % number * 5000) for number in range(0, 40, 2)), size=50 << 20)
    make_sparse(root / LONG / "holes", (1 << 20, b"x"), size=2 << 20)
    (root / "ro").write_text("x")
    (root / "again").hardlink_to(root / "ro")
    os.setxattr(root / "ro", "user.note", b"\xff\0raw")
    (root / "link").symlink_to("ro")


def archived(root: Path, out: Path) -> tuple[Tree, list[int]]:
    plan = plan_archiving(str(out), str(root), "", ())
    subprocess.run(plan.argv, check=True, capture_output=True)
    blocks = parse_listing(Path(f"{out}.listing").read_bytes().decode("utf-8", "surrogateescape"), "listing")
    tree = walk(str(root))
    return tree, [blocks.get(entry.path, -1) for entry in tree.entries]


def test_every_content_is_what_the_file_held(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    tree, blocks = archived(tmp_path / "tree", tmp_path / "a")
    archive = Archive(str(tmp_path / "a.tar"), tree, blocks)
    paths = [entry.path for entry in tree.entries if entry.kind == "file"]
    assert len(paths) > 12
    random.Random(1).shuffle(paths)
    for path in paths:
        with archive.open(path) as content:
            assert content.read() == (tmp_path / "tree" / path).read_bytes(), path


def test_content_comes_in_pieces_of_any_size(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    archive = Archive(str(tmp_path / "a.tar"), *archived(tmp_path / "tree", tmp_path / "a"))
    expected = (tmp_path / "tree" / "holes").read_bytes()
    chance, got = random.Random(2), io.BytesIO()
    with archive.open("holes") as content, archive.open("plain") as other:
        while True:
            piece = content.read(chance.randint(1, 3 << 20))
            if not piece:
                break
            got.write(piece)
            other.read(1)  # two at a time do not disturb each other
    assert got.getvalue() == expected


def test_headers_are_read_as_pythons_own_reader_reads_them(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    os.chown(tmp_path / "tree" / "plain", 3_000_000, 4_000_000_000)
    os.chmod(tmp_path / "tree" / "plain", 0o4751)
    os.utime(tmp_path / "tree" / "plain", (1, 12345))
    archived(tmp_path / "tree", tmp_path / "a")
    with tarfile.open(tmp_path / "a.tar", encoding="utf-8", errors="surrogateescape") as archive:
        real = list(archive)
    descriptor = os.open(tmp_path / "a.tar", os.O_RDONLY)
    try:
        ours = [read_member(descriptor, member.offset // 512, "a") for member in real]
    finally:
        os.close(descriptor)
    for one, member in zip(ours, real):
        assert (one.name.rstrip("/"), one.mode, one.uid, one.gid, one.mtime) == (
            member.name,
            member.mode,
            member.uid,
            member.gid,
            member.mtime,
        )
        assert one.link == member.linkname or member.issym()
        assert one.size == (member.size if member.isfile() else 0)


def test_what_is_not_where_the_index_says_is_damage(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    tree, blocks = archived(tmp_path / "tree", tmp_path / "a")
    number = [entry.path for entry in tree.entries].index("plain")
    for wrong in (blocks[number] + 1, blocks[number - 1], 1 << 30, -1):
        shifted = [*blocks[:number], wrong, *blocks[number + 1 :]]
        with pytest.raises(Damaged, match=r"plain|no member"):
            Archive(str(tmp_path / "a.tar"), tree, shifted).open("plain")
    with pytest.raises(Damaged, match="no content"):
        Archive(str(tmp_path / "a.tar"), tree, blocks).open("absent")
    with pytest.raises(Damaged, match="not as a file"):
        Archive(str(tmp_path / "a.tar"), tree, blocks).open("link")
    with pytest.raises(CouldNotLook, match=r"none\.tar"):
        Archive(str(tmp_path / "none.tar"), tree, blocks).open("plain")


def test_an_archive_that_breaks_off_is_damage(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    (tmp_path / "tree" / "zz").write_bytes(b"z" * 5000)
    tree, blocks = archived(tmp_path / "tree", tmp_path / "a")
    where = blocks[[entry.path for entry in tree.entries].index("zz")] * 512
    os.truncate(tmp_path / "a.tar", where + 1000)
    with pytest.raises(Damaged, match="ends within"), Archive(str(tmp_path / "a.tar"), tree, blocks).open("zz") as content:
        content.read()


@pytest.mark.feature("A13")
def test_files_are_added_so_that_tar_itself_reads_them(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    make_tree(root)
    _tree, blocks = archived(root, tmp_path / "a")
    for name in ("plain", f"{LONG}/{LONG}", "again"):
        (root / name).write_bytes(b"new " + os.fsencode(name))
    tree = walk(str(root))
    changed = [entry for entry in tree.entries if entry.kind == "file" and (root / entry.path).read_bytes().startswith(b"new ")]
    end = archive_end(str(tmp_path / "a.tar"), blocks)
    readings, _end = append_files(str(tmp_path / "a.tar"), end, str(root), changed)
    places = [readings[entry.path].block if entry.path in readings else block for entry, block in zip(tree.entries, blocks)]
    archive = Archive(str(tmp_path / "a.tar"), tree, places)
    for entry in tree.entries:
        if entry.kind == "file":
            with archive.open(entry.path) as content:
                assert content.read() == (root / entry.path).read_bytes(), entry.path
    (tmp_path / "out").mkdir()
    subprocess.run(
        ["tar", "-xf", tmp_path / "a.tar", "-C", tmp_path / "out", "--xattrs", "--xattrs-include=*"], check=True, capture_output=True
    )
    for entry in tree.entries:
        if entry.kind == "file":
            assert (tmp_path / "out" / entry.path).read_bytes() == (root / entry.path).read_bytes(), entry.path
    assert os.getxattr(tmp_path / "out" / "again", "user.note") == b"\xff\0raw"


@pytest.mark.feature("A13")
def test_a_digest_grows_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"")
    growing = GrowingDigest(str(path))
    answer = StandaloneHost().beside(growing.run)
    with path.open("ab") as file:
        for number in range(200):
            file.write(random.Random(number).randbytes(30_000))
            file.flush()
    growing.finish()
    real = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    assert answer() == real == digest_file(str(path))
