# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A Python program: what of it is reached, what it serves or waits for, and what its loops are taken together."""

from __future__ import annotations

import ast
import re
import typing as t

from .._errors import Unparsable
from . import signs
from .model import CANNOT_TELL, INFERRED, MOST_LOOPS, SLEEP_LOOP, SURE, Interval, Judged, Loop
from .python_libraries import read_libraries
from .python_loops import LONGEST, SHORTEST, WITHIN, LoopReader, Wait, make_loop, mentions, name_work, text_of, writes_something
from .python_mending import find_mending
from .python_module import called, dotted, own_nodes, parse_module, source
from .python_state import find_carried
from .python_values import Values
from .weigh import weigh

if t.TYPE_CHECKING:
    from .python_module import Function, Module

Find = t.Callable[[str, str], t.Optional[tuple[str, str]]]
"""Gives path and text of the module of a dotted name, as imported by a file; None where it is not the program's own."""

_MOST_MODULES = 30
_MOST_TEXT = 600_000  # characters of all modules together
# What a framework calls by itself.
_CALLED_BY_NAME = frozenset(
    ("run", "main", "handle", "execute", "start", "loop", "__init__", "__enter__", "__call__", "process", "work", "serve")
)
_THREADS = frozenset(
    (
        "Thread",
        "Process",
        "start_new_thread",
        "submit",
        "run_in_executor",
        "create_task",
        "ensure_future",
        "gather",
        "spawn",
        "spawn_later",
        "start_soon",
        "TaskGroup",
    )
)


def read_python(
    text: str,
    path: str,
    argv: t.Sequence[str],
    environment: t.Mapping[str, str | None],
    find: Find = lambda _name, _path: None,
    entry: str = "",
) -> Judged:
    """What a Python program is. ``entry`` is the function that is called, empty for the module itself.

    :raises Unparsable: the program's text cannot be read
    """
    program = _Program(parse_module(text, path), argv, environment, find, entry)
    return program.judge()


class _Program:
    def __init__(self, module: Module, argv: t.Sequence[str], environment: t.Mapping[str, str | None], find: Find, entry: str) -> None:
        self.modules = [module]
        self._find = find
        self._sought: dict[str, Module | None] = {}
        self._size = len(module.lines) * 40
        self.values = Values(self.modules, argv, environment)
        self.reached: list[tuple[Module, Function | None]] = []
        self._seen: set[int] = set()
        self.bodies: dict[tuple[str, int], tuple[Module, t.Sequence[ast.stmt]]] = {}
        self._reach(module, None, module.tree.body)
        if entry:
            for function in module.functions.get(entry, ()):
                self._enter(module, function)

    def _reach(self, module: Module, function: Function | None, body: t.Sequence[ast.stmt]) -> None:
        """Notes a function (or a module's top level) and all that it names, calls or hands over."""
        self.reached.append((module, function))
        for node in self._live(body, module, function):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name and isinstance(getattr(node, "ctx", None), ast.Load):
                self._follow(module, name)

    def _live(self, body: t.Sequence[ast.AST], module: Module, function: Function | None) -> t.Iterator[ast.AST]:
        """The nodes that can be reached: a branch that the command line rules out is not."""
        pending = list(body)
        while pending:
            node = pending.pop()
            yield node
            if isinstance(node, ast.If):
                truth = self.values.truth(node.test, module, function)
                pending += [node.test, *(node.body if truth is not False else []), *(node.orelse if truth is not True else [])]
                if truth is True and node.body and isinstance(node.body[-1], (ast.Return, ast.Raise)):
                    # What stands behind it in the same block is left out by whoever holds the block, see _cut.
                    continue
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                pending += node.decorator_list
            elif isinstance(node, ast.ClassDef):
                pending += [
                    *node.decorator_list,
                    *node.bases,
                    *(one for one in node.body if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))),
                ]
            else:
                pending += ast.iter_child_nodes(node)

    def _follow(self, module: Module, name: str) -> None:
        for other in list(self.modules):
            for function in other.functions.get(name, ()):
                self._enter(other, function)
            if name in other.classes:
                self._enter_class(other, other.classes[name])
        target = module.imports.get(name)
        if target is not None:
            self._import(module, target, name)

    def _enter(self, module: Module, function: Function) -> None:
        if id(function) not in self._seen:
            self._seen.add(id(function))
            self._reach(module, function, function.body)

    def _enter_class(self, module: Module, node: ast.ClassDef) -> None:
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        for base in node.bases:
            self._follow(module, dotted(base, module).rpartition(".")[2] if not isinstance(base, ast.Name) else base.id)
        for one in node.body:
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and one.name in _CALLED_BY_NAME:
                self._enter(module, one)

    def _import(self, module: Module, target: str, name: str) -> None:
        """Reads what an import brings, if it is part of the program."""
        parts = target.split(".")
        for count in range(len(parts), 0, -1):
            head = ".".join(parts[:count])
            if not head.strip("."):
                continue
            key = f"{module.path}:{head}"
            if key not in self._sought:
                self._sought[key] = self._load(head, module.path)
            found = self._sought[key]
            if found is not None:
                rest = parts[count:]
                for function in found.functions.get(rest[0] if rest else name, ()):
                    self._enter(found, function)
                if rest and rest[0] in found.classes:
                    self._enter_class(found, found.classes[rest[0]])
                return

    def _load(self, name: str, path: str) -> Module | None:
        if len(self.modules) >= _MOST_MODULES or self._size > _MOST_TEXT:
            return None
        found = self._find(name, path)
        if found is None:
            return None
        known = next((one for one in self.modules if one.path == found[0]), None)
        if known is not None:
            return known
        self._size += len(found[1])
        try:
            module = parse_module(found[1], found[0])
        except Unparsable:
            return None
        self.modules.append(module)
        # Its options may be the program's.
        self.values = Values(self.modules, self.values.argv, self.values.environment)
        return module

    def judge(self) -> Judged:
        """All loops and signs together."""
        loops: list[Loop] = []
        serving: list[str] = []
        for module, function in self.reached:
            body = module.tree.body if function is None else function.body
            if len(loops) > MOST_LOOPS:
                raise Unparsable(f"{module.path}: it has more than {MOST_LOOPS} loops")
            reader = _Round(self.values, module, function, self)
            loops += reader.loops(body)
            serving += self.serving(body, module, function)
        if len(loops) > MOST_LOOPS:
            raise Unparsable(f"{self.modules[0].path}: it has more than {MOST_LOOPS} loops")
        loops = _with_libraries(_without_wrappers(loops), read_libraries(self.reached, self.values))
        threads = any(called(node) in _THREADS for module, function in self.reached for node in own_nodes(_body(module, function)))
        if threads and not serving:
            serving += self._handed_over()
        judged = weigh(loops, serving, threads)
        if any(module.old for module in self.modules) and judged.confidence == SURE:
            judged = judged._replace(confidence=INFERRED)
        if judged.verdict == SLEEP_LOOP and judged.confidence == SURE and self._carries(judged.loop):
            judged = judged._replace(confidence=INFERRED)
        return judged

    def _carries(self, loop: Loop | None) -> bool:
        """Whether a round goes on with what the last one left in memory: what a run of its own would not know."""
        module, body = self.bodies.get((loop.file, loop.line) if loop is not None else ("", 0), (None, ()))
        return module is not None and any(one.is_read for one in find_carried(module.tree, body))

    def serving(self, body: t.Sequence[ast.AST], module: Module, function: Function | None) -> list[str]:
        """What shows that the program serves or listens to others, as ``name (line n)``."""
        found = []
        for node in self._live(body, module, function):
            sign = self._sign(node, module)
            if sign:
                found.append(f"{sign} ({module.path.rpartition('/')[2]} line {getattr(node, 'lineno', 0)})")
        return found

    def _defined(self, name: str) -> bool:
        return any(name in module.functions for module in self.modules)

    def _sign(self, node: ast.AST, module: Module) -> str:
        if isinstance(node, ast.Call):
            path, name = dotted(node.func, module), called(node)
            local = self._defined(name)
            target = next((word.value for word in node.keywords if word.arg == "target"), None)
            if name in _THREADS and target is not None and signs.SERVERS.match(dotted(target, module)):
                return dotted(target, module)
            own = local or any(name in other.classes for other in self.modules)
            if not own and (signs.SERVERS.match(path) or self._is_serving_library(path, module)):
                return path
            if isinstance(node.func, ast.Attribute) and not local:
                return self._method_sign(node, node.func, path, name, module)
        if isinstance(node, ast.Attribute):
            callback = isinstance(node.ctx, ast.Store) and node.attr in signs.CALLBACKS
            handed = (
                isinstance(node.ctx, ast.Load)
                and node.attr in ("serve_forever", "loop_forever", "run_forever")
                and not self._defined(node.attr)
            )
            return node.attr if callback or handed else ""
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._stream_sign(node, module)
        if isinstance(node, ast.ClassDef):
            bases = [dotted(base, module) for base in node.bases]
            return next(
                (
                    base
                    for base in bases
                    if re.search(r"(RequestHandler|Service\.Object|\.Protocol|FileSystemEventHandler|ProcessEvent)$", base)
                ),
                "",
            )
        return ""

    def _is_serving_library(self, path: str, module: Module) -> bool:
        root = path.partition(".")[0]
        imported = any(one.partition(".")[0] == root for one in module.imports.values())
        return imported and root in signs.SERVING_LIBRARIES and self._find(root, module.path) is None

    def _handed_over(self) -> list[str]:
        """Calls by which a main thread may go on serving: ``client.run()`` of a library that is not read."""
        found = []
        for module, function in self.reached:
            for node in own_nodes(_body(module, function)):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or self._defined(called(node)):
                    continue
                path = dotted(node.func, module)
                if called(node) in ("run", "serve", "listen", "mainloop", "exec_", "loop") and not re.match(
                    r"(?:asyncio|subprocess|anyio|trio|loop|schedule|self)\b", path
                ):
                    found.append(f"{path}() ({module.path.rpartition('/')[2]} line {node.lineno})")
        return found

    def _method_sign(self, node: ast.Call, function: ast.Attribute, path: str, name: str, module: Module) -> str:
        if name in signs.EVENT_METHODS:
            if name == "run_forever" and re.search(r"asyncio|loop", path) and not re.search(r"(?i)websocket|ws", path):
                return ""
            return f"{path}()"
        receiver = path.rpartition(".")[0].rpartition(".")[2]
        if name in ("listen", "bind") and re.search(r"(?i)sock|server|srv|^s$|listener", receiver):
            return f"{path}()"
        if name == "run" and re.search(r"(?i)(^|_)(app|api|server|application|flask|bot|mainloop|main_loop)$", receiver):
            return f"{path}()"
        if name == "run" and re.search(r"MainLoop", path):
            return f"{path}()"
        if name in ("mainloop", "MainLoop", "exec_") or path.endswith("GLib.MainLoop"):
            return f"{path}()"
        if (name == "get" and signs.QUEUE.search(receiver)) or (name == "get" and receiver in ("q", "jobs", "tasks") and (not node.args)):
            return f"{path}()"
        if name == "poll" and not self._is_process(function.value, module) and not re.search(r"(?i)proc|child|popen|^p$", receiver):
            return f"{path}()"
        if name in ("readline", "read", "read_until") and re.search(
            r"(?i)^(ser|serial|serial_port|ser_port|port|uart|stdin|stdout|pipe|fifo|sock)$", receiver
        ):
            return f"{path}()"
        return ""

    def _is_process(self, receiver: ast.expr, module: Module) -> bool:
        name = receiver.attr if isinstance(receiver, ast.Attribute) else receiver.id if isinstance(receiver, ast.Name) else ""
        values = [value for key in (name, f".{name}") for value, _where in module.assigned.get(key, ())]
        return any(called(value) == "Popen" for value in values)

    @staticmethod
    def _stream_sign(node: ast.For | ast.AsyncFor, module: Module) -> str:
        """``for message in consumer``, ``for line in proc.stdout``."""
        path = dotted(node.iter, module)
        if isinstance(node.iter, ast.Call):
            return ""
        if re.search(r"(?i)(^|\.)(consumer|pubsub|subscriber|websocket|ws|stdin|stdout|channel|stream)$", path):
            return path
        return ""


def _body(module: Module, function: Function | None) -> t.Sequence[ast.stmt]:
    return module.tree.body if function is None else function.body


def _with_libraries(loops: list[Loop], libraries: list[Loop]) -> list[Loop]:
    """The loop that ``schedule`` needs is the library's, whose period counts."""
    ticks = [one for one in loops if any(work.endswith(("run_pending", "sched.run", "scheduler.run")) for work in one.work)]
    if not libraries:
        return loops
    if ticks:
        place = ticks[0]
        libraries = [
            one._replace(file=place.file, line=place.line, end=place.end, text=place.text, body=place.body, wait=place.wait)
            for one in libraries
        ]
    return [*(one for one in loops if one not in ticks), *libraries]


def _without_wrappers(loops: list[Loop]) -> list[Loop]:
    """A loop around another endless loop only starts that one again."""
    return [
        one
        for one in loops
        if not any(
            other is not one and other.kind != "waiting" and other.file == one.file and one.line < other.line and other.end <= one.end
            for other in loops
        )
    ]


class _Round(LoopReader):
    """Tells what an endless loop is by what a round does."""

    def __init__(self, values: Values, module: Module, function: Function | None, program: _Program) -> None:
        super().__init__(values, module, function)
        self._program = program

    def loops(self, body: t.Sequence[ast.stmt]) -> list[Loop]:
        """The endless loops in statements, and functions that call themselves."""
        found: list[Loop] = []
        for node in self._program._live(body, self.module, self.function):
            if isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
                endless = self.endless(node)
                if endless and len(found) <= MOST_LOOPS:
                    found.append(self._classify(node, node.body, node.test if isinstance(node, ast.While) else None))
        if self.function is not None and not found:
            found += self._recursion(self.function)
        return found

    def _recursion(self, function: Function) -> list[Loop]:
        last = function.body[-1] if function.body else None
        if isinstance(last, ast.If) and last.body:
            last = last.body[-1]
        call = _awaited(last.value) if isinstance(last, (ast.Expr, ast.Return)) and last.value is not None else None
        if not isinstance(call, ast.Call) or dotted(call.func, self.module) not in (function.name, f"self.{function.name}"):
            return []
        loop = self._classify(function, function.body, None)
        return [loop._replace(shape="recursion")] if loop.wait is not None and loop.kind != "waiting" else []

    def _classify(self, node: ast.stmt, body: t.Sequence[ast.stmt], test: ast.expr | None) -> Loop:
        waits = self.waits(body)
        first = self._in_expressions(node, [test], "steady", 3) if test is not None else []
        waits = [*first, *waits]
        steady = [one for one in waits if one.place == "steady"]
        wait = max(steady, key=lambda one: (WITHIN not in one.interval.source, one.interval.seconds or 0.0)) if steady else None
        interval = wait.interval if wait is not None else Interval(None, "", False)
        kind, why = self._kind(node, body, waits, wait)
        if kind == "ticker":
            guarded = self._clock(body)
            if guarded is not None:
                kind, why, interval = "job", "it works when its clock says so", guarded
        self._program.bodies[self.module.path, node.lineno] = (self.module, body)
        loop = make_loop(kind, node, body, self.module, interval, why, wait if wait not in first else None)
        shape = "for" if isinstance(node, ast.For) else "while"
        return loop._replace(work=loop.work or self._own_work(body), waits_first=loop.waits_first or bool(first), shape=shape)

    def _kind(self, node: ast.stmt, body: t.Sequence[ast.stmt], waits: list[Wait], wait: Wait | None) -> tuple[str, str]:
        serving = self._program.serving(body, self.module, self.function)
        if serving:
            return "events", f"it waits for others: {serving[0]}"
        exits = self._exits(node, body)
        if wait is None:
            return self._without_steady(waits, exits)
        if (
            wait.event
            and not signs.STOP_NAME.search(wait.event)
            and (signs.EVENT_NAME.search(wait.event) or self._set_elsewhere(wait.event))
        ):
            return "events", f"{wait.event} wakes it"
        if exits:
            return "waiting", f"it ends when its work says so (line {exits[0].lineno})"
        text = text_of(body, self.module)
        work = name_work(body) or self._own_work(body)
        seconds = wait.interval.seconds
        if (work and all(signs.WATCHDOG.search(one) for one in work)) or (not work and signs.WATCHDOG.search(text)):
            return "watchdog", "it feeds a watchdog"
        if not work and not self._writes(body):
            return "keepalive", "a round does nothing but wait"
        if not work:
            return (
                ("heartbeat", "a round only says that it is there")
                if seconds is None or seconds >= SHORTEST
                else ("keepalive", "a round only waits")
            )
        kind, why = self._by_work(body, text, seconds)
        mends = find_mending(body, self._own_functions) if kind in ("job", "unclear") else None
        line = getattr(mends, "lineno", 0)
        return (kind, why) if mends is None else ("repair", f"it looks whether something is well and mends it (line {line})")

    def _own_functions(self, name: str) -> list[Function]:
        return [one for module in self.values.modules for one in module.functions.get(name, ()) if one is not self.function]

    @staticmethod
    def _without_steady(waits: list[Wait], exits: list[ast.stmt]) -> tuple[str, str]:
        if exits:
            return "waiting", f"it ends when its work says so (line {exits[0].lineno})"
        if any(one.place == "failure" for one in waits):
            return "retry", "it waits only after a failure"
        if any(one.place == "idle" for one in waits):
            return "idle", "it waits only while there is nothing to do"
        if any(one.place == "each" for one in waits):
            return "limited", "it waits between the items of its work, not between rounds"
        return "busy", "it never waits for time"

    def _own_work(self, body: t.Sequence[ast.stmt]) -> tuple[str, ...]:
        """Calls of the program's own functions that are named like those of a set or a log, and work: ``self.update()``."""
        found = []
        for node in own_nodes(body):
            if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
                continue
            own = isinstance(node.func, ast.Name) or dotted(node.func, self.module).startswith("self.")
            functions = [one for module in self.values.modules for one in module.functions.get(called(node), ())] if own else []
            if any(name_work(one.body) for one in functions if one is not self.function):
                found.append(ast.unparse(node.func))
        return tuple(dict.fromkeys(found))

    def _writes(self, body: t.Sequence[ast.stmt]) -> bool:
        return writes_something(body)

    def _by_work(self, body: t.Sequence[ast.stmt], text: str, seconds: float | None) -> tuple[str, str]:
        wide = "\n".join([text, *(text_of(one.body, module) for module, one in self._local_calls(body))])
        strings = _strings_of(body)
        if self._watches_children(body):
            return "supervisor", "it looks after a process that it started"
        if signs.REPAIRS.search(wide) and re.search(r"\b(re)?start\b", wide):
            return "repair", "it looks whether a service runs and starts it again"
        if signs.CONNECTIVITY.search(wide) and signs.RECONNECTS.search(wide):
            return "repair", "it looks whether a connection is there and mends it"
        if any(signs.SUPERVISION.search(one) for one in strings) and re.search(r"subprocess|os\.system|Popen", text):
            return "supervisor", "it starts a program again and again"
        if signs.CONTROL.search(wide):
            return "control", "it controls something that must be controlled all the time"
        if signs.HEAT.search(wide) and signs.POWERS_OFF.search(wide):
            return "control", "it switches the machine off when that is too hot"
        if signs.QUEUE.search(text) and self._waits_for_items(body):
            return "idle", "it takes work from a queue"
        if seconds is not None and seconds < SHORTEST:
            return "ticker", f"its period of {seconds:g} s is too short to tell a job from a ticker"
        if seconds is not None and seconds >= LONGEST:
            return "unclear", f"it does its work once, and waits {seconds / 86400:.0f} days"
        return "job", "it does its work, waits, and does it again"

    def _waits_for_items(self, body: t.Sequence[ast.stmt]) -> bool:
        return any(signs.QUEUE.search(one) for one in name_work(body))

    def _watches_children(self, body: t.Sequence[ast.stmt]) -> bool:
        for node in own_nodes(body):
            if isinstance(node, ast.Call) and called(node) in ("poll", "is_alive", "waitpid") and isinstance(node.func, ast.Attribute):
                return True
        return False

    def _local_calls(self, body: t.Sequence[ast.stmt]) -> list[tuple[Module, Function]]:
        names = {called(node) for node in own_nodes(body)}
        return [(module, function) for module in self.values.modules for name in names for function in module.functions.get(name, ())]

    def _set_elsewhere(self, name: str) -> bool:
        """Whether an event is set by something else than a signal's handler."""
        for module, function in self._program.reached:
            for node in own_nodes(_body(module, function)):
                if isinstance(node, ast.Call) and called(node) == "set" and isinstance(node.func, ast.Attribute):
                    receiver = node.func.value
                    own = receiver.attr if isinstance(receiver, ast.Attribute) else receiver.id if isinstance(receiver, ast.Name) else ""
                    where = function.name if function is not None else ""
                    if own == name and not re.search(r"(?i)(sig|stop|shut|term|exit|quit|handler|main|close|^$|del)", where):
                        return True
        return False

    def _exits(self, loop: ast.stmt, body: t.Sequence[ast.stmt]) -> list[ast.stmt]:
        """Statements that end the loop because of what its work found, and not because somebody stops the program."""
        found: list[ast.stmt] = []
        self._add_exits(body, "", found, inside=isinstance(loop, (ast.FunctionDef, ast.AsyncFunctionDef)))
        return found

    def _add_exits(self, body: t.Sequence[ast.stmt], guard: str, found: list[ast.stmt], inside: bool) -> None:
        for node in body:
            if isinstance(node, ast.Break) or (isinstance(node, ast.Return) and not inside):
                if guard != "neutral":
                    found.append(node)
            elif isinstance(node, ast.If):
                self._add_exits_of_if(node, guard, found, inside)
            elif isinstance(node, ast.Try):
                for part in (node.body, node.orelse, node.finalbody):
                    self._add_exits(part, guard, found, inside)
                for handler in node.handlers:
                    self._add_exits(handler.body, "neutral", found, inside)
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                self._add_exits(node.body, guard, found, inside)
            elif isinstance(node, (ast.For, ast.AsyncFor)) and guard != "neutral" and not inside:
                found += [one for one in own_nodes(node.body) if isinstance(one, ast.Return)]

    def _add_exits_of_if(self, node: ast.If, guard: str, found: list[ast.stmt], inside: bool) -> None:
        truth = self.values.truth(node.test, self.module, self.function)
        own = self._guard(node.test, guard, truth)
        if truth is not False:
            self._add_exits(node.body, own, found, inside)
        if truth is not True:
            self._add_exits(node.orelse, own, found, inside)

    def _guard(self, test: ast.expr, guard: str, truth: bool | None) -> str:
        if guard == "neutral":
            return guard
        if truth is True:
            return "always"
        names = [
            one.attr if isinstance(one, ast.Attribute) else one.id for one in ast.walk(test) if isinstance(one, (ast.Attribute, ast.Name))
        ]
        if any(self.wait_call(one) is not None for one in ast.walk(test)):
            return "neutral"
        if any(signs.STOPS.search(name) or signs.FAILURE.search(name) or self.values.given(name)[1] is not None for name in names):
            return "neutral"
        return "work"

    def _clock(self, body: t.Sequence[ast.stmt]) -> Interval | None:
        """``if time.time() - last >= 300: work()`` in a loop that ticks: the real interval, if all its work is behind it."""
        for node in body:
            if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
                clock = re.search(r"time\.|monotonic|now\(|time\(\)|elapsed|next_|last_", source(node.test, self.module))
                others = [one for one in body if one is not node]
                if clock and name_work(node.body) and not name_work(others):
                    for one in (node.test.comparators[0], node.test.left):
                        known = self.values.seconds(one, self.module, self.function)
                        if known.seconds is not None and SHORTEST <= known.seconds < 10**8:
                            return known._replace(source=source(node.test, self.module))
        return None


def _awaited(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Await) else node


def _strings_of(nodes: t.Sequence[ast.AST]) -> list[str]:
    return [one.value for one in own_nodes(nodes) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


__all__ = ["CANNOT_TELL", "mentions", "read_python"]
