# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Loops of Python programs: what each does in a round, how it waits, and what could end it."""

from __future__ import annotations

import ast
import re
import typing as t

from . import signs
from .model import INFERRED, SURE, Interval, Loop
from .python_module import called, dotted, own_nodes, source

if t.TYPE_CHECKING:
    from .python_module import Function, Module
    from .python_values import Values


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WITHIN = ", which waits by "
"""What joins a call and the wait inside the function that it calls."""

LONGEST = 180 * 86400.0
"""Seconds. What waits longer between two rounds does its work once, and then holds the process."""

SHORTEST = 10.0
"""Seconds. What waits less between two rounds may be a job or a ticker: that cannot be told (measured on public code)."""

_SLEEPS = _words(
    "time.sleep asyncio.sleep trio.sleep anyio.sleep gevent.sleep eventlet.sleep tornado.gen.sleep curio.sleep utime.sleep sleep "
    "eventlet.greenthread.sleep pause.seconds pause.minutes twisted.internet.task.deferLater"
)
_SCALE = {"pause.minutes": 60.0, "sleep_ms": 1e-3}
_QUIET = _words(
    "print log debug info warning warn error exception critical notice write flush format strftime now time time_ns monotonic "
    "isoformat str int float len repr round join append is_set is_running isEnabledFor perf_counter getLogger max min abs upper "
    "lower strip range sorted items keys values get enumerate exit set add sleep wait fromtimestamp today utcnow total_seconds "
    "ctime clear timedelta datetime localtime gmtime split replace startswith endswith echo secho puts update copy sum any all "
    "list dict tuple bool isinstance hasattr getattr type SystemExit collect pop title encode decode"
)
_ENDLESS_ITERATORS = frozenset(("itertools.count", "itertools.cycle", "itertools.repeat", "count", "cycle", "repeat"))


class Wait(t.NamedTuple):
    """A statement that waits. ``place``: ``steady`` (in every round), ``failure`` (after one), ``idle`` (while there is
    nothing to do), ``each`` (for every item). ``event`` is the name of what could end it early, empty for a plain sleep."""

    node: ast.stmt
    interval: Interval
    place: str
    event: str = ""


class LoopReader:
    """Reads the loops of one function (or of a module's top level)."""

    def __init__(self, values: Values, module: Module, function: Function | None) -> None:
        self.values, self.module, self.function = values, module, function

    def endless(self, node: ast.stmt) -> bool | None:
        """Whether a loop goes on until somebody stops the program; None where it is no loop at all."""
        if isinstance(node, ast.While):
            return self._endless_test(node.test, node)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            if not isinstance(node.iter, ast.Call):
                return False
            path = dotted(node.iter.func, self.module)
            return path in _ENDLESS_ITERATORS or (
                path == "iter" and len(node.iter.args) == 2 and not isinstance(node.iter.args[0], ast.Lambda)
            )
        return None

    def _endless_test(self, test: ast.expr, loop: ast.While) -> bool:
        truth = self.values.truth(test, self.module, self.function)
        if truth is not None:
            return truth
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._endless_flag(test.operand, loop)
        if isinstance(test, ast.BoolOp):
            answers = [self._endless_test(one, loop) for one in test.values]
            return all(answers) if isinstance(test.op, ast.And) else any(answers)
        if isinstance(test, ast.Compare):
            left, right = test.left, test.comparators[0]
            both_constant = isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
            flag = (isinstance(right, ast.Constant) and isinstance(right.value, bool)) or (
                isinstance(right, ast.Constant) and right.value in (0, 1)
            )
            return both_constant or (flag and self._endless_flag(left, loop))
        return self._endless_flag(test, loop)

    def _endless_flag(self, node: ast.expr, loop: ast.While) -> bool:
        """A flag that is set from outside: by its name, or because the loop itself gives it constants only."""
        if self.wait_call(node) is not None:
            return True
        name = _last_name(node)
        if isinstance(node, ast.Call):
            receiver = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            return bool(signs.FLAG.search(f"{_last_name(receiver)}.{name}"))
        if not name:
            return False
        inside = [value for value in self._assigned_in(loop, name) if not isinstance(value, ast.Constant)]
        if inside:
            return False
        # done = True behind the work says that it has succeeded; in a handler that somebody stops the program.
        return bool(signs.FLAG.search(name)) or (self._is_set_true(name) and not _set_by_work(loop.body, name))

    def _is_set_true(self, name: str) -> bool:
        found = [*self.module.assigned.get(name, ()), *self.module.assigned.get(f".{name}", ())]
        return bool(found) and all(isinstance(value, ast.Constant) and isinstance(value.value, (bool, int)) for value, _where in found)

    @staticmethod
    def _assigned_in(loop: ast.AST, name: str) -> list[ast.expr]:
        found = []
        for node in ast.walk(loop):
            if isinstance(node, ast.Assign) and any(_last_name(target) == name for target in node.targets):
                found.append(node.value)
        return found

    def wait_call(self, node: ast.AST) -> tuple[Interval, str] | None:
        """How long an expression waits, and the event that could end that early; None where it waits for no time."""
        node = node.value if isinstance(node, ast.Await) else node
        if not isinstance(node, ast.Call):
            return None
        path, name = dotted(node.func, self.module), called(node)
        local = any(name in module.functions for module in self.values.modules)
        if path in _SLEEPS and not (local and path == "sleep") and node.args:
            interval = self.values.seconds(node.args[0], self.module, self.function)
            seconds = None if interval.seconds is None else interval.seconds * _SCALE.get(path, 1.0)
            return Interval(seconds, source(node, self.module), interval.sure), ""
        if path == "select.select" and len(node.args) == 4 and all(_is_empty(one) for one in node.args[:3]):
            return self._interval(node, node.args[3]), ""
        if path == "asyncio.wait_for" and node.args:
            inner = node.args[0]
            timeout = next((word.value for word in node.keywords if word.arg == "timeout"), node.args[1] if len(node.args) > 1 else None)
            if called(inner) == "wait" and isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and timeout is not None:
                return self._interval(node, timeout), _last_name(inner.func.value)
        if name == "wait" and isinstance(node.func, ast.Attribute) and not local and self._is_event(node.func.value):
            given = [*node.args, *(word.value for word in node.keywords if word.arg == "timeout")]
            if given:
                return self._interval(node, given[0]), _last_name(node.func.value)
        if name in ("sleep", "sleep_for") and isinstance(node.func, ast.Attribute) and node.args and not local:
            return self._interval(node, node.args[0]), ""
        return self._sleep_command(node, path)

    def _sleep_command(self, node: ast.Call, path: str) -> tuple[Interval, str] | None:
        """``os.system("sleep 60")``, ``subprocess.call(["sleep", "60"])``."""
        if not node.args or not path.startswith(("os.system", "subprocess.")):
            return None
        first = node.args[0]
        words = [str(one.value) for one in first.elts if isinstance(one, ast.Constant)] if isinstance(first, (ast.List, ast.Tuple)) else []
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            words = first.value.split()
        if len(words) != 2 or str(words[0]).rpartition("/")[2] != "sleep":
            return None
        return self._interval(node, ast.copy_location(ast.Constant(words[1]), node)), ""

    def _interval(self, node: ast.Call, value: ast.expr) -> Interval:
        return self.values.seconds(value, self.module, self.function)._replace(source=source(node, self.module))

    def _is_event(self, receiver: ast.expr) -> bool:
        """Whether ``x.wait(n)`` waits for an event with a time limit, and not for a process or a future."""
        name = _last_name(receiver)
        for key in (name, f".{name}"):
            for module in self.values.modules:
                for value, _where in module.assigned.get(key, ()):
                    if isinstance(value, ast.Call):
                        return called(value) in ("Event", "Condition")
        return bool(signs.STOP_NAME.search(name) or "event" in name.lower())

    def waits(self, body: t.Sequence[ast.stmt], place: str = "steady", depth: int = 6) -> list[Wait]:
        """Every wait in the statements of a round, with its place."""
        found: list[Wait] = []
        for node in body if depth else ():
            found += self._waits_of(node, place, depth - 1)
        return found

    def _waits_of(self, node: ast.stmt, place: str, depth: int) -> list[Wait]:
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return self._waits_of_try(t.cast("ast.Try", node), place, depth)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return [
                *self._in_expressions(node, [item.context_expr for item in node.items], place, depth),
                *self.waits(node.body, place, depth),
            ]
        if isinstance(node, ast.If):
            return self._waits_of_if(node, place, depth)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._waits_of_for(node, place, depth)
        if isinstance(node, ast.While):
            return self._waits_of_while(node, place, depth)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return []
        return self._in_expressions(node, [node], place, depth)

    def _waits_of_try(self, node: ast.Try, place: str, depth: int) -> list[Wait]:
        found = [*self.waits(node.body, place, depth), *self.waits(node.orelse, place, depth), *self.waits(node.finalbody, place, depth)]
        for handler in node.handlers:
            # except Empty: / except TimeoutError: is how a wait for an event ends.
            found += self.waits(handler.body, "failure" if place == "steady" else place, depth)
        return found

    def _waits_of_if(self, node: ast.If, place: str, depth: int) -> list[Wait]:
        found = self._in_expressions(node, [node.test], place, depth)
        truth = self.values.truth(node.test, self.module, self.function)
        yes = self.waits(node.body, place, depth) if truth is not False else []
        no = self.waits(node.orelse, place, depth) if truth is not True else []
        both = any(one.place == "steady" for one in yes) and any(one.place == "steady" for one in no)
        if truth is not None or both or (place == "steady" and self._lets_wait(node.test, [*yes, *no])):
            return [*found, *yes, *no]
        ends = node.body and isinstance(node.body[-1], ast.Continue)
        del ends
        return [*found, *(one._replace(place="idle") if one.place == "steady" else one for one in (*yes, *no))]

    def _lets_wait(self, test: ast.expr, waits: list[Wait]) -> bool:
        """Whether a condition in front of a wait is about the time that is left, or about being stopped."""
        if not waits:
            return False
        names = {_last_name(one) for one in ast.walk(test) if isinstance(one, (ast.Name, ast.Attribute))}
        waited = {_last_name(one) for wait in waits for one in ast.walk(wait.node) if isinstance(one, (ast.Name, ast.Attribute))}
        if isinstance(test, (ast.Compare, ast.Name, ast.Attribute)) and any(
            signs.TIME_LEFT.search(name) and name in waited for name in names
        ):
            return True
        return all(signs.FLAG.search(name) for name in names) and bool(names)

    def _waits_of_for(self, node: ast.For | ast.AsyncFor, place: str, depth: int) -> list[Wait]:
        inner = self.waits(node.body, place, depth)
        steady = [one for one in inner if one.place == "steady"]
        path = dotted(node.iter.func, self.module) if isinstance(node.iter, ast.Call) else ""
        if path in ("range", "xrange") and steady and not _works(node.body):
            # for _ in range(300): ... time.sleep(1): a wait in small steps.
            arguments = t.cast("ast.Call", node.iter).args
            count = self.values.seconds(arguments[1 if len(arguments) > 1 else 0], self.module, self.function) if arguments else None
            step = steady[0].interval
            seconds = count.seconds * step.seconds if count is not None and count.seconds is not None and step.seconds is not None else None
            text = f"{source(node.iter, self.module)} times {step.source}"
            return [Wait(node, Interval(seconds, text, step.sure), place, steady[0].event)]
        return [one._replace(place="each") if one.place == "steady" else one for one in inner]

    def _waits_of_while(self, node: ast.While, place: str, depth: int) -> list[Wait]:
        if self.endless(node) and self._ends_round(node) is None:
            return []
        inner = self.waits(node.body, place, depth)
        steady = [one for one in inner if one.place == "steady"]
        if steady and not _works(node.body):
            names = " ".join(_last_name(one) for one in ast.walk(node.test) if isinstance(one, (ast.Name, ast.Attribute)))
            if signs.TIME_LEFT.search(names):
                # while time.time() < next_run: time.sleep(1)
                return [Wait(node, self._until(node), place, "")]
        return [one._replace(place="idle") for one in inner]

    def _ends_round(self, node: ast.While) -> ast.stmt | None:
        return next((one for one in own_nodes(node.body) if isinstance(one, (ast.Break, ast.Return))), None)

    def _until(self, node: ast.While) -> Interval:
        for one in ast.walk(node.test):
            if isinstance(one, (ast.Name, ast.Attribute, ast.BinOp)):
                known = self.values.seconds(one, self.module, self.function)
                if known.seconds is not None and known.seconds >= 1:
                    return known._replace(source=source(node.test, self.module), sure=False)
        return Interval(None, source(node.test, self.module), False)

    def _in_expressions(self, statement: ast.stmt, nodes: t.Sequence[ast.AST], place: str, depth: int) -> list[Wait]:
        found = []
        for node in own_nodes(nodes):
            known = self.wait_call(node)
            if known is not None:
                found.append(Wait(statement, known[0], place, known[1]))
            elif isinstance(node, ast.Call) and depth:
                found += self._in_local(statement, node, place, depth - 1)
        return found

    def _in_local(self, statement: ast.stmt, node: ast.Call, place: str, depth: int) -> list[Wait]:
        """Waits of a function of the program's own that is called here."""
        name = called(node)
        for module in self.values.modules:
            for function in module.functions.get(name, ())[:1]:
                if function is self.function:
                    continue
                reader = LoopReader(self.values, module, function)
                waits = [one for one in reader.waits(function.body, place, min(depth, 3)) if one.place == "steady"]
                if waits:
                    text = f"{source(node, self.module)}{WITHIN}{waits[0].interval.source}"
                    return [Wait(statement, waits[0].interval._replace(source=text), place, waits[0].event)]
        return []


def _set_by_work(body: t.Sequence[ast.stmt], name: str) -> bool:
    """Whether a loop sets a name itself, handlers of exceptions and functions left out."""
    for node in body:
        if isinstance(node, ast.Assign) and any(_last_name(target) == name for target in node.targets):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and any(
            _set_by_work(getattr(node, field, None) or [], name) for field in ("body", "orelse", "finalbody")
        ):
            return True
    return False


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, (ast.List, ast.Tuple)) and not node.elts


def _works(body: t.Iterable[ast.AST]) -> bool:
    """Whether anything but waiting, logging and looking at the clock is done."""
    return bool(name_work(body))


def name_work(nodes: t.Iterable[ast.AST], most: int = 6) -> tuple[str, ...]:
    """What a round does: the names of what it calls, without waiting and logging, in the order of the text."""
    found: dict[str, int] = {}
    for node in own_nodes(nodes):
        name = called(node)
        if name and name not in _QUIET and isinstance(node, ast.Call) and not _is_log(node.func):
            text = ast.unparse(node.func) if len(ast.dump(node.func)) < 400 else name
            found.setdefault(text, node.lineno)
    return tuple(sorted(found, key=lambda one: found[one]))[:most]


def _is_log(function: ast.expr) -> bool:
    """``log_info(...)``, ``self.logger.debug(...)``, ``syslog.syslog(...)``."""
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    parts.append(function.id if isinstance(function, ast.Name) else "")
    return any(
        re.match(r"(?i)_?(?:\w*_)?(?:sys)?log(?:ger|ging)?(?:_?(?:info|debug|warn|warning|error|message|msg))?$", part) for part in parts
    )


def writes_something(nodes: t.Iterable[ast.AST]) -> bool:
    """Whether a round says something at least."""
    return any(
        called(node) in ("print", "info", "debug", "warning", "log", "write", "echo", "error", "syslog") for node in own_nodes(nodes)
    )


def text_of(nodes: t.Sequence[ast.stmt], module: Module) -> str:
    """The source of statements, comments included."""
    if not nodes:
        return ""
    last = nodes[-1].end_lineno or nodes[-1].lineno
    return "\n".join(module.lines[nodes[0].lineno - 1 : last])


def carried_state(loop: ast.stmt, body: t.Sequence[ast.stmt]) -> tuple[str, ...]:
    """Plain names that a round reads before it sets them, and sets: what it carries from round to round."""
    first: dict[str, str] = {}
    for statement in body:
        loads: list[str] = []
        stores: list[str] = []
        for node in own_nodes([statement]):
            if isinstance(node, ast.Name):
                (stores if isinstance(node.ctx, ast.Store) else loads).append(node.id)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                loads.append(node.target.id)
        for name in loads:
            first.setdefault(name, "load")
        for name in stores:
            first.setdefault(name, "store")
    stored = {node.id for node in own_nodes(body) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    del loop
    return tuple(sorted(name for name in stored if first.get(name) == "load"))


def make_loop(
    kind: str, node: ast.stmt, body: t.Sequence[ast.stmt], module: Module, interval: Interval, why: str, wait: Wait | None = None
) -> Loop:
    """A :class:`Loop` out of a statement of a module."""
    last = body[-1].end_lineno or body[-1].lineno if body else node.lineno
    return Loop(
        kind=kind,
        file=module.path,
        line=node.lineno,
        end=node.end_lineno or node.lineno,
        text=module.lines[node.lineno - 1].strip() if node.lineno <= len(module.lines) else "",
        interval=interval,
        work=name_work(body),
        why=why,
        body=(body[0].lineno if body else node.lineno, last),
        wait=(wait.node.lineno, wait.node.end_lineno or wait.node.lineno) if wait is not None else None,
        waits_first=wait is not None and bool(body) and wait.node is body[0],
        state=carried_state(node, body),
        confidence=INFERRED if module.old or not interval.sure else SURE,
    )


def mentions(pattern: re.Pattern[str], nodes: t.Sequence[ast.stmt], module: Module) -> bool:
    """Whether the source of statements has a word in it."""
    return bool(pattern.search(text_of(nodes, module)))
