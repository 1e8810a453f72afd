# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Snapshots as a module shows them: what was recorded when, without its secrets."""

from __future__ import annotations

import datetime
import typing as t

from .diff import diff_states
from .model import Engines, HostState
from .render_diff import printable

if t.TYPE_CHECKING:
    from .model import Difference, Snapshot, Tree, Unrestorable
    from .render_diff import TextDiff


def render_moment(at: float) -> str:
    """A moment in UTC as ISO 8601 has it, to the second; empty where it is not known."""
    return f"{datetime.datetime.fromtimestamp(at, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def report_state(state: HostState, sections: t.Container[str]) -> dict[str, dict[str, str]]:
    """How a host stood: section, name, one line. What was at rest and had no file of its own is left out."""
    nothing = HostState(0.0, state.boot, (), Engines(), (), {})
    everything = diff_states(nothing, state._replace(unseen=(), engines=state.engines._replace(unseen=())))
    users = {unit.user for unit in state.units if unit.user is not None}
    # Of a user's units nothing is a difference from nothing: their manager is not there.
    for user in sorted(users):
        of_user = tuple(unit._replace(user=None) for unit in state.units if unit.user == user)
        theirs = diff_states(nothing, nothing._replace(units=of_user)).changes
        renamed = tuple(change._replace(name=f"{change.name} ({user})") for change in theirs)
        everything = everything._replace(changes=(*everything.changes, *renamed))
    found: dict[str, dict[str, str]] = {}
    for change in everything.changes:
        if change.section in sections:
            found.setdefault(change.section, {})[printable(change.name)] = printable(change.after)
    return found


def report_snapshot(
    snapshot: Snapshot, trees: t.Sequence[Tree], lost: t.Iterable[Unrestorable], sections: t.Container[str]
) -> dict[str, t.Any]:
    """A snapshot for the result of a module."""
    return {
        "name": snapshot.id,
        "at": render_moment(snapshot.at),
        "comment": snapshot.comment,
        "paths": [{"path": printable(tree.root), "entries": len(tree.entries), "left_out": len(tree.left_out)} for tree in trees],
        "excluded": [printable(pattern) for pattern in snapshot.excluded],
        "hooks": {name: len(hooks) for name, hooks in snapshot.hooks._asdict().items()},
        "changed_while_read": [printable(path) for path in snapshot.changed_while_read],
        "unseen": report_unseen((*snapshot.state.unseen, *snapshot.state.engines.unseen)),
        "not_restorable": [{key: printable(text) for key, text in one._asdict().items()} for one in lost],
        "state": report_state(snapshot.state, sections),
    }


def report_unseen(unseen: t.Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """What could not be seen, and why."""
    return [{"what": printable(what), "why": printable(why)} for what, why in unseen]


def report_difference(difference: Difference, texts: t.Iterable[TextDiff]) -> dict[str, t.Any]:
    """A difference for the result of a module."""
    return {
        "changes": [{key: printable(text) for key, text in change._asdict().items()} for change in difference.changes],
        "unseen": report_unseen(difference.unseen),
        "withheld": [{"path": printable(text.path), "why": printable(text.withheld)} for text in texts if text.withheld],
    }
