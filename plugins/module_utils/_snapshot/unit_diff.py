# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Two states of units compared, without what changes by itself: restarts, pids, times, and activity that others wake."""

from __future__ import annotations

import typing as t

from .model import Change

if t.TYPE_CHECKING:
    from .model import UnitState

_SECTIONS = {"timer": "timers", "socket": "sockets"}
_NO_OWN_FILE = frozenset(("", "disabled", "static", "indirect", "generated", "transient", "alias"))
_UP = frozenset(("active", "activating", "reloading", "refreshing"))


def unit_section(name: str) -> str:
    """The section of a difference that a unit belongs to: timers, sockets or units."""
    return _SECTIONS.get(name.rpartition(".")[2], "units")


def unit_title(unit: UnitState) -> str:
    """What a unit is called in a difference."""
    return unit.name if unit.user is None else f"{unit.name} ({unit.user})"


def activity(unit: UnitState) -> str:
    """A unit's activity in one of few words: active (exited), inactive, failed, restarting, ..."""
    if unit.sub.startswith("auto-restart"):
        return "restarting"
    if unit.active in ("reloading", "refreshing"):
        return "active"
    # "active (exited)" is a job that is done, "active (running)" a process: not the same.
    return f"active ({unit.sub})" if unit.active == "active" and unit.sub == "exited" else unit.active


def _same_activity(before: UnitState, now: UnitState) -> bool:
    first, second = activity(before), activity(now)
    if first == second:
        return True
    if "restarting" in (first, second):
        # Between two tries it runs for a moment; one look may meet either.
        other = before if second == "restarting" else now
        return other.restarts > 0 and other.active in _UP
    if (before.triggered_by or now.triggered_by) and "failed" not in (first, second):
        # A job of a timer runs when it is time. A service behind a socket starts with the first client, and many end when
        # there is none; while the socket is there, and it is compared itself, both are the same to a client.
        return True
    if {first, second} <= {"inactive", "activating"} and "oneshot" in (before.type, now.type):
        return True
    # Started by whoever calls it on the bus, and ends when nobody does.
    on_demand = "dbus" in (before.type, now.type) and before.enabled == now.enabled == "static"
    return on_demand and "failed" not in (first, second)


def _definition(unit: UnitState) -> str:
    """Where the definition of a unit lies, as one line; empty where it is not loaded, and so was not asked."""
    drop_ins = ", ".join(sorted(unit.drop_ins))
    return f"{unit.fragment} with {drop_ins}" if drop_ins else unit.fragment


def _differs_in(before: UnitState, now: UnitState) -> tuple[str, ...]:
    found = []
    if activity(before) and activity(now) and not _same_activity(before, now):
        found.append("activity")
    if before.enabled != now.enabled:
        found.append("enabled")
    first, second = _definition(before), _definition(now)
    if first and second and first != second:
        found.append("definition")
    if before.load != now.load and {before.load, now.load} & {"error", "bad-setting", "not-found"}:
        found.append("load")
    if now.needs_daemon_reload and not before.needs_daemon_reload:
        found.append("reload")
    return tuple(found)


def describe_unit(unit: UnitState, fields: t.Container[str] = ()) -> str:
    """How a unit stands, in one line; ``fields`` are those to be told beyond its activity and enablement."""
    words = activity(unit) or "not loaded"
    if unit.active == "failed" and unit.result not in ("", "success"):
        words += f" ({unit.result})"
    parts = [words, unit.enabled or "no enablement"]
    if "load" in fields:
        parts.append(f"definition {unit.load}")
    if "definition" in fields and _definition(unit):
        parts.append(f"from {_definition(unit)}")
    if "reload" in fields and unit.needs_daemon_reload:
        parts.append("changed on disk, daemon-reload not done")
    return ", ".join(parts)


def is_compared(unit: UnitState) -> bool:
    """Whether a unit is part of how a host stands: not what is made at run time, nor what a login brings, nor mounts that no
    file describes."""
    is_session = unit.name.startswith(("user@", "user-runtime-dir@"))
    return not unit.transient and not is_session and not (unit.name.endswith((".mount", ".automount")) and not unit.fragment)


def _is_nothing(unit: UnitState) -> bool:
    """Whether a unit is there only as a name that somebody mentioned: at rest, with no file of its own."""
    is_instance = "@" in unit.name and not unit.name.rpartition(".")[0].endswith("@")
    without_file = not unit.fragment or is_instance
    return unit.active in ("inactive", "") and without_file and unit.enabled in (_NO_OWN_FILE if is_instance else ("", "transient"))


def diff_unit(before: UnitState | None, now: UnitState | None) -> Change | None:
    """How one unit differs, None where it does not. One of the two may not be there."""
    either = now or before
    if either is None or not all(unit is None or is_compared(unit) for unit in (before, now)):
        return None
    section, title = unit_section(either.name), unit_title(either)
    if before is None or now is None:
        if _is_nothing(either):
            return None
        return Change(section, title, describe_unit(before) if before else "", describe_unit(now) if now else "")
    fields = _differs_in(before, now)
    return Change(section, title, describe_unit(before, fields), describe_unit(now, fields)) if fields else None
