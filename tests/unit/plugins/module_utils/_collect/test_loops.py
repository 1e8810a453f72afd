# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claimants that do not come up, with their logs printed by real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.loops import collect_loops
from ansible_collections.guarded.deploy.plugins.module_utils._ports.attribution import Inventory
from builders.ports import container, publish, unit
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("B12")
DOWN = {"active": "activating", "sub": "auto-restart"}


def journal(root: Path, script: str) -> RootedHost:
    path = root / "bin" / "journalctl"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return RootedHost(root)


def look(host: RootedHost, units=(), containers=(), timeout: float = 10):
    inventory = Inventory((), {}, frozenset(), {(one.user, one.name): one for one in units}, tuple(containers), (), str)
    return collect_loops(host, inventory, timeout, None)


def test_a_unit_that_restarts_names_the_port_of_its_log(tmp_path):
    host = journal(tmp_path, "echo 'listen tcp :9090: bind: address already in use'")
    (loop,) = look(host, [unit("a.service", **DOWN), unit("well.service")]).loops
    assert (loop.owner.name, loop.state, loop.in_use_seen) == ("a.service", "restarting", True)
    assert [port.port for port in loop.ports] == [9090]


@pytest.mark.feature("B15")
def test_a_log_that_cannot_be_read_is_a_blind_spot_and_the_loop_is_told_all_the_same(tmp_path):
    found = look(journal(tmp_path, "exit 1"), [unit("a.service", **DOWN)])
    assert [loop.owner.name for loop in found.loops] == ["a.service"]
    assert [spot.what for spot in found.blind_spots] == ["the log of a.service"]


def test_all_logs_together_get_the_time_that_one_gets(tmp_path):
    host = journal(tmp_path, "sleep 60")
    found = look(host, [unit(f"{n}.service", **DOWN) for n in range(50)], timeout=0.5)
    assert len(found.loops) == len(found.blind_spots) == 50
    assert len(host.asked) < 5


def test_a_quadlet_that_loops_is_one_claimant_with_its_container(tmp_path):
    host = journal(tmp_path, "true")
    restarts = container(engine="podman", unit="web.service", status="created", published=(publish(80),))
    assert [loop.owner.name for loop in look(host, [unit("web.service", **DOWN)], [restarts]).loops] == ["web.service"]


def test_what_starts_containers_does_not_speak_for_those_that_speak_for_themselves(tmp_path):
    error = "cannot listen on the TCP port: listen tcp4 :7123: bind: address already in use"
    host = journal(tmp_path, f"echo 'Error: unable to start container \"ec3c3f09\": {error}'")
    restarter = unit("podman-restart.service", active="failed", sub="failed")
    down = container(engine="podman", status="exited", error=error, published=(publish(7123),))
    assert [loop.owner.name for loop in look(host, [restarter], [down]).loops] == [down.name]
    # Where Podman does not answer, its log is all there is.
    (loop,) = look(host, [restarter]).loops
    assert (loop.owner.name, [port.port for port in loop.ports]) == ("podman-restart.service", [7123])


def test_a_created_container_says_what_the_engine_said(tmp_path):
    error = "driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is already allocated"
    created = container(status="created", error=error, started=0.0, published=(publish(80),))
    (loop,) = look(RootedHost(tmp_path), (), [created]).loops
    assert (loop.state, loop.in_use_seen, [port.port for port in loop.ports]) == ("created", True, [80])


def test_a_container_that_goes_while_we_look_leaves_no_blind_spot(tmp_path):
    found = look(journal(tmp_path, "true"), (), [container(engine="docker", status="exited")])
    assert found == ((), ())
