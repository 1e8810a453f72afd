# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a container engine says of a container."""

from __future__ import annotations

import typing as t


class Publish(t.NamedTuple):
    """A published port. ``address`` is ``*`` where the user named none; ``host_port`` is None where the engine
    chooses it at the start."""

    proto: str
    address: str
    host_port: int | None
    container_port: int


class Container(t.NamedTuple):
    """A container of Docker or Podman, running or not.

    ``user`` is the login name that a rootless engine runs as, else None. ``status`` is the engine's word: created,
    running, restarting, exited, dead, paused, removing (Podman: also configured, initialized, stopped, stopping).
    ``published`` is what was asked for, ``bound`` what the engine says is in force now. ``error`` is the engine's
    own text about the last start. ``data`` are the host paths and named volumes (``volume:<name>``) that it may write to.
    ``started`` and ``finished`` are seconds since the epoch, 0.0 where never.
    """

    engine: str
    user: str | None
    id: str
    name: str
    image: str
    status: str
    exit_code: int
    error: str
    restart_policy: str  # no, always, unless-stopped, on-failure
    restarts: int
    network_mode: str  # host, bridge, none, container:<id>, a network's name, ...
    published: tuple[Publish, ...]
    bound: tuple[Publish, ...]
    exposed: tuple[tuple[str, int], ...]  # (proto, port) of the image and of --expose
    addresses: tuple[str, ...]  # of its own, on the engine's networks
    argv: tuple[str, ...]  # entrypoint and command
    pid: int
    started: float
    finished: float
    compose_project: str | None
    compose_service: str | None
    unit: str | None  # the unit that runs it, where the engine knows (quadlet)
    data: tuple[str, ...] = ()
