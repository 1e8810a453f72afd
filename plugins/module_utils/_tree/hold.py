# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A folder held open, so that another process can work in it without a path being resolved through anybody's links."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from .._errors import NothingThere
from .descend import FOLDER_FLAGS, explain_os_error, open_parent


class Held(t.NamedTuple):
    """``folder`` is a path that leads any process to the folder, whatever becomes of the names on the way to it; ``member``
    is what in it is meant, empty for the folder itself."""

    folder: str
    member: str


@contextlib.contextmanager
def hold(root: str) -> t.Iterator[Held]:
    """Hold what is at an absolute path: a folder itself, of anything else the folder that it lies in.

    :raises LinkInPath: a folder on the way is a symbolic link
    :raises NothingThere: there is nothing
    :raises CouldNotLook: it cannot be opened
    """
    parent, name = open_parent(root)
    descriptor = -1
    try:
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                descriptor = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        except OSError as error:
            raise explain_os_error(root, error) from error
        own = f"/proc/{os.readlink('/proc/self')}/fd"
        yield Held(f"{own}/{descriptor}", "") if descriptor >= 0 else Held(f"{own}/{parent}", name)
    finally:
        os.close(parent)
        if descriptor >= 0:
            os.close(descriptor)


def is_there(root: str) -> bool:
    """Whether there is anything at an absolute path, no link on the way followed."""
    try:
        with hold(root):
            return True
    except NothingThere:
        return False
