# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands and variables, compared with what systemd 252 and 257 made of the same lines."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._units.commands import (
    Environment,
    environment_file_paths,
    read_commands,
    read_environment,
)
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import MergedUnit, Names, UnitTree
from ansible_collections.guarded.deploy.plugins.module_utils._units.words import (
    parse_environment_file,
    sets_variable,
    split_unit_words,
    substitute,
    substitute_in_script,
)

CASES = Path(__file__).resolve().parents[4] / "cases" / "unit_exec"
LINES = (CASES / "lines.txt").read_text(encoding="utf-8").splitlines()
REAL = json.loads((CASES / "lines.json").read_text(encoding="utf-8"))
ENVIRONMENT = json.loads((CASES / "environment.json").read_text(encoding="utf-8"))
NOTHING_KNOWN = Environment({}, complete=False, unread=True, unknown=())

pytestmark = pytest.mark.feature("B10")


def unit_of(name: str, text: str) -> MergedUnit:
    stem, at, rest = name.partition("@")
    file = f"{stem}@.{rest.rpartition('.')[2]}" if at else name
    path = f"/etc/systemd/system/{file}"
    return Names(UnitTree({path: text}, {}, {"/etc/systemd/system": (file,)}, {})).merge(name)


@pytest.mark.parametrize(("line", "real"), list(zip(LINES, REAL)), ids=LINES)
def test_a_command_has_the_words_that_systemd_gives_it(line: str, real: dict[str, t.Any]) -> None:
    # systemd replaces variables when it starts the command, so its words still have them: ":" keeps ours from it.
    commands = read_commands(unit_of(real["name"], f"[Service]\nExecStart=:{line}\n"), "ExecStart", NOTHING_KNOWN)
    known = [list(command.argv) for command in commands if not command.unknown]
    if " ; " in line:
        # Only the first of several commands is marked; none of them has variables.
        assert "$" not in line
    assert known == real["commands"]


@pytest.mark.parametrize(("number", "run"), list(enumerate(ENVIRONMENT["runs"])), ids=[run["setting"][38:] for run in ENVIRONMENT["runs"]])
def test_a_command_is_started_with_these_words(number: int, run: dict[str, t.Any]) -> None:
    unit = unit_of(ENVIRONMENT["names"][number], ENVIRONMENT["unit"] + run["setting"] + "\n")
    files = {"/run/g.env": (CASES / "environment.txt").read_text(encoding="utf-8"), "/run/missing.env": None}
    environment = read_environment(unit, files)
    [command] = read_commands(unit, "ExecStart", environment)
    assert list(command.argv[2:]) == run["argv"]


def test_a_service_has_the_variables_that_systemd_gives_it() -> None:
    unit = unit_of(ENVIRONMENT["names"][0], ENVIRONMENT["unit"])
    files = {"/run/g.env": (CASES / "environment.txt").read_text(encoding="utf-8"), "/run/missing.env": None}
    found = read_environment(unit, files)
    assert environment_file_paths(unit) == (("/run/g.env", False), ("/run/missing.env", True))
    assert {name: value for name, value in found.variables.items() if name.startswith("G_")} == ENVIRONMENT["environ"]
    assert (found.complete, found.unknown) == (True, ())


def test_a_file_that_nobody_read_makes_all_variables_unknown() -> None:
    unit = unit_of("a.service", "[Service]\nEnvironment=A=1\nEnvironmentFile=/etc/a\nExecStart=/bin/a $A ${B} $$C\n")
    environment = read_environment(unit, {})
    [command] = read_commands(unit, "ExecStart", environment)
    assert command.argv == ("/bin/a", "$A", "${B}", "$C")
    assert command.unknown == ("the variable A is not known", "the variable B is not known")
    assert environment.unknown == ("EnvironmentFile=/etc/a is not known",)


def test_a_file_that_does_not_exist_says_so() -> None:
    unit = unit_of("a.service", "[Service]\nEnvironment=A=1\nEnvironmentFile=/etc/a\nExecStart=/bin/a $A\n")
    environment = read_environment(unit, {"/etc/a": None})
    assert environment.variables["A"] == "1"
    assert "does not exist" in environment.unknown[0]


def test_a_later_file_overrides_and_a_reset_forgets() -> None:
    files = "EnvironmentFile=/x\nEnvironmentFile=\nEnvironmentFile=/a\nEnvironmentFile=/b"
    text = f"[Service]\n{files}\nEnvironment=A=0\nEnvironment=\nEnvironment=C=%p\n"
    environment = read_environment(unit_of("a.service", text), {"/x": "X=1", "/a": "A=1\nB=1", "/b": "B=2"})
    assert {name: environment.variables[name] for name in "ABC"} == {"A": "1", "B": "2", "C": "a"}
    assert "X" not in environment.variables


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A='open", {"A": "open"}),
        ('A="x\\', {"A": "x\\"}),
        ("A=\\", {"A": ""}),
        ("=1\n1A=2\nA B=3\n", {}),
        ("A = 1", {"A": "1"}),
        # A quote behind something else is a sign like any other.
        ("A=\\a 'b'", {"A": "a 'b'"}),
        ("A=a'b'", {"A": "a'b'"}),
    ],
)
def test_environment_files_with_odd_ends(text: str, variables: dict[str, str]) -> None:
    assert parse_environment_file(text) == variables


@given(st.text(alphabet="A=\"'\\\n\r #;$x", max_size=40) | st.text(max_size=40))
def test_any_environment_file_is_read(text: str) -> None:
    assert all(name.isidentifier() for name in parse_environment_file(text))


@given(st.dictionaries(st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,5}\Z"), st.text(alphabet="ab '$\\\"#=", max_size=10), max_size=4))
def test_a_quoted_environment_file_is_read_again(variables: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        for sign in '\\"$':
            value = value.replace(sign, "\\" + sign)
        return f'"{value}"'

    assert parse_environment_file("\n".join(f"{name}={quoted(value)}" for name, value in variables.items())) == variables


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8), max_size=5))
def test_quoted_words_are_read_again(words: list[str]) -> None:
    def quoted(word: str) -> str:
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert [word.text for word in split_unit_words(" ".join(map(quoted, words)))] == words


@given(st.text(alphabet="ab\\x20u'\" ;", max_size=30) | st.text(max_size=30))
def test_any_line_is_split_or_refused(text: str) -> None:
    try:
        words = split_unit_words(text)
    except ValueError:
        return
    assert all(word.bare for word in words)


@given(st.lists(st.text(alphabet="ab$P{} ", max_size=12), max_size=4))
def test_nothing_is_replaced_that_is_not_known(words: list[str]) -> None:
    found = substitute(words, {"P": None}, others=True)
    if not found.unknown:
        assert not any("${P}" in word.replace("$$", "") for word in words)


@pytest.mark.parametrize(
    ("script", "replaced"),
    [
        ("exec app --port $PORT", "exec app --port 80"),
        ('app "${PORT}"', 'app "80"'),
        ("PORT=81; app $PORT", "PORT=81; app $PORT"),
        ("read -r PORT < /etc/port; app $PORT", "read -r PORT < /etc/port; app $PORT"),
        ("for PORT in 1 2; do app $PORT; done", "for PORT in 1 2; do app $PORT; done"),
        ("app ${PORT:-81} $PORTS $1", "app ${PORT:-81} $PORTS $1"),
        ("EXPORT=1 app $PORT", "EXPORT=1 app 80"),
    ],
)
def test_variables_in_scripts(script: str, replaced: str) -> None:
    assert substitute_in_script(script, {"PORT": "80", "PORTS": None}) == replaced
    assert sets_variable(script, "PORT") == (script == replaced and "PORTS" not in script)
