# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Where a Python loop waits: the statements that make the pause between two rounds."""

from __future__ import annotations

import ast
import enum
import re
import typing as t

from .._errors import Refused

Loop = t.Union[ast.While, ast.For]

_STOPS = re.compile(r"(stop|exit|quit|shut|done|term|event|running|halt|cancel|wake)", re.IGNORECASE)
_NEVER_GOES_ON = (ast.Break, ast.Return, ast.Raise)


class Head(enum.Enum):
    """What decides whether another round follows: nothing, a flag, or a wait that says whether to stop."""

    ENDLESS = "endless"
    FLAG = "flag"
    WAIT = "wait"


class Waits(t.NamedTuple):
    """The statements that wait between two rounds, and whether the wait comes before the work."""

    nodes: tuple[ast.stmt, ...]
    first: bool
    notes: tuple[str, ...] = ()


def read_head(loop: Loop) -> Head:
    """What the head of a loop says.

    :raises Refused: it counts or goes over something
    """
    if isinstance(loop, ast.For):
        name = loop.iter.func if isinstance(loop.iter, ast.Call) else None
        called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
        target = loop.target.id if isinstance(loop.target, ast.Name) else None
        used = any(isinstance(node, ast.Name) and node.id == target for part in loop.body for node in ast.walk(part))
        if called not in ("count", "repeat", "cycle") or used or target is None:
            raise Refused(f"line {loop.lineno}: the loop goes over something, and which part of it one run should do is not clear")
        return Head.ENDLESS
    if isinstance(loop.test, ast.Constant) and loop.test.value:
        return Head.ENDLESS
    test = loop.test.operand if isinstance(loop.test, ast.UnaryOp) and isinstance(loop.test.op, ast.Not) else loop.test
    if waited_for(test) is not None:
        return Head.WAIT
    if any(isinstance(node, (ast.Compare, ast.BoolOp, ast.NamedExpr)) for node in ast.walk(loop.test)):
        raise Refused(f"line {loop.lineno}: the loop ends on a condition ({ast.unparse(loop.test)}) that is no plain flag")
    return Head.FLAG


def waited_for(node: ast.expr | None) -> ast.expr | None:
    """How long a call waits: ``time.sleep(n)``, ``await asyncio.sleep(n)``, ``stop.wait(n)``; None where it is no wait."""
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, ast.Call):
        return None
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("timeout", "seconds", "secs"))]
    if len(given) != 1:
        return None
    if name == "sleep":
        return given[0]
    is_event = name == "wait" and isinstance(node.func, ast.Attribute) and _STOPS.search(ast.unparse(node.func.value))
    return given[0] if is_event else None


def wait_of(node: ast.stmt) -> ast.expr | None:
    """How long a statement waits that does nothing else; ``if stop.wait(n): break`` is one."""
    if isinstance(node, ast.Expr):
        return waited_for(node.value)
    if isinstance(node, ast.If) and not node.orelse and len(node.body) == 1 and isinstance(node.body[0], _NEVER_GOES_ON):
        return waited_for(node.test)
    if isinstance(node, ast.For) and not node.orelse:
        return _slices(node)
    return None


def _slices(node: ast.For) -> ast.expr | None:
    """``for _ in range(360): if stop: break; time.sleep(1)`` waits in slices; gives back one slice times their number."""
    called = node.iter.func if isinstance(node.iter, ast.Call) else None
    if getattr(called, "id", "") != "range" or not isinstance(node.iter, ast.Call) or len(node.iter.args) != 1:
        return None
    durations = [waited_for(one.value) for one in node.body if isinstance(one, ast.Expr)]
    checks = [one for one in node.body if isinstance(one, ast.If) and not one.orelse and isinstance(one.body[0], _NEVER_GOES_ON)]
    if len(durations) != 1 or durations[0] is None or len(durations) + len(checks) != len(node.body):
        return None
    return ast.BinOp(node.iter.args[0], ast.Mult(), durations[0])


def find_waits(loop: Loop, head: Head, file: str, interval: float | None) -> Waits:
    """The waits that make the pause of a loop: all of one length, and one on every way to the next round.

    :raises Refused: there is none, or one that cannot be told from the work, or some rounds follow at once
    """
    if head is Head.WAIT:
        test = t.cast("ast.While", loop).test
        operand = test.operand if isinstance(test, ast.UnaryOp) else test
        duration = waited_for(operand)
        _refuse_other_length(file, loop.lineno, [duration] if duration is not None else [], interval)
        return Waits((), True)
    if wait_of(loop.body[0]) is not None:
        found = [loop.body[0]]
        first = True
    else:
        found = _tails(loop.body)
        first = False
        if not found or not _covers(loop.body):
            raise Refused(f"{file}:{loop.lineno}: not every way through the loop ends with a wait, so some rounds follow at once")
    before_continue, bare = _continues(loop.body)
    if bare and not first:
        raise Refused(f"{file}:{bare[0].lineno}: this goes to the next round at once, without the wait; a timer cannot do that")
    nodes = list(dict.fromkeys([*found, *(before_continue if not first else [])]))
    durations = [duration for duration in map(wait_of, nodes) if duration is not None]
    _refuse_other_length(file, nodes[0].lineno, durations, interval)
    return Waits(tuple(nodes), first)


def _refuse_other_length(file: str, line: int, durations: t.Sequence[ast.expr], interval: float | None) -> None:
    if len({ast.dump(one) for one in durations}) > 1:
        texts = " and ".join(sorted({ast.unparse(one) for one in durations}))
        raise Refused(f"{file}:{line}: the loop waits {texts} seconds, depending on what happened; a timer has one interval")
    seconds = _constant(durations[0]) if durations else None
    if seconds is not None and interval is not None and abs(seconds - interval) > 1e-6:
        raise Refused(
            f"{file}:{line}: the loop waits {seconds:g} s, and the interval found is {interval:g} s; which one counts is not clear"
        )


def _constant(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _constant(node.left), _constant(node.right)
        return None if left is None or right is None else left * right
    return None


def _tails(body: t.Sequence[ast.stmt]) -> list[ast.stmt]:
    """The waits after which nothing more is done in a round."""
    if not body:
        return []
    last = body[-1]
    if wait_of(last) is not None:
        return [last]
    if isinstance(last, ast.Continue):
        return _tails(body[:-1]) if len(body) > 1 and wait_of(body[-2]) is not None else []
    if isinstance(last, ast.If):
        return _tails(last.body) + _tails(last.orelse)
    if isinstance(last, ast.Try):
        if _tails(last.finalbody):
            return _tails(last.finalbody)
        inner = _tails(last.orelse or last.body)
        return inner + [wait for handler in last.handlers for wait in _tails(handler.body)]
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _tails(last.body)
    return []


def _covers(body: t.Sequence[ast.stmt]) -> bool:
    """Whether every way to the end of a block has a wait at its end, or leaves the loop."""
    if not body:
        return False
    last = body[-1]
    if wait_of(last) is not None or isinstance(last, _NEVER_GOES_ON):
        return True
    if isinstance(last, ast.Continue):
        return len(body) > 1 and wait_of(body[-2]) is not None
    if isinstance(last, ast.If):
        return _covers(last.body) and _covers(last.orelse)
    if isinstance(last, ast.Try):
        if last.finalbody and _covers(last.finalbody):
            return True
        return _covers(last.orelse or last.body) and all(_covers(handler.body) for handler in last.handlers)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _covers(last.body)
    return _is_exit(last)


def _is_exit(node: ast.stmt) -> bool:
    called = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in ("exit", "_exit", "abort")


def _continues(body: t.Sequence[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The waits that stand right before a ``continue`` of the loop, and the ``continue`` without one."""
    waits: list[ast.stmt] = []
    bare: list[ast.stmt] = []
    for index, node in enumerate(body):
        if isinstance(node, ast.Continue):
            before = body[index - 1] if index else None
            if before is not None and wait_of(before) is not None:
                waits.append(before)
            else:
                bare.append(node)
        for block in _inner_blocks(node):
            more_waits, more_bare = _continues(block)
            waits += more_waits
            bare += more_bare
    return waits, bare


def _inner_blocks(node: ast.stmt) -> t.Iterator[list[ast.stmt]]:
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        yield node.orelse
    elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        for field in ("body", "orelse", "finalbody"):
            yield getattr(node, field, None) or []
        for handler in getattr(node, "handlers", ()):
            yield handler.body
