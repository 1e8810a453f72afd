# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory that Ansible gets for the hosts of a scenario."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


class RunningHost(t.NamedTuple):
    """A running test host. ``name`` is what the scenario calls it, ``container`` and ``container_id`` what the engine does."""

    name: str
    suite: str
    container: str
    container_id: str
    ssh_port: int


def render_inventory(hosts: t.Sequence[RunningHost], key: Path, sockets: Path) -> str:
    """Ansible's inventory in JSON: ssh as root, one connection kept open a host, a group for each suite.

    :param key: the private ssh key
    :param sockets: the folder for the sockets of kept connections. Its path is short, for a socket's may have 108 bytes.
    """
    suites: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    variables: dict[str, dict[str, object]] = {}
    for host in hosts:
        suites.setdefault(f"suite_{host.suite}", {"hosts": {}})["hosts"][host.name] = {}
        variables[host.name] = {
            "ansible_host": "127.0.0.1",
            "ansible_port": host.ssh_port,
            # A port is used again by a later host: the socket of a kept connection must not be.
            "ansible_control_path": f"{sockets}/{host.container_id[:12]}-%%r",
            "testbed_container": host.container,
            "testbed_suite": host.suite,
        }
    everywhere = {
        "ansible_connection": "ssh",
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes",
        "ansible_ssh_args": "-C -o ControlMaster=auto -o ControlPersist=60s",
        "ansible_pipelining": True,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    return json.dumps({"testbed": {"hosts": variables, "vars": everywhere, "children": suites}}, indent=2) + "\n"
