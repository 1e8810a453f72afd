# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Steps for units, carried out: one command for each manager and verb, and one that fails stops no other."""

from __future__ import annotations

import shlex
import typing as t

from .._collect.unit_states import find_managers
from .._errors import GuardError

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.scope import Key

_LINGER = "/var/lib/systemd/linger"


class UnitSteps:
    """Carries out steps, or only lists them with ``check``. ``done`` are the commands, ``failures`` what went wrong, and
    ``failed`` the verbs and units of commands that did so twice: what a unit needs may not have been there at first."""

    def __init__(self, host: WritableHost, timeout: float, check: bool) -> None:
        self._host = host
        self._timeout = timeout
        self._check = check
        self.done: list[str] = []
        self.failures: list[str] = []
        self.failed: set[tuple[str, Key]] = set()
        self._failed_once: set[tuple[str, Key]] = set()

    def carry_out(self, verb: str, keys: t.Iterable[Key], options: t.Sequence[str] = ()) -> None:
        """Tell each manager what to do with its units, in their order."""
        managers = find_managers(self._host)
        for user in dict.fromkeys(user for user, _name in keys):
            names = [name for owner, name in keys if owner == user]
            what = " ".join((verb, *options, *names))
            if user not in managers:
                self.failures.append(f"{what}: the service manager of {user} does not run")
                self._note_failed(verb, user, names)
            elif not self._run(user, (*managers[user], verb, *options, "--", *map(_as_pattern(verb), names)), what):
                self._note_failed(verb, user, names)

    def _note_failed(self, verb: str, user: str | None, names: t.Iterable[str]) -> None:
        tried = {(verb, (user, name)) for name in names}
        self.failed |= tried & self._failed_once
        self._failed_once |= tried

    def start_masked(self, keys: t.Iterable[Key], at_run_time: t.Container[Key]) -> None:
        """Start units that are masked: nothing starts one but to unmask it for that moment."""
        for key in keys:
            options = ("--runtime",) if key in at_run_time else ()
            self.carry_out("unmask", (key,), options)
            self.carry_out("start", (key,))
            self.carry_out("mask", (key,), options)

    def reload_managers(self) -> None:
        """Let the service managers read their files again."""
        for user, systemctl in find_managers(self._host).items():
            self._run(user, (*systemctl, "daemon-reload"), "daemon-reload")

    def start_managers(self, users: t.Iterable[str]) -> None:
        """Start the managers of users who have lingering enabled, and none that runs."""
        for user in sorted(set(users)):
            if user not in find_managers(self._host) and self._host.exists(f"{_LINGER}/{user}"):
                self._start_manager(user)

    def _start_manager(self, user: str) -> None:
        try:
            uid = self._host.run(("id", "--user", "--", user), self._timeout).out.strip()
        except GuardError as error:
            self.failures.append(f"the service manager of {user} cannot be started: {error}")
            return
        unit = f"user@{uid}.service"
        self._run(None, ("systemctl", "start", "--", unit), f"start {unit}")

    def _run(self, user: str | None, argv: t.Sequence[str], what: str) -> bool:
        """Whether a command succeeded. What it said is kept, should it not have."""
        self.done.append(f"systemctl {'--user ' if user else ''}{what}{f' (as {user})' if user else ''}")
        if self._check:
            return True
        try:
            answer = self._host.run(argv, self._timeout)
        except GuardError as error:
            self.failures.append(f"'{shlex.join(argv)[:300]}': {error}")
            return False
        if answer.rc != 0:
            said = " ".join((answer.err or answer.out).split())
            self.failures.append(f"'{shlex.join(argv)[:300]}' exited {answer.rc}: {said[:500]}")
        return answer.rc == 0


def _as_pattern(verb: str) -> t.Callable[[str], str]:
    """For reset-failed a pattern that matches just the name: a unit that is no longer loaded is no error then."""
    if verb != "reset-failed":
        return str
    return lambda name: name.replace("\\", "\\\\") + "*"
