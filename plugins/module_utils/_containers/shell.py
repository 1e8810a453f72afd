# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The commands that stand in a shell text, with their lines.

Enough of POSIX shell (and of what bash adds) to find commands and their words: quotes, continued lines, comments,
operators, redirections, here-documents, command substitutions. Nothing is expanded: ``$NAME``, ``${NAME}`` and a
template's ``{{ name }}`` stay in the word as they are written, and whoever reads the word must take them for unknown.
Source: POSIX.1-2017, Shell Command Language, 2.2, 2.3 and 2.7.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Unparsable

# <<EOF, <<-EOF, << 'EOF'
_HERE = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<quote>['\"\\]?)(?P<word>[A-Za-z0-9_.!+-]+)(?P=quote)?")
# {{ name }}, {% if x %} of a template; kept whole, whatever stands inside.
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_NAME_IN_BRACES = re.compile(r"\$\{[^{}'\"`\n]*\}")
_MOST_NESTING = 50


class Command(t.NamedTuple):
    """A simple command: its words without quotes, and for each the line that it begins on, from 1."""

    words: tuple[str, ...]
    lines: tuple[int, ...]


def is_unknown(word: str) -> bool:
    """Whether a word depends on what only the running shell, the service manager or a template knows."""
    return "$" in word or "`" in word or "{{" in word or "{%" in word


def find_commands(text: str, file: str, line: int = 1) -> tuple[Command, ...]:
    """The simple commands of a shell text, in the order in which they begin; ``line`` is that of its first character.

    Commands inside ``$(...)`` and backticks are found as well, the bodies of here-documents are not read.

    :raises Unparsable: a quote or a substitution is not closed; the text names file and line
    """
    reader = _Reader(text, file, line)
    reader.read()
    return tuple(sorted(reader.found, key=lambda command: command.lines[0]))


def split_words(text: str, file: str = "command line", line: int = 1) -> tuple[str, ...]:
    """The words of the first command in a text; what stands behind ``;``, ``&&``, ``|`` and the like is left out.

    :raises Unparsable: as :func:`find_commands`
    """
    reader = _Reader(text, file, line)
    reader.read()
    return reader.outer[0].words if reader.outer else ()


class _Reader:
    """Walks over a text once. ``found`` has every command, ``outer`` those that stand in no substitution."""

    def __init__(self, text: str, file: str, line: int, depth: int = 0) -> None:
        self._text, self._file, self._line, self._depth = text, file, line, depth
        self._at = 0
        self.found: list[Command] = []
        self.outer: list[Command] = []
        self._words: list[str] = []
        self._lines: list[int] = []
        self._word: list[str] | None = None  # None between words
        self._word_line = line
        self._skip_word = False  # the next word is a redirection's target
        self._heres: list[tuple[str, bool]] = []

    def _error(self, what: str, line: int) -> Unparsable:
        return Unparsable(f"{self._file}:{line}: {what} is not closed")

    def _add(self, piece: str) -> None:
        if self._word is None:
            self._word, self._word_line = [], self._line
        self._word.append(piece)

    def _end_word(self) -> None:
        if self._word is not None:
            if not self._skip_word:
                self._words.append("".join(self._word))
                self._lines.append(self._word_line)
            self._skip_word = False
        self._word = None

    def _end_command(self) -> None:
        self._end_word()
        self._skip_word = False
        if self._words:
            command = Command(tuple(self._words), tuple(self._lines))
            self.found.append(command)
            self.outer.append(command)
        self._words, self._lines = [], []

    def read(self, until: str = "") -> int:
        """Read up to an unquoted ``until`` (or the end) and return the position behind it."""
        start = self._line
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == until and until:
                self._end_command()
                return self._at + 1
            self._step(sign)
        self._end_command()
        if until:
            raise self._error("a command substitution", start)
        return self._at

    def _step(self, sign: str) -> None:
        if sign == "\\":
            self._escaped()
        elif sign in "'\"":
            self._quoted(sign)
        elif sign in "$`":
            self._substitution(sign)
        elif sign in "<>":
            self._redirection()
        elif sign == "{":
            self._brace()
        elif sign == "#" and self._word is None:
            self._comment()
        elif sign in " \t\r\n;&|()":
            self._between(sign)
        else:
            self._add(sign)
            self._at += 1

    def _between(self, sign: str) -> None:
        if sign == "\n":
            self._new_line()
        elif sign in " \t\r":
            self._end_word()
            self._at += 1
        else:
            self._operator(sign)

    def _escaped(self) -> None:
        following = self._text[self._at + 1 : self._at + 3]
        if following[:1] == "\n" or following == "\r\n":
            self._at += 1 + (1 if following[:1] == "\n" else 2)
            self._line += 1
            return
        self._add(following[:1])
        self._at += 2

    def _quoted(self, quote: str) -> None:
        start, self._at = self._line, self._at + 1
        self._add("")
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == quote:
                self._at += 1
                return
            if sign == "\n":
                self._line += 1
            if quote == '"' and sign == "\\":
                self._escaped_in_quotes()
            elif quote == '"' and sign in "$`":
                self._substitution(sign)
            elif sign == "{":
                # A template's own quotes end nothing: "{{ port | default("9090") }}".
                self._template()
            else:
                self._add(sign)
                self._at += 1
        raise self._error("a quote", start)

    def _escaped_in_quotes(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "\n":
            self._line += 1
        elif following in ('"', "\\", "$", "`"):
            self._add(following)
        else:
            self._add("\\" + following)
        self._at += 2

    def _substitution(self, sign: str) -> None:
        rest = self._text[self._at : self._at + 3]
        if sign == "`":
            self._backticks()
        elif rest == "$((":
            self._arithmetic()
        elif rest.startswith("$("):
            self._inner(self._at + 2, ")")
        elif rest.startswith("${"):
            self._variable()
        else:
            self._add("$")
            self._at += 1

    def _inner(self, begin: int, until: str) -> None:
        """A command substitution: its commands are found, and the word keeps its text."""
        if self._depth == _MOST_NESTING:
            raise Unparsable(f"{self._file}:{self._line}: more than {_MOST_NESTING} substitutions in one another")
        inner = _Reader(self._text, self._file, self._line, self._depth + 1)
        inner._at = begin
        end = inner.read(until)
        self.found += inner.found
        self._add(self._text[self._at : end])
        self._at, self._line = end, inner._line

    def _backticks(self) -> None:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != "`":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise self._error("a backtick", self._line)
        if self._depth < _MOST_NESTING:
            inner = _Reader(self._text[self._at + 1 : end], self._file, self._line, self._depth + 1)
            inner.read()
            self.found += inner.found
        whole = self._text[self._at : end + 1]
        # `# so people write comments between continued lines`: it gives no word.
        if not whole.startswith("`#"):
            self._add(whole)
        self._line += whole.count("\n")
        self._at = end + 1

    def _arithmetic(self) -> None:
        end = self._text.find("))", self._at)
        if end < 0:
            raise self._error("an arithmetic expansion", self._line)
        whole = self._text[self._at : end + 2]
        self._add(whole)
        self._line += whole.count("\n")
        self._at = end + 2

    def _variable(self) -> None:
        match = _NAME_IN_BRACES.match(self._text, self._at)
        if match is not None:
            end = match.end()
        else:
            end, depth = self._at + 2, 1
            while end < len(self._text) and depth:
                depth += {"{": 1, "}": -1}.get(self._text[end], 0)
                end += 1
            if depth:
                raise self._error("${", self._line)
        whole = self._text[self._at : end]
        self._add(whole)
        self._line += whole.count("\n")
        self._at = end

    def _brace(self) -> None:
        # {% if x %}-p 80:80{% endif %}: a statement is a word of its own, as it brings spaces or takes them.
        if self._text.startswith("{%", self._at):
            self._end_word()
            self._template()
            self._end_word()
        else:
            self._template()

    def _template(self) -> None:
        match = _TEMPLATE.match(self._text, self._at)
        self._add(match[0] if match else "{")
        self._at = match.end() if match else self._at + 1

    def _comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _operator(self, sign: str) -> None:
        if sign == "&" and self._text[self._at + 1 : self._at + 2] == ">":
            # &>file and &>>file are redirections.
            self._end_word()
            self._at += 1
            return
        self._end_command()
        self._at += 1

    def _redirection(self) -> None:
        # 2>file: the number belongs to the redirection.
        if self._word is not None and "".join(self._word).isdigit():
            self._word = None
        self._end_word()
        match = _HERE.match(self._text, self._at)
        if match is not None and not self._text.startswith("<<<", self._at):
            self._heres.append((match["word"], bool(match["tabs"])))
            self._at = match.end()
            return
        while self._at < len(self._text) and self._text[self._at] in "<>&|":
            self._at += 1
        if self._text[self._at : self._at + 1] != "(":
            self._skip_word = True

    def _new_line(self) -> None:
        self._end_command()
        self._at += 1
        self._line += 1
        for word, strip_tabs in self._heres:
            self._skip_here(word, strip_tabs)
        self._heres = []

    def _skip_here(self, word: str, strip_tabs: bool) -> None:
        while self._at < len(self._text):
            end = self._text.find("\n", self._at)
            stop = len(self._text) if end < 0 else end
            content = self._text[self._at : stop].rstrip("\r")
            self._at = stop if end < 0 else end + 1
            self._line += 0 if end < 0 else 1
            if (content.lstrip("\t") if strip_tabs else content) == word:
                return
