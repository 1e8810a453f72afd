# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Python programs, read into trees, with the names that they import and define; several modules make one program."""

from __future__ import annotations

import ast
import re
import typing as t
import warnings

from .._errors import Unparsable

Function = t.Union[ast.FunctionDef, ast.AsyncFunctionDef]
_PRINT = re.compile(r"^(\s*(?:.*[:;]\s+)?)print[ \t]+(?![=(])(?:>>\s*[\w.]+\s*,\s*)?")
_BARE_PRINT = re.compile(r"^(\s*)print\s*$")
_EXCEPT = re.compile(r"^(\s*except\s+[^:,]+?|\s*except\s*\([^)]*\))\s*,\s*(\w+)\s*:")
_RAISE = re.compile(r"^(\s*raise\s+[\w.]+)\s*,\s*(.+)$")
_BACKTICKS = re.compile(r"`([^`\n]+)`")
_EXEC = re.compile(r"^(\s*)exec[ \t]+(?![=(])(.+?)\s*$")
_OCTAL = re.compile(r"(?<![\w.])0([0-7]+)(?![\w.])")


class Module(t.NamedTuple):
    """A file. ``imports`` has what each imported name stands for (``sleep`` is ``time.sleep``); ``functions`` those of
    classes too, by their plain names; ``assigned`` every expression given to a name or to an attribute ``.name``, each
    with the function that it stands in. ``old`` is whether it had to be read as Python 2."""

    path: str
    tree: ast.Module
    lines: tuple[str, ...]
    imports: dict[str, str]
    functions: dict[str, list[Function]]
    classes: dict[str, ast.ClassDef]
    assigned: dict[str, list[tuple[ast.expr, Function | None]]]
    owner: dict[ast.AST, Function | None]
    old: bool


MOST_CHARACTERS = 400_000
"""Of one Python file: the tree of a file that long takes 200 MB and some seconds, and no person wrote it."""


def parse_module(text: str, path: str) -> Module:
    """A Python file's tree.

    :raises Unparsable: it is no Python that this interpreter can read, and no Python 2 either, or too much of it
    """
    if len(text) > MOST_CHARACTERS:
        raise Unparsable(f"{path}: it has {len(text)} characters; more than {MOST_CHARACTERS} of Python are not read")
    old = False
    text = text.removeprefix("\ufeff")
    try:
        tree = _parse(text)
    except (MemoryError, RecursionError) as error:
        raise Unparsable(f"{path}: it is nested too deeply to be read") from error
    except (SyntaxError, ValueError) as error:
        try:
            tree, old = _parse(_modernise(text)), True
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            where = getattr(error, "lineno", None) or 1
            raise Unparsable(f"{path}:{where}: this Python cannot read it ({getattr(error, 'msg', None) or error})") from error
    return _index(tree, text, path, old)


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (RecursionError, MemoryError) as error:
            raise ValueError("it is nested too deeply") from error


def _modernise(text: str) -> str:
    """Python 2 as Python 3 would write it, line by line, so that lines keep their numbers."""
    lines = []
    for line in text.expandtabs(8).replace("\r\n", "\n").split("\n"):
        line = _BARE_PRINT.sub(r"\1print()", line)
        # What is printed may go on in the next line.
        line = _PRINT.sub(r"\1_printed = ", line)
        line = _EXCEPT.sub(r"\1 as \2:", line)
        line = _RAISE.sub(r"\1(\2)", line)
        line = _OCTAL.sub(r"0o\1", line) if re.search(r"(?<![\w.])0[0-7]+(?![\w.])", line) else line
        lines.append(_BACKTICKS.sub(r"repr(\1)", _EXEC.sub(r"\1exec(\2)", line)).replace("<>", "!="))
    return "\n".join(lines)


def _index(tree: ast.Module, text: str, path: str, old: bool) -> Module:
    module = Module(path, tree, tuple(text.split("\n")), {}, {}, {}, {}, {}, old)
    pending: list[tuple[ast.AST, Function | None]] = [(tree, None)]
    while pending:
        node, owner = pending.pop()
        module.owner[node] = owner
        inside = node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else owner
        _note(module, node, owner)
        pending += ((child, inside) for child in ast.iter_child_nodes(node))
    for found in module.assigned.values():
        found.sort(key=lambda pair: pair[0].lineno)
    return module


def _note(module: Module, node: ast.AST, owner: Function | None) -> None:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        module.functions.setdefault(node.name, []).append(node)
    elif isinstance(node, ast.ClassDef):
        module.classes[node.name] = node
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        _note_import(module, node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _note_target(module, target, node.value, owner)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        _note_target(module, node.target, node.value, owner)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                _note_target(module, item.optional_vars, item.context_expr, owner)


def _note_import(module: Module, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            module.imports[alias.asname or first] = alias.name if alias.asname else first
        return
    base = "." * node.level + (node.module or "")
    for alias in node.names:
        module.imports[alias.asname or alias.name] = f"{base}{alias.name}" if base.endswith(".") else f"{base}.{alias.name}"


def _note_target(module: Module, target: ast.expr, value: ast.expr, owner: Function | None) -> None:
    if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts):
            _note_target(module, one, part, owner)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for one in target.elts:
            _note_target(module, one, value, owner)
    elif isinstance(target, ast.Name):
        module.assigned.setdefault(target.id, []).append((value, owner))
    elif isinstance(target, ast.Attribute):
        module.assigned.setdefault(f".{target.attr}", []).append((value, owner))


def dotted(node: ast.AST, module: Module) -> str:
    """``time.sleep`` for whatever names it here; a chain that begins with no name begins with ``?``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(module.imports.get(node.id, node.id))
    elif isinstance(node, ast.Call):
        parts.append(f"{dotted(node.func, module)}()")
    else:
        parts.append("?")
    return ".".join(reversed(parts))


def called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def source(node: ast.AST, module: Module, most: int = 120) -> str:
    """How an expression is written, on one line."""
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError, AttributeError):
        text = module.lines[getattr(node, "lineno", 1) - 1].strip()
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def own_nodes(nodes: t.Iterable[ast.AST]) -> t.Iterator[ast.AST]:
    """The nodes below, those of functions and classes that are defined there left out."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
