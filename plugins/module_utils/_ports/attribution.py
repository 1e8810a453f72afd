# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Whose a port is: from sockets, their holders, units, containers and firewall rules to claims."""

from __future__ import annotations

import typing as t

from .._containers.boot import returns_at_boot as container_returns_at_boot
from .._containers.declared import declare_container
from .._containers.processes import find_conmon_container, find_proxied, parse_docker_proxy
from .._sockets.cgroup import parse_cgroup_path
from .._units.show import returns_at_boot as unit_returns_at_boot
from .duplicate import Service
from .memory import owner_key, render_time
from .model import UNIT_IS_NOT_HERE, Claim, DeclaredPort, Owner
from .options import declared_owner

if t.TYPE_CHECKING:
    from .._containers.model import Container, Publish
    from .._firewall.model import Forward
    from .._sockets.cgroup import CgroupOwner
    from .._sockets.model import Holder, Listener
    from .._units.boot import Boot
    from .._units.model import Unit
    from .memory import Sighting
    from .model import Declared

PORT_SERVANTS = frozenset(
    ("docker-proxy", "dockerd", "conmon", "rootlessport", "rootlessport-child", "pasta", "pasta.avx2", "slirp4netns", "exe")
)
"""Programs (comm, so 15 characters at the most) that hold a published port for a container. ``exe`` is what
rootlessport calls itself: it runs as /proc/self/exe."""

_CONTAINER_RUNS = frozenset(("running", "restarting", "paused"))
_NOT_YET_RUN = frozenset(("created", "configured", "initialized"))


class Inventory(t.NamedTuple):
    """All that was seen on a host.

    ``holders`` is by socket inode, ``unheld`` are inodes that no process holds, ``units`` is by (login name or None,
    unit name), and ``user_name`` gives the login name of a user id. ``declared`` is what the texts of the system's
    units say, ``boot`` what the next boot starts of them, None where that was not asked; ``memory`` is what owners were
    seen to listen on earlier.
    """

    listeners: tuple[Listener, ...]
    holders: t.Mapping[int, tuple[Holder, ...]]
    unheld: frozenset[int]
    units: t.Mapping[tuple[str | None, str], Unit]
    containers: tuple[Container, ...]
    forwards: tuple[Forward, ...]
    user_name: t.Callable[[int], str]
    declared: tuple[Declared, ...] = ()
    boot: Boot | None = None
    memory: t.Mapping[str, tuple[Sighting, ...]] = {}


def unit_owner(unit: Unit, pid: int | None = None, exe: str | None = None) -> Owner:
    """The owner that a unit is; a socket unit's ``unit`` is the service that it starts."""
    kind = "socket" if unit.name.endswith(".socket") else "unit"
    starts = next(iter(unit.triggers), None) if kind == "socket" else None
    return Owner(kind, unit.name, unit=starts, user=unit.user, pid=pid or unit.main_pid or None, exe=exe)


def container_owner(container: Container, pid: int | None = None, exe: str | None = None) -> Owner:
    """The owner that a container is."""
    return Owner(
        "container",
        container.name,
        engine=container.engine,
        id=container.id,
        image=container.image,
        compose_project=container.compose_project,
        unit=container.unit,
        user=container.user,
        pid=pid or container.pid or None,
        exe=exe,
    )


def _name_by_address(address: str) -> str:
    """What a container is called that no engine has named."""
    return f"at {address}"


class _Attribution:
    """The indexes that each look-up needs, made once."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._by_id = {container.id: container for container in inventory.containers}
        self._published: dict[tuple[str, int], list[tuple[Publish, Container]]] = {}
        for container in inventory.containers:
            if container.status in _CONTAINER_RUNS:
                for publish in container.bound:
                    if publish.host_port is not None:
                        self._published.setdefault((publish.proto, publish.host_port), []).append((publish, container))
        self._sockets: dict[tuple[str, int], list[tuple[str, Unit]]] = {}
        for unit in inventory.units.values():
            for listen in unit.listen:
                if unit.active in ("active", "reloading"):
                    self._sockets.setdefault((listen.proto, listen.port), []).append((listen.address, unit))
        self._cgroups: dict[str, CgroupOwner] = {}
        self._settled: dict[tuple[str, int | None, str | None], Owner | None] = {}

    def _cgroup(self, path: str) -> CgroupOwner:
        if path not in self._cgroups:
            self._cgroups[path] = parse_cgroup_path(path)
        return self._cgroups[path]

    def at_boot(self, owner: Owner) -> str:
        """Whether the next boot brings the owner back: ``yes``, ``no`` or ``unknown``."""
        if owner.kind == "container" and owner.id in self._by_id:
            container = self._by_id[owner.id]
            starter = container.unit or ("docker.service" if container.engine == "docker" else "podman-restart.service")
            return container_returns_at_boot(container, self._unit_at_boot(container.user, starter))
        if owner.kind in ("unit", "socket"):
            return self._unit_at_boot(owner.user, owner.name)
        return "unknown"

    def _unit_at_boot(self, user: str | None, name: str) -> str:
        if user is None and self._inventory.boot is not None:
            return self._inventory.boot.starts(name)
        unit = self._inventory.units.get((user, name))
        if unit is None or unit.load == "not-found":
            # podman-restart.service is not loaded where nothing wants it.
            return "unknown"
        return unit_returns_at_boot(unit)

    def _publisher(self, listener: Listener) -> Container | None:
        """The running container whose published port this socket is."""
        candidates = self._published.get((listener.proto, listener.port), [])
        exact = [container for publish, container in candidates if publish.address == listener.address]
        loose = [container for publish, container in candidates if publish.address in ("*", "0.0.0.0", "::")]
        return next(iter(exact or loose), None)

    def _socket_unit(self, listener: Listener, user: str | None) -> Unit | None:
        candidates = [unit for unit in self._sockets.get((listener.proto, listener.port), []) if unit[1].user == user]
        exact = [unit for address, unit in candidates if address == listener.address]
        return next(iter(exact or [unit for _address, unit in candidates]), None)

    def _in_cgroup(self, path: str, holder: Holder | None, listener: Listener) -> Owner | None:
        """The container or unit that a cgroup belongs to."""
        place = self._cgroup(path)
        pid = holder.pid if holder else None
        exe = holder.exe if holder else None
        if place.unit == "init.scope" and not place.container_id:
            user = None if place.user_uid is None else self._inventory.user_name(place.user_uid)
            socket_unit = self._socket_unit(listener, user)
            return unit_owner(socket_unit, pid, exe) if socket_unit else None
        # One process may hold thousands of sockets.
        key = (path, pid, exe)
        if key not in self._settled:
            self._settled[key] = self._in_place(place, pid, exe)
        return self._settled[key]

    def _in_place(self, place: CgroupOwner, pid: int | None, exe: str | None) -> Owner | None:
        if place.container_id:
            container = self._by_id.get(place.container_id)
            if container is not None:
                return container_owner(container, pid, exe)
            return Owner("container", place.container_id[:12], place.container_engine, place.container_id, pid=pid, exe=exe)
        user = None if place.user_uid is None else self._inventory.user_name(place.user_uid)
        if place.unit and place.unit.endswith(".service"):
            unit = self._inventory.units.get((user, place.unit))
            return unit_owner(unit, pid, exe) if unit else Owner("unit", place.unit, user=user, pid=pid, exe=exe)
        return None

    def _servant_owner(self, listener: Listener, holder: Holder) -> Owner | None:
        """The container that a port servant holds the socket for."""
        publisher = self._publisher(listener)
        if publisher is not None:
            return container_owner(publisher, holder.pid, holder.exe)
        proxy = parse_docker_proxy(holder.argv)
        if proxy is not None:
            container = find_proxied(proxy, self._inventory.containers)
            if container is not None:
                return container_owner(container, holder.pid, holder.exe)
            return Owner("container", _name_by_address(proxy.container_address), engine="docker", pid=holder.pid, exe=holder.exe)
        container_id = find_conmon_container(holder.argv)
        if container_id is not None and container_id in self._by_id:
            return container_owner(self._by_id[container_id], holder.pid, holder.exe)
        return None

    def owner(self, listener: Listener) -> tuple[Owner, str, str]:
        """(owner, source, confidence) of a socket."""
        holders = self._inventory.holders.get(listener.inode, ())
        if listener.inode == 0 or listener.inode in self._inventory.unheld:
            # The kernel's own, as WireGuard's and NFS's are; the group that made it may name the service behind.
            made_by = self._in_cgroup(listener.cgroup, None, listener) if listener.cgroup else None
            if made_by is not None:
                return made_by, "socket table, no process behind it, by the cgroup that created it", "inferred"
            return Owner("kernel", "kernel"), "socket table, no process behind it", "observed"
        # PID 1 and the service share a socket-activated port: the first to hold it is the one to name.
        if len(holders) > 1:
            holders = tuple(sorted(holders, key=lambda one: (one.cgroup != listener.cgroup, one.pid)))
        for holder in holders:
            found = None
            if holder.comm in PORT_SERVANTS:
                found = self._servant_owner(listener, holder)
            if found is None and holder.cgroup:
                found = self._in_cgroup(holder.cgroup, holder, listener)
            if found is not None:
                return found, f"socket table, held by pid {holder.pid} ({holder.comm})", "observed"
        if holders:
            holder = min(holders)
            return (
                Owner("process", holder.comm, pid=holder.pid, exe=holder.exe),
                f"socket table, held by pid {holder.pid} ({holder.comm})",
                "observed",
            )
        return self._unconfirmed_owner(listener)

    def _unconfirmed_owner(self, listener: Listener) -> tuple[Owner, str, str]:
        """The owner of a socket whose holder may not be seen: its cgroup, frozen at its creation, is all there is."""
        source = "socket table, by the cgroup that created the socket"
        publisher = self._publisher(listener)
        if listener.cgroup:
            place = self._cgroup(listener.cgroup)
            if publisher is not None and place.container_id in (None, publisher.id):
                return container_owner(publisher), f"{source}, and the engine's own word", "inferred"
            found = self._in_cgroup(listener.cgroup, None, listener)
            if found is not None:
                return found, source, "inferred"
        if publisher is not None:
            return container_owner(publisher), "socket table, and the engine's own word", "inferred"
        user = self._inventory.user_name(listener.uid)
        return Owner("process", f"a process of {user}"), "socket table, holder not visible", "inferred"

    def listening_claims(self) -> list[Claim]:
        """A claim for every socket; several sockets of one owner on one address and port become one."""
        found: dict[tuple[t.Any, ...], Claim] = {}
        settled: dict[Owner, tuple[Owner, str]] = {}
        for listener in self._inventory.listeners:
            owner, source, confidence = self.owner(listener)
            if owner not in settled:
                # Two processes of one unit are one owner; two outside any unit are two.
                settled[owner] = (owner if owner.kind == "process" else owner._replace(pid=None, exe=None), self.at_boot(owner))
            whose, at_boot = settled[owner]
            key = (listener.proto, listener.address, listener.port, listener.state, listener.device, whose)
            known = found.get(key)
            if known is not None:
                found[key] = known._replace(sockets=known.sockets + 1)
                continue
            found[key] = Claim(
                proto=listener.proto,
                address=listener.address,
                port=listener.port,
                state=listener.state,
                owner=owner,
                source=source,
                confidence=confidence,
                at_boot=at_boot,
                v6only=listener.v6only,
                device=listener.device,
            )
        return list(found.values())

    def container_claims(self, listening: t.Iterable[Claim]) -> list[Claim]:
        """Published ports that no socket shows: forwarded by rules alone, waited for, or asked for by a stopped one."""
        held = {(claim.proto, claim.port, claim.owner.id) for claim in listening if claim.owner.id}
        claims = []
        for container in self._inventory.containers:
            owner = container_owner(container)
            if container.status in ("running", "paused"):
                state, ports, confidence = "forwarded", container.bound, "observed"
            elif container.status in _NOT_YET_RUN or container.status == "restarting":
                state, ports, confidence = "wanted", container.published, "declared"
            else:
                state, ports, confidence = "latent", container.published, "declared"
            claims += [
                Claim(
                    proto=publish.proto,
                    address=publish.address,
                    port=publish.host_port,
                    state=state,
                    owner=owner,
                    source=f"{container.engine} inspect",
                    confidence=confidence,
                    at_boot=self.at_boot(owner),
                )
                for publish in ports
                if publish.host_port and (publish.proto, publish.host_port, container.id) not in held
            ]
        return claims

    def declared_claims(self, known: t.Iterable[Claim]) -> list[Claim]:
        """Ports of units that do not run now, as their texts tell them. What runs is seen, and needs no telling."""
        claimed = {(claim.proto, claim.port, _identity(claim.owner)) for claim in known}
        claims = []
        for declared in self._inventory.declared:
            if self.runs(declared):
                continue
            owner = self.declared_owner(declared)
            claims += [
                Claim(
                    proto=port.proto,
                    address=port.address,
                    port=port.port,
                    state="latent",
                    owner=owner,
                    source=f"{declared.file}:{port.line}: {port.source}" if port.line else f"{declared.file}: {port.source}",
                    confidence=port.confidence,
                    at_boot=declared.at_boot,
                    v6only=port.v6only,
                    device=port.device,
                )
                for port in declared.ports
                if (port.proto, port.port, _identity(owner)) not in claimed
            ]
        return claims

    def remembered_claims(self, known: t.Iterable[Claim]) -> list[Claim]:
        """Ports that owners which do not run now were seen to listen on, where nothing else tells their ports."""
        if not self._inventory.memory:
            return []
        told = {owner_key(claim.owner) for claim in known}
        asleep = [(self.declared_owner(one), one.at_boot) for one in self._inventory.declared if not self.runs(one)]
        asleep += [
            (container_owner(one), self.at_boot(container_owner(one)))
            for one in self._inventory.containers
            if one.status not in _CONTAINER_RUNS
        ]
        return [
            Claim(
                proto=sighting.proto,
                address=sighting.address,
                port=sighting.port,
                state="latent",
                owner=owner,
                source=f"observed earlier, {render_time(sighting.seen)}",
                confidence="observed_earlier",
                at_boot=at_boot,
            )
            for owner, at_boot in asleep
            if owner_key(owner) not in told
            for sighting in self._inventory.memory.get(owner_key(owner), ())
        ]

    def runs(self, declared: Declared) -> bool:
        """Whether the unit that a text is about is up, or on its way up or down."""
        name = declared.unit if declared.kind == "container" and declared.unit else declared.name
        unit = self._inventory.units.get((None, name))
        return unit is not None and unit.active in ("active", "reloading", "activating", "deactivating")

    def declared_owner(self, declared: Declared) -> Owner:
        """Whose a text's service is: the container that it made, where there is one."""
        if declared.kind == "container":
            for container in self._inventory.containers:
                if (container.name, container.engine, container.user) == (declared.name, declared.engine, None):
                    # The engine does not know which unit ran its command; the unit's text does.
                    return container_owner(container)._replace(unit=container.unit or declared.unit)
        return declared_owner(declared)

    def forward_claims(self, listening: t.Iterable[Claim]) -> list[Claim]:
        """Ports that a firewall rule takes, but for those that an engine made for a port already claimed."""
        # Of an engine that does not answer, its proxies tell which container's address a port leads to.
        proxied = {(claim.proto, claim.port, claim.owner.name) for claim in listening if claim.owner.kind == "container"}
        owners = {address: container for container in self._inventory.containers for address in container.addresses}
        claims = []
        for forward in self._inventory.forwards:
            if (forward.proto, forward.port) in self._published:
                continue
            address = forward.to.rpartition(":")[0].strip("[]") or forward.to
            if (forward.proto, forward.port, _name_by_address(address)) in proxied:
                continue
            container = owners.get(address)
            owner = container_owner(container) if container else Owner("firewall", forward.rule)
            claims.append(
                Claim(
                    proto=forward.proto,
                    address=forward.address,
                    port=forward.port,
                    state="forwarded",
                    owner=owner,
                    source=f"firewall rule to {forward.to}",
                    confidence="observed",
                    at_boot=self.at_boot(owner) if container else "unknown",
                )
            )
        return claims


def _identity(owner: Owner) -> tuple[str, ...]:
    return (owner.kind, owner.id or owner.name)


def find_claims(inventory: Inventory) -> tuple[Claim, ...]:
    """Every claim that was seen on a port of the host, by port, protocol and address."""
    attribution = _Attribution(inventory)
    listening = attribution.listening_claims()
    # Two published ports, or two rules, may say the same; a socket is there once.
    others = {*attribution.container_claims(listening), *attribution.forward_claims(listening)}
    others.update(attribution.declared_claims([*listening, *others]))
    others.update(attribution.remembered_claims([*listening, *others]))
    return tuple(sorted([*listening, *others], key=lambda claim: (claim.port, claim.proto, claim.address, claim.owner.name)))


def find_at_boot(inventory: Inventory, owner: Owner) -> str:
    """Whether the next boot brings an owner back: ``yes``, ``no`` or ``unknown``."""
    return _Attribution(inventory).at_boot(owner)


def find_services(inventory: Inventory, claims: t.Sequence[Claim]) -> tuple[Service, ...]:
    """Every unit and container of the host as a service, with the claims that it has."""
    attribution = _Attribution(inventory)
    by_owner: dict[str, list[Claim]] = {}
    for claim in claims:
        by_owner.setdefault(owner_key(claim.owner), []).append(claim)

    def service(declared: Declared, owner: Owner, running: bool) -> Service:
        return Service(declared, owner, running, claims=tuple(by_owner.get(owner_key(owner), ())))

    units = [service(one, attribution.declared_owner(one), attribution.runs(one)) for one in inventory.declared]
    containers = []
    for container in inventory.containers:
        owner = container_owner(container)
        declared = declare_container(container, attribution.at_boot(owner))
        containers.append(service(declared, owner, container.status in _CONTAINER_RUNS))
    return (*units, *containers)


def find_silent(inventory: Inventory) -> tuple[Declared, ...]:
    """Units that do not run now, that the next boot starts, and whose ports nothing tells."""
    attribution = _Attribution(inventory)
    return tuple(
        one
        for one in inventory.declared
        if one.unknown
        and one.at_boot == "yes"
        and one.host_network
        and not attribution.runs(one)
        and owner_key(attribution.declared_owner(one)) not in inventory.memory
    )


def find_installed(declared: t.Sequence[Declared], inventory: Inventory, hidden_udp: t.Container[int]) -> tuple[Declared, ...]:
    """What manifests declare, and of units that they start without showing them, what this host knows: it is up, and so
    its ports are seen; or its own text or what was seen of it earlier tells them. ``hidden_udp`` are ports of sockets that
    were left out of the look."""
    attribution = _Attribution(inventory)

    def installed(one: Declared) -> Declared:
        texts = [text for text in inventory.declared if one.name in (text.name, text.unit)]
        unit = inventory.units.get((None, one.name))
        if unit is not None and unit.active in ("active", "reloading"):
            return one._replace(unknown=())
        if not any(text.kind != "socket" or text.name == one.name for text in texts):
            return one
        # The lines are those of the host's files, and the place to name is the play's.
        ports = tuple(dict.fromkeys(port._replace(line=0) for text in texts for port in text.ports))
        unknown = tuple(dict.fromkeys(why for text in texts for why in text.unknown))
        earlier = inventory.memory.get(owner_key(attribution.declared_owner(one)), ())
        if unknown and earlier:
            ports, unknown = tuple(map(_seen_earlier, earlier)), ()
        unknown += tuple(f"who has {port.port}/udp now was not seen" for port in ports if port.proto == "udp" and port.port in hidden_udp)
        conditions = tuple(why for why in one.unknown if why != UNIT_IS_NOT_HERE)
        if conditions and (ports or unknown):
            return one._replace(unknown=(*conditions, *unknown))
        return one._replace(ports=ports, unknown=unknown)

    return tuple(installed(one) if UNIT_IS_NOT_HERE in one.unknown else one for one in declared)


def _seen_earlier(sighting: Sighting) -> DeclaredPort:
    source = f"observed earlier, {render_time(sighting.seen)}"
    return DeclaredPort(sighting.proto, sighting.address, sighting.port, source, 0, "observed_earlier")
