# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The steps that bring units back to the states that they were in, as data.

What runs is left alone if it is what ran: the same invocation without a change of state since, or another one that cannot
have read anything that is brought back. A unit is never restarted: it is stopped with the definition that it was started
with, before the files are brought back, and started with the other one.
"""

from __future__ import annotations

import re
import typing as t

from .scope import find_managed
from .unit_match import differs_in_activity, is_masked, is_on_demand, is_running_job, is_up, was_up

if t.TYPE_CHECKING:
    from .model import EntryChange, UnitState
    from .scope import Key, Sides

_SAME_MOMENT = 1e-3
# Folders that only service managers and their generators read: a change there concerns the units that it defines.
_UNIT_FOLDERS = re.compile(r"(/etc|/run|/usr/local/lib|/usr/lib|/lib|/usr/share|.*/\.config)/(systemd|containers/systemd)(/|$)")
# Sockets before the services that they start, as a running service keeps its socket from being started.
_ORDER = ("mount", "automount", "socket", "path", "service", "target", "timer")
_TRIGGERS = (".socket", ".timer", ".path", ".automount")


class Span(t.NamedTuple):
    """When a file was as the change has left it, in seconds of the monotonic clock: ``since`` is None where that is not
    known, ``until`` where it still is."""

    since: float | None = None
    until: float | None = None


class BroughtBack(t.NamedTuple):
    """What a restore brings back beside units: files, by their paths, and the ``units`` that are up and do not do what they
    did: their containers differ, or they have lost their sockets."""

    files: t.Mapping[str, Span] = {}
    units: t.Collection[Key] = ()


class Settled(t.NamedTuple):
    """The run of a unit that counts as the recorded one since a restore has started it: UnitState's ``invocation`` and
    ``changed``."""

    invocation: str
    changed: float


class UnitPlan(t.NamedTuple):
    """Units by what is to be done, each in the order in which it is to be done. What is in ``stop`` and ``start`` is
    restarted. First what is to be stopped, then (files are back, the managers have reloaded) ``reset_failed``, ``start``
    and ``reload``. Of those to be started ``masked`` ran although they were masked, and cannot be while they are."""

    stop: tuple[Key, ...] = ()
    reset_failed: tuple[Key, ...] = ()
    start: tuple[Key, ...] = ()
    reload: tuple[Key, ...] = ()
    masked: tuple[Key, ...] = ()

    def in_order(self) -> tuple[tuple[str, tuple[Key, ...]], ...]:
        """What to tell the managers, and about which units; not those that are masked."""
        start = tuple(key for key in self.start if key not in self.masked)
        return ("stop", self.stop), ("reset-failed", self.reset_failed), ("start", start), ("reload", self.reload)

    def without(self, failed: t.Container[tuple[str, Key]]) -> UnitPlan:
        """The plan without what was tried, and did not succeed: (verb, unit)."""
        return UnitPlan(
            stop=tuple(key for key in self.stop if ("stop", key) not in failed),
            reset_failed=tuple(key for key in self.reset_failed if ("start", key) not in failed and ("reset-failed", key) not in failed),
            start=tuple(key for key in self.start if ("start", key) not in failed),
            reload=tuple(key for key in self.reload if ("reload", key) not in failed),
            masked=tuple(key for key in self.masked if ("start", key) not in failed),
        )

    @property
    def restarted(self) -> frozenset[Key]:
        return frozenset(self.stop) & frozenset(self.start)


class Frame(t.NamedTuple):
    """What else decides: whether both states are of the same boot, what runs settled since, and the unit that this runs
    in."""

    same_boot: bool = True
    settled: t.Mapping[Key, Settled] = {}
    own_unit: str | None = None


def plan_units(before: t.Iterable[UnitState], now: t.Iterable[UnitState], brought_back: BroughtBack, frame: Frame) -> UnitPlan:
    """What is to be done so that the units in scope stand as they did."""
    managed = find_managed(before, now, frame.own_unit)
    verdicts = {key: _judge(key, sides, brought_back, frame) for key, sides in managed.items()}
    stop = [key for key, verdict in verdicts.items() if verdict in ("stop", "restart")]
    start = [key for key, verdict in verdicts.items() if verdict in ("start", "restart")]
    for key in _blocked_sockets(managed, start, stop):
        stop.append(key)
        if was_up(managed[key].before):
            start.append(key)
    failed = [key for key, sides in managed.items() if _needs_reset(sides)]
    return UnitPlan(
        masked=tuple(key for key in managed if key in start and is_masked(managed[key].before)),
        stop=tuple(sorted(set(stop), key=_stop_order)),
        reset_failed=tuple(sorted({*failed, *start}, key=_start_order)),
        start=tuple(sorted(set(start), key=_start_order)),
        reload=tuple(key for key, verdict in verdicts.items() if verdict == "reload" and key not in stop),
    )


def _start_order(key: Key) -> tuple[int, str, str]:
    return _ORDER.index(key[1].rpartition(".")[2]), key[0] or "", key[1]


def _stop_order(key: Key) -> tuple[bool, str, str]:
    return not key[1].endswith(_TRIGGERS), key[0] or "", key[1]


def _needs_reset(sides: Sides) -> bool:
    before, now = sides
    return now is not None and now.active == "failed" and not was_up(before) and differs_in_activity(before, now)


def _judge(key: Key, sides: Sides, brought_back: BroughtBack, frame: Frame) -> str:
    """``stop``, ``start``, ``restart``, ``reload``, or nothing."""
    before, now = sides
    runs = is_up(now) or is_running_job(now)
    if was_up(before):
        if not runs:
            return "start" if differs_in_activity(before, now) else ""
        return _judge_run(key, sides, brought_back, frame)
    if not runs or is_running_job(before):
        return ""
    if before is None:
        return "stop"
    if is_on_demand(before) or is_running_job(now):
        # It may run whenever something asks for it: with what is recorded, not with what the change has made of it.
        return "stop" if _judge_run(key, sides, brought_back, frame) == "restart" else ""
    return "stop"


def _judge_run(key: Key, sides: Sides, brought_back: BroughtBack, frame: Frame) -> str:
    """What is to be done with a unit that is up: ``restart``, ``reload``, or nothing."""
    before, now = sides
    if before is None or now is None:
        return ""
    if key in brought_back.units:
        return "restart"
    known = frame.settled.get(key, Settled(before.invocation, before.changed))
    if now.invocation == known.invocation and (frame.same_boot or not now.invocation):
        was_reloaded = abs(now.changed - known.changed) > _SAME_MOMENT
        return "reload" if was_reloaded and now.can_reload and now.invocation and _may_have_read(sides, brought_back) else ""
    return "restart" if _is_defined_otherwise(before, now) or _may_have_read(sides, brought_back) else ""


def _is_defined_otherwise(before: UnitState, now: UnitState) -> bool:
    return bool(before.fragment) and (before.fragment, sorted(before.drop_ins)) != (now.fragment, sorted(now.drop_ins))


def _may_have_read(sides: Sides, brought_back: BroughtBack) -> bool:
    """Whether the run of now can have read a file as the change has left it."""
    now = sides.now
    if now is None:
        return False
    there = [unit for unit in sides if unit is not None]
    for path, (since, until) in brought_back.files.items():
        if _UNIT_FOLDERS.match(path) and not any(_defines(path, unit) for unit in there):
            continue
        if (since is None or now.changed >= since) and (until is None or now.changed < until):
            return True
    return False


def _defines(path: str, unit: UnitState) -> bool:
    """Whether a path in a folder of units is part of a unit's definition, be it there or not: by its name, as what is
    gone from the definition of now may be all that the unit that runs was started with."""
    own = (unit.fragment, *unit.drop_ins, *unit.files)
    if path in own or any(other and path.startswith(f"{other}.d/") for other in own):
        return True
    if ("/user" in path.partition("systemd")[2]) != (unit.user is not None):
        return False
    folder, _slash, name = path.rpartition("/")
    parent, names = folder.rpartition("/")[2], _names_of_definition(unit)
    if parent.endswith(".d"):
        return parent[:-2] in names
    # In a folder of links a name says who is wanted, not how it is defined.
    return name in names and not parent.endswith((".wants", ".requires", ".upholds"))


def _names_of_definition(unit: UnitState) -> set[str]:
    """What files of a unit, and folders of its drop-ins, are called: its names, its template, each prefix that ends with a
    dash, and its kind (systemd.unit(5))."""
    found = {unit.name, *unit.names, unit.name.rpartition(".")[2]}
    for name in (unit.name, *unit.names):
        stem, _dot, kind = name.rpartition(".")
        if "@" in stem:
            found.add(f"{stem.partition('@')[0]}@.{kind}")
        parts = stem.partition("@")[0].split("-")
        found |= {f"{'-'.join(parts[:count])}-.{kind}" for count in range(1, len(parts))}
    return found


def _blocked_sockets(managed: t.Mapping[Key, Sides], start: t.Sequence[Key], stop: t.Sequence[Key]) -> list[Key]:
    """Services that run without the socket that is to be started for them: it would refuse."""
    sockets = {key for key in start if key[1].endswith(".socket")}
    found = []
    for key, sides in managed.items():
        triggers = {name for unit in sides if unit is not None for name in unit.triggered_by}
        if key not in stop and is_up(sides.now) and any((key[0], name) in sockets for name in triggers):
            found.append(key)
    return found


def find_read(changes: t.Iterable[EntryChange]) -> list[EntryChange]:
    """The changes that a program can have noticed: not those where only times differ, as in each folder that something
    was written to."""
    return [change for change in changes if change.what != "changed" or set(change.fields) - {"times"}]


def needs_reload(paths: t.Iterable[str], units: t.Iterable[UnitState]) -> bool:
    """Whether service managers must read their files again, after ``paths`` have been brought back. Links to targets
    and files of generators are noticed by nothing else."""
    others = ("/etc/fstab", "/etc/crypttab", "/etc/init.d/", "/etc/rc.local")
    return any(_UNIT_FOLDERS.match(path) or path.startswith(others) for path in paths) or any(unit.needs_daemon_reload for unit in units)
