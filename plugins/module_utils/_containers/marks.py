# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Loaded YAML that remembers where it came from.

A controller loads YAML, a target has no loader; the meaning is computed by the same code in both places. So what is
loaded are plain dicts and lists, and the subclasses here carry the place of every entry; a plain dict works too, and
its entries have no line.
"""

from __future__ import annotations

import typing as t


class Mark(t.NamedTuple):
    """Where a value stands: a file as it was given, and a line from 1, or 0 where it is not known."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Table(dict[str, t.Any]):
    """A mapping of a YAML text; ``marks`` has the place of each key, ``mark`` its own."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: dict[str, Mark] = {}

    def put(self, key: str, value: t.Any, mark: Mark) -> None:
        self[key] = value
        self.marks[key] = mark


class Items(list[t.Any]):
    """A sequence of a YAML text; ``marks`` has the place of each entry, ``mark`` its own."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def add(self, value: t.Any, mark: Mark) -> None:
        self.append(value)
        self.marks.append(mark)


class Tagged(t.NamedTuple):
    """A value under a tag of its own: ``!reset``, ``!override``, ``!vault``, ``!unsafe``."""

    tag: str
    value: t.Any


def mark_of(place: t.Any, key: t.Any, otherwise: Mark) -> Mark:
    """Where an entry of a mapping (``key`` is its key) or of a sequence (its index) stands."""
    if isinstance(place, Table):
        return place.marks.get(str(key), otherwise)
    if isinstance(place, Items) and isinstance(key, int) and 0 <= key < len(place.marks):
        return place.marks[key]
    return otherwise


def entries(value: t.Any, otherwise: Mark) -> list[tuple[t.Any, Mark]]:
    """The entries of a sequence with their places; none where it is no sequence."""
    if not isinstance(value, (list, tuple)):
        return []
    return [(entry, mark_of(value, index, otherwise)) for index, entry in enumerate(value)]
