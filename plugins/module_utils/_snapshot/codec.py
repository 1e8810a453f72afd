# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A snapshot's own files as text, and back: its head with the host's state (``snapshot.json``), and the index of each tree
(``tree-NNN.json``).

An index holds a column for each field of an entry, so that 50,000 entries are checked by a few passes in C and take a
third of the room that as many rows would.
"""

from __future__ import annotations

import json
import typing as t

from .._errors import Unparsable
from .model import Entry, HostState, Snapshot, Tree
from .schema import Reader, annotations_of, reader_of, reader_of_text, to_json

VERSION = 1
# A tar archive counts in blocks of so many bytes.
NO_CONTENT = -1
_TREE_HEAD = tuple(name for name in Tree._fields if name != "entries")

Model = t.TypeVar("Model")


class Index(t.NamedTuple):
    """A tree, and for each of its entries the number of the 512-byte block of the archive at which its member begins,
    or -1 where the archive has none."""

    tree: Tree
    blocks: tuple[int, ...]


def render_snapshot(snapshot: Snapshot) -> bytes:
    """The text of ``snapshot.json``."""
    return _render(to_json(snapshot))


def parse_snapshot(text: bytes, where: str) -> Snapshot:
    """A snapshot's head out of its text.

    :raises Unparsable: it is none, or of another version; the text names ``where`` and the place
    """
    return t.cast("Snapshot", reader_of(Snapshot)(_parse(text, where), where))


def parse_head(text: bytes, where: str) -> Snapshot:
    """A snapshot's head without the host's state, which is left empty: what a list of snapshots needs.

    :raises Unparsable: it is none, or of another version
    """
    fields = _parse(text, where)
    if not isinstance(fields.get("state"), dict):
        raise Unparsable(f"{where} is no snapshot: it has no state")
    nothing = {"at": 0.0, "boot": "", "units": [], "engines": {}, "listeners": [], "packages": {}}
    return t.cast("Snapshot", reader_of(Snapshot)({**fields, "state": nothing}, where))


def render_state(state: HostState) -> bytes:
    """A host's state on its own."""
    return _render(to_json(state))


def parse_state(text: bytes, where: str) -> HostState:
    """A host's state out of its text.

    :raises Unparsable: it is none, or of another version
    """
    return t.cast("HostState", reader_of(HostState)(_parse(text, where), where))


def render_index(index: Index) -> bytes:
    """The text of ``tree-NNN.json``."""
    tree = index.tree
    head = {name: to_json(getattr(tree, name)) for name in _TREE_HEAD}
    columns: dict[str, t.Any] = dict.fromkeys(Entry._fields, ())
    columns.update(zip(Entry._fields, zip(*tree.entries)))
    written = {name: _column(name, values) for name, values in columns.items()}
    return _render({**head, "entries": written, "blocks": index.blocks})


def parse_index(text: bytes, where: str) -> Index:
    """A tree and its members' places out of their text.

    :raises Unparsable: it is none, or of another version; the text names ``where`` and the place
    """
    fields = _parse(text, where)
    columns, blocks = fields.pop("entries", None), fields.pop("blocks", None)
    if not isinstance(columns, dict):
        raise Unparsable(f"{where} is no index of a tree: it has no entries")
    if not isinstance(blocks, list) or not set(map(type, blocks)) <= {int}:
        raise Unparsable(f"{where}.blocks is no list of numbers")
    head = t.cast("Tree", reader_of(Tree)({**fields, "entries": []}, where))
    return Index(head._replace(entries=_entries(columns, len(blocks), f"{where}.entries")), tuple(blocks))


def _column(name: str, values: t.Sequence[t.Any]) -> t.Any:
    """A field of all entries: a list, or where few entries have it a mapping from their numbers."""
    if name not in Entry._field_defaults:
        return values
    usual = Entry._field_defaults[name]
    return {str(number): to_json(value) for number, value in enumerate(values) if value != usual}


def _entries(columns: dict[str, t.Any], count: int, where: str) -> tuple[Entry, ...]:
    if not set(Entry._fields) >= columns.keys() >= set(Entry._fields) - set(Entry._field_defaults):
        raise Unparsable(f"{where} does not have the columns of an entry: {', '.join(sorted(columns))}")
    read = [_read_column(name, columns.get(name, {}), count, f"{where}.{name}") for name in Entry._fields]
    return tuple(map(Entry._make, zip(*read)))


_TYPES: dict[str, type] = {"str": str, "int": int}


def _read_column(name: str, column: t.Any, count: int, where: str) -> t.Sequence[t.Any]:
    if name in Entry._field_defaults:
        return _read_sparse(name, column, count, where)
    wanted = _TYPES[annotations_of(Entry)[name]]
    if not isinstance(column, list) or len(column) != count:
        raise Unparsable(f"{where} does not have {count} values")
    if not set(map(type, column)) <= {wanted}:
        odd = next(number for number, value in enumerate(column) if value.__class__ is not wanted)
        raise Unparsable(f"{where}[{odd}] is no {wanted.__name__}: {repr(column[odd])[:60]}")
    return column


def _read_sparse(name: str, column: t.Any, count: int, where: str) -> t.Sequence[t.Any]:
    read = _field(Entry, name)
    values = [Entry._field_defaults[name]] * count
    if not isinstance(column, dict):
        raise Unparsable(f"{where} is no mapping")
    for number, value in column.items():
        if not (number.isascii() and number.isdigit() and int(number) < count):
            raise Unparsable(f"{where} names an entry that is not there: {number[:20]!r}")
        values[int(number)] = read(value, f"{where}[{number}]")
    return values


def _field(kind: type[t.Any], name: str) -> Reader:
    return reader_of_text(annotations_of(kind)[name], kind)


def _render(fields: dict[str, t.Any]) -> bytes:
    return json.dumps({"version": VERSION, **fields}, separators=(",", ":")).encode("ascii") + b"\n"


def _parse(text: bytes, where: str) -> dict[str, t.Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"{where} is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Unparsable(f"{where} is no JSON object")
    version = fields.pop("version", None)
    if version != VERSION:
        raise Unparsable(f"{where} was written by another version of this collection ({version!r}, and this one reads {VERSION})")
    return fields
