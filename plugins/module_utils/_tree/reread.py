# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Files that changed while tar read them, read again by ourselves: the file is held open, and looked at before and after."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
import typing as t

from .._errors import StepFailed
from .descend import explain_os_error, open_below, open_parent, split
from .member import BLOCK, read_member
from .walk import VANISHED

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .._snapshot.model import Entry

_PIECE = 1 << 20
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# What tar fills its last record up to.
_RECORD = 20 * BLOCK
# include/uapi/linux/time.h; Python has no name for it.
_CLOCK_REALTIME_COARSE = 5
# Nanoseconds: no snapshot takes a week.
_FUTURE = 7 * 86400 * 10**9


class Reading(t.NamedTuple):
    """A file's content in an archive: at which block its member begins, what the file was when it had been read, and
    whether it kept still meanwhile."""

    block: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    is_still: bool


class Moment(t.NamedTuple):
    """A moment on the clock that file systems take their timestamps from, in nanoseconds since the epoch; ``clock`` is by
    how much that clock was ahead of the one that nobody sets."""

    at: int
    clock: int

    def is_after(self, ctime_ns: int) -> bool:
        """Whether what has this ctime has not been changed since. A ctime from the future, left by a clock that was wrong, is
        none that a change now would leave."""
        return ctime_ns < self.at or ctime_ns > self.at + _FUTURE


def moment_of_files() -> Moment:
    """Now. What is changed from now on has no earlier ctime."""
    return Moment(time.clock_gettime_ns(_CLOCK_REALTIME_COARSE), time.time_ns() - time.monotonic_ns())


def wait_for_next_tick() -> None:
    """Let that clock go on: what changed before can then be told from what changes later."""
    begun = moment_of_files().at
    while moment_of_files().at == begun:
        time.sleep(0.001)


def archive_end(archive: str, blocks: t.Iterable[int]) -> int:
    """The byte after the last member of an archive whose members begin at ``blocks``."""
    last = max(blocks, default=-1)
    if last < 0:
        return 0
    descriptor = os.open(archive, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_member(descriptor, last, archive).end
    finally:
        os.close(descriptor)


def append_files(archive: str, end: int, root: str, entries: t.Sequence[Entry]) -> tuple[dict[str, Reading], int]:
    """Add the present content of regular files of a tree to its archive, whose members end at the byte ``end``; give what
    was read by path, and the new end. A file that has vanished is left out.

    :raises CouldNotLook: a file cannot be read
    :raises StepFailed: the archive cannot be written
    """
    found: dict[str, Reading] = {}
    with _writing(archive) as descriptor:
        for entry in entries:
            reading = _append(descriptor, end, root, entry)
            if reading is not None:
                found[entry.path], end = reading
        os.truncate(descriptor, end)
        # Two blocks of zeros end an archive.
        os.truncate(descriptor, -(-(end + 2 * BLOCK) // _RECORD) * _RECORD)
    return found, end


@contextlib.contextmanager
def _writing(archive: str) -> Iterator[int]:
    try:
        descriptor = os.open(archive, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StepFailed(f"{archive} cannot be written: {error.strerror}") from error


def _append(archive: int, end: int, root: str, entry: Entry) -> tuple[Reading, int] | None:
    source = _open_file(root, entry.path)
    if source < 0:
        return None
    try:
        begun, before = moment_of_files(), os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            return None
        data = _write_all(archive, _header(root, entry, before), end)
        _copy(source, archive, before.st_size, data, _absolute(root, entry.path))
        after = os.fstat(source)
    finally:
        os.close(source)
    same = (before.st_ctime_ns, before.st_size, before.st_mtime_ns) == (after.st_ctime_ns, after.st_size, after.st_mtime_ns)
    reading = Reading(
        end // BLOCK, before.st_ino, before.st_size, before.st_mtime_ns, before.st_ctime_ns, same and begun.is_after(before.st_ctime_ns)
    )
    return reading, data + -(-before.st_size // BLOCK) * BLOCK


def _open_file(root: str, path: str) -> int:
    """The descriptor of a file of a tree, no link followed; -1 where it is gone."""
    try:
        parent, name = open_parent(root)
        try:
            if path == ".":
                return os.open(name, _FILE_FLAGS, dir_fd=parent)
            folder = open_below(parent, "/".join(part for part in (name, split(path)[0]) if part != "."))
        finally:
            os.close(parent)
        try:
            return os.open(split(path)[1], _FILE_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in (*VANISHED, errno.ENXIO):
            return -1
        raise explain_os_error(_absolute(root, path), error) from error


def _absolute(root: str, path: str) -> str:
    return root if path == "." else f"{root.rstrip('/')}/{path}"


def _header(root: str, entry: Entry, found: os.stat_result) -> bytes:
    import tarfile

    name = "./" + (root.rpartition("/")[2] if entry.path == "." else entry.path)
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.uid, member.gid = found.st_size, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
    member.mtime = int(found.st_mtime)
    member.pax_headers = {f"SCHILY.xattr.{key}": value.decode("utf-8", "surrogateescape") for key, value in entry.xattrs}
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _copy(source: int, archive: int, size: int, place: int, what: str) -> None:
    """Exactly ``size`` bytes: what a file that has become shorter lacks is zeros."""
    done = 0
    while done < size:
        try:
            piece = os.read(source, min(_PIECE, size - done))
        except OSError as error:
            raise explain_os_error(what, error) from error
        if not piece:
            break
        _write_all(archive, piece, place + done)
        done += len(piece)
    padded = -(-size // BLOCK) * BLOCK
    while done < padded:
        piece = bytes(min(_PIECE, padded - done))
        _write_all(archive, piece, place + done)
        done += len(piece)


def _write_all(descriptor: int, content: bytes, place: int) -> int:
    """Write at a place, and give the place after it."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written
    return place
