# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A guard: what stands in its record, and what may happen to it."""

from __future__ import annotations

import typing as t

# What a record's ``state`` may be. No record at all is: nothing was ever armed here.
ARMED, FIRING, ROLLED_BACK, ROLLBACK_FAILED, CONFIRMED = STATES = ("armed", "firing", "rolled_back", "rollback_failed", "confirmed")
ROLLBACK, CONTINUE = ON_REBOOT = ("rollback", "continue")


class Record(t.NamedTuple):
    """The record of one guard, the last that was armed on a host.

    ``id`` is its own, ``run`` tells the run of the controller that armed it from every other, ``holder`` who that is in words.
    ``deadline`` is in seconds of the monotonic clock of the boot that ``boot`` marks; it alone decides. ``armed_at``,
    ``ends_at`` and ``ended_at`` are seconds since the epoch and name times to people. ``cause`` says why it fired, or who
    confirmed it; ``early_done`` that the early stage of a rollback at boot was done; ``attempts`` how often a rollback was
    begun. ``result`` is what the rollback said: lists of lines under ``steps``, ``remaining``, ``failures``, ``unrestored`` and
    ``notes``.
    """

    id: str
    state: str
    snapshot: str
    run: str
    holder: str
    reason: str
    within: float
    on_reboot: str
    boot: str
    deadline: float
    armed_at: float
    ends_at: float
    program: str = ""
    cause: str = ""
    early_done: bool = False
    attempts: int = 0
    ended_at: float = 0.0
    result: t.Mapping[str, t.Sequence[str]] = {}


class Moment(t.NamedTuple):
    """When something happens: in which boot, at which second of the monotonic clock, and what the wall clock says."""

    boot: str
    monotonic: float
    wall: float


class Event(t.NamedTuple):
    """What happens to a guard.

    ``kind`` is arm, extend, confirm, trigger (of a controller's run or a person), expire (of a timer), early or late (of a
    boot). ``snapshot`` names the guard that is meant where ``run`` has not armed it; ``who`` is the one in words. ``new`` is the
    record that ``arm`` would begin. ``force`` is: take a live holder's lock over (arm), or give up what could not be rolled back (confirm).
    """

    kind: str
    run: str = ""
    snapshot: str = ""
    who: str = ""
    within: float = 0.0
    force: bool = False
    new: Record | None = None


class Decision(t.NamedTuple):
    """What an event makes of a guard. ``record`` is how it stands from now on, and is written before anything else is done.

    ``kind`` is

    * ``done``: the transition was made
    * ``kept``: it is so already
    * ``wait``: the window is still open
    * ``roll_back``: the rollback is to be run; ``text`` is what the one who asked is to be told if that was not their wish
    * ``again``: it was rolled back, and whatever was changed since is to be taken back, too
    * ``refused``: it must not be; ``text`` says why and what to do
    """

    kind: str
    record: Record | None
    text: str = ""
