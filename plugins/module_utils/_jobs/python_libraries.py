# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Python's libraries for repeated work: schedule, APScheduler, threading.Timer, sched, Twisted, os.execv."""

from __future__ import annotations

import ast
import typing as t

from .model import Interval, Loop
from .python_loops import SHORTEST, make_loop
from .python_module import called, dotted, source

if t.TYPE_CHECKING:
    from .python_module import Function, Module
    from .python_values import Values

_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CRON_FIELDS = {"second": 60.0, "minute": 3600.0, "hour": 86400.0, "day": 86400.0 * 30, "day_of_week": 604800.0}
_SELF_STARTING = frozenset(("Timer", "call_later", "callLater", "enter", "enterabs"))


def read_libraries(reached: t.Sequence[tuple[Module, Function | None]], values: Values) -> list[Loop]:
    """The repeated work that libraries do in what is reached of a program, each as a loop."""
    found: list[Loop] = []
    for module, function in reached:
        body = module.tree.body if function is None else function.body
        for node in _nodes(body):
            if isinstance(node, ast.Call):
                found += _read_call(node, module, function, values)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found += _decorated(node, module, values)
    # Many jobs of one scheduler are one program's work: the most frequent stands for them.
    found.sort(key=lambda one: one.interval.seconds if one.interval.seconds is not None else 1e12)
    return found[:1]


def _nodes(body: t.Sequence[ast.stmt]) -> t.Iterator[ast.AST]:
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)


def _read_call(node: ast.Call, module: Module, function: Function | None, values: Values) -> list[Loop]:
    name = called(node)
    if name == "do" and isinstance(node.func, ast.Attribute):
        return _schedule(node, module, function, values)
    if name in ("add_job", "scheduled_job") and _has_scheduler(module, values):
        return [_loop(node, _trigger(node.args[0 if name == "scheduled_job" else 1 :], node, module, function, values), module, "library")]
    if name in _SELF_STARTING and function is not None:
        return _timer(node, module, function, values)
    if name == "start" and isinstance(node.func, ast.Attribute) and node.args and _is_looping_call(node.func.value, module):
        return [_loop(node, values.seconds(node.args[0], module, function), module, "library")]
    return []


def _loop(node: ast.AST, interval: Interval, module: Module, shape: str) -> Loop:
    statement = t.cast("ast.stmt", node)
    text = source(node, module)
    kind = "job" if interval.seconds is None or interval.seconds >= SHORTEST else "ticker"
    why = (
        "a library repeats its work" if kind == "job" else f"its period of {interval.seconds:g} s is too short to tell a job from a ticker"
    )
    loop = make_loop(kind, statement, [], module, interval._replace(source=text), why)
    arguments = node.args if isinstance(node, ast.Call) else []
    return loop._replace(
        shape=shape, work=tuple(source(one, module) for one in arguments if isinstance(one, (ast.Name, ast.Attribute)))[:3]
    )


def _schedule(node: ast.Call, module: Module, function: Function | None, values: Values) -> list[Loop]:
    """``schedule.every(10).minutes.do(job)``."""
    chain: list[str] = []
    count: ast.expr | None = None
    inner: ast.expr = node.func
    while True:
        if isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        elif isinstance(inner, ast.Call):
            if called(inner) == "every":
                count = inner.args[0] if inner.args else None
                break
            inner = inner.func
        else:
            return []
    unit = next((length for word, length in _UNITS.items() for one in chain if one.rstrip("s") == word), None)
    unit = 604800.0 if unit is None and any(one in _DAYS for one in chain) else unit
    number = values.seconds(count, module, function).seconds if count is not None else 1.0
    return [_loop(node, Interval(None if unit is None or number is None else unit * number, ""), module, "schedule")]


def _has_scheduler(module: Module, values: Values) -> bool:
    return any(one.startswith("apscheduler") for other in (module, *values.modules) for one in other.imports.values())


def _trigger(arguments: t.Sequence[ast.expr], node: ast.Call, module: Module, function: Function | None, values: Values) -> Interval:
    """The period of APScheduler's ``interval``, ``cron`` and ``date``."""
    words = {word.arg: word.value for word in node.keywords}
    trigger = words.get("trigger") or (arguments[0] if arguments else None)
    keywords = node.keywords
    name = trigger.value if isinstance(trigger, ast.Constant) else ""
    if isinstance(trigger, ast.Call):
        keywords, name = trigger.keywords, called(trigger).replace("Trigger", "").lower()
    if name == "interval":
        total = 0.0
        for word in keywords:
            unit = _UNITS.get((word.arg or "").rstrip("s"))
            number = values.seconds(word.value, module, function).seconds if unit else None
            total += (unit or 0.0) * (number or 0.0)
        return Interval(total or None, "")
    fields = [_CRON_FIELDS[word.arg] for word in keywords if word.arg in _CRON_FIELDS]
    return Interval(min(fields) if fields else None, "", False)


def _timer(node: ast.Call, module: Module, function: Function, values: Values) -> list[Loop]:
    """A function that has itself called again: ``threading.Timer(60, work).start()`` inside ``work``."""
    if len(node.args) < 2:
        return []
    handed = [one.attr if isinstance(one, ast.Attribute) else one.id for one in node.args[1:] if isinstance(one, (ast.Name, ast.Attribute))]
    if function.name not in handed:
        return []
    if called(node) == "Timer" and not dotted(node.func, module).endswith(("threading.Timer", "Timer")):
        return []
    interval = values.seconds(node.args[0], module, function)
    loop = _loop(node, interval, module, "timer")
    return [loop._replace(line=function.lineno, end=function.end_lineno or function.lineno, work=(function.name,))]


def _is_looping_call(receiver: ast.expr, module: Module) -> bool:
    if isinstance(receiver, ast.Call):
        return called(receiver) == "LoopingCall"
    name = receiver.attr if isinstance(receiver, ast.Attribute) else receiver.id if isinstance(receiver, ast.Name) else ""
    values = [value for key in (name, f".{name}") for value, _where in module.assigned.get(key, ())]
    return any(called(value) == "LoopingCall" for value in values)


def _decorated(function: Function, module: Module, values: Values) -> list[Loop]:
    """``@scheduler.scheduled_job("interval", minutes=5)``, ``@tl.job(interval=timedelta(minutes=5))``."""
    found = []
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and called(one) == "scheduled_job" and _has_scheduler(module, values):
            found.append(_loop(one, _trigger(one.args, one, module, None, values), module, "library")._replace(work=(function.name,)))
        interval = next((word.value for word in one.keywords if word.arg == "interval"), None) if isinstance(one, ast.Call) else None
        if interval is not None and called(one) == "job":
            found.append(_loop(one, values.seconds(interval, module), module, "library")._replace(work=(function.name,)))
    return found
