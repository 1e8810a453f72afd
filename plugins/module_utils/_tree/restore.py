# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A recorded tree -> the tree on the host, as it was. What is right already is not touched."""

from __future__ import annotations

import errno

from .._snapshot.model import Tree, TreeOutcome
from .._snapshot.tree_diff import list_changes, with_content
from .compare import Comparison, compare_with_host
from .contents import Contents
from .files import Files
from .folders import Folders
from .opened import OpenedTree
from .removal import remove_surplus
from .work import Work

# Where somebody else changes the tree meanwhile, another look is worth it; but he may never end.
_PASSES = 3


def restore_tree(recorded: Tree, contents: Contents, check: bool = False) -> TreeOutcome:
    """Bring the tree back to what was recorded; with ``check`` only say what would be done.

    What was added is removed, but for what the snapshot left out and for mount points. What is missing is made again, what
    differs is set right. A regular file whose content differs is replaced as a whole by rename, so that nobody ever reads half
    of it. One entry that fails does not stop the others, and an interrupted restore is run again.

    A file that has further names outside the tree is never written to or changed in place, since whoever may write in the
    tree may have linked another's file there: its name in the tree gets a file of its own, and the names outside keep what
    they have. Sockets are left to whatever listens on them, devices are not made again.

    :raises LinkInPath: a folder on the way to the root is a symbolic link now
    :raises CouldNotLook: the tree cannot be looked at
    """
    found = _find_work(recorded, contents)
    changes = list_changes(recorded.root, found.diff)
    if check or not changes:
        return TreeOutcome(changes, found.failures)
    failures: list[str] = []
    for turn in range(_PASSES):
        if turn:
            found = _find_work(recorded, contents)
        with OpenedTree(recorded.root, make_parent=bool(recorded.entries)) as tree:
            work = Work(recorded, contents, found, tree)
            _bring_back(work, found)
        failures = work.failures
        if not work.disturbed:
            break
    return TreeOutcome(changes, tuple(failures))


def _find_work(recorded: Tree, contents: Contents) -> Comparison:
    """What differs. A file that is there and cannot be read is as good as different: it is replaced."""
    found = compare_with_host(recorded, contents)
    unread = tuple(with_content(pair) for pair in found.diff.unsure)
    return found._replace(diff=found.diff._replace(changed=(*found.diff.changed, *unread), unsure=()))


def _bring_back(work: Work, found: Comparison) -> None:
    """Carry out one pass, in the order that works."""
    for entry in found.diff.hidden:
        work.note(entry.path, OSError(errno.EBUSY, "the recorded entry is hidden"))
    folders = Folders(work)
    remove_surplus(work)
    folders.restore()
    Files(work).restore()
    folders.finish()
