# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The files of a snapshot, compared with the host and brought back."""

from __future__ import annotations

import functools
import typing as t

from .._errors import GuardError
from .._snapshot.tree_diff import list_changes
from .._snapshot.unit_plan import Span, find_read
from .._tree.compare import compare_tree, compare_with_host
from .._tree.moments import read_moments
from .._tree.restore import restore_tree
from .foreign import ComparedPaths

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.model import EntryChange, Tree
    from .._tree.contents import Contents

_MOST_STEPS = 200
_VERBS = {"added": "remove", "removed": "make again", "changed": "bring back"}


def is_of_one_boot(path: str) -> bool:
    """Whether what is below a path ends with the boot."""
    return path == "/run" or path.startswith("/run/")


def find_user_folder(path: str) -> str | None:
    """The folder in /run that a path lies in and that is there only while its user's manager runs."""
    parts = path.split("/")
    return "/".join(parts[:4]) if parts[1:3] == ["run", "user"] and len(parts) > 3 else None


class Files:
    """The recorded trees that are to be brought back. A tree that cannot be looked at, or an entry that cannot be brought
    back, is in ``failures`` and stops no other."""

    def __init__(self, trees: t.Sequence[tuple[Tree, Contents]]) -> None:
        self._trees = trees
        self._differing: list[tuple[Tree, Contents]] = list(trees)
        self.failures: list[str] = []

    def find_changes(self) -> ComparedPaths:
        """How the host differs now."""
        changes: list[EntryChange] = []
        trees: list[Tree] = []
        failures: list[str] = []
        self._differing = []
        for tree, contents in self._trees:
            try:
                found = compare_with_host(tree, contents)
            except GuardError as error:
                failures.append(f"{tree.root}: {error}")
                self._differing.append((tree, contents))
                continue
            differing = list_changes(tree.root, found.diff)
            if differing or found.failures:
                self._differing.append((tree, contents))
            changes += differing
            trees.append(found.now)
            failures += found.failures
        return ComparedPaths(changes, trees, failures)

    def bring_back(self) -> list[EntryChange]:
        """Bring back the trees that :func:`find_changes` found to differ (all, where it was not asked), and say what was
        done."""
        found: list[EntryChange] = []
        for tree, contents in self._differing:
            try:
                outcome = restore_tree(tree, contents)
            except GuardError as error:
                self.failures.append(f"{tree.root}: {error}")
            else:
                found += outcome.changes
                self.failures += outcome.failures
        return found

    def compare(self, host: WritableHost) -> tuple[list[EntryChange], list[tuple[str, str]]]:
        """How the host differs now, and what could not be compared: (what, why)."""
        looks = [(tree, host.beside(functools.partial(compare_tree, tree, contents))) for tree, contents in self._trees]
        found: list[EntryChange] = []
        unseen = []
        for tree, look in looks:
            try:
                found += look()
            except GuardError as error:
                unseen.append((f"files of {tree.root}", str(error)))
        return found, unseen


def describe_steps(changes: t.Sequence[EntryChange]) -> list[str]:
    """What is done about each difference, for a person; of very many the first."""
    told = without_bystanders(changes)
    lines = [f"{_VERBS[one.what]} {one.path}{f' ({chr(44).join(one.fields)})' if one.fields else ''}" for one in told[:_MOST_STEPS]]
    return [*lines, f"and {len(told) - _MOST_STEPS} more files"] if len(told) > _MOST_STEPS else lines


def without_bystanders(changes: t.Sequence[EntryChange]) -> list[EntryChange]:
    """The differences but for those of folders whose time alone differs since something in them does."""
    parents = {change.path.rpartition("/")[0] for change in changes}
    return [change for change in changes if change.fields != ("times",) or change.path not in parents]


def find_spans(host: WritableHost, changes: t.Iterable[EntryChange]) -> dict[str, Span]:
    """Since when each differing file that a program can have noticed is as it is now, by the monotonic clock."""
    noticed = find_read(changes)
    moments = read_moments(one.path for one in noticed if one.what != "removed")
    wall, uptime = host.now(), host.uptime()
    found = {}
    for one in noticed:
        moment = moments.get(one.path)
        # A moment that is yet to come says nothing about when the file was written.
        known = moment is not None and moment <= wall
        found[one.path] = Span(uptime - (wall - moment) if known and moment is not None else None)
    return found
