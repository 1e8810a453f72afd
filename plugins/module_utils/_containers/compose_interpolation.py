# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Variables in Compose files, and the ``.env`` files that they come from.

Source: https://docs.docker.com/reference/compose-file/interpolation/ and what ``docker compose config`` 2.26 makes of
tests/cases/compose.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Unparsable
from .marks import Items, Mark, Table, Tagged, entries, mark_of

if t.TYPE_CHECKING:
    Environment = t.Mapping[str, str]

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
# ${VAR:-default} ${VAR-default} ${VAR:?error} ${VAR?error} ${VAR:+replacement} ${VAR+replacement}
_OPERATOR = re.compile(r":?[-?+]")
_MOST_NESTING = 50
# KEY=, export KEY=, KEY: value
_ENV_KEY = re.compile(r"(?:export[ \t]+)?(?P<key>[^\s=:#'\"$][^\s=:]*)[ \t]*(?P<sign>[=:]|(?=\r?\n|$))[ \t]*")
_ENV_ESCAPE = re.compile(r"\\([abcfnrtv$\"\\])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$", '"': '"', "\\": "\\", "c": "\\c"}


class Filled(str):
    """A text with its variables filled in. ``unset`` are those that have no value, which Compose takes for empty;
    ``required`` those without which Compose refuses to start (``${VAR:?}``)."""

    __slots__ = ("required", "unset")
    unset: tuple[str, ...]
    required: tuple[str, ...]

    @classmethod
    def make(cls, text: str, unset: t.Iterable[str], required: t.Iterable[str]) -> Filled:
        filled = cls(text)
        filled.unset = tuple(dict.fromkeys(unset))
        filled.required = tuple(dict.fromkeys(required))
        return filled


class _Text:
    """One text that is being filled in."""

    def __init__(self, environment: Environment, where: str) -> None:
        self._environment, self._where = environment, where
        self.unset: list[str] = []
        self.required: list[str] = []

    def fill(self, text: str, depth: int = 0) -> str:
        if depth > _MOST_NESTING:
            raise Unparsable(f"{self._where}: variables are nested more than {_MOST_NESTING} deep")
        done, at = [], 0
        while True:
            dollar = text.find("$", at)
            if dollar < 0:
                done.append(text[at:])
                return "".join(done)
            done.append(text[at:dollar])
            value, at = self._variable(text, dollar + 1, depth)
            done.append(value)

    def _variable(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """The value of what follows a ``$``, and the position behind it."""
        if text.startswith("$", at):
            return "$", at + 1
        braced = text.startswith("{", at)
        match = _NAME.match(text, at + 1 if braced else at)
        if match is None:
            if not braced:
                # A lone "$" stays: "^a$", "$5".
                return "$", at
            raise self._invalid(text)
        if not braced:
            return self._value(match[0]), match.end()
        end = _closing(text, at)
        if end < 0:
            raise self._invalid(text)
        operator = _OPERATOR.match(text, match.end())
        if operator is None:
            if match.end() != end:
                raise self._invalid(text)
            return self._value(match[0]), end + 1
        return self._decided(match[0], operator[0], text[operator.end() : end], depth), end + 1

    def _invalid(self, text: str) -> Unparsable:
        return Unparsable(f"{self._where}: {text[:80]!r} has a variable that cannot be read; a dollar sign is written $$")

    def _value(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            self.unset.append(name)
            return ""
        return value

    def _decided(self, name: str, operator: str, word: str, depth: int) -> str:
        value = self._environment.get(name)
        there = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return self.fill(word, depth + 1) if there else value or ""
        if there:
            return value or ""
        if operator.endswith("-"):
            return self.fill(word, depth + 1)
        self.required.append(name)
        return ""


def _closing(text: str, at: int) -> int:
    """The position of the brace that closes the one at ``at``, -1 where there is none."""
    depth = 0
    for position in range(at, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    return -1


def fill_text(text: str, environment: Environment, where: str) -> str:
    """A text with its variables filled in: a :class:`Filled` where one of them has no value.

    :raises Unparsable: a variable is not written as one; the text begins with ``where``
    """
    if "$" not in text:
        return text
    filler = _Text(environment, where)
    filled = filler.fill(text)
    if filler.unset or filler.required:
        return Filled.make(filled, filler.unset, filler.required)
    return filled


def fill_data(data: t.Any, environment: Environment, mark: Mark) -> t.Any:
    """Loaded YAML with the variables of all its texts filled in: a copy, so what aliases shared is shared no longer.

    :raises Unparsable: as :func:`fill_text`; the text names file and line
    """
    if isinstance(data, str):
        return fill_text(data, environment, str(mark))
    if isinstance(data, Tagged):
        return Tagged(data.tag, fill_data(data.value, environment, mark))
    if isinstance(data, dict):
        table = Table(data.mark if isinstance(data, Table) else mark)
        for key, value in data.items():
            place = mark_of(data, key, mark)
            table.put(str(key), fill_data(value, environment, place), place)
        return table
    if isinstance(data, (list, tuple)):
        items = Items(data.mark if isinstance(data, Items) else mark)
        for value, place in entries(data, mark):
            items.add(fill_data(value, environment, place), place)
        return items
    return data


def parse_env_file(text: str, file: str, environment: Environment) -> dict[str, str]:
    """The variables of a ``.env`` file; those of ``environment`` may be used in its values and win over its own.

    :raises Unparsable: a line is no assignment, or a quote is not closed; the text names file and line
    """
    found: dict[str, str] = {}
    at, text = 0, text.removeprefix("\ufeff")
    while True:
        at = _skip_blank(text, at)
        if at >= len(text):
            return found
        where = f"{file}:{text.count(chr(10), 0, at) + 1}"
        match = _ENV_KEY.match(text, at)
        if match is None:
            raise Unparsable(f"{where}: {text[at:].splitlines()[0][:60]!r} is no KEY=value")
        key, at = match["key"], match.end()
        if match["sign"] == "":
            # A name alone is taken over from the environment.
            if key in environment:
                found[key] = environment[key]
            continue
        raw, at, expands = _env_value(text, at, where)
        found[key] = str(fill_text(raw, {**found, **environment}, where)) if expands else raw


def _skip_blank(text: str, at: int) -> int:
    """The position of the next assignment, behind blank lines and comments."""
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            break
    return at


def _env_value(text: str, at: int, where: str) -> tuple[str, int, bool]:
    """A value, the position behind it, and whether variables in it count: not in single quotes."""
    quote = text[at : at + 1]
    if quote not in ("'", '"') or not quote:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        # KEY=value # comment
        return text[at:end].partition(" #")[0].rstrip(), end, True
    chars: list[str] = []
    at += 1
    while at < len(text):
        sign = text[at]
        if sign == quote:
            raw = "".join(chars)
            if quote == "'":
                return raw, at + 1, False
            return _ENV_ESCAPE.sub(lambda match: _ESCAPES[match[1]], raw), at + 1, True
        if sign == "\\" and text[at + 1 : at + 2] == quote:
            chars.append(quote)
            at += 2
            continue
        if sign == "\\":
            chars.append(text[at : at + 2])
            at += 2
            continue
        chars.append(sign)
        at += 1
    raise Unparsable(f"{where}: a quote is not closed")
