# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Listeners of two states compared, without what a new start changes by itself: ports that the kernel chose."""

from __future__ import annotations

import re
import typing as t

from .model import Change

if t.TYPE_CHECKING:
    from .model import ListenerState

# net.ipv4.ip_local_port_range of Linux by default, and what Docker takes for "-p 80".
_CHOSEN = range(32768, 61000)
# What stands for an owner that could not be seen: a process of which the unit is not known, the cgroup of a container that no
# engine has named, and the engine that holds a container's port.
_VAGUE = re.compile(r"process |container [0-9a-f]{12}$|container at |unit (docker|containerd|podman)\b")
_Place = tuple[str, str, int]


def _owners(listeners: t.Iterable[ListenerState]) -> dict[_Place, set[str]]:
    found: dict[_Place, set[str]] = {}
    for one in listeners:
        found.setdefault((one.proto, one.address, one.port), set()).add(one.owner)
    return found


def _without_moved(before: set[ListenerState], now: set[ListenerState]) -> tuple[set[ListenerState], set[ListenerState]]:
    """What only one side has, but for pairs of one owner of which each has a port that the kernel chose."""
    gone, came = before - now, now - before
    for old in sorted(gone):
        if old.port in _CHOSEN:
            twins = (new for new in sorted(came) if new.port in _CHOSEN and new._replace(port=old.port) == old)
            twin = next(twins, None)
            if twin is not None:
                gone.discard(old)
                came.discard(twin)
    return gone, came


def _is_of_short_life(listener: ListenerState) -> bool:
    """Whether it is somebody's program, outside any unit and container, on a port that the kernel chose."""
    return listener.owner.startswith("process ") and listener.port in _CHOSEN


def is_vague(change: Change) -> bool:
    """Whether a port only seems to have changed hands, should owners not all have been seen."""
    owners = [owner for side in (change.before, change.after) for owner in side.split(", ")]
    return bool(change.before and change.after) and any(_VAGUE.match(owner) for owner in owners)


def diff_listeners(
    before: t.Iterable[ListenerState], now: t.Iterable[ListenerState], counts: t.Callable[[ListenerState], bool]
) -> list[Change]:
    """The ports whose owner came, went or is another, each by its place. ``counts`` says which listeners are compared."""
    first = {one for one in before if counts(one) and not _is_of_short_life(one)}
    second = {one for one in now if counts(one) and not _is_of_short_life(one)}
    gone, came = _without_moved(first, second)
    places = {*_owners(gone), *_owners(came)}
    was, stands = _owners(first), _owners(second)
    return [
        Change("ports", _title(place), ", ".join(sorted(was.get(place, ()))), ", ".join(sorted(stands.get(place, ()))))
        for place in sorted(places, key=lambda place: (place[2], place[0], place[1]))
    ]


def _title(place: _Place) -> str:
    proto, address, port = place
    return f"{port}/{proto} on {address}"
