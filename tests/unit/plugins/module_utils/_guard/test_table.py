# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ansible_collections.guarded.deploy.plugins.module_utils._guard.model import (
    ARMED,
    CONFIRMED,
    FIRING,
    ON_REBOOT,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    STATES,
    Decision,
    Event,
    Moment,
    Record,
)
from ansible_collections.guarded.deploy.plugins.module_utils._guard.record import needed_snapshot, parse_record, render_record
from ansible_collections.guarded.deploy.plugins.module_utils._guard.table import (
    MOST_ATTEMPTS,
    begin_attempt,
    catch_up,
    decide,
    find_staleness,
    finish,
    remaining,
)

pytestmark = pytest.mark.feature("A1", "A18")

NOW = Moment("boot-1", 1000.0, 1_770_000_000.0)


def guard(state: str = ARMED, **fields: t.Any) -> Record:
    values: dict[str, t.Any] = {
        "id": "g1",
        "state": state,
        "snapshot": "snap-1",
        "run": "run-1",
        "holder": "ann@laptop: site",
        "reason": "release 7",
        "within": 300.0,
        "on_reboot": "rollback",
        "boot": NOW.boot,
        "deadline": NOW.monotonic + 300,
        "armed_at": NOW.wall,
        "ends_at": NOW.wall + 300,
    }
    return Record(**{**values, **fields})


def event(kind: str, **fields: t.Any) -> Event:
    values: dict[str, t.Any] = {"run": "run-1", "who": "ann@laptop", "within": 60.0}
    if kind == "arm":
        values["new"] = guard(id="g2", run=fields.get("run", "run-1"), snapshot=fields.get("snapshot", "snap-1"))
    return Event(kind, **{**values, **fields})


def later(seconds: float, **fields: t.Any) -> Moment:
    return NOW._replace(**{"monotonic": NOW.monotonic + seconds, "wall": NOW.wall + seconds, **fields})


STRANGER = {"run": "run-2", "who": "bob@laptop", "snapshot": ""}

# state, event, who, how it is decided, the state afterwards. The whole table, for a window that is open.
CASES = [
    (None, "arm", {}, "done", ARMED),
    (None, "extend", {}, "refused", None),
    (None, "confirm", {}, "refused", None),
    (None, "trigger", {}, "refused", None),
    (None, "expire", {}, "kept", None),
    (None, "early", {}, "kept", None),
    (None, "late", {}, "kept", None),
    (ARMED, "arm", {}, "kept", ARMED),
    (ARMED, "arm", {"snapshot": "snap-2"}, "refused", ARMED),
    (ARMED, "arm", {"run": "run-2"}, "refused", ARMED),
    (ARMED, "arm", {"run": "run-2", "force": True}, "roll_back", FIRING),
    (ARMED, "extend", {}, "done", ARMED),
    (ARMED, "extend", STRANGER, "refused", ARMED),
    (ARMED, "extend", {**STRANGER, "snapshot": "snap-1"}, "done", ARMED),
    (ARMED, "confirm", {}, "done", CONFIRMED),
    (ARMED, "confirm", STRANGER, "refused", ARMED),
    (ARMED, "confirm", {**STRANGER, "snapshot": "snap-1"}, "done", CONFIRMED),
    (ARMED, "confirm", {"run": "", "snapshot": ""}, "refused", ARMED),
    (ARMED, "trigger", {}, "roll_back", FIRING),
    (ARMED, "trigger", STRANGER, "refused", ARMED),
    (ARMED, "expire", {}, "wait", ARMED),
    (ARMED, "early", {}, "kept", ARMED),
    (ARMED, "late", {}, "kept", ARMED),
    *((FIRING, kind, {}, "roll_back", FIRING) for kind in ("arm", "extend", "confirm", "trigger", "expire", "early", "late")),
    (ROLLED_BACK, "arm", STRANGER, "done", ARMED),
    (ROLLED_BACK, "extend", {}, "again", ROLLED_BACK),
    (ROLLED_BACK, "confirm", {}, "again", ROLLED_BACK),
    (ROLLED_BACK, "confirm", STRANGER, "refused", ROLLED_BACK),
    (ROLLED_BACK, "confirm", {**STRANGER, "snapshot": "snap-1"}, "refused", ROLLED_BACK),
    (ROLLED_BACK, "trigger", {}, "again", ROLLED_BACK),
    (ROLLED_BACK, "trigger", STRANGER, "refused", ROLLED_BACK),
    (ROLLED_BACK, "expire", {}, "kept", ROLLED_BACK),
    (ROLLED_BACK, "early", {}, "kept", ROLLED_BACK),
    (ROLLED_BACK, "late", {}, "kept", ROLLED_BACK),
    (ROLLBACK_FAILED, "arm", {}, "refused", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "arm", {**STRANGER, "force": True}, "roll_back", FIRING),
    (ROLLBACK_FAILED, "extend", {}, "refused", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "confirm", {}, "refused", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "confirm", {"force": True}, "done", CONFIRMED),
    (ROLLBACK_FAILED, "confirm", {**STRANGER, "force": True}, "refused", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "trigger", {}, "roll_back", FIRING),
    (ROLLBACK_FAILED, "trigger", STRANGER, "refused", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "expire", {}, "kept", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "early", {}, "kept", ROLLBACK_FAILED),
    (ROLLBACK_FAILED, "late", {}, "kept", ROLLBACK_FAILED),
    (CONFIRMED, "arm", STRANGER, "done", ARMED),
    (CONFIRMED, "extend", {}, "refused", CONFIRMED),
    (CONFIRMED, "confirm", {}, "kept", CONFIRMED),
    (CONFIRMED, "confirm", STRANGER, "refused", CONFIRMED),
    (CONFIRMED, "trigger", {}, "refused", CONFIRMED),
    (CONFIRMED, "expire", {}, "kept", CONFIRMED),
    (CONFIRMED, "early", {}, "kept", CONFIRMED),
    (CONFIRMED, "late", {}, "kept", CONFIRMED),
]


@pytest.mark.parametrize(("state", "kind", "who", "decided", "after"), CASES)
def test_the_table(state: str | None, kind: str, who: dict[str, t.Any], decided: str, after: str | None) -> None:
    decision = decide(guard(state) if state else None, event(kind, **who), later(10))
    assert (decision.kind, decision.record.state if decision.record else None) == (decided, after)
    assert bool(decision.text) or decided != "refused"


def test_every_state_and_event_stands_in_the_table() -> None:
    pairs = {case[:2] for case in CASES}
    kinds = ("arm", "extend", "confirm", "trigger", "expire", "early", "late")
    assert pairs == {(state, kind) for state in (None, *STATES) for kind in kinds}


@pytest.mark.parametrize("kind", ["arm", "extend", "confirm", "trigger", "expire", "early", "late"])
@pytest.mark.parametrize("after", [0.0, 0.1, 10_000.0])
def test_whoever_comes_after_the_window_makes_it_fire(kind: str, after: float) -> None:
    decision = decide(guard(), event(kind, **STRANGER), later(300 + after))
    assert decision.kind == "roll_back"
    assert decision.record
    assert (decision.record.state, decision.record.cause) == (FIRING, "not confirmed within 300 s")


def test_the_last_moment_confirms() -> None:
    assert decide(guard(), event("confirm"), later(299.99)).kind == "done"


@given(st.floats(-1e9, 1e9))
def test_the_wall_clock_decides_nothing_inside_a_boot(jump: float) -> None:
    for seconds, confirmed in ((299, "done"), (301, "roll_back")):
        assert decide(guard(), event("confirm"), later(seconds, wall=NOW.wall + jump)).kind == confirmed


@pytest.mark.feature("A3")
@pytest.mark.parametrize("kind", ["arm", "extend", "confirm", "trigger", "expire", "early", "late"])
def test_a_boot_makes_it_fire(kind: str) -> None:
    decision = decide(guard(), event(kind, **STRANGER), Moment("boot-2", 3.0, NOW.wall + 20))
    assert (decision.kind, decision.record and decision.record.cause) == ("roll_back", "the host was booted before it was confirmed")


@pytest.mark.feature("A3")
def test_a_clock_that_begins_anew_is_another_boot_though_its_mark_was_carried_over() -> None:
    assert decide(guard(), event("late"), NOW._replace(monotonic=5.0)).kind == "roll_back"


@pytest.mark.feature("A3")
@given(wall=st.floats(-1e9, 1e9), monotonic=st.floats(0, 1e6))
def test_a_window_that_goes_on_over_a_boot_is_never_longer_and_never_over_at_once(wall: float, monotonic: float) -> None:
    moment = Moment("boot-2", monotonic, NOW.wall + wall)
    record = catch_up(guard(on_reboot="continue"), moment)
    assert record
    assert record.state == ARMED
    assert 0.99 <= remaining(record, moment) <= 300.01
    if 0 <= wall <= 299:
        assert remaining(record, moment) == pytest.approx(300 - wall, abs=1e-3)
    # Looked at again in this boot, nothing moves.
    assert catch_up(record, moment._replace(monotonic=monotonic + 0.5)) == record


def test_a_refusal_names_the_holder_since_when_and_until_when() -> None:
    text = decide(guard(), event("arm", run="run-2"), later(10)).text
    for part in ("ann@laptop: site", "release 7", "2026-02-02 02:40:00Z", "2026-02-02 02:45:00Z", "290 s left", "snap-1"):
        assert part in text


def test_a_failed_rollback_says_what_is_left_and_what_to_do() -> None:
    failed = finish(
        guard(FIRING), False, {"failures": ["dockerd did not answer"], "remaining": [f"unit {n}" for n in range(9)]}, later(301)
    )
    text = decide(failed, event("arm"), later(400)).text
    for part in ("dockerd did not answer", "unit 3; and 5 more", "state: triggered", "accept_loss: true"):
        assert part in text


def test_extending_moves_the_deadline_from_now() -> None:
    moved = decide(guard(), event("extend", within=1000.0), later(200)).record
    assert moved
    assert remaining(moved, later(200)) == 1000
    assert catch_up(moved, later(1199)) == moved
    assert moved.ends_at == NOW.wall + 1200


def test_a_rollback_is_not_begun_for_ever() -> None:
    record: Record | None = guard(FIRING)
    for _attempt in range(MOST_ATTEMPTS):
        record = begin_attempt(t.cast("Record", record))
    assert record
    assert begin_attempt(record) is None


@pytest.mark.parametrize(
    ("state", "snapshot", "taken", "is_stale"),
    [
        (CONFIRMED, "snap-2", NOW.wall + 99, True),
        (CONFIRMED, "snap-1", NOW.wall - 1, True),
        (CONFIRMED, "snap-2", NOW.wall + 101, False),
        (ROLLED_BACK, "snap-2", NOW.wall + 99, True),
        (ROLLED_BACK, "snap-1", NOW.wall - 1, False),
        (ROLLED_BACK, "snap-2", NOW.wall + 101, False),
    ],
)
def test_a_snapshot_from_before_the_end_of_the_last_deployment_is_not_gone_back_to(
    state: str, snapshot: str, taken: float, is_stale: bool
) -> None:
    text = find_staleness(guard(state, ended_at=NOW.wall + 100), snapshot, taken)
    assert bool(text) is is_stale
    assert not is_stale or ("ann@laptop: site" in text and "take a new snapshot" in text)


def test_the_first_deployment_takes_any_snapshot() -> None:
    assert find_staleness(None, "snap-1", 0.0) == ""


KINDS = st.sampled_from(["arm", "extend", "confirm", "trigger", "expire", "early", "late"])
WALLS = st.floats(-1e7, 1e7)


class Life(RuleBasedStateMachine):
    """Any number of runs, timers, boots and clock jumps; a window that was not confirmed always ends in a rollback."""

    def __init__(self) -> None:
        super().__init__()
        self.record: Record | None = None
        self.moment = NOW
        self.number = 0
        self.winners: dict[str, str] = {}

    def meet(self, kind: str, run: str, snapshot: str = "", force: bool = False) -> Decision:
        self.number += 1
        new = guard(
            id=f"g{self.number}",
            run=run,
            snapshot=f"snap-{self.number}",
            boot=self.moment.boot,
            deadline=self.moment.monotonic + 300,
            armed_at=self.moment.wall,
            ends_at=self.moment.wall + 300,
            on_reboot=ON_REBOOT[self.number % 2],
        )
        before = catch_up(self.record, self.moment)
        decision = decide(self.record, Event(kind, run, snapshot, "who", 60.0, force, new), self.moment)
        assert decision.kind in ("done", "kept", "wait", "roll_back", "again", "refused")
        after = decision.record
        if decision.kind in ("kept", "wait", "again", "refused"):
            assert after == before
        if before is not None and after is not None and before.id != after.id:
            # A lock ends with a recorded outcome only.
            assert before.state in (ROLLED_BACK, CONFIRMED)
            assert kind == "arm"
        self.record = after
        return decision

    @rule(kind=KINDS, run=st.sampled_from(["run-1", "run-2"]), force=st.booleans(), name=st.booleans())
    def someone_asks(self, kind: str, run: str, force: bool, name: bool) -> None:
        snapshot = self.record.snapshot if self.record and name else ""
        owner = self.record.run if self.record else ""
        was = catch_up(self.record, self.moment)
        self.meet(kind, run, snapshot, force)
        if was and was.state == ARMED and self.record and self.record.state == CONFIRMED:
            assert kind == "confirm"
            assert run == owner or name
            assert self.winners.setdefault(was.id, "confirmed") == "confirmed"

    @precondition(lambda self: self.record is not None and self.record.state == FIRING)
    @rule(verified=st.booleans())
    def the_rollback_ends(self, verified: bool) -> None:
        assert self.record
        self.record = finish(self.record, verified, {}, self.moment)
        if verified:
            assert self.winners.setdefault(self.record.id, "rolled_back") == "rolled_back"

    @rule(seconds=st.floats(0, 400), wall=WALLS)
    def time_goes_by(self, seconds: float, wall: float) -> None:
        self.moment = self.moment._replace(monotonic=self.moment.monotonic + seconds, wall=self.moment.wall + wall)

    @rule(wall=WALLS)
    def the_host_boots(self, wall: float) -> None:
        self.moment = Moment(f"{self.moment.boot}+", 1.0, self.moment.wall + wall)

    @invariant()
    def the_record_survives_being_written(self) -> None:
        if self.record is not None:
            assert parse_record(render_record(self.record), "here") == self.record
            needs = self.record.state in (ARMED, FIRING, ROLLBACK_FAILED)
            assert needed_snapshot(self.record) == (self.record.snapshot if needs else None)

    @invariant()
    def no_window_is_open_longer_than_it_was_told_to(self) -> None:
        now = catch_up(self.record, self.moment)
        if now is not None and now.state == ARMED:
            assert 0 < remaining(now, self.moment) <= now.within + 1


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
