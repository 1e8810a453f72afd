# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""SHA-256 of files, at the speed of the processor."""

from __future__ import annotations

import hashlib
import os
import time
import typing as t

from .._errors import CouldNotLook, NothingThere

_PIECE = 1 << 20


def digest_file(path: str) -> str:
    """The digest of a regular file, in hexadecimal; no link is followed.

    :raises NothingThere: there is none
    :raises CouldNotLook: it cannot be read
    """
    return GrowingDigest(path, is_whole=True).run()


class GrowingDigest:
    """The digest of a file that somebody else is still writing, worked out beside that."""

    def __init__(self, path: str, is_whole: bool = False) -> None:
        self._path = path
        self._is_whole = is_whole

    def finish(self) -> None:
        """The file is whole now: go on to its end, and no further."""
        self._is_whole = True

    def run(self) -> str:
        """Read the file until :meth:`finish` was called and its end is reached."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                return self._read_all(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError as error:
            raise NothingThere(f"{self._path} does not exist") from error
        except OSError as error:
            raise CouldNotLook(f"{self._path}: {error.strerror}") from error

    def _read_all(self, descriptor: int) -> str:
        digest, buffer = hashlib.sha256(), bytearray(_PIECE)
        view: t.Any = memoryview(buffer)
        while True:
            was_whole = self._is_whole  # asked before the read that finds the end
            got = os.readv(descriptor, [buffer])
            if got:
                digest.update(view[:got])
            elif was_whole:
                return digest.hexdigest()
            else:
                time.sleep(0.003)
