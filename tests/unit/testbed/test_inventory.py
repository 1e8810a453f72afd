# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from testbed.inventory import RunningHost, render_inventory

HOSTS = [
    RunningHost("bookworm", "bookworm", "testbed-0-dev-x-bookworm", "0123456789abcdef" * 4, 32768),
    RunningHost("node2", "trixie", "testbed-0-dev-x-node2", "fedcba9876543210" * 4, 32769),
]


@pytest.fixture
def seen(tmp_path: Path) -> dict[str, t.Any]:
    """What Ansible itself reads out of the inventory."""
    file = tmp_path / "hosts.json"
    file.write_text(render_inventory(HOSTS, Path("/key file"), Path("/run/sockets")), encoding="utf-8")
    listing = Path(sys.executable).with_name("ansible-inventory")
    answer = subprocess.run([str(listing), "-i", str(file), "--list"], check=True, capture_output=True, cwd=tmp_path)
    return t.cast("dict[str, t.Any]", json.loads(answer.stdout))


def test_ansible_reads_hosts_groups_and_connections(seen: dict[str, t.Any]) -> None:
    variables = seen["_meta"]["hostvars"]
    assert seen["suite_trixie"]["hosts"] == ["node2"]
    assert seen["suite_bookworm"]["hosts"] == ["bookworm"]
    assert {host: variables[host]["ansible_port"] for host in variables} == {"bookworm": 32768, "node2": 32769}
    assert variables["node2"]["ansible_connection"] == "ssh"
    assert variables["node2"]["ansible_pipelining"] is True
    assert variables["node2"]["ansible_ssh_private_key_file"] == "/key file"


def test_two_hosts_never_share_a_kept_connection(seen: dict[str, t.Any]) -> None:
    paths = [variables["ansible_control_path"] for variables in seen["_meta"]["hostvars"].values()]
    assert len(set(paths)) == 2
    # 108 bytes are a socket's; ssh adds 17 of its own while it connects.
    assert all(len(path) < 80 for path in paths)
