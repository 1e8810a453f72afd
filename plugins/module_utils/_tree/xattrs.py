# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Extended attributes, raw: POSIX ACLs, capabilities and SELinux labels are among them."""

from __future__ import annotations

import errno
import os

# The file system has none, or none for this kind of entry.
_NONE_HERE = (errno.ENOTSUP, errno.ENODATA)
# Belongs to the policy of the host: where it appeared or vanished as a whole, nothing of the entry's own has changed.
SELINUX = "security.selinux"

Xattrs = tuple[tuple[str, bytes], ...]


def read_xattrs(path: str, names: list[str] | None = None) -> Xattrs:
    """The attributes of what is at a path, a link's own, sorted by name; ``names`` if they are known already.

    :raises OSError: they cannot be read
    """
    found = []
    for name in sorted(list_xattrs(path) if names is None else names):
        try:
            found.append((name, os.getxattr(path, name, follow_symlinks=False)))
        except OSError as error:
            if error.errno not in _NONE_HERE:
                raise
    return tuple(found)


def list_xattrs(path: str) -> list[str]:
    """The names of the attributes of what is at a path, a link's own; none where the file system has no such thing.

    :raises OSError: they cannot be listed
    """
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NONE_HERE:
            return []
        raise


def surplus_xattrs(path: str, wanted: Xattrs) -> list[str]:
    """The names of attributes that an open entry (a path of ``/proc/self/fd``) has and should not have."""
    keep = {name for name, unused in wanted} | {SELINUX}
    return [name for name in _list_open(path) if name not in keep]


def _list_open(path: str) -> list[str]:
    try:
        return os.listxattr(path)
    except OSError as error:
        if error.errno in _NONE_HERE:
            return []
        raise


def set_xattrs(path: str, wanted: Xattrs) -> None:
    """Give an open entry (a path of ``/proc/self/fd``) its attributes; those that are right already are not written.

    :raises OSError: one cannot be set
    """
    present = set(_list_open(path)) if wanted else set()
    for name, value in wanted:
        if name not in present or os.getxattr(path, name) != value:
            os.setxattr(path, name, value)
