# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run lines against what real engines made of them (tests/cases/run_line/<engine>_<version>.txt), and scripts."""

from __future__ import annotations

import json
import shlex
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.run_line import (
    declare_run,
    declare_runs,
    declare_script,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError, Unparsable

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

CASES = Path(__file__).resolve().parents[4] / "cases" / "run_line"


def real_lines() -> list[t.Any]:
    found = []
    for name in ("docker_20.10", "docker_26.1", "podman_5.4"):
        for row in (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            verdict, line, answer = row.split("|", 2)
            if verdict == "OK":
                found.append(pytest.param(name.partition("_")[0], line, json.loads(answer), id=f"{name}: {line}"))
    return found


def asked_ports(engine: str, argv: list[str], answer: dict[str, t.Any]) -> set[tuple[str, str, int]]:
    """The host ports of inspect, without those that the engine chose (no option of the line names them)."""
    if answer["network"].partition(":")[0] in ("host", "none", "container"):
        return set()
    found = set()
    for key, entries in answer["ports"].items():
        for entry in entries:
            port = entry["HostPort"]
            ranges = any(port in word or "7000-7003" in word for word in argv)
            if port and (engine == "docker" or ranges):
                found.add((key.partition("/")[2], entry["HostIp"] or "*", int(port)))
    return found


@pytest.mark.feature("B9", "B14")
@pytest.mark.parametrize(("engine", "line", "answer"), real_lines())
def test_is_read_as_the_engine_reads_it(engine: str, line: str, answer: dict[str, t.Any]) -> None:
    argv = [f"/usr/bin/{engine}", *shlex.split(line)]
    found = declare_run(argv, "x.service", 7)
    assert found is not None
    declared = {(port.proto, port.address, port.port) for port in found.ports if port.confidence == "declared"}
    assert declared == asked_ports(engine, argv, answer)
    assert found.name == answer["name"]
    assert found.host_network == (answer["network"] == "host")
    assert str(found.image) in answer["image"]
    assert found.program == "busybox"
    written = [source for kind, source, writable in answer["mounts"] if writable and kind == "bind"]
    named = [f"volume:{source}" for kind, source, writable in answer["mounts"] if writable and kind == "volume"]
    assert sorted(found.data) == sorted(written + named)
    policy = answer["restart"]
    expected = {"no": "no", "on-failure": "unknown"}.get(policy, "yes" if engine == "docker" else "unknown")
    assert found.at_boot == expected
    assert all(port.line == 7 for port in found.ports)


def read(script: str) -> tuple[Declared, ...]:
    return declare_script(script, "deploy.sh")


def places(script: str) -> list[tuple[str, str, int, int]]:
    return [(port.proto, port.address, port.port, port.line) for one in read(script) for port in one.ports]


def test_commands_of_a_script_are_found_with_their_lines() -> None:
    script = r"""#!/bin/bash
# docker run -p 1:1 commented
set -e
usage() {
  cat <<-'EOF'
<TAB>docker run -p 2:2 help text
<TAB>EOF
  echo "docker run -p 3:3 nginx"
}
if ! docker ps | grep -q web; then
  docker run -d \
    --name web \
    -p 8080:80 `# the page` \
    -v "/srv/web data:/usr/share/nginx/html" \
    nginx:1.27 > /dev/null 2>&1 &
fi
CID=$(sudo -u root docker run -d --name two -p 8081:80 nginx)
[ -n "$CID" ] && env TZ=UTC podman run --rm -p 127.0.0.1:8082:80 docker.io/library/httpd:2.4
for n in 1 2; do docker run -p "80$n:80" nginx; done
bash -c 'docker run -p 4:4 not looked into here'
""".replace("<TAB>", "\t")
    assert places(script) == [("tcp", "*", 8080, 13), ("tcp", "*", 8081, 17), ("tcp", "127.0.0.1", 8082, 18)]
    web, two, httpd, loop = read(script)
    assert (web.name, web.line, web.data, web.image) == ("web", 11, ("/srv/web data",), "nginx:1.27")
    assert (two.name, httpd.engine, httpd.program) == ("two", "podman", "httpd")
    assert loop.ports == ()
    assert loop.unknown == ("-p 80$n:80 is not known",)


@pytest.mark.parametrize(
    ("line", "ports", "unknown"),
    [
        ("docker run $OPTS -p 80:80 nginx", [80], ["$OPTS may hold options"]),
        ("docker run -p 80:80 $THING -p 81:81 nginx", [80], ["$THING may hold options"]),
        ("docker run -p 80:80 $IMAGE -p 81:81", [80], []),
        ("docker run -p 80:80 ${REPO}/x:${TAG} -p 81:81", [80], []),
        ("docker run -p 80:80 $X", [80], []),
        ("docker run -p $PORT:80 nginx", [], ["-p $PORT:80 is not known"]),
        ("docker run {% if a %}-p 79:80 {% endif %}-p 82:80 {{ image }}", [82], ["-p 79:80 stands between conditions of a template"]),
        ("docker run -p {{ port | default(80) }}:80 nginx", [], ["-p {{ port | default(80) }}:80 is not known"]),
        ("docker run --not-known 9:9 -p 80:80 nginx", [], ["option --not-known is not known, so what follows it cannot be told"]),
        ("docker run --not-known=9:9 -p 80:80 nginx", [80], []),
        ("docker run -p 80:80:80:80:80 nginx", [], ["docker refuses to publish '80:80:80:80:80': IPv6 must stand in brackets"]),
        ("docker run -p 8000-8010:80 nginx", [], ["docker takes a port from 8000 to 8010 for 8000-8010:80"]),
        ("docker run -P nginx", [], ["the engine chooses ports for all that the image exposes"]),
        ("docker -H ssh://other run -p 80:80 nginx", [], ["it runs on the engine that -H ssh://other names"]),
        ("docker -H unix:///run/docker.sock run -p 80:80 nginx", [80], []),
        ("docker --context=default --debug run -p 80:80 nginx", [80], []),
        ("podman --remote run -p 80:80 nginx", [], ["it runs on the engine that --remote names"]),
        ("docker run --network $NET -p 80:80 nginx", [80], ["its network is $NET"]),
        ("podman run --pod web -p 80:80 nginx", [], []),
        ("podman run --pod new:web -p 80:80 nginx", [80], []),
        ("podman pod create --name web -p 80:80", [80], []),
        ("podman pod create -p 80:80 web", [80], []),
        ("podman run --network=pasta:-t,8080 nginx", [], ["pasta may forward ports by options of its own"]),
        ("docker start -a web", [], ["its ports stand in the line that created it"]),
        ("podman kube play --replace /srv/web.yaml", [], ["its ports stand in /srv/web.yaml"]),
        ("timeout -k 5 60 nice -n 5 docker run -p 80:80 nginx", [80], []),
    ],
)  # fmt: skip
def test_what_is_not_told_is_unknown(line: str, ports: list[int], unknown: list[str]) -> None:
    (found,) = read(line)
    assert [port.port for port in found.ports] == ports
    assert list(found.unknown) == unknown


@pytest.mark.parametrize(
    "line",
    [
        "docker ps -a -p 80:80",
        "docker exec web nginx -p 80:80",
        "docker build --network host -t x .",
        "docker compose run -p 80:80 web",
        "docker rm -f run",
        "echo docker run -p 80:80 nginx",
        "docker",
        "/usr/bin/dockerd -p /run/docker.pid",
        "mydocker run -p 80:80 nginx",
    ],
)
def test_what_creates_no_container_is_left_alone(line: str) -> None:
    assert read(line) == ()


def on_the_host(line: str) -> list[tuple[str, int, str]]:
    (found,) = read(f"docker run -d --net=host {line}")
    assert found.host_network
    assert any("host's network" in reason for reason in found.unknown)
    return [(port.address, port.port, port.confidence) for port in found.ports]


def test_on_the_hosts_network_the_programs_arguments_tell() -> None:
    assert on_the_host("-p 80:80 prom/prometheus:v2 --web.listen-address=127.0.0.1:9091") == [("127.0.0.1", 9091, "inferred")]
    assert on_the_host("quay.io/prometheus/node-exporter:latest") == [("*", 9100, "inferred")]
    assert on_the_host("example/thing:9090 -p 9999 --status 80:80") == []
    assert on_the_host("busybox httpd -f -p 9090") == [("*", 9090, "inferred")]
    assert on_the_host("--entrypoint /bin/busybox busybox httpd -f -p 9090") == [("*", 9090, "inferred")]
    assert on_the_host("redis:7 redis-server --port 6380 --bind 127.0.0.1") == [("127.0.0.1", 6380, "inferred")]
    assert on_the_host("redis:7 --port 6380") == [("*", 6380, "inferred")]


def test_a_shell_with_its_script_is_looked_into() -> None:
    argv = ["/bin/sh", "-ec", "docker rm -f web; exec docker run --name web -p 80:80 nginx"]
    (found,) = declare_runs(argv, "web.service", 12, unit="web.service")
    assert (found.name, found.unit, found.at_boot, found.line) == ("web", "web.service", "unknown", 12)
    assert [port.port for port in found.ports] == [80]


@pytest.mark.parametrize(
    "script", ['docker run "nginx\n', "true\ndocker run 'x", "echo $(docker run x", "echo `docker run x", "x ${a", "echo $((1"]
)
def test_an_open_quote_is_named_with_file_and_line(script: str) -> None:
    with pytest.raises(Unparsable, match=r"deploy\.sh:[12]: .* is not closed"):
        read(script)


@settings(max_examples=200)
@given(st.text(alphabet="docker run-p=80:/\\\"'`$(){}|&;<>#%\n\t\r", max_size=60))
def test_any_script_is_read_or_refused(text: str) -> None:
    try:
        declare_script(text, "x")
        declare_script("docker run " + text, "x")
    except GuardError:
        return


PIECES = ["-p", "--publish", "80:80", "--net=host", "--", "-", "--name", "x", "", "$A", "{% if x %}", "{{ a }}", "-P", "--zz"]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES)))
def test_any_words_are_read(words: list[str]) -> None:
    found = declare_run(["docker", "run", *words], "x", 1)
    assert found is not None
    assert all(port.port == 80 for port in found.ports)


WORDS = st.text(alphabet="abc \"'$\\#;&|*", min_size=1, max_size=8).filter(lambda text: "$" not in text)


@given(name=WORDS, port=st.integers(1, 65535), path=WORDS, arguments=st.lists(WORDS, max_size=3))
def test_what_is_quoted_is_read_again(name: str, port: int, path: str, arguments: list[str]) -> None:
    words = ["docker", "run", "--name", name, "-p", f"{port}:80", "-v", f"/{path}:/data", "image", *arguments]
    (found,) = read(shlex.join(words))
    assert found.name == name
    assert [one.port for one in found.ports] == [port]
    assert found.data == (f"/{path}",)
