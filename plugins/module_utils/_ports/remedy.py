# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How to end a conflict for good: commands that survive a reboot, for each side that may stay."""

from __future__ import annotations

import shlex
import typing as t

from .._retirement.model import Member
from .._retirement.plan import is_protected_unit, plan_container_retirement, plan_unit_retirement
from .model import Side

if t.TYPE_CHECKING:
    from .._retirement.model import Step
    from .._units.model import Unit
    from .model import Claim, Owner

MOST_OWNERS = 4
"""With more claimants than this there is no telling which one is meant to stay."""


class RunState(t.NamedTuple):
    """What the commands depend on: the owner's unit, the units that start it, and how its container stands."""

    unit: Unit | None = None
    status: str = ""  # of a container, the engine's word
    restart_policy: str = ""  # of a container


def is_protected(owner: Owner) -> bool:
    """Whether nothing may be proposed against an owner."""
    if owner.pid == 1 and owner.kind == "process":
        return True
    names = [owner.name, owner.unit or ""] if owner.kind in ("unit", "socket") else [owner.unit or ""]
    return any(is_protected_unit(name) for name in names)


def _systemctl(user: str | None) -> tuple[str, ...]:
    return ("systemctl", "--user", f"--machine={user}@.host") if user else ("systemctl",)


def _as_commands(steps: t.Iterable[Step]) -> tuple[str, ...]:
    return tuple(shlex.join(("mv", *step.words) if step.kind == "rename" else step.words) for step in steps)


def _retire_unit(name: str, user: str | None, unit: Unit | None) -> tuple[str, ...]:
    target = Member(name, unit, is_target=True)
    members = [target]
    if unit is not None:
        # A service that its socket or timer starts comes back unless they go first.
        members = [*(Member(one, None, is_target=False) for one in unit.triggered_by), target]
        if name.endswith(".socket"):
            members += (Member(one, None, is_target=False) for one in unit.triggers)
    commands = _as_commands(plan_unit_retirement(members, masked=False, systemctl=_systemctl(user)))
    # What rests already is named all the same: it is the way to keep it so.
    return commands or (shlex.join((*_systemctl(user), "disable", "--now", name)),)


def _engine(owner: Owner) -> str:
    if owner.user:
        user = shlex.quote(owner.user)
        return f"sudo -u {user} env XDG_RUNTIME_DIR=/run/user/$(id -u {user}) {owner.engine}"
    return str(owner.engine)


def plan_retirement(owner: Owner, state: RunState) -> tuple[str, ...]:
    """The commands that end a claimant and keep it ended after a reboot; empty where nothing safe can be said."""
    if is_protected(owner):
        return ()
    if owner.kind in ("unit", "socket"):
        return _retire_unit(owner.name, owner.user, state.unit)
    if owner.kind == "container" and owner.id:
        if owner.unit:
            return _retire_unit(owner.unit, owner.user, state.unit)
        if state.status in ("created", "configured", "initialized"):
            # It never ran, so nothing is lost with it; and as long as it is there it asks for the port.
            return (f"{_engine(owner)} rm {shlex.quote(owner.name)}",)
        steps = plan_container_retirement((), owner.name, state.status, state.restart_policy)
        commands = _as_commands(steps) or (shlex.join(("stop", owner.name)),)
        return tuple(f"{_engine(owner)} {command}" for command in commands)
    return ()


def name_retirement(owner: Owner, state: RunState) -> tuple[str, str] | None:
    """The option of ``service_retirement`` that retires an owner, and its value; None where that module cannot."""
    if owner.user or is_protected(owner):
        return None
    if owner.kind in ("unit", "socket"):
        return ("unit", owner.name)
    if owner.kind == "container" and owner.unit:
        return ("unit", owner.unit)
    ran = state.status not in ("created", "configured", "initialized")
    return ("container", owner.name) if owner.kind == "container" and owner.id and ran else None


def plan_start(owner: Owner, state: RunState) -> tuple[str, ...]:
    """The commands that bring up a claimant which was kept from its port and does not try again by itself."""
    if owner.kind in ("unit", "socket") and state.unit is not None and state.unit.active == "failed":
        systemctl = _systemctl(owner.user)
        return (shlex.join((*systemctl, "reset-failed", owner.name)), shlex.join((*systemctl, "start", owner.name)))
    if owner.kind == "container" and owner.id and not owner.unit and state.status in ("created", "configured", "exited"):
        return (f"{_engine(owner)} start {shlex.quote(owner.name)}",)
    return ()


def plan_sides(parties: t.Sequence[Claim], state_of: t.Callable[[Owner], RunState]) -> tuple[Side, ...]:
    """A way out for each party that may stay. None at all where a party cannot be named, or where keeping one would
    mean to end something that must not be ended. What is only planned has nothing to end: change the plan instead."""
    owners: list[Owner] = []
    planned: list[Owner] = []
    for claim in parties:
        if not any(claim.owner.same_as(known) for known in owners):
            if len(owners) == MOST_OWNERS:
                return ()
            owners.append(claim.owner)
            if claim.state == "planned":
                planned.append(claim.owner)
    sides = []
    for keep in owners:
        others = [owner for owner in owners if owner is not keep]
        retired = [() if owner in planned else plan_retirement(owner, state_of(owner)) for owner in others]
        if keep.kind in ("process", "kernel", "firewall") or not retired or not all(retired):
            continue
        commands = [command for group in retired for command in group]
        start = () if keep in planned else plan_start(keep, state_of(keep))
        named = [name_retirement(owner, state_of(owner)) for owner in others]
        retire = tuple(one for one in named if one is not None)
        sides.append(Side(f"{keep.kind} {keep.name}", (*commands, *start), retire if len(retire) == len(named) else ()))
    return tuple(sides)
