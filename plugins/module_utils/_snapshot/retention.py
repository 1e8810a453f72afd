# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which snapshots go."""

from __future__ import annotations

import typing as t

_DAY = 86400.0


class Kept(t.NamedTuple):
    """A snapshot as retention sees it: when it was taken (seconds since the epoch), and whether it is whole."""

    id: str
    at: float
    is_good: bool


def plan_retention(
    snapshots: t.Iterable[Kept], now: float, keep: int | None, max_age_days: float | None, needed: t.Collection[str] = ()
) -> tuple[str, ...]:
    """The ids to remove, oldest first: what is older than ``max_age_days``, and what is older than the newest ``keep``
    good ones. None for a limit that there is not. Never the newest good one, never one that is ``needed``.

    A damaged snapshot fills no place: with ``keep`` of 3 there are three that can be restored.
    """
    newest_first = sorted(snapshots, key=lambda snapshot: (snapshot.at, snapshot.id), reverse=True)
    good = [snapshot.id for snapshot in newest_first if snapshot.is_good]
    safe = {*good[:1], *needed}
    gone, seen = [], 0
    for snapshot in newest_first:
        too_many = keep is not None and seen >= keep
        too_old = max_age_days is not None and now - snapshot.at > max_age_days * _DAY
        seen += snapshot.is_good
        if (too_many or too_old) and snapshot.id not in safe:
            gone.append(snapshot.id)
    return tuple(reversed(gone))
