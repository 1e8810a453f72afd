#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: periodic_job_info
short_description: Find periodic jobs that run in a sleep loop, and timers that do not do what they look like
version_added: 0.1.0
description:
  - Follows C(ExecStart=) of every service to what really runs, through wrappers (C(env), C(nice), C(flock), C(timeout) ...),
    shells, interpreters, modules and entry points, and reads that text. Nothing of it is run.
  - Tells periodic jobs in a sleep loop, programs that end and that C(Restart=) starts again after a while, and broken pairs
    of timer and service, with file, line, loop, interval and work.
  - A daemon that sleeps for another reason is left in peace; where both could be meant, it says that it cannot tell.
  - Never changes anything.
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
    support: full
    description: >-
      Linux with systemd 247 or newer. Texts are judged where systemd is not running, too. Unprivileged, RV(blind_spots) says
      what could not be seen.
options:
  units:
    description:
      - Names of services or timers to look at, in full, as V(report.service). A timer stands for its service, too.
      - All units by default.
    type: list
    elements: str
    default: []
  users:
    description: Also look at the units of users, in their homes and in the folders of all users' managers.
    type: bool
    default: true
  files:
    description:
      - Files that are not on the host yet and are to be judged as if they were, units and scripts.
      - One that is there already is taken in the given version.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file will be.
        type: str
        required: true
      content:
        description: Its text.
        type: str
        required: true
  verdicts:
    description: What is listed in RV(jobs). RV(findings) has all that is bad, whatever is said here.
    type: list
    elements: str
    choices: [sound_pair, oneshot, daemon, cannot_tell]
    default: [cannot_tell]
  evidence:
    description:
      - Ask the running host about what was found (restarts, kills for memory, memory, pressure, how long runs took).
      - Costs two commands.
    type: bool
    default: true
  sample:
    description: Seconds between two looks at the memory in use; with V(0) its growth is not measured.
    type: float
    default: 0
  timeout:
    description: Seconds that one command may take.
    type: float
    default: 10
notes:
  - Scripts of more than 1 MiB are not read, and are told in RV(blind_spots).
  - Perl, Ruby, JavaScript and PHP are read by patterns; what is found there has RV(findings[].confidence=inferred).
seealso:
  - module: guarded.deploy.oneshot_timer
  - module: guarded.deploy.oneshot_timer_conversion
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Look for periodic jobs in loops
  guarded.deploy.periodic_job_info:
  register: __jobs

- name: Refuse to go on with one
  ansible.builtin.assert:
    that: __jobs.verdict == 'clean'
    fail_msg: "{{ __jobs.findings | map(attribute='explanation') | join('\n') }}"

- name: Judge a service before it is deployed
  guarded.deploy.periodic_job_info:
    units: [report.service]
    files:
      - path: /etc/systemd/system/report.service
        content: "{{ lookup('ansible.builtin.file', 'report.service') }}"
      - path: /opt/report/report.py
        content: "{{ lookup('ansible.builtin.file', 'report.py') }}"

- name: See whether it leaks
  guarded.deploy.periodic_job_info:
    units: [report.service]
    sample: 60
"""

RETURN = r"""
findings:
  description: What is bad, one entry for a service or a pair.
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: The service.
      type: str
      sample: report.service
    user:
      description: Whose manager it belongs to, V(null) for the system's, V(*) for what a package brings for every user.
      type: str
    verdict:
      description: V(sleep_loop), V(poor_mans_timer) or V(broken_pair).
      type: str
      sample: sleep_loop
    confidence:
      description: V(sure), or V(inferred) where a part of it is set elsewhere or was read by patterns.
      type: str
      sample: sure
    why:
      description: The reason, in half a sentence.
      type: str
      sample: it does its work, waits, and does it again
    file:
      description: The file that the loop, or the setting to mend, stands in.
      type: str
      sample: /opt/report/report.py
    line:
      description: The line there.
      type: int
      sample: 41
    loop:
      description: The head of the loop as written.
      type: str
      sample: "while True:"
    interval:
      description: Seconds between two rounds, V(null) where that is not known.
      type: float
      sample: 360.0
    interval_source:
      description: Where the interval stands.
      type: str
      sample: time.sleep(360)
    work:
      description: What a round does.
      type: list
      elements: str
      sample: [vacuum, report]
    language:
      description: V(python), V(shell), V(perl), V(ruby), V(node), V(php), V(binary) or V(unknown).
      type: str
      sample: python
    program:
      description: The file that holds the loop, empty where it stands in the unit.
      type: str
      sample: /opt/report/report.py
    argv:
      description: The program's arguments.
      type: list
      elements: str
    through:
      description: The way from C(ExecStart=) to the program.
      type: list
      elements: str
      sample: ["/usr/bin/nice -n 19 /opt/report/report.py", "/opt/report/report.py"]
    loop_lines:
      description: First and last line of the loop in RV(findings[].program).
      type: list
      elements: int
      sample: [41, 44]
    body:
      description: First and last line of its body.
      type: list
      elements: int
      sample: [42, 44]
    wait:
      description: First and last line of the statement that waits, V(null) where there is none of its own.
      type: list
      elements: int
      sample: [44, 44]
    waits_first:
      description: Whether it waits before it works.
      type: bool
    shape:
      description: How it repeats (V(while), V(for), V(recursion), V(schedule), V(library), V(timer), V(watch), V(re-exec), V(restart)).
      type: str
      sample: while
    state:
      description: Names of what it carries from round to round.
      type: list
      elements: str
      sample: [last]
    timer:
      description: The timer of a pair, empty where there is none.
      type: str
    fragment:
      description: The service's own file.
      type: str
      sample: /etc/systemd/system/report.service
    problems:
      description: >-
        What is wrong with a pair, each with C(id), C(severity) (V(broken), V(risky), V(harmless) or V(advice)), C(text),
        C(file), C(line) and C(remedy).
      type: list
      elements: dict
    evidence:
      description: >-
        What the running host has seen, V(null) where nobody asked: C(restarts), C(oom_kills), C(memory_bytes), C(memory_max),
        C(growth) in bytes an hour, C(pressure) in per cent by kind, C(runs) in seconds, and C(unseen).
      type: dict
    explanation:
      description: What it means, in sentences.
      type: str
    remedy:
      description: What to do about it.
      type: list
      elements: str
jobs:
  description: Whatever else has one of O(verdicts), with the same parts.
  returned: success
  type: list
  elements: dict
counts:
  description: How many there are of each verdict.
  returned: success
  type: dict
  sample: {"sleep_loop": 1, "poor_mans_timer": 0, "broken_pair": 0, "sound_pair": 9, "oneshot": 31, "daemon": 40, "cannot_tell": 12}
blind_spots:
  description: What could not be seen, each with C(what), C(why) and C(remedy).
  returned: success
  type: list
  elements: dict
verdict:
  description: V(bad) where something is, else V(clean).
  returned: success
  type: str
  sample: clean
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._collect.jobs import Wanted, collect_jobs
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._jobs.report import report_jobs
from ..module_utils._ports.options import parse_timeout

ARGUMENT_SPEC: dict[str, t.Any] = {
    "units": {"type": "list", "elements": "str", "default": []},
    "users": {"type": "bool", "default": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "str", "required": True}, "content": {"type": "str", "required": True}},
    },
    "verdicts": {
        "type": "list",
        "elements": "str",
        "choices": ["sound_pair", "oneshot", "daemon", "cannot_tell"],
        "default": ["cannot_tell"],
    },
    "evidence": {"type": "bool", "default": True},
    "sample": {"type": "float", "default": 0},
    "timeout": {"type": "float", "default": 10},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        wanted = Wanted(
            units=tuple(params["units"]),
            users=params["users"],
            evidence=params["evidence"],
            timeout=parse_timeout(params["timeout"]),
            sample=params["sample"],
            planned=tuple((one["path"], one["content"]) for one in params["files"]),
        )
        jobs = collect_jobs(AnsibleHost(module), wanted)
    except GuardError as error:
        module.fail_json(msg=str(error))
    spots = [{"what": one.what, "why": one.why, "remedy": one.remedy} for one in jobs.blind_spots]
    module.exit_json(changed=False, blind_spots=spots, **report_jobs(jobs.findings, params["verdicts"]))


if __name__ == "__main__":
    main()
