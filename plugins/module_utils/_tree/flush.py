# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What was written is made to outlive a power cut."""

from __future__ import annotations

import errno
import os
import typing as t

# From here on one flush of the file system is cheaper than one for each file: every fsync waits for the disk's own cache,
# some 0.3 ms, while syncfs of 256 small files waits once.
FEW = 8


def flush(descriptors: t.Sequence[int]) -> None:
    """Write files or folders of one file system to the disk.

    Never by sync(2), which waits for every file system, also for one whose server the change has cut off.

    :raises OSError: one could not be written
    """
    if len(descriptors) > FEW and flush_file_system(descriptors[0]):
        return
    for descriptor in descriptors:
        os.fsync(descriptor)


def flush_file_system(descriptor: int) -> bool:
    """Flush the file system that an open file is on (syncfs(2)), and say whether that can be done here.

    :raises OSError: something could not be written
    """
    try:
        import ctypes

        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, AttributeError):
        return False  # a Python without ctypes, a C library without it
    if syncfs(descriptor) == 0:
        return True
    reason = ctypes.get_errno()
    if reason in (errno.ENOSYS, errno.EBADF):
        return False
    raise OSError(reason, os.strerror(reason))
