# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded trees of real files, brought back and told about."""

from __future__ import annotations

import io
import os

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.tree_steps import (
    Files,
    describe_steps,
    find_spans,
    find_user_folder,
    is_of_one_boot,
    without_bystanders,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EntryChange
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost

pytestmark = pytest.mark.feature("A6", "A11")


class Contents:
    def __init__(self, root):
        self.known = {os.path.relpath(path, root): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def open(self, path):
        return io.BytesIO(self.known[path])


def recorded(root):
    return walk(str(root)), Contents(root)


@pytest.fixture
def trees(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path


def test_what_differs_is_found_brought_back_and_then_no_longer_found(trees):
    files = Files([recorded(trees / "first"), recorded(trees / "second")])
    (trees / "first" / "file").write_text("other")
    (trees / "first" / "new").write_text("new")
    found = files.find_changes()
    assert {(change.path, change.what) for change in found.changes if not change.path.endswith("first")} == {
        (f"{trees}/first/file", "changed"),
        (f"{trees}/first/new", "added"),
    }
    assert files.compare(StandaloneHost())[0] != []
    files.bring_back()
    assert files.compare(StandaloneHost()) == ([], [])
    assert files.find_changes().changes == []
    assert (files.failures, (trees / "first" / "file").read_text()) == ([], "first")


def test_a_tree_that_did_not_differ_is_not_touched(trees):
    files = Files([recorded(trees / "first"), recorded(trees / "second")])
    (trees / "first" / "file").write_text("other")
    files.find_changes()
    (trees / "second" / "file").write_text("since")
    assert f"{trees}/first/file" in {change.path for change in files.bring_back()}
    assert (trees / "first" / "file").read_text() == "first"
    assert (trees / "second" / "file").read_text() == "since"


def test_a_tree_that_cannot_be_reached_stops_no_other_and_is_told(trees):
    (trees / "deep").mkdir()
    (trees / "deep" / "third").mkdir()
    files = Files([recorded(trees / "deep" / "third"), recorded(trees / "first")])
    (trees / "first" / "file").write_text("other")
    (trees / "deep" / "third").rmdir()
    (trees / "deep").rmdir()
    (trees / "deep").symlink_to(trees / "second")
    found = files.find_changes()
    assert any(f"{trees}/deep" in failure for failure in found.failures)
    files.bring_back()
    assert (trees / "first" / "file").read_text() == "first"
    assert any(f"{trees}/deep" in failure for failure in files.failures)
    (what, _why) = files.compare(StandaloneHost())[1][0]
    assert what == f"files of {trees}/deep/third"


def test_steps_are_told_in_words_and_of_very_many_the_first():
    changes = [EntryChange("/a", "added"), EntryChange("/b", "removed"), EntryChange("/c", "changed", ("content", "mode"))]
    assert describe_steps(changes) == ["remove /a", "make again /b", "bring back /c (content,mode)"]
    many = describe_steps([EntryChange(f"/{number}", "added") for number in range(1000)])
    assert len(many) == 201
    assert many[-1] == "and 800 more files"


def test_a_folder_whose_time_differs_for_what_is_in_it_is_not_told():
    folder, alone = EntryChange("/d", "changed", ("times",)), EntryChange("/e", "changed", ("times",))
    assert without_bystanders([folder, EntryChange("/d/x", "added"), alone]) == [EntryChange("/d/x", "added"), alone]


def test_a_file_is_as_it_is_since_it_was_written(tmp_path):
    host, path = StandaloneHost(), tmp_path / "file"
    path.write_text("x")
    os.utime(path, (host.now() - 100, host.now() - 100))
    changed = EntryChange(str(path), "changed", ("content",))
    (span,) = list(find_spans(host, [changed]).values())
    assert span.until is None
    assert span.since == pytest.approx(host.uptime() - 100, abs=30)


def test_of_what_is_gone_or_from_the_future_no_moment_is_known(tmp_path):
    host, path = StandaloneHost(), tmp_path / "file"
    spans = find_spans(host, [EntryChange(str(path), "removed"), EntryChange(str(path), "added"), EntryChange("/t", "changed", ("times",))])
    assert [span.since for span in spans.values()] == [None]


@pytest.mark.parametrize(
    ("path", "folder"),
    [("/run/user/1000/systemd/user", "/run/user/1000"), ("/run/user/1000", "/run/user/1000"), ("/run/user", None), ("/etc/a/b/c", None)],
)
def test_what_ends_with_a_users_manager(path, folder):
    assert find_user_folder(path) == folder


def test_what_ends_with_the_boot():
    assert [path for path in ("/run", "/run/systemd", "/running", "/etc/run") if is_of_one_boot(path)] == ["/run", "/run/systemd"]
