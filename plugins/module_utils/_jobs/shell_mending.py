# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Shell loops that look whether something is well and mend it where it is not: what they look at decides whether they act.

What a look finds is followed through variables (``status=$?``, ``retries``), functions and branches.
"""

from __future__ import annotations

import re
import typing as t

from . import mending
from .shell_signs import ECHOES, is_sleep
from .shell_state import sets
from .shell_tree import walk

if t.TYPE_CHECKING:
    from .shell_tree import Node

QUICK = 60.0
"""Seconds. Who looks at a connection more often than this and acts on its loss by a command of his own watches it."""

_OFTEN = 6  # passes until what is known of variables no longer grows
_DEPTH = 6
_MOST_STEPS = 20_000
"""What a script that calls its functions again and again may cost; beyond that nothing is found."""
_NOT, _GUARDED, _LOST = range(3)
_USE = re.compile(r"\$(?:\{[#!]?)?([A-Za-z_]\w*)")
_CONNECTION = re.compile(
    r"(?i)(?<![a-z])(?:ping6?|fping|arping)(?![a-z])|/dev/tcp/|nc -\w*z|connectivity|operstate|carrier|"
    r"(?:is|check|test)_?(?:\w{1,20}_)?(?:connect\w*|internet|network|link|vpn|tunnel|online|reachable)"
)
_FAILED = re.compile(r"(?i)!|\bfalse\b|\bdown\b|fail|\bunreach|\blost\b|100%|-ne ['\"]?0|-[gl][te]\b|-z\b|(?:=|-eq) ['\"]?0['\"]?\s*\]")
_PLAIN = frozenset(
    (
        *("", ":", "[", "[[", "break", "cat", "cd", "continue", "cut", "date", "declare", "exit", "export", "false", "grep", "let"),
        *("local", "read", "return", "rm", "sed", "set", "shift", "test", "touch", "tr", "true", "unset", "wait", "awk", "mkdir"),
    )
)


def find_mending(body: t.Sequence[Node], functions: t.Mapping[str, Node], text: str, seconds: float | None) -> Node | None:
    """The command by which a round mends what it found to be ill; None where it mends nothing."""
    look = _Look(functions, text, body, seconds)
    known = -1
    for _pass in range(_OFTEN):
        if look.found is not None or known == len(look.tainted):
            break
        known = len(look.tainted)
        look.run(body, _NOT, _DEPTH)
    # Who does work of his own in each round does not only mend.
    return look.found if not look.works else None


class _Look:
    def __init__(self, functions: t.Mapping[str, Node], text: str, body: t.Sequence[Node], seconds: float | None) -> None:
        self._functions, self._text = functions, text
        self._stops = any(node.kind == "simple" and mending.STOPS.search(" ".join(node.argv)) for node in walk(body))
        self._quick = seconds is not None and seconds < QUICK
        self.tainted: dict[str, int] = {}
        self.found: Node | None = None
        self.works = False
        self._steps = 0
        self._last = _NOT
        self._inside: set[str] = set()
        self._known: dict[str, int] = {}

    def run(self, nodes: t.Sequence[Node], guard: int, depth: int) -> None:
        """Goes through commands in their order; ``guard`` is what their branch depends on."""
        if not depth or self._steps > _MOST_STEPS:
            return
        chain = guard
        for index, node in enumerate(nodes):
            before = nodes[index - 1] if index else None
            if before is None or before.after not in ("&&", "||"):
                chain = guard
            else:
                chain = max(chain, self._guard((before,), before.after == "||"))
            self._one(node, chain, depth)

    def _one(self, node: Node, guard: int, depth: int) -> None:
        self._steps += 1
        if node.kind == "simple":
            self._simple(node, guard, depth)
        elif node.kind == "if":
            self._if(node, guard, depth)
        elif node.kind == "case":
            inside = max(guard, _GUARDED if self._sees(node.words) else _NOT)
            for part in node.parts:
                self.run(part, inside, depth - 1)
        elif node.kind in ("while", "until"):
            self.run(node.parts[0], guard, depth - 1)
            self.run(node.parts[-1], max(guard, self._guard(node.parts[0], node.kind == "until")), depth - 1)
        elif node.kind == "arithmetic":
            self._taint(node, guard)
        elif node.kind != "function":
            for part in node.parts:
                self.run(part, guard, depth - 1)

    def _if(self, node: Node, guard: int, depth: int) -> None:
        inside = guard
        for at in range(0, len(node.parts) - 1, 2):
            self.run(node.parts[at], guard, depth - 1)
            self.run(node.parts[at + 1], max(inside, self._guard(node.parts[at])), depth - 1)
            inside = max(inside, self._guard(node.parts[at], True))
        if len(node.parts) % 2:
            self.run(node.parts[-1], inside, depth - 1)

    def _simple(self, node: Node, guard: int, depth: int) -> None:
        for word in node.words:
            self.run(word.inner, guard, depth - 1)
        self.works = self.works or (not guard and bool(mending.WORKS.search(" ".join(node.argv))))
        if guard and self.found is None and self._mends(node, guard):
            self.found = node
        self._taint(node, guard)
        if node.argv or any(word.inner for word in node.words):
            self._last = self._looks(node)
        for word in node.words[node.assigned :]:
            function = self._functions.get(word.text)
            if function is not None and word.text not in self._inside:
                self._inside.add(word.text)
                self.run(function.parts[0], guard, depth - 1)
                self._inside.discard(word.text)

    def _taint(self, node: Node, guard: int) -> None:
        seen = guard or self._looks(node)
        names = sets(node)
        for name in names if seen else ():
            self.tainted[name] = max(self.tainted.get(name, _NOT), min(seen, _LOST))

    def _guard(self, condition: t.Sequence[Node], failed: bool = False) -> int:
        """What a branch depends on that is taken after ``condition`` held, or failed."""
        seen = max((self._looks(one) for one in condition), default=_NOT)
        if seen != _LOST:
            return seen
        text = self._text[condition[0].start : condition[-1].stop]
        negated = failed or any(one.negated for one in condition) or bool(_FAILED.search(text))
        return _LOST if negated else _GUARDED

    def _looks(self, node: Node) -> int:
        """Whether a command looks at the health of something (1), or at a connection (2)."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return _NOT
        if node.kind == "simple":
            return self._looks_simply(node)
        return max((self._looks(one) for one in walk((node,)) if one.kind in ("simple", "arithmetic") and one is not node), default=0) or (
            _GUARDED if self._sees(node.words) else _NOT
        )

    def _looks_simply(self, node: Node) -> int:
        seen = self._sees(node.words)
        inner = max((self._looks(one) for word in node.words for one in word.inner), default=_NOT)
        seen = max(seen, inner)
        text = " ".join(word.raw for word in node.words)
        if "$?" in text:
            seen = max(seen, self._last)
        if node.name in ECHOES:
            return seen
        for word in node.words[node.assigned :]:
            if word.text in self._functions:
                seen = max(seen, self._function(word.text))
        if _CONNECTION.search(text):
            return _LOST
        return max(seen, _GUARDED if mending.HEALTH.search(text) else _NOT)

    def _function(self, name: str) -> int:
        """What the commands of a function look at."""
        if name not in self._known:
            self._known[name] = _LOST if _CONNECTION.search(name) else _NOT
            every = [one for one in walk(self._functions[name].parts[0]) if one.kind == "simple"]
            self._known[name] = max((self._looks(one) for one in every), default=self._known[name])
        return self._known[name]

    def _sees(self, words: t.Sequence[t.Any]) -> int:
        names = {name for word in words for name in _USE.findall(word.raw)}
        names |= {name for word in words if "$" not in word.raw for name in re.findall(r"[A-Za-z_]\w*", word.raw) if len(words) == 1}
        return max((self.tainted.get(name, _NOT) for name in names), default=_NOT)

    def _mends(self, node: Node, guard: int) -> bool:
        if not node.argv or node.name in ECHOES or node.name in _PLAIN or is_sleep(node):
            return False
        text = re.sub(r"\$\{?\w+\}?", "$", " ".join(node.argv))
        match = mending.MENDS.search(text)
        if match is not None:
            starts = re.search(r"(?i)(?<![a-z])start\b", text) and not re.search(r"(?i)re-?start", text)
            return not (starts and self._stops)
        own = node.name not in self._functions and not mending.TELLS.search(text)
        return own and guard == _LOST and self._quick and not self._looks(node)
