# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a shell loop carries from one round to the next in its variables, and would lose if each round were a process.

Conservative, as ``python_state`` is: a variable that a round sets and may read before that counts as carried.
"""

from __future__ import annotations

import re
import typing as t

from .shell_tree import walk

if t.TYPE_CHECKING:
    from .shell_tree import Node

_USE = re.compile(r"\$(?:\{[#!]?)?([A-Za-z_]\w*)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_DECLARES = frozenset(("declare", "export", "local", "readonly", "typeset"))
_READS = frozenset(("read", "mapfile", "readarray", "getopts"))
_CONDITIONAL = ("&&", "||")


class Carried(t.NamedTuple):
    """A variable that lives on, the line where that shows, and whether it is ever read."""

    name: str
    line: int
    is_read: bool


def find_carried(text: str, body: t.Sequence[Node], functions: t.Mapping[str, Node]) -> list[Carried]:
    """What ``body``, the work of one round, carries over; ``functions`` are those of the script by name."""
    look = _Look(text, body, functions)
    look.run(body, frozenset())
    found = {name: Carried(name, line, True) for name, line in look.carried.items()}
    for name, line in look.grown.items():
        found.setdefault(name, Carried(name, line, name in look.used))
    return sorted(found.values(), key=lambda one: one.line)


class _Look:
    def __init__(self, text: str, body: t.Sequence[Node], functions: t.Mapping[str, Node]) -> None:
        self._text, self._functions = text, functions
        self._reached = _reached(body, functions)
        everything = [node for part in (body, *(one.parts[0] for one in self._reached.values())) for node in walk(part)]
        self._set = {name for node in everything for name in sets(node)}
        self.used = {name for node in everything for name in self._uses(node)}
        self.carried: dict[str, int] = {}
        self.grown: dict[str, int] = {}
        self._inside: set[str] = set()

    def _uses(self, node: Node) -> set[str]:
        found = {name for word in node.words for name in _USE.findall(word.raw)}
        found |= {name for _operator, target in node.redirects for name in _USE.findall(target)}
        if any(operator.startswith("<<") and operator != "<<<" for operator, _target in node.redirects):
            # The body of a here-document is in no word; it stands behind the command.
            found |= set(_USE.findall(self._text[node.start :])) & self._set
        if node.kind in ("arithmetic", "cfor"):
            found |= {name for word in node.words for name in _NAME.findall(word.raw)}
        for word in node.words:
            for expression in re.findall(r"\$\(\((.*?)\)\)", word.raw):
                found |= set(_NAME.findall(expression))
        return found

    def run(self, nodes: t.Sequence[Node], known: frozenset[str]) -> frozenset[str]:
        """Go through commands in their order; ``known`` are the variables that are set whichever way led here."""
        maybe = False
        for node in nodes:
            after = self._one(node, known)
            if not maybe and node.after not in ("|", "&"):
                known = after
            maybe = node.after in (*_CONDITIONAL, "|")
        return known

    def _one(self, node: Node, known: frozenset[str]) -> frozenset[str]:
        grown = {name for name in sets(node) if _grows(node, name)}
        for name in grown - known:
            self.grown.setdefault(name, node.line)
        for name in (self._uses(node) & self._set) - known - grown:
            self.carried.setdefault(name, node.line)
        for word in node.words:
            self.run(word.inner, known)
        if node.kind == "simple":
            return self._called(node, known) | (frozenset(sets(node)) - grown)
        if node.kind == "if":
            return self._if(node, known)
        if node.kind in ("group", "subshell"):
            inner = self.run(node.parts[0], known)
            return inner if node.kind == "group" else known
        if node.kind != "function":
            inside = known | frozenset(sets(node))
            for part in node.parts:
                inside = self.run(part, inside)
        return known

    def _called(self, node: Node, known: frozenset[str]) -> frozenset[str]:
        function = self._reached.get(node.name)
        if function is None or node.name in self._inside:
            return known
        self._inside.add(node.name)
        known = self.run(function.parts[0], known)
        self._inside.discard(node.name)
        return known

    def _if(self, node: Node, known: frozenset[str]) -> frozenset[str]:
        ends = []
        parts = list(node.parts)
        while len(parts) >= 2:
            known = self.run(parts.pop(0), known)
            ends.append(self.run(parts.pop(0), known))
        ends.append(self.run(parts[0], known) if parts else known)
        return frozenset.intersection(*ends)


def _reached(body: t.Sequence[Node], functions: t.Mapping[str, Node]) -> dict[str, Node]:
    """The functions of the script that the work may call."""
    found: dict[str, Node] = {}
    pending = [body]
    while pending:
        for node in walk(pending.pop()):
            for word in node.words:
                function = functions.get(word.text)
                if function is not None and word.text not in found:
                    found[word.text] = function
                    pending.append(function.parts[0])
    return found


def sets(node: Node) -> list[str]:
    """The variables that a command sets in the shell that runs it."""
    if node.kind in ("for", "select"):
        return [node.words[0].text] if node.words else []
    if node.kind in ("arithmetic", "cfor"):
        texts = " ".join(word.raw for word in node.words)
        return re.findall(r"([A-Za-z_]\w*)\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)", texts) + re.findall(r"([A-Za-z_]\w*)\s*(?:\+\+|--)", texts)
    if node.kind != "simple":
        return []
    argv = node.argv
    if not argv or node.name in _DECLARES:
        return [match[0] for word in node.words if "=" in word.raw and (match := _NAME.match(word.raw))]
    if node.name == "let":
        return [match[0] for word in argv[1:] if (match := _NAME.match(word))]
    return [word for word in argv[1:] if _NAME.fullmatch(word)] if node.name in _READS else []


def _grows(node: Node, name: str) -> bool:
    """``NAME+=more`` adds to what was there."""
    return node.kind == "simple" and any(word.raw.startswith(f"{name}+=") for word in node.words)
