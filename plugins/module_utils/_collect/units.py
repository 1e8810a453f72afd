# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The units of the system manager and of the users' managers."""

from __future__ import annotations

import re
import typing as t

from .._errors import CouldNotLook, Denied, GuardError, NothingThere
from .._ports.model import BlindSpot
from .._units.show import PROPERTIES, parse_show
from .deadline import Deadline

if t.TYPE_CHECKING:
    from .._host import Host
    from .._units.model import Unit

# A pattern matches what is active or failed. What starts containers counts also while it is neither: whether Docker
# sleeps, and whether Podman's containers come back. (--all would name every inactive unit, at twice the time.)
_BY_NAME = ("docker.service", "podman-restart.service")
_SHOW = ("show", "--no-pager", "--property=" + ",".join(PROPERTIES), "--")
_KINDS = ("service", "socket")


class Units(t.NamedTuple):
    """Every service and socket that is active or failed, and those that start containers whatever their state, by login
    name (None for the system manager) and unit name."""

    units: dict[tuple[str | None, str], Unit]
    blind_spots: tuple[BlindSpot, ...]


def _show(host: Host, command: t.Sequence[str], user: str | None, timeout: float, kinds: t.Iterable[str]) -> tuple[Unit, ...]:
    answer = host.run([*command, *_SHOW, *(f"*.{kind}" for kind in kinds), *_BY_NAME], timeout)
    if answer.rc != 0:
        said = " ".join((answer.err or answer.out).split())
        raise CouldNotLook(f"{' '.join(command)} show exited {answer.rc}: {said}")
    # What is asked for by name and does not exist is shown as LoadState=not-found.
    return tuple(unit for unit in parse_show(answer.out, user) if unit.name not in _BY_NAME or unit.load != "not-found")


def is_booted(host: Host) -> bool:
    """Whether systemd is the host's init: it makes this folder early at boot (sd_booted(3))."""
    try:
        host.list_dir("/run/systemd/system")
    except NothingThere:
        return False
    return True


def users_with_a_manager(host: Host) -> list[int]:
    """User ids whose manager runs: it keeps its socket at /run/user/<uid>/systemd/private."""
    try:
        return sorted(int(name) for name in host.list_dir("/run/user") if name.isdigit())
    except NothingThere:
        return []


def has_manager(host: Host, uid: int) -> bool:
    """Whether a user's session has a manager, and not only a folder in /run/user."""
    try:
        host.list_dir(f"/run/user/{uid}/systemd")
    except NothingThere:
        return False
    return True


def user_systemctl(host: Host, uid: int) -> list[str]:
    """The words that ask a user's manager."""
    environment = ("env", f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemctl", "--user")
    as_user = () if host.euid() == uid else ("runuser", "-u", host.user_name(uid), "--")
    return [*as_user, *environment]


def _user_units(host: Host, uid: int, deadline: Deadline, kinds: t.Iterable[str]) -> tuple[Unit, ...]:
    if not has_manager(host, uid):
        return ()
    login = host.user_name(uid)
    return _show(host, user_systemctl(host, uid), login, deadline.left(f"the units of {login}"), kinds)


def collect_units(host: Host, timeout: float, kinds: t.Sequence[str] = _KINDS) -> Units:
    """The services and sockets of the system manager and, as root, of each user's; all within ``timeout`` seconds. Of fewer
    ``kinds`` a manager is quicker to tell; what starts containers is among them in any case."""
    found: list[Unit] = []
    blind_spots: list[BlindSpot] = []
    deadline = Deadline(host, timeout)
    if not is_booted(host):
        # Without systemd there are no units: a listener's process is then its owner.
        return Units({}, ())
    try:
        found += _show(host, ["systemctl"], None, deadline.left("the units of the system"), kinds)
    except GuardError as error:
        blind_spots.append(
            BlindSpot(
                what="systemd units",
                why=str(error),
                could_hide_planned=False,
                remedy="Run 'systemctl show' on the host and mend what it complains about; without it, units that"
                " have failed or restart over and over cannot be found.",
            )
        )
    for uid in users_with_a_manager(host):
        if host.euid() not in (0, uid):
            continue
        try:
            found += _user_units(host, uid, deadline, kinds)
        except GuardError as error:
            blind_spots.append(
                BlindSpot(
                    what=f"units of the user {host.user_name(uid)}",
                    why=str(error),
                    could_hide_planned=False,
                    remedy=f"Look with 'systemctl --user --failed' as {host.user_name(uid)}.",
                )
            )
    return Units({(unit.user, unit.name): unit for unit in found}, tuple(blind_spots))


def read_unit_log(host: Host, unit: Unit, timeout: float, lines: int) -> str:
    """The last messages of a unit in the journal of this boot; of a failed unit, those of its last run only.

    :raises CouldNotLook: the journal may not be read, or did not answer
    """
    if unit.active == "failed" and unit.invocation:
        # What the processes said, or what the manager said of this run: an older run's reason proves nothing.
        manager = "USER_INVOCATION_ID" if unit.user else "INVOCATION_ID"
        match = [f"_SYSTEMD_INVOCATION_ID={unit.invocation}", "+", f"{manager}={unit.invocation}"]
    else:
        match = [f"--user-unit={unit.name}" if unit.user else f"--unit={unit.name}"]
    options = ["--boot", "--output=cat", "--no-pager", f"--lines={lines}"]
    answer = host.run(["journalctl", *options, *match], timeout)
    if answer.rc != 0:
        raise CouldNotLook(f"journalctl for {unit.name} exited {answer.rc}: {answer.err.strip()}")
    # "Hint: You are currently not seeing messages from other users and the system." comes with exit code 0.
    if re.search(r"insufficient permissions|not seeing messages", answer.err):
        raise Denied(f"journalctl for {unit.name}: {answer.err.strip().splitlines()[0]}")
    return answer.out
