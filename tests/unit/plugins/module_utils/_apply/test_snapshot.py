# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots on this machine: whole or not there, refused when damaged, and gone when nobody needs them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply import snapshot as under_test
from ansible_collections.guarded.deploy.plugins.module_utils._apply import store as store_under_test
from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot import TakeOutcome, TakeRequest, drop_snapshot, take_snapshot
from ansible_collections.guarded.deploy.plugins.module_utils._apply.store import (
    list_snapshots,
    load_snapshot,
    open_trees,
    parse_id,
    verify_snapshot,
)
from ansible_collections.guarded.deploy.plugins.module_utils._collect.state import collect_host_state
from ansible_collections.guarded.deploy.plugins.module_utils._errors import (
    BadInput,
    CouldNotLook,
    Damaged,
    NothingThere,
    Refused,
    StepFailed,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines, Hook, Hooks, HostState
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost
from testbed.packages import require

pytestmark = pytest.mark.feature("A13")


class NoEngines(StandaloneHost):
    """This machine without its container engines, which are the test bed's and not to be pinned in."""

    def has(self, program: str) -> bool:
        return program not in ("docker", "podman") and super().has(program)

    def exists(self, path: str) -> bool:
        return "docker" not in path and "podman" not in path and super().exists(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "srv" / "app").mkdir(parents=True)
    (tmp_path / "srv" / "app" / "config").write_text("port = 80\n")
    (tmp_path / "srv" / "app" / "token").write_text("s3cret")
    return tmp_path / "srv"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def take(root: Path, store: Path, host: StandaloneHost | None = None, **request: t.Any) -> TakeOutcome:
    return take_snapshot(host or NoEngines(), TakeRequest(paths=(str(root),), **request), str(store))


def names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()} - {".lock"} if store.exists() else set()


def test_a_snapshot_has_all_and_for_root_alone(root: Path, store: Path) -> None:
    outcome = take(root, store, comment="before\nrelease")
    folder = Path(outcome.path)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", outcome.id)
    assert {path.name for path in folder.iterdir()} == {
        *("README.txt", "snapshot.json", "tree-000.tar", "tree-000.json", "hooks", "SHA256SUMS", "COMPLETE")
    }
    for path in (store, folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    verify_snapshot(NoEngines(), outcome.id, str(store))
    snapshot = load_snapshot(NoEngines(), outcome.id, str(store))
    assert (snapshot.id, snapshot.paths, snapshot.comment) == (outcome.id, (str(root),), "before\nrelease")
    ((tree, archive),) = open_trees(NoEngines(), outcome.id, str(store))
    assert [entry.path for entry in tree.entries] == [".", "app", "app/config", "app/token"]
    with archive.open("app/config") as content:
        assert content.read() == b"port = 80\n"
    (listed,) = list_snapshots(NoEngines(), str(store))
    assert (listed.id, listed.at, listed.paths, listed.size_bytes, listed.problem) == (
        *(outcome.id, snapshot.at, snapshot.paths, outcome.size_bytes, ""),
    )


def test_sha256sum_alone_checks_it(root: Path, store: Path) -> None:
    hook = Hook(
        ("/bin/sh", "-c", 'printf x > "$GUARDED_DEPLOY_HOOKS/$(printf "new\\nline")"; touch "$GUARDED_DEPLOY_HOOKS/back\\\\slash"'), 10
    )
    outcome = take(root, store, hooks=Hooks((hook,)))
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=outcome.path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(list((Path(outcome.path) / "hooks").iterdir())) == 2
    verify_snapshot(NoEngines(), outcome.id, str(store))


def test_its_readme_tells_how_to_get_a_file_back(root: Path, store: Path, tmp_path: Path) -> None:
    folder = Path(take(root, store).path)
    readme = (folder / "README.txt").read_text()
    assert "s3cret" not in readme
    out = tmp_path / "out"
    out.mkdir()
    (line,) = [line for line in readme.splitlines() if line.strip().startswith("One file:")]
    command = (
        line.partition(":")[2].replace("tree-NNN", "tree-000").replace("/somewhere", str(out)).replace("./path/of/the/file", "./app/config")
    )
    subprocess.run(command, shell=True, cwd=folder, check=True)
    assert (out / "app" / "config").read_text() == "port = 80\n"
    shutil.rmtree(root / "app")
    (line,) = [line for line in readme.splitlines() if line.strip().startswith("All of a path:")]
    subprocess.run(line.partition(":")[2].replace("tree-NNN", "tree-000").replace("PATH", str(root)), shell=True, cwd=folder, check=True)
    assert (root / "app" / "token").read_text() == "s3cret"
    (line,) = [line for line in readme.splitlines() if "sha256sum --check" in line]
    subprocess.run(line, shell=True, cwd=folder, check=True)


def test_one_of_the_name_is_left_as_it_is(root: Path, store: Path) -> None:
    first = take(root, store, id="mine")
    (root / "app" / "config").write_text("other")
    again = take(root, store, id="mine")
    assert (first.changed, again.changed) == (True, False)
    assert again.size_bytes == first.size_bytes
    with open_trees(NoEngines(), "mine", str(store))[0][1].open("app/config") as content:
        assert content.read() == b"port = 80\n"
    with pytest.raises(BadInput, match="upper and lower case"):
        take(root, store, id="MINE")


def test_check_mode_tells_and_writes_nothing(root: Path, store: Path, tmp_path: Path) -> None:
    hook = Hook(("/bin/touch", str(tmp_path / "ran")), 10)
    outcome = take(root, store, check=True, hooks=Hooks((hook,)))
    assert (outcome.changed, outcome.paths, store.exists(), (tmp_path / "ran").exists()) == (True, (str(root),), False, False)
    assert "package" in {lost.kind for lost in outcome.not_restorable}
    take(root, store, id="mine")
    assert not take(root, store, id="mine", check=True).changed


def blind_look(host: StandaloneHost, timeout: float, mark: bool = True) -> HostState:
    state = collect_host_state(host, timeout, mark)
    return state._replace(
        unseen=(*state.unseen, ("units", "systemd did not answer")), engines=Engines(unseen=(("podman", "out of order"),))
    )


@pytest.mark.parametrize("check", [False, True])
def test_what_could_not_be_looked_at_is_no_snapshot(root: Path, store: Path, check: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "collect_host_state", blind_look)
    with pytest.raises(CouldNotLook, match=r"units: systemd did not answer; podman: out of order.*accept_unseen"):
        take(root, store, check=check)
    assert names(store) == set()
    outcome = take(root, store, check=check, accept_unseen=True)
    assert outcome.changed
    assert {("units", "systemd did not answer"), ("podman", "out of order")} <= set(outcome.unseen)


@pytest.mark.parametrize("name", ["", ".hidden", "-dash", "a/b", "..", "a\n", "x.after.json", "x.settled.json", "n" * 101, "\u00fc"])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no name of a snapshot"):
        parse_id(name)


class TestDamage:
    """Whatever is not what was written, nothing of it is used."""

    @pytest.fixture
    def folder(self, root: Path, store: Path) -> Path:
        hook = Hook(("/bin/sh", "-c", 'mkdir "$GUARDED_DEPLOY_HOOKS/sub"; echo dump > "$GUARDED_DEPLOY_HOOKS/sub/dump"'), 10)
        return Path(take(root, store, id="one", hooks=Hooks((hook,))).path)

    def refuse(self, folder: Path, file: str) -> None:
        with pytest.raises(Damaged, match=rf"snapshot one is damaged and nothing of it is used: .*{re.escape(file)}"):
            verify_snapshot(NoEngines(), "one", str(folder.parent))
        with pytest.raises(Damaged):
            take(folder.parent.parent / "srv", folder.parent, id="one")

    @pytest.mark.parametrize(
        "file", ["README.txt", "snapshot.json", "tree-000.tar", "tree-000.json", "hooks/sub/dump", "SHA256SUMS", "COMPLETE"]
    )
    @pytest.mark.parametrize("where", ["first", "middle", "last"])
    def test_one_flipped_bit(self, folder: Path, file: str, where: str) -> None:
        content = bytearray((folder / file).read_bytes())
        # The last byte of a text that ends in a newline may be white to JSON; the one before it means something.
        at = {"first": 0, "middle": len(content) // 2, "last": len(content) - 2}[where]
        content[at] ^= 1
        (folder / file).write_bytes(content)
        self.refuse(folder, "")

    @pytest.mark.parametrize("file", ["README.txt", "tree-000.tar", "hooks/sub/dump", "SHA256SUMS", "COMPLETE"])
    def test_a_missing_file(self, folder: Path, file: str) -> None:
        (folder / file).unlink()
        self.refuse(folder, file)
        assert file in list_snapshots(NoEngines(), str(folder.parent))[0].problem

    @pytest.mark.parametrize("file", ["more", "hooks/more", "hooks/sub/more", "tree-001.tar"])
    def test_a_surplus_file(self, folder: Path, file: str) -> None:
        (folder / file).write_text("x")
        self.refuse(folder, file)

    def test_a_file_that_is_cut_off(self, folder: Path) -> None:
        os.truncate(folder / "tree-000.tar", 5000)
        self.refuse(folder, "tree-000.tar has 5000 bytes")

    def test_a_file_that_became_a_link_to_its_own_copy(self, folder: Path, tmp_path: Path) -> None:
        (folder / "tree-000.tar").rename(tmp_path / "copy")
        (folder / "tree-000.tar").symlink_to(tmp_path / "copy")
        self.refuse(folder, "tree-000.tar")

    def test_a_damaged_one_can_be_removed(self, folder: Path) -> None:
        (folder / "COMPLETE").unlink()
        assert drop_snapshot(NoEngines(), "one", 10, store=str(folder.parent))
        assert names(folder.parent) == set()

    def test_trees_that_were_exchanged(self, root: Path, store: Path) -> None:
        take_snapshot(NoEngines(), TakeRequest(id="two", paths=(str(root / "app"), str(root / "other"))), str(store))
        folder = store / "two"
        (folder / "tree-000.json").rename(folder / "x")
        (folder / "tree-001.json").rename(folder / "tree-000.json")
        (folder / "x").rename(folder / "tree-001.json")
        with pytest.raises(Damaged, match="should be there"):
            open_trees(NoEngines(), "two", str(store))


def test_there_is_none(store: Path) -> None:
    for look in (verify_snapshot, load_snapshot, open_trees):
        with pytest.raises(NothingThere, match="no snapshot none"):
            look(NoEngines(), "none", str(store))
    assert list_snapshots(NoEngines(), str(store)) == []
    assert not drop_snapshot(NoEngines(), "none", 10, store=str(store))


@pytest.mark.feature("A20")
class TestHooks:
    """A hook decides whether there is a snapshot."""

    def test_what_it_leaves_is_part_of_it(self, root: Path, store: Path) -> None:
        hook = Hook(
            (
                "/bin/sh",
                "-c",
                'echo "$GUARDED_DEPLOY_SNAPSHOT" > "$GUARDED_DEPLOY_HOOKS/dump"; echo hooked > ' + str(root / "app" / "seen"),
            ),
            10,
        )
        outcome = take(root, store, id="one", hooks=Hooks((hook,)))
        assert (Path(outcome.path) / "hooks" / "dump").read_text() == "one\n"
        # It ran before the files were looked at.
        assert "app/seen" in {entry.path for entry in open_trees(NoEngines(), "one", str(store))[0][0].entries}

    @pytest.mark.parametrize(
        ("script", "timeout", "words"),
        [
            (
                "echo first; echo 'no such database' >&2; exit 3",
                10,
                r"'echo \.\.\.' failed with exit code 3; the end of .*:\nfirst\nno such database",
            ),
            ("sleep 60", 0.2, r"'sleep \.\.\.' did not succeed: .*did not end within 0.2 s"),
            ("PGPASSWORD=hunter2; exit 1", 10, r"^(?!.*hunter2).*exit code 1 and without a word"),
            ('ln -s /etc/shadow "$GUARDED_DEPLOY_HOOKS/x"', 10, "x is neither a file nor a folder"),
            ('mkfifo "$GUARDED_DEPLOY_HOOKS/x"', 10, "x is neither a file nor a folder"),
        ],
    )
    def test_one_that_fails_leaves_nothing(self, root: Path, store: Path, script: str, timeout: float, words: str) -> None:
        with pytest.raises((StepFailed, Refused), match=words):
            take(root, store, hooks=Hooks((Hook(("/bin/sh", "-c", script), timeout),)))
        assert names(store) == set()

    def test_the_first_that_fails_is_the_last(self, root: Path, store: Path, tmp_path: Path) -> None:
        hooks = (Hook(("/bin/false",), 10), Hook(("/bin/touch", str(tmp_path / "ran")), 10))
        with pytest.raises(StepFailed, match="the hook '/bin/false' failed"):
            take(root, store, hooks=Hooks(hooks))
        assert not (tmp_path / "ran").exists()


@pytest.mark.feature("A17")
class TestRetention:
    """What goes, and what stays whatever it costs."""

    def test_the_oldest_go(self, root: Path, store: Path) -> None:
        for name in ("a", "b", "c"):
            outcome = take(root, store, id=name, keep=2)
        assert (names(store), outcome.removed) == ({"b", "c"}, ("a",))
        # What was shared with the one that is gone is whole.
        for name in ("b", "c"):
            verify_snapshot(NoEngines(), name, str(store))

    def test_one_that_a_guard_needs_stays(self, root: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (under_test, store_under_test):
            monkeypatch.setattr(module, "read_needed_snapshot", lambda _host: "a")
        for name in ("a", "b", "c"):
            take(root, store, id=name, keep=1)
        assert names(store) == {"a", "c"}
        with pytest.raises(Refused, match="armed guard"):
            drop_snapshot(NoEngines(), "a", 10, store=str(store))
        assert names(store) == {"a", "c"}

    def test_one_whose_restore_was_cut_off_stays(self, root: Path, store: Path) -> None:
        take(root, store, id="a")
        (store / "a.restoring.json").write_text("{}")
        for name in ("b", "c"):
            take(root, store, id=name, keep=1)
        assert names(store) == {"a", "a.restoring.json", "c"}

    def test_without_knowing_what_a_guard_needs_nothing_goes(self, root: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        take(root, store, id="a")

        def fail(_host: object) -> str:
            raise Damaged("record.json is no record")

        for module in (under_test, store_under_test):
            monkeypatch.setattr(module, "read_needed_snapshot", fail)
        outcome = take(root, store, id="b", keep=1)
        assert (names(store), outcome.removed) == ({"a", "b"}, ())
        assert "record.json is no record" in outcome.notes[0]
        with pytest.raises(Damaged):
            drop_snapshot(NoEngines(), "a", 10, store=str(store))

    def test_what_lies_beside_goes_with_it(self, root: Path, store: Path) -> None:
        take(root, store, id="a")
        for ending in (".settled.json", ".after.json", ".restoring.json"):
            (store / f"a{ending}").write_text("{}")
        assert drop_snapshot(NoEngines(), "a", 10, check=True, store=str(store))
        assert "a" in names(store)
        assert drop_snapshot(NoEngines(), "a", 10, store=str(store))
        assert names(store) == set()


def test_an_unchanged_path_takes_no_more_room(root: Path, store: Path) -> None:
    (root / "large").write_bytes(os.urandom(1 << 20))
    first, second = take(root, store), take(root, store)
    assert (first.reused, second.reused) == ((), (str(root),))
    assert (Path(first.path) / "tree-000.tar").samefile(Path(second.path) / "tree-000.tar")
    verify_snapshot(NoEngines(), second.id, str(store))
    drop_snapshot(NoEngines(), first.id, 10, store=str(store))
    verify_snapshot(NoEngines(), second.id, str(store))


def synced_path(call: str) -> str:
    """The path that an fsync in a trace of strace's is about, empty for other calls."""
    match = re.match(r"fsync\(\d+<(.*?)>", call)
    return match[1] if match else ""


class TestCutOff:
    """However it ends, there is no half snapshot."""

    SCRIPT = """
import sys
sys.path[:0] = {path!r}
from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot import TakeRequest, take_snapshot
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost
class NoEngines(StandaloneHost):
    has = lambda self, program: program not in ("docker", "podman") and StandaloneHost.has(self, program)
    exists = lambda self, path: "docker" not in path and "podman" not in path and StandaloneHost.exists(self, path)
take_snapshot(NoEngines(), TakeRequest(id="one", paths=({root!r},), timeout=20.0), {store!r})
"""

    def argv(self, root: Path, store: Path) -> list[str]:
        path = [entry for entry in sys.path if entry]
        return [sys.executable, "-c", self.SCRIPT.format(path=path, root=str(root), store=str(store))]

    def traced(self, root: Path, store: Path, *options: str) -> tuple[int, list[str]]:
        """The exit code of a run under strace, and the calls that it made last, those of its first thread."""
        require("strace")
        trace = store.parent / "trace"
        trace.unlink(missing_ok=True)
        argv = ["strace", "-y", "-qq", "-o", str(trace), "-e", "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write", *options]
        done = subprocess.run([*argv, *self.argv(root, store)], capture_output=True, check=False)
        return done.returncode, trace.read_text().splitlines()

    def test_killed_at_any_call_it_is_not_there_and_the_next_run_sweeps(self, root: Path, store: Path) -> None:
        _rc, calls = self.traced(root, store.parent / "other")
        synced = [call.startswith("rename") and "/.new-one" in call for call in calls if call.startswith(("fsync", "rename"))]
        last = synced.index(True) + 1  # the call after the renaming: that of the folder of all snapshots
        first = next(number for number, call in enumerate(call for call in calls if call.startswith("fsync")) if "/.new-one/" in call)
        for call, count in (("fsync", first + 1), ("fsync", first + 4), ("rename", 1), ("fsync", last)):
            rc, calls = self.traced(root, store, "-e", f"inject={call}:signal=KILL:when={count}")
            assert rc != 0, (call, count)
            # A call at which it is killed is not made.
            is_done = count == last
            assert names(store) == {"one" if is_done else ".new-one"}, (call, count, calls)
        verify_snapshot(NoEngines(), "one", str(store))
        (store / ".new-two").mkdir()
        take(root, store, id="three")
        assert names(store) == {"one", "three"}

    def test_all_is_on_disk_before_it_has_its_name(self, root: Path, store: Path) -> None:
        rc, calls = self.traced(root, store, "-f")
        assert rc == 0
        calls = [call.split(maxsplit=1)[1] for call in calls]
        (renamed,) = [number for number, call in enumerate(calls) if call.startswith("rename") and ".new-one" in call]
        new = f"{store}/.new-one"
        synced = [path for path in (synced_path(call) for call in calls[:renamed]) if path.startswith(new)]
        files = sorted(f"{new}/{path.relative_to(store / 'one')}" for path in (store / "one").rglob("*"))
        assert sorted(set(synced[:-1])) == files
        assert synced[-1] == new
        for path in files:
            last = max(number for number, call in enumerate(calls[:renamed]) if synced_path(call) == path)
            assert not [call for call in calls[last:renamed] if re.match(rf"p?write(64)?\(\d+<{re.escape(path)}>", call)]
        assert calls[renamed + 1].startswith("fsync(")
        assert f"<{store}>" in calls[renamed + 1]

    def test_two_at_once_wait_for_each_other(self, root: Path, store: Path) -> None:
        processes = [
            subprocess.Popen([part.replace('id="one"', f'id="n{number}"') for part in self.argv(root, store)]) for number in range(4)
        ]
        assert [process.wait() for process in processes] == [0, 0, 0, 0]
        assert names(store) == {"n0", "n1", "n2", "n3"}
        for name in names(store):
            verify_snapshot(NoEngines(), name, str(store))

    def test_one_that_waits_too_long_says_for_what(self, root: Path, store: Path) -> None:
        store.mkdir()
        with NoEngines().lock(f"{store}/.lock", 0), pytest.raises(Refused, match=r"another snapshot is being taken .* within 0\.1 s"):
            take(root, store, timeout=0.1)


def wait_for(condition: t.Callable[[], bool]) -> None:
    for _turn in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not come")


@pytest.mark.feature("A14")
def test_a_full_disk_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (root / "large").write_bytes(os.urandom(3 << 20))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "small", disk], check=True)
    try:
        fill = Hook(("/bin/sh", "-c", 'head -c 2500000 /dev/zero > "$GUARDED_DEPLOY_HOOKS/dump"'), 10)
        with pytest.raises(StepFailed, match=r"no room for a snapshot of .*MiB free"):
            take(root, disk / "store", hooks=Hooks((fill,)))
        assert names(disk / "store") == set()
        # Room for the archive, but none for the index and the rest.
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        (disk / "filler").write_bytes(bytes(free - (4 << 10)))
        (root / "large").unlink()
        with pytest.raises(StepFailed, match=r"no space left|no room"):
            take(root, disk / "store")
        assert names(disk / "store") == set()
        (disk / "filler").unlink()
        # A look that goes on beside may hold a file for a moment longer.
        wait_for(lambda: os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize > 3 << 20)
        take(root, disk / "store", id="one")
        verify_snapshot(NoEngines(), "one", str(disk / "store"))
    finally:
        subprocess.run(["umount", disk], check=True)
