# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The door to the machine without Ansible: what runs on a host by itself starts its commands here."""

from __future__ import annotations

import os
import signal
import subprocess
import typing as t

from ..module_utils._errors import CouldNotLook, TimedOut, ToolMissing
from ..module_utils._host import CommandResult, LocalHost

# Root's own folders first, and never the caller's PATH: a change may have broken that, too.
SEARCH_PATH = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
_ENVIRONMENT = {"PATH": ":".join(SEARCH_PATH), "LC_ALL": "C.UTF-8", "LANGUAGE": "", "HOME": "/root"}


class StandaloneHost(LocalHost):
    """The machine that this runs on, with Python's standard library alone."""

    def __init__(self) -> None:
        self._programs: dict[str, str | None] = {}

    def _find(self, program: str) -> str | None:
        if "/" in program:
            return program if os.access(program, os.X_OK) else None
        # Only what was found is remembered: a restore may bring a program back.
        if self._programs.get(program) is None:
            paths = (f"{folder}/{program}" for folder in SEARCH_PATH)
            self._programs[program] = next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
        return self._programs[program]

    def has(self, program: str) -> bool:
        """Whether the program is installed."""
        return self._find(program) is not None

    def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
        """Run a command, without a shell, for at most ``timeout`` seconds; ``environment`` is added to its own, which
        holds nothing of this process's.

        :raises ToolMissing: the program is not installed
        :raises TimedOut: it did not end in time and was killed, with all that it had started in its process group
        :raises CouldNotLook: it could not be started
        """
        program = self._find(argv[0])
        if program is None:
            raise ToolMissing(f"{argv[0]} is not installed")
        try:
            child = subprocess.Popen(  # noqa: S603 - a list, and no shell
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**_ENVIRONMENT, **(environment or {})},
                cwd="/",
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise CouldNotLook(f"{argv[0]} could not be started: {error}") from error
        out, err = _await_end(child, argv, timeout)
        return CommandResult(child.returncode, _as_text(out), _as_text(err))


def _await_end(child: subprocess.Popen[bytes], argv: t.Sequence[str], timeout: float) -> tuple[bytes, bytes]:
    try:
        return child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise TimedOut(f"'{' '.join(argv[:3])}' did not end within {timeout:g} s") from None
    finally:
        # Also where this process is being ended itself: nothing that it began may go on without it.
        if child.returncode is None:
            _kill_group(child)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End a command and what it has started. Its pipes are not read to their end: whoever left the group may hold them."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _as_text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
