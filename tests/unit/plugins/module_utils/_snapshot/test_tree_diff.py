# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two looks at a tree compared."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EXCLUDED, MOUNTED, Entry, EntryChange, Tree
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.tree_diff import absolute, diff_entries, list_changes, with_content

ROOT = Entry(".", "folder", 0o755, 0, 0, 4096, 1, 1, 1, 3, 8)


def entry(path: str, kind: str = "file", inode: int = 10, **fields: t.Any) -> Entry:
    return Entry(path, kind, 0o644, 0, 0, 5, 100, 200, inode, 1, 8)._replace(**fields)


def tree(*entries: Entry, **fields: t.Any) -> Tree:
    return Tree("/srv/app", (ROOT, *entries))._replace(**fields)


def changes(before: Tree, now: Tree) -> list[tuple[str, str, tuple[str, ...]]]:
    found = diff_entries(before, now)
    assert found.unsure == ()
    return [(change.path.removeprefix("/srv/app/"), change.what, change.fields) for change in list_changes("/srv/app", found)]


NAMES = st.sampled_from(["a", "b", "c", "d/e", "d/f", "\udcff", "new\nline"])
ENTRIES = st.builds(
    Entry,
    path=NAMES,
    kind=st.sampled_from(["file", "folder", "link", "fifo", "socket", "device"]),
    mode=st.sampled_from([0o644, 0o600]),
    uid=st.integers(0, 1),
    gid=st.integers(0, 1),
    size=st.integers(0, 2),
    mtime_ns=st.integers(0, 1),
    ctime_ns=st.integers(0, 1),
    inode=st.integers(10, 12),
    links=st.integers(1, 2),
    blocks=st.integers(0, 1),
    target=st.sampled_from(["", "x"]),
    xattrs=st.sampled_from([(), (("user.x", b"\0"),), (("security.selinux", b"a"),)]),
)
TREES = st.lists(ENTRIES, unique_by=lambda one: one.path).map(lambda entries: tree(*entries))


@pytest.mark.feature("A12")
@settings(deadline=None)
@given(TREES)
def test_a_tree_does_not_differ_from_itself(one: Tree) -> None:
    found = diff_entries(one, one)
    assert (found.added, found.removed, found.changed, found.unsure, found.hidden) == ((), (), (), (), ())


@pytest.mark.feature("A12")
@settings(deadline=None)
@given(TREES, TREES)
def test_both_directions_tell_the_same(one: Tree, other: Tree) -> None:
    one, other = (each._replace(entries=tuple(found for found in each.entries if found.kind != "socket")) for each in (one, other))
    there, back = diff_entries(one, other), diff_entries(other, one)
    assert {pair.before.path: pair.fields for pair in there.changed} == {pair.before.path: pair.fields for pair in back.changed}
    assert {pair.before.path for pair in there.unsure} == {pair.before.path for pair in back.unsure}
    assert {found.path for found in there.removed} == {found.path for found in back.added}
    assert {found.path for found in there.added} == {found.path for found in back.removed}


@pytest.mark.feature("A12")
@pytest.mark.parametrize(
    ("kind", "field", "value", "told"),
    [
        ("file", "mode", 0o600, ("mode",)),
        ("file", "uid", 1, ("owner",)),
        ("file", "gid", 1, ("owner",)),
        ("file", "size", 6, ("content",)),
        ("file", "xattrs", (("user.x", b""),), ("xattrs",)),
        ("link", "target", "x", ("target",)),
        ("link", "mode", 0o600, ()),
        ("link", "mtime_ns", 101, ("times",)),
        ("folder", "mtime_ns", 101, ("times",)),
        ("folder", "size", 9, ()),
        ("fifo", "mode", 0o600, ("mode",)),
        ("device", "target", "c 1:5", ("target",)),
        ("socket", "mode", 0o600, ()),
        ("file", "kind", "folder", ("kind",)),
        ("file", "kind", "socket", ("kind",)),
        ("link", "kind", "file", ("kind",)),
        ("file", "blocks", 16, ()),
        ("folder", "links", 9, ()),
        ("file", "links", 2, ()),
        ("fifo", "inode", 11, ()),
    ],
)
def test_each_field(kind: str, field: str, value: t.Any, told: tuple[str, ...]) -> None:
    one = entry("a", kind)
    assert changes(tree(one), tree(one._replace(**{field: value}))) == ([("a", "changed", told)] if told else [])


@pytest.mark.feature("A13")
@pytest.mark.parametrize(
    ("fields", "unsure"),
    [({}, False), ({"ctime_ns": 201}, True), ({"inode": 11}, True), ({"mtime_ns": 101}, True), ({"size": 6, "ctime_ns": 201}, False)],
)
def test_whose_content_must_be_compared(fields: dict[str, int], unsure: bool) -> None:
    found = diff_entries(tree(entry("a")), tree(entry("a", **fields)))
    assert [pair.before.path for pair in found.unsure] == (["a"] if unsure else [])


def test_an_empty_file_has_no_content_to_compare() -> None:
    assert changes(tree(entry("a", size=0)), tree(entry("a", size=0, ctime_ns=201))) == []


def test_content_takes_its_place_among_the_fields() -> None:
    (pair,) = diff_entries(tree(entry("a")), tree(entry("a", ctime_ns=201, mode=0o600))).unsure
    assert with_content(pair).fields == ("content", "mode")


@pytest.mark.feature("A6")
def test_hard_links_are_compared_among_names_that_both_have() -> None:
    one = tree(entry("a", links=2), entry("b", links=2), entry("c", inode=11))
    assert changes(one, one) == []
    assert changes(one, tree(entry("a", links=2), entry("c", inode=11))) == [("b", "removed", ())]
    apart = tree(entry("a", links=1), entry("b", inode=12, size=6), entry("c", inode=11))
    assert changes(one, apart) == [("a", "changed", ("links",)), ("b", "changed", ("content", "links"))]
    more = tree(entry("a", links=3), entry("b", links=3), entry("c", inode=11), entry("d", links=3))
    assert changes(one, more) == [("d", "added", ())]


def test_sockets_come_and_go() -> None:
    listening, file = entry("s", "socket"), entry("s", "file")
    assert changes(tree(), tree(listening)) == []
    assert changes(tree(listening), tree()) == []
    assert changes(tree(listening), tree(entry("s", "socket", inode=99, uid=3))) == []
    assert changes(tree(listening), tree(file)) == [("s", "added", ())]
    folder = entry("new", "folder")
    assert changes(tree(), tree(folder, entry("new/s", "socket"))) == [("new", "added", ()), ("new/s", "added", ())]


def test_a_label_that_only_one_side_knows_is_the_policys() -> None:
    own = ("user.y", b"")
    labelled = entry("a", xattrs=(("security.selinux", b"x"), own))
    assert changes(tree(labelled), tree(entry("a", xattrs=(own,)))) == []
    assert changes(tree(labelled), tree(entry("a", xattrs=(("security.selinux", b"z"), own)))) == [("a", "changed", ("xattrs",))]


def test_what_one_look_left_out_is_not_compared() -> None:
    full = tree(entry("d", "folder"), entry("d/x"), entry("dx"))
    without = tree(entry("dx"), left_out=(("d", EXCLUDED),))
    assert changes(full, without) == []
    assert changes(without, full) == []


def test_what_a_mount_hides_is_a_difference() -> None:
    full = tree(entry("d", "folder"), entry("d/x"))
    assert changes(full, tree(left_out=(("d", MOUNTED),))) == [("d", "changed", ("kind",))]


def test_a_new_folder_that_holds_what_is_left_out_is_none() -> None:
    now = tree(entry("d", "folder"), entry("d/e", "folder"), entry("d/f"), left_out=(("d/e/x.log", EXCLUDED),))
    assert changes(tree(), now) == [("d/f", "added", ())]


def test_paths_are_absolute_and_in_order() -> None:
    found = diff_entries(tree(entry("b")), Tree("/srv/app", ()))
    assert list_changes("/srv/app", found) == (EntryChange("/srv/app", "removed"), EntryChange("/srv/app/b", "removed"))
    assert absolute("/", "etc") == "/etc"
