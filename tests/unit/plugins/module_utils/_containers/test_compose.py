# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose projects: our host ports are those of ``docker compose config`` 2.26 (tests/cases/compose)."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.compose import declare_project, find_project
from ansible_collections.guarded.deploy.plugins.module_utils._containers.compose_interpolation import parse_env_file
from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError, NothingThere, Unparsable
from ansible_collections.guarded.deploy.plugins.plugin_utils._yaml_lines import load_documents
from builders.compose_case import Case, parse_case

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

FOLDER = Path(__file__).resolve().parents[4] / "cases" / "compose"
CASES = sorted(FOLDER.glob("*.txt"))


class CaseFiles:
    """The files of a case, in place of a disk."""

    def __init__(self, case: Case) -> None:
        self._files = {f"/srv/{case.directory}/{path}": text for path, text in case.files.items()}

    def text(self, path: str) -> str | None:
        return self._files.get(path)

    def documents(self, path: str) -> list[t.Any]:
        if path not in self._files:
            raise NothingThere(f"{path}: no such file")
        return load_documents(self._files[path], path)


def declare(case: Case) -> tuple[Declared, ...]:
    """What a case declares, read as Compose reads it in an environment of nothing but the case's."""
    reader, directory = CaseFiles(case), f"/srv/{case.directory}"
    dot_env = parse_env_file(reader.text(f"{directory}/.env") or "", f"{directory}/.env", case.environment)
    names = (*case.values("-p"), None)
    project = find_project(directory, case.files, {**dot_env, **case.environment}, case.values("-f"), names[0], case.values("--profile"))
    assert project is not None
    return declare_project(project, reader)


def declared(text: str, **files: str) -> tuple[Declared, ...]:
    return declare(Case((), {}, "shop", {"compose.yaml": text, **files}))


def found_ports(services: tuple[Declared, ...]) -> dict[str, set[tuple[str, str, int]]]:
    return {one.name: {(port.proto, port.address, port.port) for port in one.ports} for one in services}


def _is_published(service: dict[str, t.Any]) -> bool:
    """Whether Docker publishes the ports of a service at all (measured on 26.1)."""
    on_network = service.get("network_mode", "") in ("", "bridge")
    return on_network and not (service["internal"] and all(service["internal"]))


def expected_ports(answer: dict[str, t.Any]) -> dict[str, set[tuple[str, str, int]]]:
    """The fixed host ports in what the tool said, for each container."""
    found = {}
    for name, service in answer["services"].items():
        replicas = service.get("scale", service["replicas"])
        ports = set()
        for port in service.get("ports", []) if _is_published(service) else []:
            published = port.get("published") or "0"
            if "-" not in published and int(published) and port["protocol"].lower() in ("tcp", "udp"):
                address = str(ipaddress.ip_address(port["host_ip"])) if port.get("host_ip") else "*"
                ports.add((port["protocol"].lower(), address, int(published)))
        names = [f"{answer['name']}-{name}-{number}" for number in (1, 2)][: 1 if replicas is None else replicas]
        found.update({service.get("container_name", one): ports for one in names})
    return found


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert {path.stem for path in CASES} == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.feature("B9")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_host_ports_are_those_of_the_tool(path: Path) -> None:
    answer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    case = parse_case(path.read_text(encoding="utf-8"))
    if "refused" not in answer:
        services = declare(case)
        assert found_ports(services) == expected_ports(answer)
        assert {one.compose_project for one in services} <= {answer["name"]}
    elif "required variable" in answer["refused"]:
        # Whoever starts it may have set the variable: that is unknown, and no claim.
        (service,) = declare(case)
        assert service.ports == ()
        assert "PORT" in service.unknown[0]
    else:
        with pytest.raises(GuardError):
            declare(case)


@pytest.mark.feature("B14")
def test_a_port_names_its_line() -> None:
    (web,) = declared(
        "services:\n  web:\n    image: ghcr.io/acme/web:1.4\n    ports:\n      - 127.0.0.1:8080:80\n"
        "      - target: 53\n        published: 5353\n        protocol: udp\n"
    )
    assert (web.file, web.line, web.name) == ("/srv/shop/compose.yaml", 2, "shop-web-1")
    assert [(port.line, port.source, port.confidence) for port in web.ports] == [
        (5, "ports: 127.0.0.1:8080:80", "declared"),
        (6, "ports: 5353:53/udp", "declared"),
    ]
    assert (web.program, web.image, web.engine, web.kind) == ("web", "ghcr.io/acme/web:1.4", "docker", "container")


@pytest.mark.feature("B14")
def test_a_port_from_another_file_names_that() -> None:
    (web,) = declared(
        "services:\n  web:\n    extends: {file: base.yaml, service: app}\n",
        **{"base.yaml": "services:\n  app:\n    image: acme/app\n    ports: ['8080:80']\n"},
    )
    assert [(port.line, port.source) for port in web.ports] == [(0, "ports: 8080:80 (/srv/shop/base.yaml:4)")]


@pytest.mark.parametrize(
    ("setting", "at_boot"),
    [
        ("", "no"),
        ("restart: 'no'", "no"),
        ("restart: always", "yes"),
        ("restart: unless-stopped", "yes"),
        ("restart: on-failure", "unknown"),
        ("restart: on-failure:3", "unknown"),
        ("deploy: {restart_policy: {condition: none}}", "no"),
        ("deploy: {restart_policy: {condition: any}}", "yes"),
        ("deploy: {restart_policy: {delay: 5s}}", "yes"),
        ("restart: ${POLICY:-always}", "yes"),
    ],
)
@pytest.mark.feature("B11")
def test_the_restart_policy_says_whether_it_comes_back(setting: str, at_boot: str) -> None:
    (web,) = declared(f"services:\n  web:\n    image: acme/web\n    {setting}\n")
    assert web.at_boot == at_boot


def why(text: str) -> dict[str, tuple[tuple[str, ...], bool]]:
    return {one.name: (one.unknown, one.host_network) for one in declared(text)}


def test_a_required_variable_leaves_nothing_certain() -> None:
    (web,) = declared("services:\n  web:\n    image: a\n    ports: ['${BIND:?where}:8080:80', '81:81']\n")
    assert [port.port for port in web.ports] == [81]
    assert web.unknown == ("a port depends on the variable BIND, which is not set",)


def test_what_is_written_in_an_extended_file_starts_at_that_file() -> None:
    (web,) = declared(
        "services:\n  web:\n    extends: {file: deep/base.yaml, service: app}\n    volumes: ['./own:/own']\n",
        **{"deep/base.yaml": "services:\n  app:\n    image: a\n    volumes: ['./d:/d', {type: bind, source: e, target: /e}]\n"},
    )
    assert web.data == ("/srv/shop/deep/d", "/srv/shop/deep/e", "/srv/shop/own")


@pytest.mark.feature("B15")
def test_what_a_text_cannot_tell_is_unknown() -> None:
    found = why(
        "services:\n"
        "  host: {image: a, network_mode: host}\n"
        "  beside: {image: a, network_mode: 'service:host'}\n"
        "  named: {image: a, container_name: named, ports: ['80:80']}\n"
        "  joined: {image: a, network_mode: 'container:named'}\n"
        "  foreign: {image: a, network_mode: 'container:elsewhere'}\n"
        "  none: {image: a, network_mode: none}\n"
        "  one_of: {image: a, ports: ['8000-8010:80']}\n"
        "  unset: {image: a, ports: ['${NOBODY}:80']}\n"
        "  template: {image: a, ports: ['{{ port }}:80']}\n"
        "  any: {image: a, ports: ['80']}\n"
    )
    assert {name for name, (unknown, _host) in found.items() if not unknown} == {
        "named", "shop-joined-1", "shop-none-1", "shop-any-1",
    }  # fmt: skip
    assert {name for name, (_unknown, host) in found.items() if host} == {"shop-host-1", "shop-beside-1"}
    assert "8000-8010" in found["shop-one_of-1"][0][0]
    assert "NOBODY" in found["shop-unset-1"][0][0]


@pytest.mark.feature("B14")
def test_on_the_hosts_network_the_arguments_are_a_hint() -> None:
    (web, other) = declared(
        "services:\n"
        "  web:\n    image: prom/prometheus\n    network_mode: host\n    command: --web.listen-address=:9095 --x\n"
        "  other: {image: acme/x, network_mode: host, entrypoint: [gunicorn, -b, '127.0.0.1:8001'], command: [app]}\n"
    )
    assert [(port.port, port.confidence, port.line) for port in web.ports] == [(9095, "inferred", 5)]
    assert [(port.port, port.address, port.confidence) for port in other.ports] == [(8001, "127.0.0.1", "inferred")]
    assert web.unknown
    assert web.program == "prometheus"


def test_docker_refuses_ports_in_the_network_of_another() -> None:
    text = "services:\n  a: {image: a}\n  b:\n    image: b\n    network_mode: 'service:a'\n    ports: ['80:80']\n"
    with pytest.raises(Unparsable, match=r"/srv/shop/compose.yaml:6: services.b.ports"):
        declared(text)


def test_a_circle_of_networks_is_refused() -> None:
    with pytest.raises(Unparsable, match="circle"):
        declared("services:\n  a: {image: a, network_mode: 'service:b'}\n  b: {image: b, network_mode: 'service:a'}\n")


@pytest.mark.feature("B13")
def test_data_is_where_the_host_keeps_it() -> None:
    (web, db) = declared(
        "services:\n"
        "  web:\n    image: acme/web\n    volumes:\n"
        "      - ./data:/data\n      - /srv/www/:/www\n      - /etc/localtime:/etc/localtime:ro\n      - ~/x:/x:z\n"
        "      - /anonymous\n      - {type: bind, source: ../up, target: /up}\n      - {type: tmpfs, target: /tmp}\n"
        "  db:\n    image: acme/db\n    volumes:\n"
        "      - plain:/a\n      - named:/b\n      - external:/c\n      - {type: volume, source: plain, target: /d, read_only: true}\n"
        "volumes:\n  plain:\n  named: {name: the-name}\n  external: {external: true}\n"
    )
    assert web.data == ("/srv/shop/data", "/srv/www", "~/x", "/srv/up")
    assert db.data == ("volume:shop_plain", "volume:the-name", "volume:external")


def test_what_is_written_in_an_included_folder_starts_there() -> None:
    services = declared("include: [db/compose.yaml]\n", **{"db/compose.yaml": "services:\n  db:\n    image: a\n    volumes: ['./d:/d']\n"})
    assert [one.data for one in services] == [("/srv/shop/db/d",)]


def test_where_there_is_no_compose_file_there_is_no_project() -> None:
    assert find_project("/srv", ("site.yml", "compose.override.yaml"), {}) is None


PORTS = st.one_of(
    st.tuples(st.sampled_from(["", "127.0.0.1:", "[::1]:", "0.0.0.0:"]), st.integers(1, 65535), st.sampled_from(["", "/tcp", "/udp"])),
)


@given(st.lists(PORTS, max_size=5))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(ports: list[tuple[str, int, str]]) -> None:
    lines = "".join(f"      - '{address}{port}:80{proto}'\n" for address, port, proto in ports)
    (web,) = declared("services:\n  web:\n    image: a\n    ports:\n" + (lines or "      []\n"))
    wanted = {(proto.strip("/") or "tcp", address.strip("[:]") or "*", port) for address, port, proto in ports}
    wanted = {(proto, "::1" if address == "1" else address, port) for proto, address, port in wanted}
    same = {(proto, port) for proto, address, port in wanted if address == "*"}
    found = {(port.proto, port.address, port.port) for port in web.ports}
    # An entry without an address and one for 0.0.0.0 are one to Compose: the later counts.
    assert {(proto, address.replace("0.0.0.0", "*"), port) for proto, address, port in found} == {
        (proto, address.replace("0.0.0.0", "*"), port) for proto, address, port in wanted
    }
    assert same >= {(proto, port) for proto, address, port in found if address == "*"}


DATA = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(max_size=12),
        st.sampled_from(["$A", "${A:-1}:2", "host"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "ports",
                    "target",
                    "published",
                    "extends",
                    "service",
                    "file",
                    "network_mode",
                    "deploy",
                    "scale",
                    "volumes",
                    "networks",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), DATA, max_size=2), DATA, DATA)
@settings(max_examples=150, deadline=None)
def test_any_data_is_read_or_refused(services: dict[str, t.Any], networks: t.Any, include: t.Any) -> None:
    text = json.dumps({"services": services, "networks": networks, "include": include})
    with contextlib.suppress(GuardError):
        assert isinstance(declared(text), tuple)
