# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays on the benchmark's host: tasks in, what the callback wrote about each of them out."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


class TaskTime(t.NamedTuple):
    """One task that ended: seconds on the controller's clock, size of the result in bytes."""

    task: str
    outcome: str  # ok, failed or unreachable
    seconds: float
    bytes: int
    message: str
    stdout: str


class Player:
    """Runs tasks on the hosts of one inventory. ``scratch`` is a folder for what the runs write."""

    def __init__(self, inventory: Path, scratch: Path, collections: t.Sequence[Path], callbacks: Path) -> None:
        self._inventory = inventory
        self._scratch = scratch
        self._environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": ":".join(map(str, collections)),
            "ANSIBLE_CALLBACK_PLUGINS": str(callbacks),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_RETRY_FILES_ENABLED": "false",
            "ANSIBLE_NOCOLOR": "true",
        }

    def play(self, tasks: t.Sequence[dict[str, t.Any]], **environment: str) -> list[TaskTime]:
        """Run the tasks as one play, without gathering facts.

        :raises RuntimeError: a task failed that may not; with what ansible-playbook printed
        """
        playbook, times = self._scratch / "playbook.json", self._scratch / "times.jsonl"
        # JSON is YAML.
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]), encoding="utf-8")
        times.unlink(missing_ok=True)
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self._inventory), str(playbook)],
            env={**self._environment, "BENCH_TASK_TIMES": str(times), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{done.stdout}\n{done.stderr}")
        return [TaskTime(**json.loads(line)) for line in times.read_text(encoding="utf-8").splitlines()]

    def command(self, *argv: str) -> str:
        """What a command prints there."""
        (answer,) = self.play([{"name": "command", "ansible.builtin.command": {"argv": list(argv)}}])
        return answer.stdout
