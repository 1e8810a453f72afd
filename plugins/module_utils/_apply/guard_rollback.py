# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The rollback of a guard: the one restore, run until the host stays as it was."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, Damaged, GuardError, NothingThere
from .guard_record import HERE, Place
from .restore import RestoreOutcome, RestoreRequest, restore, restore_lock
from .store import load_snapshot

if t.TYPE_CHECKING:
    from .._guard.model import Record
    from .._host import WritableHost
    from .._snapshot.model import Difference, Unrestorable

# A controller that has not noticed yet may still be changing things: how often the host is brought back.
MOST_ROUNDS = 3
_WAYS_IN = ("ssh.service", "ssh.socket", "sshd.service", "sshd.socket")


class Rollback(t.NamedTuple):
    """What a rollback did: lines for a person. ``verified`` is: the host is as it was, by a look after the last step."""

    changed: bool = False
    verified: bool = False
    steps: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    unrestored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_lines(self) -> dict[str, list[str]]:
        """For a record."""
        return {name: list(getattr(self, name)) for name in ("steps", "remaining", "failures", "unrestored", "notes")}


def _lines(difference: Difference) -> tuple[str, ...]:
    changes = (f"{one.section} {one.name}: is {one.after or 'gone'}, was {one.before or 'not there'}" for one in difference.changes)
    return (*changes, *(f"{what} could not be looked at: {why}" for what, why in difference.unseen))


def _unrestored(found: t.Iterable[Unrestorable]) -> tuple[str, ...]:
    return tuple(f"{one.kind} {one.name}: {one.why}" for one in found)


def _join(before: Rollback, outcome: RestoreOutcome) -> Rollback:
    return Rollback(
        changed=before.changed or outcome.changed,
        verified=bool(outcome.verified),
        steps=(*before.steps, *outcome.steps),
        remaining=_lines(outcome.remaining),
        failures=outcome.failures,
        unrestored=_unrestored(outcome.unrestored),
        notes=tuple(dict.fromkeys((*before.notes, *outcome.notes))),
    )


def _open_way_in(host: WritableHost, record: Record, timeout: float, place: Place) -> Rollback:
    """Start the ssh server again where the change has stopped it. A restore by hand leaves it alone, since whoever asked for
    that is on the host; a guard fires because nobody is."""
    try:
        before = load_snapshot(host, record.snapshot, place.store).state.units
        ran = [unit.name for unit in before if unit.user is None and unit.name in _WAYS_IN and unit.active == "active"]
        stopped = [name for name in ran if host.run(("systemctl", "is-active", "--quiet", name), timeout).rc != 0]
    except GuardError as error:
        return Rollback(failures=(f"whether the way in was open could not be told: {error}",))
    failures = []
    for name in stopped:
        answer = host.run(("systemctl", "start", name), timeout)
        if answer.rc != 0:
            failures.append(f"the way in, {name}, could not be started: {' '.join(answer.err.split())[:300]}")
    return Rollback(bool(stopped), steps=tuple(f"systemctl start {name}" for name in stopped), failures=tuple(failures))


def run_rollback(host: WritableHost, record: Record, stage: str, timeout: float, place: Place = HERE, check: bool = False) -> Rollback:
    """Bring the host back to the guard's snapshot, again where it does not stay so. Whatever goes wrong is in the result."""
    rollback = Rollback()
    for attempt in range(MOST_ROUNDS):
        # What has changed since the last round may be anything.
        request = RestoreRequest(
            record.snapshot, stage if attempt == 0 else "whole", accept_loss=True, by_guard=True, check=check, timeout=timeout
        )
        try:
            _await_others(host, timeout, place)
            outcome = restore(host, request, place.store)
        except GuardError as error:
            rollback = rollback._replace(verified=False, failures=(str(error),))
            if check or stage == "early" or isinstance(error, (Damaged, NothingThere)):
                return rollback
        else:
            rollback = _join(rollback, outcome)
            if check or stage == "early":
                return rollback
            way_in = _open_way_in(host, record, timeout, place)
            rollback = _with_way_in(rollback, way_in)
            if outcome.verified and not outcome.changed and not way_in.changed:
                return rollback
        _wait_a_second(host)
    return rollback


def _with_way_in(rollback: Rollback, way_in: Rollback) -> Rollback:
    return rollback._replace(
        changed=rollback.changed or way_in.changed,
        verified=rollback.verified and not way_in.failures,
        steps=(*rollback.steps, *way_in.steps),
        failures=(*rollback.failures, *way_in.failures),
    )


def _await_others(host: WritableHost, timeout: float, place: Place) -> None:
    """Let a restore by hand come to its end: it must not make this one fail."""
    with host.lock(restore_lock(place.store), 5 * timeout):
        pass


def _wait_a_second(host: WritableHost) -> None:
    try:
        host.run(("sleep", "1"), 10)
    except CouldNotLook:
        pass
