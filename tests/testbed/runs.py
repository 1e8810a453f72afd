# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs: who made a host, and whether whoever it was still lives.

A run is a process that holds the lock of its file in .cache/testbed/. Hosts carry its id, so that a later run can tell the
hosts of a killed run, which nobody will ever remove, from those of one that goes on beside it. The run "dev" is that of a
person who creates and destroys hosts by hand (two of them call theirs TESTBED_RUN=name): nobody else removes its hosts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import tempfile
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".cache" / "testbed"
DEV = "dev"
ID_PATTERN = "[0-9a-f]{6}"
VARIABLE = "TESTBED_RUN"


def checkout_id() -> str:
    """Eight hexadecimal digits that tell this checkout from others on the machine."""
    return hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]


def current_run() -> str:
    """The run that this process belongs to."""
    return os.environ.get(VARIABLE) or DEV


def run_folder(run: str) -> Path:
    """Where a run keeps its inventories."""
    return FOLDER / run


def socket_folder() -> Path:
    """Where kept ssh connections have their sockets: outside of the checkout, whose path may be long."""
    folder = Path(tempfile.gettempdir()) / f"gd-testbed-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _lock_file(run: str) -> Path:
    return FOLDER / f"{run}.lock"


def forget(run: str) -> None:
    """Remove the file of a run that is over."""
    _lock_file(run).unlink(missing_ok=True)


def is_alive(run: str) -> bool:
    """Whether the run's process lives. "dev", and any other name that a person gave, always does."""
    return not has_process(run) or _is_locked(run)


def has_process(run: str) -> bool:
    """Whether the run is that of a process, and not of a person."""
    return re.fullmatch(ID_PATTERN, run) is not None


def _is_locked(run: str) -> bool:
    try:
        with _lock_file(run).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


@contextlib.contextmanager
def new_run() -> t.Iterator[str]:
    """A run of this process's own: the id, until the block ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = secrets.token_hex(3)
    with _lock_file(run).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield run
        finally:
            _lock_file(run).unlink(missing_ok=True)
