# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that reads manifests, in a real run of ansible-playbook: variables of the inventory, a vault, the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

_RUN = "- community.docker.docker_container: {{name: '{name}', image: web, published_ports: ['{port}:80']}}\n"
FILES = {
    "site.yml": "- hosts: all\n  vars: {play_port: 14002}\n  roles: [web]\n",
    "roles/web/defaults/main.yml": "web_port: 1001\n",
    "roles/web/tasks/main.yml": (
        _RUN.format(name="one", port="{{ web_port }}")
        + _RUN.format(name="two", port="{{ other_port | default(14001) }}")
        + _RUN.format(name="three", port="{{ play_port }}")
        + _RUN.format(name="four", port="{{ given_port }}")
        + _RUN.format(name="five", port="{{ vaulted_port }}")
        + _RUN.format(name="x{{ password }}", port="14003")
    ),
    "gate.yml": (
        "- hosts: all\n  gather_facts: false\n  vars: {web_port: 14004, other_port: 14005}\n  tasks:\n"
        "    - guarded.deploy.port_conflict_info: {manifests: [site.yml], on_unsure: ignore}\n      register: found\n"
        "    - ansible.builtin.copy: {content: '{{ found | to_json }}', dest: '{{ playbook_dir }}/found.json', mode: '0600'}\n"
    ),
    "vault-password": "open\n",
}


def run(folder: Path, *command: str) -> str:
    place = os.path.dirname(sys.executable)
    done = subprocess.run([f"{place}/{command[0]}", *command[1:]], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.feature("B9", "B13")
def test_manifests_are_filled_from_the_inventory_of_the_run(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    folder = tmp_path / "inventory" / "group_vars"
    folder.mkdir(parents=True)
    (tmp_path / "inventory" / "hosts").write_text(
        f"[web]\nh1 ansible_connection=local ansible_python_interpreter={sys.executable}\n", encoding="utf-8"
    )
    vaulted = run(tmp_path, "ansible-vault", "encrypt_string", "--vault-password-file", "vault-password", "14003", "--name", "vaulted_port")
    # Each pair has one port: what is told wrongly makes no conflict.
    (folder / "web.yml").write_text(f"web_port: 14001\npassword: hunter2\n{vaulted}\n", encoding="utf-8")
    more = ("-e", "given_port=14002")
    printed = run(tmp_path, "ansible-playbook", "-i", "inventory", "--vault-password-file", "vault-password", "gate.yml", "--check", *more)
    assert "hunter2" not in printed
    run(tmp_path, "ansible-playbook", "-i", "inventory", "--vault-password-file", "vault-password", "gate.yml", *more)
    text = (tmp_path / "found.json").read_text(encoding="utf-8")
    found = json.loads(text)
    planned = {one["port"]: {party["owner"]["name"] for party in one["parties"]} for one in found["conflicts"] if one["kind"] == "planned"}
    assert planned == {14001: {"one", "two"}, 14002: {"three", "four"}}
    spots = [spot["what"] for spot in found["blind_spots"] if "roles/web" in spot["what"]]
    assert spots == ["the ports of container five of roles/web/tasks/main.yml:5"]
    assert "hunter2" not in text
