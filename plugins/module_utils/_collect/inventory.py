# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Everything that has to do with a host's ports, looked at in one go."""

from __future__ import annotations

import typing as t

from .._errors import GuardError, NothingThere
from .._ports.attribution import Inventory, find_claims, find_installed, find_services, find_silent
from .._ports.conflict import Look, add_wanted, find_conflicts, find_expired, judge
from .._ports.duplicate import Service, find_duplicates
from .._ports.memory import FILE, parse_memory
from .._ports.model import BlindSpot, Owner, Report
from .._ports.options import declared_owner, plan_declared
from .._ports.remedy import RunState
from .bound import try_planned
from .compose_files import collect_down_projects
from .containers import collect_containers
from .forwards import collect_forwards
from .holders import collect_holders
from .listeners import collect_listeners
from .loops import collect_loops
from .unit_files import DeclaredUnits, collect_declared_units
from .units import collect_units, is_booted

if t.TYPE_CHECKING:
    from .._host import Host
    from .._ports.memory import Memory
    from .._ports.model import Accepted, Declared, Planned
    from .listeners import Listeners


class Wanted(t.NamedTuple):
    """What the user asked. ``declared`` is what manifests bring; ``timeout`` is the seconds that one look may take."""

    planned: tuple[Planned, ...]
    accepted: tuple[Accepted, ...]
    timeout: float
    docker_socket: str | None
    declared: tuple[Declared, ...] = ()


class _Seen(t.NamedTuple):
    inventory: Inventory
    sockets: Listeners
    blind_spots: tuple[BlindSpot, ...]


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


def _recall(host: Host) -> tuple[Memory, tuple[BlindSpot, ...]]:
    try:
        return parse_memory(host.read_text(FILE)), ()
    except NothingThere:
        return {}, ()
    except GuardError as error:
        spot = BlindSpot(
            what="the ports that services which do not run now were seen on earlier",
            why=str(error),
            could_hide_planned=False,
            remedy="Run as root; or remove the file to begin anew.",
        )
        return {}, (spot,)


def _look(host: Host, wanted: Wanted, planned_udp: set[int]) -> _Seen:
    # PID 1 needs its time to answer; the kernel is asked meanwhile.
    ask_units = host.beside(lambda: collect_units(host, wanted.timeout))
    sockets = collect_listeners(host, wanted.timeout)
    # Leaving client sockets out must not make a planned port look free.
    listeners = sockets.listeners + tuple(one for one in sockets.ephemeral_udp if one.port in planned_udp)
    holders = collect_holders(host, listeners, wanted.timeout)
    forwards = collect_forwards(host, wanted.timeout)
    # Where systemd is not the init, packages' unit files lie there all the same and start nothing.
    declared = collect_declared_units(host) if is_booted(host) else DeclaredUnits((), None, ())
    memory, forgotten = _recall(host)
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
        declared=declared.declared,
        boot=declared.boot,
        memory=memory,
    )
    spots = [spot for look in (sockets, holders, units, containers, forwards, declared) for spot in look.blind_spots]
    if containers.containers or host.has("docker"):
        spots += collect_down_projects(host, containers.containers)
    return _Seen(inventory, sockets, (*spots, *forgotten))


def _silent_spots(silent: t.Iterable[Declared], planned: t.Iterable[Declared]) -> list[BlindSpot]:
    """Services whose ports no text tells: those that the next boot starts, and those that manifests bring."""
    spots = [
        BlindSpot(
            what=f"the ports of {one.name}, which does not run now and which the next boot starts",
            why="; ".join(one.unknown),
            could_hide_planned=True,
            remedy="Look into its configuration; once it was seen running by an audit with audit_remember=true, its ports are known.",
        )
        for one in silent
    ]
    spots += [
        BlindSpot(
            what=f"the ports of {one.kind} {one.name} of {one.file}:{one.line}",
            why="; ".join(one.unknown),
            could_hide_planned=True,
            remedy="Name its ports in the option planned, with it as their owner.",
            could_hide_conflict=False,
        )
        for one in planned
        if one.unknown
    ]
    return spots


def collect_report(host: Host, wanted: Wanted) -> Report:
    """Look at the host and compare.

    :raises CouldNotLook: not even the listening sockets could be read
    """
    foreseen = (*wanted.planned, *plan_declared(wanted.declared))
    seen = _look(host, wanted, {one.port for one in foreseen if one.proto == "udp"})
    inventory = seen.inventory
    claims = find_claims(inventory)
    declared = find_installed(wanted.declared, inventory, {one.port for one in seen.sockets.ephemeral_udp})
    planned = (*wanted.planned, *plan_declared(declared))
    loops = collect_loops(host, inventory, wanted.timeout, wanted.docker_socket)
    named = {one.owner.name for one in wanted.planned if one.owner is not None}
    unnamed = [one for one in declared if one.name not in named and one.unit not in named]
    blind_spots = [*seen.blind_spots, *loops.blind_spots, *_silent_spots(find_silent(inventory), unnamed)]
    if planned and not seen.sockets.bound_seen:
        tried, untried = try_planned(host, planned, claims)
        claims += tuple(tried)
        blind_spots += untried
    state_of = _run_states(inventory)
    look = Look(
        claims=claims,
        loops=loops.loops,
        planned=planned,
        accepted=wanted.accepted,
        today=host.today(),
        state_of=state_of,
    )
    conflicts = find_conflicts(look)
    new = [Service(one, declared_owner(one), running=False, planned=True) for one in declared]
    duplicates = find_duplicates([*find_services(inventory, claims), *new], state_of)
    conflicts = (*conflicts, *duplicates.conflicts)
    return Report(
        claims=add_wanted(claims, conflicts),
        conflicts=conflicts,
        blind_spots=tuple(blind_spots),
        expired=find_expired(look, conflicts),
        verdict=judge(conflicts, blind_spots),
        ephemeral_udp=len(seen.sockets.ephemeral_udp),
        same_programs=duplicates.same_programs,
    )
