# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes how long each named task took on the controller, and how big its result is, to the file of ``BENCH_TASK_TIMES``."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
short_description: Writes the time of each task as a line of JSON
description: Seconds from the start of a task on a host to its result, as the controller sees them.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core has no types
    """One line for each task that ends on a host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[tuple[str, str], float] = {}
        self._path = os.environ.get("BENCH_TASK_TIMES")

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._began[host.get_name(), task._uuid] = time.perf_counter()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write(result, "unreachable")

    def _write(self, result: t.Any, outcome: str) -> None:
        seconds = time.perf_counter() - self._began[result._host.get_name(), result._task._uuid]
        if self._path is None:
            return
        line = {
            "task": result._task.name,
            "outcome": outcome,
            "seconds": seconds,
            "bytes": len(json.dumps(result._result, cls=AnsibleJSONEncoder)),
            "stdout": str(result._result.get("stdout", "")),
            "message": str(result._result.get("msg", ""))[:500],
        }
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
