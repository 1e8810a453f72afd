# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps through a socket that notes what it is asked, and refuses some of it. That the engines themselves do what they are
asked is shown on real hosts (molecule/restore_containers)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.engines import group_steps, pin_images, restore_engines, unpin_images
from ansible_collections.guarded.deploy.plugins.module_utils._errors import StepFailed
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.engine_plan import plan_engines
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines
from builders.engines import container, image
from builders.rooted import Answer, RootedHost, http_server, unix_server

SOCKET = "/run/docker.sock"
IMAGES = (image(1, "app:1"),)


class Docker:
    """Has one image and no container; ``refuses`` are parts of targets that it answers with an error."""

    def __init__(self, *refuses: str) -> None:
        self.refuses = refuses

    def answer(self, target: str) -> Answer:
        if any(one in target for one in self.refuses):
            return 500, "1.45", b'{"message":"driver failed: port is already allocated"}'
        rest = target.partition("/v1.45")[2]
        if rest.startswith("/containers/create"):
            return 201, "1.45", json.dumps({"Id": "made-" + rest.partition("name=")[2]}).encode()
        if rest.startswith("/images/json"):
            tags = ["app:1", "guarded-deploy/pin:s-0", "guarded-deploy/pin:other-0"]
            return 200, "1.45", json.dumps([{"Id": "sha256:1", "RepoTags": tags}]).encode()
        if rest.startswith("/images/"):
            return 200, "1.45", b'{"Id": "sha256:1", "Config": {"Volumes": {"/data": {}}}}'
        if "filters" in rest:
            return (
                200,
                "1.45",
                b'[{"Id": "k1", "Names": ["/guarded-deploy-pin-s-0"]}, {"Id": "k2", "Names": ["/guarded-deploy-pin-other-0"]}]',
            )
        return 200, "1.45", b'{"Volumes": []}' if rest.startswith("/volumes") else b"[]"


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path, own=("timeout", "env", "sleep"))
    found.write("/proc/1/comm", "systemd\n")
    return found


def changes(host: RootedHost) -> list[str]:
    """What was asked for, but for looks."""
    return [one.replace("/v1.45", "") for one in host.asked if one.startswith(("POST", "DELETE"))]


@pytest.mark.feature("A10")
def test_a_removed_container_is_made_and_started(host: RootedHost) -> None:
    before = Engines((container("web"),), images=IMAGES)
    with unix_server(host.at(SOCKET), http_server(Docker().answer)):
        outcome = restore_engines(host, before, Engines(images=IMAGES), 30.0, check=False)
    assert outcome.failures == ()
    assert outcome.steps == ("docker: make the container web again", "docker: start the container web")
    assert changes(host) == ["POST /containers/create?name=web", "POST /containers/made-web/start"]


@pytest.mark.feature("A10")
def test_check_mode_tells_and_asks_for_nothing(host: RootedHost) -> None:
    before = Engines((container("web"),), images=IMAGES)
    outcome = restore_engines(host, before, Engines(images=IMAGES), 30.0, check=True)
    assert outcome.steps == ("docker: make the container web again", "docker: start the container web")
    assert host.asked == []


@pytest.mark.feature("A10")
def test_one_failing_step_stops_only_what_needs_it(host: RootedHost) -> None:
    before = Engines((container("a"), container("b"), container("c", status="created")), images=IMAGES)
    with unix_server(host.at(SOCKET), http_server(Docker("name=b").answer)):
        outcome = restore_engines(host, before, Engines(images=IMAGES), 30.0, check=False)
    assert [text.partition(": driver")[0] for text in outcome.failures] == [
        "docker: make the container b again: POST /containers/create: 500"
    ]
    assert outcome.steps == (
        "docker: make the container a again",
        "docker: make the container c again",
        "docker: start the container a",
    )


@pytest.mark.feature("A9")
def test_a_port_that_is_just_being_let_go_is_asked_for_again(host: RootedHost) -> None:
    docker = Docker("made-web/start")

    def answer(target: str) -> Answer:
        said = docker.answer(target)
        if "start" in target and sum("start" in one for one in host.asked) == 2:
            docker.refuses = ()
        return said

    with unix_server(host.at(SOCKET), http_server(answer)):
        outcome = restore_engines(host, Engines((container("web"),), images=IMAGES), Engines(images=IMAGES), 30.0, check=False)
    assert outcome.failures == ()
    assert sum("start" in one for one in changes(host)) == 3


def test_a_docker_that_is_gone_is_told(host: RootedHost) -> None:
    before = Engines((container("web"),), images=IMAGES)
    host.write(f"/var/lib/docker/containers/{'a' * 64}/config.v2.json", "{}")
    outcome = restore_engines(host, before, Engines(images=IMAGES), 30.0, check=False)
    assert outcome.steps == ()
    assert [one.kind for one in outcome.unrestored] == ["engine"]


@pytest.mark.feature("A10")
def test_images_are_kept_by_a_tag_and_a_container_and_let_go(host: RootedHost) -> None:
    engines = Engines((container("web"),), images=(*IMAGES, image(2, "unused:1")))
    with unix_server(host.at(SOCKET), http_server(Docker().answer)):
        pinned = pin_images(host, "S", engines)
        assert [one.pin for one in pinned.images] == ["guarded-deploy/pin:s-0", ""]
        assert changes(host) == [
            "POST /images/sha256:1/tag?repo=guarded-deploy/pin&tag=s-0",
            "POST /containers/create?name=guarded-deploy-pin-s-0",
        ]
        host.asked.clear()
        assert unpin_images(host, "S", pinned) == ()
        assert changes(host) == ["DELETE /containers/k1?v=1&force=1", "DELETE /images/guarded-deploy/pin:s-0"]


@pytest.mark.feature("A10")
def test_images_that_cannot_be_kept_fail_the_snapshot_and_leave_nothing(host: RootedHost) -> None:
    engines = Engines((container("web"),), images=IMAGES)
    with unix_server(host.at(SOCKET), http_server(Docker("containers/create").answer)):
        with pytest.raises(StepFailed, match="create"):
            pin_images(host, "S", engines)
        assert changes(host)[-1] == "DELETE /images/guarded-deploy/pin:s-0"


def test_containers_that_do_not_need_each_other_end_beside_each_other() -> None:
    now = Engines((container("a"), container("b", joins="a"), container("c"), container("d")), images=IMAGES)
    groups = group_steps(plan_engines(Engines(images=IMAGES), now).steps)
    assert [sorted(step.name for step in group) for group in groups] == [["b"], ["a", "c", "d"]]
