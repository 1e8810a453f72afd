# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host: times a module as Ansible has sent it. ``time_payload.py ROUNDS PAYLOAD`` prints JSON.

What is timed is all that the module costs there: the interpreter's start, unpacking, imports, the look, the answer.
Standard library of Python 3.9 only.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time


def main(rounds: int, payload: str) -> dict[str, object]:
    """Wall and processor seconds of each round, its children included, and the size of the answer in bytes."""
    wall, cpu, size = [], [], 0
    for number in range(rounds + 1):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        done = subprocess.run([sys.executable, payload], capture_output=True, check=False)
        seconds = time.perf_counter() - began
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{payload} failed: {done.stdout[-2000:]!r} {done.stderr[-2000:]!r}")
        if number:  # the first one warms the caches
            wall.append(seconds)
            cpu.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
        size = len(done.stdout)
    return {"wall": wall, "cpu": cpu, "bytes": size}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), sys.argv[2]), sys.stdout)
