# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Socket units that are active and listen to nothing any more.

systemd closes the sockets of a unit whose file has vanished, or has other addresses, by the next daemon-reload. The unit
stays active, in its old invocation, and "is not functional until restarted" (its words in the journal; seen on 252 and 257).
"""

from __future__ import annotations

import typing as t

from .unit_match import UP

if t.TYPE_CHECKING:
    from .model import HostState, ListenerState, UnitState
    from .scope import Key


def find_deaf_sockets(before: HostState, now: HostState, brought_back: t.Container[str]) -> frozenset[Key]:
    """The socket units that are up and do not listen where they did. Of one with IP sockets that is seen; of others (paths,
    FIFOs) it is assumed where the manager has read a definition that is now brought back (``brought_back``: paths)."""
    recorded = _by_socket(before.listeners)
    present = _by_socket(now.listeners)
    is_blind = any(what.split(":")[0] == "ports" for what, _why in now.unseen)
    old = {(unit.user, unit.name): unit for unit in before.units if unit.name.endswith(".socket") and unit.active in UP}
    found = set()
    for unit in now.units:
        key = (unit.user, unit.name)
        if key not in old or unit.active not in UP:
            continue
        if key in recorded and not is_blind:
            is_deaf = not recorded[key] <= present.get(key, set())
        else:
            is_deaf = key not in recorded and _has_read(old[key], unit, brought_back)
        if is_deaf:
            found.add(key)
    return frozenset(found)


def _by_socket(listeners: t.Iterable[ListenerState]) -> dict[Key, set[tuple[str, str, int]]]:
    """Where each socket unit listens. An owner is ``unit NAME``, or ``unit NAME (USER)``."""
    found: dict[Key, set[tuple[str, str, int]]] = {}
    for listener in listeners:
        kind, _space, owner = listener.owner.partition(" ")
        name, _space, user = owner.partition(" (")
        if kind == "unit" and name.endswith(".socket"):
            found.setdefault((user.removesuffix(")") or None, name), set()).add((listener.proto, listener.address, listener.port))
    return found


def _has_read(before: UnitState, now: UnitState, brought_back: t.Container[str]) -> bool:
    own = {path for unit in (before, now) for path in (unit.fragment, *unit.drop_ins) if path}
    return not now.needs_daemon_reload and any(path in brought_back for path in own)
