#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_guard
short_description: Roll a host back by itself unless the deployment is confirmed in time
version_added: 0.1.0
description:
  - A dead-man switch that lives on the host. It is armed before the change, with a snapshot of M(guarded.deploy.host_snapshot).
    When the deployment is not confirmed in time, the host goes back to the snapshot, whether or not anybody is
    connected, the controller still runs, or the change has cut the network.
  - A host that is booted inside the window goes back at boot, in two stages. Files, links and systemd's view of them go back before
    what they describe is started; unit states and containers go back after the engines have been started.
  - What fires needs neither Ansible nor this collection on the host. A program made of the same code as
    M(guarded.deploy.host_snapshot) is laid there when the guard is armed, and removed when the deployment has ended.
  - It is also the lock of the host. A second deployment is refused with the name of the holder. A lock ends only with a recorded
    outcome; that of a holder whose window is over is taken over by running its rollback first.
  - A confirmation after the guard has fired fails and says C(rolled_back); what was changed since is taken back, too.
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
    description: Linux that was booted with systemd 247 or newer, and Python 3.9 or newer. Needs root.
options:
  state:
    description:
      - V(armed) begins a deployment. From then on the host goes back unless it is confirmed. In the same run, for the same
        snapshot, once is enough.
      - V(extended) lets the window be O(within) seconds from now.
      - V(confirmed) ends the deployment; the host stays as it is. It is asked for over a new connection, so that it proves that
        the host can be reached.
      - V(triggered) rolls the host back now, and waits for it. After a failed rollback it is run again.
    type: str
    choices: [armed, extended, confirmed, triggered]
    default: armed
  snapshot:
    description:
      - The name of the snapshot that the host goes back to. Needed for O(state=armed).
      - Else it names the deployment that is meant. A run of Ansible knows its own; to act on that of another run, its
        snapshot must be named.
    type: str
  within:
    description: Seconds until the guard fires, from 5 to 86400.
    type: float
    default: 300
  on_reboot:
    description:
      - What a boot inside the window means. With V(rollback) the deployment is taken back at boot.
      - With V(continue) the window goes on, for deployments that reboot the host themselves.
    type: str
    choices: [rollback, continue]
    default: rollback
  holder:
    description: Whose deployment it is, as others are told. By default the user and the controller, and the name of the play.
    type: str
  reason:
    description: What it is for, as others are told.
    type: str
    default: ''
  takeover:
    description:
      - End the deployment of a holder who is still at work by rolling it back, and take the lock then.
      - Also runs a rollback that has failed once more.
    type: bool
    default: false
  accept_loss:
    description:
      - With O(state=confirmed), accept the host as it is although its rollback has failed.
      - With O(state=armed), take a snapshot that is older than the end of the last deployment. To go back to it undoes that one, too.
    type: bool
    default: false
  timeout:
    description: Seconds that one command of a rollback may take that is run by this task.
    type: float
    default: 120
  program:
    description: The program to lay on the host, in base64. Set by the action of this module; leave it out.
    type: str
  controller_run:
    description: Tells this run of Ansible from every other. Set by the action of this module; leave it out.
    type: str
notes:
  - The guard lies in C(/var/lib/guarded-deploy/guard), for root only. A host that nobody can reach any more is helped from a shell with
    C(sh /var/lib/guarded-deploy/guard/*/start status), C(trigger) or C(confirm).
  - The outcome is written to the journal (C(journalctl -t guarded-deploy)) and kept in C(/var/lib/guarded-deploy/guard/history).
  - The guard's own units are C(guarded-deploy-guard.timer), C(guarded-deploy-guard.service), C(guarded-deploy-early.service),
    C(guarded-deploy-late.service), and a second timer C(guarded-deploy-backstop.timer) that exists only while the host runs.
seealso:
  - module: guarded.deploy.host_snapshot
  - module: guarded.deploy.deployment_guard_info
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Take a snapshot
  guarded.deploy.host_snapshot:
  register: before

- name: Arm the guard
  guarded.deploy.deployment_guard:
    snapshot: "{{ before.name }}"
    within: 300
    reason: release 1.4

- name: Change things
  block:
    - name: Deploy
      ansible.builtin.include_role:
        name: web

    - name: Keep the change, over a new connection
      guarded.deploy.deployment_guard:
        state: confirmed
  rescue:
    - name: Do not wait for the timer
      guarded.deploy.deployment_guard:
        state: triggered

- name: End a deployment whose controller is gone
  guarded.deploy.deployment_guard:
    state: triggered
    snapshot: 20260301T120000Z-a1b2c3
"""

RETURN = r"""
state:
  description: How the guard stands, or would in check mode; V(idle) where none was ever armed.
  returned: always
  type: str
  sample: armed
guard:
  description: The guard of the host, or V(null) where none was ever armed.
  returned: always
  type: dict
  contains:
    id:
      description: Its own id.
      type: str
    holder:
      description: Whose deployment it is.
      type: str
    reason:
      description: What it is for.
      type: str
    snapshot:
      description: The snapshot that the host goes back to.
      type: str
    armed_at:
      description: Since when, in UTC.
      type: str
    ends_at:
      description: Until when, in UTC.
      type: str
    remaining:
      description: Seconds until it fires; 0 where it is not armed.
      type: float
    on_reboot:
      description: What a boot means.
      type: str
    cause:
      description: Why it fired, or who confirmed it.
      type: str
    ended_at:
      description: When the deployment ended, in UTC; empty while it has not.
      type: str
    attempts:
      description: How often a rollback was begun.
      type: int
    result:
      description: What the rollback did and left, as lists of lines.
      type: dict
rollback:
  description: What a rollback that this task has run did, or would do in check mode.
  returned: when this task has run one
  type: dict
new_connection:
  description: Whether a new connection was made for the confirmation.
  returned: when O(state=confirmed)
  type: bool
notes:
  description: What else is worth knowing.
  returned: always
  type: list
  elements: str
"""

import base64
import binascii
import hashlib
import secrets
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.guard import Answer, ArmRequest, act, arm, check_host
from ..module_utils._errors import BadInput, GuardError
from ..module_utils._guard.model import Event
from ..module_utils._guard.options import guard_as_dict, parse_within
from ..module_utils._host import AnsibleHost
from ..module_utils._ports.options import parse_timeout

EVENTS = {"extended": "extend", "confirmed": "confirm", "triggered": "trigger"}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["armed", "extended", "confirmed", "triggered"], "default": "armed"},
    "snapshot": {"type": "str"},
    "within": {"type": "float", "default": 300},
    "on_reboot": {"type": "str", "choices": ["rollback", "continue"], "default": "rollback"},
    "holder": {"type": "str"},
    "reason": {"type": "str", "default": ""},
    "takeover": {"type": "bool", "default": False},
    "accept_loss": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120},
    "program": {"type": "str", "no_log": True},
    "controller_run": {"type": "str"},
}


def read_program(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error as error:
        raise BadInput(f"program is no base64: {error}; leave it to the action of this module") from error


def request_of(module: AnsibleModule) -> ArmRequest:
    params, program = module.params, read_program(module.params["program"])
    if not program:
        raise BadInput("there is no program to arm: the action plugin of this module sends it, so call it as a task of a play")
    return ArmRequest(
        id=secrets.token_hex(6),
        run=params["controller_run"] or "",
        holder=params["holder"] or "somebody who did not say",
        reason=params["reason"],
        snapshot=params["snapshot"],
        within=parse_within(params["within"]),
        on_reboot=params["on_reboot"],
        takeover=params["takeover"],
        program=program,
        digest=hashlib.sha256(program).hexdigest(),
        interpreter=sys.executable,
        accept_loss=params["accept_loss"],
        check=module.check_mode,
        timeout=parse_timeout(params["timeout"]),
    )


def event_of(params: t.Mapping[str, t.Any]) -> Event:
    return Event(
        EVENTS[params["state"]],
        run=params["controller_run"] or "",
        snapshot=params["snapshot"] or "",
        who=params["holder"] or "somebody who did not say",
        within=parse_within(params["within"]),
        force=params["accept_loss"],
    )


def run(module: AnsibleModule) -> Answer:
    host = AnsibleHost(module)
    if module.params["state"] == "armed":
        return arm(host, request_of(module))
    check_host(host)
    return act(host, event_of(module.params), module.check_mode, parse_timeout(module.params["timeout"]))


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[("state", "armed", ["snapshot"])],
    )
    try:
        answer = run(module)
    except GuardError as error:
        module.fail_json(msg=str(error))
    result: dict[str, t.Any] = {
        "changed": answer.changed,
        "state": answer.record.state if answer.record else "idle",
        "guard": guard_as_dict(answer.record, answer.left) if answer.record else None,
        "notes": list(answer.notes),
    }
    if answer.rollback is not None:
        result["rollback"] = {"changed": answer.rollback.changed, "verified": answer.rollback.verified, **answer.rollback.as_lines()}
    if answer.failed:
        module.fail_json(msg=answer.text, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
