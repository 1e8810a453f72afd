# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What was added to a tree is removed from it."""

from __future__ import annotations

import os
import typing as t

if t.TYPE_CHECKING:
    from .._snapshot.model import Entry
    from .work import Work


def remove_surplus(work: Work) -> None:
    """Remove what was not there, and what stands where a folder was or in a folder's place. What is in a folder goes before
    it; a folder of which something stays, stays."""
    surplus = work.added | {path for path, pair in work.pairs.items() if _clears_the_place(work, path, (pair.before.kind, pair.now.kind))}
    staying: set[str] = set()
    for entry in reversed(tuple(work.now.values())):
        if entry.path not in surplus:
            continue
        if entry.path in staying:
            work.failed.add(entry.path)  # the reason was given for what is in it
        else:
            try:
                _remove(work, entry)
                continue
            except OSError as error:
                work.note(entry.path, error)
        staying.add(entry.path.rpartition("/")[0] or ".")
    # What was opened on the way may have been removed.
    work.tree.forget_folders()


def _clears_the_place(work: Work, path: str, kinds: tuple[str, str]) -> bool:
    """Whether a rename cannot put the recorded entry there: between folders and all else it does not."""
    return work.has_other_kind(path) and "folder" in kinds


def _remove(work: Work, entry: Entry) -> None:
    folder, name = work.tree.place(entry.path)
    try:
        if entry.kind == "folder":
            os.rmdir(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    work.gone.add(entry.path)
    work.touch(entry.path)
