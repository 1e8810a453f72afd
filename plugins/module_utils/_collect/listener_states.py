# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The ports that something listens on, each with its owner in a word that stays the same from look to look."""

from __future__ import annotations

import typing as t

from .._ports.attribution import Inventory, find_claims
from .._snapshot.model import ListenerState
from .containers import collect_containers
from .holders import collect_holders
from .listeners import collect_listeners
from .units import collect_units

if t.TYPE_CHECKING:
    from .._host import Host
    from .._ports.model import Claim, Owner

# Not what is only wanted, declared, or bound without listening: that is no listener.
_LISTENS = frozenset(("listening", "forwarded"))


def render_owner(owner: Owner) -> str:
    """``unit NAME``, ``container NAME`` or ``process NAME``; a user's has the login behind it. A socket unit is a unit;
    a socket that no process holds is ``kernel``."""
    if owner.kind == "kernel":
        return "kernel"
    kind = "unit" if owner.kind == "socket" else owner.kind
    return f"{kind} {owner.name} ({owner.user})" if owner.user else f"{kind} {owner.name}"


def _state(claim: Claim) -> ListenerState:
    return ListenerState(claim.proto, claim.address, claim.port, render_owner(claim.owner))


def collect_listener_states(host: Host, timeout: float) -> tuple[tuple[ListenerState, ...], tuple[tuple[str, str], ...]]:
    """Every port that something listens on or that an engine forwards to a container, each once, and what could not be
    seen: of the ports themselves (``ports: WHAT``), and of who has them (``owners of ports: WHAT``). UDP sockets on a port
    that the kernel chose are left out.

    :raises CouldNotLook: not even the sockets could be listed
    """
    # A service's name is in its control group; only a socket's ports are nowhere but in its unit.
    ask_units = host.beside(lambda: collect_units(host, timeout, kinds=("socket",)))
    sockets = collect_listeners(host, timeout)
    holders = collect_holders(host, sockets.listeners, timeout)
    units = ask_units()
    system_units = {name: unit for (user, name), unit in units.units.items() if user is None}
    containers = collect_containers(host, system_units, timeout, None)
    inventory = Inventory(
        listeners=sockets.listeners,
        holders=holders.by_inode,
        unheld=holders.unheld,
        units=units.units,
        containers=containers.containers,
        forwards=(),
        user_name=host.user_name,
    )
    found = {_state(claim) for claim in find_claims(inventory) if claim.state in _LISTENS}
    # Sockets that have a port and do not listen are no listeners, though a planned port may collide with them.
    unseen = [(f"ports: {spot.what}", spot.why) for spot in sockets.blind_spots if spot.could_hide_planned]
    # What is unseen has a name that stays the same: how many processes it is now, the reason may tell.
    looks = (("processes", holders.blind_spots), ("units", units.blind_spots), ("containers", containers.blind_spots))
    unseen += [(f"owners of ports: {name}", f"{spot.what}: {spot.why}") for name, spots in looks for spot in spots]
    return tuple(sorted(found)), tuple(dict.fromkeys(unseen))
