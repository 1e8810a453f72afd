# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How long a Python program waits: an expression, worked out as far as its text, its arguments and its environment tell."""

from __future__ import annotations

import ast
import math
import re
import typing as t

from .model import Interval
from .python_module import called, dotted, source

if t.TYPE_CHECKING:
    from .python_module import Function, Module

_DEPTH = 14
_MOST_STEPS = 4000  # of one question: what names are given may branch at every step
_SAME = frozenset(("int", "float", "str", "round", "abs", "bool", "Decimal"))
_TIMEDELTA = {"weeks": 604800.0, "days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 1e-3}
_ENVIRON = re.compile(r"os\.(?:getenv|environ(?:\.get)?)$|environ(?:\.get)?$|getenv$")
_OPTION_CALLS = frozenset(("add_argument", "add_option", "option", "argument", "Option", "Argument"))
# argparse's actions, by what the option is without it.
_FLAGS = {"store_true": False, "store_false": True, "count": 0}


class Option(t.NamedTuple):
    """An option of a command line that the program declares itself."""

    names: tuple[str, ...]
    dest: str
    default: ast.expr | None
    flag: bool | None  # what it is without it, for one that takes no value
    positional: bool


class Bound(t.NamedTuple):
    """What a call hands over for a parameter, and where the call stands."""

    value: ast.expr
    module: Module
    function: Function | None


class Values:
    """What is known of values in a program. ``find_module`` gives a module by its dotted name, None where it is no part
    of the program."""

    def __init__(self, modules: list[Module], argv: t.Sequence[str], environment: t.Mapping[str, str | None]) -> None:
        self.modules, self.argv, self.environment = modules, argv, environment
        self._options: list[Option] | None = None
        self._bound: list[tuple[Function, dict[str, Bound]]] = []
        self._left = _MOST_STEPS

    def options(self) -> list[Option]:
        """Every option that the program declares."""
        if self._options is None:
            self._options = [
                option
                for module in self.modules
                for node in module.owner
                if isinstance(node, ast.Call) and called(node) in _OPTION_CALLS
                for option in [_option(node)]
                if option is not None
            ]
        return self._options

    def given(self, name: str) -> tuple[str | None, Option | None]:
        """The value that the command line gives an option, by the attribute that it ends up in; None where it gives none."""
        for option in self.options():
            if option.dest != name:
                continue
            if option.positional:
                places = [one.dest for one in self.options() if one.positional]
                words = [word for word in self.argv if not word.startswith("-")]
                index = places.index(name)
                return (words[index] if index < len(words) else None), option
            return self._by_names(option), option
        return None, None

    def _by_names(self, option: Option) -> str | None:
        for index, word in enumerate(self.argv):
            for name in option.names:
                if word == name:
                    following = self.argv[index + 1] if index + 1 < len(self.argv) else ""
                    return "" if option.flag is not None else following
                if name.startswith("--") and word.startswith(f"{name}="):
                    return word[len(name) + 1 :]
                if not name.startswith("--") and len(name) == 2 and word.startswith(name) and word[2:].replace(".", "").isdigit():
                    return word[2:]
        return None

    def seconds(self, node: ast.expr, module: Module, function: Function | None = None, depth: int = _DEPTH) -> Interval:
        """A number of seconds; None where it is not known."""
        self._left = _MOST_STEPS
        number = self._number(node, module, function, depth)
        text = source(node, module)
        if number is None:
            return Interval(None, text, False)
        return Interval(number[0], text, number[1])

    def _number(self, node: ast.expr | None, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        self._left -= 1
        if node is None or depth == 0 or self._left < 0:
            return None
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self._number(node.value, module, function, depth - 1)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            return self._named(node, module, function, depth - 1)
        if isinstance(node, ast.Call):
            return self._call(node, module, function, depth - 1)
        return self._operation(node, module, function, depth - 1)

    def _named(self, node: ast.expr, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        if isinstance(node, ast.Name):
            return self._name(node.id, module, function, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, module, function, depth)
        return self._subscript(node, module, depth) if isinstance(node, ast.Subscript) else None

    def _operation(self, node: ast.expr, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node, module, function, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self._number(node.operand, module, function, depth)
            return None if inner is None else (-inner[0] if isinstance(node.op, ast.USub) else inner[0], inner[1])
        if isinstance(node, ast.IfExp):
            return self._choice(node, module, function, depth)
        if isinstance(node, ast.BoolOp):
            found = [self._number(one, module, function, depth) for one in node.values]
            return next(((one[0], False) for one in found if one is not None and one[0]), None)
        return None

    def _arithmetic(self, node: ast.BinOp, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        left = self._number(node.left, module, function, depth)
        right = self._number(node.right, module, function, depth)
        if isinstance(node.op, (ast.Sub, ast.Add)) and (left is None) != (right is None):
            # interval - elapsed: what is known is the length of a round.
            known = left or right
            return (known[0], False) if known is not None and (left is not None or isinstance(node.op, ast.Add)) else None
        if left is None or right is None:
            return None
        work: dict[type[ast.operator], t.Callable[[float, float], float]] = {
            ast.Add: lambda a, b: a + b,
            ast.Sub: lambda a, b: a - b,
            ast.Mult: lambda a, b: a * b,
            ast.Div: lambda a, b: a / b,
            ast.FloorDiv: lambda a, b: a // b,
            ast.Mod: lambda a, b: a % b,
        }
        try:
            return work[type(node.op)](left[0], right[0]), left[1] and right[1]
        except (KeyError, ZeroDivisionError, OverflowError):
            return None

    def _call(self, node: ast.Call, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        name, path = called(node), dotted(node.func, module)
        arguments = [one for one in node.args if not isinstance(one, ast.Starred)]
        if name in _SAME and arguments:
            return self._number(arguments[0], module, function, depth)
        if name in ("max", "min"):
            found = [one for one in (self._number(arg, module, function, depth) for arg in arguments) if one is not None]
            sure = len(found) == len(arguments) and all(one[1] for one in found)
            if not found:
                return None
            return (max if name == "max" or len(found) < 2 else min)(one[0] for one in found), sure
        if name in ("randint", "uniform", "randrange") and len(arguments) > 1:
            found = [one for one in (self._number(arg, module, function, depth) for arg in arguments[:2]) if one is not None]
            return (sum(one[0] for one in found) / len(found), False) if found else None
        if _ENVIRON.search(path):
            return self._from_environment(arguments, node, module, function, depth)
        if name == "total_seconds" and isinstance(node.func, ast.Attribute):
            return self._number(node.func.value, module, function, depth)
        if name in ("timedelta", "relativedelta"):
            return self._timedelta(node, module, function, depth)
        if name.startswith("get") or name == "config" or name == "pop":
            default = next((word.value for word in node.keywords if word.arg in ("fallback", "default")), None)
            default = default if default is not None else (arguments[-1] if len(arguments) > 1 else None)
            known = self._number(default, module, function, depth)
            if known is not None:
                return known[0], False
        return self._returned(node, module, function, depth)

    def _timedelta(self, node: ast.Call, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        total, sure, seen = 0.0, True, False
        pairs = [(word.arg or "", word.value) for word in node.keywords] + list(zip(("days", "seconds"), node.args))
        for key, value in pairs:
            number = self._number(value, module, function, depth)
            if number is None or key not in _TIMEDELTA:
                return None
            total, sure, seen = total + number[0] * _TIMEDELTA[key], sure and number[1], True
        return (total, sure) if seen else None

    def _from_environment(
        self, arguments: list[ast.expr], node: ast.Call, module: Module, function: Function | None, depth: int
    ) -> tuple[float, bool] | None:
        if not arguments or not isinstance(arguments[0], ast.Constant):
            return None
        value = self.environment.get(str(arguments[0].value))
        if value is not None:
            return _constant(value)
        default = arguments[1] if len(arguments) > 1 else next((word.value for word in node.keywords if word.arg == "default"), None)
        known = self._number(default, module, function, depth)
        return (known[0], False) if known else None

    def _returned(self, node: ast.Call, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        """What a function of the program's own gives back for this call: ``env_int("EVERY", 60)``."""
        name = called(node)
        for other, one in [(place, found) for place in self.modules for found in place.functions.get(name, ())]:
            started = self._started_with(node, other, one)
            if started is not None:
                return started
            self._bound.append((one, _bind(node, one, module, function)))
            try:
                known = self._first_return(other, one, depth - 2 if depth > 2 else 0)
            finally:
                self._bound.pop()
            if known is not None:
                return known
        return None

    def _first_return(self, module: Module, function: Function, depth: int) -> tuple[float, bool] | None:
        for inner in ast.walk(function) if depth else ():
            if isinstance(inner, ast.Return) and inner.value is not None:
                known = self._number(inner.value, module, function, depth)
                if known is not None and known[0]:
                    return known[0], False
        return None

    def _started_with(self, node: ast.Call, module: Module, function: Function) -> tuple[float, bool] | None:
        """The variable of the environment that a call names, where the function looks there."""
        names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        value = next((self.environment[name] for name in names if self.environment.get(name) is not None), None)
        lines = module.lines[function.lineno - 1 : function.end_lineno or function.lineno]
        return _constant(value) if value is not None and re.search(r"environ|getenv", "\n".join(lines)) else None

    def _name(self, name: str, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        if function is not None:
            own = [value for value, where in module.assigned.get(name, ()) if where is function]
            known = self._first(own, module, function, depth)
            if known is not None:
                return known
            known = self._parameter(name, module, function, depth)
            if known is not None:
                return known
        top = [value for value, where in module.assigned.get(name, ()) if where is not function or function is None]
        known = self._first(top, module, None, depth)
        if known is not None:
            return known
        if name in module.imports:
            return self._elsewhere(module.imports[name].rpartition(".")[2], module, depth)
        return None

    def _first(self, values: list[ast.expr], module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        found = [one for one in (self._number(value, module, function, depth) for value in values) if one is not None and one[0] > 0]
        if not found:
            return None
        return found[0][0], found[0][1] and len(values) == 1

    def _elsewhere(self, name: str, module: Module, depth: int) -> tuple[float, bool] | None:
        for other in self.modules:
            if other is not module:
                known = self._first([value for value, where in other.assigned.get(name, ()) if where is None], other, None, depth)
                if known is not None:
                    return known
        return None

    def _parameter(self, name: str, module: Module, function: Function, depth: int) -> tuple[float, bool] | None:
        arguments = function.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        keyword_only = [one.arg for one in arguments.kwonlyargs]
        if name not in names and name not in keyword_only:
            return None
        bound = next((found[name] for one, found in reversed(self._bound) if one is function and name in found), None)
        if bound is not None:
            return self._number(*bound, depth - 1) if depth > 1 else None
        given, option = self.given(name)
        if option is not None:
            known = _constant(given) if given else self._number(option.default, module, None, depth)
            if known is not None:
                return known
        known = self._passed(name, names, function, depth)
        if known is not None:
            return known
        if name in names:
            offset = len(names) - len(arguments.defaults)
            index = names.index(name) - offset
            default = arguments.defaults[index] if index >= 0 else None
        else:
            default = arguments.kw_defaults[keyword_only.index(name)]
        if isinstance(default, ast.Call) and called(default) in ("Option", "Argument") and default.args:
            default = default.args[0]
        return self._number(default, module, None, depth)

    def _passed(self, name: str, names: list[str], function: Function, depth: int) -> tuple[float, bool] | None:
        """What the calls of a function pass for a parameter."""
        method = bool(names) and names[0] in ("self", "cls")
        wanted = {function.name}
        found = []
        for module in self.modules:
            if function.name == "__init__":
                wanted |= {one.name for one in module.classes.values() if function in one.body}
            for node, where in module.owner.items():
                if not isinstance(node, ast.Call) or called(node) not in wanted:
                    continue
                index = names.index(name) - method if name in names else -1
                value = next((word.value for word in node.keywords if word.arg == name), None)
                if value is None and 0 <= index < len(node.args):
                    value = node.args[index]
                if value is not None:
                    found.append(self._number(value, module, where, depth - 1))
        known = [one for one in found if one is not None]
        return (known[0][0], known[0][1] and len(found) == 1) if known else None

    def _attribute(self, node: ast.Attribute, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        given, option = self.given(node.attr)
        if option is not None:
            if given:
                return _constant(given)
            known = self._number(option.default, module, function, depth)
            return (known[0], True) if known else None
        for key in (f".{node.attr}", node.attr):
            for other in [module, *(one for one in self.modules if one is not module)]:
                for value, where in other.assigned.get(key, ()):
                    known = self._number(value, other, where, depth)
                    if known is not None and known[0] > 0:
                        return known
        if node.attr == "seconds":
            return self._number(node.value, module, function, depth)
        return None

    def _subscript(self, node: ast.Subscript, module: Module, depth: int) -> tuple[float, bool] | None:
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        path = dotted(node.value, module)
        if path == "sys.argv" and isinstance(key, int):
            return _constant(self.argv[key - 1]) if 0 < key <= len(self.argv) else None
        if path.endswith("environ") and key is not None:
            return _constant(self.environment.get(str(key)))
        for other in self.modules:
            for values in other.assigned.values():
                for value, where in values:
                    if isinstance(value, ast.Dict) and key is not None:
                        for one, inner in zip(value.keys, value.values):
                            if isinstance(one, ast.Constant) and one.value == key:
                                return self._number(inner, other, where, depth)
        return None

    def _choice(self, node: ast.IfExp, module: Module, function: Function | None, depth: int) -> tuple[float, bool] | None:
        truth = self.truth(node.test, module, function)
        if truth is not None:
            return self._number(node.body if truth else node.orelse, module, function, depth)
        known = self._number(node.body, module, function, depth) or self._number(node.orelse, module, function, depth)
        return (known[0], False) if known else None

    def truth(self, node: ast.expr, module: Module, function: Function | None = None) -> bool | None:
        """Whether a condition holds, by the options that the command line gives; None where that is not known."""
        if isinstance(node, ast.Constant):
            return bool(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, module, function)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            return _both([self.truth(one, module, function) for one in node.values], isinstance(node.op, ast.And))
        if isinstance(node, (ast.Attribute, ast.Name)):
            return self._option_truth(node.attr if isinstance(node, ast.Attribute) else node.id)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compared(node, module, function)
        return None

    def _option_truth(self, name: str) -> bool | None:
        given, option = self.given(name)
        if option is None:
            return None
        if option.flag is not None:
            return option.flag if given is None else not option.flag
        if given is not None:
            known = _constant(given)
            return bool(known[0]) if known else True
        if option.default is None:
            return False
        if isinstance(option.default, ast.Constant):
            return bool(option.default.value)
        return None

    def _compared(self, node: ast.Compare, module: Module, function: Function | None) -> bool | None:
        left, right, operator = node.left, node.comparators[0], node.ops[0]
        if isinstance(right, ast.Constant) and right.value is None and isinstance(left, (ast.Attribute, ast.Name)):
            given, option = self.given(left.attr if isinstance(left, ast.Attribute) else left.id)
            if option is None:
                return None
            default = option.default
            missing = given is None and (default is None or (isinstance(default, ast.Constant) and default.value is None))
            return missing if isinstance(operator, (ast.Is, ast.Eq)) else not missing
        path = dotted(left.args[0], module) if isinstance(left, ast.Call) and called(left) == "len" and left.args else ""
        if path == "sys.argv" and isinstance(right, ast.Constant) and isinstance(right.value, int):
            return _order(float(len(self.argv) + 1), float(right.value), operator)
        if isinstance(right, ast.Constant) and isinstance(right.value, (int, float)) and isinstance(left, (ast.Attribute, ast.Name)):
            name = left.attr if isinstance(left, ast.Attribute) else left.id
            if self.given(name)[1] is not None:
                number = self._number(left, module, function, 6)
                return None if number is None else _order(number[0], float(right.value), operator)
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            return left.value == right.value if isinstance(operator, ast.Eq) else None
        return None


def _bind(node: ast.Call, called_one: Function, module: Module, function: Function | None) -> dict[str, Bound]:
    """What a call hands over, by the names of the parameters."""
    names = [one.arg for one in (*called_one.args.posonlyargs, *called_one.args.args)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    found: dict[str, Bound] = {}
    for name, value in zip(names, node.args):
        if isinstance(value, ast.Starred):
            break
        found[name] = Bound(value, module, function)
    found.update({word.arg: Bound(word.value, module, function) for word in node.keywords if word.arg})
    return found


def _both(truths: list[bool | None], every: bool) -> bool | None:
    if every:
        return False if False in truths else None if None in truths else True
    return True if True in truths else None if None in truths else False


def _order(left: float, right: float, operator: ast.cmpop) -> bool | None:
    answers = {ast.Gt: left > right, ast.GtE: left >= right, ast.Lt: left < right, ast.LtE: left <= right, ast.Eq: left == right}
    return answers.get(type(operator), left != right if isinstance(operator, ast.NotEq) else None)


def _constant(value: t.Any) -> tuple[float, bool] | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        match = re.match(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|sec|min)?\s*$", value) if isinstance(value, str) else None
        return (float(match[1]) * {"m": 60, "min": 60, "h": 3600, "d": 86400}.get(match[2] or "s", 1), True) if match else None
    return (number, True) if math.isfinite(number) else None


def _option(node: ast.Call) -> Option | None:
    names = tuple(one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))
    if not names:
        return None
    words = {word.arg: word.value for word in node.keywords}
    dashed = tuple(name for one in names for name in one.split("/")[:1] if name.startswith("-"))
    long = next((name for name in dashed if name.startswith("--")), dashed[0] if dashed else names[0])
    dest = words.get("dest")
    plain = [name for name in names if not name.startswith("-")]
    name = dest.value if isinstance(dest, ast.Constant) else plain[0] if plain else long
    action = words.get("action")
    flag = _FLAGS.get(str(action.value)) if isinstance(action, ast.Constant) else None
    is_flag = words.get("is_flag")
    if isinstance(is_flag, ast.Constant) and is_flag.value:
        flag = False
    return Option(dashed, str(name).lstrip("-").replace("-", "_"), words.get("default"), None if flag is None else bool(flag), not dashed)
