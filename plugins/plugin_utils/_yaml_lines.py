# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""YAML texts loaded with the line of every entry.

Compose, Kubernetes and Ansible read YAML by different rules: ``22:22`` is a text to the first two (YAML 1.2) and the
number 1342 to Ansible (YAML 1.1, sexagesimal). Tags that nobody here knows (``!vault``, ``!reset``) are kept.
"""

from __future__ import annotations

import re
import typing as t

import yaml

from ..module_utils._containers.marks import Items, Mark, Table, Tagged
from ..module_utils._errors import Unparsable

_MOST_DEPTH = 100
_MOST_VALUES = 200_000
_STANDARD = "tag:yaml.org,2002:"
_NULL = re.compile(r"~|null|Null|NULL|$")
_BOOL = {"core": re.compile(r"true|True|TRUE|false|False|FALSE"), "1.1": re.compile(r"(?i:true|false|yes|no|on|off)")}
_INT = {
    dialect: re.compile(rf"(?P<sign>[-+]?)(?:0b(?P<bin>[01_]+)|0x(?P<hex>[0-9a-fA-F_]+)|{octal}(?P<oct>[0-7_]+)|(?P<dec>0|[1-9][0-9_]*))")
    for dialect, octal in (("core", "0o?"), ("1.1", "0"))
}
_SEXAGESIMAL = re.compile(r"(?P<sign>[-+]?)(?P<digits>[1-9][0-9_]*(?::[0-5]?[0-9])+)")
_FLOAT = {
    "core": re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"),
    # 1e3 is a text there, and 1.0e3 too.
    "1.1": re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?"),
}


class _Open:
    """A mapping or sequence that is being read."""

    __slots__ = ("anchor", "keys", "mark", "merged", "tag", "value", "waiting")

    def __init__(self, value: Table | Items, mark: Mark, tag: str | None, anchor: str | None) -> None:
        self.value, self.mark, self.tag, self.anchor = value, mark, tag, anchor
        self.waiting: tuple[str, Mark] | None = None  # a key whose value comes next
        self.merged: list[Table] = []


class _Reader:
    """One text, document by document, without recursion: a hostile depth is an error and not a crash."""

    def __init__(self, file: str, dialect: str, strict_keys: bool) -> None:
        self._file, self._dialect, self._strict = file, dialect, strict_keys
        self._stack: list[_Open] = []
        self._anchors: dict[str, t.Any] = {}
        self._sizes: dict[int, int] = {}
        self._size = 0
        self.documents: list[t.Any] = []

    def read(self, text: str) -> list[t.Any]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            for event in yaml.parse(text, Loader=loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            place = error.problem_mark or error.context_mark
            where = Mark(self._file, place.line + 1 if place else 0)
            raise Unparsable(f"{where}: no YAML: {error.problem or error.context}") from error
        except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
            raise Unparsable(f"{self._file}: no YAML: {error}") from error
        return self.documents

    def _take(self, event: t.Any) -> None:
        mark = Mark(self._file, event.start_mark.line + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors, self._sizes, self._size = {}, {}, 0
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
            self._remember(event.anchor, value)
            # Compose refuses a key that is no text (80:, ~:); the others take it as it is written.
            self._put(value, mark, event.value if isinstance(value, str) or not self._strict else None)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(Table(mark), mark, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(Items(mark), mark, event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), mark)

    def _open(self, value: Table | Items, mark: Mark, event: t.Any) -> None:
        if len(self._stack) >= _MOST_DEPTH:
            raise Unparsable(f"{mark}: nested more than {_MOST_DEPTH} deep")
        if self._stack and isinstance(self._stack[-1].value, Table) and self._stack[-1].waiting is None:
            raise Unparsable(f"{mark}: a key is a {'mapping' if isinstance(value, Table) else 'sequence'}")
        self._stack.append(_Open(value, mark, None if event.tag in (None, "!") else event.tag, event.anchor))

    def _close(self) -> None:
        done = self._stack.pop()
        for source in done.merged:
            # What the mapping says itself wins over what it merges, wherever it stands.
            for key, inherited in source.items():
                if key not in done.value:
                    t.cast("Table", done.value).put(key, inherited, source.marks[key])
        value: t.Any = done.value
        if done.tag is not None and not done.tag.startswith(_STANDARD):
            value = Tagged(done.tag, value)
        self._remember(done.anchor, value)
        self._put(value, done.mark)

    def _remember(self, anchor: str | None, value: t.Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
            self._sizes.setdefault(id(value), _expanded(value, self._sizes))

    def _alias(self, anchor: str, mark: Mark) -> None:
        if any(one.anchor == anchor for one in self._stack):
            raise Unparsable(f"{mark}: *{anchor} stands inside of what it names")
        if anchor not in self._anchors:
            raise Unparsable(f"{mark}: there is no &{anchor} before *{anchor}")
        value = self._anchors[anchor]
        # Ten lines of aliases can stand for a billion values.
        self._size += self._sizes.get(id(value), 1)
        if self._size > _MOST_VALUES:
            raise Unparsable(f"{mark}: its aliases stand for more than {_MOST_VALUES} values")
        self._put(value, mark, value if isinstance(value, str) else None)

    def _put(self, value: t.Any, mark: Mark, text: str | None = None) -> None:
        if not self._stack:
            self.documents.append(value)
            return
        top = self._stack[-1]
        if isinstance(top.value, Items):
            top.value.add(value, mark)
        elif top.waiting is None:
            self._key(top, mark, text)
        else:
            key, place = top.waiting
            top.waiting = None
            if key == "<<":
                self._merge(top, value, mark)
            else:
                top.value.put(key, value, place)

    def _key(self, top: _Open, mark: Mark, text: str | None) -> None:
        if text is None:
            raise Unparsable(f"{mark}: a key is no text")
        if self._strict and text in top.value:
            raise Unparsable(f"{mark}: the key {text!r} stands here twice")
        top.waiting = (text, mark)

    def _merge(self, top: _Open, value: t.Any, mark: Mark) -> None:
        for source in value if isinstance(value, Items) else [value]:
            if not isinstance(source, Table):
                raise Unparsable(f"{mark}: << merges something that is no mapping")
            top.merged.append(source)

    def _scalar(self, event: t.Any) -> t.Any:
        tag = None if event.tag in (None, "!") else event.tag
        if tag is not None and not tag.startswith(_STANDARD):
            return Tagged(tag, event.value)
        if tag == _STANDARD + "str" or (tag is None and (event.style or event.tag == "!")):
            return event.value
        return resolve_plain(event.value, self._dialect)


def _expanded(value: t.Any, sizes: dict[int, int]) -> int:
    """How many values a value stands for, its aliases written out."""
    total, todo = 0, [value]
    while todo:
        one = todo.pop()
        total += 1
        if one is not value and id(one) in sizes:
            total += sizes[id(one)]
        elif isinstance(one, Tagged):
            todo.append(one.value)
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
        if total > _MOST_VALUES:
            break
    return total


def resolve_plain(text: str, dialect: str) -> t.Any:
    """What a scalar without quotes means; ``dialect`` is ``core`` (YAML 1.2) or ``1.1`` (Ansible's)."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL[dialect].fullmatch(text):
        return text.lower() in ("true", "yes", "on")
    match = _INT[dialect].fullmatch(text)
    if match is not None:
        base, digits = next(
            (base, match[name]) for name, base in (("bin", 2), ("hex", 16), ("oct", 8), ("dec", 10)) if match[name] is not None
        )
        digits = digits.replace("_", "")
        return int(match["sign"] + (digits or "0"), base)
    match = _SEXAGESIMAL.fullmatch(text) if dialect == "1.1" else None
    if match is not None:
        number = 0
        for part in match["digits"].replace("_", "").split(":"):
            number = number * 60 + int(part)
        return -number if match["sign"] == "-" else number
    if _FLOAT[dialect].fullmatch(text):
        return float(text.replace("_", ""))
    return text


def load_documents(text: str, file: str, dialect: str = "core", strict_keys: bool = True) -> list[t.Any]:
    """The documents of a YAML text. Mappings are :class:`Table`, sequences :class:`Items`; keys are texts as written.

    :raises Unparsable: the text is no YAML, or repeats a key or has one that is no text (``strict_keys``); the text names file and line
    """
    return _Reader(file, dialect, strict_keys).read(text)
