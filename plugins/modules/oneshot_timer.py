#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oneshot_timer
short_description: Write a periodic job as one thing, a oneshot service and its timer
version_added: 0.1.0
description:
  - Writes C(NAME.service) (C(Type=oneshot)) and C(NAME.timer), and lets the timer run. Each run is a process of its own; what
    it leaks ends with it, what it may take is capped, and a run that fails is seen.
  - Refuses what cannot work, also where systemd lets it through. systemd reads copies of both files on the host
    (C(systemd-analyze calendar), C(timespan), C(verify)) before anything is replaced.
  - Both files are written, or none. What fails after that is undone.
  - The service never has C(Restart=always), C(RemainAfterExit=) or an C([Install]) section, and always has a timeout.
  - For a unit and its timer whose files somebody else writes, M(ansible.builtin.systemd_service) starts and enables them.
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
    details:
      - What a run needs and an earlier task may yet bring (its program, user, folder) is told in RV(notes), and is no error.
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
    description: Linux with systemd 247 or later. O(scope=system) needs root.
options:
  name:
    description:
      - The name of both units, without C(.service) and C(.timer), and without C(@).
      - A unit of this name that this module has not made is never replaced.
    type: str
    required: true
  state:
    description: With V(absent) both units are stopped and removed, with the script and the memory of the last run.
    type: str
    choices: [present, absent]
    default: present
  enabled:
    description: Whether the timer runs, now and after each boot.
    type: bool
    default: true
  scope:
    description:
      - Whose manager runs the pair. With V(user) it is that of the login that the task runs as. It must be up, as
        C(loginctl enable-linger) sees to.
    type: str
    choices: [system, user]
    default: system
  command:
    description:
      - The program to run, an absolute path, and its arguments, each an entry of its own. No shell reads them, and no variable
        or specifier in them is replaced.
      - One of O(command) and O(script) is needed.
    type: list
    elements: str
  script:
    description:
      - The text of a script to run, with its first line (C(#!/bin/sh)). It is written to C(/usr/local/lib/guarded-deploy/NAME)
        (of a user, C(~/.local/share/guarded-deploy/NAME)).
    type: str
  description:
    description: What the job does, in a few words.
    type: str
  on_calendar:
    description:
      - When it runs, as in C(*-*-* 03:30), C(Mon..Fri 09:00) or C(hourly) (C(systemd.time(7))); any of several.
      - O(on_calendar), or O(on_boot_sec) together with O(on_unit_active_sec) or O(on_unit_inactive_sec), is needed.
    type: list
    elements: str
  on_boot_sec:
    description:
      - How long after boot the first run is. Where that has passed already, it is at once.
    type: str
  on_unit_active_sec:
    description: How long after the start of a run the next one is.
    type: str
  on_unit_inactive_sec:
    description: How long after the end of a run the next one is, as a loop with a sleep has it.
    type: str
  randomized_delay_sec:
    description: Each run comes later by a time of chance, up to this. For fleets whose hosts must not all run at once.
    type: str
  accuracy_sec:
    description:
      - Within what time systemd may put the run together with others. systemd's own is a minute; for an interval below ten
        minutes it is a second here, below twenty seconds 50 ms.
    type: str
  persistent:
    description: Make up, at the next boot, for a run of O(on_calendar) that was missed while the host was off.
    type: bool
    default: false
  user:
    description: Who runs it. Of O(scope=system), root by default.
    type: str
  environment:
    description: Environment variables by name. They stand in the unit file, which everybody may read, so no secrets.
    type: dict
    default: {}
  working_directory:
    description: The folder that it runs in, an absolute path or V(~).
    type: str
  timeout_start_sec:
    description: How long a run may take before it is ended. Without an end is refused, for a run that hangs holds up all later ones.
    type: str
    default: 1h
  memory_max:
    description:
      - How much memory a run may have, as in V(256M) or V(10%). It is ended where it wants more.
      - Needed. V(none) is for those who give a O(memory_max_reason).
    type: str
  memory_max_reason:
    description: Why there is no cap. It is written into the unit file.
    type: str
  cpu_quota:
    description: How much of one processor it may have, as in V(50%).
    type: str
  io_weight:
    description: Its share of reads and writes next to others, from V(1) to V(10000), who have V(100).
    type: int
  nice:
    description: How readily it gives way to others, from V(-20) to V(19).
    type: int
  on_failure:
    description: Units that are started when a run fails, as in V(alert@%n.service). They must be there.
    type: list
    elements: str
    default: []
  sandbox:
    description:
      - What a run is kept from. See C(systemd.exec(5)) for each setting.
      - V(standard) is C(NoNewPrivileges), C(PrivateTmp), C(ProtectSystem=full) (no writing to C(/usr), C(/boot) and C(/etc)),
        C(ProtectControlGroups), C(ProtectKernelModules), C(ProtectKernelTunables), C(LockPersonality), C(RestrictRealtime)
        and C(RestrictSUIDSGID). Of O(scope=user) it is C(NoNewPrivileges) and the last three.
      - V(strict) adds C(ProtectSystem=strict) (no writing anywhere but where O(read_write_paths) say), C(ProtectHome),
        C(PrivateDevices), C(ProtectClock), C(ProtectHostname), C(ProtectKernelLogs), C(RestrictNamespaces),
        C(RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6), C(MemoryDenyWriteExecute), an empty C(CapabilityBoundingSet),
        C(SystemCallArchitectures=native), C(SystemCallFilter=@system-service) and C(UMask=0077). Only of O(scope=system).
      - V(none) is for jobs that change the system itself, as C(sudo), package managers and backups of everything do.
    type: str
    choices: [none, standard, strict]
    default: standard
  read_write_paths:
    description: Folders that may be written to with O(sandbox=strict). They must exist when it runs.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one command of this module may take.
    type: float
    default: 60
seealso:
  - module: guarded.deploy.periodic_job_info
  - module: guarded.deploy.oneshot_timer_conversion
  - module: ansible.builtin.systemd_service
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Maintain the database every six minutes
  guarded.deploy.oneshot_timer:
    name: db-maintenance
    command: [/opt/maintenance/venv/bin/python, /opt/maintenance/run.py, --once]
    on_boot_sec: 2min
    on_unit_active_sec: 6min
    timeout_start_sec: 5min
    memory_max: 512M
    user: maintenance
    on_failure: [alert@%n.service]

- name: Send the report on weekdays, and make up for a day when the host was off
  guarded.deploy.oneshot_timer:
    name: weekday-report
    script: |
      #!/bin/sh
      exec /usr/local/bin/report --mail team@example.com
    on_calendar: ["Mon..Fri 07:30"]
    persistent: true
    randomized_delay_sec: 10min
    memory_max: 256M
    sandbox: strict
    read_write_paths: [/var/lib/report]

- name: Take the pair away
  guarded.deploy.oneshot_timer:
    name: weekday-report
    state: absent
"""

RETURN = r"""
service:
  description: The name of the service.
  returned: success
  type: str
  sample: db-maintenance.service
timer:
  description: The name of the timer.
  returned: success
  type: str
  sample: db-maintenance.timer
steps:
  description: What was done, or would be in check mode, in its order.
  returned: success
  type: list
  elements: str
  sample: ["write /etc/systemd/system/db-maintenance.service", "systemctl daemon-reload"]
next_runs:
  description:
    - The next five runs in UTC, without what O(randomized_delay_sec) and O(accuracy_sec) add. None where the timer does not run.
    - With O(on_unit_inactive_sec) each is the earliest moment, as if a run took no time.
  returned: success
  type: list
  elements: str
  sample: ["2026-11-21T03:30:00Z"]
notes:
  description: What else is worth knowing.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.oneshot_timer import Wish, make_pair, remove_pair
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._jobs.pair_options import read_pair
from ..module_utils._ports.options import parse_timeout

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "enabled": {"type": "bool", "default": True},
    "scope": {"type": "str", "choices": ["system", "user"], "default": "system"},
    "command": {"type": "list", "elements": "str"},
    "script": {"type": "str"},
    "description": {"type": "str"},
    "on_calendar": {"type": "list", "elements": "str"},
    "on_boot_sec": {"type": "str"},
    "on_unit_active_sec": {"type": "str"},
    "on_unit_inactive_sec": {"type": "str"},
    "randomized_delay_sec": {"type": "str"},
    "accuracy_sec": {"type": "str"},
    "persistent": {"type": "bool", "default": False},
    "user": {"type": "str"},
    "environment": {"type": "dict", "default": {}},
    "working_directory": {"type": "str"},
    "timeout_start_sec": {"type": "str", "default": "1h"},
    "memory_max": {"type": "str"},
    "memory_max_reason": {"type": "str"},
    "cpu_quota": {"type": "str"},
    "io_weight": {"type": "int"},
    "nice": {"type": "int"},
    "on_failure": {"type": "list", "elements": "str", "default": []},
    "sandbox": {"type": "str", "choices": ["none", "standard", "strict"], "default": "standard"},
    "read_write_paths": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 60},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        host = AnsibleHost(module)
        wish = Wish(params["enabled"], module.check_mode, parse_timeout(params["timeout"]))
        if params["state"] == "present":
            outcome = make_pair(host, read_pair(params), wish)
        else:
            outcome = remove_pair(host, params["name"], params["scope"], wish)
    except GuardError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=outcome.changed,
        service=f"{params['name']}.service",
        timer=f"{params['name']}.timer",
        steps=list(outcome.steps),
        next_runs=list(outcome.next_runs),
        notes=list(outcome.notes),
        diff=[
            {"before_header": path, "after_header": path, "before": before or "", "after": after or ""}
            for path, before, after in outcome.texts
        ],
    )


if __name__ == "__main__":
    main()
