# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Python loops that look whether something is well and mend it where it is not: what they look at decides whether they act.

What a look finds is followed through names, attributes, functions and handlers of exceptions.
"""

from __future__ import annotations

import ast
import re
import typing as t

from . import mending
from .python_loops import name_work
from .python_module import called, own_nodes

if t.TYPE_CHECKING:
    from .python_module import Function

_OFTEN = 4  # passes until what is known of names no longer grows
_DEPTH = 12
_CALLS = 40  # functions that call each other, looked into one after the other
_TELLS = re.compile(r"(?i)mail|notif|alert|telegram|slack|message|log|print|write|append|publish|report|join|format|info|warn|error|debug")
_STATE = re.compile(r"(?i)\.(?:status|state)\b")

Functions = t.Callable[[str], t.Sequence["Function"]]


def find_mending(body: t.Sequence[ast.stmt], functions: Functions) -> ast.AST | None:
    """The call by which a round mends what it found to be ill; None where it mends nothing. ``functions`` gives those of
    the program by name."""
    look = _Look(functions)
    known = -1
    for _pass in range(_OFTEN):
        if look.found is not None or known == len(look.tainted):
            break
        known = len(look.tainted)
        look.start(body)
    return look.found or (look.reconnects if not look.works else None)


class _Look:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self.tainted: set[str] = set()
        self.found: ast.AST | None = None
        self.reconnects: ast.AST | None = None
        self.works = False
        self._entered: set[tuple[str, bool]] = set()
        self._known: dict[str, bool] = {}
        self._deep = 0

    def start(self, body: t.Sequence[ast.stmt]) -> None:
        self._entered.clear()
        self._run(body, False, _DEPTH)

    def _run(self, body: t.Sequence[ast.stmt], guarded: bool, depth: int) -> None:
        for node in body if depth else ():
            self._one(node, guarded, depth - 1)

    def _one(self, node: ast.stmt, guarded: bool, depth: int) -> None:
        if isinstance(node, (ast.If, ast.While)):
            self._calls([node.test], guarded, depth)
            inside = guarded or self._looks(node.test)
            self._run(node.body, inside, depth)
            self._run(node.orelse, inside, depth)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._calls([node.iter], guarded, depth)
            self._run(node.body, guarded or self._sees(node.iter), depth)
        elif isinstance(node, ast.Try):
            self._try(node, guarded, depth)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            self._run(node.body, guarded, depth)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._simple(node, guarded, depth)

    def _try(self, node: ast.Try, guarded: bool, depth: int) -> None:
        for part in (node.body, node.orelse, node.finalbody):
            self._run(part, guarded, depth)
        looks = guarded or any(self._looks(one) for one in node.body)
        for handler in node.handlers:
            self._run(handler.body, looks, depth)

    def _simple(self, node: ast.stmt, guarded: bool, depth: int) -> None:
        self._calls([node], guarded, depth)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and (
            guarded or (node.value is not None and self._looks(node.value))
        ):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            self.tainted |= {name for target in targets for name in _names(target)} - {"self", "cls"}

    def _calls(self, nodes: t.Sequence[ast.AST], guarded: bool, depth: int) -> None:
        for node in own_nodes(nodes):
            if not isinstance(node, ast.Call):
                continue
            own = self._functions(called(node))
            self._judge(node, guarded, bool(own))
            key = (called(node), guarded)
            if own and depth and key not in self._entered:
                self._entered.add(key)
                for function in own:
                    self._run(function.body, guarded, depth - 1)

    def _judge(self, node: ast.Call, guarded: bool, is_own: bool) -> None:
        text = _text(node)
        tells = bool(_TELLS.search(called(node)))
        if not guarded:
            self.works = self.works or (not is_own and not tells and bool(name_work([node])) and not mending.HEALTH.search(text))
        elif not tells and mending.MENDS.search(text):
            self.found = self.found or node
        elif mending.RECONNECTS.search(called(node)):
            self.reconnects = self.reconnects or node

    def _looks(self, node: ast.AST) -> bool:
        """Whether an expression depends on the health of something."""
        if self._sees(node):
            return True
        for one in own_nodes([node]):
            if (
                isinstance(one, ast.Call)
                and not _TELLS.search(called(one))
                and (mending.HEALTH.search(_text(one)) or self._function(called(one)))
            ):
                return True
            if isinstance(one, (ast.Name, ast.Attribute)) and isinstance(getattr(one, "ctx", None), ast.Load) and self._is_state(one):
                return True
        return False

    @staticmethod
    def _is_state(node: ast.Name | ast.Attribute) -> bool:
        text = ast.unparse(node) if isinstance(node, ast.Name) or isinstance(node.value, ast.Name) else node.attr
        return bool(mending.HEALTH.search(text) or _STATE.search(text))

    def _function(self, name: str) -> bool:
        """Whether a function of the program looks at the health of something."""
        if name not in self._known and self._deep < _CALLS:
            self._deep += 1
            self._known[name] = False
            self._known[name] = any(self._looks(one) for function in self._functions(name) for one in function.body)
            self._deep -= 1
        return self._known.get(name, False)

    def _sees(self, node: ast.AST) -> bool:
        return bool(self.tainted & {name for one in own_nodes([node]) for name in _names(one)})


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [f".{node.attr}"]
    if isinstance(node, ast.Subscript):
        return _names(node.value)
    if isinstance(node, (ast.Tuple, ast.List)):
        return [name for one in node.elts for name in _names(one)]
    return []


def _text(node: ast.Call) -> str:
    """A call as one would type it: its name, and the strings that it is given."""
    strings = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    parts = []
    function: ast.AST = node.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    parts.append(function.id if isinstance(function, ast.Name) else "")
    return " ".join([".".join(reversed(parts)), *strings])[:600]
