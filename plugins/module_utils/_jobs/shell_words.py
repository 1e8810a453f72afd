# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Words of a shell script: quotes, expansions, substitutions, here-documents.

Source: POSIX.1-2017, Shell Command Language, 2.2, 2.3, 2.6 and 2.7; bash(1), "QUOTING" and "EXPANSION".
"""

from __future__ import annotations

import bisect
import re
import typing as t

from .._errors import Unparsable
from .shell_tree import Word

if t.TYPE_CHECKING:
    from .shell_tree import Node

_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_PLAIN = re.compile(r"[^\s\\'\"$`;&|()<>?*+@!]+")
_HERE = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<word>(?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s;&|()<>'\"\\])+)")
_ARRAY = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=\Z")
_MOST_NESTING = 60
METACHARACTERS = " \t\r\n;&|()<>"


class Words:
    """A place in a text, and what reads words there. ``commands`` is the reader's, for substitutions."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self.text, self.file, self.first_line = text, file, first_line
        self.at = 0
        self.depth = 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._heres: list[tuple[str, bool]] = []

    def commands(self, until: str) -> tuple[Node, ...]:
        """The commands up to a closing sign, which is passed."""
        raise NotImplementedError

    def line_of(self, offset: int) -> int:
        return self.first_line + bisect.bisect_left(self._ends, offset)

    def error(self, what: str, offset: int) -> Unparsable:
        return Unparsable(f"{self.file}:{self.line_of(offset)}: {what}")

    def looking_at(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def skip_blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        if match:
            self.at = match.end()
        if self.looking_at("#"):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def enter(self) -> None:
        self.depth += 1
        if self.depth > _MOST_NESTING:
            raise self.error(f"more than {_MOST_NESTING} commands in one another", self.at)

    def word(self, stop: str = METACHARACTERS) -> Word:
        """The word that begins here; it ends at an unquoted sign of ``stop``."""
        start = self.at
        text: list[str] = []
        inner: list[Node] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in "<>" and self.text[self.at + 1 : self.at + 2] == "(" and sign in stop and self.at == start:
                self._substitution(2, text, inner)
            elif sign == "(" and _ARRAY.match("".join(text)) and sign in stop:
                self._array(text, inner)
            elif sign in stop:
                break
            else:
                self._piece(sign, text, inner)
        return Word(self.text[start : self.at], "".join(text), self.line_of(start), tuple(inner))

    def _piece(self, sign: str, text: list[str], inner: list[Node]) -> None:
        plain = _PLAIN.match(self.text, self.at)
        if plain is not None:
            text.append(plain[0])
            self.at = plain.end()
        elif sign == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            text.append("" if following == "\n" else following)
            self.at += 2
        elif sign == "'":
            text.append(self._until("'", self.at + 1))
        elif sign == '"':
            self._double(text, inner)
        elif sign in "$`":
            self.expansion(text, inner)
        elif sign in "?*+@!" and self.text[self.at + 1 : self.at + 2] == "(":
            self._pattern(text)
        else:
            text.append(sign)
            self.at += 1

    def _until(self, sign: str, begin: int) -> str:
        end = self.text.find(sign, begin)
        if end < 0:
            raise self.error(f"{sign} is not closed", self.at)
        self.at = end + len(sign)
        return self.text[begin:end]

    def _double(self, text: list[str], inner: list[Node]) -> None:
        start, self.at = self.at, self.at + 1
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == '"':
                self.at += 1
                return
            if sign == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                text.append(following if following in '"\\$`' else "" if following == "\n" else "\\" + following)
                self.at += 2
            elif sign in "$`":
                self.expansion(text, inner)
            else:
                text.append(sign)
                self.at += 1
        raise self.error('" is not closed', start)

    def expansion(self, text: list[str], inner: list[Node]) -> None:
        """What begins with ``$`` or a backtick."""
        if self.looking_at("`"):
            self._backticks(text, inner)
        elif self.looking_at("$(("):
            self._arithmetic(text, inner)
        elif self.looking_at("$("):
            self._substitution(2, text, inner)
        elif self.looking_at("${"):
            self._braces(text, inner)
        elif self.looking_at("$'"):
            self._ansi(text)
        else:
            text.append("$")
            self.at += 1

    def _ansi(self, text: list[str]) -> None:
        start, end = self.at, self.at + 2
        while end < len(self.text) and self.text[end] != "'":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.error("$' is not closed", start)
        text.append(self.text[start + 2 : end])
        self.at = end + 1

    def _substitution(self, signs: int, text: list[str], inner: list[Node]) -> None:
        start, self.at = self.at, self.at + signs
        self.enter()
        inner += self.commands(")")
        self.depth -= 1
        text.append(self.text[start : self.at])

    def _arithmetic(self, text: list[str], inner: list[Node]) -> None:
        end = self.end_of_arithmetic(self.at + 3)
        if end is None:
            # $((a); b): a substitution that begins with a subshell.
            self._substitution(2, text, inner)
            return
        text.append(self.text[self.at : end])
        self.at = end

    def end_of_arithmetic(self, begin: int) -> int | None:
        """The offset behind the ``))`` that closes an arithmetic expression; None where it is none."""
        open_signs, index = 0, begin
        while index < len(self.text):
            sign = self.text[index]
            if sign == "(":
                open_signs += 1
            elif sign == ")":
                if not open_signs:
                    return index + 2 if self.text.startswith("))", index) else None
                open_signs -= 1
            index += 2 if sign == "\\" else 1
        return None

    def _braces(self, text: list[str], inner: list[Node]) -> None:
        start, self.at = self.at, self.at + 2
        self.enter()
        unused: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != "}":
            if self.text[self.at] == '"':
                self._double(unused, inner)
            elif self.text[self.at] in "$`":
                self.expansion(unused, inner)
            else:
                self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at >= len(self.text):
            raise self.error("${ is not closed", start)
        self.depth -= 1
        self.at += 1
        text.append(self.text[start : self.at])

    def _backticks(self, text: list[str], inner: list[Node]) -> None:
        start, end = self.at, self.at + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.error("` is not closed", start)
        self.at = end + 1
        text.append(self.text[start : self.at])
        inner += self.apart(re.sub(r"\\([`\\$])", r"\1", self.text[start + 1 : end]), self.line_of(start))

    def apart(self, text: str, line: int) -> tuple[Node, ...]:
        """The commands of a text of its own."""
        raise NotImplementedError

    def _pattern(self, text: list[str]) -> None:
        """``@(a|b)``, bash's extended patterns: no sign in them separates words."""
        start, open_signs = self.at, 0
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 2 if sign == "\\" else 1
            open_signs += {"(": 1, ")": -1}.get(sign, 0)
            if sign == ")" and not open_signs:
                text.append(self.text[start : self.at])
                return
            if sign == "\n":
                break
        raise self.error("a pattern's bracket is not closed", start)

    def _array(self, text: list[str], inner: list[Node]) -> None:
        """``NAME=(words)``."""
        start, self.at = self.at, self.at + 1
        while True:
            self.skip_blank()
            if self.at >= len(self.text):
                raise self.error("an array is not closed", start)
            if self.looking_at(")"):
                break
            if self.looking_at("\n"):
                self.at += 1
                continue
            found = self.word()
            inner += found.inner
            if not found.raw:
                self.at += 1
        self.at += 1
        text.append(self.text[start : self.at])

    def here(self) -> bool:
        """Notes a here-document if one is asked for here; its text follows the line."""
        match = _HERE.match(self.text, self.at)
        if match is None or self.looking_at("<<<"):
            return False
        self._heres.append((re.sub(r"['\"\\]", "", match["word"]), bool(match["tabs"])))
        self.at = match.end()
        return True

    def end_line(self) -> None:
        """Passes a line break and the here-documents behind it."""
        self.at += 1
        for word, tabs in self._heres:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                stop = len(self.text) if end < 0 else end
                content = self.text[self.at : stop].rstrip("\r")
                self.at = stop + (end >= 0)
                if (content.lstrip("\t") if tabs else content) == word:
                    break
        self._heres = []
