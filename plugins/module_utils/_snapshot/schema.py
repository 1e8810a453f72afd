# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Named tuples as JSON and back, by what their fields are declared to be: a field that is added to a model needs no line
here.

Text is kept with its surrogates, bytes as base64. A field may be of any kind that the models have: text, numbers, truth,
None, bytes, tuples of any length, pairs, mappings from text, other named tuples, and ``t.Any`` (JSON, taken as it is).
"""

from __future__ import annotations

import ast
import base64
import sys
import typing as t

from .._errors import Unparsable

# Turns a value out of JSON into a model's; the text says where it stands.
Reader = t.Callable[[t.Any, str], t.Any]

_PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool}


def to_json(value: t.Any) -> t.Any:
    """A model (or anything that one may hold) as what ``json.dumps`` takes."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is None:
            return [to_json(item) for item in value]
        return {name: to_json(item) for name, item in zip(names, value)}
    if isinstance(value, t.Mapping):
        return {name: to_json(item) for name, item in value.items()}
    return value


def annotations_of(kind: type[t.Any]) -> dict[str, str]:
    """What the fields of a named tuple are declared to be, as text."""
    # Under `from __future__ import annotations` these are forward references on every Python that targets have;
    # typing.get_type_hints would fail on Python 3.9, which cannot evaluate `str | None`.
    declared: t.Mapping[str, t.Any] = kind.__annotations__
    return {name: str(getattr(declared[name], "__forward_arg__", declared[name])) for name in kind._fields}


def reader_of(kind: type[t.Any]) -> Reader:
    """What reads a named tuple of this kind. It raises :class:`Unparsable`, with the place, for whatever is not exactly
    such a value."""
    fields = {name: _reader(ast.parse(text, mode="eval").body, kind) for name, text in annotations_of(kind).items()}
    needed = set(fields) - set(kind._field_defaults)

    def read(value: t.Any, place: str) -> t.Any:
        if not isinstance(value, dict):
            raise _odd(value, place, f"no {kind.__name__}")
        if not fields.keys() >= value.keys() >= needed:
            wrong = sorted((value.keys() - fields.keys()) | (needed - value.keys()))
            raise Unparsable(f"{place} has fields too many or too few for a {kind.__name__}: {', '.join(map(repr, wrong))}")
        return kind(**{name: fields[name](item, f"{place}.{name}") for name, item in value.items()})

    return read


def reader_of_text(annotation: str, kind: type[t.Any]) -> Reader:
    """What reads one field of a named tuple, given what it is declared to be."""
    return _reader(ast.parse(annotation, mode="eval").body, kind)


def _reader(node: ast.expr, kind: type[t.Any]) -> Reader:
    if isinstance(node, ast.BinOp):  # X | None
        return _optional(_reader(node.left, kind))
    if isinstance(node, ast.Subscript):
        return _container_reader(node, kind)
    name = ast.unparse(node)
    if name in _PLAIN:
        return _plain(_PLAIN[name])
    if name == "float":
        return _number
    if name == "bytes":
        return _bytes
    if name == "t.Any":
        return lambda value, _place: value
    return reader_of(vars(sys.modules[kind.__module__])[name])


def _container_reader(node: ast.Subscript, kind: type[t.Any]) -> Reader:
    outer = ast.unparse(node.value)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "tuple" and len(parts) == 2 and ast.unparse(parts[1]) == "...":
        return _many(_reader(parts[0], kind))
    if outer == "tuple":
        return _fixed([_reader(part, kind) for part in parts])
    if outer == "t.Mapping":
        return _mapping(_reader(parts[1], kind))
    raise TypeError(f"{kind.__name__} has a field of a kind that cannot be written down: {ast.unparse(node)}")


def _plain(wanted: type) -> Reader:
    def read(value: t.Any, place: str) -> t.Any:
        if value.__class__ is not wanted:  # True is no number
            raise _odd(value, place, f"no {wanted.__name__}")
        return value

    return read


def _number(value: t.Any, place: str) -> float:
    if value.__class__ not in (int, float):
        raise _odd(value, place, "no number")
    return float(value)


def _bytes(value: t.Any, place: str) -> bytes:
    if not isinstance(value, str):
        raise _odd(value, place, "no base64")
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except ValueError as error:
        raise _odd(value, place, "no base64") from error


def _optional(inner: Reader) -> Reader:
    return lambda value, place: None if value is None else inner(value, place)


def _many(inner: Reader) -> Reader:
    def read(value: t.Any, place: str) -> tuple[t.Any, ...]:
        if not isinstance(value, list):
            raise _odd(value, place, "no list")
        return tuple([inner(item, f"{place}[{number}]") for number, item in enumerate(value)])

    return read


def _fixed(inner: t.Sequence[Reader]) -> Reader:
    def read(value: t.Any, place: str) -> tuple[t.Any, ...]:
        if not isinstance(value, list) or len(value) != len(inner):
            raise _odd(value, place, f"no list of {len(inner)}")
        return tuple([reader(item, f"{place}[{number}]") for number, (reader, item) in enumerate(zip(inner, value))])

    return read


def _mapping(inner: Reader) -> Reader:
    def read(value: t.Any, place: str) -> dict[str, t.Any]:
        if not isinstance(value, dict):
            raise _odd(value, place, "no mapping")
        return {name: inner(item, f"{place}[{name!r}]") for name, item in value.items()}

    return read


def _odd(value: t.Any, place: str, why: str) -> Unparsable:
    return Unparsable(f"{place} is {why}: {repr(value)[:60]}")
