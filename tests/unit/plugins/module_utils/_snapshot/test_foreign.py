# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others changed is told apart from what the change did, and only where a restore would undo it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.foreign import (
    After,
    Foreign,
    describe_foreign,
    describe_refusal,
    find_foreign,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines, Entry, EntryChange, Tree
from builders.host_state import container_state, host_state
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A15")

SHOP, MAIL = unit_state("shop.service"), unit_state("mail.service")
BEFORE = host_state(units=(SHOP, MAIL), packages={"nginx:amd64": "1", "tiny:all": "1"})
STOPPED = MAIL._replace(active="inactive", sub="dead")


def tree(**ctimes: int) -> Tree:
    root = Entry(".", "folder", 0o755, 0, 0, 0, 1, 1, 1, 1, 0)
    files = (Entry(name, "file", 0o644, 0, 0, 5, 1, ctime, number, 1, 8) for number, (name, ctime) in enumerate(sorted(ctimes.items()), 2))
    return Tree("/etc/x", (root, *files))


def changed(*names: str) -> list[EntryChange]:
    return [EntryChange(f"/etc/x/{name}", "changed", ("content",)) for name in names]


def names(foreign: Foreign) -> list[str]:
    return [change.name for change in foreign.changes]


def test_what_the_change_did_is_nobody_elses():
    done = host_state(units=(SHOP._replace(enabled="disabled"), MAIL), packages=BEFORE.packages)
    foreign = find_foreign(BEFORE, done, changed("a"), After(done, (tree(a=2),)), [tree(a=2)])
    assert foreign == Foreign()
    assert describe_refusal("x", foreign) == ""


def test_what_was_done_after_the_change_is_somebodys():
    done = host_state(units=(SHOP._replace(enabled="disabled"), MAIL), packages=BEFORE.packages)
    now = host_state(units=(SHOP._replace(enabled="disabled"), STOPPED), packages=BEFORE.packages)
    foreign = find_foreign(BEFORE, now, changed("a", "b"), After(done, (tree(a=2, b=2, c=2),)), [tree(a=2, b=3, c=3)])
    assert names(foreign) == ["/etc/x/b", "mail.service"]
    text = describe_refusal("x", foreign)
    assert text.startswith("snapshot x is not restored: ")
    assert "mail.service (inactive, enabled)" in text
    assert "accept_loss" in text


def test_what_a_restore_would_not_undo_does_not_count():
    """Somebody has undone a part of the change by hand."""
    done = host_state(units=(SHOP._replace(enabled="disabled"), STOPPED), packages=BEFORE.packages)
    now = host_state(units=(SHOP._replace(enabled="disabled"), MAIL), packages=BEFORE.packages)
    assert find_foreign(BEFORE, now, [], After(done, (tree(a=2),)), [tree(a=3)]).changes == ()


def test_without_a_note_of_the_change_only_packages_and_newer_snapshots_tell():
    now = host_state(units=(SHOP, STOPPED), packages={**BEFORE.packages, "nginx:amd64": "2"})
    foreign = find_foreign(BEFORE, now, changed("a", "nginx"), owners={"/etc/x/nginx": "nginx:amd64"}, newer=["y"])
    assert names(foreign) == ["/etc/x/nginx"]
    assert [change.name for change in foreign.packages] == ["nginx:amd64"]
    lines = describe_foreign(foreign)
    assert lines[0].startswith("it is not the newest snapshot: y")
    assert "package nginx:amd64" in lines[1]


def test_a_package_whose_files_are_not_touched_is_no_reason_to_refuse():
    now = host_state(units=BEFORE.units, packages={**BEFORE.packages, "tiny:all": "2"})
    foreign = find_foreign(BEFORE, now, changed("a"))
    assert foreign.packages != ()
    assert describe_refusal("x", foreign) == ""


def test_the_packages_of_the_change_itself_are_not_somebodys():
    done = host_state(units=BEFORE.units, packages={**BEFORE.packages, "tiny:all": "2"})
    assert find_foreign(BEFORE, done, [], After(done, ())).packages == ()


def test_containers_of_a_colleague():
    done = host_state(engines=Engines((container_state("shop"),)))
    now = host_state(engines=Engines((container_state("shop"), container_state("wiki"))))
    assert names(find_foreign(host_state(), now, [], After(done, ()))) == ["wiki (docker)"]


def test_a_folder_in_which_something_was_done_is_not_told():
    changes = [EntryChange("/etc/x", "changed", ("times",)), *changed("a")]
    now = tree(a=3)._replace(entries=(tree().entries[0]._replace(ctime_ns=9, mtime_ns=9), *tree(a=3).entries[1:]))
    assert names(find_foreign(BEFORE, BEFORE, changes, After(BEFORE, (tree(a=2),)), [now])) == ["/etc/x/a"]


def test_what_cannot_be_told_is_a_reason_to_ask():
    text = describe_refusal("x", Foreign(unseen=("the note is damaged",)))
    assert "cannot be told: the note is damaged" in text


def test_of_many_some_are_named_and_the_rest_is_counted():
    foreign = find_foreign(
        BEFORE, BEFORE, changed(*(f"f{number}" for number in range(20))), owners={f"/etc/x/f{n}": "p" for n in range(20)}
    )
    assert "and 12 more" in describe_refusal("x", foreign)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)))
def test_a_file_counts_just_where_it_was_touched_since(then, now):
    to_restore = changed(*sorted({*then, *now}))
    after = After(BEFORE, (Tree("/etc/x", tuple(one._replace(inode=ord(one.path[0])) for one in tree(**then).entries)),))
    here = Tree("/etc/x", tuple(one._replace(inode=ord(one.path[0])) for one in tree(**now).entries))
    found = names(find_foreign(BEFORE, BEFORE, to_restore, after, [here]))
    assert found == [f"/etc/x/{name}" for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
