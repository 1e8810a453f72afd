#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_guard_info
short_description: Say who deploys to a host, and how earlier deployments ended
version_added: 0.1.0
description:
  - Reads the guard of M(guarded.deploy.deployment_guard) and the outcomes of earlier ones. Changes nothing.
extends_documentation_fragment:
  - guarded.deploy.attributes
  - guarded.deploy.attributes.info_module
attributes:
  platform:
    platforms: posix
    support: full
    description: Linux. Needs root.
options:
  history:
    description: How many ended deployments to list at most, the last first.
    type: int
    default: 10
seealso:
  - module: guarded.deploy.deployment_guard
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: See who deploys
  guarded.deploy.deployment_guard_info:
  register: found

- name: Say it
  ansible.builtin.debug:
    var: found.text
"""

RETURN = r"""
state:
  description: How the guard stands; V(idle) where none was ever armed.
  returned: success
  type: str
  sample: armed
text:
  description: The same in a sentence.
  returned: success
  type: str
guard:
  description: As RV(guarded.deploy.deployment_guard#module:guard).
  returned: success
  type: dict
history:
  description: The same of deployments that have ended, the last first.
  returned: success
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.guard_record import read_history, read_status
from ..module_utils._errors import GuardError
from ..module_utils._guard.options import guard_as_dict
from ..module_utils._guard.words import describe_now
from ..module_utils._host import AnsibleHost

ARGUMENT_SPEC: dict[str, t.Any] = {"history": {"type": "int", "default": 10}}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    host = AnsibleHost(module)
    try:
        status = read_status(host)
        ended = read_history(host)
    except GuardError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        state=status.record.state if status.record else "idle",
        text=describe_now(status.record, status.left),
        guard=guard_as_dict(status.record, status.left) if status.record else None,
        history=[guard_as_dict(record, 0.0) for record in ended[: max(module.params["history"], 0)]],
    )


if __name__ == "__main__":
    main()
