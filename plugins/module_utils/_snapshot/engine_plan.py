# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The steps that bring what container engines have back to what they had, as data, in an order that works.

What the change added is removed first, so that its names, ports, addresses and networks are free. Data is never removed:
volumes that the change added stay, and a volume that is gone comes back empty and is reported. Containers that are what
they were are not touched. What a unit runs is left to its unit.
"""

from __future__ import annotations

import typing as t

from .container_match import STOPPED, differing_fields, find_endpoints, is_same_run_state
from .engine_match import RESOURCES, match_engine, must_remake, pair, refers_to, shares_with, whose
from .model import ContainerState, Engines, NetworkState, PodState, Unrestorable, VolumeState

_Recorded = t.Union[ContainerState, NetworkState, VolumeState, PodState, None]


class EngineStep(t.NamedTuple):
    """One step of one engine. ``name`` is what it is done to and ``id`` the present one's id, empty where that is still to
    be made. ``detail`` is a second name: a network, a tag, a new name, an image id. ``recorded`` is what it shall be like.
    Removals and stops of one ``rank`` do not need each other."""

    verb: str
    engine: str
    user: str | None
    name: str
    id: str = ""
    detail: str = ""
    recorded: _Recorded = None
    why: str = ""
    rank: int = 0


class EnginePlan(t.NamedTuple):
    """The steps, and what is not brought back or is left behind, to be told to a person."""

    steps: tuple[EngineStep, ...]
    unrestored: tuple[Unrestorable, ...]


_TEXTS = {
    "remove": "remove the container {name}",
    "remove_pod": "remove the pod {name}",
    "stop": "stop the container {name}",
    "disconnect": "disconnect {name} from the network {detail}",
    "remove_network": "remove the network {name}",
    "tag": "let the tag {name} name the image {detail} again",
    "make_network": "make the network {name} again",
    "make_volume": "make the volume {name} again, empty",
    "make_pod": "make the pod {name} again",
    "rename": "rename the container {name} to {detail}",
    "create": "make the container {name} again",
    "connect": "connect {name} to the network {detail}",
    "update": "set restart policy and limits of the container {name} back",
    "start": "start the container {name}",
    "restart": "restart the container {name}",
    "pause": "pause the container {name}",
    "unpause": "let the container {name} go on",
    "start_pod": "start the pod {name}",
    "restart_unit": "restart the unit {detail}, which runs the container {name}",
}
_ORDER = tuple(_TEXTS)


def describe_step(step: EngineStep) -> str:
    """A step in words."""
    text = _TEXTS[step.verb].format(name=step.name, detail=step.detail[:71])
    return f"{whose(step)}: {text}" + (f" ({step.why})" if step.why else "")


def plan_engines(before: Engines, now: Engines, files: t.Collection[str] = ()) -> EnginePlan:
    """What to do so that the engines have again what they had. Of an engine that could not be asked, then or now, nothing is
    planned, and the plan says so. ``files`` are the paths that were brought back: what runs and has read them otherwise is
    restarted. ``plan_engines(x, x)`` has no steps."""
    steps: list[EngineStep] = []
    unrestored: list[Unrestorable] = []
    unseen = {what: (why, "when the snapshot was taken") for what, why in before.unseen}
    unseen.update((what, (why, "now")) for what, why in now.unseen if what not in unseen)
    for engine, user in sorted(_engines(before) | _engines(now), key=str):
        name = f"{engine} of {user}" if user else engine
        if name not in unseen:
            plan = _plan_one(_of(before, engine, user), _of(now, engine, user), files)
            steps += plan.steps
            unrestored += plan.unrestored
    for name, (why, when) in sorted(unseen.items()):
        unrestored.append(Unrestorable("engine", name, f"it could not be asked {when}, so what it has is left as it is: {why}"))
    return EnginePlan(tuple(steps), tuple(unrestored))


def _engines(engines: Engines) -> set[tuple[str, str | None]]:
    return {(one.engine, one.user) for field in _fields(engines) for one in field}


def _fields(engines: Engines) -> tuple[tuple[t.Any, ...], ...]:
    return engines.containers, engines.networks, engines.volumes, engines.images, engines.pods


def _of(engines: Engines, engine: str, user: str | None) -> Engines:
    """One engine's part."""

    def mine(field: t.Sequence[t.Any]) -> tuple[t.Any, ...]:
        return tuple(one for one in field if (one.engine, one.user) == (engine, user))

    return Engines(mine(engines.containers), mine(engines.networks), mine(engines.volumes), mine(engines.images), (), mine(engines.pods))


def _plan_one(before: Engines, now: Engines, files: t.Collection[str]) -> EnginePlan:
    ((engine, user),) = _engines(before) | _engines(now)
    planner = _Planner(before, now, engine, user)
    planner.plan()
    planner.plan_restarts(files)
    return EnginePlan(tuple(planner.sorted_steps()), tuple(planner.unrestored))


class _Planner:
    """Collects the steps of one engine, and puts them into order at the end."""

    def __init__(self, before: Engines, now: Engines, engine: str, user: str | None) -> None:
        self._before, self._now, self._engine, self._user = before, now, engine, user
        self._match = match_engine(before, now)
        self._steps: list[EngineStep] = []
        self._remade_networks: set[str] = set()
        self.unrestored = list(self._match.lost)

    def _do(self, verb: str, name: str, present: str = "", detail: str = "", recorded: _Recorded = None, why: str = "") -> None:
        self._steps.append(EngineStep(verb, self._engine, self._user, name, present, detail, recorded, why))

    def _lose(self, kind: str, name: str, why: str) -> None:
        self.unrestored.append(Unrestorable(kind, f"{self._engine}{f' of {self._user}' if self._user else ''}: {name}", why))

    def plan(self) -> None:
        self._plan_removals()
        self._plan_networks()
        self._plan_volumes()
        self._plan_tags()
        self._plan_renames()
        for pod in self._match.remade_pods:
            self._do("make_pod", pod.name, recorded=pod)
        for one in self._match.remade:
            self._do("create", one.name, recorded=one)
            self._set_running(one, "", "created")
        for one, there in self._match.kept:
            self._mend(one, there)
        for one, maybe in self._match.units:
            self._mend_units(one, maybe)
        self._start_empty_pods()

    def sorted_steps(self) -> t.Iterator[EngineStep]:
        """By kind of step; in each kind what others need comes first, and is removed last."""
        ranks = rank(self._before.containers)
        last = rank(self._now.containers)
        steps = [step._replace(rank=last.get(step.name, 0)) if step.verb in ("remove", "stop") else step for step in self._steps]

        def key(step: EngineStep) -> tuple[int, int]:
            if step.verb in ("remove", "stop"):
                return _ORDER.index(step.verb), -step.rank
            if step.verb in ("pause", "unpause", "restart", "start"):
                # What is paused must run before what needs it is started, so these go together.
                return _ORDER.index("start"), ranks.get(step.name, 0) * len(_ORDER) + _ORDER.index(step.verb)
            return _ORDER.index(step.verb), ranks.get(step.name, 0) if step.verb == "create" else 0

        return iter(sorted(steps, key=key))

    def _plan_removals(self) -> None:
        recorded = {text for one in self._before.containers for text in (one.name, one.id)}
        for pod in self._match.removed_pods:
            self._do("remove_pod", pod.name, pod.id, why="as the change left it it is not what was recorded")
        for one in self._match.removed:
            known = one.name in recorded or one.id in recorded
            why = "it is not what was recorded under its name" if known else "it was not there before"
            self._do("remove", one.name, one.id, why=why)
        old = {one.name for one in self._before.volumes}
        for volume in self._now.volumes:
            if volume.name not in old:
                self._lose("volume", volume.name, "it was not there before, and stays: nothing that may hold data is removed")

    def _plan_networks(self) -> None:
        recorded = [one for one in self._before.networks if not is_swarms(one)]
        there = {one.name: one for one in self._now.networks}
        for network in recorded:
            present = there.get(network.name)
            if present is not None and present.spec == network.spec:
                continue
            self._remade_networks.add(network.name)
            if present is not None:
                self._do("remove_network", network.name, present.id, why="it is not what was recorded")
            self._do("make_network", network.name, recorded=network)
        names = {one.name for one in recorded}
        for network in self._now.networks:
            if network.name not in names and not is_swarms(network):
                self._do("remove_network", network.name, network.id, why="it was not there before")

    def _plan_volumes(self) -> None:
        there = {one.name: one for one in self._now.volumes}
        mounted = {mount.get("Name") for one in self._before.containers for mount in one.spec["Mounts"]}
        for volume in self._before.volumes:
            present = there.get(volume.name)
            if present is None:
                if volume.anonymous and volume.name not in mounted:
                    continue
                self._do("make_volume", volume.name, recorded=volume)
                self._lose("volume", volume.name, "it was removed; it is made again, and what was in it is gone")
            elif present.spec != volume.spec:
                self._lose("volume", volume.name, "it was made again with other options, and is left as it is: it may hold data")
            elif volume.created and present.created and volume.created != present.created:
                self._lose("volume", volume.name, "it was removed and made again since: what was in it is gone")

    def _plan_tags(self) -> None:
        present = {tag: one.id for one in self._now.images for tag in one.tags}
        there = {one.id for one in self._now.images}
        for image in self._before.images:
            for tag in image.tags:
                if present.get(tag) == image.id:
                    continue
                if image.id in there:
                    self._do("tag", tag, detail=image.id)
                else:
                    self._lose("image", tag, f"the image {image.id} that it named is gone: bring it back, and restore again")

    def _plan_renames(self) -> None:
        wrong = [(one, there) for one, there in self._match.kept if one.name != there.name]
        wanted = {one.name for one, _there in wrong}
        for _one, there in wrong:
            if there.name in wanted:
                # Whoever has a name that another one had makes room first.
                self._do("rename", there.name, there.id, f"{there.name}.{there.id[:12]}")
        for one, there in wrong:
            self._do("rename", there.name, there.id, one.name)

    def _mend(self, one: ContainerState, there: ContainerState) -> None:
        fields = set(differing_fields(one, there))
        update = fields & ({"restart_policy"} | (RESOURCES if one.engine == "docker" else set()))
        if update:
            self._do("update", one.name, there.id, recorded=one, why=", ".join(sorted(update)))
        self._join(one, there)
        if one.status == "restarting" and "restart_policy" in fields and there.status in ("restarting", "running"):
            # Between two tries the engine goes by the policy that it had when the last one failed.
            self._do("restart", one.name, there.id, recorded=one)
        if not is_same_run_state(one.status, there.status):
            self._set_running(one, there.id, there.status)
        left = fields - update - {"name", "status", "networks"}
        # Of one that should have been made again and cannot be, that is told already.
        if left and not must_remake(one, there):
            self._lose("container", one.name, f"it has been changed in place and is left so: {', '.join(sorted(left))}")

    def _join(self, one: ContainerState, there: ContainerState) -> None:
        wanted, present = find_endpoints(one), find_endpoints(there)
        ids = {network.name: network.id for network in self._now.networks}
        for name in sorted({*wanted, *present}):
            again = name in self._remade_networks or _is_stale(there, name, ids)
            if wanted.get(name) == present.get(name) and not again:
                continue
            if name in present and (name in ids or one.engine == "docker"):
                self._do("disconnect", there.name, there.id, name)
            if name in wanted:
                self._do("connect", one.name, there.id, name, one)

    def _set_running(self, one: ContainerState, present: str, status: str) -> None:
        """The steps from a run state to the recorded one."""
        for verb in find_run_verbs(one.status, status):
            self._do(verb, one.name, present, recorded=one)

    def _mend_units(self, one: ContainerState, there: ContainerState | None) -> None:
        """A container that its unit runs is made and started by the unit. What can be wrong beyond that is what it is made
        of: then the unit must make it again, now that tags and files are back."""
        if there is None:
            return
        fields = set(differing_fields(one, there)) - {"restart_policy"}
        if fields - {"status"}:
            self._do("restart_unit", one.name, there.id, str(one.unit), one, ", ".join(sorted(fields)))
        elif "paused" in (one.status, there.status) and fields:
            self._do("pause" if one.status == "paused" else "unpause", one.name, there.id, recorded=one)

    def plan_restarts(self, files: t.Collection[str]) -> None:
        """Restart what runs as it did but has read files that were otherwise, and whatever shares the network of a container
        that has got another one since."""
        kept = {one.name: (one, there) for one, there in self._match.kept if one.status == there.status == "running"}
        renewed = {step.name for step in self._steps if step.verb in ("start", "restart")}
        order = rank(self._before.containers)
        for name in sorted(kept, key=lambda name: (order[name], name)):
            one, there = kept[name]
            read = find_read(one, there, files)
            shared = shares_with(one)
            stale = shared & renewed or {other for other in shared & set(kept) if _is_left(one, there, *kept[other])}
            if name not in renewed and (read or stale):
                why = f"it has read {read} as the change left it" if read else f"it shares what {min(stale)} had before"
                self._do("restart", name, there.id, recorded=one, why=why)
                renewed.add(name)

    def _start_empty_pods(self) -> None:
        inhabited = {one.spec.get("Pod") for one in self._before.containers}
        for pod, there in pair(self._before.pods, self._now.pods):
            runs = there is not None and there.status in ("running", "degraded")
            if pod.unit is None and pod.name not in inhabited and pod.status in ("running", "degraded") and not runs:
                self._do("start_pod", pod.name, recorded=pod)


def find_run_verbs(wanted: str, present: str) -> tuple[str, ...]:
    """What leads from one run state to another: of start, stop, restart, pause, unpause."""
    if is_same_run_state(wanted, present):
        return ()
    if wanted in STOPPED:
        return ("stop",)
    if present == "paused":
        return ("unpause",)
    first = {"running": ()}.get(present, ("restart",) if present == "restarting" and wanted != "restarting" else ("start",))
    return (*first, "pause") if wanted == "paused" else first


def find_read(one: ContainerState, there: ContainerState, files: t.Collection[str]) -> str:
    """A file that a running container has read, or may have read, as the change left it; empty where there is none.

    A file that is mounted by itself is the very inode that was there when the container was started, so that it never sees
    the one that was brought back. Of what lies in a mounted folder only who was started since has read it otherwise.
    """
    sources = [str(mount.get("Source")).rstrip("/") for mount in there.spec["Mounts"] if mount.get("Type") == "bind"]
    for source in sources:
        below = sorted(path for path in files if path.startswith(f"{source}/"))
        if below and one.started != there.started:
            return below[0]
        if source in files and not below:
            return source
    return ""


def _is_left(one: ContainerState, there: ContainerState, target: ContainerState, target_there: ContainerState) -> bool:
    """Whether a container was left behind: what it shares was started after it, and was not when it was recorded."""
    return target_there.started > there.started and target.started <= one.started


def _is_stale(there: ContainerState, network: str, ids: t.Mapping[str, str]) -> bool:
    """Whether a container still refers to a network that was removed and made again under its name since."""
    endpoint = there.spec["Networks"].get(network) or {}
    known = endpoint.get("NetworkID")
    return there.engine == "docker" and bool(known) and network in ids and known != ids[network]


def is_swarms(network: NetworkState) -> bool:
    """Whether a swarm makes and removes the network itself."""
    return network.spec.get("Driver") == "overlay" or network.spec.get("Ingress") is True or network.name == "docker_gwbridge"


def rank(containers: t.Sequence[ContainerState]) -> dict[str, int]:
    """For each container a number that is higher than those of the containers that it needs: whose namespaces it shares, that
    it is linked to, on which Compose says that it depends."""
    needs = {one.name: refers_to(one) | _compose_needs(one, containers) for one in containers}
    ranks: dict[str, int] = {}

    def find(name: str, above: frozenset[str]) -> int:
        if name not in ranks:
            # A circle cannot be put into an order; it is cut where it closes.
            below = [find(one, above | {name}) for one in sorted(needs[name]) if one in needs and one not in above | {name}]
            ranks[name] = max(below, default=-1) + 1
        return ranks[name]

    for name in sorted(needs):
        find(name, frozenset())
    return ranks


def _compose_needs(container: ContainerState, others: t.Sequence[ContainerState]) -> set[str]:
    """``com.docker.compose.depends_on=db:service_healthy:false,cache:service_started:true``"""
    labels = container.spec["Config"].get("Labels") or {}
    services = {one.partition(":")[0] for one in str(labels.get("com.docker.compose.depends_on") or "").split(",") if one}
    project = labels.get("com.docker.compose.project")
    found = set()
    for one in others:
        theirs = one.spec["Config"].get("Labels") or {}
        if services and theirs.get("com.docker.compose.project") == project and theirs.get("com.docker.compose.service") in services:
            found.add(one.name)
    return found
