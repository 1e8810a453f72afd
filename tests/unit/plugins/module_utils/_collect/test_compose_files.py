# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose projects that are down are named, with real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.compose_files import collect_down_projects
from builders.ports import container
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("B15")


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    return RootedHost(tmp_path)


def down(host: RootedHost, *projects: str) -> list[str]:
    return [spot.what for spot in collect_down_projects(host, [container(compose_project=name) for name in projects])]


@pytest.mark.parametrize(
    "place", ["/opt/shop/compose.yaml", "/srv/shop/docker-compose.yml", "/opt/stacks/shop/compose.yml", "/home/joe/shop/compose.yaml"]
)
def test_a_project_without_containers_is_named(host, place):
    host.write(place, "services: {}\n")
    assert down(host) == [f"the ports of the Compose project shop of {place}, which is down"]
    assert down(host, "other") == down(host)


def test_a_project_that_is_up_is_not(host):
    host.write("/opt/My.Shop/compose.yaml", "services: {}\n")
    assert down(host, "myshop") == []


def test_a_project_may_have_a_name_of_its_own(host):
    host.write("/opt/a/compose.yaml", "name: 'shop'  # ours\nservices: {}\n")
    assert down(host, "shop") == []


def test_what_lies_deeper_or_is_hidden_or_is_called_otherwise_is_not_looked_for(host):
    for path in ("/opt/a/b/c/compose.yaml", "/root/.cache/compose.yaml", "/opt/a/compose.prod.yaml"):
        host.write(path, "services: {}\n")
    assert down(host) == []


def test_a_folder_that_may_not_be_read_stops_nothing(host):
    host.write("/opt/shop/compose.yaml", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))
    (host.root / "opt/closed").mkdir(mode=0)
    assert len(down(host)) == 1
