# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A Python script that works in a loop, made into one that does one round: the loop's body once, all else as it is.

The text is edited by its lines, so comments and formatting stay. Where it is not sure that one round of the new script does
what one round of the old one did, it refuses.
"""

from __future__ import annotations

import ast
import typing as t

from .._errors import Refused
from .one_pass import OnePass, split_lines
from .python_state import find_carried, find_reached
from .python_waits import Head, find_waits, read_head

if t.TYPE_CHECKING:
    from .python_waits import Loop

# What goes on beside the loop, or between its rounds.
_BESIDE = {
    "Thread": "it starts threads",
    "Timer": "it starts timers of its own",
    "ThreadPoolExecutor": "it starts threads",
    "Process": "it starts processes beside itself",
    "create_task": "it starts tasks beside the loop",
    "ensure_future": "it starts tasks beside the loop",
    "run_forever": "an event loop runs until it is stopped",
    "serve_forever": "it serves others between its rounds",
    "start_http_server": "it serves others between its rounds",
    "start_server": "it serves others between its rounds",
    "listen": "it serves others between its rounds",
    "fork": "it forks",
    "daemonize": "it puts itself into the background",
    "DaemonContext": "it puts itself into the background",
}
# Parts of a moment: whoever asks for them inside a condition decides by the time of day.
_CLOCK = frozenset(("hour", "minute", "isoweekday", "weekday", "tm_hour", "tm_min", "tm_wday"))
_LEAVING = (ast.Break, ast.Continue)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.While, ast.For, ast.AsyncFor)


def make_one_pass_python(text: str, file: str, line: int, interval: float | None, lost: t.Collection[str] = ()) -> OnePass:
    """The script with the loop that begins on ``line`` done once. ``interval`` are the seconds that it waits, as found; ``lost``
    are names whose values may be lost from round to round.

    :raises Refused: it is not sure that the new script would do the same; the text says why, with the line
    """
    tree = _parse(text, file)
    script = _Script(text, file, tree)
    loop = script.loop_at(line)
    head = read_head(loop)
    waits = find_waits(loop, head, file, interval)
    script.refuse_what_goes_on(loop)
    script.refuse_dead_code(loop, head)
    body = [statement for statement in loop.body if statement not in waits.nodes]
    if not body:
        raise Refused(f"{file}:{line}: the loop does nothing but wait")
    script.refuse_clock(body)
    script.refuse_work_before(loop, body)
    leaks = script.refuse_carried(body, lost)
    new = _edit(text, loop, head, waits.nodes, script)
    _parse(new, file)
    return OnePass(new, waits.first, (*script.notes(loop), *leaks, *waits.notes))


def _parse(text: str, file: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Refused(f"{file}: this host's Python cannot read it ({error}), so its loop is not edited") from error


class _Script:
    """A script with what is around each of its nodes."""

    def __init__(self, text: str, file: str, tree: ast.Module) -> None:
        self.text, self.file, self.tree = text, file, tree
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def _refuse(self, node: ast.AST, why: str) -> Refused:
        return Refused(f"{self.file}:{getattr(node, 'lineno', 1)}: {why}")

    def above(self, node: ast.AST) -> t.Iterator[ast.AST]:
        """What a node lies in, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def loop_at(self, line: int) -> Loop:
        found = [node for node in ast.walk(self.tree) if isinstance(node, (ast.While, ast.For)) and node.lineno == line]
        if len(found) != 1:
            raise Refused(
                f"{self.file}:{line}: there is no while or for loop that could be done once; a schedule library or recursion is not edited"
            )
        (loop,) = found
        if loop.orelse:
            raise self._refuse(loop, "the loop has an else branch")
        if loop.body[0].lineno <= _head_end(loop):
            raise self._refuse(loop, "the whole loop stands on one line")
        return loop

    def refuse_what_goes_on(self, loop: Loop) -> None:
        for node in ast.walk(self.tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in _BESIDE:
                raise self._refuse(node, f"{_BESIDE[name]} ({name}); what that means for a single round cannot be told")
        for node in ast.walk(loop):
            if isinstance(node, (ast.Yield, ast.YieldFrom)):
                raise self._refuse(node, "the loop is a generator's; whoever reads from it decides when it goes on")
        self._refuse_outer_loops(loop, loop, set())

    def _refuse_outer_loops(self, node: ast.AST, loop: Loop, seen: set[str]) -> None:
        """Neither the loop nor a call of its function may lie in another loop."""
        for outer in self.above(node):
            if isinstance(outer, _LOOPS):
                raise self._refuse(outer, f"the loop of line {loop.lineno} lies in another loop")
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)) and outer.name not in seen:
                seen.add(outer.name)
                for call in self.calls(outer.name):
                    self._refuse_outer_loops(call, loop, seen)

    def calls(self, name: str) -> list[ast.Call]:
        """Every call of a function or method of this name."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called == name:
                    found.append(node)
        return found

    def refuse_dead_code(self, loop: Loop, head: Head) -> None:
        """What stands behind an endless loop never ran, and would run now."""
        if head is not Head.ENDLESS or any(isinstance(node, ast.Break) for node in leaving(loop)):
            return
        self._refuse_behind(loop, loop, set())

    def _refuse_behind(self, node: ast.AST, loop: Loop, seen: set[str]) -> None:
        for outer in self.above(node):
            behind = _behind(outer, node)
            if behind is not None:
                raise self._refuse(
                    behind, f"this stands behind the endless loop of line {loop.lineno}, never ran so far, and would run now"
                )
            if isinstance(outer, ast.Try) and outer.handlers and node in outer.body:
                return  # what is caught goes on behind it
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if outer.name not in seen:
                    seen.add(outer.name)
                    for call in self.calls(outer.name):
                        self._refuse_behind(call, loop, seen)
                return
            node = outer

    def refuse_clock(self, body: t.Sequence[ast.stmt]) -> None:
        """A round that looks at the clock may miss its minute when a timer starts it; a calendar does not."""
        tests = [node.test for statement in body for node in ast.walk(statement) if isinstance(node, (ast.If, ast.IfExp))]
        for test in tests:
            for node in ast.walk(test):
                if isinstance(node, ast.Attribute) and node.attr in _CLOCK:
                    raise self._refuse(node, "a round works only at some time of the day; write a pair with on_calendar instead")

    def refuse_work_before(self, loop: Loop, body: t.Sequence[ast.stmt]) -> None:
        """What is done once before the loop and again in each round would be done twice in every run."""
        work = {ast.dump(node) for node in body if isinstance(node, ast.Expr) and not _is_docstring(node)}
        for block in _blocks(self.parents[loop]):
            for node in block[: block.index(loop)] if loop in block else ():
                if ast.dump(node) in work:
                    raise self._refuse(
                        node, f"this is part of each round of line {loop.lineno}, too; take it out here, so that a run does it once"
                    )

    def refuse_carried(self, body: t.Sequence[ast.stmt], lost: t.Collection[str]) -> list[str]:
        """Refuse where memory is carried from round to round. Gives back what is a leak."""
        carried = find_carried(self.tree, body)
        state = [one for one in carried if one.is_read and one.name not in lost]
        if state:
            names = ", ".join(f"{one.name} (line {one.line})" for one in state)
            raise Refused(
                f"{self.file}: each round goes on with what the last one left in memory: {names}. Keep it in a file or a database; "
                "where a round can do without it, name it in lost_state"
            )
        return [
            f"{one.name} (line {one.line}) only grows and is never read: a leak that ends with each run"
            for one in carried
            if not one.is_read
        ]

    def notes(self, loop: Loop) -> list[str]:
        """What changes in a way that cannot be avoided."""
        found = []
        first = self._first_of_setup(loop)
        if first is not None:
            found.append(f"what stands before the loop, from line {first} on, is done in every run now")
        for node in [*ast.walk(loop), *(part for function in find_reached(self.tree, loop.body) for part in ast.walk(function))]:
            if (
                isinstance(node, ast.ExceptHandler)
                and _catches_all(node)
                and not any(isinstance(part, ast.Raise) for part in ast.walk(node))
            ):
                found.append(f"line {node.lineno} catches every error, so a run that fails still ends with 0 and on_failure is not started")
        return list(dict.fromkeys(found))

    def _first_of_setup(self, loop: Loop) -> int | None:
        """The first statement of the loop's own block before it that does something."""
        parent = self.parents[loop]
        for block in _blocks(parent):
            if loop in block:
                before = block[: block.index(loop)]
                does = [one for one in before if isinstance(one, (ast.Expr, ast.With)) and not _is_docstring(one)]
                return does[0].lineno if does else None
        return None


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in kinds)


def _blocks(node: ast.AST) -> t.Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _behind(outer: ast.AST, node: ast.AST) -> ast.stmt | None:
    for block in _blocks(outer):
        if node in block:
            index = block.index(node) + 1
            return block[index] if index < len(block) else None
    return None


def leaving(loop: Loop) -> list[ast.stmt]:
    """The ``break`` and ``continue`` that belong to a loop."""
    found: list[ast.stmt] = []
    pending: list[ast.AST] = list(loop.body)
    while pending:
        node = pending.pop()
        if isinstance(node, _LEAVING):
            found.append(node)
        elif isinstance(node, _LOOPS):
            pending += node.orelse
        elif not isinstance(node, _SCOPES):
            pending += ast.iter_child_nodes(node)
    return found


def _head_end(loop: Loop) -> int:
    last = loop.test if isinstance(loop, ast.While) else loop.iter
    return last.end_lineno or loop.lineno


# Editing. Lines are counted from 1, as ast does.


def _edit(text: str, loop: Loop, head: Head, waits: t.Collection[ast.stmt], script: _Script) -> str:
    lines = split_lines(text)
    edits: dict[int, str] = {}  # what each changed line becomes, its end included
    for wait in waits:
        _take_out(lines, edits, wait, script)
    stays = any(node for node in leaving(loop) if node not in waits and not _within(node, waits))
    if stays:
        _once(lines, edits, loop, head)
    elif head is Head.FLAG:
        _replace_head(lines, edits, loop, f"if {_segment(lines, loop)}:")
    else:
        _dedent(lines, edits, loop)
    return "".join(edits.get(number, line) for number, line in enumerate(lines, 1))


def _within(node: ast.AST, outer: t.Iterable[ast.AST]) -> bool:
    return any(node is part for one in outer for part in ast.walk(one))


def _segment(lines: t.Sequence[str], loop: Loop) -> str:
    test = loop.test if isinstance(loop, ast.While) else loop.iter
    return ast.get_source_segment("".join(lines), test) or ""


def _take_out(lines: t.Sequence[str], edits: dict[int, str], node: ast.stmt, script: _Script) -> None:
    first, last = node.lineno, node.end_lineno or node.lineno
    before = lines[first - 1].encode()[: node.col_offset].decode()
    after = lines[last - 1].encode()[node.end_col_offset :].decode().strip()
    if before.strip() or (after and not after.startswith("#")):
        raise Refused(f"{script.file}:{first}: the wait shares its line with something else")
    for number in range(first, last + 1):
        edits[number] = ""
    block = next(block for block in _blocks(script.parents[node]) if node in block)
    if len(block) == 1:
        edits[first] = f"{before}pass{_line_end(lines[first - 1])}"


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :] or "\n"


def _replace_head(lines: t.Sequence[str], edits: dict[int, str], loop: Loop, new: str) -> None:
    """The head of a loop becomes something else; a comment behind it stays."""
    end = _head_end(loop)
    indent = lines[loop.lineno - 1].encode()[: loop.col_offset].decode()
    comment = _comment_behind(lines, loop)
    for number in range(loop.lineno, end + 1):
        edits[number] = ""
    if new or comment:
        edits[loop.lineno] = f"{indent}{new}{'  ' if new and comment else ''}{comment}{_line_end(lines[end - 1])}"


def _comment_behind(lines: t.Sequence[str], loop: Loop) -> str:
    last = loop.test if isinstance(loop, ast.While) else loop.iter
    rest = lines[_head_end(loop) - 1].encode()[last.end_col_offset :].decode()
    _colon, sign, comment = rest.partition("#")
    return f"#{comment.rstrip()}" if sign else ""


def _once(lines: t.Sequence[str], edits: dict[int, str], loop: Loop, head: Head) -> None:
    """``break`` and ``continue`` go on to mean what they did: a loop of one round."""
    _replace_head(lines, edits, loop, "for _one_pass in range(1):")
    if head is Head.FLAG:
        first = loop.body[0]
        indent = lines[first.lineno - 1].encode()[: first.col_offset].decode()
        step = indent.removeprefix(lines[loop.lineno - 1].encode()[: loop.col_offset].decode())
        end = _line_end(lines[loop.lineno - 1])
        plain = isinstance(loop, ast.While) and isinstance(loop.test, (ast.Name, ast.Attribute, ast.Call))
        test = _segment(lines, loop) if plain else f"({_segment(lines, loop)})"
        edits[loop.lineno] += f"{indent}if not {test}:{end}{indent}{step}break{end}"


def _dedent(lines: t.Sequence[str], edits: dict[int, str], loop: Loop) -> None:
    """The body takes the place of the loop. Lines that begin inside a string are left as they are."""
    outer = lines[loop.lineno - 1].encode()[: loop.col_offset].decode()
    first = loop.body[0]
    inner = lines[first.lineno - 1].encode()[: first.col_offset].decode()
    _replace_head(lines, edits, loop, "")
    in_strings = _lines_in_strings(loop)
    for number in range(_head_end(loop) + 1, (loop.end_lineno or loop.lineno) + 1):
        line = edits.get(number, lines[number - 1])
        if number not in in_strings and line.startswith(inner):
            edits[number] = outer + line[len(inner) :]


def _lines_in_strings(loop: Loop) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(loop):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))):
            found |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return found
