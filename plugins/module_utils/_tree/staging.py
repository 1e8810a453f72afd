# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Where new entries are made before they get their names: a folder that nobody else can enter."""

from __future__ import annotations

import os
import re
import secrets
import stat
import typing as t

from .._snapshot.model import Entry
from .contents import copy_content
from .descend import FOLDER_FLAGS, HOLD_FLAGS, by_descriptor
from .xattrs import set_xattrs, surplus_xattrs

PREFIX = ".guarded-deploy."
_LEFTOVER = re.compile(r"\.guarded-deploy\.[0-9a-f]{16}")


class Staging:
    """A folder of mode 0700 in the folder ``parent`` (a descriptor), so on the file system of the tree. What is made in it
    cannot be exchanged by whoever may write in the tree; it is renamed out when it is finished.

    :raises OSError: it cannot be made
    """

    def __init__(self, parent: int) -> None:
        self._parent = os.dup(parent)
        self._name = PREFIX + secrets.token_hex(8)
        self._count = 0
        try:
            os.mkdir(self._name, 0o700, dir_fd=self._parent)
            self.folder = os.open(self._name, FOLDER_FLAGS, dir_fd=self._parent)
            found = os.fstat(self.folder)
            if found.st_uid != os.geteuid() or os.listdir(self.folder):
                os.close(self.folder)
                raise OSError(f"{self._name} was exchanged while it was made")
            os.fchmod(self.folder, 0o700)
        except BaseException:
            os.close(self._parent)
            raise

    def close(self) -> None:
        """Remove it with all that is left in it."""
        try:
            _empty(self.folder)
            os.rmdir(self._name, dir_fd=self._parent)
        except OSError:
            pass  # moved away by somebody, or the next restore's to remove: it has a name of ours
        os.close(self.folder)
        os.close(self._parent)

    def next_name(self) -> str:
        """A name that is not in use in it."""
        self._count += 1
        return str(self._count)

    def make_file(self, content: t.BinaryIO, sparse: bool, size: int) -> tuple[str, int]:
        """A regular file with a content; its name here and a descriptor, the caller's to close.

        :raises OSError: it could not be written, or the content has not the size that was recorded
        """
        name = self.next_name()
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.folder)
        try:
            length = copy_content(content, descriptor, sparse)
            if length != size:
                raise OSError(f"the snapshot holds {length} bytes of its content instead of {size}")
        except BaseException:
            os.close(descriptor)
            os.unlink(name, dir_fd=self.folder)
            raise
        return name, descriptor

    def make_special(self, entry: Entry) -> tuple[str, int]:
        """A symbolic link or a FIFO; its name here and a descriptor that holds it, the caller's to close.

        :raises OSError: it could not be made
        """
        name = self.next_name()
        if entry.kind == "link":
            os.symlink(entry.target, name, dir_fd=self.folder)
        elif entry.kind == "fifo":
            os.mkfifo(name, 0o600, dir_fd=self.folder)
        else:
            raise OSError(f"a {entry.kind} is not made again by a restore; whatever made it has to")
        return name, os.open(name, HOLD_FLAGS, dir_fd=self.folder)


def _empty(folder: int) -> None:
    for name in os.listdir(folder):
        os.unlink(name, dir_fd=folder)


def remove_leftovers(parent: int) -> None:
    """Remove the staging folders that a killed restore left in a folder: ours by name, owner and mode.

    :raises OSError: one cannot be removed
    """
    for name in os.listdir(parent):
        if not _LEFTOVER.fullmatch(name):
            continue
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o7777 != 0o700:
            continue
        folder = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        try:
            _empty(folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)


def dress(descriptor: int, entry: Entry, times: bool = True, fresh: bool = False) -> None:
    """Give an open (or held) entry the recorded owner, mode, attributes and times. Only what differs is written; a fresh
    entry's time of access becomes its mtime.

    :raises OSError: something could not be set
    """
    path = by_descriptor(descriptor)
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) != (entry.uid, entry.gid):
        # Takes away capabilities and the setuid bit, so it comes first.
        os.chown(path, entry.uid, entry.gid)
    for name in surplus_xattrs(path, entry.xattrs):
        os.removexattr(path, name)
    _set_mode(path, descriptor, entry)
    set_xattrs(path, entry.xattrs)
    _set_mode(path, descriptor, entry)
    if times:
        set_times(descriptor, entry, fresh)


def _set_mode(path: str, descriptor: int, entry: Entry) -> None:
    """An ACL and the mode change each other, so this is done before and looked at after."""
    if entry.kind != "link" and os.fstat(descriptor).st_mode & 0o7777 != entry.mode:
        os.chmod(path, entry.mode)


def set_times(descriptor: int, entry: Entry, fresh: bool = False) -> None:
    """Give an open (or held) entry its recorded mtime, if it has another.

    :raises OSError: it could not be set
    """
    found = os.fstat(descriptor)
    if fresh or found.st_mtime_ns != entry.mtime_ns:
        accessed = entry.mtime_ns if fresh else found.st_atime_ns
        os.utime(by_descriptor(descriptor), ns=(accessed, entry.mtime_ns))
