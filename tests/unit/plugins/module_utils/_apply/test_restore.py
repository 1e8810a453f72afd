# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores of files on this machine, which has neither systemd nor, as far as they know, engines."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.restore import RestoreOutcome, RestoreRequest, describe_failure, restore
from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot import TakeRequest, take_snapshot
from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Damaged, NothingThere, Refused
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Hook, Hooks
from builders.engineless import EnginelessHost

pytestmark = pytest.mark.feature("A11", "A15")


class FilesOnly(EnginelessHost):
    """This machine as one that systemd has not booted: no unit of a developer's machine is ever touched."""

    def list_dir(self, path: str) -> list[str]:
        if path == "/run/systemd/system":
            raise NothingThere(f"{path} does not exist")
        return super().list_dir(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "srv"
    root.mkdir()
    (root / "config").write_text("port = 80\n")
    (root / "gone").write_text("x")
    return root


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "snapshots"


def take(root: Path, store: Path, *after_restore: Hook) -> None:
    take_snapshot(FilesOnly(), TakeRequest(id="one", paths=(str(root),), hooks=Hooks(after_restore=after_restore)), str(store))


def bring_back(store: Path, host: FilesOnly | None = None, **request: t.Any) -> RestoreOutcome:
    return restore(host or FilesOnly(), RestoreRequest("one", **request), str(store))


def change(root: Path) -> None:
    (root / "config").write_text("port = 81\n")
    (root / "gone").unlink()
    (root / "new").write_text("x")


def names(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in root.iterdir()}


def hook(text: str) -> Hook:
    return Hook(("/bin/sh", "-e", "-c", text), 10)


def test_what_was_changed_is_brought_back_and_then_nothing_is_left_to_do(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    outcome = bring_back(store)
    assert (outcome.changed, outcome.verified, outcome.failures) == (True, True, ())
    assert outcome.remaining == ((), ())
    assert names(root) == {"config": "port = 80\n", "gone": "x"}
    assert {f"remove {root}/new", f"make again {root}/gone"} < set(outcome.steps)
    again = bring_back(store)
    assert (again.changed, again.verified, again.steps) == (False, True, ())


def test_check_tells_the_steps_and_does_none(root: Path, store: Path) -> None:
    take(root, store, hook("touch " + str(root / "hooked")))
    change(root)
    told = bring_back(store, check=True)
    assert (told.changed, told.verified) == (True, None)
    assert names(root) == {"config": "port = 81\n", "new": "x"}
    assert {change.name for change in told.difference.changes} == {f"{root}/config", f"{root}/gone", f"{root}/new"}
    done = bring_back(store)
    assert done.steps == told.steps
    assert done.verified is False  # the hook has just added a file
    assert not list(store.glob("*.restoring.json"))


def test_what_cannot_be_brought_back_is_told_and_the_rest_is_back(root: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(root, store, hook(f"rm {root}/config"))
    change(root)
    outcome = bring_back(store)
    assert outcome.verified is False
    assert [change.name for change in outcome.remaining.changes if change.name != str(root)] == [f"{root}/config"]
    assert f"{root}/config: is gone, was" in describe_failure(outcome)
    assert names(root) == {"gone": "x"}


def test_hooks_find_their_folder_and_run_again_only_when_something_was_brought_back(root: Path, store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    take(root, store, hook(f'test -d "$GUARDED_DEPLOY_HOOKS"; echo "$GUARDED_DEPLOY_SNAPSHOT" >> {log}'))
    assert bring_back(store).steps == ("run 1 after_restore hook",)
    assert bring_back(store).changed is False
    change(root)
    assert bring_back(store).verified
    assert log.read_text() == "one\none\n"


def test_a_hook_that_fails_decides(root: Path, store: Path) -> None:
    take(root, store, hook("echo no database; false"))
    change(root)
    outcome = bring_back(store)
    assert outcome.verified is False
    assert "no database" in outcome.failures[0]
    assert names(root) == {"config": "port = 80\n", "gone": "x"}
    assert bring_back(store).verified is False  # it is not settled, so the hook runs again


def test_a_damaged_snapshot_is_refused_whole(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    tar = store / "one" / "tree-000.tar"
    content = bytearray(tar.read_bytes())
    content[len(content) // 2] ^= 1
    tar.write_bytes(content)
    with pytest.raises(Damaged, match=r"tree-000\.tar"):
        bring_back(store, by_guard=True, accept_loss=True)
    assert names(root) == {"config": "port = 81\n", "new": "x"}


def test_two_at_once_are_one_and_a_refusal(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    with FilesOnly().lock(str(store.parent / "restore.lock"), 0) as held:
        assert held
        with pytest.raises(Refused, match="another restore"):
            bring_back(store)
    assert names(root) == {"config": "port = 81\n", "new": "x"}


def test_what_cannot_be_meant_is_refused(root: Path, store: Path) -> None:
    take(root, store)
    with pytest.raises(NothingThere, match="no snapshot two"):
        restore(FilesOnly(), RestoreRequest("two"), str(store))
    with pytest.raises(BadInput, match="stage"):
        bring_back(store, stage="soon")

    class Nobody(FilesOnly):
        def euid(self) -> int:
            return 65534

    with pytest.raises(Refused, match="only root"):
        bring_back(store, Nobody())


def test_one_that_was_cut_off_is_written_down_until_the_next_has_ended(root: Path, store: Path) -> None:
    class Cut(FilesOnly):
        def beside(self, look: t.Any) -> t.Any:
            if getattr(look, "func", None).__class__.__name__ == "function" and look.func.__name__ == "compare_tree":
                raise KeyboardInterrupt
            return super().beside(look)

    take(root, store)
    change(root)
    with pytest.raises(KeyboardInterrupt):
        bring_back(store, Cut())
    left = json.loads((store / "one.restoring.json").read_text())
    assert f"{root}/config" in left["files"]
    assert all(until is not None for _since, until in left["files"].values())
    assert bring_back(store).verified
    assert not (store / "one.restoring.json").exists()


def test_early_in_a_boot_files_are_back_and_nothing_is_verified(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    outcome = bring_back(store, stage="early", by_guard=True)
    assert (outcome.changed, outcome.verified) == (True, None)
    assert names(root) == {"config": "port = 80\n", "gone": "x"}
    late = bring_back(store, stage="late", by_guard=True)
    assert (late.changed, late.verified) == (False, True)


def test_a_newer_snapshot_is_a_reason_to_ask_and_a_guard_does_not(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    take_snapshot(FilesOnly(), TakeRequest(id="two", paths=(str(root),)), str(store))
    with pytest.raises(Refused, match="two"):
        bring_back(store)
    assert names(root) == {"config": "port = 81\n", "new": "x"}
    outcome = bring_back(store, by_guard=True)
    assert outcome.verified
    assert any("two" in note for note in outcome.notes)


def test_a_damaged_note_of_an_earlier_restore_is_told_and_stops_nothing(root: Path, store: Path) -> None:
    take(root, store)
    change(root)
    (store / "one.settled.json").write_text("{")
    (store / "one.restoring.json").write_text("{")
    outcome = bring_back(store)
    assert outcome.verified
    assert len([note for note in outcome.notes if "cannot be read" in note]) == 2
