#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_retirement
short_description: Take a service out of use for good, and bring it back as it was
version_added: 0.1.0
description:
  - Ends one side of a conflict so that no reboot, no restart of an engine, no socket and no timer brings it back.
  - Writes down on the host how it stood before it changes anything. O(state=reinstated) brings exactly that back.
  - Looks again after its steps, and fails where the service is not at rest, or not what it was.
  - Refuses where it is not clear what is meant, and for units that the host, its network or the way to it depends on
    (engines, sshd, dbus, networking, systemd's own).
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
    description: Linux with systemd. Needs root. Only units of the system manager and containers of root's engines.
options:
  state:
    description:
      - With V(retired) the service is stopped, and disabled or kept from being restarted.
      - With V(reinstated) it is as it was before it was retired by this module; nothing is done where nothing is recorded.
    type: str
    choices: [retired, reinstated]
    default: retired
  unit:
    description:
      - A service, socket, timer or path unit, in full, as V(nginx.service).
      - The sockets and timers that would start a service again go with it; with a socket goes the service that it starts.
      - A unit that cannot be disabled, as it is generated, or static and pulled in by others, is masked.
    type: str
  container:
    description:
      - The name or id of a container. It gets the restart policy V(no) and is stopped; it is not removed.
      - One that a unit runs is refused, since the unit would start it again; name the unit or the quadlet.
    type: str
  quadlet:
    description:
      - The name of a quadlet of root's, as V(web.container), or its path. Containers, pods and kube files are known.
      - The service that Podman's generator makes of it is stopped and masked. The file is left alone, as whatever deploys
        it would write it again; the mask outlives that, C(daemon-reload) and reboots.
    type: str
  compose_project:
    description:
      - The name of a Compose project. Each of its containers gets the restart policy V(no) and is stopped, the last started
        first.
      - The Compose file is left alone, so C(docker compose up) would start them again.
    type: str
  engine:
    description: Whose container or Compose project it is, where both engines have one of the name.
    type: str
    choices: [docker, podman]
  masked:
    description:
      - Also mask the units, so that nobody can start them by hand or as a dependency.
      - A unit file that lies in C(/etc/systemd/system), where the mask must be, is set aside there as C(NAME.retired).
    type: bool
    default: false
  timeout:
    description: Seconds that one command may take, be it to stop a service that has much to write.
    type: float
    default: 120
notes:
  - The records lie in C(/var/lib/guarded-deploy/retired), for root only.
seealso:
  - module: guarded.deploy.port_conflict_info
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Retire the unit that holds the port of the container
  guarded.deploy.service_retirement:
    unit: prometheus.service

- name: Keep everybody from starting it, too
  guarded.deploy.service_retirement:
    unit: prometheus.service
    masked: true

- name: Retire the containers of the old project
  guarded.deploy.service_retirement:
    compose_project: monitoring

- name: Bring it back as it was
  guarded.deploy.service_retirement:
    unit: prometheus.service
    state: reinstated
"""

RETURN = r"""
steps:
  description: The commands that were run, or would be in check mode, in their order.
  returned: success
  type: list
  elements: str
  sample: ["systemctl disable --now prometheus.service"]
before:
  description: How each unit or container stood, in one line.
  returned: success
  type: list
  elements: str
  sample: ["prometheus.service: active, enabled"]
after:
  description: How each stands now, or would in check mode.
  returned: success
  type: list
  elements: str
  sample: ["prometheus.service: inactive, disabled"]
record:
  description: The file that says how it stood before, or V(null) where nothing is recorded.
  returned: success
  type: str
  sample: /var/lib/guarded-deploy/retired/unit-prometheus.service.json
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

from ..module_utils._apply.retirement import Request, reinstate, retire
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._ports.options import parse_timeout

KINDS = ("unit", "container", "quadlet", "compose_project")

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["retired", "reinstated"], "default": "retired"},
    **{kind: {"type": "str"} for kind in KINDS},
    "engine": {"type": "str", "choices": ["docker", "podman"]},
    "masked": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[KINDS],
        required_one_of=[KINDS],
    )
    params = module.params
    kind = next(kind for kind in KINDS if params[kind] is not None)
    try:
        request = Request(kind, params[kind], params["engine"], params["masked"], parse_timeout(params["timeout"]), module.check_mode)
        work = retire if params["state"] == "retired" else reinstate
        outcome = work(AnsibleHost(module), request)
    except GuardError as error:
        module.fail_json(msg=str(error))
    diff = {part: "".join(f"{line}\n" for line in getattr(outcome, part)) for part in ("before", "after")}
    module.exit_json(
        changed=outcome.changed,
        steps=list(outcome.steps),
        before=list(outcome.before),
        after=list(outcome.after),
        record=outcome.record,
        notes=list(outcome.notes),
        diff=diff,
    )


if __name__ == "__main__":
    main()
