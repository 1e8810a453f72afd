# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The contents of a recorded tree's files: any of them, in any order, out of a plain tar archive."""

from __future__ import annotations

import io
import os
import typing as t

from .._errors import CouldNotLook, Damaged
from .member import Content, Member, read_member

if t.TYPE_CHECKING:
    from .._snapshot.model import Tree


class Archive:
    """The archive of a tree. ``blocks`` has for each entry of the tree the number of the 512-byte block at which its member
    begins, or -1. The file is opened when the first content is asked for, and stays open as
    long as this lives, or a content that it gave."""

    def __init__(self, path: str, tree: Tree, blocks: t.Sequence[int]) -> None:
        self.path = path
        self._tree = tree
        self._blocks = blocks
        self._places: dict[str, int] | None = None
        self._descriptor = -1

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def open(self, path: str) -> t.BinaryIO:
        """The content of the regular file at a path relative to the tree's root, read from its beginning on.

        :raises Damaged: the archive does not have it where the index says
        :raises CouldNotLook: the archive cannot be opened
        """
        member = self._content_of(path, 0)
        # A buffer of a usual size makes small files one read, and large reads pass it by.
        return t.cast("t.BinaryIO", io.BufferedReader(Content(self._open(), member, self), 1 << 16))

    def member(self, path: str) -> Member:
        """What the archive says of an entry.

        :raises Damaged: the archive does not have it where the index says
        """
        block = self._find(path)
        member = read_member(self._open(), block, self.path)
        if name_of(member.name) != self._name(path):
            raise Damaged(f"{self.path} has {member.name!r} at block {block}, where {path!r} should be")
        return member

    def _content_of(self, path: str, links: int) -> Member:
        member = self.member(path)
        if member.link and not links:
            # What tar met under another name before is a link to that name.
            return self._content_of(self._path(name_of(member.link)), links + 1)
        if member.kind not in (b"0", b"\0"):
            raise Damaged(f"{self.path} has {path!r}, but not as a file")
        return member

    def _find(self, path: str) -> int:
        if self._places is None:
            self._places = {entry.path: block for entry, block in zip(self._tree.entries, self._blocks) if block >= 0}
        if path not in self._places:
            raise Damaged(f"{self.path} has no content for {path!r}")
        return self._places[path]

    def _open(self) -> int:
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError as error:
                raise CouldNotLook(f"{self.path}: {error.strerror}") from error
        return self._descriptor

    def _name(self, path: str) -> str:
        return member_of(self._tree) if path == "." else path

    def _path(self, name: str) -> str:
        return "." if name == member_of(self._tree) else name


def member_of(tree: Tree) -> str:
    """The name that the root of a tree has in its archive: ``.``, or the last name of its path where it is no folder."""
    return tree.root.rpartition("/")[2] if tree.entries and tree.entries[0].kind != "folder" else "."


def name_of(member: str) -> str:
    """A member's name without the ``./`` and ``/`` around it."""
    return member.removeprefix("./").rstrip("/") or "."
