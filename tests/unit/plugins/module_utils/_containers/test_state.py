# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines' states, read from what real engines said (Docker 20.10 and 26.1, Podman 5.4), compared and asked for again."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._containers.state import (
    drop_empty,
    parse_docker_images,
    parse_docker_networks,
    parse_docker_state,
    parse_docker_volumes,
    parse_podman_images,
    parse_podman_networks,
    parse_podman_states,
    parse_podman_volumes,
    parse_pods,
    resolve_ids,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.container_match import describe_spec, differing_fields
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.docker_requests import parse_version, render_docker_create
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.lost_containers import unrestorable_of
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import ContainerState, Engines
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.podman_lines import render_pod, render_podman_create

CASES = Path(__file__).resolve().parents[4] / "cases"
DOCKER = sorted((CASES / "docker_state").glob("*.txt"))
PODMAN = sorted(path for path in (CASES / "podman_state").glob("*.txt") if not path.stem.endswith("infra"))
API = {"20.10": (1, 41), "26.1": (1, 45)}


def docker(name: str) -> ContainerState:
    return parse_docker_state((CASES / "docker_state" / f"{name}.txt").read_bytes(), None, 0.0)


def podman(name: str) -> ContainerState:
    (found,), _holders = parse_podman_states((CASES / "podman_state" / f"{name}.txt").read_bytes(), None)
    return found


def told(state: ContainerState) -> dict[str, t.Any]:
    return {**{name: value for name, value in state._asdict().items() if name != "spec"}, "asked": describe_spec(state)}


@pytest.mark.feature("A9", "A10")
@pytest.mark.parametrize("path", DOCKER, ids=lambda path: path.stem)
def test_what_docker_said_is_read_compared_and_asked_for(path: Path) -> None:
    state = docker(path.stem)
    version = path.stem.partition("_")[0]
    create = render_docker_create(state, API[version], {}, "IMAGE")
    host_config = drop_empty(
        {name: create.body["HostConfig"][name] for name in ("Binds", "Mounts", "Links", "NetworkMode", "RestartPolicy")}
    )
    asked = {name: create.body[name] for name in ("Hostname", "MacAddress", "NetworkingConfig", "ExposedPorts") if create.body.get(name)}
    found = {**told(state), "create": {**asked, "HostConfig": host_config, "connect": create.connect}}
    assert json.loads(json.dumps(found)) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert differing_fields(state, state) == ()


@pytest.mark.feature("A9", "A10")
@pytest.mark.parametrize("path", PODMAN, ids=lambda path: path.stem)
def test_what_podman_said_is_read_compared_and_asked_for(path: Path) -> None:
    state = podman(path.stem)
    create = render_podman_create(state, "IMAGE")
    found = {**told(state), "create": create.argv, "environment": create.environment}
    assert json.loads(json.dumps(found)) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert differing_fields(state, state) == ()


def test_the_container_that_holds_a_pods_namespaces_is_the_pods() -> None:
    states, holders = parse_podman_states((CASES / "podman_state" / "5.4_infra.txt").read_bytes(), None)
    (pod,) = parse_pods((CASES / "podman_state" / "5.4.pods").read_bytes(), None)
    assert (states, list(holders.values())) == ((), [pod.id])
    (member,) = resolve_ids([podman("5.4_shopweb")], (), [pod], holders)
    assert (member.spec["Pod"], member.spec["HostConfig"]["NetworkMode"]) == ("shop", "container:shop-infra")
    assert render_podman_create(member, "IMAGE").argv[:5] == ("create", "--name=shopweb", "--restart=no", "--pull=never", "--pod=shop")


def test_pods_are_read_from_a_list_and_from_one_object() -> None:
    text = (CASES / "podman_state" / "5.4.pods").read_text(encoding="utf-8")
    (pod,) = parse_pods(text, "deploy")
    assert (pod.name, pod.status, pod.user) == ("shop", "running", "deploy")
    assert parse_pods(json.dumps(json.loads(text)[0]), "deploy") == (pod,)
    assert render_pod(pod)[:5] == ("pod", "create", "--name", "shop", "-p")


@pytest.mark.parametrize("version", sorted(API))
def test_docker_networks_volumes_and_images_are_read(version: str) -> None:
    folder = CASES / "docker_state"
    networks = {one.name: one for one in parse_docker_networks((folder / f"{version}.networks").read_bytes(), None)}
    assert {"mynet", "other"} <= set(networks)
    assert not {"bridge", "host", "none"} & set(networks)
    assert networks["mynet"].spec["IPAM"]["Config"] == [{"Subnet": "10.77.0.0/24"}]
    assert networks["mynet"].spec["Labels"] == {"a": "b"}
    volumes = {one.name: one for one in parse_docker_volumes((folder / f"{version}.volumes").read_bytes(), None)}
    assert (volumes["data"].anonymous, volumes["data"].spec) == (False, {"Driver": "local", "Labels": {"x": "y"}})
    assert sum(one.anonymous for one in volumes.values()) == 3
    images = parse_docker_images((folder / f"{version}.images").read_bytes(), None)
    assert sorted(one.tags for one in images) == [("testbed/busybox:latest",), ("vol:1",)]


def test_podmans_networks_volumes_and_images_are_read() -> None:
    folder = CASES / "podman_state"
    (network,) = parse_podman_networks((folder / "5.4.networks").read_bytes(), None)
    assert (network.name, network.spec["subnets"]) == ("pnet", [{"subnet": "10.78.0.0/24", "gateway": "10.78.0.1"}])
    volumes = parse_podman_volumes((folder / "5.4.volumes").read_bytes(), None)
    assert [one.name for one in volumes if not one.anonymous] == ["pdata"]
    (image,) = parse_podman_images((folder / "5.4.images").read_bytes(), None)
    assert image.tags == ("localhost/testbed/busybox:latest",)


def test_an_image_that_podman_lists_twice_is_one() -> None:
    entry = json.loads((CASES / "podman_state" / "5.4.images").read_text(encoding="utf-8"))[0]
    twice = [entry, {**entry, "Names": ["localhost/other:1"]}]
    (image,) = parse_podman_images(json.dumps(twice), None)
    assert image.tags == ("localhost/other:1", "localhost/testbed/busybox:latest")


@pytest.mark.parametrize("text", ["{}", "[1]", "no", '[{"Id": 5}]'])
def test_what_cannot_be_read_is_never_nothing(text: str) -> None:
    for parse in (parse_docker_networks, parse_podman_networks, parse_podman_volumes, parse_docker_images, parse_podman_images):
        with pytest.raises(Unparsable):
            parse(text, None)


def _inspect(**changes: t.Any) -> ContainerState:
    document = json.loads((CASES / "docker_state" / "26.1_rich.txt").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document
        for name in parents:
            place = place[name]
        place[last] = value
    return parse_docker_state(json.dumps(document), None, 1795193100.0)


@pytest.mark.feature("A9")
def test_a_container_between_two_tries_is_restarting() -> None:
    looping = {"State__StartedAt": "2026-11-20T16:44:55Z", "RestartCount": 7}
    assert _inspect(**looping).status == "restarting"
    assert _inspect(**{**looping, "RestartCount": 0}).status == "running"
    assert _inspect(**{**looping, "State__StartedAt": "2026-11-20T16:44:45Z"}).status == "running"


@pytest.mark.feature("A9")
def test_what_an_engine_makes_of_a_container_is_no_difference() -> None:
    before = _inspect()
    again = _inspect(
        Id="f" * 64,
        Created="2026-11-21T00:00:00Z",
        State__Pid=4711,
        NetworkSettings__Networks__mynet__EndpointID="1" * 64,
        NetworkSettings__Networks__mynet__NetworkID="2" * 64,
        NetworkSettings__Networks__other__IPAddress="172.18.0.77",
        NetworkSettings__Networks__other__MacAddress="02:42:ac:12:00:77",
        NetworkSettings__Networks__other__Aliases=["zz", "f" * 12],
        LogPath="/elsewhere",
        HostConfig__ContainerIDFile="/tmp/id",
        HostConfig__ConsoleSize=[24, 80],
    )
    assert differing_fields(before, again) == ()


@pytest.mark.feature("A9")
@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        ("Image", "sha256:" + "0" * 64, "image_id"),
        ("State__Status", "exited", "status"),
        ("HostConfig__RestartPolicy", {"Name": "always", "MaximumRetryCount": 0}, "restart_policy"),
        ("Config__Env", ["X=2"], "env"),
        ("Config__Labels", {}, "labels"),
        ("Config__Cmd", ["true"], "Cmd"),
        ("Config__Hostname", "other", "hostname"),
        ("Config__User", "1000", "User"),
        ("HostConfig__CapAdd", None, "capabilities"),
        ("HostConfig__Privileged", True, "Privileged"),
        ("HostConfig__PortBindings", {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}, "ports"),
        ("HostConfig__Ulimits", None, "ulimits"),
        ("HostConfig__Memory", 1 << 26, "Memory"),
        ("HostConfig__MaskedPaths", [], "unmasked"),
        ("Mounts", [], "mounts"),
        ("NetworkSettings__Networks__mynet__IPAMConfig", {"IPv4Address": "10.77.0.10"}, "networks"),
        ("NetworkSettings__Networks__mynet__Aliases", [], "networks"),
        ("NetworkSettings__Networks", {}, "networks"),
    ],
)
def test_what_was_asked_for_otherwise_is_a_difference(place: str, value: t.Any, field: str) -> None:
    changed = _inspect(**{place: value})
    assert differing_fields(_inspect(), changed) == (field,)
    assert differing_fields(changed, _inspect()) == (field,)


def test_versions_are_compared_as_numbers() -> None:
    assert parse_version("1.9") < parse_version("1.41") < parse_version("1.44")


def _podman(create: list[str], **config: t.Any) -> ContainerState:
    state = podman("5.4_rich")
    return state._replace(spec={**state.spec, "Config": {**state.spec["Config"], "CreateCommand": ["podman", "run", *create], **config}})


@pytest.mark.feature("A10")
def test_what_depends_on_the_moment_is_what_podman_has_recorded() -> None:
    create = ["-d", "--replace", "--cidfile=/x", "--pull", "always", "-P", "--env-file", "./env", "-e", "HOMEVAR", "-v", "./b:/b:z"]
    state = _podman([*create, "--volumes-from", "other", "--network", "container:abc", "--rm", "app:1", "-d", "x"])
    state.spec["HostConfig"]["NetworkMode"] = "container:web"
    found = render_podman_create(state, "sha256:1")
    assert found.argv[-4:] == ("--", "sha256:1", "-d", "x")
    words = found.argv[: found.argv.index("--")]
    for dropped in ("--detach", "--replace", "--cidfile", "--env-file", "--publish-all", "--pull=always", "--volumes-from"):
        assert not any(word.startswith(dropped) for word in words)
    assert {"--rm=true", "--pull=never", "--network=container:web", "--volume=/tmp/b:/b:z", "--volume=pdata:/d"} <= set(words)
    assert found.environment["X"] == "1"
    assert "X=1" not in " ".join(words)


@pytest.mark.feature("A10")
def test_a_variable_that_means_something_to_podman_stands_on_the_line() -> None:
    found = render_podman_create(_podman(["app:1"], Env=["PATH=/bin", "LD_PRELOAD=/x.so", "TOKEN=secret"]), "i")
    assert found.environment == {"TOKEN": "secret"}
    assert {"--env=PATH=/bin", "--env=LD_PRELOAD=/x.so", "--env=TOKEN"} <= set(found.argv)


@pytest.mark.feature("A14")
@pytest.mark.parametrize("create", [[], ["podman", "kube", "play", "x.yml"], ["podman", "run", "--no-such-option", "a", "b"]])
def test_a_container_of_which_podman_does_not_say_how_it_was_made_is_refused_and_foretold(create: list[str]) -> None:
    state = podman("5.4_rich")
    state = state._replace(spec={**state.spec, "Config": {**state.spec["Config"], "CreateCommand": create}})
    with pytest.raises(Refused, match="rich"):
        render_podman_create(state, "i")
    assert [one.name for one in unrestorable_of(Engines((state,))) if one.kind == "container"] == ["podman: rich"]
