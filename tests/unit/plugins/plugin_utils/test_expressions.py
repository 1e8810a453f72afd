# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain expressions: what is worked out, what is refused, and that it is what Jinja itself would say."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import ChainableUndefined, StrictUndefined
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.guarded.deploy.plugins.module_utils._containers.marks import Mark, Table, Tagged
from ansible_collections.guarded.deploy.plugins.plugin_utils._expressions import OMIT, UNKNOWN, Expressions, NotWorkedOut, Value

HERE = Mark("main.yml", 7)
VARIABLES: dict[str, t.Any] = {
    "port": 9090,
    "text_port": "9091",
    "far": "{{ near }}",
    "near": "{{ port }}",
    "loop_a": "{{ loop_b }}",
    "loop_b": "{{ loop_a }}",
    "web": {"port": 8080, "name": "web", "tls": {"port": "{{ port }}"}, "vault": Tagged("!vault", "x"), "items": 1},
    "ports": ["80:80", "{{ port }}:90"],
    "enabled": True,
    "disabled": False,
    "nothing": None,
    "literal": Tagged("!unsafe", "as it is"),
    "_private": 1,
}


class Names:
    """Variables of a test; those that begin with ``secret`` are the inventory's, ``hidden`` is known to nobody."""

    def __init__(self, values: dict[str, t.Any]) -> None:
        self.values = values

    def look_up(self, name: str) -> Value | None:
        if name == "hidden":
            raise NotWorkedOut(name)
        return Value(self.values[name], name.startswith("secret")) if name in self.values else None


def fill(value: t.Any, **more: t.Any) -> t.Any:
    return Expressions(Names({**VARIABLES, **more})).fill(value, HERE)


@pytest.mark.feature("B9")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ port }}:{{ text_port }}", "9090:9091"),
        ("{{ port }}", 9090),
        ("{{port|string}}", "9090"),
        ("{{ far }}/tcp", "9090/tcp"),
        ("{{ web.port }}:{{ web['tls'].port }}", "8080:9090"),
        ("{{ ports[1] }}", "9090:90"),
        ("{{ ports }}", ["80:80", "9090:90"]),
        ("{{ ports | join(',') }}", "80:80,9090:90"),
        ("{{ absent | default(9100) }}", 9100),
        ("{{ absent.port.x | d(port) }}", 9090),
        ("{{ '' | default(9100, true) }}", 9100),
        ("{{ nothing | default(9100, boolean=true) }}", 9100),
        ("{{ port | default(lookup('pipe', 'id')) }}", 9090),
        ("{{ absent | default(missing) | default(9100) }}", 9100),
        ("{{ text_port | int }}", 9091),
        ("{{ 'TCP' | lower }}", "tcp"),
        ("{{ 90 if enabled else 91 }}", 90),
        ("{{ literal }}", "as it is"),
        ("{{ _private }}", 1),
        ("{{ {'a': port} }}", {"a": 9090}),
        ("no expression {", "no expression {"),
    ],
)
def test_what_is_worked_out(text: str, value: t.Any) -> None:
    found = fill(text)
    assert found == value
    assert type(found) is type(value) or isinstance(found, type(value))


@pytest.mark.feature("B9")
@pytest.mark.parametrize(
    "text",
    [
        "{{ absent }}",
        "{{ hidden }}",
        "{{ hidden | default(1) }}",
        "{{ loop_a }}",
        "{{ web.vault }}",
        "{{ web.absent }}",
        "{{ web.items }}",
        "{{ ports[7] }}",
        "{{ port + 1 }}",
        "{{ port ~ 1 }}",
        "{{ lookup('env', 'HOME') }}",
        "{{ query('pipe', 'id') }}",
        "{{ lookup('pipe', 'id') | default(1) }}",
        "{{ port | project_filter }}",
        "{{ absent | default(lookup('pipe', 'id')) }}",
        "{{ '' | default(lookup('pipe', 'id'), true) }}",
        "{{ port | map('upper') | list }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ port.__class__ }}",
        "{{ port['__class__'] }}",
        "{{ web._x }}",
        "{{ web.keys() }}",
        "{{ ports.append(1) }}",
        "{{ self }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ port is divisibleby 2 }}",
        "{{ port",
        "{{ }}",
        "{{ port }} {% if x %}",
        "{{ port }}{{",
        "{% raw %}{{ port }}{% endraw %}",
        "{{- port -}} x",
        "{{ nothing }}:80",
        "{{ enabled }}:80",
    ],
)
def test_what_is_not_worked_out_stays_as_it_is_written(text: str) -> None:
    found = fill(text)
    # A part that is known may be put in; what is left must show that it is not all.
    assert found == text or "{{" in found or "{%" in found


def test_nothing_of_python_is_reached() -> None:
    class Trap(dict[str, t.Any]):
        def __getattribute__(self, name: str) -> t.Any:
            raise AssertionError(name)

    text = "{{ web.trap.secret }} {{ web.trap['secret'] }}"
    assert fill(text, web={"trap": object()}) == text
    assert fill("{{ trap._x }}", trap=Trap()) == "{{ trap._x }}"


@pytest.mark.feature("B9")
def test_secrets_are_told_only_where_they_are_ports() -> None:
    secrets = {
        "secret_port": 9090, "secret_text": "9091", "secret_word": "hunter2", "secret_ports": ["127.0.0.1:80:80/tcp", "[::1]:53:53/udp"],
        "secret_list": ["80:80", "hunter2"], "secret_map": {"port": 8080, "password": "hunter2"}, "secret_long": 12345678,
        "url": "http://{{ secret_word }}:{{ secret_port }}", "host": "{{ secret_network }}", "secret_network": "host",
    }  # fmt: skip
    assert fill("{{ secret_port }}:{{ secret_text }}", **secrets) == "9090:9091"
    assert fill("{{ secret_ports }}", **secrets) == ["127.0.0.1:80:80/tcp", "[::1]:53:53/udp"]
    assert fill("{{ secret_map.port }}", **secrets) == 8080
    assert fill("{{ host }}", **secrets) == "host"
    for hidden in ("secret_word", "secret_list", "secret_map", "secret_map.password", "secret_long", "url", "secret_word | upper",
                   "absent | default(secret_word)", "[secret_word] | join('')", "secret_word if true else 1"):  # fmt: skip
        assert fill(f"{{{{ {hidden} }}}}", **secrets) == f"{{{{ {hidden} }}}}", hidden
    assert fill("-e P={{ secret_word }} -p {{ secret_port }}:1", **secrets) == "-e P={{ secret_word }} -p 9090:1"


def test_options_that_are_omitted_are_left_out_and_places_are_kept() -> None:
    task = Table(Mark("main.yml", 1))
    task.put("ports", ["{{ port }}:1"], Mark("main.yml", 3))
    task.put("network", "{{ absent | default(omit) }}", Mark("main.yml", 4))
    task.put("more", "{{ ports }}", Mark("main.yml", 5))
    found = fill(task)
    assert found == {"ports": ["9090:1"], "more": ["80:80", "9090:90"]}
    assert found.marks["more"].line == 5
    assert [mark.line for mark in found["more"].marks] == [5, 5]
    assert fill("{{ omit }}") is OMIT


def test_templates_keep_their_lines() -> None:
    expressions = Expressions(Names({**VARIABLES, "two": "a\nb"}))
    text = "# {{ two }}\n{% if x %}\n--port {{\n port }}\n{{ absent }} {{ port }}\n"
    filled = expressions.fill_template(text)
    assert filled == "# {{ two }}\n{% if x %}\n--port 9090\n\n{{ absent }} 9090\n"
    assert filled.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("enabled", True),
        ("not enabled", False),
        ("disabled | bool", False),
        ("'yes' | bool", True),
        ("port == 9090 and enabled", True),
        ("hidden and disabled", False),
        ("hidden or enabled", True),
        ("hidden and enabled", None),
        ("absent is defined", False),
        ("absent is not defined", True),
        ("port is defined", True),
        ("enabled is true", True),
        ("nothing is none", True),
        ("port in [1, 9090]", True),
        ("text_port", None),
        ("absent", None),
        ("hidden is defined", None),
        ("port < 'a'", None),
        ("x is changed", None),
        ("{{ enabled }}", None),
        ("a handler is notified", None),
        ("", None),
    ],
)
def test_conditions(condition: str, holds: bool | None) -> None:
    assert Expressions(Names(VARIABLES)).decide(condition) is holds


def test_what_grows_without_end_is_not_worked_out() -> None:
    names = {f"v{number}": f"{{{{ v{number + 1} }}}}{{{{ v{number + 1} }}}}" for number in range(25)}
    assert fill("x{{ v0 }}", **names, v25="xx") == "x{{ v0 }}"
    lists = {f"v{number}": [f"{{{{ v{number + 1} }}}}"] * 2 for number in range(25)}
    assert fill("{{ v0 }}", **lists, v25=1) == "{{ v0 }}"
    assert fill("{{ " + "(" * 2000 + "port" + ")" * 2000 + " }}") == "{{ " + "(" * 2000 + "port" + ")" * 2000 + " }}"
    assert fill("{{ " + "not " * 900 + "port }}") == "{{ " + "not " * 900 + "port }}"
    deep = {f"v{number}": f"{{{{ v{number + 1} }}}}" for number in range(2000)}
    assert fill("{{ v0 }}", **deep) == "{{ v0 }}"


_ATOMS = st.sampled_from(
    ["port", "text_port", "far", "web", "web.port", "web['name']", "ports", "ports[0]", "ports[-1]", "absent", "absent.x", "enabled",
     "disabled", "nothing", "1", "'a'", "''", "true", "none", "[]", "[port, 'x']", "{}"]
)  # fmt: skip
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["default(1)", "d('x', true)", "int", "string", "lower", "upper", "trim", "int(7)"])).map(
            lambda pair: f"({pair[0]}) | {pair[1]}"
        ),
        st.tuples(inner, st.sampled_from(["and", "or", "==", "!=", "in", "<", ">="]), inner).map(
            lambda three: "({}) {} ({})".format(*three)
        ),
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["defined", "not defined", "none", "true", "false"])).map(
            lambda pair: f"({pair[0]}) is {pair[1]}"
        ),
        st.tuples(inner, inner, inner).map(lambda three: "({}) if ({}) else ({})".format(*three)),
        st.tuples(inner, inner).map(lambda two: "[{}, {}]".format(*two)),
    ),
    max_leaves=5,
)


class _Undefined(ChainableUndefined, StrictUndefined):
    """As Ansible's own: attributes of what is undefined are undefined, and every use is an error."""


_JINJA = NativeEnvironment(undefined=_Undefined)
_RENDERED = {
    **{name: VARIABLES[name] for name in ("port", "text_port", "enabled", "disabled", "nothing")},
    "far": 9090, "near": 9090, "ports": ["80:80", "9090:90"], "web": {"port": 8080, "name": "web", "tls": {"port": 9090}},
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(_EXPRESSIONS)
def test_what_is_worked_out_is_what_jinja_says(expression: str) -> None:
    expressions = Expressions(Names({name: value for name, value in VARIABLES.items() if name != "web"} | {"web": _RENDERED["web"]}))
    mine = expressions.fill(f"{{{{ {expression} }}}}", HERE)
    if isinstance(mine, str) and "{{" in mine:
        return
    theirs = _JINJA.compile_expression(expression, undefined_to_none=False)(**_RENDERED)
    assert mine == theirs, expression
    # 1 == True in Python, and not for a port.
    assert isinstance(mine, bool) == isinstance(theirs, bool), expression


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(alphabet="{}%# .|()[]'\"abport_0123\n-", max_size=60),
        _EXPRESSIONS.map(lambda text: f"a{{{{ {text} }}}}\n{{# x #}}"),
    )
)
def test_no_text_makes_it_crash(text: str) -> None:
    expressions = Expressions(Names(VARIABLES))
    expressions.fill(text, HERE)
    assert expressions.fill_template(text).count("\n") == text.count("\n")
    expressions.decide(text)
    expressions.list_of(text)
    expressions.fill("{{ item }}", HERE)


def test_an_unknown_item_stays_unknown() -> None:
    assert fill("{{ item | default(1) }}", item=UNKNOWN) == "{{ item | default(1) }}"
    assert fill("{{ item.x }}", item=UNKNOWN) == "{{ item.x }}"
