# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Plain variable expressions, worked out without running anything of the project that is judged.

Jinja's own parser makes a tree of an expression, and this file walks it: names, items of mappings and lists, literals,
comparisons, ``and``/``or``/``not``, and the filters in :data:`FILTERS`. Everything else (``lookup()`` and every other call,
filters and tests of the project, arithmetic, attributes that begin with ``_``) is not worked out, and what is not worked
out stays in the text as it is written, so that whoever reads it takes it for unknown. No Python attribute is ever read.

Variables of the inventory may be secret: what depends on them is used only where it is a port, an address, a protocol or
one of a few words, and stays as it is written everywhere else.

Sources: https://jinja.palletsprojects.com/en/stable/templates/ (semantics of filters and look-ups), and
https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html (a string that is one expression takes its
type; ``omit``; attributes of what is undefined are undefined).
"""

from __future__ import annotations

import re
import typing as t

from jinja2 import Environment, TemplateError, nodes
from jinja2.parser import Parser

from ..module_utils._containers.marks import Items, Mark, Table, Tagged, mark_of

_SYNTAX = Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701  # nosec B701: it parses, and renders nothing
_BRACES = {"variable_begin": "{{", "variable_end": "}}"}
_MOST_DEPTH = 30
_MOST_TEXT = 64 * 1024
_MOST_VALUES = 10_000
_MOST_ROUNDS = 500
_PORTS = r"[0-9]{1,5}(?:-[0-9]{1,5})?"
_ADDRESS = r"\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\]?|[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
# 9090, 9000-9010, 127.0.0.1, [::1]:9090:80/tcp, 0.0.0.0:53:53/udp
_HARMLESS = re.compile(rf"(?:(?:{_ADDRESS}):?)?(?:{_PORTS}(?::{_PORTS})?)?(?:/(?:tcp|udp))?")
_WORDS = frozenset(
    (
        *("", "absent", "always", "bridge", "default", "false", "host", "localhost", "no", "none", "on-failure", "present", "started"),
        *("stopped", "tcp", "true", "udp", "unless-stopped", "yes"),
    )
)


class _Special:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


OMIT = _Special("omit")
"""What ``omit`` stands for: the option is not given at all."""
UNKNOWN = _Special("unknown")
"""The value of a variable that is there and that nobody can tell."""
_UNDEFINED = _Special("undefined")


class PartlyKnown(dict[str, t.Any]):
    """A mapping that may have more keys than are seen, as facts are: a key that is not in it is not undefined."""


class NotWorkedOut(Exception):
    """An expression that has something in it that is not worked out. Only between this file and its :class:`Names`."""


class Value(t.NamedTuple):
    """A value, and whether it depends on the inventory. Texts inside of lists and mappings may be templates still."""

    value: t.Any
    private: bool = False


class Names(t.Protocol):
    """Where names are looked up."""

    def look_up(self, name: str) -> Value | None:
        """The value as it is written; None where there is no such variable.

        :raises NotWorkedOut: there may be one, and nobody can tell its value
        """


class Expressions:
    """Works expressions out with one set of variables, each variable once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[str, Value | NotWorkedOut] = {}
        self._open: set[str] = set()
        self._depth = 0

    # What others ask

    def fill(self, value: t.Any, mark: Mark) -> t.Any:
        """A loaded value with its expressions worked out; those that are not stay as they are written. ``mark`` is where the
        value stands, and where values that come out of an expression are said to stand. Options that come to ``omit``
        are left out."""
        if isinstance(value, str):
            return self._fill_text(value, mark) if "{{" in value else value
        if isinstance(value, dict):
            table = Table(mark)
            for key, one in value.items():
                place = mark_of(value, key, mark)
                filled = self.fill(one, place)
                if filled is not OMIT:
                    table.put(str(key), filled, place)
            return table
        if isinstance(value, list):
            items = Items(mark)
            for index, one in enumerate(value):
                place = mark_of(value, index, mark)
                filled = self.fill(one, place)
                if filled is not OMIT:
                    items.add(filled, place)
            return items
        return value

    def fill_template(self, text: str) -> str:
        """The text of a template file with its expressions worked out, line for line."""
        return self._pieces(text, lambda value: "\n" not in value)

    def decide(self, condition: str) -> bool | None:
        """Whether a condition (``when:``, which has no braces) holds; None where that is not worked out."""
        try:
            return self._holds(_parse(condition), 0)
        except NotWorkedOut:
            return None

    def _holds(self, node: nodes.Node, depth: int) -> bool | None:
        """What one side of ``and`` or ``or`` decides, it decides whatever the other is."""
        if depth > _MOST_DEPTH:
            return None
        if isinstance(node, nodes.Not):
            inner = self._holds(node.node, depth + 1)
            return None if inner is None else not inner
        if isinstance(node, (nodes.And, nodes.Or)):
            sides = (self._holds(node.left, depth + 1), self._holds(node.right, depth + 1))
            decisive = isinstance(node, nodes.Or)
            return decisive if decisive in sides else None if None in sides else not decisive
        try:
            found = self._defined(node).value
        except NotWorkedOut:
            return None
        # A text is no truth value: releases of Ansible differ about "false".
        return bool(found) if found is None or isinstance(found, (bool, int, list, dict)) else None

    def settled(self, value: Value) -> Value | None:
        """A value that is no template on its outside; None where it is not worked out."""
        try:
            found = self._settle(value)
        except NotWorkedOut:
            return None
        return None if found.value is _UNDEFINED or found.value is OMIT else found

    def list_of(self, value: t.Any) -> list[Value] | None:
        """The entries of a list or of an expression for one, as they are written; None where that is not worked out."""
        found = self.settled(Value(value))
        if found is None or not isinstance(found.value, (list, tuple)) or len(found.value) > _MOST_ROUNDS:
            return None
        return [Value(one, found.private) for one in found.value]

    # Texts

    def _fill_text(self, text: str, mark: Mark) -> t.Any:
        inner = _only_expression(text)
        if inner is None:
            return self._pieces(text, lambda _value: True)
        try:
            found = self._whole(self._evaluate(_parse(inner)))
            return OMIT if found.value is OMIT else _marked(_public(found), mark)
        except NotWorkedOut:
            return text

    def _pieces(self, text: str, fits: t.Callable[[str], bool]) -> str:
        found = []
        for piece, inner in _split(text):
            if inner is not None:
                try:
                    value = _as_text(_public(self._evaluate(_parse(inner))))
                    found.append(value + "\n" * piece.count("\n") if fits(value) else piece)
                    continue
                except NotWorkedOut:
                    pass
            found.append(piece)
        return "".join(found)

    def _render(self, text: str) -> Value:
        """A text all of whose expressions are worked out.

        :raises NotWorkedOut: one is not
        """
        if "{%" in text or "{#" in text:
            raise NotWorkedOut(text)
        if "{{" not in text:
            return Value(text)
        inner = _only_expression(text)
        if inner is not None:
            return self._evaluate(_parse(inner))
        values, private = [], False
        for piece, expression in _split(text):
            if expression is None:
                values.append(piece)
                continue
            found = self._evaluate(_parse(expression))
            private = private or found.private
            values.append(_as_text(found.value))
        if sum(map(len, values)) > _MOST_TEXT:
            raise NotWorkedOut(text)
        return Value("".join(values), private)

    # Values

    def _settle(self, value: Value) -> Value:
        """A value that is no template any more, on its outside."""
        if isinstance(value.value, Tagged):
            if value.value.tag != "!unsafe" or not isinstance(value.value.value, str) or "{{" in value.value.value:
                raise NotWorkedOut(value.value.tag)
            return Value(value.value.value, value.private)
        if isinstance(value.value, str):
            found = self._render(value.value)
            return Value(found.value, found.private or value.private)
        if value.value is UNKNOWN or not _is_plain(value.value):
            raise NotWorkedOut("unknown")
        return value

    def _whole(self, value: Value) -> Value:
        """A value that is no template on the inside either."""
        budget, private = _MOST_VALUES, value.private

        def settled(one: t.Any, depth: int) -> t.Any:
            nonlocal budget, private
            budget -= 1
            if budget < 0 or depth > _MOST_DEPTH:
                raise NotWorkedOut("too large")
            if isinstance(one, _Special):
                return one
            found = self._settle(Value(one))
            private = private or found.private
            if isinstance(found.value, (list, tuple)):
                return [settled(each, depth + 1) for each in found.value]
            if isinstance(found.value, dict):
                return {key: settled(each, depth + 1) for key, each in found.value.items()}
            return found.value

        if value.value is _UNDEFINED:
            raise NotWorkedOut("undefined")
        whole = settled(value.value, 0)
        return Value(whole, private)

    def _variable(self, name: str) -> Value:
        if name == "omit":
            return Value(OMIT)
        known = self._known.get(name)
        if known is None:
            if name in self._open:
                raise NotWorkedOut(f"{name} is made of itself")
            self._open.add(name)
            try:
                written = self._names.look_up(name)
                known = Value(_UNDEFINED) if written is None else self._settle(written)
            except NotWorkedOut as error:
                known = error
            finally:
                self._open.discard(name)
            self._known[name] = known
        if isinstance(known, NotWorkedOut):
            raise known
        return known

    # Trees

    def _evaluate(self, node: nodes.Node) -> Value:
        walk = _WALKS.get(type(node))
        if walk is None or self._depth > _MOST_DEPTH:
            raise NotWorkedOut(type(node).__name__)
        self._depth += 1
        try:
            return walk(self, node)
        finally:
            self._depth -= 1

    def _defined(self, node: nodes.Node) -> Value:
        found = self._evaluate(node)
        if found.value is _UNDEFINED or found.value is OMIT:
            raise NotWorkedOut("undefined")
        return found

    def _name(self, node: nodes.Name) -> Value:
        return self._variable(node.name)

    def _const(self, node: nodes.Const) -> Value:
        return Value(node.value)

    def _list(self, node: nodes.List) -> Value:
        found = [self._defined(one) for one in node.items]
        return Value([one.value for one in found], any(one.private for one in found))

    def _mapping(self, node: nodes.Dict) -> Value:
        pairs = [(self._defined(one.key), self._defined(one.value)) for one in node.items]
        if not all(isinstance(key.value, str) for key, _value in pairs):
            raise NotWorkedOut("a key is no text")
        return Value({key.value: value.value for key, value in pairs}, any(key.private or value.private for key, value in pairs))

    def _attribute(self, node: nodes.Getattr) -> Value:
        # A mapping's own methods win over its keys: ports.items
        if node.attr.startswith("_") or hasattr(dict, node.attr):
            raise NotWorkedOut(node.attr)
        return self._item_of(self._evaluate(node.node), node.attr)

    def _item(self, node: nodes.Getitem) -> Value:
        key = self._defined(node.arg)
        if isinstance(key.value, bool) or not isinstance(key.value, (str, int)) or str(key.value).startswith("_"):
            raise NotWorkedOut("item")
        found = self._item_of(self._evaluate(node.node), key.value)
        return Value(found.value, found.private or key.private)

    def _item_of(self, whole: Value, key: str | int) -> Value:
        if whole.value is _UNDEFINED:
            return whole
        if isinstance(whole.value, dict):
            if key not in whole.value:
                if isinstance(whole.value, PartlyKnown):
                    raise NotWorkedOut(str(key))
                return Value(_UNDEFINED, whole.private)
            return self._settle(Value(whole.value[key], whole.private))
        if isinstance(whole.value, (list, tuple)):
            if not isinstance(key, int) and not key.isdigit():
                raise NotWorkedOut("item")
            index = int(key)
            if not -len(whole.value) <= index < len(whole.value):
                return Value(_UNDEFINED, whole.private)
            return self._settle(Value(whole.value[index], whole.private))
        raise NotWorkedOut("item")

    def _filter(self, node: nodes.Filter) -> Value:
        filtered = FILTERS.get(node.name)
        if filtered is None or node.node is None or node.dyn_args or node.dyn_kwargs:
            raise NotWorkedOut(node.name)
        value = self._evaluate(node.node)
        if filtered is _default and len(node.args) < 2 and not node.kwargs and value.value is not _UNDEFINED:
            return value  # whatever the other one is
        arguments = [self._evaluate(one) for one in node.args]
        named = {one.key: self._defined(one.value) for one in node.kwargs}
        if filtered is not _default:
            if any(isinstance(one.value, _Special) for one in (value, *arguments)):
                raise NotWorkedOut("undefined")
            value = self._whole(value)
        private = value.private or any(one.private for one in (*arguments, *named.values()))
        try:
            found = filtered(value.value, *(one.value for one in arguments), **{str(key): one.value for key, one in named.items()})
        except (TypeError, ValueError, OverflowError) as error:
            raise NotWorkedOut(str(error)) from error
        return Value(found, private)

    def _not(self, node: nodes.Not) -> Value:
        found = self._whole(self._defined(node.node))
        return Value(not found.value, found.private)

    def _and(self, node: nodes.And) -> Value:
        return self._either(node, False)

    def _or(self, node: nodes.Or) -> Value:
        return self._either(node, True)

    def _either(self, node: nodes.BinExpr, decisive: bool) -> Value:
        """As in Python: the value of the side that decides."""
        left = self._whole(self._defined(node.left))
        if bool(left.value) is decisive:
            return left
        right = self._defined(node.right)
        return Value(right.value, left.private or right.private)

    def _choice(self, node: nodes.CondExpr) -> Value:
        test = self._whole(self._defined(node.test))
        if not test.value and node.expr2 is None:
            raise NotWorkedOut("no else")
        found = self._evaluate(node.expr1 if test.value else t.cast("nodes.Expr", node.expr2))
        return Value(found.value, found.private or test.private)

    def _compare(self, node: nodes.Compare) -> Value:
        if len(node.ops) != 1 or node.ops[0].op not in _COMPARISONS:
            raise NotWorkedOut("comparison")
        one, other = self._whole(self._defined(node.expr)), self._whole(self._defined(node.ops[0].expr))
        try:
            return Value(bool(_COMPARISONS[node.ops[0].op](one.value, other.value)), one.private or other.private)
        except TypeError as error:
            raise NotWorkedOut(str(error)) from error

    def _test(self, node: nodes.Test) -> Value:
        if node.name not in _TESTS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise NotWorkedOut(node.name)
        found = self._evaluate(node.node)
        if found.value is _UNDEFINED and node.name not in ("defined", "undefined"):
            raise NotWorkedOut("undefined")
        return Value(_TESTS[node.name](found.value), found.private)


_WALKS: dict[type[nodes.Node], t.Callable[[Expressions, t.Any], Value]] = {
    nodes.And: Expressions._and,
    nodes.Compare: Expressions._compare,
    nodes.CondExpr: Expressions._choice,
    nodes.Const: Expressions._const,
    nodes.Dict: Expressions._mapping,
    nodes.Filter: Expressions._filter,
    nodes.Getattr: Expressions._attribute,
    nodes.Getitem: Expressions._item,
    nodes.List: Expressions._list,
    nodes.Name: Expressions._name,
    nodes.Not: Expressions._not,
    nodes.Or: Expressions._or,
    nodes.Test: Expressions._test,
    nodes.Tuple: Expressions._list,
}

_COMPARISONS: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "gteq": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lteq": lambda one, other: one <= other,
    "in": lambda one, other: one in other,
    "notin": lambda one, other: one not in other,
}

_TESTS: dict[str, t.Callable[[t.Any], bool]] = {
    "defined": lambda value: value is not _UNDEFINED,
    "false": lambda value: value is False,
    "none": lambda value: value is None,
    "true": lambda value: value is True,
    "undefined": lambda value: value is _UNDEFINED,
}


def _as_text(value: t.Any) -> str:
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)) or len(str(value)) > _MOST_TEXT:
        raise NotWorkedOut("no text")
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise NotWorkedOut("a template in a template")
    return str(value)


def _default(value: t.Any, otherwise: t.Any = "", boolean: t.Any = False) -> t.Any:
    return otherwise if value is _UNDEFINED or (boolean is True and not value) else value


def _int(value: t.Any, otherwise: t.Any = 0) -> t.Any:
    try:
        return int(value)
    except (TypeError, ValueError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            return otherwise


def _join(value: t.Any, between: str = "") -> str:
    if not isinstance(value, list):
        raise TypeError("no list")
    return str(between).join(_as_text(one) for one in value)


def _bool(value: t.Any) -> bool | None:
    """Ansible's own: of texts, only these are true."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).lower() in ("yes", "on", "1", "true")


def _pairs(value: t.Any) -> list[dict[str, t.Any]]:
    return [{"key": key, "value": one} for key, one in dict.items(value)]


FILTERS: dict[str, t.Callable[..., t.Any]] = {
    "bool": _bool,
    "d": _default,
    "default": _default,
    "dict2items": _pairs,
    "int": _int,
    "join": _join,
    "lower": lambda value: _as_text(value).lower(),
    "string": _as_text,
    "trim": lambda value: _as_text(value).strip(),
    "upper": lambda value: _as_text(value).upper(),
}
"""The filters that are worked out, by their own code here: those of the project are never called."""


def _parse(expression: str) -> nodes.Expr:
    """The tree of an expression.

    :raises NotWorkedOut: it is none
    """
    if len(expression) > _MOST_TEXT // 16:
        raise NotWorkedOut("too long")
    try:
        parser = Parser(_SYNTAX, expression, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise NotWorkedOut(expression)
    except (TemplateError, RecursionError, ValueError, OverflowError) as error:
        raise NotWorkedOut(str(error)) from error
    return tree


def _split(text: str) -> list[tuple[str, str | None]]:
    """The pieces of a template, each as it is written; expressions also without their braces. What stands in
    ``{% %}`` and ``{# #}``, and a text that is no template, is a piece as any other."""
    try:
        tokens = list(_SYNTAX.lex(text))
    except (TemplateError, RecursionError, ValueError):
        return [(text, None)]
    odd = any(kind == "raw_begin" or (kind in _BRACES and value != _BRACES[kind]) for _line, kind, value in tokens)
    if odd or "".join(value for _line, _kind, value in tokens) != text:
        # {{- takes away what stands before it, and {% raw %} makes braces a text.
        return [(text, None)]
    found: list[tuple[str, str | None]] = []
    begun: list[str] | None = None
    for _line, kind, value in tokens:
        if kind == "variable_begin":
            begun = [value]
        elif begun is None:
            found.append((value, None))
        else:
            begun.append(value)
            if kind == "variable_end":
                found.append(("".join(begun), "".join(begun[1:-1])))
                begun = None
    return found if begun is None else [(text, None)]


def _only_expression(text: str) -> str | None:
    """The expression where a text is one and nothing else."""
    pieces = [(piece, inner) for piece, inner in _split(text) if inner is not None or piece.strip()]
    return pieces[0][1] if len(pieces) == 1 else None


def _is_plain(value: t.Any) -> bool:
    """Whether a value is what YAML gives. Ansible's encrypted texts are objects of their own, and are let alone."""
    return value is None or value is OMIT or isinstance(value, (str, int, float, list, tuple, dict))


def _public(found: Value) -> t.Any:
    """The value.

    :raises NotWorkedOut: it may be a secret
    """
    if found.value is _UNDEFINED or (found.private and not _is_harmless(found.value)):
        raise NotWorkedOut("not told")
    return found.value


def _is_harmless(value: t.Any) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, (list, tuple)):
        return all(_is_harmless(one) for one in value)
    if isinstance(value, dict):
        return all(_is_harmless(one) for one in value.values())
    return isinstance(value, (str, int)) and (str(value) in _WORDS or _HARMLESS.fullmatch(str(value)) is not None)


def _marked(value: t.Any, mark: Mark) -> t.Any:
    """A value that came out of an expression, its entries at the expression's place."""
    if isinstance(value, dict):
        table = Table(mark)
        for key, one in value.items():
            table.put(str(key), _marked(one, mark), mark)
        return table
    if isinstance(value, (list, tuple)):
        items = Items(mark)
        for one in value:
            items.add(_marked(one, mark), mark)
        return items
    return str(value) if isinstance(value, str) else value
