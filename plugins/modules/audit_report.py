#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Print what port_conflict_info found, for a person to read
version_added: 0.1.0
description:
  - Prints the claims on a host's ports as a table, then every conflict with its explanation and remedy, then what could not be seen.
  - Runs on the controller and touches no host.
extends_documentation_fragment:
  - guarded.deploy.attributes
  - guarded.deploy.attributes.info_module
attributes:
  platform:
    platforms: all
    support: full
    description: Runs on the controller.
options:
  report:
    description: The registered result of M(guarded.deploy.port_conflict_info). One that failed is printed as such.
    type: dict
    required: true
  fail_on:
    description:
      - Kinds of conflict that RV(reasons) shall name, V(shared), V(blocked), V(crash_loop), V(latent) or V(planned).
      - V(unsure) names a host whose verdict is that.
    type: list
    elements: str
    default: []
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Look
  guarded.deploy.port_conflict_info:
  register: ports

- name: Print
  guarded.deploy.audit_report:
    report: "{{ ports }}"
"""

RETURN = r"""
looked:
  description: Whether O(report) is the result of a look that succeeded.
  returned: success
  type: bool
reasons:
  description: What of O(fail_on) the report shows; a look that failed is always a reason.
  returned: success
  type: list
  elements: str
  sample: ["crash_loop on tcp port 9090"]
"""
