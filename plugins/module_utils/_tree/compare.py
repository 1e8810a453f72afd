# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Recorded trees compared: with the host as it is, and with each other."""

from __future__ import annotations

import os
import typing as t

from .._errors import CouldNotLook, GuardError, NothingThere
from .._snapshot.model import EntryChange, Tree
from .._snapshot.tree_diff import Pair, TreeDiff, absolute, diff_entries, list_changes, with_content
from .contents import Contents, same_content
from .opened import OpenedTree
from .walk import walk

# Opens the content of the entry that a recorded one is compared with.
_Opener = t.Callable[[str], t.BinaryIO]


class Comparison(t.NamedTuple):
    """A recorded tree against the host: the tree as it is now, what differs (unsure is only what could not be read), and why
    something could not."""

    now: Tree
    diff: TreeDiff
    failures: tuple[str, ...]


def compare_tree(recorded: Tree, contents: Contents) -> tuple[EntryChange, ...]:
    """How the host differs from a recorded tree. Content is read only of files whose inode, ctime or mtime is not the recorded
    one.

    :raises CouldNotLook: something could not be read, so that nothing may be concluded
    """
    comparison = compare_with_host(recorded, contents)
    if comparison.failures:
        raise CouldNotLook("; ".join(comparison.failures[:5]))
    return list_changes(recorded.root, comparison.diff)


def compare_recorded(before: Tree, before_contents: Contents, after: Tree, after_contents: Contents) -> tuple[EntryChange, ...]:
    """How a later record of a path differs from an earlier one.

    :raises CouldNotLook: a content could not be read
    """
    diff, failures = _look_into(before.root, diff_entries(before, after), before_contents, after_contents.open)
    if failures:
        raise CouldNotLook("; ".join(failures[:5]))
    return list_changes(before.root, diff)


def compare_with_host(recorded: Tree, contents: Contents) -> Comparison:
    """What a restore needs to know of the tree as it is now.

    :raises CouldNotLook: the tree itself cannot be looked at
    """
    now = walk(
        recorded.root,
        recorded.excluded,
        one_file_system=recorded.one_file_system,
        left_out=recorded.left_out,
        known=recorded.entries,
    )
    diff = diff_entries(recorded, now)
    if not diff.unsure:
        return Comparison(now, diff, ())
    try:
        with OpenedTree(recorded.root) as tree:
            diff, failures = _look_into(recorded.root, diff, contents, lambda path: os.fdopen(tree.open_regular(path), "rb"))
    except NothingThere as error:
        raise CouldNotLook(f"{recorded.root} vanished while it was compared") from error
    return Comparison(now, diff, failures)


def _look_into(root: str, diff: TreeDiff, contents: Contents, open_other: _Opener) -> tuple[TreeDiff, tuple[str, ...]]:
    """Tell of every unsure pair whether its contents differ; it stays unsure where they cannot be read."""
    known: dict[tuple[int, int, str], bool] = {}
    changed, unsure, failures = list(diff.changed), [], []
    for pair in diff.unsure:
        # A file with several names is read once.
        several = pair.before.links > 1 and pair.now.links > 1
        key = (pair.before.inode, pair.now.inode, "" if several else pair.before.path)
        try:
            if key not in known:
                known[key] = _is_same(pair, contents, open_other)
        except (OSError, GuardError) as error:
            unsure.append(pair)
            failures.append(f"{absolute(root, pair.before.path)} cannot be compared: {getattr(error, 'strerror', None) or error}")
            continue
        if not known[key]:
            changed.append(with_content(pair))
        elif pair.fields:
            changed.append(pair)
    return diff._replace(changed=tuple(changed), unsure=tuple(unsure)), tuple(failures)


def _is_same(pair: Pair, contents: Contents, open_other: _Opener) -> bool:
    with contents.open(pair.before.path) as recorded, open_other(pair.now.path) as other:
        return same_content(recorded, other)
