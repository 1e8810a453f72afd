# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The beginning of a file, recorded or present: as much as a person is shown."""

from __future__ import annotations

import os
import typing as t

from .._errors import CouldNotLook
from .contents import read_full
from .opened import OpenedTree

if t.TYPE_CHECKING:
    from .contents import Contents


def read_recorded(contents: Contents, path: str, most: int) -> bytes:
    """The first ``most`` bytes of a recorded file, by its path relative to the root.

    :raises GuardError: it is not there or cannot be read
    """
    with contents.open(path) as stream:
        return read_full(stream, most)


def read_present(root: str, path: str, most: int) -> bytes:
    """The first ``most`` bytes of a regular file below ``root``, no link followed.

    :raises CouldNotLook: it cannot be read, or is no regular file (any more)
    """
    try:
        with OpenedTree(root) as tree, os.fdopen(tree.open_regular(path), "rb") as stream:
            return read_full(stream, most)
    except OSError as error:
        raise CouldNotLook(f"{root} {path}: {error.strerror}") from error
