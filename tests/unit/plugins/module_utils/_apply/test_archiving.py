# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree that is recorded is what it was, whatever happens while it is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply import archiving
from ansible_collections.guarded.deploy.plugins.module_utils._apply.archiving import Earlier, Place, Recorded, record_tree
from ansible_collections.guarded.deploy.plugins.module_utils._errors import LinkInPath, StepFailed
from ansible_collections.guarded.deploy.plugins.module_utils._host import CommandResult
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.codec import parse_index
from ansible_collections.guarded.deploy.plugins.module_utils._tree.archive import Archive
from ansible_collections.guarded.deploy.plugins.module_utils._tree.digest import digest_file
from ansible_collections.guarded.deploy.plugins.module_utils._tree.reread import wait_for_next_tick
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost

pytestmark = pytest.mark.feature("A13")

MANY = 1200  # enough that find(1) is asked


class Meddled(StandaloneHost):
    """This machine, on which something happens while tar runs: before it begins, and before it has ended for its caller."""

    def __init__(self, before: t.Callable[[], object] | None = None, after: t.Callable[[], object] | None = None) -> None:
        super().__init__()
        self.before, self.after = before, after
        self.ran: list[str] = []

    def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
        self.ran.append(argv[0])
        if argv[0] != "tar":
            return super().run(argv, timeout, environment)
        if self.before is not None:
            self.before()
        result = super().run(argv, timeout, environment)
        if self.after is not None:
            self.after()
        return result


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("a", "b", "sub/c", "sub/deep/d"):
        (folder / name).write_text(f"content of {name}")
    (folder / "sub" / "twin").hardlink_to(folder / "a")
    return folder


def record(
    root: Path, out: Path, host: StandaloneHost | None = None, excluded: t.Sequence[str] = (), earlier: Earlier | None = None
) -> Recorded:
    wait_for_next_tick()  # what the test has just made is not what changes meanwhile
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return record_tree(host or StandaloneHost(), str(root), excluded, Place(str(out), "tree-000"), earlier, 60)


def contents(out: Path) -> dict[str, bytes]:
    """What the archive has for each regular file of the index."""
    tree, blocks = parse_index((out / "tree-000.json").read_bytes(), "x")
    archive, found = Archive(str(out / "tree-000.tar"), tree, blocks), {}
    for entry in tree.entries:
        if entry.kind == "file":
            with archive.open(entry.path) as content:
                found[entry.path] = content.read()
            assert len(found[entry.path]) == entry.size
    return found


def on_disk(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}


def check(recorded: Recorded, root: Path, out: Path) -> None:
    """The index is the tree as it stands, the archive has its contents, the digests are those of the files."""
    assert recorded.tree == walk(str(root), recorded.tree.excluded)
    assert contents(out) == {
        path: content for path, content in on_disk(root).items() if path in {entry.path for entry in recorded.tree.entries}
    }
    assert recorded.digests == {path.name: digest_file(str(path)) for path in out.iterdir()}
    assert all(path.stat().st_mode & 0o7777 == 0o600 for path in out.iterdir())
    assert recorded.unstable == ()


def test_a_quiet_tree(root: Path, tmp_path: Path) -> None:
    recorded = record(root, tmp_path / "out")
    check(recorded, root, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["tree-000.json", "tree-000.tar"]


def test_a_quiet_large_tree_is_asked_find_once_and_read_once(root: Path, tmp_path: Path) -> None:
    for number in range(MANY):
        (root / f"n{number}").write_text("")
    host = Meddled()
    check(record(root, tmp_path / "out", host, ["n1?", str(root / "n[2]*")]), root, tmp_path / "out")
    assert host.ran == ["tar", "find"]


def test_a_single_file_a_link_and_nothing(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    recorded = record(root / "a", out)
    assert contents(out) == {".": b"content of a"}
    listed = subprocess.run(["tar", "-tf", out / "tree-000.tar"], capture_output=True, text=True, check=True).stdout
    assert (listed, recorded.tree.entries[0].kind) == ("./a\n", "file")
    (root / "link").symlink_to("a")
    assert [entry.target for entry in record(root / "link", out).tree.entries] == ["a"]
    assert record(root / "absent" / "below", out).tree.entries == ()
    assert [path.name for path in out.iterdir()] == ["tree-000.json"]
    with pytest.raises(LinkInPath):
        record(root / "link" / "x", out)


def same_size_and_time(path: Path, content: str) -> None:
    before = path.stat()
    path.write_text(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "meddle",
    [
        pytest.param(lambda root: same_size_and_time(root / "a", "CONTENT OF A"), id="edited with its size and mtime kept"),
        pytest.param(lambda root: (root / "b").write_text("longer than it was"), id="longer"),
        pytest.param(lambda root: (root / "b").write_text(""), id="emptied"),
        pytest.param(lambda root: (root / "new").write_text("new"), id="new file"),
        pytest.param(lambda root: (root / "sub" / "deep" / "d").unlink(), id="removed"),
        pytest.param(lambda root: shutil.rmtree(root / "sub"), id="folder removed"),
        pytest.param(lambda root: (root / "a").unlink(), id="first name of two removed"),
        pytest.param(lambda root: (root / "sub" / "c").rename(root / "b"), id="renamed over another"),
        pytest.param(lambda root: ((root / "b").unlink(), (root / "b").symlink_to("a")), id="became a link"),
        pytest.param(lambda root: ((root / "b").unlink(), (root / "b").mkdir()), id="became a folder"),
        pytest.param(lambda root: (shutil.rmtree(root / "sub"), (root / "sub").write_text("now a file")), id="folder became a file"),
        pytest.param(lambda root: (root / "b").chmod(0o600), id="mode"),
        pytest.param(lambda root: os.setxattr(root / "b", "user.x", b"1"), id="attribute"),
        pytest.param(lambda root: (root / "sub" / "third").hardlink_to(root / "a"), id="another name"),
    ],
)
def test_what_changes_after_tar_has_read_it_is_noticed(root: Path, tmp_path: Path, meddle: t.Callable[[Path], object]) -> None:
    recorded = record(root, tmp_path / "out", Meddled(after=lambda: meddle(root)))
    check(recorded, root, tmp_path / "out")


@pytest.mark.parametrize("path", ["a", "sub/deep/d", "n77"])
def test_one_change_in_a_large_tree_is_noticed(root: Path, tmp_path: Path, path: str) -> None:
    for number in range(MANY):
        (root / f"n{number}").write_text("")
    host = Meddled(after=lambda: same_size_and_time(root / path, "CONTENT OF A"))
    recorded = record(root, tmp_path / "out", host)
    check(recorded, root, tmp_path / "out")


def test_a_folder_that_was_another_only_while_tar_read_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "deep").mkdir(parents=True)
    for name in ("c", "twin", "deep/d"):
        (tmp_path / "other" / name).write_text("of the other folder")

    def swap() -> None:
        (root / "sub").rename(tmp_path / "third")
        (tmp_path / "other").rename(root / "sub")
        (tmp_path / "third").rename(tmp_path / "other")

    check(record(root, tmp_path / "out", Meddled(before=swap, after=swap)), root, tmp_path / "out")


def test_links_in_the_place_of_folders_are_never_followed(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    (secret / "deep").mkdir(parents=True)
    for name in ("c", "twin", "deep/d"):
        (secret / name).write_text("SECRET")

    def swap() -> None:
        (root / "sub").rename(tmp_path / "aside")
        (root / "sub").symlink_to(secret)

    def swap_back() -> None:
        (root / "sub").unlink()
        (tmp_path / "aside").rename(root / "sub")

    recorded = record(root, tmp_path / "out", Meddled(before=swap, after=swap_back))
    check(recorded, root, tmp_path / "out")
    assert b"SECRET" not in (tmp_path / "out" / "tree-000.tar").read_bytes()


def changed_by_each_read(monkeypatch: pytest.MonkeyPatch, change: t.Callable[[], object]) -> None:
    """However the machine is loaded: whenever a file is read again, something happens right after the first bytes."""
    read = os.read

    def meddled(descriptor: int, length: int) -> bytes:
        piece = read(descriptor, min(length, 8))
        change()
        return piece

    monkeypatch.setattr(os, "read", meddled)


def test_what_never_keeps_still_is_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_by_each_read(monkeypatch, lambda: same_size_and_time(root / "b", "CONTENT OF B"))
    recorded = record(root, tmp_path / "out", Meddled(after=lambda: (root / "b").write_text("content of B")))
    monkeypatch.undo()
    assert recorded.unstable == (str(root / "b"),)
    found = contents(tmp_path / "out")
    assert found["b"].lower() == b"content of b"
    assert found["a"] == b"content of a"


def test_a_log_that_grows_is_read_to_one_end(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = root / "log"

    def write() -> None:
        with log.open("ab") as file:
            file.write(b"line\n")

    changed_by_each_read(monkeypatch, write)
    recorded = record(root, tmp_path / "out", Meddled(after=write))
    monkeypatch.undo()
    assert recorded.unstable == (str(log),)
    found = contents(tmp_path / "out")["log"]
    assert found
    assert found == b"line\n" * (len(found) // 5)


def test_a_file_that_shrinks_while_it_is_read_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_by_each_read(monkeypatch, lambda: (root / "b").stat().st_size > 4 and os.truncate(root / "b", 4))
    recorded = record(root, tmp_path / "out", Meddled(after=lambda: (root / "b").write_text("longer than before")))
    monkeypatch.undo()
    # Read whole in the second round.
    check(recorded, root, tmp_path / "out")
    assert contents(tmp_path / "out")["b"] == b"long"


def test_excluded_files_are_not_in_the_archive(root: Path, tmp_path: Path) -> None:
    (root / "data").mkdir()
    (root / "data" / "x").write_text("DATA")
    recorded = record(root, tmp_path / "out", excluded=[str(root / "data"), "c"])
    assert b"DATA" not in (tmp_path / "out" / "tree-000.tar").read_bytes()
    assert b"content of sub/c" not in (tmp_path / "out" / "tree-000.tar").read_bytes()
    assert {path for path, _why in recorded.tree.left_out} == {"data", "sub/c"}
    check(recorded, root, tmp_path / "out")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)


def flip_silently(path: Path) -> None:
    """As a disk does it, not a program."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def age(path: Path, days: float) -> None:
    """Make the archive and its index older."""
    for ending in (".tar", ".json"):
        file = path.with_suffix(ending)
        moment = file.stat().st_mtime_ns - int(days * 86400 * 10**9)
        os.utime(file, ns=(moment, moment))


class TestReuse:
    """What has not changed is not written again."""

    def earlier(self, root: Path, tmp_path: Path) -> Earlier:
        recorded = record(root, tmp_path / "old")
        return Earlier(
            Place(str(tmp_path / "old"), "tree-000"), {name.rpartition(".")[2]: digest for name, digest in recorded.digests.items()}
        )

    def test_an_unchanged_tree_is_a_link(self, root: Path, tmp_path: Path) -> None:
        earlier = self.earlier(root, tmp_path)
        host = Meddled()
        recorded = record(root, tmp_path / "out", host, earlier=earlier)
        check(recorded, root, tmp_path / "out")
        assert recorded.is_reused
        assert host.ran == []
        for name in ("tree-000.tar", "tree-000.json"):
            assert (tmp_path / "out" / name).samefile(tmp_path / "old" / name)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda root: same_size_and_time(root / "a", "CONTENT OF A"), id="content alone"),
            pytest.param(lambda root: os.setxattr(root / "a", "user.x", b"1"), id="attribute"),
            pytest.param(lambda root: (root / "sub" / "deep" / "e").write_text(""), id="new"),
            pytest.param(lambda root: (root / "a").write_text("content of a"), id="written anew with the same content"),
        ],
    )
    def test_a_changed_tree_is_not(self, root: Path, tmp_path: Path, change: t.Callable[[Path], object]) -> None:
        earlier = self.earlier(root, tmp_path)
        change(root)
        recorded = record(root, tmp_path / "out", earlier=earlier)
        assert not recorded.is_reused
        check(recorded, root, tmp_path / "out")

    @pytest.mark.parametrize("ending", ["tar", "json"])
    def test_a_damaged_part_is_not_used_again(self, root: Path, tmp_path: Path, ending: str) -> None:
        earlier = self.earlier(root, tmp_path)
        path = tmp_path / "old" / f"tree-000.{ending}"
        content = bytearray(path.read_bytes())
        content[700 if ending == "tar" else len(content) // 2] ^= 1
        path.write_bytes(content)
        recorded = record(root, tmp_path / "out", earlier=earlier)
        assert not recorded.is_reused
        check(recorded, root, tmp_path / "out")

    @pytest.mark.parametrize(
        ("spoil", "is_reused"),
        [
            pytest.param(lambda path: None, True, id="written just now"),
            pytest.param(flip_silently, True, id="decayed within a day, for whoever restores to find"),
            pytest.param(lambda path: (flip_silently(path), age(path, 2)), False, id="decayed within two days"),
            pytest.param(lambda path: age(path, 2), True, id="two days old and whole"),
            pytest.param(flip, False, id="written since"),
            pytest.param(lambda path: (flip(path), age(path, -1)), False, id="from the future"),
        ],
    )
    def test_a_large_archive_is_read_again_after_a_day(
        self, root: Path, tmp_path: Path, spoil: t.Callable[[Path], object], is_reused: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archiving, "_LARGE", 1000)
        earlier = self.earlier(root, tmp_path)
        wait_for_next_tick()
        spoil(tmp_path / "old" / "tree-000.tar")
        assert record(root, tmp_path / "out", earlier=earlier).is_reused == is_reused

    def test_a_path_that_is_still_not_there(self, root: Path, tmp_path: Path) -> None:
        earlier = self.earlier(root / "absent", tmp_path)
        assert record(root / "absent", tmp_path / "out", earlier=earlier).is_reused


@pytest.fixture
def small_disk(tmp_path: Path) -> t.Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "small", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.feature("A14")
def test_without_room_nothing_is_begun(root: Path, tmp_path: Path, small_disk: Path) -> None:
    (root / "large").write_bytes(os.urandom(6 << 20))
    host = Meddled()
    with pytest.raises(StepFailed, match=r"no room for a snapshot of .*: it takes about 8 MiB, .* has 4 MiB free"):
        record(root, small_disk / "out", host)
    assert host.ran == []


@pytest.mark.feature("A14")
def test_a_disk_that_fills_up_meanwhile_is_an_error_that_says_so(root: Path, tmp_path: Path, small_disk: Path) -> None:
    (root / "some").write_bytes(os.urandom(2 << 20))
    with pytest.raises(StepFailed, match="no space left where snapshots are kept"):
        record(root, small_disk / "out", Meddled(before=lambda: (small_disk / "filler").write_bytes(bytes(3 << 20))))


def test_what_tar_cannot_read_is_an_error(root: Path, tmp_path: Path) -> None:
    class NoXattrs(StandaloneHost):
        def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
            return super().run(["tar", "--no-such-option", *argv[1:]] if argv[0] == "tar" else argv, timeout, environment)

    with pytest.raises(StepFailed, match=r"cannot be archived: .*no-such-option"):
        record(root, tmp_path / "out", NoXattrs())
