# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which of an engine's containers stay and are put right, and which must be made again."""

from __future__ import annotations

import typing as t

from .container_match import differing_fields
from .lost_containers import why_not_made, why_pod_not_made
from .model import Engines, Unrestorable

if t.TYPE_CHECKING:
    from .model import ContainerState, ImageState, NetworkState, PodState, VolumeState

_Name = t.TypeVar("_Name", "ContainerState", "PodState", "NetworkState", "VolumeState")

# What can be put right on a container that stays.
MENDABLE = frozenset(("name", "status", "restart_policy", "networks"))
# What `docker update` sets.
RESOURCES = frozenset((
    "Memory", "MemorySwap", "MemoryReservation", "CpuShares", "CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime",
    "CpusetCpus", "CpusetMems", "BlkioWeight", "PidsLimit", "NanoCpus",
))  # fmt: skip
# What refers to other containers, and breaks when these are made again.
REFERENCES = frozenset(("network_mode", "PidMode", "IpcMode", "UTSMode", "links"))
_SHARED = ("NetworkMode", "PidMode", "IpcMode", "UTSMode")
_NEVER_RAN = frozenset(("created", "configured", "initialized"))


class Match(t.NamedTuple):
    """One engine's containers and pods, paired. ``kept`` are pairs (recorded, present) that stay; ``remade`` are recorded
    ones that are made again, ``removed`` present ones that go; ``units`` are pairs that a unit runs, where the present one
    may be missing. The same for pods. ``lost`` says what is left as it is, and why."""

    kept: tuple[tuple[ContainerState, ContainerState], ...]
    remade: tuple[ContainerState, ...]
    removed: tuple[ContainerState, ...]
    units: tuple[tuple[ContainerState, ContainerState | None], ...]
    remade_pods: tuple[PodState, ...]
    removed_pods: tuple[PodState, ...]
    lost: tuple[Unrestorable, ...]


def pair(before: t.Sequence[_Name], now: t.Sequence[_Name]) -> list[tuple[_Name, _Name | None]]:
    """Each recorded thing with the present one that it is: by id, else by name where that one is no other recorded one."""
    by_id = {_id(one): one for one in now}
    recorded = {_id(one) for one in before}
    by_name = {one.name: one for one in now if _id(one) not in recorded}
    return [(one, by_id.get(_id(one)) or by_name.get(one.name)) for one in before]


def _id(one: t.Any) -> str:
    return str(getattr(one, "id", one.name))


def shares_with(container: ContainerState) -> set[str]:
    """The names of the containers whose namespaces it shares."""
    modes = [str(container.spec["HostConfig"].get(name) or "") for name in _SHARED]
    return {mode[10:] for mode in modes if mode.startswith("container:")}


def refers_to(container: ContainerState) -> set[str]:
    """The names of the containers whose namespaces it shares, or that it is linked to."""
    links = [str(link).partition(":")[0].lstrip("/") for link in container.spec["HostConfig"].get("Links") or ()]
    return shares_with(container) | set(links)


def match_engine(before: Engines, now: Engines) -> Match:
    """Pair what one engine had with what it has. Neither side may be unseen."""
    pods = _match_pods(before, now)
    gone_pods = {one.name for one in pods.removed}
    again_pods = {one.name for one in pods.remade}
    own = [one for one in before.containers if one.unit is None]
    pairs = pair(before.containers, now.containers)
    paired = {there.id for _one, there in pairs if there is not None}
    again = {one.name for one, there in pairs if one.unit is None and (one.spec.get("Pod") in again_pods or must_remake(one, there))}
    again = _with_dependents(own, again)
    lost = _lost_containers(own, again, now.images, {one.name.rpartition(": pod ")[2] for one in pods.lost})
    # What shares the namespaces of one that cannot be made again could not be made either.
    again -= _with_dependents(own, {one.name.rpartition(": ")[2] for one in lost})
    kept = tuple((one, there) for one, there in pairs if one.unit is None and there is not None and one.name not in again)
    replaced = [there for one, there in pairs if there is not None and one.name in again]
    added = [one for one in now.containers if one.id not in paired and not _is_swarms(one)]
    return Match(
        kept=kept,
        remade=tuple(one for one in own if one.name in again),
        removed=tuple(one for one in (*added, *replaced) if one.spec.get("Pod") not in gone_pods),
        units=tuple((one, there) for one, there in pairs if one.unit is not None),
        remade_pods=pods.remade,
        removed_pods=pods.removed,
        lost=(*pods.lost, *lost),
    )


def _is_swarms(container: ContainerState) -> bool:
    return "com.docker.swarm.task.id" in (container.spec["Config"].get("Labels") or {})


def must_remake(before: ContainerState, now: ContainerState | None) -> bool:
    """Whether only making it again makes a container what it was."""
    if now is None:
        return True
    fields = set(differing_fields(before, now))
    if before.status in _NEVER_RAN and now.status not in _NEVER_RAN:
        # The change has started it, and some policies let it come back at boot from then on. It had written nothing.
        return True
    if before.id == now.id:
        # An engine cannot change anything else of a container; where it shows it otherwise, it is another version of it.
        return bool(fields & REFERENCES)
    if before.engine == "podman" and "restart_policy" in fields:
        return True  # Podman before 5 cannot change it
    return bool(fields - MENDABLE - (RESOURCES if before.engine == "docker" else frozenset()))


def _with_dependents(containers: t.Sequence[ContainerState], names: t.AbstractSet[str]) -> set[str]:
    """The names, and those of the containers that refer to them, however far."""
    found = set(names)
    while True:
        more = {one.name for one in containers if one.name not in found and refers_to(one) & found}
        if not more:
            return found
        found |= more


def _lost_containers(
    own: t.Sequence[ContainerState], again: t.AbstractSet[str], images: t.Sequence[ImageState], lost_pods: t.AbstractSet[str]
) -> list[Unrestorable]:
    there = {one.id for one in images}
    found = []
    for one in own:
        if one.name not in again:
            continue
        why = why_not_made(one)
        if not why and one.image_id not in there and not _has_rootfs(one):
            why = f"its image {one.image} ({one.image_id}) is gone: bring it back, and restore again"
        if not why and one.spec.get("Pod") in lost_pods:
            why = f"its pod {one.spec['Pod']} cannot be made again"
        if why:
            found.append(Unrestorable("container", f"{whose(one)}: {one.name}", why))
    return found


def _has_rootfs(container: ContainerState) -> bool:
    return container.engine == "podman" and not container.image_id


def whose(one: t.Any) -> str:
    """How an engine is called in texts: ``docker``, or ``podman of deploy``."""
    return f"{one.engine} of {one.user}" if one.user else str(one.engine)


class _Pods(t.NamedTuple):
    remade: tuple[PodState, ...]
    removed: tuple[PodState, ...]
    lost: tuple[Unrestorable, ...]


def _match_pods(before: Engines, now: Engines) -> _Pods:
    pairs = pair(before.pods, now.pods)
    paired = {there.id for _one, there in pairs if there is not None}
    removed = [one for one in now.pods if one.id not in paired and one.unit is None]
    remade, lost = [], []
    for one, there in pairs:
        if one.unit is not None or (there is not None and (there.id == one.id or there.spec == one.spec)):
            continue
        why = why_pod_not_made(one)
        if why:
            lost.append(Unrestorable("container", f"{whose(one)}: pod {one.name}", why))
            continue
        remade.append(one)
        removed += [there] if there is not None else []
    return _Pods(tuple(remade), tuple(removed), tuple(lost))
