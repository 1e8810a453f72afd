# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""One member of a tar archive, read where it is known to begin.

The format is POSIX ustar with pax headers (pax(1), "pax Header Block") and GNU's sparse format 1.0 (GNU tar manual, "PAX
Format, Version 1.0"): what GNU tar writes with ``--format=posix --sparse``. ``tarfile`` would read the same, and takes
longer to load than most restores take.
"""

from __future__ import annotations

import io
import os
import typing as t

from .._errors import Damaged

BLOCK = 512
_FILE, _LINK, _PAX = (b"0", b"\0"), b"1", b"x"


class Member(t.NamedTuple):
    """What a header says. ``extents`` are the pieces of its content: where each begins in the file, its length, and where
    it begins in the archive; between them there are zeros. ``link`` is the name of the member that has the content, empty
    where it is this one. ``end`` is the first byte after it, a multiple of 512."""

    name: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    kind: bytes
    extents: tuple[tuple[int, int, int], ...]
    link: str
    end: int


def read_member(archive: int, block: int, where: str) -> Member:
    """The member that begins at a block of an open archive.

    :raises Damaged: none begins there; the text names ``where``
    """
    try:
        return _parse(archive, block * BLOCK)
    except (ValueError, IndexError) as error:
        raise Damaged(f"{where} has no member at block {block}: {error}") from error


def _parse(archive: int, start: int) -> Member:
    pax: dict[bytes, bytes] = {}
    header = _header(archive, start)
    if header[156:157] == _PAX:
        length = _number(header[124:136])
        pax = _parse_pax(os.pread(archive, length, start + BLOCK))
        start += BLOCK + _padded(length)
        header = _header(archive, start)
    kind, data = header[156:157], start + BLOCK
    stored = int(pax[b"size"]) if b"size" in pax else _number(header[124:136])
    stored = stored if kind in _FILE else 0
    size, extents = stored, _whole(stored, data)
    if b"GNU.sparse.realsize" in pax:
        size, extents = int(pax[b"GNU.sparse.realsize"]), _sparse_map(archive, data)
    return Member(
        name=_text(pax.get(b"GNU.sparse.name") or pax.get(b"path") or _name(header)),
        size=size,
        mode=_number(header[100:108]),
        uid=int(pax[b"uid"]) if b"uid" in pax else _number(header[108:116]),
        gid=int(pax[b"gid"]) if b"gid" in pax else _number(header[116:124]),
        mtime=_number(header[136:148]),
        kind=kind,
        extents=extents,
        link=_text(pax.get(b"linkpath") or header[157:257].rstrip(b"\0")) if kind == _LINK else "",
        end=data + _padded(stored),
    )


def _whole(length: int, place: int) -> tuple[tuple[int, int, int], ...]:
    return ((0, length, place),) if length else ()


def _header(archive: int, start: int) -> bytes:
    header = os.pread(archive, BLOCK, start)
    if len(header) != BLOCK or header[257:262] != b"ustar":
        raise ValueError("there is no header of tar")
    if sum(header) - sum(header[148:156]) + 8 * 32 != _number(header[148:156]):
        raise ValueError("its header's checksum is wrong")
    return header


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # base 256, for what octal digits cannot hold
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return int(field.rstrip(b" \0") or b"0", 8)


def _name(header: bytes) -> bytes:
    name, prefix = header[:100].rstrip(b"\0"), header[345:500].rstrip(b"\0")
    return prefix + b"/" + name if prefix else name


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _padded(length: int) -> int:
    return (length + BLOCK - 1) // BLOCK * BLOCK


def _parse_pax(text: bytes) -> dict[bytes, bytes]:
    found, start = {}, 0
    while start < len(text):
        space = text.index(b" ", start)
        end = start + int(text[start:space])
        if not space < end <= len(text):
            raise ValueError("its extended header is cut off")
        keyword, _equals, value = text[space + 1 : end - 1].partition(b"=")
        found[keyword], start = value, end
    return found


def _sparse_map(archive: int, data: int) -> tuple[tuple[int, int, int], ...]:
    """The map stands before the content: decimal numbers, one on a line, their count first, filled up to whole blocks."""
    text = b""
    while True:
        numbers = text.split(b"\n")[:-1]
        if numbers and len(numbers) > 2 * int(numbers[0]):
            break
        piece = os.pread(archive, BLOCK, data + len(text))
        if not piece:
            raise ValueError("its map of holes is cut off")
        text += piece
    count, place = int(numbers[0]), data + len(text)
    extents = []
    for number in range(1, 2 * count, 2):
        offset, length = int(numbers[number]), int(numbers[number + 1])
        if length:
            extents.append((offset, length, place))
        place += length
    return tuple(extents)


class Content(io.RawIOBase):
    """The content of a member of an open archive; zeros where there are holes. ``owner`` is what keeps the archive open."""

    def __init__(self, archive: int, member: Member, owner: object) -> None:
        super().__init__()
        self._archive = archive
        self._owner = owner
        self._size = member.size
        self._extents = member.extents
        self._at = 0
        self._next = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any, /) -> int:
        view = memoryview(buffer).cast("B")
        while self._next < len(self._extents) and self._at >= sum(self._extents[self._next][:2]):
            self._next += 1
        begins, length, place = self._extents[self._next] if self._next < len(self._extents) else (self._size, 0, 0)
        if self._at < begins:
            got = min(len(view), begins - self._at)
            view[:got] = bytes(got)
        elif self._at >= self._size:
            return 0
        else:
            into = self._at - begins
            got = os.preadv(self._archive, [view[: length - into]], place + into)
            if not got and len(view):
                raise Damaged("an archive ends within a member's content")
        self._at += got
        return got
