# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How long a shell script waits: ``sleep 5m``, ``sleep "$INTERVAL"``, ``sleep $((60 * 5))``."""

from __future__ import annotations

import ast
import re
import typing as t

from .model import Interval
from .shell_tree import is_assignment, walk

if t.TYPE_CHECKING:
    from .shell_tree import Node

_SUFFIX = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)\Z")
_EXPANSION = re.compile(r"\$\{(\w+)(?::?([-=+?])([^{}]*))?\}|\$(\w+)")
_ARITHMETIC = re.compile(r"\$\(\((.*?)\)\)|\$\[(.*?)\]")
_DEFAULT = re.compile(r"\$\{(\w+):?=([^{}]*)\}")
_DEPTH = 8
_DECLARE = frozenset(("export", "readonly", "local", "declare", "typeset", ":"))


class Variables:
    """The variables of a script: what it assigns, what it is started with."""

    def __init__(self, nodes: t.Sequence[Node], argv: t.Sequence[str], environment: t.Mapping[str, str | None]) -> None:
        self._argv, self._environment = argv, environment
        self._assigned: dict[str, list[str]] = {}
        self.add(nodes)

    def add(self, nodes: t.Sequence[Node]) -> None:
        """What further commands assign, those of a file that is read in for example."""
        for node in walk(nodes, functions=True):
            words = node.words if node.kind == "simple" else ()
            declares = node.name in _DECLARE
            for index, word in enumerate(words):
                if is_assignment(word.raw) and (index < node.assigned or declares):
                    name, _equals, value = word.text.partition("=")
                    self._assigned.setdefault(name.rstrip("+"), []).append(value)
                for match in _DEFAULT.finditer(word.raw):
                    self._assigned.setdefault(match[1], []).append(f"${{{match[1]}:-{match[2]}}}")

    def constants(self, name: str) -> list[str]:
        """Every value that the script gives a variable."""
        return self._assigned.get(name, [])

    def expand(self, text: str, depth: int = _DEPTH) -> tuple[str, bool] | None:
        """A word with its variables replaced, and whether that is sure; None where one is not known."""
        if "$" not in text:
            return text, True
        if depth == 0:
            return None
        sure = [True]
        missing: list[str] = []

        def variable(match: t.Match[str]) -> str:
            value = self._value(match[1] or match[4], match[2] or "", match[3] or "", depth - 1)
            if value is None:
                missing.append(match[0])
                return ""
            sure[0] = sure[0] and value[1]
            return value[0]

        def arithmetic(match: t.Match[str]) -> str:
            inner = re.sub(r"(?<![\w$])([A-Za-z_]\w*)", r"$\1", match[1] if match[1] is not None else match[2])
            number = _calculate(_EXPANSION.sub(variable, inner))
            if number is None:
                missing.append(match[0])
                return ""
            return f"{number:g}"

        found = _EXPANSION.sub(variable, _ARITHMETIC.sub(arithmetic, text))
        return None if missing or "$" in found or "`" in found else (found, sure[0])

    def _value(self, name: str, operator: str, other: str, depth: int) -> tuple[str, bool] | None:
        if name == "RANDOM":
            return "0", False
        if name.isdigit():
            index = int(name)
            if 0 < index <= len(self._argv):
                return self._argv[index - 1], True
            return self.expand(other, depth) if operator in ("-", "=") and operator else None
        values = [value for value in self._assigned.get(name, ()) if not re.search(rf"\$\{{?{name}\b", value)]
        started = self._environment.get(name)
        if not values and started is not None:
            return started, True
        found = [one for one in (self.expand(value.strip("\"'"), depth) for value in values) if one is not None and one[0]]
        if found:
            return found[0][0], found[0][1] and len(values) == 1
        own = [value for value in self._assigned.get(name, ()) if value not in values]
        for value in own:
            match = re.search(rf"\$\{{{name}:?[-=]([^{{}}]*)\}}", value)
            default = self.expand(match[1].strip("\"'"), depth) if match else None
            if default is not None:
                return (started, True) if started is not None else (default[0], False)
        if operator in ("-", "="):
            default = self.expand(other.strip("\"'"), depth)
            return (default[0], False) if default is not None else None
        return None

    def seconds(self, words: t.Sequence[str], text: str) -> Interval:
        """The sum of ``sleep``'s arguments in seconds (coreutils: ``sleep 1h 30m``)."""
        total, sure = 0.0, True
        for word in words:
            if word.startswith("--"):
                continue
            known = self.expand(word)
            match = _NUMBER.match(known[0].strip()) if known is not None else None
            if match is None or known is None:
                number = re.match(r"\d+", known[0]) if known is not None else None
                if number is None or not re.fullmatch(r"\d+[.\d]*", known[0] if known else ""):
                    return Interval(None, text, False)
                total, sure = total + float(number[0]), False
                continue
            total += float(match[1]) * _SUFFIX[match[2]]
            sure = sure and known[1]
        return Interval(total, text, sure)


def _calculate(text: str) -> float | None:
    """A sum of plain numbers."""
    if len(text) > 200 or not re.fullmatch(r"[\d\s+\-*/%().]*", text):
        return None
    try:
        return _number(ast.parse(text.strip().replace("/", "//") or "0", mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None


def _number(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.UnaryOp):
        return -_number(node.operand) if isinstance(node.op, ast.USub) else _number(node.operand)
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.FloorDiv):
            return left // right
        if isinstance(node.op, ast.Mod):
            return left % right
    raise ValueError("no sum")
