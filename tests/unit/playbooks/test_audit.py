# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks repeat of the code, compared with it."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import KINDS

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"


def test_the_audit_may_fail_on_every_kind() -> None:
    (play,) = yaml.safe_load((PLAYBOOKS / "audit.yml").read_text(encoding="utf-8"))
    spec = play["tasks"][0]["ansible.builtin.validate_argument_spec"]["argument_spec"]
    assert spec["audit_fail_on"]["choices"] == [*KINDS, "unsure"]
