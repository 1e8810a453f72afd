# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Folders that are there as a whole or not at all, whatever happens: written aside, made durable, renamed into place.

Everything here is in a folder of root's that nobody else can write to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from .._errors import CouldNotLook, NothingThere, Refused, StepFailed

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FileSystem(t.NamedTuple):
    """How full a file system is, in bytes; ``free`` is what root may still write."""

    used: int
    free: int


def new_token() -> str:
    """Six hexadecimal digits by chance."""
    return os.urandom(3).hex()


def measure_file_system(path: str) -> FileSystem:
    """How full the file system is on which a path lies, or the nearest folder above that exists.

    :raises CouldNotLook: it cannot be asked
    """
    while path != "/" and not os.path.lexists(path):
        path = os.path.dirname(path)
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise CouldNotLook(f"{path}: {error.strerror}") from error
    return FileSystem((found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bfree * found.f_frsize)


@contextlib.contextmanager
def _explained(path: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StepFailed(f"{path} cannot be written: no space left on its file system") from error
        raise StepFailed(f"{path} cannot be written: {error.strerror}") from error


def make_private_folder(path: str) -> None:
    """Make a folder that only root can look into.

    :raises StepFailed: it cannot be made, or something is there
    """
    with _explained(path):
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)


def write_new(path: str, content: bytes) -> None:
    """Write a file that is not there yet, for root alone. It is made durable by :func:`publish`.

    :raises StepFailed: it cannot be written
    """
    with _explained(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)


def drop_scratch(path: str) -> None:
    """Remove a file of ours that was of use for a moment only; nothing is made durable by it."""
    with _explained(path):
        os.unlink(path)


def link_file(path: str, new_path: str) -> None:
    """Give a file another name.

    :raises StepFailed: it cannot have one
    """
    with _explained(new_path):
        os.link(path, new_path, follow_symlinks=False)


def file_sizes(folder: str) -> dict[str, int]:
    """The size in bytes of every file in a folder and below, by its path relative to it.

    :raises NothingThere: the folder does not exist, or is a link
    :raises Refused: something in it is neither a regular file nor a folder; the text names it
    :raises CouldNotLook: it cannot be read
    """
    return {name: found.st_size for name, found in _entries(folder) if stat.S_ISREG(found.st_mode)}


def _entries(folder: str) -> t.Iterator[tuple[str, os.stat_result]]:
    """What is below a folder, what is in a folder before the folder itself."""
    try:
        for here, folders, files, descriptor in os.fwalk(folder, topdown=False, onerror=_raise):
            below = here[len(folder) + 1 :]
            for name in sorted([*folders, *files]):
                path = f"{below}/{name}" if below else name
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                    raise Refused(f"{folder}/{path} is neither a file nor a folder; nothing else may be there")
                yield path, found
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NothingThere(f"{folder} does not exist") from error
    except OSError as error:
        raise CouldNotLook(f"{error.filename or folder}: {error.strerror}") from error


def _raise(error: OSError) -> t.NoReturn:
    raise error


class Written(t.NamedTuple):
    """When a file was written last, in nanoseconds since the epoch, and its size in bytes."""

    at: int
    size: int


def when_written(path: str) -> Written:
    """When a file of ours got the content that it has.

    :raises CouldNotLook: it cannot be looked at
    """
    try:
        found = os.lstat(path)
    except OSError as error:
        raise CouldNotLook(f"{path}: {error.strerror}") from error
    return Written(found.st_mtime_ns, found.st_size)


def publish(folder: str, place: str) -> None:
    """Make all that is in a folder durable, and only then give it its final path, which nothing may have yet.

    :raises StepFailed: it did not succeed; the folder is where it was unless the text says otherwise
    """
    with _explained(folder):
        for name, _found in _entries(folder):
            sync_file(f"{folder}/{name}")
        sync_file(folder)
    with _explained(place):
        if os.path.lexists(place):
            raise StepFailed(f"{place} is there already")
        os.rename(folder, place)
        sync_file(os.path.dirname(place))


def set_aside(place: str, folder: str) -> None:
    """Give a folder another path, durably.

    :raises StepFailed: it did not succeed
    """
    with _explained(place):
        os.rename(place, folder)
        sync_file(os.path.dirname(place))


def sync_file(path: str) -> None:
    """Make a file's content, or a folder's names, outlive a power cut.

    :raises StepFailed: the disk did not take it
    """
    with _explained(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def disk_bytes(folder: str) -> int:
    """What the files in a folder and below take, in bytes; files that have other names elsewhere count in full.

    :raises CouldNotLook: it cannot be read
    """
    return sum(found.st_blocks * 512 for _name, found in _entries(folder))
