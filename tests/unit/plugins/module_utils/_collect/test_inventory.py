# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole look: unit files, memory and manifests below another root, and this machine's own sockets."""

from __future__ import annotations

import socket
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.inventory import Wanted, collect_report
from ansible_collections.guarded.deploy.plugins.module_utils._ports.memory import FILE, Sighting, render_memory
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import UNIT_IS_NOT_HERE, Declared, DeclaredPort
from builders.rooted import RootedHost

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Report

SYSTEM = "/etc/systemd/system"


@pytest.fixture
def port() -> t.Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    """A host with systemd on which nothing runs but what this machine runs."""
    found = RootedHost(tmp_path)
    found.write("/bin/systemctl", "#!/bin/sh\nexit 0\n", 0o755)
    Path(found.at("/run/systemd/system")).mkdir(parents=True)
    Path(found.at("/proc")).symlink_to("/proc")
    for name in ("multi-user.target", "basic.target", "sysinit.target", "shutdown.target"):
        found.write(f"/usr/lib/systemd/system/{name}", "[Unit]\nDescription=x\n")
    Path(found.at(f"{SYSTEM}/default.target")).parent.mkdir(parents=True, exist_ok=True)
    Path(found.at(f"{SYSTEM}/default.target")).symlink_to("/usr/lib/systemd/system/multi-user.target")
    return found


def install(host: RootedHost, name: str, command: str, enabled: bool = False) -> None:
    host.write(f"{SYSTEM}/{name}", f"[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n")
    if enabled:
        link = Path(host.at(f"{SYSTEM}/multi-user.target.wants/{name}"))
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(f"{SYSTEM}/{name}")


def prometheus(port: int) -> str:
    return f"/usr/bin/prometheus --web.listen-address=127.0.0.1:{port}"


def look(host: RootedHost, *declared: Declared) -> Report:
    return collect_report(host, Wanted((), (), 10.0, None, declared))


def planned(name: str, *ports: int, kind: str = "container", unknown: tuple[str, ...] = (), line: int = 5) -> Declared:
    listed = tuple(DeclaredPort("tcp", "127.0.0.1", one, f"published port {one}", line, "declared") for one in ports)
    return Declared(kind, name, "site.yml", line, listed, unknown, "unknown", True, engine="docker" if kind == "container" else None)


def kinds(report: Report, port: int) -> dict[str, set[str]]:
    return {one.kind: {party.owner.name for party in one.parties} for one in report.conflicts if one.port == port}


def spots(report: Report, name: str) -> list[str]:
    return [spot.why for spot in report.blind_spots if name in spot.what]


@pytest.mark.feature("B10")
def test_a_unit_that_does_not_run_and_boots_is_latent_beside_whoever_has_its_port(host: RootedHost, port: int) -> None:
    install(host, "web.service", prometheus(port), enabled=True)
    report = look(host)
    assert set(kinds(report, port)) == {"latent"}
    assert "web.service" in kinds(report, port)["latent"]
    (claim,) = (one for one in report.claims if one.owner.name == "web.service")
    assert (claim.state, claim.at_boot, claim.source.partition(": ")[0]) == ("latent", "yes", f"{SYSTEM}/web.service:2")


@pytest.mark.feature("B10")
def test_what_nothing_starts_is_at_peace(host: RootedHost, port: int) -> None:
    install(host, "web.service", prometheus(port))
    assert kinds(look(host), port) == {}


@pytest.mark.feature("B11")
def test_two_units_of_the_next_boot(host: RootedHost, free_port: int) -> None:
    install(host, "one.service", prometheus(free_port), enabled=True)
    install(host, "two.service", prometheus(free_port), enabled=True)
    assert kinds(look(host), free_port) == {"next_boot": {"one.service", "two.service"}}


@pytest.mark.feature("B10", "B11")
def test_unit_files_start_nothing_where_systemd_is_not_the_init(host: RootedHost, port: int) -> None:
    install(host, "web.service", prometheus(port), enabled=True)
    Path(host.at("/run/systemd/system")).rmdir()
    assert kinds(look(host), port) == {}


@pytest.mark.feature("B16")
def test_memory_tells_the_port_of_a_unit_whose_text_does_not(host: RootedHost, port: int) -> None:
    install(host, "odd.service", "/usr/bin/oddd", enabled=True)
    before = look(host)
    assert kinds(before, port) == {}
    assert spots(before, "odd.service")
    host.write(FILE, render_memory({"unit///odd.service": (Sighting("tcp", "127.0.0.1", port, time.time()),)}))
    after = look(host)
    assert "odd.service" in kinds(after, port)["latent"]
    assert spots(after, "odd.service") == []
    assert next(one for one in after.claims if one.owner.name == "odd.service").confidence == "observed_earlier"


@pytest.mark.feature("B15", "B16")
def test_a_memory_that_cannot_be_read_is_a_blind_spot(host: RootedHost) -> None:
    host.write(FILE, "{")
    assert any(FILE in spot.why for spot in look(host).blind_spots)


@pytest.mark.feature("B9", "B13")
def test_a_manifest_is_planned_against_what_listens_and_against_others(host: RootedHost, port: int, free_port: int) -> None:
    report = look(host, planned("one", port), planned("two", free_port, line=7), planned("three", free_port, line=9))
    assert "one" in kinds(report, port)["planned"]
    assert kinds(report, free_port) == {"planned": {"two", "three"}}
    text = next(one.explanation for one in report.conflicts if one.port == free_port)
    assert "site.yml:7" in text
    assert "site.yml:9" in text


@pytest.mark.feature("B9", "B15")
def test_what_a_manifest_does_not_tell_is_a_blind_spot_until_it_is_named(host: RootedHost) -> None:
    assert spots(look(host, planned("one", unknown=("its network is {{ net }}",))), "container one") == ["its network is {{ net }}"]


@pytest.mark.feature("B9", "B13")
def test_a_unit_that_a_play_starts_and_does_not_bring_is_known_to_the_host(host: RootedHost, port: int) -> None:
    bare = planned("web.service", kind="unit", unknown=(UNIT_IS_NOT_HERE,))
    unknown = look(host, bare)
    assert spots(unknown, "web.service") == [UNIT_IS_NOT_HERE]
    assert kinds(unknown, port) == {}
    install(host, "web.service", prometheus(port))
    known = look(host, bare)
    assert spots(known, "web.service") == []
    assert "web.service" in kinds(known, port)["planned"]
    assert "site.yml:5" in next(one.explanation for one in known.conflicts if one.port == port)
