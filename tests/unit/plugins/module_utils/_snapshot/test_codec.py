# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written down of a host is read back as it was, or not at all."""

from __future__ import annotations

import collections.abc
import json
import types
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.codec import (
    Index,
    parse_head,
    parse_index,
    parse_snapshot,
    parse_state,
    render_index,
    render_snapshot,
    render_state,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import (
    Engines,
    Entry,
    Hook,
    Hooks,
    HostState,
    Snapshot,
    Tree,
    UnitState,
)

pytestmark = pytest.mark.feature("A13")

# Everything that os.fsdecode can give, lone surrogates of bytes that are not UTF-8 included.
NAMES = st.one_of(st.text(max_size=8), st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
NUMBERS = st.integers(-(2**63), 2**64)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | NAMES | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
PLAIN: dict[t.Any, st.SearchStrategy[t.Any]] = {
    str: NAMES,
    int: NUMBERS,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=8),
    type(None): st.none(),
    t.Any: JSON,
}


def values_of(hint: t.Any) -> st.SearchStrategy[t.Any]:
    """Values of a type, worked out by Python's own typing, not by the code under test."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, parts = t.get_origin(hint), t.get_args(hint)
    if origin is types.UnionType:
        return st.one_of([values_of(part) for part in parts])
    if origin is collections.abc.Mapping:
        return st.dictionaries(values_of(parts[0]), values_of(parts[1]), max_size=2)
    if origin is tuple and parts[-1] is Ellipsis:
        return st.lists(values_of(parts[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, parts))
    return st.builds(hint, **{name: values_of(part) for name, part in t.get_type_hints(hint).items()})


ENTRIES = values_of(Entry)
TREES = st.builds(Index, values_of(Tree), st.just(())).flatmap(
    lambda index: st.lists(st.integers(-1, 2**40), min_size=len(index.tree.entries), max_size=len(index.tree.entries)).map(
        lambda blocks: index._replace(blocks=tuple(blocks))
    )
)


@settings(max_examples=60, deadline=None)
@given(values_of(Snapshot))
def test_a_snapshot_survives(snapshot: Snapshot) -> None:
    text = render_snapshot(snapshot)
    assert parse_snapshot(text, "snapshot.json") == snapshot
    nothing = HostState(0.0, "", (), Engines(), (), {})
    assert parse_head(text, "snapshot.json") == snapshot._replace(state=nothing)


@settings(max_examples=60, deadline=None)
@given(values_of(HostState))
def test_a_state_survives(state: HostState) -> None:
    assert parse_state(render_state(state), "x") == state


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_a_tree_survives(index: Index) -> None:
    read = parse_index(render_index(index), "tree-000.json")
    assert read == index
    assert all(isinstance(entry, Entry) for entry in read.tree.entries)


def entry(number: int) -> Entry:
    return Entry(f"{number % 500:03d}/file-{number}", "file", 0o644, 0, 0, number, 1763655000123456789 + number, 5, number, 1, 8)


def test_fifty_thousand_entries_take_little_room() -> None:
    index = Index(Tree("/srv", tuple(map(entry, range(50_000)))), tuple(range(50_000)))
    text = render_index(index)
    assert parse_index(text, "x") == index
    assert len(text) < 120 * 50_000


STATE = HostState(1.0, "b", (UnitState("a.service", None, "loaded", "active", "running", "enabled"),), Engines(), (), {"a:amd64": "1"})
SNAPSHOT = Snapshot("id", 1.5, ("/srv",), (), Hooks((Hook(("true",), 1.0),)), STATE)


def spoilt(text: bytes, change: t.Callable[[t.Any], None]) -> bytes:
    fields = json.loads(text)
    change(fields)
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda fields: fields.update(version=2), "another version"),
        (lambda fields: fields.pop("version"), "another version"),
        (lambda fields: fields.update(at="1"), "s.json.at is no number: '1'"),
        (lambda fields: fields.update(at=True), "s.json.at is no number"),
        (lambda fields: fields.pop("paths"), "'paths'"),
        (lambda fields: fields.update(surplus=1), "'surplus'"),
        (lambda fields: fields["paths"].append(3), "s.json.paths[1] is no str: 3"),
        (lambda fields: fields["state"]["units"][0].update(transient=1), "s.json.state.units[0].transient is no bool: 1"),
        (lambda fields: fields["state"]["units"][0].update(user=1), "s.json.state.units[0].user is no str: 1"),
        (lambda fields: fields["state"]["units"][0].update(restarts=True), "s.json.state.units[0].restarts is no int: True"),
        (lambda fields: fields["state"]["packages"].update(a=None), "s.json.state.packages['a'] is no str: None"),
        (lambda fields: fields["state"].update(packages=[]), "s.json.state.packages is no mapping"),
        (lambda fields: fields["state"]["unseen"].append(["a"]), "s.json.state.unseen[0] is no list of 2"),
        (lambda fields: fields.update(hooks=[]), "s.json.hooks is no Hooks"),
    ],
)
def test_what_is_odd_is_named_with_its_place(change: t.Callable[[t.Any], None], place: str) -> None:
    with pytest.raises(Unparsable) as caught:
        parse_snapshot(spoilt(render_snapshot(SNAPSHOT), change), "s.json")
    assert place in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_no_snapshot(text: bytes) -> None:
    for parse in (parse_snapshot, parse_head, parse_index, parse_state):
        with pytest.raises(Unparsable):
            parse(text, "x")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda fields: fields["entries"]["mode"].pop(), "t.entries.mode does not have 2 values"),
        (lambda fields: fields["entries"]["mode"].__setitem__(1, "7"), "t.entries.mode[1] is no int: '7'"),
        (lambda fields: fields["entries"]["mode"].__setitem__(1, True), "t.entries.mode[1] is no int: True"),
        (lambda fields: fields["entries"].pop("uid"), "the columns of an entry"),
        (lambda fields: fields["entries"].update(more=[]), "the columns of an entry"),
        (lambda fields: fields["entries"]["target"].update({"2": "x"}), "t.entries.target names an entry that is not there: '2'"),
        (lambda fields: fields["entries"]["target"].update({"-1": "x"}), "t.entries.target names an entry that is not there"),
        (lambda fields: fields["entries"]["xattrs"].update({"0": [["a", "?"]]}), "t.entries.xattrs[0][0][1] is no base64: '?'"),
        (lambda fields: fields["entries"].update(target=[]), "t.entries.target is no mapping"),
        (lambda fields: fields["blocks"].append("1"), "t.blocks is no list of numbers"),
        (lambda fields: fields.pop("root"), "'root'"),
        (lambda fields: fields.pop("entries"), "no index of a tree"),
    ],
)
def test_what_is_odd_in_an_index_is_named_with_its_place(change: t.Callable[[t.Any], None], place: str) -> None:
    index = Index(Tree("/srv", (entry(1), entry(2))), (0, 3))
    with pytest.raises(Unparsable) as caught:
        parse_index(spoilt(render_index(index), change), "t")
    assert place in str(caught.value)


def test_a_field_that_an_older_file_lacks_has_its_default() -> None:
    def older(fields: t.Any) -> None:
        del fields["state"]["units"][0]["triggered_by"]
        del fields["comment"]

    assert parse_snapshot(spoilt(render_snapshot(SNAPSHOT), older), "x") == SNAPSHOT
