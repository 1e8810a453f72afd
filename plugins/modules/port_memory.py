#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_memory
short_description: Remember on the host which ports its services were seen to listen on
version_added: 0.1.0
description:
  - Most services do not tell their ports in their unit. What a unit or container is seen to listen on now is written down
    here, so that M(guarded.deploy.port_conflict_info) knows the ports of one that has been stopped.
  - A service that listens now replaces what was known of it.
  - The file is C(/var/lib/guarded-deploy/observed.json), readable by root alone. One that is damaged is begun anew.
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
    description: Linux; needs root.
options:
  claims:
    description: The list RV(guarded.deploy.port_conflict_info#module:claims) of the host.
    type: list
    elements: dict
    required: true
  keep_days:
    description: Days after which a service that was not seen any more is forgotten.
    type: int
    default: 90
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Look
  guarded.deploy.port_conflict_info:
    max_claims: 10000
  register: ports

- name: Remember
  guarded.deploy.port_memory:
    claims: "{{ ports.claims }}"
"""

RETURN = r"""
remembered:
  description: The number of services whose ports are known.
  returned: success
  type: int
  sample: 14
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.memory import plan_memory, write_memory
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._ports.memory import FILE, count_owners, parse_claims, parse_keep_days

ARGUMENT_SPEC: dict[str, t.Any] = {
    "claims": {"type": "list", "elements": "dict", "required": True},
    "keep_days": {"type": "int", "default": 90},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    host = AnsibleHost(module)
    try:
        change = plan_memory(host, parse_claims(module.params["claims"]), parse_keep_days(module.params["keep_days"]))
        if change.is_needed and not module.check_mode:
            write_memory(host, change)
    except GuardError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=change.is_needed,
        remembered=count_owners(change.after),
        diff={"before": change.before, "after": change.after, "before_header": FILE, "after_header": FILE},
    )


if __name__ == "__main__":
    main()
