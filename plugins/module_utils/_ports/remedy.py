# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How to end a conflict for good: commands that survive a reboot, for each side that may stay."""

from __future__ import annotations

import re
import shlex
import typing as t

from .model import Side

if t.TYPE_CHECKING:
    from .._units.model import Unit
    from .model import Claim, Owner

_PROTECTED = re.compile(
    r"(docker|containerd|podman|ssh|sshd|dbus|dbus-broker|NetworkManager|firewalld|nftables|user@[0-9]+|getty@.*"
    r"|systemd-.*|init|libvirtd|virtqemud|qemu-guest-agent|cloud-init.*|amazon-ssm-agent|google-guest-agent)"
    r"(@.*)?\.(service|socket|scope)"
)
"""Units whose end takes more with it than a port: the engines, the way in, the ground the host stands on."""


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
    return any(_PROTECTED.fullmatch(name) for name in names)


def _systemctl(user: str | None) -> str:
    return f"systemctl --user --machine={shlex.quote(user)}@.host" if user else "systemctl"


def _retire_unit(name: str, user: str | None, unit: Unit | None) -> tuple[str, ...]:
    names = [name]
    if unit is not None:
        # A service that its socket or timer starts comes back unless they go first.
        names = [*unit.triggered_by, name]
        if name.endswith(".socket"):
            names += unit.triggers
    quoted = " ".join(shlex.quote(one) for one in dict.fromkeys(names))
    # A generated or static unit has no enablement to take away; only a mask keeps it down.
    verb = "mask" if unit is None or unit.enabled in ("generated", "static", "transient", "indirect", "") else "disable"
    command = f"{_systemctl(user)} {verb} --now {quoted}"
    return (command, _forget_failure(name, user)) if unit is not None and _may_end_failed(unit) else (command,)


def _may_end_failed(unit: Unit) -> bool:
    """Whether the unit is left in the state ``failed``, and so looks like a claimant, after it has been stopped."""
    return unit.active == "failed" or unit.restarts > 0 or unit.sub.startswith("auto-restart")


def _forget_failure(name: str, user: str | None) -> str:
    # As a pattern, which matches just this name: it may be unloaded by then, and to name it would be an error.
    pattern = name.replace("\\", "\\\\") + "*"
    return f"{_systemctl(user)} reset-failed {shlex.quote(pattern)}"


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
        name, engine = shlex.quote(owner.name), _engine(owner)
        if state.status in ("created", "configured", "initialized"):
            return (f"{engine} rm {name}",)
        keep_down = (f"{engine} update --restart=no {name}",) if state.restart_policy not in ("", "no") else ()
        return (*keep_down, f"{engine} stop {name}")
    return ()


def plan_start(owner: Owner, state: RunState) -> tuple[str, ...]:
    """The commands that bring up a claimant which was kept from its port and does not try again by itself."""
    if owner.kind in ("unit", "socket") and state.unit is not None and state.unit.active == "failed":
        name, systemctl = shlex.quote(owner.name), _systemctl(owner.user)
        return (f"{systemctl} reset-failed {name}", f"{systemctl} start {name}")
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
        sides.append(Side(f"{keep.kind} {keep.name}", (*commands, *start)))
    return tuple(sides)
