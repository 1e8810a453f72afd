# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Claimants that do not come up: what they are, and which port they want."""

from __future__ import annotations

import typing as t

from .._errors import GuardError, NothingThere
from .._ports.attribution import container_owner, find_at_boot, unit_owner
from .._ports.model import BlindSpot, Loop
from .._ports.suspect import container_loop_state, container_ports, unit_loop_state, unit_ports
from .containers import read_container_log
from .deadline import Deadline
from .units import read_unit_log

if t.TYPE_CHECKING:
    from .._containers.model import Container
    from .._host import Host
    from .._ports.attribution import Inventory
    from .._ports.in_use import InUse
    from .._units.model import Unit

_LOG_LINES = 60
# It starts containers, and its log says of each what the engine says of it, too.
_STARTER = "podman-restart.service"


class Loops(t.NamedTuple):
    """Claimants that do not come up, and logs that could not be read."""

    loops: tuple[Loop, ...]
    blind_spots: tuple[BlindSpot, ...]


def _unread_log(whose: str, error: GuardError) -> BlindSpot:
    return BlindSpot(
        what=f"the log of {whose}",
        why=str(error),
        could_hide_planned=False,
        remedy="Run as root, or read that log by hand: it says which address was in use.",
    )


def _find_in_use(log: str) -> InUse:
    # Loaded where something does not come up, and not on every look: its patterns take longer to compile than a look.
    from .._ports.in_use import parse_in_use

    return parse_in_use(log)


class _Collector:
    """Reads logs and remembers which could not be read."""

    def __init__(self, host: Host, inventory: Inventory, timeout: float, docker_socket: str | None) -> None:
        self._host = host
        self._inventory = inventory
        self._deadline = Deadline(host, timeout)
        self._docker_socket = docker_socket
        self.blind_spots: list[BlindSpot] = []

    def _log(self, whose: str, read: t.Callable[[float], str]) -> str:
        try:
            return read(self._deadline.left(f"the log of {whose}"))
        except NothingThere:
            return ""  # it went while we looked
        except GuardError as error:
            self.blind_spots.append(_unread_log(whose, error))
            return ""

    def unit(self, unit: Unit, state: str) -> Loop:
        log = self._log(unit.name, lambda timeout: read_unit_log(self._host, unit, timeout, _LOG_LINES))
        in_use = _find_in_use(log)
        owner = unit_owner(unit)
        return Loop(owner, find_at_boot(self._inventory, owner), state, unit.restarts, in_use.seen, unit_ports(unit, in_use))

    def container(self, container: Container, state: str) -> Loop:
        log = container.error
        if state == "restarting":
            log += "\n" + self._log(
                f"container {container.name}",
                lambda timeout: read_container_log(self._host, container, timeout, _LOG_LINES, self._docker_socket),
            )
        in_use = _find_in_use(log)
        owner = container_owner(container)
        ports = container_ports(container, in_use)
        return Loop(owner, find_at_boot(self._inventory, owner), state, container.restarts, in_use.seen, ports)


def collect_loops(host: Host, inventory: Inventory, timeout: float, docker_socket: str | None) -> Loops:
    """Failed units, containers that were never started, and whatever restarts over and over.

    All their logs together get ``timeout`` seconds; one that was not read is a blind spot.
    """
    collector = _Collector(host, inventory, timeout, docker_socket)
    loops = []
    uptime, now = host.uptime(), host.now()
    run_by_unit = {(container.user, container.unit) for container in inventory.containers if container.unit}
    for unit in inventory.units.values():
        state = unit_loop_state(unit, uptime)
        if state is not None:
            loops.append(collector.unit(unit, state))
    down_units = {(loop.owner.user, loop.owner.name) for loop in loops}
    for container in inventory.containers:
        state = container_loop_state(container, now)
        # A quadlet's container and its unit are one claimant, and the unit has the journal.
        if state is not None and (container.user, container.unit) not in (run_by_unit & down_units):
            loops.append(collector.container(container, state))
    return Loops(tuple(_without_starters(loops)), tuple(collector.blind_spots))


def _without_starters(loops: t.Sequence[Loop]) -> t.Iterator[Loop]:
    """The loops, and of what only starts containers those ports that no container speaks for."""
    told = {(loop.owner.user, port.proto, port.port) for loop in loops if loop.owner.engine == "podman" for port in loop.ports}
    for loop in loops:
        if loop.owner.name != _STARTER:
            yield loop
            continue
        left = tuple(port for port in loop.ports if (loop.owner.user, port.proto, port.port) not in told)
        if left or not loop.ports:
            yield loop._replace(ports=left)
