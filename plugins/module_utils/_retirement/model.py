# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Retirement: what is taken out of service, the steps for it, and what must be known to bring it back."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .._units.model import Unit


class Step(t.NamedTuple):
    """One change, as data. ``kind`` is ``command`` (``words`` are its argv), ``rename`` (old and new path) or ``link``
    (path of a symbolic link, and where it points)."""

    kind: str
    words: tuple[str, ...]


class Member(t.NamedTuple):
    """A unit that goes together with others: a service, and the sockets and timers that would start it again.
    ``unit`` is None where only its name is known."""

    name: str
    unit: Unit | None
    is_target: bool


class FormerUnit(t.NamedTuple):
    """How a unit stood before: systemd's ActiveState and UnitFileState."""

    name: str
    active: str
    enabled: str


class FormerContainer(t.NamedTuple):
    """How a container stood before. ``restart_policy`` is as ``--restart`` takes it (``on-failure:3``)."""

    engine: str
    id: str
    name: str
    status: str
    restart_policy: str


class Record(t.NamedTuple):
    """What is written down on the host before anything is changed, so that exactly this can be brought back.

    ``kind`` and ``name`` are those of the request. ``at`` is seconds since the epoch. ``links`` are symbolic links of
    the units' enablement that are gone now (path, target); while ``complete`` is False they are all that there were
    before. ``masked`` are the units that were masked for it, ``set_aside`` the files that lay where the mask had to be
    (their path, and the one that they have now).
    """

    kind: str  # unit, container, quadlet or compose_project
    name: str
    at: float
    complete: bool
    units: tuple[FormerUnit, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    masked: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()
    containers: tuple[FormerContainer, ...] = ()
