# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container docker-proxy and conmon work for."""

from __future__ import annotations

import shlex

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._containers.processes import (
    find_conmon_container,
    find_proxied,
    parse_docker_proxy,
)
from builders.ports import container, publish

ID = "f2fa052df25c19549d70b138092c17cfeaa11b5b8c81bba7531dfcf2207357f9"
PROXY = "/usr/sbin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 9090 -container-ip 172.17.0.2 -container-port 80"


@pytest.mark.feature("B2")
def test_a_docker_proxy_is_read() -> None:
    found = parse_docker_proxy(shlex.split(PROXY))
    assert found is not None
    assert found.container_address == "172.17.0.2"
    assert tuple(found.published) == ("tcp", "0.0.0.0", 9090, 80)
    assert parse_docker_proxy(shlex.split(PROXY + " -use-listen-fd")) == found


@pytest.mark.parametrize(
    "line",
    ["", "nginx", PROXY.replace("docker-proxy", "proxy"), PROXY.replace("-host-port 9090", ""), PROXY.replace("9090", "x"), PROXY[:-3]],
)
def test_what_is_no_docker_proxy(line: str) -> None:
    assert parse_docker_proxy(shlex.split(line)) is None


@pytest.mark.feature("B2")
def test_networks_with_one_address_are_told_apart_by_the_port() -> None:
    proxy = parse_docker_proxy(shlex.split(PROXY))
    assert proxy is not None
    web = container(name="web", container_id="a" * 64, addresses=("172.17.0.2",), bound=(publish(9090, container_port=80),))
    other = container(name="other", container_id="b" * 64, addresses=("172.17.0.2",), bound=(publish(9091, container_port=80),))
    assert find_proxied(proxy, [other, web]) == web
    assert find_proxied(proxy, [other]) == other
    assert find_proxied(proxy, [container(name="far", container_id="c" * 64, addresses=("172.17.0.3",))]) is None
    assert find_proxied(proxy, []) is None


@pytest.mark.feature("B3")
@pytest.mark.parametrize(
    "line",
    [
        f"/usr/bin/conmon --api-version 1 -c {ID} -u {ID} -r /usr/bin/crun -b /var/lib/containers/storage",
        f"conmon --cid {ID} --cuuid {'a' * 64}",
        f"conmon --cid={ID}",
    ],
)
def test_a_conmon_is_read(line: str) -> None:
    assert find_conmon_container(line.split()) == ID


@pytest.mark.parametrize("line", ["", f"runc -c {ID}", "conmon", "conmon -c", "conmon -c short"])
def test_what_is_no_conmon(line: str) -> None:
    assert find_conmon_container(line.split()) is None
