# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The contents of recorded files, and their comparison."""

from __future__ import annotations

import os
import typing as t

CHUNK = 1 << 18
# The smallest run of zeros that is made a hole: the block size of most file systems.
BLOCK = 4096
_ZEROS = bytes(CHUNK)


class Contents(t.Protocol):
    """The contents of a recorded tree's regular files, wherever they are kept."""

    def open(self, path: str) -> t.BinaryIO:
        """The content of a regular file by its path relative to the root (``.`` for a root that is a file), from its first
        byte, holes as zeros. Every name of a file with several opens it.

        :raises GuardError: it is not there or cannot be read
        """


def read_full(stream: t.BinaryIO, size: int = CHUNK) -> bytes:
    """Exactly ``size`` bytes, or fewer at the end."""
    piece = stream.read(size)
    while 0 < len(piece) < size:
        more = stream.read(size - len(piece))
        if not more:
            break
        piece += more
    return piece


def same_content(one: t.BinaryIO, other: t.BinaryIO) -> bool:
    """Whether two streams hold the same bytes from here to their ends."""
    while True:
        piece = read_full(one)
        if piece != read_full(other):
            return False
        if not piece:
            return True


def copy_content(source: t.BinaryIO, descriptor: int, sparse: bool) -> int:
    """Write a stream to an empty file, runs of zeros as holes if ``sparse``, and give its length in bytes.

    :raises OSError: it could not be written
    """
    length = 0
    while True:
        piece = read_full(source)
        if not piece:
            break
        if not sparse:
            _write_all(descriptor, piece, length)
        elif piece != _ZEROS[: len(piece)]:
            _write_blocks(descriptor, piece, length)
        length += len(piece)
    os.ftruncate(descriptor, length)
    return length


def _write_all(descriptor: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _write_blocks(descriptor: int, piece: bytes, offset: int) -> None:
    for start in range(0, len(piece), BLOCK):
        block = piece[start : start + BLOCK]
        if block != _ZEROS[: len(block)]:
            _write_all(descriptor, block, offset + start)
