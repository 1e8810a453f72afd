# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines with containers, and a small engine that carries out steps and refuses what a real one refuses."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.container_match import find_endpoints
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.engine_match import refers_to
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.engine_plan import EngineStep
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import (
    ContainerState,
    Engines,
    ImageState,
    NetworkState,
    VolumeState,
)

ALIVE = ("running", "paused", "restarting")


def container(
    name: str,
    present: str | None = None,
    status: str = "running",
    image_id: str = "sha256:1",
    policy: str = "no",
    networks: t.Sequence[str] = (),
    joins: str = "",
    port: int = 0,
    variables: t.Sequence[str] = (),
    labels: t.Mapping[str, str] | None = None,
    volumes: t.Sequence[str] = (),
    **fields: t.Any,
) -> ContainerState:
    """A container of Docker. ``joins`` is the one whose network it shares; ``port`` is a port of the host that it publishes."""
    mode = f"container:{joins}" if joins else (networks[0] if networks else "bridge")
    spec = {
        "Config": {"Hostname": "", "Env": list(variables), "Labels": dict(labels or {}), "Cmd": ["run"]},
        "HostConfig": {
            "NetworkMode": mode,
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": str(port)}]} if port else {},
            "RestartPolicy": {"Name": policy},
        },
        "Mounts": [{"Type": "volume", "Name": one, "Destination": f"/{one}", "RW": True} for one in volumes],
        "Networks": {} if joins else {one: {} for one in (networks or ("bridge",))},
    }
    return ContainerState(
        **{
            "engine": "docker",
            "user": None,
            "id": present or f"id-{name}",
            "name": name,
            "image": "app:1",
            "image_id": image_id,
            "status": status,
            "restart_policy": policy,
            "spec": spec,
            "networks": tuple(sorted(spec["Networks"])),
            **fields,
        }
    )


def network(name: str, present: str | None = None, subnet: str = "10.0.0.0/24") -> NetworkState:
    """A network of Docker."""
    return NetworkState("docker", None, name, present or f"net-{name}", {"Driver": "bridge", "IPAM": {"Config": [{"Subnet": subnet}]}})


def volume(name: str, created: str = "then") -> VolumeState:
    """A named volume of Docker."""
    return VolumeState("docker", None, name, {"Driver": "local"}, created=created)


def image(number: int, *tags: str) -> ImageState:
    """An image of Docker."""
    return ImageState("docker", None, f"sha256:{number}", tags)


class Refusal(Exception):
    """What the small engine does not do, as a real one does not."""


class ModelEngine:
    """Carries out steps on a model of Docker."""

    def __init__(self, engines: Engines) -> None:
        self.containers = {one.id: one for one in engines.containers}
        self.networks = {one.name: one for one in engines.networks}
        self.volumes = {one.name: one for one in engines.volumes}
        self.tags = {tag: one.id for one in engines.images for tag in one.tags}
        self.images = {one.id for one in engines.images}
        self.touched: set[str] = set()
        self._numbers = itertools.count(1)

    def engines(self) -> Engines:
        """How it stands now."""
        images = [ImageState("docker", None, one, tuple(sorted(tag for tag, to in self.tags.items() if to == one))) for one in self.images]
        images.sort(key=lambda one: one.id)
        return Engines(tuple(self.containers.values()), tuple(self.networks.values()), tuple(self.volumes.values()), tuple(images))

    def do(self, step: EngineStep) -> None:
        """One step, or a :class:`Refusal`."""
        getattr(self, f"_{step.verb}")(step)

    def _named(self, name: str) -> ContainerState | None:
        return next((one for one in self.containers.values() if one.name == name), None)

    def _find(self, step: EngineStep) -> ContainerState:
        found = self.containers.get(step.id) if step.id else self._named(step.name)
        if found is None:
            raise Refusal(f"no container {step.name} {step.id}")
        self.touched.add(found.id)
        return found

    def _put(self, one: ContainerState) -> None:
        self.containers[one.id] = one

    def _remove(self, step: EngineStep) -> None:
        del self.containers[self._find(step).id]

    def _stop(self, step: EngineStep) -> None:
        self._put(self._find(step)._replace(status="exited"))

    def _disconnect(self, step: EngineStep) -> None:
        one = self._find(step)
        networks = {name: text for name, text in one.spec["Networks"].items() if name != step.detail}
        self._put(one._replace(spec={**one.spec, "Networks": networks}, networks=tuple(sorted(networks))))

    def _connect(self, step: EngineStep) -> None:
        one = self._find(step)
        if step.detail not in self.networks and step.detail != "bridge":
            raise Refusal(f"no network {step.detail}")
        assert isinstance(step.recorded, ContainerState)
        networks = {**one.spec["Networks"], step.detail: step.recorded.spec["Networks"][step.detail]}
        self._put(one._replace(spec={**one.spec, "Networks": networks}, networks=tuple(sorted(networks))))

    def _remove_network(self, step: EngineStep) -> None:
        users = [one.name for one in self.containers.values() if step.name in find_endpoints(one)]
        if users:
            raise Refusal(f"network {step.name} is used by {users}")
        del self.networks[step.name]

    def _make_network(self, step: EngineStep) -> None:
        if step.name in self.networks:
            raise Refusal(f"network {step.name} exists")
        assert isinstance(step.recorded, NetworkState)
        taken = [one.spec["IPAM"] for one in self.networks.values()]
        if step.recorded.spec["IPAM"] in taken:
            raise Refusal("subnets overlap")
        self.networks[step.name] = step.recorded._replace(id=f"new-net-{next(self._numbers)}")

    def _make_volume(self, step: EngineStep) -> None:
        assert isinstance(step.recorded, VolumeState)
        self.volumes[step.name] = step.recorded._replace(created="now")

    def _tag(self, step: EngineStep) -> None:
        if step.detail not in self.images:
            raise Refusal(f"no image {step.detail}")
        self.tags[step.name] = step.detail

    def _rename(self, step: EngineStep) -> None:
        if self._named(step.detail) is not None:
            raise Refusal(f"name {step.detail} is taken")
        self._put(self._find(step)._replace(name=step.detail))

    def _create(self, step: EngineStep) -> None:
        one = step.recorded
        assert isinstance(one, ContainerState)
        if self._named(one.name) is not None:
            raise Refusal(f"name {one.name} is taken")
        missing = [name for name in find_endpoints(one) if name not in self.networks and name != "bridge"]
        missing += [name for name in refers_to(one) if self._named(name) is None]
        missing += [mount["Name"] for mount in one.spec["Mounts"] if mount["Name"] not in self.volumes]
        if missing or one.image_id not in self.images:
            raise Refusal(f"missing for {one.name}: {missing} {one.image_id}")
        self._put(one._replace(id=f"new-{next(self._numbers)}", status="created"))

    def _update(self, step: EngineStep) -> None:
        assert isinstance(step.recorded, ContainerState)
        self._put(self._find(step)._replace(restart_policy=step.recorded.restart_policy))

    def _start(self, step: EngineStep) -> None:
        one = self._find(step)
        ports = str(one.spec["HostConfig"]["PortBindings"])
        for other in self.containers.values():
            if other.id != one.id and other.status in ALIVE and ports != "{}" and str(other.spec["HostConfig"]["PortBindings"]) == ports:
                raise Refusal(f"port of {one.name} is taken by {other.name}")
        for name in refers_to(one):
            other = self._named(name)
            if other is None or other.status not in ALIVE:
                raise Refusal(f"{one.name} joins {name}, which does not run")
        self._put(one._replace(status="running"))

    def _restart(self, step: EngineStep) -> None:
        self._start(step)

    def _pause(self, step: EngineStep) -> None:
        one = self._find(step)
        if one.status != "running":
            raise Refusal(f"{one.name} is {one.status}, and cannot be paused")
        self._put(one._replace(status="paused"))

    def _unpause(self, step: EngineStep) -> None:
        one = self._find(step)
        if one.status != "paused":
            raise Refusal(f"{one.name} is {one.status}")
        self._put(one._replace(status="running"))
