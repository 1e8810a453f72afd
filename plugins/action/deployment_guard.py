# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import socket
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase

from ansible_collections.guarded.deploy.plugins.plugin_utils._zipapp import build_program


class ActionModule(ActionBase):  # type: ignore[misc]
    """Sends the guard's program along, says whose deployment it is, and lets a confirmation take a new connection."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        state = arguments.get("state", "armed")
        arguments["controller_run"] = _run_of_the_controller()
        arguments["holder"] = arguments.get("holder") or self._holder(task_vars or {})
        if state == "armed":
            arguments["program"] = base64.b64encode(build_program().content).decode()
        # A connection that was kept open proves nothing: firewalls let go on what has begun.
        is_new = state == "confirmed" and not self._task.check_mode and self._reset()
        result: dict[str, t.Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        if state == "confirmed":
            result["new_connection"] = is_new
        return result

    def _reset(self) -> bool:
        """Whether the next command goes over a connection that is made now."""
        if type(self._connection).reset is ConnectionBase.reset:
            return False
        self._connection.reset()
        return True

    def _holder(self, variables: dict[str, t.Any]) -> str:
        # As Ansible has it, not of the whole play's text: names of plays may be long, and hold anything.
        play = str(variables.get("ansible_play_name", "") or "a play without a name")
        return f"{_user()}@{socket.gethostname()}: {play[:100]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _run_of_the_controller() -> str:
    """Tells this run of ansible-playbook from every other: the main process makes a temporary folder of its own at its
    start, and every worker has inherited its name."""
    return hashlib.sha256(f"{socket.gethostname()}:{constants.DEFAULT_LOCAL_TMP}".encode()).hexdigest()[:32]
