# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What is known of the jobs of a host: programs that services run, loops in them, timer pairs, findings."""

from __future__ import annotations

import typing as t

SLEEP_LOOP = "sleep_loop"
"""A periodic job in a sleep loop: bad."""
POOR_MANS_TIMER = "poor_mans_timer"
"""A program that ends, and ``Restart=`` that starts it again after a while: bad."""
BROKEN_PAIR = "broken_pair"
"""A timer and its service that do not do what they look like: bad."""
SOUND_PAIR = "sound_pair"
"""A timer and its service that are as they should be."""
ONESHOT = "oneshot"
"""Does its work once and ends; nothing repeats it."""
DAEMON = "daemon"
"""Runs all the time, and has to."""
CANNOT_TELL = "cannot_tell"
"""What it runs could not be read, or reads both ways; ``why`` says which."""

VERDICTS = (SLEEP_LOOP, POOR_MANS_TIMER, BROKEN_PAIR, SOUND_PAIR, ONESHOT, DAEMON, CANNOT_TELL)
BAD = (SLEEP_LOOP, POOR_MANS_TIMER, BROKEN_PAIR)

SURE, INFERRED = "sure", "inferred"

MOST_LOOPS = 200
"""Loops of one script. No person writes more of them, and each one costs time to judge."""


class Program(t.NamedTuple):
    """What a command line really runs, behind wrappers, shells and interpreters.

    ``path`` is the file that is the program's text (a script, a module), or that of a binary; empty for the script of
    ``sh -c``, which then is ``text`` and stands in the unit. ``language`` is ``python``, ``shell``, ``perl``, ``ruby``,
    ``node``, ``php``, ``binary`` or ``unknown``. ``argv`` are the program's arguments without its own name.
    ``through`` is the way there, first the words of the unit. ``problem`` says why ``text`` is not known (None then).
    ``first_line`` is the line of the file on which ``text`` begins.
    """

    path: str
    language: str
    text: str | None
    argv: tuple[str, ...]
    through: tuple[str, ...]
    problem: str = ""
    first_line: int = 1
    interpreter: str = ""


class Interval(t.NamedTuple):
    """How long a wait is, in seconds (None: not known), and how that is known (``time.sleep(360)``, ``INTERVAL=300 in
    /etc/default/x``, ``default of --interval``). ``sure`` is False where it may be set elsewhere."""

    seconds: float | None
    source: str
    sure: bool = True


class Loop(t.NamedTuple):
    """A loop that a program runs, and what it looks like.

    ``kind``: ``job`` (work, wait, work ...), ``ticker`` (a job whose period is too short to tell), ``keepalive``
    (nothing but waiting), ``waiting`` (ends when what it waits for is there), ``retry`` (waits only after a failure),
    ``idle`` (waits only while there is nothing to do), ``events`` (blocks on sockets, events, children),
    ``supervisor`` (starts others again), ``watchdog`` (feeds one, or repairs a service), ``control`` (thermal and the
    like), ``unclear``. ``text`` is its head as written. ``line`` and ``end`` are its first and last line in ``file``;
    ``body`` the lines of its body, ``wait`` those of the statement that waits (None where there is none of its own).
    ``waits_first`` is whether it waits before it works. ``work`` names what it does, ``state`` what it carries from
    round to round.
    """

    kind: str
    file: str
    line: int
    end: int
    text: str
    interval: Interval
    work: tuple[str, ...]
    why: str
    body: tuple[int, int]
    wait: tuple[int, int] | None = None
    waits_first: bool = False
    state: tuple[str, ...] = ()
    confidence: str = SURE
    shape: str = "while"  # while, for, recursion, schedule, scheduler, timer, library, watch, re-exec


class Judged(t.NamedTuple):
    """What the text of a program is, all its loops taken together: ``sleep_loop``, ``daemon``, ``oneshot`` or
    ``cannot_tell``. ``loop`` is the one that decided, None where none did."""

    verdict: str
    loop: Loop | None
    why: str
    confidence: str = SURE
    loops: tuple[Loop, ...] = ()


class Problem(t.NamedTuple):
    """Something wrong with a timer pair. ``id`` is a kebab-case name, ``severity`` ``broken`` (does not do what it looks
    like), ``risky`` (works, and will hurt one day: no timeout, no memory cap) or ``harmless``; ``file`` and ``line`` are
    where to mend it."""

    id: str
    severity: str
    text: str
    file: str
    line: int
    remedy: str


class Evidence(t.NamedTuple):
    """What the running host has seen. Counts are None where they could not be seen, and ``unseen`` says why.

    ``restarts`` is NRestarts; ``oom_kills`` by memory.events of the present cgroup and the journal of this boot;
    ``memory_bytes`` now, ``memory_max`` the cap (None: none), ``growth`` bytes per hour between two samples,
    ``pressure`` the PSI avg300 by ``cpu``, ``io``, ``memory`` in per cent, ``runs`` the lengths in seconds of the last runs.
    """

    restarts: int | None = None
    oom_kills: int | None = None
    memory_bytes: int | None = None
    memory_max: int | None = None
    growth: float | None = None
    pressure: t.Mapping[str, float] = {}
    runs: tuple[float, ...] = ()
    unseen: tuple[str, ...] = ()


class Finding(t.NamedTuple):
    """What a service or timer is, and how that is known.

    ``unit`` is the unit's name, ``user`` the login of the manager (None: the system's). ``file``, ``line`` and ``loop``
    point at the loop (or, of a pair, at the setting). ``interval`` in seconds is None where it is not known;
    ``interval_source`` says where it stands. ``work`` names what each round does. ``program`` is the file that holds the
    loop: empty where it stands in the unit itself. ``loop_lines``, ``body`` and ``wait`` are first and last lines in
    ``program`` for a conversion. ``timer`` is the timer of a pair, ``problems`` what is wrong with it.
    """

    unit: str
    verdict: str
    why: str
    confidence: str = SURE
    file: str = ""
    line: int = 0
    loop: str = ""
    interval: float | None = None
    interval_source: str = ""
    work: tuple[str, ...] = ()
    language: str = ""
    program: str = ""
    argv: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    loop_lines: tuple[int, int] | None = None
    body: tuple[int, int] | None = None
    wait: tuple[int, int] | None = None
    waits_first: bool = False
    shape: str = ""
    state: tuple[str, ...] = ()
    timer: str = ""
    problems: tuple[Problem, ...] = ()
    evidence: Evidence | None = None
    user: str | None = None
    fragment: str = ""
    explanation: str = ""
    remedy: tuple[str, ...] = ()
