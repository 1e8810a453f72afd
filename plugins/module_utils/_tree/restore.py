# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.
"""A recorded tree -> the tree on the host, as it was. What is right already is not touched."""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from .._errors import GuardError
from .._snapshot.model import Entry, Tree, TreeOutcome
from .._snapshot.tree_diff import absolute, group_names, list_changes, with_content
from .compare import Comparison, compare_with_host
from .contents import Contents
from .descend import by_descriptor
from .flush import FEW, flush, flush_file_system
from .opened import OpenedTree
from .staging import Staging, dress, remove_leftovers, set_times

# Somebody else changed the tree between our look and our step: worth another look.
_DISTURBED = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ESTALE)
_PASSES = 3
# Files that are written, and held open, before they are flushed together.
_BATCH = 256
_HINTS = {
    errno.EPERM: "is it immutable (lsattr)?",
    errno.EBUSY: "something is mounted there",
    errno.ENOSPC: "free some space and restore again",
    errno.EDQUOT: "raise the quota and restore again",
    errno.EROFS: "remount it writable and restore again",
    errno.ENOTEMPTY: "something appeared in it meanwhile, or it holds what the snapshot leaves out",
}


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
            restoration = _Restoration(recorded, contents, found, tree)
            restoration.run()
        failures = restoration.failures
        if not restoration.disturbed:
            break
    return TreeOutcome(changes, tuple(failures))


def _find_work(recorded: Tree, contents: Contents) -> Comparison:
    """What differs. A file that is there and cannot be read is as good as different: it is replaced."""
    found = compare_with_host(recorded, contents)
    unread = tuple(with_content(pair) for pair in found.diff.unsure)
    return found._replace(diff=found.diff._replace(changed=(*found.diff.changed, *unread), unsure=()))


def _is_safe_to_keep(recorded: Entry, now: Entry) -> bool:
    """Whether a file may get back its owner and mode as it is. Whoever had it may still have it open for writing: what root
    is to own, or what runs with rights of its own, is replaced by a file that nobody has open."""
    if recorded.kind != "file" or (recorded.uid, recorded.mode) == (now.uid, now.mode):
        return True
    privileged = recorded.mode & 0o6000 or any(name == "security.capability" for name, _value in recorded.xattrs)
    return not privileged and (recorded.uid != 0 or now.uid == 0)


class _Made(t.NamedTuple):
    """A file that is finished but for its names; ``name`` is the one in the staging folder."""

    members: tuple[Entry, ...]
    name: str
    descriptor: int


class _Restoration:
    """One pass over the differences."""

    def __init__(self, recorded: Tree, contents: Contents, found: Comparison, tree: OpenedTree) -> None:
        self.recorded = recorded
        self.contents = contents
        self.found = found
        self.tree = tree
        self.failures: list[str] = []
        self.disturbed = False
        self.now = {entry.path: entry for entry in found.now.entries}
        self.pairs = {pair.before.path: pair for pair in found.diff.changed}
        self.missing = {entry.path for entry in found.diff.removed}
        self.failed: set[str] = set()  # paths that could not be brought back; what is below them is not tried
        self.gone: set[str] = set()  # paths that this pass removed
        self.fresh_folders: dict[str, Entry] = {}
        self.touched: set[str] = set()  # folders in which names changed
        self.staging: Staging | None = None
        self.batch: list[_Made] = []

    def run(self) -> None:
        for entry in self.found.diff.hidden:
            self._note(entry.path, OSError(errno.EBUSY, "the recorded entry is hidden"))
        self._remove_surplus()
        # What was opened may have been removed.
        self.tree.forget_folders()
        self._restore_folders()
        try:
            self._restore_files()
        finally:
            self._discard(self.batch)
            if self.staging is not None:
                self.staging.close()
        self._finish_folders()

    # What fails is written down and the next is tried.

    def _note(self, path: str, error: OSError | GuardError) -> None:
        self.failed.add(path)
        if isinstance(error, OSError):
            self.disturbed = self.disturbed or error.errno in _DISTURBED
            hint = _HINTS.get(error.errno or 0)
            reason = f"{error.strerror or error}" + (f" ({hint})" if hint else "")
        else:
            reason = str(error)
        self.failures.append(f"{absolute(self.recorded.root, path)} was not brought back: {reason}")

    def _is_lost(self, path: str) -> bool:
        """Whether a folder above failed, so that nothing can be made here."""
        while path != "." and self.failed:
            path = path.rpartition("/")[0] or "."
            if path in self.failed and (path not in self.now or self.now[path].kind != "folder"):
                return True
        return False

    def _touch(self, path: str) -> None:
        if path != ".":
            self.touched.add(path.rpartition("/")[0] or ".")

    # 1. What must not be there.

    def _remove_surplus(self) -> None:
        surplus = {entry.path for entry in self.found.diff.added}
        # A folder in place of something else, or something else in place of a folder.
        surplus |= {
            path for path, pair in self.pairs.items() if "kind" in pair.fields and "folder" in (pair.before.kind, pair.now.kind)
        }
        staying: set[str] = set()
        for entry in reversed(self.found.now.entries):
            if entry.path not in surplus:
                continue
            if entry.path in staying:
                staying.add(entry.path.rpartition("/")[0] or ".")  # the reason was given for what is in it
                self.failed.add(entry.path)
                continue
            try:
                self._remove(entry)
            except OSError as error:
                self._note(entry.path, error)
                staying.add(entry.path.rpartition("/")[0] or ".")

    def _remove(self, entry: Entry) -> None:
        folder, name = self.tree.place(entry.path)
        try:
            if entry.kind == "folder":
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        self.gone.add(entry.path)
        self._touch(entry.path)

    # 2. Folders, from the top.

    def _restore_folders(self) -> None:
        for entry in self.recorded.entries:
            if entry.kind != "folder":
                continue
            pair = self.pairs.get(entry.path)
            try:
                if entry.path in self.missing or (pair is not None and "kind" in pair.fields):
                    if entry.path not in self.failed and not self._is_lost(entry.path):
                        self._make_folder(entry)
                elif pair is not None and pair.fields != ("times",):
                    dress(self.tree.folder(entry.path), entry, times=False)
            except OSError as error:
                self._note(entry.path, error)

    def _make_folder(self, entry: Entry) -> None:
        folder, name = self.tree.place(entry.path)
        # Nobody else's until it is complete.
        os.mkdir(name, 0o700, dir_fd=folder)
        self.fresh_folders[entry.path] = entry
        self._touch(entry.path)

    # 3. All else, file by file; a file may have several names.

    def _restore_files(self) -> None:
        names = group_names(self.recorded.entries)
        by_path = {entry.path: entry for entry in self.recorded.entries} if names else {}
        done: set[int] = set()
        for entry in self.recorded.entries:
            if entry.kind in ("folder", "socket") or not (entry.path in self.pairs or entry.path in self.missing):
                continue
            if entry.inode in done:
                continue
            members = [entry]
            if entry.links > 1:
                done.add(entry.inode)
                members = [by_path[name] for name in names[entry.inode]]
            self._restore_names(tuple(member for member in members if not self._is_lost(member.path)))
        self._place_batch()

    def _restore_names(self, members: tuple[Entry, ...]) -> None:
        """Bring back a file under all its names in the tree."""
        if not members:
            return
        try:
            if not self._keep(members):
                self.batch.append(self._make(members))
                if len(self.batch) >= _BATCH:
                    self._place_batch()
        except (OSError, GuardError) as error:
            self._note(members[0].path, error)

    def _keep(self, members: tuple[Entry, ...]) -> bool:
        """Use a file that is there already and has the right content, if there is one."""
        for member in members:
            now = self.now.get(member.path)
            if now is None or member.path in self.missing or not self._is_content_right(member.path):
                continue
            held = self.tree.hold(member.path)
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
        pair = self.pairs.get(path)
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
            folder, name = self.tree.place(member.path)
            return os.path.samestat(os.fstat(held), os.stat(name, dir_fd=folder, follow_symlinks=False))
        except OSError:
            return False

    def _make(self, members: tuple[Entry, ...]) -> _Made:
        """A new file, complete but for its names."""
        entry = members[0]
        staging = self._get_staging()
        if entry.kind == "file":
            with self.contents.open(entry.path) as content:
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
        if self.staging is None:
            top = self.recorded.entries[0].kind == "folder"
            folder = self.tree.folder(".") if top else self.tree.place(".")[0]
            if not top:
                remove_leftovers(folder)
            self.staging = Staging(folder)
            if top:
                self.touched.add(".")
        return self.staging

    def _place_batch(self) -> None:
        batch, self.batch = self.batch, []
        try:
            # Content first, then the name: after a power cut the old file is there or the new one, never an empty one.
            flush([made.descriptor for made in batch if made.members[0].kind == "file"])
        except OSError as error:
            for made in batch:
                self._note(made.members[0].path, error)
        for made in batch:
            if made.members[0].path in self.failed:
                continue
            for number, member in enumerate(made.members):
                try:
                    self._place(made, member, last=number == len(made.members) - 1)
                except OSError as error:
                    self._note(member.path, error)
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
        folder, last = self.tree.place(member.path)
        os.rename(name, last, src_dir_fd=staging.folder, dst_dir_fd=folder)
        self._touch(member.path)

    # 4. Folders once more, from the bottom: what was done in them changed their times.

    def _finish_folders(self) -> None:
        finished = []
        for entry in reversed(self.recorded.entries):
            if entry.kind != "folder" or self._is_lost(entry.path):
                continue
            pair = self.pairs.get(entry.path)
            fresh, touched = entry.path in self.fresh_folders, entry.path in self.touched
            if not fresh and not touched and (pair is None or entry.path in self.failed):
                continue
            try:
                self._finish_folder(entry, fresh)
                finished.append(entry.path)
            except OSError as error:
                self._note(entry.path, error)
        try:
            self._flush_folders(finished)
        except OSError as error:
            self._note(".", error)

    def _flush_folders(self, paths: t.Sequence[str]) -> None:
        if len(paths) <= FEW or not flush_file_system(self.tree.folder(".")):
            for path in paths:
                os.fsync(self.tree.folder(path))
        if "." in self.missing or "." in self.pairs or "." in self.gone:
            os.fsync(self.tree.place(".")[0])

    def _finish_folder(self, entry: Entry, fresh: bool) -> None:
        folder = self.tree.folder(entry.path)
        if fresh:
            dress(folder, entry, times=False)
        set_times(folder, entry)
