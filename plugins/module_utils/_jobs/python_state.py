# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a Python loop carries from one round to the next in memory, and would lose if each round were a process.

Conservative: what may be carried counts as carried. What is only ever added to, and never read, is a leak and no state.
"""

from __future__ import annotations

import ast
import typing as t

_MUTATORS = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft"),
        *("push", "remove", "rotate", "setdefault", "update"),
    )
)
# What gives back something that depends on the calls before it, of a file.
_ADVANCE = frozenset(("__next__", "read", "readline", "readlines"))
_NEVER_GOES_ON = (ast.Continue, ast.Break, ast.Return, ast.Raise)

Function = t.Union[ast.FunctionDef, ast.AsyncFunctionDef]


class Carried(t.NamedTuple):
    """A name that lives on (``count``, ``self.seen``), the line where it is read or changed, and whether it is ever read."""

    name: str
    line: int
    is_read: bool


def find_carried(tree: ast.Module, body: t.Sequence[ast.stmt]) -> list[Carried]:
    """What ``body``, the work of one round, carries over; sorted by line."""
    reached = find_reached(tree, body)
    own = _Assigned(body)
    found = {name: Carried(name, line, True) for name, line in own.carried.items()}
    for name, use in _uses(tree, body, reached).items():
        if name in own.always or not use.changes:
            continue
        if use.advances or use.reads:
            found.setdefault(name, Carried(name, min((use.advances or use.reads) + use.changes), True))
        else:
            found.setdefault(name, Carried(name, min(use.changes), False))
    return sorted(found.values(), key=lambda one: one.line)


def find_reached(tree: ast.Module, body: t.Iterable[ast.stmt]) -> list[Function]:
    """The functions of the same file that the work may call, by their names, wherever they are defined."""
    by_name: dict[str, list[Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            by_name.setdefault(node.name, []).append(node)
    found: list[Function] = []
    pending: list[ast.AST] = list(body)
    while pending:
        for node in ast.walk(pending.pop()):
            # A function that is handed on may be called, too.
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            for function in by_name.pop(name, ()):
                found.append(function)
                pending.append(function)
    return found


class _Use:
    """Lines where something outside a round is read, changed, or advanced (read in a way that changes it)."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.changes: list[int] = []
        self.advances: list[int] = []


def _uses(tree: ast.Module, body: t.Sequence[ast.stmt], reached: t.Sequence[Function]) -> dict[str, _Use]:
    visitor = _Uses(_Origins(tree))
    for statement in body:
        visitor.visit(statement)
    for function in reached:
        visitor.within(function, {})
    by_name = {function.name: function for function in reached}
    for statement in body:
        for node in ast.walk(statement):
            called = by_name.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
            if called is not None and isinstance(node, ast.Call):
                visitor.within(called, _handed_over(node, called))
    return visitor.found


def _handed_over(call: ast.Call, function: Function) -> dict[str, str]:
    """The caller's names of what a function gets, by the names of its parameters."""
    given = dict(zip((one.arg for one in function.args.args), call.args))
    given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    return {name: value.id for name, value in given.items() if isinstance(value, ast.Name)}


class _Origins:
    """What names stand for, as far as their assignments tell: ``modules`` are imported, ``foreign`` objects of classes from
    elsewhere, whose methods only sound like those of a list, ``files`` opened ones."""

    def __init__(self, tree: ast.Module) -> None:
        self.modules: set[str] = set()
        self.foreign: set[str] = set()
        self.files: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.modules |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                self._assigned([ast.unparse(target) for target in node.targets], node.value)
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                for item in node.items:
                    if item.optional_vars is not None and isinstance(item.context_expr, ast.Call):
                        self._assigned([ast.unparse(item.optional_vars)], item.context_expr)

    def _assigned(self, names: t.Iterable[str], call: ast.Call) -> None:
        maker = ast.unparse(call.func)
        root, last = maker.partition(".")[0], maker.rpartition(".")[2]
        if last in ("open", "fdopen"):
            self.files |= set(names)
        elif last not in ("deque", "defaultdict", "OrderedDict", "Counter") and (root in self.modules or last[:1].isupper()):
            self.foreign |= set(names)


class _Uses(ast.NodeVisitor):
    def __init__(self, origins: _Origins) -> None:
        self.found: dict[str, _Use] = {}
        self._origins = origins
        self._local: frozenset[str] = frozenset()
        self._global: frozenset[str] = frozenset()
        self._called: t.Mapping[str, str] = {}

    def within(self, function: Function, called: t.Mapping[str, str]) -> None:
        """Names that a function binds are its own, unless it says ``global``; ``called`` are its parameters that are
        another's names."""
        self._called = called
        nodes = list(ast.walk(function))
        self._global = frozenset(name for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names)
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg) and node.arg not in ("self", "cls")}
        self._local = frozenset(bound - self._global - set(called))
        for statement in function.body:
            self.visit(statement)

    def _use(self, node: ast.AST) -> _Use | None:
        """The use of a name, or of an attribute of ``self``."""
        if isinstance(node, ast.Name) and node.id not in self._local and node.id not in ("self", "cls", *self._origins.modules):
            return self.found.setdefault(self._called.get(node.id, node.id), _Use())
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            return self.found.setdefault(f"{node.value.id}.{node.attr}", _Use())
        return None

    def visit_Call(self, node: ast.Call) -> None:
        use = self._changed_by(node)
        if use is not None:
            use.changes.append(node.lineno)
        else:
            self.visit(node.func)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def _changed_by(self, node: ast.Call) -> _Use | None:
        """What a call changes, whose result depends on what it was."""
        if isinstance(node.func, ast.Name) and node.func.id == "next" and node.args:
            use = self._use(node.args[0])
            if use is not None:
                use.advances.append(node.lineno)
            return use
        if not isinstance(node.func, ast.Attribute):
            return None
        name, method = ast.unparse(node.func.value), node.func.attr
        advances = method in _ADVANCE and name in self._origins.files
        if not advances and (method not in _MUTATORS or name in self._origins.foreign):
            return None
        use = self._use(node.func.value)
        if use is not None and (advances or method.startswith("pop")):
            use.advances.append(node.lineno)
        return use

    def visit_Subscript(self, node: ast.Subscript) -> None:
        use = self._use(node.value)
        if use is not None and not isinstance(node.ctx, ast.Load):
            use.changes.append(node.lineno)
        else:
            self.visit(node.value)
        self.visit(node.slice)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        target = node.target.value if isinstance(node.target, ast.Subscript) else node.target
        use = self._use(target)
        if use is not None and (isinstance(target, ast.Attribute) or isinstance(node.target, ast.Subscript) or self._is_global(target)):
            use.changes.append(node.lineno)
            use.reads.append(node.lineno)
        self.visit(node.value)

    def _is_global(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._global

    def visit_Attribute(self, node: ast.Attribute) -> None:
        use = self._use(node)
        if use is None:
            # state.last = 1: what the name stands for is changed.
            holder = self._use(node.value)
            if holder is not None:
                (holder.reads if isinstance(node.ctx, ast.Load) else holder.changes).append(node.lineno)
            else:
                self.visit(node.value)
        else:
            (use.reads if isinstance(node.ctx, ast.Load) else use.changes).append(node.lineno)

    def visit_Name(self, node: ast.Name) -> None:
        use = self._use(node)
        if use is not None and isinstance(node.ctx, ast.Load):
            use.reads.append(node.lineno)
        elif use is not None and node.id in self._global:
            use.changes.append(node.lineno)


class _Assigned:
    """Which names a round binds before it reads them. ``carried`` are those that it may read first and binds itself, with
    the line; ``always`` those that are bound whenever a round ends."""

    def __init__(self, body: t.Sequence[ast.stmt]) -> None:
        self._bound = {name for statement in body for name in _bound(statement)}
        self.carried: dict[str, int] = {}
        self.always = self._block(body, frozenset())

    def _read(self, node: ast.AST | None, known: frozenset[str]) -> None:
        """Names read in an expression."""
        if node is None:
            return
        own = {name for part in ast.walk(node) if isinstance(part, ast.comprehension) for name in _bound(part.target)}
        own |= {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id in self._bound - own - known:
                self.carried.setdefault(part.id, part.lineno)

    def _block(self, body: t.Iterable[ast.stmt], known: frozenset[str]) -> frozenset[str]:
        for statement in body:
            known = self._statement(statement, known)
        return known

    def _statement(self, node: ast.stmt, known: frozenset[str]) -> frozenset[str]:
        if isinstance(node, ast.If):
            self._read(node.test, known)
            return self._join([node.body, node.orelse], known)
        if isinstance(node, ast.Try):
            return self._try(node, known)
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            self._read(node.test if isinstance(node, ast.While) else node.iter, known)
            inner = known if isinstance(node, ast.While) else known | _bound(node.target)
            self._block(node.body, inner)
            self._block(node.orelse, known)
            return known
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._read(item.context_expr, known)
                known = known | (_bound(item.optional_vars) if item.optional_vars is not None else frozenset())
            return self._block(node.body, known)
        return self._simple(node, known)

    def _simple(self, node: ast.stmt, known: frozenset[str]) -> frozenset[str]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return known | {node.name}
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id not in known:
            self.carried.setdefault(node.target.id, node.lineno)
        # match statements and what is newer: read as a whole, and nothing counts as bound.
        self._read(node, known)
        plain = isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Import, ast.ImportFrom, ast.Return, ast.Assert))
        return known | _bound(node) if plain else known

    def _join(self, branches: t.Iterable[t.Sequence[ast.stmt]], known: frozenset[str]) -> frozenset[str]:
        """What is bound behind branches, of which those that leave the round do not count."""
        ends = [(branch, self._block(branch, known)) for branch in branches]
        going_on = [end for branch, end in ends if not (branch and isinstance(branch[-1], _NEVER_GOES_ON))]
        return frozenset.intersection(*going_on) if going_on else known

    def _try(self, node: ast.Try, known: frozenset[str]) -> frozenset[str]:
        end = self._block([*node.body, *node.orelse], known)
        ends = [end]
        for handler in node.handlers:
            caught = self._block(handler.body, known | ({handler.name} if handler.name else frozenset()))
            if not (handler.body and isinstance(handler.body[-1], _NEVER_GOES_ON)):
                ends.append(caught)
        return self._block(node.finalbody, frozenset.intersection(*ends))


def _bound(node: ast.AST) -> frozenset[str]:
    """The names that a statement or a target binds, nested functions apart."""
    found = set()
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(part.name)
            continue
        if isinstance(part, ast.Lambda):
            continue
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            found.add(part.id)
        elif isinstance(part, ast.alias):
            found.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.ExceptHandler) and part.name:
            found.add(part.name)
        if not isinstance(part, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            pending += ast.iter_child_nodes(part)
    return frozenset(found)
