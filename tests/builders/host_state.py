# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of hosts, small ones: what a test does not name is empty."""

from __future__ import annotations

import typing as t

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import ContainerState, Engines, HostState


def host_state(**more: t.Any) -> HostState:
    """A host on which nothing is."""
    values: dict[str, t.Any] = {"at": 0.0, "boot": "first", "units": (), "engines": Engines(), "listeners": (), "packages": {}}
    return HostState(**{**values, **more})


def container_state(name: str, status: str = "running", env: t.Sequence[str] = (), **more: t.Any) -> ContainerState:
    """A container of Docker's; ``labels`` and ``mounts`` go into its specification."""
    labels, mounts = more.pop("labels", {}), more.pop("mounts", [])
    values: dict[str, t.Any] = {
        "engine": "docker",
        "user": None,
        "id": f"{name:0<64}",
        "image": "testbed/busybox",
        "image_id": "sha256:" + "1" * 64,
        "restart_policy": "no",
        "spec": {
            "Config": {"Env": list(env), "Labels": labels, "Hostname": ""},
            "HostConfig": {"NetworkMode": "bridge"},
            "Mounts": mounts,
            "Networks": {"bridge": {}},
        },
        "networks": ("bridge",),
    }
    return ContainerState(name=name, status=status, **{**values, **more})
