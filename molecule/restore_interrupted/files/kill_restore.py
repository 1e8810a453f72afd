# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until a restore of this host has begun, then a moment that the argument chooses, and kills it with -9.

Says where it was: whether it had begun to change anything, and how long it had run.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

BEGUN = Path("/var/lib/guarded-deploy/snapshots/states.restoring.json")


def find_restore():
    """The process that runs the module, and not what waits for it."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any("AnsiballZ_host_snapshot.py" in word for word in words) and not any("async_wrapper" in word for word in words):
            return int(folder.name)
    return None


def await_restore(end):
    while time.monotonic() < end:
        found = find_restore()
        if found:
            return found
        time.sleep(0.01)
    sys.exit("no restore has begun")


def main():
    choice = random.Random(sys.argv[1])  # noqa: S311 (no secret)
    restore, began = await_restore(time.monotonic() + 60), time.monotonic()
    if choice.random() < 0.8:
        # Most of it is looking; what can be cut in two begins later.
        while not BEGUN.exists() and Path(f"/proc/{restore}").exists():
            time.sleep(0.005)
    time.sleep(choice.uniform(0, 1.5))  # it looks again a second after its last step, and so lasts longer
    in_the_middle = BEGUN.exists()
    try:
        os.kill(restore, signal.SIGKILL)
    except ProcessLookupError:
        sys.exit(f"it had ended by itself within {time.monotonic() - began:.2f} s, and so was not interrupted")
    where = "in the middle of its changes" if in_the_middle else "before its first change"
    print(f"killed after {time.monotonic() - began:.2f} s, {where}")


main()
