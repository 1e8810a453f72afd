# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planned ports are really bound where the kernel does not list sockets that do not listen."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.bound import try_planned
from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import parse_planned
from builders.machine import Spec, open_socket, this_machine

pytestmark = pytest.mark.feature("B8")


def tried(port: int, address: str = "*", proto: str = "tcp"):
    return try_planned(this_machine(), parse_planned([{"port": str(port), "address": address, "proto": proto}]), ())


def test_a_socket_that_is_bound_and_does_not_listen_is_found():
    with open_socket(Spec("tcp", "127.0.0.1"), listen=False) as holder:
        claims, blind_spots = tried(holder.getsockname()[1])
    assert [(claim.state, claim.owner.kind) for claim in claims] == [("bound", "process")]
    assert blind_spots == []


def test_a_free_port_is_free_and_is_given_back():
    with open_socket(Spec("tcp", "127.0.0.1")) as probe:
        port = probe.getsockname()[1]
    assert tried(port) == ([], [])
    open_socket(Spec("tcp", "0.0.0.0"), port).close()


def test_connections_in_time_wait_do_not_make_a_port_look_taken():
    with open_socket(Spec("tcp", "127.0.0.1", reuse="addr")) as server:  # as servers do
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _peer = server.accept()
        accepted.close()  # the side that closes first waits
        client.close()
    assert tried(port) == ([], [])


def test_an_address_that_the_host_does_not_have_is_held_by_nobody():
    assert tried(8080, "192.0.2.1") == ([], [])


def test_udp_needs_no_try():
    with open_socket(Spec("udp", "127.0.0.1")) as holder:
        assert tried(holder.getsockname()[1], proto="udp") == ([], [])
