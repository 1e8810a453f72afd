# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""All loops of a program and its other signs together: what the program is."""

from __future__ import annotations

import typing as t

from .model import CANNOT_TELL, DAEMON, INFERRED, ONESHOT, SLEEP_LOOP, SURE, Judged

if t.TYPE_CHECKING:
    from .model import Loop

# What a loop of each kind says of its program.
_DAEMONS = ("events", "supervisor", "watchdog", "idle", "limited", "busy", "keepalive")
_UNCLEAR = ("ticker", "control", "repair", "unclear", "retry")


def weigh(loops: t.Sequence[Loop], serving: t.Sequence[str], threads: bool) -> Judged:
    """What a program is, by its endless loops, by what shows that it serves others (each in a few words), and by whether
    it starts threads or children beside them. In doubt it is left in peace."""
    every = tuple(loops)
    jobs = [one for one in every if one.kind == "job"]
    if serving:
        return Judged(DAEMON, None, f"it serves or listens to others: {serving[0]}", SURE, every)
    for kind in ("events", "supervisor", "watchdog"):
        found = [one for one in every if one.kind == kind]
        if found:
            return Judged(DAEMON, found[0], found[0].why, SURE, every)
    unclear = [one for one in every if one.kind in _UNCLEAR]
    others = [one for one in every if one.kind in ("idle", "limited", "busy")]
    if jobs and not others and not [one for one in unclear if one.kind != "retry"]:
        best = max(jobs, key=lambda one: (one.confidence == SURE, one.interval.seconds is not None))
        confidence = INFERRED if threads and best.shape != "library" else best.confidence
        return Judged(SLEEP_LOOP, best, best.why, confidence, every)
    if jobs:
        other = (others or unclear)[0]
        return Judged(CANNOT_TELL, jobs[0], f"beside a periodic job it has another loop: {other.why} (line {other.line})", INFERRED, every)
    if others:
        return Judged(DAEMON, others[0], others[0].why, SURE, every)
    if unclear:
        verdict = DAEMON if unclear[0].kind == "retry" else CANNOT_TELL
        return Judged(verdict, unclear[0], unclear[0].why, INFERRED, every)
    waiting = [one for one in every if one.kind in ("keepalive", "heartbeat")]
    if waiting:
        why = "its main thread only keeps the others alive" if threads else "it only waits, and repeats no work"
        return Judged(DAEMON if threads else CANNOT_TELL, waiting[0], why, SURE, every)
    return Judged(ONESHOT, None, "it has no loop that goes on", INFERRED, every)
