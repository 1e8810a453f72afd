# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The dead-man switch on a host: armed, prolonged, confirmed, fired.

Every transition is decided by the one table (:mod:`.._guard.table`) under one lock, and written before it is acted on. A
rollback holds a second lock for as long as it runs: a record that says ``firing`` while nobody holds that lock is one whose
process was killed, and whoever meets it runs the rollback to its end.
"""

from __future__ import annotations

import typing as t

from .._collect.boot_mark import read_boot_mark
from .._errors import CouldNotLook, Denied, GuardError, NothingThere, Refused, StepFailed
from .._guard.model import ARMED, FIRING, ROLLBACK_FAILED, ROLLED_BACK, Decision, Event, Moment, Record
from .._guard.table import begin_attempt, decide, find_staleness, finish, remaining
from .._guard.units import guard_paths
from .._guard.words import describe_end
from .foreign import note_after
from .guard_record import (
    HERE,
    Place,
    drop_ballast,
    hold,
    keep_in_history,
    lay_ballast,
    make_place,
    read_history,
    read_moment,
    read_record,
    write_journal,
    write_record,
)
from .guard_rollback import Rollback, run_rollback
from .guard_units import check_roots_alone, find_interpreter, lay_program, lay_units, remove_programs, remove_units, set_timers
from .store import load_snapshot, verify_snapshot

if t.TYPE_CHECKING:
    from .._host import WritableHost

_BOOT_PATIENCE = 600.0  # seconds that a boot may take until the second stage of a rollback
_LOCK_TIMEOUT = 60.0  # seconds for a transition of somebody else's


class ArmRequest(t.NamedTuple):
    """What to arm. ``id`` is a new one, ``run`` that of the controller's run; ``program`` is the zipapp, ``digest`` its
    SHA-256, ``interpreter`` the Python that is to run it, where that will do. ``within`` is seconds. ``accept_loss`` also takes a snapshot
    that is older than what has been confirmed or taken back since."""

    id: str
    run: str
    holder: str
    reason: str
    snapshot: str
    within: float
    on_reboot: str
    takeover: bool
    program: bytes
    digest: str
    interpreter: str
    accept_loss: bool = False
    check: bool = False
    timeout: float = 120.0


class Answer(t.NamedTuple):
    """What came of it. ``failed`` is: what was asked for is not so, and ``text`` says why. ``left`` are the seconds until an
    armed guard fires. ``rollback`` is what a rollback that was run here did."""

    record: Record | None
    changed: bool
    failed: bool = False
    text: str = ""
    left: float = 0.0
    notes: tuple[str, ...] = ()
    rollback: Rollback | None = None


class _Act(t.NamedTuple):
    """An event, what was decided, and how the record was before."""

    event: Event
    decision: Decision
    before: Record | None
    timeout: float
    place: Place


def check_host(host: WritableHost) -> None:
    """That a guard can be had here at all.

    :raises Denied: this is not root
    :raises Refused: systemd is not the init, or the guard's folder is not root's alone
    """
    if host.euid() != 0:
        raise Denied("a guard is root's alone; use become: true")
    if not host.exists("/run/systemd/system"):
        raise Refused("this host was not booted with systemd, so no timer of it can roll a deployment back")
    check_roots_alone(host, "/var/lib")


def _look(host: WritableHost, check: bool, place: Place) -> Moment:
    return Moment(read_boot_mark(host, place.mark), host.uptime(), host.now()) if check else read_moment(host, place)


def arm(host: WritableHost, request: ArmRequest, place: Place = HERE) -> Answer:
    """Arm a guard, which takes the host's only lock. A dead holder's lock is taken over by running its rollback first.

    :raises Damaged: the snapshot is not whole
    :raises NothingThere: there is no such snapshot
    :raises Refused: the host cannot have a guard
    :raises StepFailed: it could not be armed, and nothing is
    """
    check_host(host)
    verify_snapshot(host, request.snapshot, place.store)
    if not request.check:
        make_place(host, place)
    is_unchanged = False
    for _attempt in range(2):
        decision = _take_lock(host, request, place, is_unchanged)
        if decision.kind != "roll_back" or request.check:
            return _answer_arm(decision, _look(host, request.check, place), request.check)
        answer = _end_rollback(host, "whole", request.timeout, place)
        if answer.record is not None and answer.record.state == ROLLBACK_FAILED:
            return answer._replace(failed=True, text=describe_end(answer.record))
        # Only of a rollback that was run here it is known that there was nothing to take back.
        is_unchanged = answer.rollback is not None and not answer.changed
    raise Refused("another deployment took the lock in the same moment; try again when it has ended")


def _answer_arm(decision: Decision, moment: Moment, check: bool) -> Answer:
    left = remaining(decision.record, moment) if decision.record is not None else 0.0
    if decision.kind == "roll_back":
        return Answer(decision.record, True, False, f"{decision.text} (check mode: it would be)")
    done = decision.kind == "done"
    return Answer(decision.record, done, decision.kind == "refused", decision.text, left if check or decision.record else 0.0)


def _take_lock(host: WritableHost, request: ArmRequest, place: Place, is_unchanged: bool) -> Decision:
    if request.check:
        return _decide_arm(host, request, place)
    with hold(host, "lock", _LOCK_TIMEOUT, place) as had:
        if not had:
            raise Refused(f"another deployment is being armed or ended on this host right now ({place.folder}/lock); try again")
        before = read_record(host, place)
        decision = _decide_arm(host, request, place)
        if decision.kind == "done" and decision.record is not None:
            taken = load_snapshot(host, request.snapshot, place.store).at
            stale = "" if is_unchanged or request.accept_loss else find_staleness(before, request.snapshot, taken)
            if stale:
                return Decision("refused", before, stale)
            _lay(host, decision.record, before, request, place)
        elif decision.record is not None and decision.record != before:
            _write_passed(host, decision.record, place)
        return decision


def _write_passed(host: WritableHost, record: Record, place: Place) -> None:
    """Write down what time has made of another's guard."""
    if record.state == FIRING:
        drop_ballast(host, place)
    _write(host, record, place)
    if record.state == ARMED:
        set_timers(host, guard_paths(record.program, place.folder).start, record.deadline, place)


def _decide_arm(host: WritableHost, request: ArmRequest, place: Place) -> Decision:
    moment = _look(host, request.check, place)
    new = Record(
        id=request.id,
        state=ARMED,
        snapshot=request.snapshot,
        run=request.run,
        holder=request.holder,
        reason=request.reason,
        within=request.within,
        on_reboot=request.on_reboot,
        boot=moment.boot,
        deadline=moment.monotonic + request.within,
        armed_at=moment.wall,
        ends_at=moment.wall + request.within,
        program=request.digest,
    )
    event = Event("arm", request.run, request.snapshot, request.holder, request.within, request.takeover, new)
    return decide(read_record(host, place), event, moment)


def _lay(host: WritableHost, record: Record, before: Record | None, request: ArmRequest, place: Place) -> None:
    """Lay the program, write the record, start the timers; where one of these fails, nothing is armed."""
    interpreter = find_interpreter(host, request.interpreter)
    try:
        start = lay_program(host, request.digest, request.program, interpreter, place)
        lay_ballast(host, request.program, place)
        _write(host, record, place)
        lay_units(host, start, record.deadline, place)
        # A snapshot is not removed while a guard needs it; this one could be, until the record was written.
        if not host.exists(f"{place.store}/{request.snapshot}"):
            raise NothingThere(f"the snapshot {request.snapshot} was removed while the guard was being armed; take a new one")
    except GuardError:
        _disarm(host, before, place)
        raise


def _disarm(host: WritableHost, before: Record | None, place: Place) -> None:
    # What takes space first: the disk may be full.
    drop_ballast(host, place)
    remove_programs(host, place)
    if before is None:
        host.remove_file(place.record)
    elif read_record(host, place) != before:
        write_record(host, before, place)
    remove_units(host, place)


def _write(host: WritableHost, record: Record, place: Place) -> tuple[str, ...]:
    """Make a transition: it holds once this returns."""
    write_record(host, record, place)
    if record.state not in (ARMED, FIRING):
        keep_in_history(host, record, place)
    note = write_journal(host, record)
    return (note,) if note else ()


def act(host: WritableHost, event: Event, check: bool = False, timeout: float = 120.0, place: Place = HERE) -> Answer:
    """Let something happen to the guard of this host (all but to arm it), and do what follows.

    :raises CouldNotLook: the record cannot be read
    :raises StepFailed: the transition could not be written, so it was not made; or what follows did not succeed
    """
    if check:
        return _foretell(host, event, timeout, place)
    if not host.exists(place.folder):
        return _refuse_or_keep(decide(None, event, read_moment(host, place)))
    with hold(host, "lock", _LOCK_TIMEOUT, place) as had:
        if not had:
            raise Refused(f"another deployment is being armed or ended on this host right now ({place.folder}/lock); try again")
        before = read_record(host, place)
        decision = decide(before, event, read_moment(host, place))
        if decision.kind == "roll_back":
            drop_ballast(host, place)
        notes = _write(host, decision.record, place) if decision.record is not None and decision.record != before else ()
    answer = _FOLLOW[decision.kind](host, _Act(event, decision, before, timeout, place))
    return answer._replace(notes=(*notes, *answer.notes))


def _refuse_or_keep(decision: Decision) -> Answer:
    return Answer(decision.record, False, decision.kind == "refused", decision.text)


def _foretell(host: WritableHost, event: Event, timeout: float, place: Place) -> Answer:
    record = read_record(host, place) if host.exists(place.folder) else None
    decision = decide(record, event, _look(host, True, place))
    if decision.kind in ("roll_back", "again") and decision.record is not None:
        rollback = run_rollback(host, decision.record, "whole", timeout, place, check=True)
        is_failed = event.kind in ("confirm", "extend")
        is_changed = decision.kind == "roll_back" or rollback.changed
        return Answer(decision.record, is_changed, is_failed, describe_end(decision.record), rollback=rollback)
    return _refuse_or_keep(decision)._replace(changed=decision.kind == "done")


def _follow_done(host: WritableHost, act: _Act) -> Answer:
    record = act.decision.record
    if record is not None and record.state == ARMED:
        return _follow_open(host, act)
    notes = _tear_down(host, act.place)
    return Answer(record, True, notes=(*notes, *_note_how_it_stands(host, record, act)))


def _note_how_it_stands(host: WritableHost, record: Record | None, act: _Act) -> tuple[str, ...]:
    """What the deployment has made of the host, so that a later restore can tell it from what others do from now on."""
    if record is None:
        return ()
    try:
        note_after(host, record.snapshot, act.place.store)
    except GuardError as error:
        return (f"how the host stands now was not noted, so a later restore takes all changes for the deployment's: {error}",)
    return ()


def _follow_open(host: WritableHost, act: _Act) -> Answer:
    """The window is open: where it was moved, or a timer came too early, the timers are set anew."""
    record = act.decision.record
    if record is None or record.state != ARMED:
        # The deployment has ended, and what was left of the guard can go.
        return Answer(record, False, notes=_tear_down(host, act.place))
    if record != act.before or act.decision.kind == "wait":
        _set_timers(host, act.place)
    return Answer(record, record != act.before, left=remaining(record, read_moment(host, act.place)))


def _set_timers(host: WritableHost, place: Place) -> None:
    """Let the timers elapse when the window is over. Done under the lock: it may have been confirmed in the meantime."""
    with hold(host, "lock", _LOCK_TIMEOUT, place):
        record = read_record(host, place)
        if record is not None and record.state == ARMED:
            set_timers(host, guard_paths(record.program, place.folder).start, record.deadline, place)


def _follow_refused(host: WritableHost, act: _Act) -> Answer:
    text = act.decision.text
    mine = next((one for one in read_history(host, act.place) if act.event.run and one.run == act.event.run), None)
    # Another deployment has begun since: how this one ended is what its run must know.
    if mine is not None and mine != act.decision.record:
        text = f"{describe_end(mine)}. Since then: {text}"
    return Answer(act.decision.record, False, True, text)


def _follow_roll_back(host: WritableHost, act: _Act) -> Answer:
    answer = _end_rollback(host, "early" if act.event.kind == "early" else "whole", act.timeout, act.place)
    record = answer.record
    if record is None or record.state not in (ROLLED_BACK, ROLLBACK_FAILED):
        return answer
    is_unwanted = act.event.kind in ("confirm", "extend") or record.state == ROLLBACK_FAILED
    return answer._replace(changed=True, failed=is_unwanted, text=describe_end(record))


def _follow_again(host: WritableHost, act: _Act) -> Answer:
    """It was rolled back, and the controller did not know and went on: take that back, too."""
    record = t.cast("Record", act.decision.record)
    with hold(host, "firing", act.timeout, act.place) as had:
        if not had:
            raise Refused("the rollback still runs; try again when it has ended")
        rollback = run_rollback(host, record, "whole", act.timeout, act.place)
    text = describe_end(record)
    if rollback.changed:
        text += "; what was changed since has been taken back, too"
    if not rollback.verified:
        text += f"; the host has been changed since, and is not as it was: {'; '.join((*rollback.failures, *rollback.remaining)[:5])}"
    is_failed = act.event.kind != "trigger" or not rollback.verified
    return Answer(record, rollback.changed, is_failed, text, notes=_tear_down(host, act.place), rollback=rollback)


_FOLLOW: dict[str, t.Callable[[WritableHost, _Act], Answer]] = {
    "done": _follow_done,
    "kept": _follow_open,
    "wait": _follow_open,
    "refused": _follow_refused,
    "roll_back": _follow_roll_back,
    "again": _follow_again,
}


def _end_rollback(host: WritableHost, stage: str, timeout: float, place: Place) -> Answer:
    """Run the rollback of a guard that fires, or wait for whoever runs it; gives how it ended."""
    with hold(host, "firing", 20 * timeout, place) as had:
        if not had:
            raise Refused(f"the rollback has been running for {20 * timeout:g} s and has not ended; see: journalctl -t guarded-deploy")
        record = read_record(host, place)
        if record is None or record.state != FIRING:
            return Answer(record, False)
        begun = begin_attempt(record)
        if begun is None:
            return _settle(host, record, Rollback(failures=(f"it was begun {record.attempts} times and never came to its end",)), place)
        write_record(host, begun, place)
        rollback = run_rollback(host, begun, _stage(begun, stage), timeout, place)
        if stage == "early":
            return _settle_early(host, begun, rollback, place)
        return _settle(host, begun, rollback, place)


def _stage(record: Record, stage: str) -> str:
    return "late" if stage == "whole" and record.early_done else stage


def _settle_early(host: WritableHost, record: Record, rollback: Rollback, place: Place) -> Answer:
    # What did not succeed this early, the second stage does again.
    done = record._replace(early_done=not rollback.failures)
    write_record(host, done, place)
    # The timer has begun anew with the boot. It is to step in where the second stage never comes, not before the engines do.
    try:
        set_timers(host, guard_paths(record.program, place.folder).start, host.uptime() + max(record.within, _BOOT_PATIENCE), place)
    except GuardError as error:
        return Answer(done, True, rollback=rollback, notes=(f"the timer could not be set anew: {error}",))
    return Answer(done, True, rollback=rollback)


def _settle(host: WritableHost, record: Record, rollback: Rollback, place: Place) -> Answer:
    with hold(host, "lock", _LOCK_TIMEOUT, place):
        ended = finish(record, rollback.verified, rollback.as_lines(), read_moment(host, place))
        notes = _write(host, ended, place)
    return Answer(ended, rollback.changed, notes=(*notes, *_tear_down(host, place)), rollback=rollback)


def give_up(host: WritableHost, why: str, place: Place = HERE) -> None:
    """The rollback has crashed: say so in the record, so that nobody takes silence for success."""
    with hold(host, "lock", _LOCK_TIMEOUT, place):
        record = read_record(host, place)
        if record is not None and record.state == FIRING:
            _write(host, finish(record, False, {"failures": [why]}, read_moment(host, place)), place)


def _tear_down(host: WritableHost, place: Place) -> tuple[str, ...]:
    """Take the units of a guard that has ended away, and its program where nobody needs it any more. Done under the lock:
    the next deployment may have armed its own in the meantime."""
    with hold(host, "lock", _LOCK_TIMEOUT, place) as had:
        record = read_record(host, place)
        if not had or (record is not None and record.state in (ARMED, FIRING)):
            return ()
        notes = remove_units(host, place)
        if record is not None and record.state == ROLLBACK_FAILED:
            return notes
        try:
            drop_ballast(host, place)
            remove_programs(host, place)
        except (CouldNotLook, StepFailed) as error:
            notes += (f"the guard's program was not removed: {error}",)
        return notes
