# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The text of a unit file (or of a quadlet, which has the same syntax), as systemd reads it.

Every rule is that of ``config_parse`` in systemd's ``src/shared/conf-parser.c``.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import BadInput, Unparsable

# One end of line may be written in any of these ways (read_line_full in src/basic/fileio.c), a NUL among them.
_END_OF_LINE = re.compile(r"(?:\r\n?|\n\r?)\0?|\0")
_WHITESPACE = " \t\n\r"
# systemd's LONG_LINE_MAX. A longer line makes systemd refuse the file.
_LONGEST_LINE = 1 << 20


class Assignment(t.NamedTuple):
    """``key=value`` in a section. ``line`` is where it begins, from 1; ``value`` has its continuation lines joined."""

    section: str
    key: str
    value: str
    line: int


def parse_unit_file(text: str, path: str) -> tuple[Assignment, ...]:
    """The assignments of a unit file, in their order. What systemd warns of and ignores is left out: text before
    the first section, lines without ``=``, lines that are not UTF-8.

    :raises Unparsable: systemd would refuse the whole file: a section header without ``]``, or an endless line
    """
    found = []
    section = ""
    for line, number in _logical_lines(text, path):
        if line[0] == "[":
            if line[-1] != "]":
                raise Unparsable(f"{path} line {number}: the section header {line!r:.80} has no closing bracket")
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if equals and section:
            found.append(Assignment(section, key.rstrip(_WHITESPACE), value.lstrip(_WHITESPACE), number))
    return tuple(found)


def _logical_lines(text: str, path: str) -> t.Iterator[tuple[str, int]]:
    """Every line that says something, without white space around it, and the number of its first physical line."""
    begun, start = "", 0
    # A byte order mark is skipped (Windows editors write one).
    for number, raw in enumerate(_split(text.removeprefix("\ufeff")), 1):
        if len(begun) + len(raw) > _LONGEST_LINE:
            raise Unparsable(f"{path} line {number} is longer than the {_LONGEST_LINE} characters that systemd reads")
        # A comment may stand between the lines of one value; a # behind a value is part of it.
        if raw.lstrip(_WHITESPACE)[:1] in ("#", ";"):
            continue
        # "ExecStart=docker run \": an odd number of backslashes at the very end joins the next line with a space.
        if raw.endswith("\\") and (len(raw) - len(raw.rstrip("\\"))) % 2:
            if not start:
                start = number
            begun += raw[:-1] + " "
            continue
        line = (begun + raw).strip(_WHITESPACE)
        if line and _is_utf8(line):
            yield line, start or number
        begun, start = "", 0
    line = begun.strip(_WHITESPACE)
    if line and _is_utf8(line):
        yield line, start


def _split(text: str) -> list[str]:
    if "\r" in text or "\0" in text:
        return _END_OF_LINE.split(text)
    return text.split("\n")


def _is_utf8(line: str) -> bool:
    # Bytes that are not UTF-8 were read as surrogates.
    return line.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in line)


def render_unit_file(assignments: t.Iterable[Assignment]) -> str:
    """The text that :func:`parse_unit_file` reads as these assignments (their ``line`` apart).

    :raises BadInput: an assignment that no text can say: a line break in it, white space around it, an empty name
    """
    lines: list[str] = []
    section = ""
    for one in assignments:
        _refuse_unsayable(one)
        if one.section != section:
            lines += ["", f"[{one.section}]"] if lines else [f"[{one.section}]"]
            section = one.section
        lines.append(f"{one.key}={one.value}")
    return "\n".join([*lines, ""]) if lines else ""


def _refuse_unsayable(one: Assignment) -> None:
    words = (one.section, one.key, one.value)
    unsayable = (
        any(word != word.strip(_WHITESPACE) for word in words[1:])
        or any(_END_OF_LINE.search(word) or not _is_utf8(word) for word in words)
        or not one.section
        or "=" in one.key
        or one.key[:1] in ("", "#", ";", "[", "\ufeff")
        or (len(one.value) - len(one.value.rstrip("\\"))) % 2 == 1
    )
    if unsayable:
        raise BadInput(f"no unit file can say {one.key!r}={one.value!r} in [{one.section}]")
