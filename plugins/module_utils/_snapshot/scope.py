# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which units a restore starts and stops, and so which it answers for: the same set is planned, done and verified.

Left alone is what the host stands on, what comes and goes by itself, and what is not anybody's decision:

- our own units, and the unit that the restore itself runs in;
- the engines, the way in, the network, systemd's own (``_retirement/plan.py`` has the one list);
- transient units; users' managers; instances that a socket makes for one connection;
- targets, mounts and automounts that come with a package, or that nobody has written a file for;
- what comes with a package and a boot runs once (static oneshots): ``ldconfig.service`` runs in the first boot and never again;
- what a timer runs and what D-Bus starts on demand, as long as it is that before and now.

Whether a unit is enabled is a matter of files, and is brought back and verified for all but the transient ones.
"""

from __future__ import annotations

import re
import typing as t

from .._retirement.plan import is_protected_unit

if t.TYPE_CHECKING:
    from .model import UnitState

Key = tuple[t.Optional[str], str]
"""A unit: the login whose manager has it (None: the system's), and its name."""


class Sides(t.NamedTuple):
    """A unit as it was and as it is; None where there was or is none."""

    before: UnitState | None
    now: UnitState | None


_OURS = re.compile(r"guarded-deploy-.*")
_PACKAGED = ("/usr/lib/", "/lib/")
# Accept=yes: NAME@<number>-<what connected>.service (systemd.socket(5)).
_CONNECTION = re.compile(r"(?P<stem>.+)@[0-9]+-.+\.service")
# What every session of a user has, whoever logs in; is_protected_unit names the rest.
_SESSION = re.compile(r"user(-runtime-dir)?@[^/]*\.service|session-.*|run-user-[0-9]+\.mount")
_NOT_ENABLED = frozenset(("static", "disabled", "indirect", ""))


def is_ours(name: str) -> bool:
    """Whether it is a unit of an armed guard: a deployment's tool, never a part of its change."""
    return _OURS.fullmatch(name) is not None


def find_ground(unit: UnitState, own_unit: str | None = None) -> str:
    """Why a restore must not touch a unit whatever has become of it, in a few words; empty where it may."""
    kind = unit.name.rpartition(".")[2]
    if is_ours(unit.name):
        return "it is ours"
    if unit.user is None and unit.name == own_unit:
        return "this runs in it"
    if unit.transient:
        return "it is transient"
    if is_protected_unit(unit.name) or _SESSION.fullmatch(unit.name):
        return "the host stands on it"
    if kind in ("target", "mount", "automount") and not unit.fragment and not unit.enabled:
        return "nobody wrote it"  # one that is not loaded and has a file has an enablement
    if kind in ("target", "mount", "automount") and unit.fragment.startswith(_PACKAGED):
        return "it comes with the system"
    if unit.type == "oneshot" and unit.enabled == "static" and unit.fragment.startswith(_PACKAGED):
        return "the boot runs it once, where its conditions hold"
    return ""


def find_starter(unit: UnitState) -> str:
    """What starts a unit when it is time to, in a few words; empty where it is up to people."""
    if any(other.endswith(".timer") for other in unit.triggered_by):
        return "a timer runs it"
    if unit.type == "dbus" and unit.enabled in _NOT_ENABLED:
        return "D-Bus starts it on demand"
    return ""


def is_in_scope(unit: UnitState, own_unit: str | None = None) -> bool:
    """Whether a restore starts and stops the unit, and answers for it; of one state alone, see :func:`find_managed`."""
    return bool(unit.active) and not find_ground(unit, own_unit) and not find_starter(unit)


def find_managed(before: t.Iterable[UnitState], now: t.Iterable[UnitState], own_unit: str | None = None) -> dict[Key, Sides]:
    """The units in scope by what they were and are, sorted. ``own_unit`` is the system's unit that this runs in.

    How it was decides: a service that the change gave to a timer is in scope, one that a timer ran all along is not. Of a
    user who has no manager now there is nothing to manage, and of one who had none, only what does not come with packages.
    """
    old = {(unit.user, unit.name): unit for unit in before}
    new = {(unit.user, unit.name): unit for unit in now}
    users_before, users_now = ({user for user, _name in side} for side in (old, new))
    sockets = {name.rpartition(".")[0] for _user, name in (*old, *new) if name.endswith(".socket")}
    found = {}
    for key in sorted({**old, **new}, key=lambda key: (key[0] or "", key[1])):
        connection = _CONNECTION.fullmatch(key[1])
        sides = Sides(_with_a_state(old.get(key)), _with_a_state(new.get(key)))
        if key[0] not in users_now or (connection and connection.group("stem") in sockets):
            continue
        if key[0] not in users_before and (sides.now is None or sides.now.fragment.startswith(_PACKAGED)):
            continue
        if _is_managed(sides, own_unit):
            found[key] = sides
    return found


def _with_a_state(unit: UnitState | None) -> UnitState | None:
    """None for a template and an alias: nothing of that name runs."""
    return unit if unit is not None and unit.active else None


def _is_managed(sides: Sides, own_unit: str | None) -> bool:
    there = [side for side in sides if side is not None]
    # Where a unit's file lies is known while it is loaded: of one that was not, only the other side tells.
    if not there or any(find_ground(side, own_unit) for side in there):
        return False
    if sides.before is None or not find_starter(sides.before):
        return True
    return sides.now is not None and not find_starter(sides.now)
