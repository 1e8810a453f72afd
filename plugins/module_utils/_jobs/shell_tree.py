# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The tree of a shell script: what :mod:`.shell_reader` makes of a text."""

from __future__ import annotations

import typing as t


class Word(t.NamedTuple):
    """A word as written (``raw``) and without its quotes (``text``, expansions kept as written). ``inner`` are the
    commands of the substitutions in it."""

    raw: str
    text: str
    line: int
    inner: tuple[Node, ...] = ()


class Node(t.NamedTuple):
    """A command and the operator behind it.

    ``kind``: ``simple`` (also ``[ ... ]`` and ``[[ ... ]]``), ``arithmetic`` (``((...))``), ``while``, ``until``, ``for``,
    ``cfor`` (``for ((;;))``), ``select``, ``if``, ``case``, ``function``, ``group``, ``subshell``. ``words``: of a simple
    command all of them, its assignments first; of ``for`` the name and the list; of ``case`` its word; of a function its
    name; of ``cfor`` and ``arithmetic`` the expressions. ``parts``: of a loop its condition and its body (``for`` has
    the body only), of ``if`` condition, commands, condition, commands ..., and the ``else`` commands; of ``case`` the
    commands of each arm; of a function, group or subshell its commands. ``after`` is ``;``, ``&``, ``&&``, ``||``, ``|`` or
    empty. ``start`` and ``stop`` are offsets in the text, ``line`` and ``end`` the lines.
    """

    kind: str
    words: tuple[Word, ...]
    parts: tuple[tuple[Node, ...], ...]
    start: int
    stop: int
    line: int
    end: int
    after: str = ""
    redirects: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    @property
    def name(self) -> str:
        """The first word of a simple command that is no assignment, without its folder; empty where there is none."""
        words = self.argv
        return words[0].rpartition("/")[2] if words else ""

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of a simple command without its assignments."""
        if self.kind != "simple":
            return ()
        return tuple(word.text for word in self.words[self.assigned :])

    @property
    def assigned(self) -> int:
        """How many words at the beginning of a simple command are assignments."""
        count = 0
        while count < len(self.words) and is_assignment(self.words[count].raw):
            count += 1
        return count


def is_assignment(raw: str) -> bool:
    """Whether a word is ``NAME=value``, ``NAME+=value`` or ``NAME[index]=value``."""
    name, equals, _value = raw.partition("=")
    name = name.partition("[")[0].rstrip("+")
    return bool(equals) and name.isidentifier() and name.isascii()


def walk(nodes: t.Iterable[Node], functions: bool = False) -> t.Iterator[Node]:
    """Every command in a list, those in substitutions too, in the order of the text; bodies of functions only where asked."""
    for node in nodes:
        yield node
        for word in node.words:
            yield from walk(word.inner, functions)
        if node.kind != "function" or functions:
            for part in node.parts:
                yield from walk(part, functions)
