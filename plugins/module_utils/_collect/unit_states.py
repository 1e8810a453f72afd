# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How every unit of the host stands, of the system manager and of the users'."""

from __future__ import annotations

import functools
import typing as t

from .._errors import CouldNotLook, GuardError
from .._snapshot.model import UnitState
from .._units.state import KINDS, STATE_PROPERTIES, parse_states
from .deadline import Deadline
from .units import has_manager, is_booted, user_systemctl, users_with_a_manager

if t.TYPE_CHECKING:
    from .._host import Host

_SHOW = ("show", "--all", "--no-pager", "--property=" + ",".join(STATE_PROPERTIES), "--", *(f"*.{kind}" for kind in KINDS))
_LIST = ("list-unit-files", "--plain", "--no-legend", "--no-pager", "--full")


def _ask(host: Host, argv: t.Sequence[str], timeout: float) -> str:
    answer = host.run(argv, timeout)
    if answer.rc != 0:
        said = " ".join((answer.err or answer.out).split())
        raise CouldNotLook(f"'{' '.join(argv[:6])}' exited {answer.rc}: {said:.300}")
    return answer.out


def collect_manager(host: Host, systemctl: t.Sequence[str], user: str | None, timeout: float) -> tuple[UnitState, ...]:
    """Every unit of one manager that is loaded or has a file. ``systemctl`` are the words that ask it.

    :raises CouldNotLook: it did not answer
    """
    listed = host.beside(functools.partial(_ask, host, [*systemctl, *_LIST], timeout))
    shown = _ask(host, [*systemctl, *_SHOW], timeout)
    return parse_states(shown, listed(), user)


def find_managers(host: Host) -> dict[str | None, list[str]]:
    """The managers that run and may be asked: login (None: the system's), and the words that ask it."""
    found: dict[str | None, list[str]] = {None: ["systemctl"]}
    for uid in users_with_a_manager(host):
        if host.euid() in (0, uid) and has_manager(host, uid):
            found[host.user_name(uid)] = user_systemctl(host, uid)
    return found


def collect_unit_states(host: Host, timeout: float) -> tuple[tuple[UnitState, ...], tuple[tuple[str, str], ...]]:
    """Every unit of the system manager and, as root, of each user's manager that runs; within ``timeout`` seconds.

    :return: the units, and what could not be seen: (whose units, why)
    """
    if not is_booted(host):
        return (), ()
    deadline = Deadline(host, timeout)
    looks = [
        (user, host.beside(functools.partial(collect_manager, host, systemctl, user, deadline.left("units"))))
        for user, systemctl in find_managers(host).items()
    ]
    found: list[UnitState] = []
    unseen = []
    for user, look in looks:
        try:
            found += look()
        except GuardError as error:
            unseen.append((f"units of the user {user}" if user else "units", str(error)))
    return tuple(found), tuple(unseen)
