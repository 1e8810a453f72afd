# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What engines have, asked of a socket and a program that answer with what real engines said, or do not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.engines import collect_engines
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines
from builders.rooted import Answer, RootedHost, http_server, unix_server

CASES = Path(__file__).resolve().parents[4] / "cases"
DOCKER = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((CASES / "docker_state").glob("26.1_*.txt"))]
SOCKET = "/run/docker.sock"
STORAGE = "/var/lib/containers/storage"


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path)
    found.write("/proc/1/comm", "systemd\n")
    return found


def engine(target: str) -> Answer:
    """A dockerd 26.1 with the containers of the cases, and one that was removed since it was listed."""
    version = "1.45"
    if target == "/_ping":
        return 200, version, b"OK"
    rest = target[len(f"/v{version}") :]
    if rest.startswith("/containers/json"):
        return 200, version, json.dumps([{"Id": one["Id"]} for one in DOCKER] + [{"Id": "0" * 64}]).encode()
    for kind in ("networks", "volumes", "images"):
        if rest.startswith(f"/{kind}"):
            return 200, version, (CASES / "docker_state" / f"26.1.{kind}").read_bytes()
    found = next((one for one in DOCKER if one["Id"] in rest), None)
    return (200, version, json.dumps(found).encode()) if found else (404, version, b'{"message":"No such container"}')


PODMAN = """#!/bin/sh
case "$*" in
    "ps "*) printf '[{"Id": "%s"}]' "$(sed -n 's/.*"Id": "\\([0-9a-f]*\\)".*/\\1/p' CASES/5.4_rich.txt | head -1)" ;;
    "container inspect "*) cat CASES/5.4_rich.txt ;;
    "pod ps "*) echo one ;;
    "pod inspect "*) cat CASES/5.4.pods ;;
    "network ls "*) cat CASES/5.4.networks ;;
    "volume ls "*) cat CASES/5.4.volumes ;;
    "images "*) cat CASES/5.4.images ;;
    *) echo "what is $*" >&2; exit 2 ;;
esac
"""


def install_podman(host: RootedHost, text: str = PODMAN) -> None:
    (host.root / STORAGE[1:]).mkdir(parents=True)
    host.write("/bin/podman", text.replace("CASES", str(CASES / "podman_state")), 0o755)


@pytest.mark.feature("A9")
def test_docker_tells_all_that_it_has(host: RootedHost) -> None:
    with unix_server(host.at(SOCKET), http_server(engine)):
        found = collect_engines(host, 10.0)
    assert found.unseen == ()
    assert sorted(one.name for one in found.containers) == sorted(one["Name"].lstrip("/") for one in DOCKER)
    joined = next(one for one in found.containers if one.name == "joined")
    assert joined.spec["HostConfig"]["NetworkMode"] == "container:rich"
    assert {one.name for one in found.networks} >= {"mynet", "other"}
    assert (len(found.volumes), len(found.images)) == (4, 2)


def test_what_was_added_to_keep_images_is_left_out(host: RootedHost) -> None:
    def with_pins(target: str) -> Answer:
        status, version, body = engine(target)
        document = json.loads(body) if body.startswith((b"{", b"[")) else None
        if target.endswith("/json") and isinstance(document, dict) and document.get("Name") == "/exited":
            document["Config"]["Labels"] = {"guarded.deploy.pin": "1"}
        elif "images" in target and isinstance(document, list):
            document[0]["RepoTags"].append("guarded-deploy/pin:x-0")
        return status, version, body if document is None else json.dumps(document).encode()

    with unix_server(host.at(SOCKET), http_server(with_pins)):
        found = collect_engines(host, 10.0)
    assert "exited" not in {one.name for one in found.containers}
    assert {tag for one in found.images for tag in one.tags} == {"vol:1", "testbed/busybox:latest"}


def test_no_engine_has_nothing(host: RootedHost) -> None:
    assert collect_engines(host, 10.0) == Engines()


@pytest.mark.parametrize("broken", ["containers/json", "/networks", "/volumes", "/images"])
def test_a_docker_that_tells_only_a_part_is_unseen(host: RootedHost, broken: str) -> None:
    def answer(target: str) -> Answer:
        return (500, "1.45", b'{"message":"no space left"}') if broken in target else engine(target)

    with unix_server(host.at(SOCKET), http_server(answer)):
        found = collect_engines(host, 10.0)
    assert found._replace(unseen=()) == Engines()
    ((what, why),) = found.unseen
    assert what == "docker"
    assert "no space left" in why


@pytest.mark.feature("A9")
def test_a_docker_that_sleeps_over_containers_is_unseen_and_not_woken(host: RootedHost) -> None:
    host.write(f"/var/lib/docker/containers/{'a' * 64}/config.v2.json", "{}")
    host.write("/bin/systemctl", "#!/bin/sh\necho inactive\necho active\nexit 3\n", 0o755)
    with unix_server(host.at(SOCKET), http_server(engine)):
        found = collect_engines(host, 10.0)
    assert [what for what, _why in found.unseen] == ["docker"]
    assert "/_ping" not in host.asked


def test_a_docker_that_sleeps_over_nothing_has_nothing(host: RootedHost) -> None:
    host.write("/bin/systemctl", "#!/bin/sh\necho inactive\necho active\nexit 3\n", 0o755)
    assert collect_engines(host, 10.0) == Engines()


@pytest.mark.feature("A9")
def test_podman_tells_all_that_it_has(host: RootedHost) -> None:
    install_podman(host)
    found = collect_engines(host, 10.0)
    assert found.unseen == ()
    assert [(one.engine, one.name, one.restart_policy) for one in found.containers] == [("podman", "rich", "on-failure:3")]
    assert [one.name for one in found.pods] == ["shop"]
    assert [one.name for one in found.networks] == ["pnet"]
    assert len(found.images) == 1


def test_a_podman_that_was_never_used_is_not_asked(host: RootedHost) -> None:
    host.write("/bin/podman", "#!/bin/sh\nexit 1\n", 0o755)
    assert collect_engines(host, 10.0) == Engines()
    assert not any("podman" in one for one in host.asked)


def test_a_podman_that_fails_is_unseen(host: RootedHost) -> None:
    install_podman(host, "#!/bin/sh\necho 'database is locked' >&2\nexit 125\n")
    ((what, why),) = collect_engines(host, 10.0).unseen
    assert (what, "database is locked" in why) == ("podman", True)


def test_a_podman_that_does_not_show_what_it_lists_is_unseen(host: RootedHost) -> None:
    install_podman(
        host, PODMAN.replace('"container inspect "*) cat CASES/5.4_rich.txt', '"container inspect "*) echo corrupt >&2; exit 125')
    )
    ((what, why),) = collect_engines(host, 10.0).unseen
    assert (what, "corrupt" in why) == ("podman", True)


def test_an_ordinary_user_does_not_see_roots_podman(tmp_path: Path) -> None:
    host = RootedHost(tmp_path, uid=65534)
    install_podman(host)
    host.write("/proc/1/comm", "systemd\n")
    assert [what for what, _why in collect_engines(host, 10.0).unseen if what == "podman"] == ["podman"]


def test_the_unit_that_runs_a_container_of_docker_is_told_by_its_process(host: RootedHost) -> None:
    host.write("/proc/77/comm", "docker\n")
    host.write("/proc/77/cmdline", "/usr/bin/docker\0run\0--rm\0--name\0plain\0--name=rich\0app:1\0")
    host.write("/proc/77/cgroup", "0::/system.slice/rich.service\n")
    with unix_server(host.at(SOCKET), http_server(engine)):
        found = collect_engines(host, 10.0)
    assert {one.name: one.unit for one in found.containers if one.unit} == {"rich": "rich.service"}
