# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import KINDS
from ansible_collections.guarded.deploy.plugins.plugin_utils._audit_table import render_audit, render_failed_look

FAIL_ON = (*KINDS, "unsure")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Prints what ``port_conflict_info`` found on a host. Runs on the controller and touches no host."""

    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            argument_spec={
                "report": {"type": "dict", "required": True},
                "fail_on": {"type": "list", "elements": "str", "default": []},
            }
        )
        report, fail_on = arguments["report"], arguments["fail_on"]
        unknown = sorted(set(fail_on).difference(FAIL_ON))
        if unknown:
            raise AnsibleActionFail(f"fail_on: unknown kind {unknown[0]!r}; there are {', '.join(FAIL_ON)}")
        name = (task_vars or {}).get("inventory_hostname", "host")
        width = min(shutil.get_terminal_size((110, 24)).columns, 130)
        looked = "verdict" in report
        if looked:
            lines = render_audit(name, report, width)
        else:
            lines = render_failed_look(name, report.get("msg") or "the look gave no result", width)
        display = Display()
        for line, colour in lines:
            display.display(line, color=colour)
        reasons = _reasons_to_fail(report, fail_on) if looked else ["could not look"]
        result.update(changed=False, looked=looked, reasons=reasons)
        return result


def _reasons_to_fail(report: t.Mapping[str, t.Any], fail_on: t.Sequence[str]) -> list[str]:
    """What of ``fail_on`` the report shows, each with its port."""
    reasons = [
        f"{conflict['kind']} on {conflict['proto']} port {conflict['port']}" if conflict["port"] else f"{conflict['kind']}, port unknown"
        for conflict in report["conflicts"]
        if conflict["kind"] in fail_on and not conflict["accepted"]
    ]
    if "unsure" in fail_on and report["verdict"] == "unsure":
        reasons.append("unsure")
    return reasons
