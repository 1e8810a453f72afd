# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who restarts over and over, and which port it wants."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._ports.in_use import InUse
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import WantedPort
from ansible_collections.guarded.deploy.plugins.module_utils._ports.suspect import (
    container_loop_state,
    container_ports,
    unit_loop_state,
    unit_ports,
)
from ansible_collections.guarded.deploy.plugins.module_utils._units.model import ListenAddress
from builders.ports import container, publish, unit

pytestmark = pytest.mark.feature("B12")
SAID = InUse(True, (WantedPort("tcp", "*", 9090, "its log", "observed"),))
SILENT = InUse(False, ())


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"active": "activating", "sub": "auto-restart"}, "restarting"),
        ({"active": "activating", "sub": "auto-restart-queued"}, "restarting"),
        ({"active": "failed", "sub": "failed"}, "failed"),
        ({"active": "failed", "sub": "failed", "load": "masked"}, None),
        # Between two crashes it looks healthy.
        ({"restarts": 7, "started": 995.0}, "restarting"),
        # A quadlet cleans up after each crash.
        ({"active": "deactivating", "sub": "stop-post", "restarts": 7, "started": 995.0}, "restarting"),
        # It was restarted once upon a time, and has been well since.
        ({"restarts": 7, "started": 100.0}, None),
        ({"started": 995.0}, None),
        ({"active": "inactive", "sub": "dead", "restarts": 3, "started": 995.0}, None),
    ],
)
def test_a_unit(known, state):
    assert unit_loop_state(unit(**known), uptime=1000.0) == state


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"status": "restarting"}, "restarting"),
        ({"status": "created", "started": 0.0}, "created"),
        ({"status": "configured", "started": 0.0}, "created"),
        ({"restarts": 6, "started": 999.0}, "restarting"),
        ({"restarts": 6, "started": 100.0}, None),
        ({"status": "exited"}, None),
        ({"status": "exited", "error": "driver failed programming external connectivity"}, "failed"),
    ],
)
def test_a_container(known, state):
    assert container_loop_state(container(**known), now=1000.0) == state


class TestThePortsOfAContainer:
    def test_on_the_hosts_network_come_from_its_log_first(self):
        host = container(network_mode="host", argv=("prometheus", "--web.listen-address=:9999"), exposed=(("tcp", 9091),))
        assert [port.port for port in container_ports(host, SAID)] == [9090]

    def test_then_from_its_arguments(self):
        host = container(network_mode="host", argv=("prometheus", "--web.listen-address=:9999"), exposed=(("tcp", 9091),))
        assert [(port.port, port.confidence) for port in container_ports(host, SILENT)] == [(9999, "inferred")]

    def test_then_from_its_image(self):
        host = container(network_mode="host", exposed=(("tcp", 9091),))
        assert [(port.port, port.confidence) for port in container_ports(host, SILENT)] == [(9091, "inferred")]

    def test_on_a_bridge_are_those_that_it_publishes_whatever_it_exposes(self):
        bridged = container(published=(publish(8080),), exposed=(("tcp", 80),))
        assert [(port.port, port.confidence) for port in container_ports(bridged, SILENT)] == [(8080, "declared")]

    def test_on_a_bridge_leave_out_what_its_log_says_of_its_own_network(self):
        bridged = container(published=(publish(8080),))
        assert [port.port for port in container_ports(bridged, SAID)] == [8080]


class TestThePortsOfAUnit:
    def test_a_socket_units_are_declared(self):
        socket = unit("web.socket", listen=(ListenAddress("tcp", "::", 80),))
        assert [(port.port, port.confidence) for port in unit_ports(socket, SILENT)] == [(80, "declared")]

    def test_a_services_come_from_its_log_then_from_its_arguments(self):
        service = unit(argv=("/usr/bin/prometheus", "--web.listen-address=:9999"))
        assert [port.port for port in unit_ports(service, SAID)] == [9090]
        assert [port.port for port in unit_ports(service, SILENT)] == [9999]

    def test_are_unknown_where_nothing_tells(self):
        assert unit_ports(unit(argv=("/usr/sbin/mysteryd", "-p", "80")), SILENT) == ()
