# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Socket units that are active and listen to nothing any more."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.deaf_sockets import find_deaf_sockets
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines, HostState, ListenerState
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A8")

KEY = (None, "web.socket")
SOCKET = unit_state("web.socket")
HEARD = ListenerState("tcp", "127.0.0.1", 80, "unit web.socket")
FRAGMENT = "/etc/systemd/system/web.socket"


def host(*units, listeners=(), unseen=()):
    return HostState(0.0, "boot", units, Engines(), tuple(listeners), {}, tuple(unseen))


def test_a_socket_that_has_lost_its_port_is_deaf():
    assert find_deaf_sockets(host(SOCKET, listeners=[HEARD]), host(SOCKET), ()) == {KEY}


def test_one_whose_port_somebody_else_has_is_deaf():
    other = HEARD._replace(owner="container web")
    assert find_deaf_sockets(host(SOCKET, listeners=[HEARD]), host(SOCKET, listeners=[other]), ()) == {KEY}


def test_one_that_listens_as_it_did_is_not_whatever_else_it_listens_to():
    more = HEARD._replace(port=81)
    assert find_deaf_sockets(host(SOCKET, listeners=[HEARD]), host(SOCKET, listeners=[HEARD, more]), {FRAGMENT}) == frozenset()


def test_where_ports_could_not_be_looked_at_none_is_deaf():
    assert find_deaf_sockets(host(SOCKET, listeners=[HEARD]), host(SOCKET, unseen=[("ports: tcp", "why")]), ()) == frozenset()


def test_one_that_rests_is_none():
    rests = SOCKET._replace(active="inactive")
    assert find_deaf_sockets(host(SOCKET, listeners=[HEARD]), host(rests), ()) == frozenset()
    assert find_deaf_sockets(host(rests), host(SOCKET), {FRAGMENT}) == frozenset()


def test_a_users_socket_is_told_from_the_systems():
    units = (SOCKET, SOCKET._replace(user="deploy"))
    theirs = HEARD._replace(owner="unit web.socket (deploy)")
    assert find_deaf_sockets(host(*units, listeners=[HEARD, theirs]), host(*units, listeners=[HEARD]), ()) == {("deploy", "web.socket")}


def test_of_a_path_nothing_is_seen_so_that_what_the_manager_has_read_counts():
    assert find_deaf_sockets(host(SOCKET), host(SOCKET), {FRAGMENT}) == {KEY}
    assert find_deaf_sockets(host(SOCKET), host(SOCKET._replace(needs_daemon_reload=True)), {FRAGMENT}) == frozenset()
    assert find_deaf_sockets(host(SOCKET), host(SOCKET), {"/etc/systemd/system/other.socket"}) == frozenset()
