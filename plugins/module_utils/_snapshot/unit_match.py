# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Whether a unit stands as it did: what counts, and what is only the time that has passed.

Up is what is active, or on its way there. What was failed is as well inactive: nothing can make it fail in the same way
again. A unit in a restart loop was not in any one state, and whatever the loop passes through is as it was. Process ids,
invocations, counters and moments are never differences.
"""

from __future__ import annotations

import typing as t

from .scope import find_managed, find_starter

if t.TYPE_CHECKING:
    from .model import UnitState
    from .scope import Key

UP = frozenset(("active", "reloading", "refreshing"))
_UNIT_ON_DEMAND = (".socket", ".path", ".automount")
_AT_REST = frozenset(("static", "disabled", "indirect", "alias", "generated", "linked", "linked-runtime", ""))


class UnitDifference(t.NamedTuple):
    """A unit that does not stand as it did. ``fields`` are ``enabled`` and ``active``; None where there was or is none."""

    key: Key
    fields: tuple[str, ...]
    before: UnitState | None
    now: UnitState | None


def is_up(unit: UnitState | None) -> bool:
    """Whether a unit is active or tries to be. A job that runs and will end (Type=oneshot) is not up."""
    if unit is None:
        return False
    return unit.active in UP or (unit.active == "activating" and unit.type != "oneshot")


def was_up(unit: UnitState | None) -> bool:
    """Whether a unit of a snapshot is to be up: what a timer ran, or D-Bus started on demand, is not."""
    return unit is not None and is_up(unit) and not find_starter(unit)


def is_masked(unit: UnitState | None) -> bool:
    """Whether nothing can start the unit."""
    return unit is not None and unit.enabled.startswith("masked")


def is_on_demand(unit: UnitState | None) -> bool:
    """Whether something that waits, as a socket does, starts the unit when it is needed."""
    return unit is not None and any(other.endswith(_UNIT_ON_DEMAND) for other in unit.triggered_by)


def is_running_job(unit: UnitState | None) -> bool:
    """Whether a job runs that will end by itself."""
    return unit is not None and unit.type == "oneshot" and unit.active == "activating"


def differs_in_activity(before: UnitState | None, now: UnitState | None) -> bool:
    """Whether a unit in scope is up and was not, or the reverse, or has failed meanwhile."""
    if before is not None and is_running_job(before):
        return False
    if was_up(before):
        return _has_lost(before, now)
    if now is not None and now.active == "failed":
        return before is None or before.active != "failed"
    if before is not None and (is_on_demand(before) or is_running_job(now)):
        return False
    return is_up(now) or is_running_job(now)


def _has_lost(before: UnitState | None, now: UnitState | None) -> bool:
    """Whether a unit that was up is not, or not as well."""
    if now is None or before is None:
        return True
    if before.active == "activating":
        return not (is_up(now) or now.active in ("failed", "deactivating"))
    if is_on_demand(now) and now.active == "inactive" and now.ended_itself and now.result in ("", "success"):
        # It has no clients, and the next one starts it.
        return False
    return now.active not in UP


def differs_in_enablement(before: UnitState | None, now: UnitState | None, same_boot: bool) -> bool:
    """Whether a unit is enabled, masked, linked otherwise than it was. What lies in /run ends with the boot."""
    enabled = [unit.enabled if unit is not None else None for unit in (before, now)]
    if "transient" in enabled or (not same_boot and any(text is not None and text.endswith("-runtime") for text in enabled)):
        return False
    if before is None or now is None:
        # A unit that is no longer loaded, and a file that waits to be used, are no difference in how the host works.
        there = before or now
        may_come_and_go = before is None or "@" in before.name or not before.enabled
        return there is not None and not (may_come_and_go and there.enabled in _AT_REST)
    return enabled[0] != enabled[1]


def find_unit_differences(
    before: t.Iterable[UnitState], now: t.Iterable[UnitState], same_boot: bool, own_unit: str | None = None
) -> tuple[UnitDifference, ...]:
    """The units that do not stand as they did, as far as a restore answers for them, sorted by user and name.

    ``same_boot`` says whether both were seen in one boot, ``own_unit`` is the unit that this runs in.
    """
    before, now = tuple(before), tuple(now)
    managed = find_managed(before, now, own_unit)
    old = {(unit.user, unit.name): unit for unit in before}
    new = {(unit.user, unit.name): unit for unit in now}
    users = {user for user, _name in old} & {user for user, _name in new}
    found = []
    for key in sorted({**old, **new}, key=lambda key: (key[0] or "", key[1])):
        sides = (old.get(key), new.get(key))
        fields = []
        if key[0] in users and differs_in_enablement(*sides, same_boot=same_boot):
            fields.append("enabled")
        if key in managed and differs_in_activity(*managed[key]):
            fields.append("active")
        if fields:
            found.append(UnitDifference(key, tuple(fields), *sides))
    return tuple(found)
