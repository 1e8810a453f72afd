# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Two states of a host compared for their meaning."""

from __future__ import annotations

import typing as t

from .engine_diff import diff_engines
from .engine_plan import is_swarms
from .listener_diff import diff_listeners, is_vague
from .model import Change, Difference
from .packages import differing_packages
from .scope import is_ours
from .unit_diff import diff_unit

if t.TYPE_CHECKING:
    from .model import Engines, HostState, ListenerState

SECTIONS = ("files", "units", "timers", "sockets", "containers", "networks", "volumes", "images", "ports", "packages")

UnitKey = tuple[t.Optional[str], str]
"""A unit: the login whose manager has it (None: the system's), and its name."""


def diff_states(before: HostState, now: HostState, in_scope: t.Container[UnitKey] | None = None) -> Difference:
    """How a host differs from how it stood, but for its files.

    What could not be seen on either side is in ``unseen``, and nothing of it is told to be gone or new. Restarts, pids,
    times, container ids, ports that the kernel chose and sockets of short life are no differences.

    With ``in_scope`` (``find_managed(...)`` of ``_snapshot/scope.py``) it tells, for ``_snapshot/restored.py``, what a restore
    answers for besides units: of ports only those of units in scope and of containers; packages, volumes and tags that
    came, and a swarm's networks do not count.
    """
    unseen = _unseen(before, now)
    changes = diff_engines(*_engines(before, now, in_scope))
    if not _is_blind("ports", before, now):
        ports = diff_listeners(before.listeners, now.listeners, _counts(in_scope))
        whose = not _is_blind("owners of ports", before, now)
        changes += [change for change in ports if whose or not is_vague(change)]
    if in_scope is None:
        changes += _diff_units(before, now, unseen)
        changes += _diff_packages(before, now)
    else:
        # A restore removes no data, and a tag that came is in nobody's way.
        changes = [change for change in changes if change.before or change.section not in ("volumes", "images")]
    order = {section: number for number, section in enumerate(SECTIONS)}
    return Difference(tuple(sorted(changes, key=lambda change: (order[change.section], change.name))), tuple(unseen))


def _engines(before: HostState, now: HostState, in_scope: t.Container[UnitKey] | None) -> tuple[Engines, Engines]:
    """The engines of both sides, without what a swarm makes and removes where a restore is to be judged."""
    if in_scope is None:
        return before.engines, now.engines
    sides = (side.engines for side in (before, now))
    first, second = (side._replace(networks=tuple(one for one in side.networks if not is_swarms(one))) for side in sides)
    return first, second


def _is_blind(section: str, before: HostState, now: HostState) -> bool:
    return any(what.split(":")[0] == section for side in (before, now) for what, _why in side.unseen)


def _unseen(before: HostState, now: HostState) -> list[tuple[str, str]]:
    found = []
    for side, when in ((before, "before"), (now, "after")):
        found += [(f"{what} ({when})", why) for what, why in (*side.unseen, *side.engines.unseen)]
    return list(dict.fromkeys(found))


def _users_without_units(before: HostState, now: HostState) -> set[str | None]:
    """Whose manager was seen on one side alone: of a user who is not logged in, nothing is known."""
    first, second = ({unit.user for unit in side.units} for side in (before, now))
    blind = {what.rpartition(" ")[2] for side in (before, now) for what, _why in side.unseen if what.startswith("units: ")}
    found: set[str | None] = {*(first ^ second), *blind} - {None}
    if any(what == "units" for side in (before, now) for what, _why in side.unseen):
        found.add(None)
    return found


def _diff_units(before: HostState, now: HostState, unseen: list[tuple[str, str]]) -> t.Iterator[Change]:
    hidden = _users_without_units(before, now)
    for user in sorted(user for user in hidden if user is not None):
        unseen.append((f"units of {user}", f"the service manager of {user} was seen on one side only"))
    first = {(unit.user, unit.name): unit for unit in before.units if unit.user not in hidden}
    second = {(unit.user, unit.name): unit for unit in now.units if unit.user not in hidden}
    for key in {**first, **second}:
        if is_ours(key[1]):
            continue
        change = diff_unit(first.get(key), second.get(key))
        if change is not None:
            yield change


def _counts(in_scope: t.Container[UnitKey] | None) -> t.Callable[[ListenerState], bool]:
    if in_scope is None:
        return lambda _listener: True

    def counts(listener: ListenerState) -> bool:
        kind, _space, name = listener.owner.partition(" ")
        if kind == "container":
            return True
        plain, _space, user = name.partition(" (")
        return kind == "unit" and (user.removesuffix(")") or None, plain) in in_scope

    return counts


def _diff_packages(before: HostState, now: HostState) -> t.Iterator[Change]:
    if _is_blind("packages", before, now):
        return
    for name in differing_packages(before.packages, now.packages):
        yield Change("packages", name, before.packages.get(name, ""), now.packages.get(name, ""))
