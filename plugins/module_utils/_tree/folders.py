# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A tree's folders are brought back: from the top before what is in them, and from the bottom after it."""

from __future__ import annotations

import os
import typing as t

from .flush import FEW, flush_file_system
from .staging import dress, set_times

if t.TYPE_CHECKING:
    from .._snapshot.model import Entry
    from .work import Work


class Folders:
    """The folders of one pass."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._made: set[str] = set()

    def restore(self) -> None:
        """Make those that are missing, and give the others their owner, mode and attributes."""
        for entry in self._work.recorded.entries:
            if entry.kind == "folder":
                try:
                    self._restore_folder(entry)
                except OSError as error:
                    self._work.note(entry.path, error)

    def _restore_folder(self, entry: Entry) -> None:
        path, work = entry.path, self._work
        if path in work.missing or work.has_other_kind(path):
            if path not in work.failed and not work.is_lost(path):
                self._make_folder(entry)
        elif path in work.pairs and work.pairs[path].fields != ("times",):
            dress(work.tree.folder(path), entry, times=False)

    def _make_folder(self, entry: Entry) -> None:
        folder, name = self._work.tree.place(entry.path)
        # Nobody else's until it is complete.
        os.mkdir(name, 0o700, dir_fd=folder)
        self._made.add(entry.path)
        self._work.touch(entry.path)

    def finish(self) -> None:
        """Give new folders what was recorded of them, and all their times: what was done in them changed these."""
        finished = []
        for entry in reversed(self._work.recorded.entries):
            if entry.kind != "folder" or self._work.is_lost(entry.path):
                continue
            if not self._is_to_be_finished(entry.path):
                continue
            try:
                self._finish_folder(entry)
                finished.append(entry.path)
            except OSError as error:
                self._work.note(entry.path, error)
        try:
            self._flush_folders(finished)
        except OSError as error:
            self._work.note(".", error)

    def _is_to_be_finished(self, path: str) -> bool:
        differs = path in self._work.pairs and path not in self._work.failed
        return path in self._made or path in self._work.touched or differs

    def _flush_folders(self, paths: t.Sequence[str]) -> None:
        if len(paths) <= FEW or not flush_file_system(self._work.tree.folder(".")):
            for path in paths:
                os.fsync(self._work.tree.folder(path))
        if "." in self._work.missing or "." in self._work.pairs or "." in self._work.gone:
            os.fsync(self._work.tree.place(".")[0])

    def _finish_folder(self, entry: Entry) -> None:
        folder = self._work.tree.folder(entry.path)
        if entry.path in self._made:
            dress(folder, entry, times=False)
        set_times(folder, entry)
