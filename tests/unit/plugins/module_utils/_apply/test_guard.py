# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks, records and processes are real here; what a rollback does to a host is shown by the scenarios ``guard_*``."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply import guard
from ansible_collections.guarded.deploy.plugins.module_utils._apply.guard import Answer, act, give_up
from ansible_collections.guarded.deploy.plugins.module_utils._apply.guard_record import (
    Place,
    keep_in_history,
    lay_ballast,
    make_place,
    read_history,
    read_moment,
    read_needed_snapshot,
    read_record,
    read_status,
    write_record,
)
from ansible_collections.guarded.deploy.plugins.module_utils._apply.guard_rollback import Rollback
from ansible_collections.guarded.deploy.plugins.module_utils._apply.guard_units import check_roots_alone, find_interpreter
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused, StepFailed, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._guard.model import Event, Record
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost

if t.TYPE_CHECKING:
    from pathlib import Path

HOST = StandaloneHost()
CONFIRM = Event("confirm", run="run-1", who="ann@laptop")
EXPIRE = Event("expire")
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    here = Place(str(tmp_path / "guard"), str(tmp_path / "mark"), str(tmp_path / "snapshots"))
    make_place(HOST, here)
    return here


@pytest.fixture(autouse=True)
def _no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """The units of this machine are not ours to touch, and it need not have been booted with systemd."""
    monkeypatch.setattr(guard, "set_timers", lambda *_arguments: None)
    monkeypatch.setattr(guard, "remove_units", lambda *_arguments: ())
    monkeypatch.setattr(guard, "note_after", lambda *_arguments: None)


def arm(place: Place, seconds: float, **fields: t.Any) -> Record:
    """A guard as :func:`guard.arm` writes it, but for what lies outside its folder."""
    now = read_moment(HOST, place)
    values: dict[str, t.Any] = {"deadline": now.monotonic + seconds, "ends_at": now.wall + seconds, **fields}
    times = (300.0, "rollback", now.boot, values.pop("deadline"), now.wall, values.pop("ends_at"))
    record = Record("g1", "armed", "snap-1", "run-1", "ann@laptop: site", "", *times)._replace(**values)
    write_record(HOST, record, place)
    return record


@pytest.fixture
def rollbacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which every rollback leaves a file while it runs, and one when it has ended."""
    folder = tmp_path / "rollbacks"
    folder.mkdir()

    def roll_back(*_arguments: t.Any, **_options: t.Any) -> Rollback:
        running = folder / "running"
        os.close(os.open(running, os.O_CREAT | os.O_EXCL))  # two at once are an error
        time.sleep(0.02)
        running.unlink()
        (folder / f"ended-{os.getpid()}-{time.monotonic_ns()}").touch()
        return Rollback(changed=True, verified=True, steps=("everything",))

    monkeypatch.setattr(guard, "run_rollback", roll_back)
    return folder


def count(folder: Path) -> int:
    return len(list(folder.glob("ended-*")))


def beside(place: Place, events: t.Sequence[Event], begin: float) -> list[Answer]:
    """Let real processes act at the same moment (of the monotonic clock)."""
    answers: t.Any = FORK.Queue()

    def work(number: int) -> None:
        time.sleep(max(begin - time.monotonic(), 0))
        answers.put((number, act(StandaloneHost(), events[number], place=place)))

    processes = [FORK.Process(target=work, args=(number,)) for number in range(len(events))]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=30) for _process in processes)
    for process in processes:
        process.join(30)
    return [found[number] for number in range(len(events))]


@pytest.mark.feature("A1", "A18")
def test_confirmation_and_expiry_in_the_same_moment_have_one_winner_and_both_know(place: Place, rollbacks: Path) -> None:
    won: dict[str, int] = {"confirmed": 0, "rolled_back": 0}
    for turn in range(100):
        before = count(rollbacks)
        record = arm(place, 0.03, id=f"g{turn}")
        # From a little before the deadline to a little after it.
        confirmed, expired = beside(place, [CONFIRM, EXPIRE], record.deadline + (turn % 10 - 5) * 0.002)
        last = read_record(HOST, place)
        assert last is not None
        if last.state == "armed":
            pytest.fail("neither won")
        won[last.state] += 1
        assert confirmed.record
        assert expired.record
        assert confirmed.record.state == last.state
        assert (confirmed.failed, "rolled_back" in confirmed.text) == ((False, False) if last.state == "confirmed" else (True, True))
        # The timer that came first is told to wait, and comes again; it never rolls back what was confirmed.
        assert expired.record.state in (last.state, "armed")
        rounds = count(rollbacks) - before
        assert rounds == 0 if last.state == "confirmed" else 1 <= rounds <= 2
    assert min(won.values()) > 0, won


def test_many_that_come_after_the_window_run_one_rollback(place: Place, rollbacks: Path) -> None:
    record = arm(place, 0.2)
    answers = beside(place, [EXPIRE] * 4 + [Event("late")] * 2, record.deadline + 0.01)
    assert {answer.record.state for answer in answers if answer.record} == {"rolled_back"}
    assert count(rollbacks) == 1


@pytest.mark.feature("A3")
def test_a_rollback_that_was_killed_is_run_to_its_end_by_whoever_comes_next(
    place: Place, rollbacks: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arm(place, -1)
    began = tmp_path / "began"
    whole = guard.run_rollback

    def hang(*_arguments: t.Any, **_options: t.Any) -> Rollback:
        began.touch()
        time.sleep(60)
        return Rollback()

    monkeypatch.setattr(guard, "run_rollback", hang)
    victim = FORK.Process(target=act, args=(HOST, EXPIRE), kwargs={"place": place})
    victim.start()
    while not began.exists():
        time.sleep(0.01)
    os.kill(t.cast("int", victim.pid), signal.SIGKILL)
    victim.join(10)
    left = read_record(HOST, place)
    assert left
    assert (left.state, left.attempts) == ("firing", 1)
    assert read_needed_snapshot(HOST, place) == "snap-1"
    monkeypatch.setattr(guard, "run_rollback", whole)
    answer = act(HOST, CONFIRM, place=place)
    assert answer.record
    assert (answer.failed, answer.record.state, answer.record.attempts) == (True, "rolled_back", 2)
    assert count(rollbacks) == 1
    assert read_needed_snapshot(HOST, place) is None


def test_what_was_changed_after_the_rollback_is_taken_back_for_its_own_run_only(place: Place, rollbacks: Path) -> None:
    arm(place, -1)
    act(HOST, EXPIRE, place=place)
    assert count(rollbacks) == 1
    mine = act(HOST, CONFIRM, place=place)
    assert (mine.failed, mine.changed) == (True, True)
    assert "taken back, too" in mine.text
    assert count(rollbacks) == 2
    other = act(HOST, CONFIRM._replace(run="run-2"), place=place)
    assert (other.failed, other.changed) == (True, False)
    assert count(rollbacks) == 2


def test_a_run_whose_deployment_was_taken_over_is_told_that_it_was_rolled_back(place: Place, rollbacks: Path) -> None:
    arm(place, -1)
    act(HOST, EXPIRE, place=place)
    arm(place, 300, id="g2", run="run-2", holder="bob@laptop: site", armed_at=time.time() + 1)
    answer = act(HOST, CONFIRM, place=place)
    assert answer.failed
    assert answer.text.startswith("rolled_back: the deployment of ann@laptop: site")
    assert "bob@laptop: site" in answer.text
    left = read_record(HOST, place)
    assert left
    assert left.state == "armed"


@pytest.mark.parametrize("kind", ["failed", "raised"])
def test_a_failed_rollback_keeps_the_lock_until_a_person_ends_it(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch, rollbacks: Path
) -> None:
    whole = guard.run_rollback
    monkeypatch.setattr(guard, "run_rollback", lambda *_a, **_o: Rollback(changed=True, failures=("dockerd did not answer",)))
    arm(place, -1)
    assert act(HOST, EXPIRE, place=place).failed
    assert read_needed_snapshot(HOST, place) == "snap-1"
    refused = act(HOST, CONFIRM, place=place)
    assert refused.failed
    assert "dockerd did not answer" in refused.text
    if kind == "failed":
        ended = act(HOST, CONFIRM._replace(force=True), place=place)
        assert (ended.failed, ended.record and ended.record.state) == (False, "confirmed")
    else:
        monkeypatch.setattr(guard, "run_rollback", whole)
        again = act(HOST, Event("trigger", run="run-1", who="ann"), place=place)
        assert (again.failed, again.record and again.record.state) == (False, "rolled_back")


def test_a_crash_is_no_silence(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    arm(place, -1)
    monkeypatch.setattr(guard, "run_rollback", lambda *_a, **_o: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        act(HOST, EXPIRE, place=place)
    give_up(HOST, "the program crashed", place)
    record = read_record(HOST, place)
    assert record
    assert (record.state, record.result["failures"]) == ("rollback_failed", ["the program crashed"])


@pytest.mark.feature("A3")
def test_the_first_stage_of_a_boot_leaves_the_end_to_the_second(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = []

    def roll_back(_host: t.Any, _record: t.Any, stage: str, *_more: t.Any, **_options: t.Any) -> Rollback:
        stages.append(stage)
        return Rollback(changed=True, verified=stage != "early")

    monkeypatch.setattr(guard, "run_rollback", roll_back)
    arm(place, 300, boot="an earlier boot")
    early = act(HOST, Event("early"), place=place)
    assert (early.failed, early.record and (early.record.state, early.record.early_done)) == (False, ("firing", True))
    late = act(HOST, Event("late"), place=place)
    assert (late.failed, late.record and late.record.state) == (False, "rolled_back")
    assert stages == ["early", "late"]


def test_check_mode_tells_and_changes_nothing(place: Place, rollbacks: Path) -> None:
    arm(place, 300)
    before = sorted(os.listdir(place.folder))
    record = read_record(HOST, place)
    for event, changed in ((CONFIRM, True), (Event("trigger", run="run-1"), True), (Event("confirm", run="run-2"), False)):
        assert act(HOST, event, check=True, place=place).changed is changed
    assert (read_record(HOST, place), sorted(os.listdir(place.folder))) == (record, before)


def test_a_damaged_record_is_no_free_host(place: Place) -> None:
    HOST.write_file(place.record, b"{", 0o600)
    for look in (lambda: act(HOST, CONFIRM, place=place), lambda: read_needed_snapshot(HOST, place), lambda: read_status(HOST, place)):
        with pytest.raises(Unparsable):
            look()


@pytest.fixture
def small_disk(tmp_path: Path) -> t.Iterator[str]:
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)], check=True)
    yield str(path)
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.feature("A1")
@pytest.mark.parametrize("has_ballast", [True, False])
def test_a_deployment_that_fills_the_disk_is_rolled_back_all_the_same(small_disk: str, rollbacks: Path, has_ballast: bool) -> None:
    place = Place(f"{small_disk}/guard", f"{small_disk}/mark", f"{small_disk}/snapshots")
    make_place(HOST, place)
    arm(place, -1)
    if has_ballast:
        lay_ballast(HOST, b"incompressible", place)
    with contextlib.suppress(OSError), open(f"{small_disk}/log", "wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    if not has_ballast:
        with pytest.raises(StepFailed, match="No space left"):
            act(HOST, EXPIRE, place=place)
        return
    answer = act(HOST, EXPIRE, place=place)
    assert (answer.failed, answer.record and answer.record.state) == (False, "rolled_back")


def test_history_is_bounded_and_the_last_comes_first(place: Place) -> None:
    record = arm(place, 1)
    for number in range(60):
        keep_in_history(HOST, record._replace(id=f"g{number}", state="confirmed", armed_at=1_770_000_000.0 + number), place)
    found = read_history(HOST, place)
    assert [one.id for one in found] == [f"g{number}" for number in range(59, 9, -1)]


def test_what_others_can_change_is_not_trusted(tmp_path: Path) -> None:
    """Pytest's folders are below /tmp, which everybody may write to."""
    with pytest.raises(Refused, match="can be changed by others than root"):
        check_roots_alone(HOST, str(tmp_path))
    check_roots_alone(HOST, "/usr/bin")


def test_an_interpreter_of_a_user_is_passed_over_for_one_of_the_system(tmp_path: Path) -> None:
    liar = tmp_path / "python3.11"
    liar.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
    liar.chmod(0o755)
    assert find_interpreter(HOST, str(liar)).startswith("/usr/")
