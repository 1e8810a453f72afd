# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML with the line of every entry, by the rules of YAML 1.2 and of Ansible's YAML 1.1."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.marks import Items, Mark, Table, Tagged, mark_of
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.plugin_utils._yaml_lines import load_documents


def load(text: str, dialect: str = "core", strict_keys: bool = True) -> t.Any:
    (document,) = load_documents(text, "a.yaml", dialect, strict_keys)
    return document


def test_every_entry_has_its_line() -> None:
    document = load("a: 1\nb:\n  - x\n  - y: |\n      text\n    z: 3\n")
    assert isinstance(document, Table)
    assert isinstance(document["b"], Items)
    assert document.marks == {"a": Mark("a.yaml", 1), "b": Mark("a.yaml", 2)}
    assert [mark.line for mark in document["b"].marks] == [3, 4]
    assert document["b"][1].marks["z"].line == 6
    assert document == {"a": 1, "b": ["x", {"y": "text\n", "z": 3}]}


def test_what_has_no_place_gets_another() -> None:
    other = Mark("b.yaml", 9)
    assert mark_of({"a": 1}, "a", other) == mark_of([1], 0, other) == mark_of(load("[1]"), 5, other) == other
    assert str(Mark("b.yaml", 9)) == "b.yaml:9"
    assert str(Mark("b.yaml", 0)) == "b.yaml"


@pytest.mark.parametrize(
    ("text", "core", "old"),
    [
        ("22:22", "22:22", 1342),
        ("8080:80", "8080:80", "8080:80"),
        ("yes", "yes", True),
        ("true", True, True),
        ("010", 8, 8),
        ("0x1f", 31, 31),
        ("1_000", 1000, 1000),
        ("80.5", 80.5, 80.5),
        ("1e3", 1000.0, "1e3"),
        ("0o17", 15, "0o17"),
        ("~", None, None),
        ("", None, None),
        ("'80'", "80", "80"),
        ("!!str 80", "80", "80"),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
    ],
)
def test_plain_scalars_by_dialect(text: str, core: t.Any, old: t.Any) -> None:
    assert load(f"a: {text}", "core")["a"] == core
    assert load(f"a: {text}", "1.1")["a"] == old
    if not isinstance(old, (str, type(None))):
        assert yaml.safe_load(f"a: {text}")["a"] == old, "Ansible loads it with PyYAML"


def test_unknown_tags_are_kept() -> None:
    document = load("a: !vault x\nb: !reset\nc: !override [1]\n")
    assert document == {"a": Tagged("!vault", "x"), "b": Tagged("!reset", ""), "c": Tagged("!override", [1])}


def test_merged_keys_keep_their_lines_and_lose_against_own_ones() -> None:
    document = load("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  b: 0\n  <<: [*x, *y]\n")
    assert document["z"] == {"b": 0, "a": 1, "c": 4}
    assert document["z"].marks["c"].line == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2\n", r"a\.yaml:2: the key 'a' stands here twice"),
        ("80: 1\n", r"a\.yaml:1: a key is no text"),
        ("a: [1\n", r"a\.yaml:\d: no YAML"),
        ("a: \t- b\n\tc", r"a\.yaml:\d: no YAML"),
        ("? [a]\n: 1\n", r"a\.yaml:1: a key is a sequence"),
        ("a: *nobody\n", r"a\.yaml:1: there is no &nobody"),
        ("a: &a [*a]\n", r"a\.yaml:1: \*a stands inside"),
        ("a:\n  <<: 1\n", r"a\.yaml:2: << merges something"),
        ("[" * 200, "nested more than 100 deep"),
        ("a: \x07", "no YAML"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_that_names_the_line(text: str, why: str) -> None:
    with pytest.raises(Unparsable, match=why):
        load_documents(text, "a.yaml")


def test_aliases_that_stand_for_a_billion_values_are_an_error() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Unparsable, match="more than 200000 values"):
        load("\n".join(lines))


def test_documents_are_separate() -> None:
    assert load_documents("a: &x 1\n---\nb: 2\n---\n", "a.yaml") == [{"a": 1}, {"b": 2}, None]
    assert load_documents("# nothing\n", "a.yaml") == []


@given(st.text(alphabet=st.sampled_from("ab:- \n[]{}&*!<|>'\"#?,%01\t"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_loaded_or_refused(text: str) -> None:
    with contextlib.suppress(Unparsable):
        load_documents(text, "a.yaml", "1.1", strict_keys=False)


DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4)),
    max_leaves=10,
)


@given(DATA)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_loaded(data: t.Any) -> None:
    if "'<<'" not in repr(data):
        assert load(yaml.safe_dump(data), "1.1") == data
