# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploys, cuts the power of all hosts at a random moment, and compares what the boot leaves with how it was before.

usage: rounds.py INVENTORY ROUNDS. GUARD_SEED repeats the moments of an earlier run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

SCENARIO = os.environ["MOLECULE_SCENARIO_NAME"]
RECORD = "/var/lib/guarded-deploy/guard/record.json"
# How long a deployment is on its way when the power goes, and how long a rollback is, at most; seconds.
APPLYING, RESTORING = 5.0, 4.0


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a list, and no shell
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} exited {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def on(host: str, command: str) -> str:
    return run(sys.executable, "-m", "testbed", "ssh", SCENARIO, host, command)


def deploy(inventory: str, within: float, pause: float) -> None:
    playbook = str(Path(__file__).with_name("deploy.yml"))
    run("ansible-playbook", "-i", inventory, playbook, "-e", json.dumps({"within": within, "pause": pause}))


def cut_power() -> None:
    run(sys.executable, "-m", "testbed", "reboot", SCENARIO)


def cut_a_deployment_off(inventory: str, _hosts: list[str], moment: float) -> None:
    deploy(inventory, within=600, pause=0.3)
    time.sleep(moment * APPLYING)
    cut_power()


def cut_a_rollback_off(inventory: str, hosts: list[str], moment: float) -> None:
    deploy(inventory, within=5, pause=0)
    on(hosts[0], f"for turn in $(seq 600); do grep -q firing {RECORD} && exit 0; sleep 0.1; done; exit 1")
    time.sleep(moment * RESTORING)
    cut_power()


def main() -> None:
    inventory, rounds = sys.argv[1], int(sys.argv[2])
    hosts = list(json.loads(Path(inventory).read_text(encoding="utf-8"))["testbed"]["hosts"])
    seed = int(os.environ.get("GUARD_SEED") or random.SystemRandom().randrange(10**6))
    moments = random.Random(seed)  # noqa: S311 - no secret
    print(f"GUARD_SEED={seed}")
    for number in range(2 * rounds):
        cut_off = cut_a_rollback_off if number % 2 else cut_a_deployment_off
        moment = moments.random()
        cut_off(inventory, hosts, moment)
        for host in hosts:
            outcome = on(host, f"sh /root/guard/await_outcome.sh rolled_back && grep -E 'early_done|attempts' {RECORD}")
            print(f"{cut_off.__name__} at {moment:.2f}, {host}: {' '.join(outcome.split())}", flush=True)


if __name__ == "__main__":
    main()
