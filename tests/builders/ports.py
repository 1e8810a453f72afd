# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims and the rest in one line each, with only what a test is about."""

from __future__ import annotations

import typing as t

from ansible_collections.guarded.deploy.plugins.module_utils._containers.model import Container, Publish
from ansible_collections.guarded.deploy.plugins.module_utils._ports.conflict import Look
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Claim, Loop, Owner, WantedPort
from ansible_collections.guarded.deploy.plugins.module_utils._ports.remedy import RunState
from ansible_collections.guarded.deploy.plugins.module_utils._units.model import Unit

ID_ONE = "1" * 64
ID_TWO = "2" * 64


def unit_owner(name: str = "prometheus.service", **known: t.Any) -> Owner:
    kind = "socket" if name.endswith(".socket") else "unit"
    return Owner(kind, name, **{"pid": 812, **known})


def container_owner(name: str = "web", container_id: str = ID_ONE, **known: t.Any) -> Owner:
    return Owner("container", name, **{"engine": "docker", "id": container_id, "image": "web:1", **known})


def claim(owner: Owner, port: int = 9090, state: str = "listening", **known: t.Any) -> Claim:
    values: dict[str, t.Any] = {
        "proto": "tcp",
        "address": "0.0.0.0",
        "source": "test",
        "confidence": "observed",
        "at_boot": "yes",
        **known,
    }
    return Claim(port=port, state=state, owner=owner, **values)


def loop(owner: Owner, state: str = "restarting", ports: t.Sequence[WantedPort] = (), in_use_seen: bool = True, restarts: int = 6) -> Loop:
    return Loop(owner, "yes", state, restarts, in_use_seen, tuple(ports))


def wanted(port: int = 9090, confidence: str = "observed", proto: str = "tcp", address: str = "*") -> WantedPort:
    return WantedPort(proto, address, port, "its log", confidence)


def unit(name: str = "prometheus.service", **known: t.Any) -> Unit:
    values: dict[str, t.Any] = {
        "user": None,
        "load": "loaded",
        "active": "active",
        "sub": "running",
        "result": "success",
        "enabled": "enabled",
        "restarts": 0,
        "restart_policy": "no",
        "main_pid": 812,
        "started": 100.0,
        "invocation": "",
        "triggers": (),
        "triggered_by": (),
        "wanted_by": ("multi-user.target",),
        "listen": (),
        "argv": (),
        "fragment": "",
        **known,
    }
    return Unit(name=name, **values)


def container(name: str = "web", container_id: str = ID_ONE, **known: t.Any) -> Container:
    values: dict[str, t.Any] = {
        "engine": "docker",
        "user": None,
        "image": "web:1",
        "status": "running",
        "exit_code": 0,
        "error": "",
        "restart_policy": "always",
        "restarts": 0,
        "network_mode": "bridge",
        "published": (),
        "bound": (),
        "exposed": (),
        "addresses": (),
        "argv": (),
        "pid": 900,
        "started": 100.0,
        "finished": 0.0,
        "compose_project": None,
        "compose_service": None,
        "unit": None,
        **known,
    }
    return Container(id=container_id, name=name, **values)


def publish(host_port: int | None, address: str = "*", proto: str = "tcp", container_port: int = 80) -> Publish:
    return Publish(proto, address, host_port, container_port)


def look(**known: t.Any) -> Look:
    values: dict[str, t.Any] = {
        "claims": (),
        "loops": (),
        "planned": (),
        "accepted": (),
        "today": "2026-11-20",
        "state_of": lambda owner: RunState(),
        **known,
    }
    return Look(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
