# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Shell scripts, read into a tree: POSIX shell and what bash adds to it.

Nothing is expanded and nothing is run. Source: POSIX.1-2017, Shell Command Language, 2.9 and 2.10; bash(1), "SHELL
GRAMMAR". zsh's own short forms and ksh's ``|&`` coprocesses are not read.
"""

from __future__ import annotations

import re
import typing as t

from .shell_tree import Node, Word
from .shell_words import METACHARACTERS, Words

_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|;|\||&(?!>)")
_REDIRECTION = re.compile(r"(?:\d+|\{\w+\})?(?:&>>|&>|<<<|<>|>>|>\||<&|>&|<|>)")
_END_OF_TEST = re.compile(r"\]\](?=[\s;&|()<>]|\Z)")
_FUNCTION = re.compile(r"([^\s;&|()<>'\"$`\\=]+)[ \t]*\([ \t]*\)")
_KEYWORD = re.compile(r"[a-z]+(?=[\s;&|()<>]|\Z)|[!{}](?=[\s;&|()]|\Z)|\[\[(?=\s)")
_CLOSES = frozenset(("do", "done", "then", "elif", "else", "fi", "esac", "}"))


def read_script(text: str, file: str = "script", first_line: int = 1) -> tuple[Node, ...]:
    """The commands of a script, in their order.

    :raises Unparsable: something is not closed, or stands where the grammar has no place for it; names file and line
    """
    reader = _Reader(text, file, first_line)
    return reader.commands("")


class _Reader(Words):
    def apart(self, text: str, line: int) -> tuple[Node, ...]:
        reader = _Reader(text, self.file, line)
        reader.depth = self.depth
        reader.enter()
        return reader.commands("")

    def commands(self, until: str) -> tuple[Node, ...]:
        start = self.at
        found = self._list(frozenset())
        self._pass_breaks()
        if until and not self.looking_at(until):
            raise self.error(f"a command list is not closed by {until}", start)
        if not until and self.at < len(self.text):
            raise self.error(f"{self.text[self.at : self.at + 12]!r} is not expected here", self.at)
        self.at += len(until)
        return found

    def _keyword(self) -> str:
        match = _KEYWORD.match(self.text, self.at)
        return match[0] if match else ""

    def _pass_breaks(self) -> None:
        """Blanks, comments and line breaks."""
        while True:
            self.skip_blank()
            if not self.looking_at("\n"):
                return
            self.end_line()

    def _list(self, ends: frozenset[str]) -> tuple[Node, ...]:
        """Commands up to one of the keywords, a closing bracket, ``;;`` or the end; none of these is passed."""
        found: list[Node] = []
        while True:
            self._pass_breaks()
            if self.at >= len(self.text) or self.text[self.at] == ")" or self.looking_at(";;") or self.looking_at(";&"):
                return tuple(found)
            word = self._keyword()
            if word in ends or word in _CLOSES:
                return tuple(found)
            if self.text[self.at] in ";&|":
                if not (self.looking_at(";") or self.looking_at("&")) or (found and found[-1].after):
                    raise self.error(f"{self.text[self.at]} is not expected here", self.at)
                self.at += 1
                continue
            node = self._command()
            found.append(node._replace(after=self._operator()))

    def _operator(self) -> str:
        self.skip_blank()
        match = _OPERATOR.match(self.text, self.at)
        if match is None or match[0].startswith((";;", ";&")):
            return ""
        self.at = match.end()
        return "|" if match[0] == "|&" else match[0]

    def _command(self) -> Node:
        self.enter()
        start = self.at
        word = self._keyword()
        if word == "!":
            self.at += 1
            self.skip_blank()
            node = self._command()
            node = node._replace(negated=not node.negated, start=start)
        elif word in ("time", "coproc"):
            self.at += len(word)
            self._pass_time(word)
            node = self._command()
        else:
            node = self._redirected(self._compound(word, start))
        self.depth -= 1
        return node

    def _pass_time(self, word: str) -> None:
        self.skip_blank()
        if word == "time" and re.match(r"-p\s", self.text[self.at : self.at + 3]):
            self.at += 2
            self.skip_blank()

    def _compound(self, word: str, start: int) -> Node:
        if word in ("while", "until"):
            return self._while(word, start)
        if word in ("for", "select"):
            return self._for(word, start)
        if word == "if":
            return self._if(start)
        if word == "case":
            return self._case(start)
        if word == "{":
            return self._enclosed("group", "}", start)
        if self.looking_at("((") and self.end_of_arithmetic(self.at + 2) is not None:
            return self._arithmetic_command(start)
        if self.looking_at("("):
            return self._enclosed("subshell", ")", start)
        if word == "[[":
            return self._test(start)
        return self._function(start) or self._simple(start)

    def _node(self, kind: str, words: t.Sequence[Word], parts: t.Sequence[tuple[Node, ...]], start: int) -> Node:
        return Node(kind, tuple(words), tuple(parts), start, self.at, self.line_of(start), self.line_of(max(start, self.at - 1)))

    def _expect(self, word: str, start: int) -> None:
        self._pass_breaks()
        if self._keyword() != word:
            raise self.error(f"{word!r} is missing", start)
        self.at += len(word)

    def _body(self, start: int) -> tuple[Node, ...]:
        """``do ... done``, or ``{ ... }``, which bash lets stand for it."""
        self._pass_breaks()
        opening, closing = ("{", "}") if self._keyword() == "{" else ("do", "done")
        self._expect(opening, start)
        body = self._list(frozenset((closing,)))
        self._expect(closing, start)
        return body

    def _while(self, word: str, start: int) -> Node:
        self.at += len(word)
        condition = self._list(frozenset(("do",)))
        return self._node(word, (), (condition, self._body(start)), start)

    def _for(self, word: str, start: int) -> Node:
        self.at += len(word)
        self.skip_blank()
        if self.looking_at("(("):
            header = self._arithmetic_command(self.at)
            self._pass_separator()
            return self._node("cfor", header.words, (self._body(start),), start)
        words = [self.word()]
        self._pass_breaks()
        if self._keyword() == "in":
            self.at += 2
            words += self._words_of_line()
        self._pass_separator()
        return self._node(word, words, (self._body(start),), start)

    def _pass_separator(self) -> None:
        self.skip_blank()
        if self.looking_at(";"):
            self.at += 1

    def _words_of_line(self) -> list[Word]:
        words: list[Word] = []
        while True:
            self.skip_blank()
            if self.at >= len(self.text) or (
                self.text[self.at] in METACHARACTERS and not re.match(r"[<>]\(", self.text[self.at : self.at + 2])
            ):
                return words
            words.append(self.word())

    def _if(self, start: int) -> Node:
        parts = []
        word = "if"
        while word in ("if", "elif"):
            self.at += len(word)
            parts.append(self._list(frozenset(("then",))))
            self._expect("then", start)
            parts.append(self._list(frozenset(("elif", "else", "fi"))))
            self._pass_breaks()
            word = self._keyword()
        if word == "else":
            self.at += len(word)
            parts.append(self._list(frozenset(("fi",))))
        self._expect("fi", start)
        return self._node("if", (), parts, start)

    def _case(self, start: int) -> Node:
        self.at += len("case")
        self.skip_blank()
        word = self.word()
        self._expect("in", start)
        arms = []
        while True:
            self._pass_breaks()
            if self._keyword() == "esac" and not re.match(r"esac[ \t]*\)", self.text[self.at : self.at + 40]):
                break
            self._patterns(start)
            arms.append(self._list(frozenset(("esac",))))
            self._pass_breaks()
            match = re.compile(r";;&|;;|;&").match(self.text, self.at)
            if match is not None:
                self.at = match.end()
            elif self._keyword() != "esac":
                raise self.error("an arm of case is not closed", start)
        self._expect("esac", start)
        return self._node("case", (word,), arms, start)

    def _patterns(self, start: int) -> None:
        """``(a|b)`` in front of an arm; the opening bracket may be left out."""
        if self.looking_at("("):
            self.at += 1
        while not self.looking_at(")"):
            self.skip_blank()
            if self.at >= len(self.text) or self.text[self.at] in ";\n&":
                raise self.error("a pattern of case is not closed", start)
            before = self.at
            self.word()
            if self.at == before and not self.looking_at(")"):
                self.at += 1
        self.at += 1

    def _enclosed(self, kind: str, closing: str, start: int) -> Node:
        self.at += 1
        inner = self._list(frozenset((closing,)))
        self._pass_breaks()
        if not self.looking_at(closing):
            raise self.error(f"{closing} is missing", start)
        self.at += 1
        return self._node(kind, (), (inner,), start)

    def _arithmetic_command(self, start: int) -> Node:
        begin = self.at + 2
        end = self.end_of_arithmetic(begin)
        if end is None:
            raise self.error("(( is not closed", start)
        text = self.text[begin : end - 2]
        self.at = end
        return self._node("arithmetic", (Word(text, text, self.line_of(begin)),), (), start)

    def _test(self, start: int) -> Node:
        """``[[ ... ]]``: its signs and brackets separate nothing."""
        words: list[Word] = []
        while True:
            self._pass_breaks()
            if self.at >= len(self.text):
                raise self.error("[[ is not closed", start)
            if _END_OF_TEST.match(self.text, self.at):
                words.append(Word("]]", "]]", self.line_of(self.at)))
                self.at += 2
                return self._node("simple", words, (), start)
            words.append(self.word(" \t\r\n"))

    def _function(self, start: int) -> Node | None:
        if self._keyword() == "function":
            self.at += len("function")
            self.skip_blank()
            name = self.word()
            match = re.compile(r"[ \t]*\([ \t]*\)").match(self.text, self.at)
            self.at = match.end() if match else self.at
        else:
            match = _FUNCTION.match(self.text, self.at)
            if match is None:
                return None
            name = Word(match[1], match[1], self.line_of(start))
            self.at = match.end()
        self._pass_breaks()
        body = self._command()
        return self._node("function", (name,), (body.parts[0] if body.kind == "group" else (body,),), start)

    def _simple(self, start: int) -> Node:
        words: list[Word] = []
        redirects: list[tuple[str, str]] = []
        while True:
            self.skip_blank()
            if self.at >= len(self.text) or self.text[self.at] in "\n;|)" or (self.looking_at("&") and not self.looking_at("&>")):
                break
            if self._redirect(redirects):
                continue
            before = self.at
            words.append(self.word())
            if self.at == before:
                raise self.error(f"{self.text[self.at]} is not expected here", self.at)
        if not words and not redirects:
            raise self.error(f"{self.text[self.at : self.at + 12]!r} is not expected here", self.at)
        return self._node("simple", words, (), start)._replace(redirects=tuple(redirects))

    def _redirect(self, redirects: list[tuple[str, str]]) -> bool:
        """Reads a redirection, if one stands here."""
        match = _REDIRECTION.match(self.text, self.at)
        number = re.compile(r"\d+(?=<<(?!<))").match(self.text, self.at)
        at = self.at
        self.at = number.end() if number else at
        if self.here():
            redirects.append(("<<", ""))
            return True
        self.at = at
        if match is None or re.match(r"[<>]\(", self.text[at : at + 2]):
            return False
        self.at = match.end()
        self.skip_blank()
        redirects.append((match[0].lstrip("0123456789"), self.word().text))
        return True

    def _redirected(self, node: Node) -> Node:
        """The redirections behind a compound command."""
        if node.kind in ("simple", "function"):
            return node
        found: list[tuple[str, str]] = []
        while True:
            self.skip_blank()
            if self.at >= len(self.text) or not self._redirect(found):
                return node._replace(redirects=tuple(found)) if found else node
