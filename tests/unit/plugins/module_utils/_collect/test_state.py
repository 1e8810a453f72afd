# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of this machine: what is seen, and what is said where a look fails."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.listener_states import collect_listener_states, render_owner
from ansible_collections.guarded.deploy.plugins.module_utils._collect.state import collect_host_state
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied
from ansible_collections.guarded.deploy.plugins.module_utils._host import CommandResult
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Owner
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.diff import diff_states
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.diag import render_bound_request
from builders.engineless import EnginelessHost
from builders.machine import Spec, open_socket

pytestmark = pytest.mark.feature("A12")


def test_a_listener_is_seen_with_its_owner_and_a_client_of_udp_is_not() -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as tcp, open_socket(Spec("udp", "127.0.0.1")) as client:
        listeners, _unseen = collect_listener_states(EnginelessHost(), 10.0)
        ports = {(one.proto, one.port): one for one in listeners if one.address == "127.0.0.1"}
        found = ports["tcp", tcp.getsockname()[1]]
        assert found.owner.split(" ")[0] in ("process", "unit", "container")
        assert ("udp", client.getsockname()[1]) not in ports


def test_a_port_that_is_only_bound_is_no_listener() -> None:
    with open_socket(Spec("tcp", "127.0.0.1"), listen=False) as bound:
        listeners, _unseen = collect_listener_states(EnginelessHost(), 10.0)
        assert bound.getsockname()[1] not in {one.port for one in listeners}


def test_a_kernel_that_does_not_list_bound_sockets_hides_no_listener() -> None:
    class Older(EnginelessHost):
        def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
            if request == render_bound_request():
                raise Denied("netlink protocol 4: Operation not permitted")
            return super().netlink(protocol, request, timeout)

    _listeners, unseen = collect_listener_states(Older(), 10.0)
    assert [what for what, _why in unseen if what.startswith("ports")] == []


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (Owner("unit", "a.service"), "unit a.service"),
        (Owner("socket", "a.socket"), "unit a.socket"),
        (Owner("unit", "a.service", user="deploy"), "unit a.service (deploy)"),
        (Owner("container", "shop", "docker", "1" * 64, pid=5), "container shop"),
        (Owner("process", "nc", pid=7), "process nc"),
        (Owner("kernel", "kernel"), "kernel"),
    ],
)
def test_owners_have_names_that_stay(owner: Owner, text: str) -> None:
    assert render_owner(owner) == text


def test_the_whole_state_twice_is_the_same() -> None:
    before, now = (collect_host_state(EnginelessHost(), 20.0, mark=False) for _number in range(2))
    assert before.packages
    assert before.boot == now.boot
    changes = [change for change in diff_states(before, now).changes if change.section != "ports"]
    assert changes == []


def test_a_look_that_fails_is_said_and_the_others_go_on() -> None:
    class Broken(EnginelessHost):
        def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
            if argv[0] == "dpkg-query":
                return CommandResult(2, "", "dpkg-query: error: the status database is locked")
            return super().run(argv, timeout, environment)

        def make_folder(self, path: str, mode: int) -> None:
            raise CouldNotLook(f"{path} is not to be made")

        def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
            raise CouldNotLook("no sockets today")

        def read_text(self, path: str) -> str:
            if path.startswith(("/proc/net", "/run/guarded-deploy")):
                raise CouldNotLook(f"{path} is not to be read")
            return super().read_text(path)

    state = collect_host_state(Broken(), 20.0)
    unseen = dict(state.unseen)
    assert "status database is locked" in unseen["packages"]
    assert "ports" in unseen
    assert "the mark of this boot" in unseen
    assert (state.packages, state.listeners, state.boot) == ({}, (), "")
    whole = collect_host_state(EnginelessHost(), 20.0, mark=False)
    assert {change.section for change in diff_states(whole, state).changes}.isdisjoint({"packages", "ports"})


def test_engines_that_could_not_be_asked_are_unseen_and_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise CouldNotLook("the engines hang")

    monkeypatch.setattr("ansible_collections.guarded.deploy.plugins.module_utils._collect.state.collect_engines", fail)
    state = collect_host_state(EnginelessHost(), 20.0, mark=False)
    assert dict(state.engines.unseen) == {"docker": "the engines hang", "podman": "the engines hang"}
