# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When two services are one service twice, and when they only look alike."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.declared import declare_container
from ansible_collections.guarded.deploy.plugins.module_utils._containers.inspect import parse_docker_inspect
from ansible_collections.guarded.deploy.plugins.module_utils._containers.run_line import declare_run
from ansible_collections.guarded.deploy.plugins.module_utils._ports.duplicate import Duplicates, Service, find_duplicates
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Claim, Declared, Owner
from ansible_collections.guarded.deploy.plugins.module_utils._ports.remedy import RunState

CASES = Path(__file__).resolve().parents[4] / "cases"


def unit(name: str = "prometheus.service", program: str = "prometheus", *data: str, at_boot: str = "yes", running: bool = True) -> Service:
    declared = Declared("unit", name, f"/etc/systemd/system/{name}", 3, (), (), at_boot, True, program=program, data=data)
    return Service(declared, Owner("unit", name), running)


def container(line: str, running: bool = True, **fields: t.Any) -> Service:
    declared = declare_run(line.split(), "deploy.yml", 12)
    assert declared is not None
    declared = declared._replace(**fields)
    owner = Owner(
        "container",
        declared.name,
        declared.engine,
        hashlib.sha256(line.encode()).hexdigest(),
        declared.image,
        declared.compose_project,
        declared.unit,
    )
    return Service(declared, owner, running)


def find(*services: Service) -> Duplicates:
    return find_duplicates(services, lambda owner: RunState(status="running", restart_policy="always"))


CONTAINERISED = "docker run -d --restart=always -p 9091:9090 -v /var/lib/prometheus:/prometheus --name metrics prom/prometheus"


@pytest.mark.feature("B13")
def test_the_containerised_service_shares_its_data_on_another_port() -> None:
    found = find(unit("prometheus.service", "prometheus", "/var/lib/prometheus/metrics2"), container(CONTAINERISED))
    (conflict,) = found.conflicts
    assert (conflict.kind, conflict.proto, conflict.port, conflict.confidence) == ("duplicate_service", None, None, "declared")
    assert conflict.explanation == (
        "prometheus.service and container metrics (docker, image prom/prometheus) are one service twice: both run "
        "prometheus and share /var/lib/prometheus/metrics2. Sooner or later both are up and write to the same files, so "
        "keep one and retire the other."
    )
    assert [side.keep for side in conflict.remedy] == ["unit prometheus.service", "container metrics"]
    assert conflict.remedy[0].commands == ("docker update --restart=no metrics", "docker stop metrics")
    assert {claim.owner.kind for claim in conflict.parties} == {"unit", "container"}
    assert found.same_programs == ()


@pytest.mark.feature("B13")
@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (unit(), container("docker run --name prometheus prom/prometheus"), "the name prometheus"),
        (unit("prometheus-node-exporter.service", "prometheus-node-exporter", "/srv/text"),
         container("podman run -v /srv/text:/t --name ne quay.io/prometheus/node-exporter"), "/srv/text"),
        (unit("mariadb.service", "mariadbd", "/var/lib/mysql"),
         container("docker run -v /var/lib/mysql:/x --name db mysql:8"), "/var/lib/mysql"),
        (container("docker run -v db:/d --name a postgres:16"),
         container("docker run -v db:/d --name b postgres:17", compose_project="shop"),
         "the volume db"),
        (container("docker run -v db:/d --name a postgres:16"),
         container("docker run -v /var/lib/docker/volumes/db/_data:/d --name b postgres", compose_project="shop"), "the volume db"),
        (container("docker run -v /srv/pg:/d --name a postgres", compose_project="one"),
         container("docker run -v /srv/pg:/d --name b postgres", compose_project="two"), "/srv/pg"),
        (container("podman run --name web nginx"), container("docker run --name web nginx"), "the name web"),
        (container("podman run --name systemd-web nginx", unit="web.service"), container("docker run --name web nginx"), "the name web"),
        (unit("web.service", "nginx"), container("docker run --name shop-web-1 nginx", compose_project="shop"), "the name web"),
        (unit("app.service", "gitea", "/run/gitea.pid"),
         container("docker run -v /var/run/gitea.pid:/p --name x gitea/gitea"), "/run/gitea.pid"),
    ],
)  # fmt: skip
def test_evidence_is_named(one: Service, other: Service, shared: str) -> None:
    for pair in ((one, other), (other, one)):
        (conflict,) = find(*pair).conflicts
        assert f"and share {shared}" in conflict.explanation


@pytest.mark.feature("B13")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Two pages of one project, two workers on one volume, units of one package.
        (container("docker run -v /srv/a:/d --name a nginx", compose_project="shop"),
         container("docker run -v /srv/a:/d --name b nginx", compose_project="shop")),
        (container("docker run -v uploads:/d --name web app/shop"), container("docker run -v uploads:/d --name worker app/shop")),
        (unit("postgresql@15-main.service", "postgres", "/var/lib/postgresql"),
         unit("postgresql@16-main.service", "postgres", "/var/lib/postgresql")),
        # A unit and its container.
        (unit("web.service", "nginx", "/srv/a"), container("podman run -v /srv/a:/d --name web nginx", unit="web.service")),
        # Different programs on one folder: a backup, a media library.
        (unit("postgresql.service", "postgres", "/var/lib/postgresql"),
         container("docker run -v /var/lib/postgresql:/d --name postgresql offen/backup")),
        # Interpreters run anything.
        (unit("app.service", "python3", "/srv/app"), container("docker run -v /srv/app:/d --name app python:3.12")),
        # Retired: down, and nothing starts it.
        (unit("prometheus.service", "prometheus", "/var/lib/prometheus", at_boot="no", running=False), container(CONTAINERISED)),
    ],
)  # fmt: skip
def test_what_is_meant_to_be_so_is_left_alone(one: Service, other: Service) -> None:
    assert find(one, other) == Duplicates((), ())


@pytest.mark.feature("B13")
@pytest.mark.parametrize(
    "mount",
    ["/etc/localtime:/x", "/var/run/docker.sock:/x", "/run/docker.sock:/x", "/etc/ssl:/x", "/etc/ssl/certs:/x",
     "/srv:/x", "/:/x", "/home/jo:/x",
     "/mnt/disk:/x", "/var/lib:/x", "/tmp/x:/x", "/dev/dri:/x", "/sys/fs/cgroup:/x", "/srv/pages:/x:ro", "/etc/letsencrypt/live:/x"],
)  # fmt: skip
def test_places_that_all_may_have_are_no_shared_data(mount: str) -> None:
    one = container(f"docker run -v {mount} --name one nginx")
    other = container(f"docker run -v {mount} --name other nginx", compose_project="shop")
    found = find(one, other)
    assert found.conflicts == ()
    assert len(found.same_programs) == 1


@pytest.mark.feature("B13")
def test_a_shared_program_alone_is_only_told() -> None:
    found = find(unit("nginx.service", "nginx", "/var/www/html"), container("docker run -v pages:/d --name shop nginx:1.27"))
    assert found.conflicts == ()
    assert found.same_programs == (
        "nginx.service and container shop (docker, image nginx:1.27) both run nginx, and share nothing else that is known",
    )


def test_volumes_of_two_engines_are_two() -> None:
    assert find(container("docker run -v db:/d --name a redis"), container("podman run -v db:/d --name b redis")).conflicts == ()


def test_what_is_planned_is_named_with_its_place_and_has_nothing_to_retire() -> None:
    planned = container(CONTAINERISED)._replace(planned=True, running=False)
    (conflict,) = find(unit("prometheus.service", "prometheus", "/var/lib/prometheus"), planned).conflicts
    assert "container metrics (docker, image prom/prometheus) (deploy.yml:12)" in conflict.explanation
    assert [claim.state for claim in conflict.parties] == ["running", "planned"]
    earlier = planned._replace(planned=False, running=True)
    assert find(planned, earlier).conflicts == (), "its own earlier deployment"


def test_claims_that_are_known_are_the_parties() -> None:
    claim = Claim("tcp", "*", 9090, "listening", Owner("unit", "prometheus.service"), "socket table", "observed", "yes")
    one = unit("prometheus.service", "prometheus", "/var/lib/prometheus")._replace(claims=(claim,))
    (conflict,) = find(one, container(CONTAINERISED)).conflicts
    assert conflict.parties[0] is claim


def test_a_container_of_the_engine_declares_itself() -> None:
    live = parse_docker_inspect((CASES / "docker_inspect" / "26.1_mounted.txt").read_bytes())
    declared = declare_container(live, "no")
    assert declared.data == ("/srv/store", "volume:shop-db")
    assert (declared.program, declared.name, declared.at_boot) == ("busybox", "mounted", "no")
    published = parse_docker_inspect((CASES / "docker_inspect" / "26.1_pub_ok.txt").read_bytes())
    assert [(port.proto, port.address, port.port) for port in declare_container(published, "no").ports] == [
        (port.proto, port.address, port.host_port) for port in published.published if port.host_port
    ]


PATHS = st.sampled_from(["/srv/a", "/srv/a/b", "/srv/ab", "/srv", "/", "volume:x", "volume:y", "/run/x.pid", "", "x", "/var/run/x.pid"])
SERVICES = st.builds(
    lambda name, program, data, engine, project, kind: Service(
        Declared(kind, name, "f", 1, (), (), "yes", True, program, engine, None, project, None, tuple(data)),
        Owner(kind, name, engine),
        True,
    ),
    st.sampled_from(["a", "b", "a.service", "p-a-1"]),
    st.sampled_from([None, "nginx", "redis", "redis-server", "python3"]),
    st.lists(PATHS, max_size=3),
    st.sampled_from([None, "docker", "podman"]),
    st.sampled_from([None, "p", "q"]),
    st.sampled_from(["unit", "container", "socket"]),
)


@given(st.lists(SERVICES, max_size=5))
def test_the_order_of_services_changes_nothing(services: list[Service]) -> None:
    def pairs(found: Duplicates) -> set[frozenset[Owner]]:
        return {frozenset(claim.owner for claim in conflict.parties) for conflict in found.conflicts}

    assert pairs(find(*services)) == pairs(find(*reversed(services)))
    assert all(len(conflict.parties) == 2 for conflict in find(*services).conflicts)
