# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a container printed, as the engine's API hands it over."""

from __future__ import annotations

import struct

# Docker Engine API, "Attach to a container", stream format: one byte stream type, three of zero, four of length.
_FRAME = struct.Struct(">B3xL")
_STREAMS = (0, 1, 2)


def parse_log_stream(raw: bytes) -> str:
    """The text of ``GET /containers/<id>/logs``.

    Standard output and error are interleaved in frames, unless the container has a terminal: then the text comes as it
    is. Which of the two it is shows in the bytes. Bytes that are not UTF-8 are replaced.
    """
    pieces = []
    offset = 0
    while offset < len(raw):
        if len(raw) - offset < _FRAME.size:
            return raw.decode("utf-8", "replace")
        stream, length = _FRAME.unpack_from(raw, offset)
        start = offset + _FRAME.size
        if stream not in _STREAMS or raw[offset + 1 : offset + 4] != b"\0\0\0":
            return raw.decode("utf-8", "replace")
        pieces.append(raw[start : start + length])
        offset = start + length
    return b"".join(pieces).decode("utf-8", "replace")
