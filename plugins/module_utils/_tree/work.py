# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A restore under way: what is to be done, and what became of it so far."""

from __future__ import annotations

import errno
import typing as t

from .._snapshot.tree_diff import absolute

if t.TYPE_CHECKING:
    from .._errors import GuardError
    from .._snapshot.model import Tree
    from .compare import Comparison
    from .contents import Contents
    from .opened import OpenedTree

# Somebody else changed the tree between our look and our step: worth another look.
_DISTURBED = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ESTALE)
_HINTS = {
    errno.EPERM: "is it immutable (lsattr)?",
    errno.EBUSY: "something is mounted there",
    errno.ENOSPC: "free some space and restore again",
    errno.EDQUOT: "raise the quota and restore again",
    errno.EROFS: "remount it writable and restore again",
    errno.ENOTEMPTY: "something appeared in it meanwhile, or it holds what the snapshot leaves out",
}


class Work:
    """One pass over the differences of a tree. ``found`` is what differs; paths are relative to the root.

    What fails is written down (:func:`note`), and the next is tried."""

    def __init__(self, recorded: Tree, contents: Contents, found: Comparison, tree: OpenedTree) -> None:
        self.recorded = recorded
        self.contents = contents
        self.tree = tree
        self.now = {entry.path: entry for entry in found.now.entries}
        self.added = {entry.path for entry in found.diff.added}
        self.missing = {entry.path for entry in found.diff.removed}
        self.pairs = {pair.before.path: pair for pair in found.diff.changed}
        self.failures: list[str] = []
        # Somebody else was at work in the tree at the same time.
        self.disturbed = False
        # What could not be brought back; what is below is not tried.
        self.failed: set[str] = set()
        # What was removed, and the folders in which names changed.
        self.gone: set[str] = set()
        self.touched: set[str] = set()

    def note(self, path: str, error: OSError | GuardError) -> None:
        """Write down why an entry could not be brought back."""
        self.failed.add(path)
        if isinstance(error, OSError):
            self.disturbed = self.disturbed or error.errno in _DISTURBED
            hint = _HINTS.get(error.errno or 0)
            reason = f"{error.strerror or error}" + (f" ({hint})" if hint else "")
        else:
            reason = str(error)
        self.failures.append(f"{absolute(self.recorded.root, path)} was not brought back: {reason}")

    def is_lost(self, path: str) -> bool:
        """Whether a folder above failed, so that nothing can be made here."""
        while path != "." and self.failed:
            path = path.rpartition("/")[0] or "."
            if path in self.failed and (path not in self.now or self.now[path].kind != "folder"):
                return True
        return False

    def touch(self, path: str) -> None:
        """Remember that a name came or went."""
        if path != ".":
            self.touched.add(path.rpartition("/")[0] or ".")

    def has_other_kind(self, path: str) -> bool:
        """Whether something else is there than what was recorded."""
        return path in self.pairs and "kind" in self.pairs[path].fields
