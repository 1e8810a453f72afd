# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Who does not come up, or restarts over and over."""

from __future__ import annotations

import typing as t

from .model import WantedPort

if t.TYPE_CHECKING:
    from .._containers.model import Container
    from .._units.model import Unit
    from .in_use import InUse

JUST_STARTED = 30.0
"""Seconds. A service that has been restarted and runs for less than this is taken to be in a restart loop: between
two crashes it looks healthy, so its state alone says nothing."""


def unit_loop_state(unit: Unit, uptime: float) -> str | None:
    """``failed`` or ``restarting`` for a unit that does not come up, else None. ``uptime`` is the monotonic clock."""
    if unit.load == "masked":
        return None  # nothing can start it any more: whatever it failed of, somebody has retired it
    if unit.active == "failed":
        return "failed"
    # SubState "auto-restart" (before 254), "auto-restart-queued" (from 254).
    if unit.sub.startswith("auto-restart"):
        return "restarting"
    recent = unit.started > 0 and uptime - unit.started < JUST_STARTED
    # "deactivating" while ExecStopPost= cleans up between two tries, as quadlets do.
    if unit.restarts > 0 and recent and unit.active in ("active", "activating", "deactivating"):
        return "restarting"
    return None


def container_loop_state(container: Container, now: float) -> str | None:
    """``created``, ``failed`` or ``restarting`` for a container that does not come up, else None. ``now`` is seconds
    since the epoch."""
    if container.status in ("created", "configured", "initialized"):
        return "created"
    if container.status == "restarting":
        return "restarting"
    if container.status == "running":
        recent = container.started > 0 and now - container.started < JUST_STARTED
        return "restarting" if container.restarts > 0 and recent else None
    return "failed" if container.error else None


def _merge(*groups: t.Iterable[WantedPort]) -> tuple[WantedPort, ...]:
    """The ports of the first group that has any; each protocol and port once."""
    for group in groups:
        unique: dict[tuple[str, int], WantedPort] = {}
        for port in group:
            unique.setdefault((port.proto, port.port), port)
        if unique:
            return tuple(unique.values())
    return ()


def _find_argument_ports(argv: t.Sequence[str]) -> tuple[WantedPort, ...]:
    # Loaded where something does not come up, and not on every look.
    from .arguments import find_ports

    return find_ports(argv)


def container_ports(container: Container, in_use: InUse) -> tuple[WantedPort, ...]:
    """The ports that a container wants: those that its log or the engine calls taken, else those that it publishes,
    else (on the host's network) its arguments', else its image's. The last two are inferred."""
    published = [
        WantedPort(port.proto, port.address, port.host_port, f"{container.engine} inspect", "declared")
        for port in container.published
        if port.host_port
    ]
    if container.network_mode != "host":
        named = {(port.proto, port.port) for port in published}
        return _merge([port for port in in_use.ports if not named or (port.proto, port.port) in named], published)
    exposed = [
        WantedPort(proto, "*", port, f"exposed by the image {container.image}", "inferred") for proto, port in container.exposed
    ]
    return _merge(in_use.ports, _find_argument_ports(container.argv), exposed)


def unit_ports(unit: Unit, in_use: InUse) -> tuple[WantedPort, ...]:
    """The ports that a unit wants: a socket unit's own, else those that its log calls taken, else its arguments'
    (inferred)."""
    listen = [WantedPort(one.proto, one.address, one.port, f"ListenStream= of {unit.name}", "declared") for one in unit.listen]
    return _merge(listen, in_use.ports, _find_argument_ports(unit.argv))
