#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_snapshot_info
short_description: List snapshots of a host, show one, and tell what has changed since
version_added: 0.1.0
description:
  - Lists the snapshots that M(guarded.deploy.host_snapshot) has taken on the host.
  - Shows what one of them holds, and what a restore of it would not bring back.
  - Compares one with the host as it is now, or with another one, by meaning - which units, timers, sockets, containers,
    networks, volumes, image tags, ports, packages and files are not as they were. What changes by itself (process ids,
    restarts, times, container ids, ports that the kernel chose) is no difference.
  - Values of environment variables are never shown, nor is any secret that can be known as one. See O(content).
  - Says what it could not see. Nothing of it is told to be gone, or to be unchanged.
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: full
    details:
      - With O(compare_to) the difference is shown by C(--diff), too.
  platform:
    platforms: posix
    support: full
    description: Linux. Needs root, since snapshots hold what only root may read.
options:
  name:
    description:
      - The name of the snapshot to show or to compare.
      - Without it and with O(compare_to), the newest one that is whole.
    type: str
    aliases: [id]
  compare_to:
    description: What to compare it with. V(now) is the host as it is; anything else is the name of another snapshot, which
      stands for the later side.
    type: str
  sections:
    description: What to show or to compare.
    type: list
    elements: str
    choices: [files, units, timers, sockets, containers, networks, volumes, images, ports, packages]
    default: [files, units, timers, sockets, containers, networks, volumes, images, ports, packages]
  content:
    description:
      - Also show the texts of files that differ, in the result's RV(diff).
      - Withheld are the texts of files that not everybody on the host may read, of files whose name or place says that they
        hold secrets (C(*.env), keys, C(/etc/default), and others), of binary files, and of files of more than 64 KiB;
        RV(difference.withheld) names each and says why.
      - Of the rest, values of environment variables and of settings that sound secret are replaced by a word. A secret may
        still hide where nothing tells that it is one, so look before you publish the output.
    type: bool
    default: false
  verify:
    description: Read all of the snapshots that are shown or compared, and compare them with their digests. A damaged one fails.
    type: bool
    default: false
  timeout:
    description: Seconds that one look at the host (at units, at one engine, at packages) may take.
    type: float
    default: 30
seealso:
  - module: guarded.deploy.host_snapshot
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: List the snapshots of the host
  guarded.deploy.host_snapshot_info:
  register: known

- name: See what has changed since the newest one (with --diff to read it)
  guarded.deploy.host_snapshot_info:
    compare_to: now

- name: Fail where a deployment has touched more than its own unit
  guarded.deploy.host_snapshot_info:
    name: before-release-42
    compare_to: now
    sections: [units, timers, sockets, containers]
  register: since
  failed_when: since.difference.changes | rejectattr('name', 'equalto', 'shop.service') | length > 0

- name: See what two deployments have changed, texts of files included
  guarded.deploy.host_snapshot_info:
    name: before-release-41
    compare_to: before-release-42
    content: true

- name: See what is in a snapshot, and what a restore of it would not bring back
  guarded.deploy.host_snapshot_info:
    name: before-release-42
    verify: true
"""

RETURN = r"""
snapshots:
  description: All snapshots of the host, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: 20261120T140501Z-3f9a1c
    at:
      description: When it was taken, in UTC; empty where that cannot be read.
      type: str
      sample: "2026-11-20T14:05:01Z"
    comment:
      description: What was written to it.
      type: str
    paths:
      description: The paths that it records.
      type: list
      elements: str
    size_bytes:
      description: The size of its files. What it shares with other snapshots is counted in full.
      type: int
    good:
      description: Whether its files are all there in their sizes. O(verify) looks at more than that.
      type: bool
    problem:
      description: Why it cannot be used, empty where it can.
      type: str
    needed_by_guard:
      description: Whether an armed M(guarded.deploy.deployment_guard) would go back to it.
      type: bool
snapshot:
  description: What is in the snapshot.
  returned: with O(name) and without O(compare_to)
  type: dict
  contains:
    paths:
      description: The recorded paths, each with the number of its entries and of those that were left out.
      type: list
      elements: dict
    excluded:
      description: The patterns of what was left out.
      type: list
      elements: str
    hooks:
      description: How many hooks it has of each kind.
      type: dict
    changed_while_read:
      description: Files that changed each time they were read.
      type: list
      elements: str
    unseen:
      description: What could not be seen when it was taken, and why.
      type: list
      elements: dict
    not_restorable:
      description: What a restore of it will not bring back, with C(kind), C(name) and C(why).
      type: list
      elements: dict
    state:
      description: How the host stood, by section and name, in one line each. Files are not among it.
      type: dict
difference:
  description: What differs.
  returned: with O(compare_to)
  type: dict
  contains:
    name:
      description: The earlier side.
      type: str
    compare_to:
      description: The later side.
      type: str
    changes:
      description:
        - Each difference, with C(section), C(name), C(before) and C(after).
        - Either of the last two is empty where it is not there on that side.
      type: list
      elements: dict
      sample:
        - section: units
          name: shop.service
          before: active, enabled
          after: inactive, masked
    unseen:
      description: What could not be compared, and why. It is neither the same nor different.
      type: list
      elements: dict
    withheld:
      description: With O(content), the files that differ and whose texts are not shown, and why.
      type: list
      elements: dict
before:
  description: The earlier side of the difference as lines of text.
  returned: with O(compare_to)
  type: list
  elements: str
after:
  description: The later side of the difference as lines of text.
  returned: with O(compare_to)
  type: list
  elements: str
diff:
  description: The difference as C(--diff) shows it, followed by the texts of files with O(content).
  returned: with O(compare_to)
  type: list
  elements: dict
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

from ..module_utils._apply.snapshot_info import Question, answer
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._ports.options import parse_timeout
from ..module_utils._snapshot.diff import SECTIONS

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "aliases": ["id"]},
    "compare_to": {"type": "str"},
    "sections": {"type": "list", "elements": "str", "choices": list(SECTIONS), "default": list(SECTIONS)},
    "content": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 30},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        question = Question(
            params["name"],
            params["compare_to"],
            tuple(params["sections"]),
            params["content"],
            params["verify"],
            parse_timeout(params["timeout"]),
        )
        found = answer(AnsibleHost(module), question)
    except GuardError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
