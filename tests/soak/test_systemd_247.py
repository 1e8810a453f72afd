# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios on the oldest systemd that is supported (247, Debian 11), whose image takes longer to make than all else:

python -m testbed run -- pytest -q tests/soak
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SCENARIO_SECONDS = 900


def run(*command: str, scenario: str) -> str:
    environment = {
        **os.environ,
        "MOLECULE_SCENARIO_NAME": scenario,
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        "NO_COLOR": "1",
    }
    answer = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SCENARIO_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-6000:]
    return answer.stdout


@pytest.mark.feature("C6")
@pytest.mark.parametrize("scenario", ["oneshot_timer"])
def test_a_scenario_passes_on_systemd_247(scenario: str) -> None:
    name = f"{scenario}_247"
    testbed = (sys.executable, "-m", "testbed")
    run(*testbed, "create", name, "bullseye", scenario=name)
    try:
        inventory = run(*testbed, "inventory", name, scenario=name).strip().splitlines()[-1]
        version = run("ansible", "all", "-i", inventory, "-m", "command", "-a", "systemctl --version", scenario=name)
        assert "systemd 247" in version
        for playbook in ("converge", "verify"):
            run("ansible-playbook", "-i", inventory, f"molecule/{scenario}/{playbook}.yml", scenario=name)
    finally:
        run(*testbed, "destroy", name, scenario=name)
