# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Everything that has to do with a host's ports, looked at in one go."""

from __future__ import annotations

import typing as t

from .._ports.attribution import Inventory, find_claims
from .._ports.conflict import Look, add_wanted, find_conflicts, find_expired, judge
from .._ports.model import Owner, Report
from .._ports.remedy import RunState
from .bound import try_planned
from .containers import collect_containers
from .forwards import collect_forwards
from .holders import collect_holders
from .listeners import collect_listeners
from .loops import collect_loops
from .units import collect_units

if t.TYPE_CHECKING:
    from .._host import Host
    from .._ports.model import Accepted, Planned


class Wanted(t.NamedTuple):
    """What the user asked. ``timeout`` is the seconds that one look may take."""

    planned: tuple[Planned, ...]
    accepted: tuple[Accepted, ...]
    timeout: float
    docker_socket: str | None


def _run_states(inventory: Inventory) -> t.Callable[[Owner], RunState]:
    containers = {container.id: container for container in inventory.containers}

    def state_of(owner: Owner) -> RunState:
        name = owner.unit if owner.kind == "container" else owner.name
        unit = inventory.units.get((owner.user, name)) if name else None
        container = containers.get(owner.id) if owner.id else None
        if container is None:
            return RunState(unit)
        return RunState(unit, container.status, container.restart_policy)

    return state_of


def collect_report(host: Host, wanted: Wanted) -> Report:
    """Look at the host and compare.

    :raises CouldNotLook: not even the listening sockets could be read
    """
    # PID 1 needs its time to answer; the kernel is asked meanwhile.
    ask_units = host.beside(lambda: collect_units(host, wanted.timeout))
    sockets = collect_listeners(host, wanted.timeout)
    planned_udp = {one.port for one in wanted.planned if one.proto == "udp"}
    # Leaving client sockets out must not make a planned port look free.
    listeners = sockets.listeners + tuple(one for one in sockets.ephemeral_udp if one.port in planned_udp)
    holders = collect_holders(host, listeners, wanted.timeout)
    forwards = collect_forwards(host, wanted.timeout)
    units = ask_units()
    system_units = {name: unit for (user, name), unit in units.units.items() if user is None}
    containers = collect_containers(host, system_units, wanted.timeout, wanted.docker_socket)
    inventory = Inventory(
        listeners=listeners,
        holders=holders.by_inode,
        unheld=holders.unheld,
        units=units.units,
        containers=containers.containers,
        forwards=forwards.forwards,
        user_name=host.user_name,
    )
    claims = find_claims(inventory)
    loops = collect_loops(host, inventory, wanted.timeout, wanted.docker_socket)
    blind_spots = [
        spot for look in (sockets, holders, units, containers, forwards, loops) for spot in look.blind_spots
    ]
    if wanted.planned and not sockets.bound_seen:
        tried, untried = try_planned(host, wanted.planned, claims)
        claims += tuple(tried)
        blind_spots += untried
    look = Look(
        claims=claims,
        loops=loops.loops,
        planned=wanted.planned,
        accepted=wanted.accepted,
        today=host.today(),
        state_of=_run_states(inventory),
    )
    conflicts = find_conflicts(look)
    return Report(
        claims=add_wanted(claims, conflicts),
        conflicts=conflicts,
        blind_spots=tuple(blind_spots),
        expired=find_expired(look, conflicts),
        verdict=judge(conflicts, blind_spots),
        ephemeral_udp=len(sockets.ephemeral_udp),
    )
