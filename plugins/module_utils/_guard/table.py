# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The dead-man switch as a table: what each event makes of each state. Exactly one outcome for each pair.

Inside a boot the monotonic clock decides whether the window is over, and nothing else; the wall clock may jump. Whoever
asks first after the window has made it fire, be it the timer, a confirmation that comes late, or the next deployment.
"""

from __future__ import annotations

import typing as t

from .model import ARMED, CONFIRMED, CONTINUE, FIRING, ROLLBACK_FAILED, ROLLED_BACK, Decision, Event, Moment, Record
from .words import describe_armed, describe_end, describe_nothing_armed

# A host that dies in every rollback must not die for ever.
MOST_ATTEMPTS = 20
_SHORTEST = 1.0  # seconds that a window has left after a boot, whatever the clocks say


def remaining(record: Record, moment: Moment) -> float:
    """Seconds until the window of an armed guard is over in this boot; 0 or less where it is."""
    return record.deadline - moment.monotonic


def _is_other_boot(record: Record, moment: Moment) -> bool:
    # A monotonic clock that reads less than at arming has begun anew: the mark was carried over, the boot was not.
    return record.boot != moment.boot or remaining(record, moment) > record.within + 1


def _fire(record: Record, cause: str) -> Record:
    return record._replace(state=FIRING, cause=cause)


def _rearm(record: Record, moment: Moment) -> Record:
    """The window goes on in another boot. How long the host was down only the wall clock knows, and it may be wrong."""
    left = min(max(record.ends_at - moment.wall, _SHORTEST), record.within)
    return record._replace(boot=moment.boot, deadline=moment.monotonic + left, ends_at=moment.wall + left)


def catch_up(record: Record | None, moment: Moment) -> Record | None:
    """How a guard stands by now: what time and boots alone have made of it."""
    if record is None or record.state != ARMED:
        return record
    if _is_other_boot(record, moment):
        return _rearm(record, moment) if record.on_reboot == CONTINUE else _fire(record, "the host was booted before it was confirmed")
    if remaining(record, moment) <= 0:
        return _fire(record, f"not confirmed within {record.within:g} s")
    return record


def _is_meant(record: Record, event: Event) -> bool:
    """Whether the event is about this guard: of the run that armed it, or naming its snapshot."""
    return (bool(event.run) and record.run == event.run) or event.snapshot == record.snapshot


def _on_armed(record: Record, event: Event, moment: Moment) -> Decision:
    if event.kind == "expire":
        return Decision("wait", record)
    if event.kind in ("early", "late"):
        return Decision("kept", record)
    if event.kind == "arm":
        if event.new and event.run and (record.run, record.snapshot) == (event.run, event.new.snapshot):
            return Decision("kept", record)
        if event.force:
            text = "another deployment was rolled back first"
            return Decision("roll_back", _fire(record, f"{event.who} took over"), text)
        return Decision(
            "refused", record, f"{describe_armed(record, remaining(record, moment))}. Wait for its end, or take over, which rolls it back"
        )
    if not _is_meant(record, event):
        what = describe_armed(record, remaining(record, moment))
        return Decision("refused", record, f"{what}. It is not this run's; to act on it all the same, name its snapshot {record.snapshot}")
    if event.kind == "extend":
        longer = record._replace(within=event.within, deadline=moment.monotonic + event.within, ends_at=moment.wall + event.within)
        return Decision("done", longer)
    if event.kind == "confirm":
        return Decision("done", record._replace(state=CONFIRMED, cause=f"confirmed by {event.who}", ended_at=moment.wall))
    return Decision("roll_back", _fire(record, f"triggered by {event.who}"))


def _on_firing(record: Record, event: Event, _moment: Moment) -> Decision:
    if event.kind == "arm":
        return Decision("roll_back", record, "the rollback of another deployment had to be ended first")
    return Decision("roll_back", record)


def _on_rolled_back(record: Record, event: Event, _moment: Moment) -> Decision:
    if event.kind == "arm":
        return Decision("done", event.new)
    if event.kind in ("expire", "early", "late"):
        return Decision("kept", record)
    if not _is_meant(record, event):
        return Decision("refused", record, describe_nothing_armed(record))
    if event.kind == "trigger" or record.run == event.run:
        return Decision("again", record, describe_end(record))
    return Decision("refused", record, describe_end(record))


def _on_rollback_failed(record: Record, event: Event, moment: Moment) -> Decision:
    if event.kind in ("expire", "early", "late"):
        return Decision("kept", record)
    if event.kind == "arm":
        text = "the failed rollback of another deployment was run again first"
        return (
            Decision("roll_back", record._replace(state=FIRING, attempts=0), text)
            if event.force
            else Decision("refused", record, describe_end(record))
        )
    if not _is_meant(record, event):
        return Decision("refused", record, describe_end(record))
    if event.kind == "trigger":
        return Decision("roll_back", record._replace(state=FIRING, attempts=0))
    if event.kind == "confirm" and event.force:
        return Decision("done", record._replace(state=CONFIRMED, cause=f"given up by {event.who}, not rolled back", ended_at=moment.wall))
    return Decision("refused", record, describe_end(record))


def _on_confirmed(record: Record, event: Event, _moment: Moment) -> Decision:
    if event.kind == "arm":
        return Decision("done", event.new)
    if event.kind in ("expire", "early", "late") or (event.kind == "confirm" and _is_meant(record, event)):
        return Decision("kept", record)
    return Decision("refused", record, describe_nothing_armed(record))


def _on_nothing(event: Event) -> Decision:
    if event.kind == "arm":
        return Decision("done", event.new)
    if event.kind in ("expire", "early", "late"):
        return Decision("kept", None)
    return Decision("refused", None, describe_nothing_armed(None))


_TABLE: dict[str, t.Callable[[Record, Event, Moment], Decision]] = {
    ARMED: _on_armed,
    FIRING: _on_firing,
    ROLLED_BACK: _on_rolled_back,
    ROLLBACK_FAILED: _on_rollback_failed,
    CONFIRMED: _on_confirmed,
}


def decide(record: Record | None, event: Event, moment: Moment) -> Decision:
    """What an event at a moment makes of a guard."""
    now = catch_up(record, moment)
    return _TABLE[now.state](now, event, moment) if now is not None else _on_nothing(event)


def find_staleness(last: Record | None, snapshot: str, taken: float) -> str:
    """Why a snapshot that was taken at ``taken`` (seconds since the epoch) is not what the host should go back to, now that
    the ``last`` deployment has ended; empty where nothing speaks against it. To go back to it would bring back what was taken
    back, or undo what was confirmed."""
    if last is None or last.state not in (ROLLED_BACK, CONFIRMED) or taken > last.ended_at:
        return ""
    if last.state == ROLLED_BACK and last.snapshot == snapshot:
        return ""
    return (
        f"the snapshot {snapshot} was taken before the end of the last deployment ({describe_end(last)}), so it is not what the host is "
        "now. Nothing is armed: take a new snapshot, and arm again (or accept_loss: true)"
    )


def begin_attempt(record: Record) -> Record | None:
    """The record of a rollback that is begun once more; None where that was done too often."""
    return record._replace(attempts=record.attempts + 1) if record.attempts < MOST_ATTEMPTS else None


def finish(record: Record, is_verified: bool, result: t.Mapping[str, t.Sequence[str]], moment: Moment) -> Record:
    """The record after a rollback was run to its end."""
    return record._replace(state=ROLLED_BACK if is_verified else ROLLBACK_FAILED, result=dict(result), ended_at=moment.wall)
