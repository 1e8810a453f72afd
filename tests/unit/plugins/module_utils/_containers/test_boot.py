# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers come back at a boot: what dockerd 20.10 and 26.1 did when they were restarted, case by case."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._containers.boot import returns_at_boot
from builders.ports import container

pytestmark = pytest.mark.feature("B11")
RAN: dict[str, t.Any] = {"started": 1795181097.0}


@pytest.mark.parametrize(
    ("known", "comes_back"),
    [
        ({"restart_policy": "no", "status": "running", **RAN}, "no"),
        ({"restart_policy": "always", "status": "running", **RAN}, "yes"),
        ({"restart_policy": "always", "status": "restarting", "restarts": 9, **RAN}, "yes"),
        ({"restart_policy": "always", "status": "exited", "exit_code": 137, **RAN}, "yes"),
        ({"restart_policy": "always", "status": "created", "started": 0.0}, "no"),
        ({"restart_policy": "always", "status": "created", "started": 0.0, "error": "address already in use"}, "no"),
        ({"restart_policy": "always", "status": "exited", "started": 0.0, "error": "address already in use"}, "no"),
        ({"restart_policy": "unless-stopped", "status": "running", **RAN}, "yes"),
        ({"restart_policy": "unless-stopped", "status": "exited", "exit_code": 137, **RAN}, "no"),
        ({"restart_policy": "unless-stopped", "status": "exited", "error": "address already in use", **RAN}, "unknown"),
        ({"restart_policy": "on-failure", "status": "exited", "exit_code": 137, **RAN}, "yes"),
        ({"restart_policy": "on-failure", "status": "exited", "exit_code": 0, **RAN}, "no"),
        ({"restart_policy": "on-failure", "status": "exited", "exit_code": 3, "restarts": 3, **RAN}, "unknown"),
        ({"restart_policy": "on-failure", "status": "running", **RAN}, "unknown"),
        ({"restart_policy": "always", "status": "dead", **RAN}, "no"),
        ({"restart_policy": "new-policy", "status": "running", **RAN}, "unknown"),
    ],
)
def test_docker(known: dict[str, t.Any], comes_back: str) -> None:
    assert returns_at_boot(container(engine="docker", **known), "yes") == comes_back


@pytest.mark.parametrize(("starter", "comes_back"), [("yes", "yes"), ("no", "no"), ("unknown", "unknown")])
def test_no_container_comes_back_without_its_engine(starter: str, comes_back: str) -> None:
    assert returns_at_boot(container(engine="docker", restart_policy="always", status="running", **RAN), starter) == comes_back


@pytest.mark.parametrize("starter", ["yes", "no", "unknown"])
def test_a_quadlets_container_comes_back_with_its_unit(starter: str) -> None:
    quadlet = container(engine="podman", unit="web.service", restart_policy="no", status="exited")
    assert returns_at_boot(quadlet, starter) == starter


@pytest.mark.parametrize(
    ("policy", "status", "comes_back"),
    [
        ("no", "running", "no"),
        ("on-failure", "running", "no"),
        ("always", "running", "yes"),
        ("always", "exited", "yes"),
        ("always", "created", "unknown"),
        ("unless-stopped", "running", "unknown"),
        ("unless-stopped", "created", "no"),
    ],
)
def test_podman_without_a_unit_depends_on_its_restart_service(policy: str, status: str, comes_back: str) -> None:
    known = container(engine="podman", unit=None, restart_policy=policy, status=status)
    assert returns_at_boot(known, "yes") == comes_back
    assert returns_at_boot(known, "no") == "no"
