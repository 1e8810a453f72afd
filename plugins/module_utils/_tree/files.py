# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A tree's files, links and FIFOs are brought back, each under all its names."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import GuardError
from .._snapshot.tree_diff import group_names
from .descend import by_descriptor
from .flush import flush
from .staging import Staging, dress, remove_leftovers

if t.TYPE_CHECKING:
    from .._snapshot.model import Entry
    from .work import Work

# Files that are written, and held open, before they are flushed together.
_BATCH = 256


class _Made(t.NamedTuple):
    """A file that is finished but for its names; ``name`` is the one in the staging folder."""

    members: tuple[Entry, ...]
    name: str
    descriptor: int


def _is_safe_to_keep(recorded: Entry, now: Entry) -> bool:
    """Whether a file may get back its owner and mode as it is. Whoever had it may still have it open for writing: what root
    is to own, or what runs with rights of its own, is replaced by a file that nobody has open."""
    if recorded.kind != "file" or (recorded.uid, recorded.mode) == (now.uid, now.mode):
        return True
    privileged = recorded.mode & 0o6000 or any(name == "security.capability" for name, _value in recorded.xattrs)
    return not privileged and (recorded.uid != 0 or now.uid == 0)


class Files:
    """All of one pass that is no folder."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._staging: Staging | None = None
        self._batch: list[_Made] = []

    def restore(self) -> None:
        """Bring back what is missing or differs."""
        try:
            self._restore_files()
        finally:
            self._discard(self._batch)
            if self._staging is not None:
                self._staging.close()

    def _restore_files(self) -> None:
        names = group_names(self._work.recorded.entries)
        by_path = {entry.path: entry for entry in self._work.recorded.entries} if names else {}
        done: set[int] = set()
        for entry in self._work.recorded.entries:
            if entry.kind in ("folder", "socket") or not (entry.path in self._work.pairs or entry.path in self._work.missing):
                continue
            if entry.inode in done:
                continue
            members = [entry]
            if entry.links > 1:
                done.add(entry.inode)
                members = [by_path[name] for name in names[entry.inode]]
            self._restore_names(tuple(member for member in members if not self._work.is_lost(member.path)))
        self._place_batch()

    def _restore_names(self, members: tuple[Entry, ...]) -> None:
        """Bring back a file under all its names in the tree."""
        if not members:
            return
        try:
            if not self._keep(members):
                self._batch.append(self._make(members))
                if len(self._batch) >= _BATCH:
                    self._place_batch()
        except (OSError, GuardError) as error:
            self._work.note(members[0].path, error)

    def _keep(self, members: tuple[Entry, ...]) -> bool:
        """Use a file that is there already and has the right content, if there is one."""
        for member in members:
            now = self._work.now.get(member.path)
            if now is None or member.path in self._work.missing or not self._is_content_right(member.path):
                continue
            held = self._work.tree.hold(member.path)
            try:
                if self._is_ours(held, now, members) and _is_safe_to_keep(member, now):
                    dress(held, member)
                    for other in members:
                        if not self._is_name_of(held, other):
                            self._link(by_descriptor(held), other)
                    return True
            finally:
                os.close(held)
        return False

    def _is_content_right(self, path: str) -> bool:
        pair = self._work.pairs.get(path)
        return pair is None or not {"kind", "content", "target"} & set(pair.fields)

    def _is_ours(self, held: int, now: Entry, members: tuple[Entry, ...]) -> bool:
        """Whether the file is the one that was looked at, unchanged since, and all its names are names that it should have.

        An inode number alone says nothing: it is given to the next file as soon as the last name is gone."""
        found = os.fstat(held)
        if found.st_ino != now.inode & (1 << 64) - 1 or found.st_ctime_ns != now.ctime_ns or stat.S_ISDIR(found.st_mode):
            return False
        return found.st_nlink == 1 or found.st_nlink == sum(1 for member in members if self._is_name_of(held, member))

    def _is_name_of(self, held: int, member: Entry) -> bool:
        try:
            folder, name = self._work.tree.place(member.path)
            return os.path.samestat(os.fstat(held), os.stat(name, dir_fd=folder, follow_symlinks=False))
        except OSError:
            return False

    def _make(self, members: tuple[Entry, ...]) -> _Made:
        """A new file, complete but for its names."""
        entry = members[0]
        staging = self._get_staging()
        if entry.kind == "file":
            with self._work.contents.open(entry.path) as content:
                sparse = entry.blocks * 512 < entry.size
                name, descriptor = staging.make_file(content, sparse, entry.size)
        else:
            name, descriptor = staging.make_special(entry)
        try:
            dress(descriptor, entry, fresh=True)
        except BaseException:
            os.close(descriptor)
            os.unlink(name, dir_fd=staging.folder)
            raise
        return _Made(members, name, descriptor)

    def _get_staging(self) -> Staging:
        """In the tree's root, or beside a root that is no folder."""
        if self._staging is None:
            top = self._work.recorded.entries[0].kind == "folder"
            folder = self._work.tree.folder(".") if top else self._work.tree.place(".")[0]
            if not top:
                remove_leftovers(folder)
            self._staging = Staging(folder)
            if top:
                self._work.touched.add(".")
        return self._staging

    def _place_batch(self) -> None:
        batch, self._batch = self._batch, []
        try:
            # Content first, then the name: after a power cut the old file is there or the new one, never an empty one.
            flush([made.descriptor for made in batch if made.members[0].kind == "file"])
        except OSError as error:
            for made in batch:
                self._work.note(made.members[0].path, error)
        for made in batch:
            if made.members[0].path in self._work.failed:
                continue
            for number, member in enumerate(made.members):
                try:
                    self._place(made, member, last=number == len(made.members) - 1)
                except OSError as error:
                    self._work.note(member.path, error)
        self._discard(batch)

    def _discard(self, batch: t.Sequence[_Made]) -> None:
        """Close what was made; what got no name is removed with the staging folder."""
        for made in batch:
            os.close(made.descriptor)

    def _place(self, made: _Made, member: Entry, last: bool) -> None:
        if last:
            self._rename(made.name, member)
        else:
            self._link(by_descriptor(made.descriptor), member)

    def _link(self, source: str, member: Entry) -> None:
        """Give an open file one more name."""
        staging = self._get_staging()
        name = staging.next_name()
        # The kernel follows the link that stands for the descriptor (linkat(2), AT_SYMLINK_FOLLOW), and none beyond.
        os.link(source, name, dst_dir_fd=staging.folder, follow_symlinks=True)
        self._rename(name, member)

    def _rename(self, name: str, member: Entry) -> None:
        staging = self._get_staging()
        folder, last = self._work.tree.place(member.path)
        os.rename(name, last, src_dir_fd=staging.folder, dst_dir_fd=folder)
        self._work.touch(member.path)
