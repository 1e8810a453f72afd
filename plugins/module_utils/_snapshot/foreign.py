# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What somebody else has changed since a snapshot was taken, as far as it can be told apart from the change that the
snapshot was taken for.

Two things tell: how the host stood when that change was confirmed, which the guard notes then; and the package manager,
whose new versions bring files of their own. Only what a restore would undo counts.
"""

from __future__ import annotations

import typing as t

from .diff import diff_states
from .model import Change
from .restored import diff_restored
from .tree_diff import absolute, diff_entries, list_changes

if t.TYPE_CHECKING:
    from .model import EntryChange, HostState, Tree

_MOST_NAMES = 8
# What follows from the others.
_FOLLOWS = frozenset(("ports", "images"))


class After(t.NamedTuple):
    """How a host stood when a change was done and confirmed; the trees are those of the snapshot before it."""

    state: HostState
    trees: tuple[Tree, ...]


class Foreign(t.NamedTuple):
    """``changes`` are somebody else's and would be undone, ``packages`` those whose versions are others (which a restore
    leaves as they are), ``newer`` the snapshots that were taken later; ``unseen`` says what could not be told, and why."""

    changes: tuple[Change, ...] = ()
    packages: tuple[Change, ...] = ()
    newer: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def _touched_since(after: After, now: t.Sequence[Tree]) -> set[str]:
    """The paths at which anything was done since, their content's comparison aside: whoever touches a file changes its
    ctime."""
    here = {tree.root: tree for tree in now}
    found: set[str] = set()
    for tree in after.trees:
        if tree.root in here:
            diff = diff_entries(tree, here[tree.root])
            found.update(change.path for change in list_changes(tree.root, diff))
            found.update(absolute(tree.root, pair.before.path) for pair in diff.unsure)
    return found


def _file_changes(to_restore: t.Iterable[EntryChange], touched: t.Container[str] | None, owners: t.Mapping[str, str]) -> t.Iterator[Change]:
    for change in to_restore:
        if change.fields == ("times",):
            continue
        package = owners.get(change.path)
        if package is not None:
            yield Change("files", change.path, "", f"belongs to the package {package}, of which another version is installed now")
        elif touched is not None and change.path in touched:
            yield Change("files", change.path, "", "changed since the change was confirmed")


def _state_changes(before: HostState, after: HostState, now: HostState) -> t.Iterator[Change]:
    to_restore = {(one.section, one.name) for one in diff_restored(before, now).changes}
    for change in diff_restored(after, now).changes:
        if (change.section, change.name) in to_restore and change.section not in _FOLLOWS:
            yield change


def find_foreign(
    before: HostState,
    now: HostState,
    to_restore: t.Sequence[EntryChange],
    after: After | None = None,
    now_trees: t.Sequence[Tree] = (),
    owners: t.Mapping[str, str] | None = None,
    newer: t.Sequence[str] = (),
) -> Foreign:
    """What a restore of ``before`` would undo of somebody else's.

    ``to_restore`` is how the recorded files differ from those of now, ``now_trees`` are the same paths as they are now,
    ``owners`` gives the package of each file that belongs to one of another version than at the time of the snapshot (with
    ``after``: than then), ``newer`` are the ids of snapshots that were taken later.
    """
    touched = _touched_since(after, now_trees) if after is not None else None
    changes = list(_file_changes(to_restore, touched, owners or {}))
    if after is not None:
        changes += _state_changes(before, after.state, now)
    return Foreign(tuple(changes), find_package_changes(before, now, after), tuple(newer))


def find_package_changes(before: HostState, now: HostState, after: After | None) -> tuple[Change, ...]:
    """The packages whose versions are others than when the change was confirmed, or, where that was not noted, than in the
    snapshot."""
    since = before if after is None else after.state
    return tuple(change for change in diff_states(since, now).changes if change.section == "packages")


def _some(names: t.Iterable[str]) -> str:
    every = list(names)
    shown = ", ".join(every[:_MOST_NAMES])
    return f"{shown} and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else shown


def describe_foreign(foreign: Foreign) -> tuple[str, ...]:
    """What would be lost, a line for each kind of loss; empty where a restore undoes nothing of anybody else's."""
    lines = []
    if foreign.newer:
        lines.append(
            f"it is not the newest snapshot: {_some(foreign.newer)} taken later, and what was done between would be undone as well"
        )
    sections = list(dict.fromkeys(change.section for change in foreign.changes))
    for section in sections:
        named = [f"{one.name} ({one.after or 'gone'})" for one in foreign.changes if one.section == section]
        lines.append(f"{section} of others would be undone: {_some(named)}")
    lines += [f"whether others have changed something cannot be told: {why}" for why in foreign.unseen]
    return tuple(lines)


def describe_refusal(name: str, foreign: Foreign) -> str:
    """Why a snapshot is not restored by hand, empty where nothing speaks against it."""
    lines = describe_foreign(foreign)
    if not lines:
        return ""
    remedy = "Look with host_snapshot_info (compare_to), and say accept_loss to do it all the same."
    return f"snapshot {name} is not restored: {'; '.join(lines)}. {remedy}"
