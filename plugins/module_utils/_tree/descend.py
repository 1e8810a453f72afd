# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The way into a tree that somebody else may be changing: component by component, never through a symbolic link.

Whoever may write in a folder may put a link where a folder stood, at any moment. So a path is never resolved by the kernel
as a whole: each component is opened relative to its parent's descriptor with ``O_NOFOLLOW``, and all work is done relative
to the descriptor that came out.
"""

from __future__ import annotations

import errno
import os
import stat

from .._errors import BadInput, CouldNotLook, Denied, LinkInPath, NothingThere

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opens nothing, only holds: no device wakes up, no writer of a FIFO is waited for, and a link is held itself.
HOLD_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def explain_os_error(what: str, error: OSError) -> CouldNotLook | NothingThere:
    """The exception of ours for an ``OSError`` met while looking at ``what``."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NothingThere(f"{what} does not exist")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Denied(f"{what}: {error.strerror}; it takes root to read it")
    return CouldNotLook(f"{what}: {error.strerror or error}")


def components(path: str) -> list[str]:
    """The names on the way from "/" to an absolute path.

    :raises BadInput: it is not absolute, or not in its plain form
    """
    names = path.split("/")[1:] if path != "/" else []
    if not path.startswith("/") or any(name in ("", ".", "..") or "\0" in name for name in names):
        raise BadInput(f"{path!r} is no plain absolute path: write it from / on, without '.', '..', '//' and a '/' at its end")
    return names


def _explain_way(path: str, name: str, parent: int, error: OSError) -> Exception:
    """Why the component that ends ``path`` could not be opened as a folder."""
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError as second:
            return explain_os_error(path, second)
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(path)
            return LinkInPath(f"{path} is a symbolic link, and none on the way to a recorded path is followed; name what it is: {target}")
    return explain_os_error(path, error)


def open_folder(path: str) -> int:
    """The descriptor of the folder at an absolute path; the caller closes it.

    :raises LinkInPath: the folder or one above it is a symbolic link
    :raises NothingThere: it does not exist, or is no folder
    :raises CouldNotLook: it cannot be opened
    """
    descriptor, way = os.open("/", FOLDER_FLAGS), ""
    for name in components(path):
        way, parent = f"{way}/{name}", descriptor
        try:
            descriptor = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        except OSError as error:
            raise _explain_way(way, name, parent, error) from error
        finally:
            os.close(parent)
    return descriptor


def open_parent(path: str) -> tuple[int, str]:
    """The descriptor of the folder that a path lies in, and the path's last name (``.`` for "/"); raises as
    :func:`open_folder`."""
    names = components(path)
    if not names:
        return open_folder("/"), "."
    return open_folder("/" + "/".join(names[:-1])), names[-1]


def open_below(folder: int, path: str) -> int:
    """The descriptor of a folder at a path relative to an open one (``.`` for itself).

    :raises OSError: there is none, or something on the way is no folder (ENOTDIR: a link, too)
    """
    descriptor = os.dup(folder) if path == "." else -1
    parent = folder
    for name in () if path == "." else path.split("/"):
        try:
            descriptor = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        finally:
            if parent != folder:
                os.close(parent)
        parent = descriptor
    return descriptor


def split(path: str) -> tuple[str, str]:
    """A path relative to a tree's root as the folder that it is in (``.`` for the root) and its last name."""
    folder, _slash, name = path.rpartition("/")
    return folder or ".", name


def by_descriptor(descriptor: int) -> str:
    """A path that leads to an open descriptor's own file, even one that is only held (``O_PATH``) or a link."""
    return f"/proc/self/fd/{descriptor}"
