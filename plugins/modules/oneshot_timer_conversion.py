#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oneshot_timer_conversion
short_description: Turn a service that works in a loop into a oneshot service and its timer
version_added: 0.1.0
description:
  - Takes a service whose program works, sleeps and works again (or ends, and is started again by C(Restart=) after a while), and
    puts a pair in its place that does the same work at the same interval, as the same user, with the same environment,
    limits and sandbox; what drop-ins say is taken over.
  - The old unit is retired and masked as M(guarded.deploy.service_retirement) does it; its files and its script stay, so
    O(state=reverted) brings it back as it was.
  - A Python or shell script that loops gets a copy beside it that does one round (C(loop.py) becomes C(loop_once.py)). The
    change is shown as a unified diff and made only with O(apply_script_patch=true).
  - Refuses where it is not sure that the pair would do what the service did, and says why and where.
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
    details:
      - Gives the whole plan with the script's diff.
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
    description: Linux with systemd 247 or later, units of the system manager. Needs root.
options:
  unit:
    description: The service to convert, in full, as V(db-maintenance.service).
    type: str
    required: true
  state:
    description: With V(reverted) the pair and the one-pass script are removed, and the old unit is as it was.
    type: str
    choices: [converted, reverted]
    default: converted
  name:
    description: The name of the pair. C(db-maintenance-job) for V(db-maintenance.service) by default.
    type: str
  apply_script_patch:
    description: Make the change of the script that RV(script_patch) shows. Read it first.
    type: bool
    default: false
  command:
    description:
      - What does the work once, where the program can do that by itself, as in V([/opt/job/run, --once]). No script is changed
        then.
    type: list
    elements: str
  interval:
    description: How long the pause is, as in V(6min). As found in the program by default.
    type: str
  counts_from:
    description:
      - From where the interval counts. V(end) of a run is what a loop with a sleep does; V(start) makes the runs come at a steady
        pace.
    type: str
    choices: [end, start]
    default: end
  lost_state:
    description:
      - Names of variables that a round leaves to the next one in memory, and that it can do without. Others are a reason to
        refuse.
    type: list
    elements: str
    default: []
  timeout_start_sec:
    description: How long a run may take before it is ended.
    type: str
    default: 1h
  memory_max:
    description: How much memory a run may have, as in V(256M). Needed where the old unit has no cap; V(none) takes a O(memory_max_reason).
    type: str
  memory_max_reason:
    description: Why there is no cap. It is written into the unit file.
    type: str
  timeout:
    description: Seconds that one command of this module may take.
    type: float
    default: 120
notes:
  - A round that goes on while the unit is converted is ended with it.
seealso:
  - module: guarded.deploy.periodic_job_info
  - module: guarded.deploy.oneshot_timer
  - module: guarded.deploy.service_retirement
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: See what would be done, with the change of the script
  guarded.deploy.oneshot_timer_conversion:
    unit: db-maintenance.service
    memory_max: 512M
  check_mode: true
  register: plan

- name: Do it
  guarded.deploy.oneshot_timer_conversion:
    unit: db-maintenance.service
    memory_max: 512M
    apply_script_patch: true

- name: Take it back
  guarded.deploy.oneshot_timer_conversion:
    unit: db-maintenance.service
    state: reverted
"""

RETURN = r"""
service:
  description: The service of the pair.
  returned: success
  type: str
  sample: db-maintenance-job.service
timer:
  description: The timer of the pair.
  returned: success
  type: str
  sample: db-maintenance-job.timer
finding:
  description: What the unit was found to be, and where. None where it has been converted before, and with O(state=reverted).
  returned: success
  type: dict
  contains:
    verdict:
      description: V(sleep_loop) or V(poor_mans_timer).
      type: str
    file:
      description: The file that says so.
      type: str
    line:
      description: The line in it.
      type: int
    loop:
      description: The head of the loop, as written.
      type: str
    interval:
      description: Seconds between two rounds.
      type: float
    why:
      description: How that is known.
      type: str
script_patch:
  description: A unified diff from the script that loops to the one that does one round; empty where none is needed.
  returned: success, or where it waits for O(apply_script_patch)
  type: str
script:
  description: The path of the one-pass script; empty where there is none.
  returned: success
  type: str
  sample: /opt/maintenance/loop_once.py
needs_patch:
  description: In check mode, whether O(apply_script_patch) must be said.
  returned: success
  type: bool
steps:
  description: What was done, or would be in check mode, in its order.
  returned: success
  type: list
  elements: str
next_runs:
  description: The next five runs in UTC; see M(guarded.deploy.oneshot_timer).
  returned: success
  type: list
  elements: str
record:
  description: The file that says how the old unit stood before.
  returned: success
  type: str
notes:
  description: What is different from before in a way that cannot be avoided, and what else is worth knowing.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.conversion import ConversionRequest, PatchNeeded, convert, revert
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._jobs.convert import name_pair
from ..module_utils._jobs.pair_options import read_memory
from ..module_utils._ports.options import parse_timeout

ARGUMENT_SPEC: dict[str, t.Any] = {
    "unit": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["converted", "reverted"], "default": "converted"},
    "name": {"type": "str"},
    "apply_script_patch": {"type": "bool", "default": False},
    "command": {"type": "list", "elements": "str"},
    "interval": {"type": "str"},
    "counts_from": {"type": "str", "choices": ["end", "start"], "default": "end"},
    "lost_state": {"type": "list", "elements": "str", "default": []},
    "timeout_start_sec": {"type": "str", "default": "1h"},
    "memory_max": {"type": "str"},
    "memory_max_reason": {"type": "str"},
    "timeout": {"type": "float", "default": 120},
}
SHOWN = ("verdict", "file", "line", "loop", "interval", "why")


def read_request(params: t.Mapping[str, t.Any], check: bool) -> ConversionRequest:
    return ConversionRequest(
        unit=params["unit"],
        name=params["name"] or "",
        command=tuple(params["command"] or ()),
        interval=params["interval"] or "",
        from_start=params["counts_from"] == "start",
        apply_script_patch=params["apply_script_patch"],
        lost_state=tuple(params["lost_state"]),
        timeout_start_sec=params["timeout_start_sec"],
        memory_max=read_memory(params["memory_max"]),
        memory_max_reason=params["memory_max_reason"] or "",
        check=check,
        timeout=parse_timeout(params["timeout"]),
    )


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        request = read_request(module.params, module.check_mode)
        work = convert if module.params["state"] == "converted" else revert
        outcome = work(AnsibleHost(module), request)
    except PatchNeeded as error:
        module.fail_json(msg=str(error), script_patch=error.patch)
    except GuardError as error:
        module.fail_json(msg=str(error))
    name = request.name or name_pair(request.unit)
    diff = [{"before_header": path, "after_header": path, "before": old or "", "after": new or ""} for path, old, new in outcome.texts]
    module.exit_json(
        changed=outcome.changed,
        service=f"{name}.service",
        timer=f"{name}.timer",
        finding={field: getattr(outcome.finding, field) for field in SHOWN} if outcome.finding else None,
        script_patch=outcome.patch,
        script=outcome.script,
        needs_patch=outcome.needs_patch,
        steps=list(outcome.steps),
        next_runs=list(outcome.next_runs),
        record=outcome.record,
        notes=list(outcome.notes),
        diff=[*diff, *([{"prepared": outcome.patch}] if outcome.patch else [])],
    )


if __name__ == "__main__":
    main()
