# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every Molecule scenario, from create to destroy, as a test. Its output lies in .cache/results/scenarios/<scenario>.log."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import typing as t

import pytest

from features.results import tree_hash
from scenarios.outcomes import CHECKOUT, LOGS, Outcome, find_scenarios, record

if t.TYPE_CHECKING:
    from pathlib import Path

# The slowest takes a minute. A scenario that hangs must not take the rest of CI's time with it.
SCENARIO_SECONDS = float(os.environ.get("SCENARIO_SECONDS", "600"))
TAIL_LINES = 60


def run_molecule(action: str, scenario: str, log: Path, seconds: float) -> int | None:
    """Run one molecule command; None is: not in time, and killed with all that it had started."""
    environment = {
        **os.environ,
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        # Scenarios run beside each other, and so may whole runs.
        "MOLECULE_EPHEMERAL_DIRECTORY": str(LOGS / "work" / os.environ.get("TESTBED_RUN", "dev") / scenario),
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        "COLUMNS": "160",
    }
    with log.open("ab") as output:
        molecule = subprocess.Popen(
            ["molecule", action, "-s", scenario],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return molecule.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if molecule.poll() is None:
                os.killpg(molecule.pid, signal.SIGKILL)
                molecule.wait()


@pytest.mark.parametrize("scenario", find_scenarios())
def test_scenario(scenario: str) -> None:
    log = LOGS / f"{scenario}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    tree, started, passed = tree_hash(CHECKOUT), time.monotonic(), False
    try:
        code = run_molecule("test", scenario, log, SCENARIO_SECONDS)
        passed = code == 0
        if code is None:
            run_molecule("destroy", scenario, log, 60)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
        assert code is not None, f"not done after {SCENARIO_SECONDS:g} s; the end of {log}:\n{tail}"
        assert code == 0, f"the end of {log}:\n{tail}"
    finally:
        seconds = time.monotonic() - started
        same_tree = tree if tree == tree_hash(CHECKOUT) else ""
        record(scenario, Outcome("passed" if passed else "failed", round(seconds, 1), same_tree))
