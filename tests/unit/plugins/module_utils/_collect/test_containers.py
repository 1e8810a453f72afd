# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of engines that answer, do not answer, and are not there: real sockets, real processes."""

from __future__ import annotations

import json
import os
import shlex
import socket
import struct
import time
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.containers import (
    Containers,
    collect_containers,
    read_container_log,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, NothingThere, TimedOut
from builders.ports import container, unit
from builders.rooted import Answer, RootedHost, http_server, unix_server

CASES = Path(__file__).resolve().parents[4] / "cases"
DOCKER = {
    document["Id"]: document
    for document in (json.loads(path.read_text(encoding="utf-8")) for path in sorted((CASES / "docker_inspect").glob("26.1_*.txt")))
}
PODMAN = [
    document for path in sorted((CASES / "podman_inspect").glob("*.txt")) for document in json.loads(path.read_text(encoding="utf-8"))
]
SOCKET = "/run/docker.sock"
ACTIVE = types.MappingProxyType({"docker.service": unit("docker.service")})
TIMEOUT = 10.0


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    return RootedHost(tmp_path)


def look(host: RootedHost, timeout: float = TIMEOUT, units: t.Any = ACTIVE, docker_socket: str | None = None) -> Containers:
    return collect_containers(host, units, timeout, docker_socket)


def engine(target: str, version: str = "1.45", gone: t.Collection[str] = ()) -> Answer:
    """What dockerd answers, with its own documents; like 29 it knows no version but its own."""
    if target == "/_ping":
        return 200, version, b"OK"
    if not target.startswith(f"/v{version}/"):
        return 400, version, b'{"message":"client version is too old or too new"}'
    rest = target[len(f"/v{version}") :]
    if rest == "/containers/json?all=1":
        return 200, version, json.dumps([{"Id": one} for one in DOCKER]).encode()
    container_id = rest.split("/")[2]
    if container_id in gone or container_id not in DOCKER:
        return 404, version, b'{"message":"No such container"}'
    return 200, version, json.dumps(DOCKER[container_id]).encode()


def the_blind_spot(found: Containers) -> str:
    assert len(found.blind_spots) == 1, found.blind_spots
    spot = found.blind_spots[0]
    assert spot.could_hide_planned
    assert spot.remedy
    return f"{spot.what}: {spot.why}"


# Docker


@pytest.mark.feature("B2")
@pytest.mark.parametrize("version", ["1.41", "1.45", "1.52"])
def test_docker_is_asked_in_its_own_version(host: RootedHost, version: str) -> None:
    with unix_server(host.at(SOCKET), http_server(lambda target: engine(target, version))):
        found = look(host)
    assert found.blind_spots == ()
    assert {one.id for one in found.containers} == set(DOCKER)


def test_a_container_removed_after_it_was_listed_is_gone(host: RootedHost) -> None:
    removed = min(DOCKER)
    with unix_server(host.at(SOCKET), http_server(lambda target: engine(target, gone=[removed]))):
        found = look(host)
    assert found.blind_spots == ()
    assert {one.id for one in found.containers} == set(DOCKER) - {removed}


def test_no_engine_at_all_is_nothing(host: RootedHost) -> None:
    assert look(host, units={}) == Containers((), ())


@pytest.mark.feature("B15")
def test_a_dead_socket_is_a_blind_spot(host: RootedHost) -> None:
    with unix_server(host.at(SOCKET), lambda connection: None):
        pass
    assert "refused" in the_blind_spot(look(host)).lower()


@pytest.mark.feature("B15")
@pytest.mark.parametrize("drip", [b"", b"H"], ids=["silent", "one byte at a time"])
def test_a_slow_engine_is_a_blind_spot_in_time(host: RootedHost, drip: bytes) -> None:
    def slow(connection: socket.socket) -> None:
        for _second in range(100):
            connection.sendall(drip)
            time.sleep(0.05)

    with unix_server(host.at(SOCKET), slow):
        begin = time.monotonic()
        found = look(host, timeout=0.6)
        spent = time.monotonic() - begin
    assert "in time" in the_blind_spot(found)
    assert spent < 4  # the engine would take five


def test_an_engine_that_hangs_after_the_list_is_a_blind_spot(host: RootedHost) -> None:
    def answer(target: str) -> Answer:
        if target.endswith("/json"):
            time.sleep(5)
        return engine(target)

    with unix_server(host.at(SOCKET), http_server(answer)):
        assert "in time" in the_blind_spot(look(host, timeout=0.6))


@pytest.mark.feature("B15")
@pytest.mark.parametrize(
    ("broken", "answer", "said"),
    [
        ("/_ping", (500, "1.45", b"oops"), "500: oops"),
        ("/_ping", (200, "", b"OK"), "which Docker API"),
        ("/containers/json", (500, "1.45", b"oops"), "500: oops"),
        ("/containers/json", (200, "1.45", b"[{"), "no JSON"),
        ("/containers/json", (200, "1.45", b'{"message": "x"}'), "not a list"),
    ],
)
def test_an_answer_that_is_none_is_a_blind_spot(host: RootedHost, broken: str, answer: Answer, said: str) -> None:
    with unix_server(host.at(SOCKET), http_server(lambda target: answer if broken in target else engine(target))):
        assert said in the_blind_spot(look(host))


@pytest.mark.parametrize("body", [b"not http\r\n\r\n", b"\x00\xff", b""], ids=["text", "bytes", "hangs up"])
def test_what_speaks_no_http_is_a_blind_spot(host: RootedHost, body: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(body)
        connection.close()

    with unix_server(host.at(SOCKET), serve):
        the_blind_spot(look(host))


def test_one_container_that_cannot_be_read_hides_no_other(host: RootedHost) -> None:
    odd = min(DOCKER)

    def answer(target: str) -> Answer:
        return (200, "1.45", b'{"Id": "x", "Name": "/odd"}') if odd in target else engine(target)

    with unix_server(host.at(SOCKET), http_server(answer)):
        found = look(host)
    assert "/odd" in the_blind_spot(found)
    assert {one.id for one in found.containers} == set(DOCKER) - {odd}


@pytest.mark.feature("B15")
def test_a_socket_that_may_not_be_opened_is_a_blind_spot(host: RootedHost) -> None:
    root = os.geteuid() == 0
    with unix_server(host.at(SOCKET), http_server(engine)):
        Path(host.at(SOCKET)).chmod(0)
        if root:
            os.seteuid(65534)
        try:
            found = look(host)
        finally:
            if root:
                os.seteuid(0)
    assert "Permission denied" in the_blind_spot(found)


@pytest.mark.feature("B15")
def test_a_sleeping_engine_is_not_woken(host: RootedHost) -> None:
    asleep = {"docker.service": unit("docker.service", active="inactive"), "docker.socket": unit("docker.socket")}
    connections = []
    with unix_server(host.at(SOCKET), connections.append):
        Path(host.at("/var/lib/docker/containers")).mkdir(parents=True)
        assert look(host, units=asleep) == Containers((), ()), "an engine without containers hides nothing"
        Path(host.at(f"/var/lib/docker/containers/{'a' * 64}")).mkdir()
        assert "1 container" in the_blind_spot(look(host, units=asleep))
    assert connections == []


def test_a_sleeping_engines_own_folder_is_looked_into(host: RootedHost) -> None:
    asleep = {"docker.service": unit("docker.service", active="failed")}
    host.write("/etc/docker/daemon.json", '{"data-root": "/srv/docker"}')
    host.write(f"/srv/docker/containers/{'a' * 64}/config.v2.json", "{}")
    assert "1 container" in the_blind_spot(look(host, units=asleep))


def test_an_engine_that_runs_without_its_socket_is_a_blind_spot(host: RootedHost) -> None:
    assert "not where it usually is" in the_blind_spot(look(host))


@pytest.mark.parametrize("prefix", ["", "unix://"])
def test_a_socket_elsewhere_can_be_named(host: RootedHost, prefix: str) -> None:
    with unix_server(host.at("/srv/d.sock"), http_server(engine)):
        assert len(look(host, docker_socket=f"{prefix}/srv/d.sock").containers) == len(DOCKER)
    os.unlink(host.at("/srv/d.sock"))
    assert "does not exist" in the_blind_spot(look(host, docker_socket="/srv/d.sock"))


def test_podmans_link_in_dockers_place_is_podmans(host: RootedHost) -> None:
    Path(host.at("/run/podman")).mkdir(parents=True)
    for path in (SOCKET, "/var/run/docker.sock"):
        Path(host.at(path)).parent.mkdir(parents=True, exist_ok=True)
        os.symlink("/run/podman/podman.sock", host.at(path))
    assert look(host, units={}) == Containers((), ())
    assert host.asked == []


def test_rootless_docker_is_found(host: RootedHost) -> None:
    with unix_server(host.at("/run/user/0/docker.sock"), http_server(engine)):
        assert look(host, units={}) == Containers((), ()), "root has no rootless engine"
    with unix_server(host.at("/run/user/4242/docker.sock"), http_server(engine)):
        found = look(host, units={})
    assert {one.user for one in found.containers} == {"4242"}


@pytest.mark.parametrize("terminal", [False, True])
def test_the_log_of_a_docker_container(host: RootedHost, terminal: bool) -> None:
    text = b"httpd: bind: Address already in use\n"
    raw = text if terminal else struct.pack(">BxxxL", 2, len(text)) + text

    def answer(target: str) -> Answer:
        if "/logs?" in target:
            assert "tail=60" in target
            return 200, "1.45", raw
        return engine(target)

    with unix_server(host.at(SOCKET), http_server(answer)):
        assert read_container_log(host, container(), TIMEOUT, 60) == text.decode()


def test_a_log_that_cannot_be_read(host: RootedHost) -> None:
    with pytest.raises(CouldNotLook):
        read_container_log(host, container(), TIMEOUT, 60)
    gone = http_server(lambda target: (404, "1.45", b"") if "/logs?" in target else engine(target))
    with unix_server(host.at(SOCKET), gone), pytest.raises(NothingThere):
        read_container_log(host, container(), TIMEOUT, 60)
    broken = http_server(lambda target: (500, "1.45", b"x") if "/logs?" in target else engine(target))
    with unix_server(host.at(SOCKET), broken), pytest.raises(CouldNotLook):
        read_container_log(host, container(), TIMEOUT, 60)


# Podman


def podman(host: RootedHost, script: str) -> None:
    """Puts a podman in place: a shell script with $LIST and $SHOW, files of what a real one printed."""
    listed = host.write("/list.json", json.dumps([{"Id": one["Id"]} for one in PODMAN]))
    shown = host.write("/show.json", json.dumps(PODMAN))
    head = f"#!/bin/sh\nLIST={shlex.quote(str(listed))} SHOW={shlex.quote(str(shown))} DIR={shlex.quote(str(host.root))}\n"
    host.write("/bin/podman", head + script, 0o755)


def stored(host: RootedHost, root: str = "/var/lib/containers/storage") -> None:
    for one in PODMAN:
        Path(host.at(f"{root}/overlay-containers/{one['Id']}")).mkdir(parents=True)


ANSWERS = 'case $1 in ps) cat "$LIST";; inspect) cat "$SHOW";; esac\n'


@pytest.mark.feature("B3")
def test_podman_is_asked(host: RootedHost) -> None:
    podman(host, ANSWERS)
    stored(host)
    found = look(host, units={})
    assert found.blind_spots == ()
    assert {one.id for one in found.containers} == {one["Id"] for one in PODMAN}
    assert {one.engine for one in found.containers} == {"podman"}
    assert [one.split()[1] for one in host.asked if one.startswith("podman")] == ["inspect"], "one command, and no other"


def test_podman_without_containers_is_not_asked(host: RootedHost) -> None:
    podman(host, "exit 1\n")
    assert look(host, units={}) == Containers((), ())
    Path(host.at("/var/lib/containers/storage/overlay-containers")).mkdir(parents=True)
    host.write("/var/lib/containers/storage/overlay-containers/containers.lock", "")
    assert look(host, units={}) == Containers((), ())
    assert not [one for one in host.asked if "podman" in one]


@pytest.mark.parametrize("setting", ['graphroot = "/srv/containers"', "[storage]\n  graphroot='/srv/c'\n", "transient_store = true\n"])
def test_podman_with_its_storage_elsewhere_is_asked(host: RootedHost, setting: str) -> None:
    podman(host, ANSWERS)
    host.write("/etc/containers/storage.conf", setting)
    assert len(look(host, units={}).containers) == len(PODMAN)


def test_a_setting_that_is_the_default_or_a_comment_changes_nothing(host: RootedHost) -> None:
    podman(host, "exit 1\n")
    host.write(
        "/etc/containers/storage.conf", 'graphroot = "/var/lib/containers/storage"\n# graphroot = "/srv/x"\ntransient_store = false\n'
    )
    assert look(host, units={}) == Containers((), ())


@pytest.mark.feature("B15")
def test_a_podman_that_hangs_is_a_blind_spot_in_time(host: RootedHost) -> None:
    podman(host, "trap '' TERM\nsleep 20 & wait\nsleep 20\n")
    stored(host)
    begin = time.monotonic()
    found = look(host, timeout=0.5, units={})
    spent = time.monotonic() - begin
    assert "did not end within" in the_blind_spot(found)
    assert spent < 15  # podman would take twenty


def test_a_docker_that_hangs_does_not_blind_podman(host: RootedHost) -> None:
    podman(host, ANSWERS)
    stored(host)
    with unix_server(host.at(SOCKET), lambda connection: time.sleep(5)):
        found = look(host, timeout=2)
    assert "docker.sock" in the_blind_spot(found)
    assert host.seconds[0] <= 1, "and both together keep to the time"
    assert len(found.containers) == len(PODMAN)


@pytest.mark.feature("B15")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Error: no space left' >&2; exit 125\n", "no space left"),
        ("exit 3\n", "exited with 3"),
        ("echo '[{'\n", "no JSON"),
        ('case $1 in ps) cat "$LIST";; *) echo "Error: locked" >&2; exit 125;; esac\n', "locked"),
        ('case $1 in ps) cat "$LIST";; *) echo "{}";; esac\n', "not a list"),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["stored here", "stored elsewhere"])
def test_a_podman_that_fails_is_a_blind_spot(host: RootedHost, script: str, said: str, elsewhere: bool) -> None:
    podman(host, script)
    if elsewhere:
        host.write("/etc/containers/storage.conf", 'graphroot = "/srv/containers"')
    else:
        stored(host)
    assert said in the_blind_spot(look(host, units={}))


def test_a_podman_container_removed_after_it_was_seen_is_gone(host: RootedHost) -> None:
    # What Podman 5.4 does: it shows the others, says what it misses, and exits with 125.
    podman(host, 'case $1 in\nps) cat "$LIST";;\ninspect) cat "$SHOW"; echo "Error: no such object: \\"x\\"" >&2; exit 125;; esac\n')
    stored(host)
    Path(host.at(f"/var/lib/containers/storage/overlay-containers/{'f' * 64}")).mkdir()
    found = look(host, units={})
    assert found.blind_spots == ()
    assert len(found.containers) == len(PODMAN)


def test_a_podman_container_that_is_listed_and_never_shown_is_a_blind_spot(host: RootedHost) -> None:
    podman(host, ANSWERS)
    host.write("/etc/containers/storage.conf", 'graphroot = "/srv/containers"')
    listed = json.loads(Path(host.at("/list.json")).read_text(encoding="utf-8"))
    host.write("/list.json", json.dumps([*listed, {"Id": "f" * 64}]))
    found = look(host, units={})
    assert "ffffffffffff" in the_blind_spot(found)
    assert len(found.containers) == len(PODMAN), "and hides no other"


@pytest.mark.feature("B3", "B15")
def test_an_ordinary_user_sees_his_own_and_knows_of_roots(host: RootedHost) -> None:
    host.uid = os.geteuid() or 65534
    home = host.home(host.uid)
    podman(host, ANSWERS)
    stored(host)
    stored(host, f"{home}/.local/share/containers/storage")
    found = look(host, units={})
    assert "root's Podman" in the_blind_spot(found)
    assert {one.user for one in found.containers} == {host.user_name(host.uid)}


def test_rootless_podman_is_asked_as_its_user(host: RootedHost) -> None:
    podman(host, ANSWERS)
    # Shows what it was called with, and goes on with the command behind it.
    host.write("/bin/runuser", '#!/bin/sh\nshift 3\nexec "$@"\n', 0o755)
    uid = 65534
    Path(host.at(f"/run/user/{uid}")).mkdir(parents=True)
    stored(host, f"{host.home(uid)}/.local/share/containers/storage")
    os.environ["PATH"] = f"{host.root}/bin:{os.environ['PATH']}"
    try:
        found = look(host, units={})
    finally:
        os.environ["PATH"] = os.environ["PATH"].partition(":")[2]
    assert found.blind_spots == ()
    assert {one.user for one in found.containers} == {host.user_name(uid)}
    asked = next(one for one in host.asked if "podman" in one)
    assert asked.startswith(f"runuser -u {host.user_name(uid)} -- env -C / HOME={host.home(uid)} XDG_RUNTIME_DIR=/run/user/{uid}")


def test_the_log_of_a_podman_container(host: RootedHost) -> None:
    podman(host, 'echo "$@"; echo err >&2\n')
    found = read_container_log(host, container(engine="podman", container_id="a" * 64), TIMEOUT, 60)
    assert found == f"logs --tail 60 {'a' * 64}\nerr\n"
    podman(host, "echo 'Error: no such container' >&2; exit 125\n")
    with pytest.raises(CouldNotLook, match="no such container"):
        read_container_log(host, container(engine="podman"), TIMEOUT, 60)
    podman(host, "sleep 5\n")
    with pytest.raises(TimedOut):
        read_container_log(host, container(engine="podman"), 0.3, 60)
