# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A tree's root, held open: entries below it are reached from there, and no link on the way is followed."""

from __future__ import annotations

import errno
import os
import stat
import types

from .._errors import NothingThere
from .descend import FOLDER_FLAGS, HOLD_FLAGS, by_descriptor, components, open_below, open_folder, open_parent, split

_MOST_OPEN = 128


class OpenedTree:
    """The tree at an absolute path; a context manager, so that its descriptors are closed.

    :raises LinkInPath: a folder on the way to it is a symbolic link
    :raises NothingThere: the folder that it lies in does not exist (unless it is to be made)
    :raises CouldNotLook: that folder cannot be opened
    """

    def __init__(self, root: str, make_parent: bool = False) -> None:
        self.root = root
        try:
            self._parent, self._name = open_parent(root)
        except NothingThere:
            if not make_parent:
                raise
            self._parent, self._name = _make_parents(root)
        self._folders: dict[str, int] = {}

    def __enter__(self) -> OpenedTree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        self.forget_folders()
        os.close(self._parent)

    def forget_folders(self) -> None:
        """Close the folders that were opened: their names may lead elsewhere from now on."""
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()

    def folder(self, path: str) -> int:
        """The descriptor of a folder of the tree; it stays this object's to close.

        :raises OSError: it is not there, or is no folder
        """
        descriptor = self._folders.get(path)
        if descriptor is None:
            if len(self._folders) >= _MOST_OPEN:
                self.forget_folders()
            descriptor = self._open(path)
            self._folders[path] = descriptor
        return descriptor

    def _open(self, path: str) -> int:
        if self._name == ".":
            return open_below(self._parent, path)
        top = os.open(self._name, FOLDER_FLAGS, dir_fd=self._parent)
        try:
            return open_below(top, path)
        finally:
            os.close(top)

    def place(self, path: str) -> tuple[int, str]:
        """The folder (its descriptor) in which an entry is, and its name there.

        :raises OSError: the folder is not there
        """
        if path == ".":
            return self._parent, self._name
        folder, name = split(path)
        return self.folder(folder), name

    def hold(self, path: str) -> int:
        """A descriptor that holds an entry without opening it; the caller closes it.

        :raises OSError: it is not there
        """
        folder, name = self.place(path)
        return os.open(name, HOLD_FLAGS, dir_fd=folder)

    def open_regular(self, path: str) -> int:
        """A descriptor to read a regular file by; the caller closes it.

        :raises OSError: it is not there, is no regular file (ESTALE), or another process has a lease on it (EAGAIN)
        """
        held = self.hold(path)
        try:
            if not stat.S_ISREG(os.fstat(held).st_mode):
                raise OSError(errno.ESTALE, "it is no regular file any more", path)
            return os.open(by_descriptor(held), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(held)


def _make_parents(root: str) -> tuple[int, str]:
    """As :func:`open_parent`, and folders that are missing on the way are made, root's and with mode 0755."""
    names = components(root)
    for depth in range(1, len(names)):
        parent = open_folder("/" + "/".join(names[: depth - 1]))
        try:
            os.mkdir(names[depth - 1], 0o755, dir_fd=parent)
        except FileExistsError:
            pass
        finally:
            os.close(parent)
    return open_parent(root)
