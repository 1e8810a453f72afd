# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots listed, shown and compared, on this machine."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.foreign import after_path, collect_foreign, note_after, read_after
from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot import TakeRequest, take_snapshot
from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot_info import Question, answer
from ansible_collections.guarded.deploy.plugins.module_utils._apply.store import load_snapshot
from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Damaged, NothingThere, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.diff import SECTIONS
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.foreign import describe_refusal
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Hook, Hooks
from builders.engineless import EnginelessHost

pytestmark = pytest.mark.feature("A12")

FILES = ("files",)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "srv"
    folder.mkdir()
    (folder / "config").write_text("port = 80\npassword = hunter2\n")
    (folder / "gone").write_text("x")
    (folder / "private").write_text("planted")
    (folder / "private").chmod(0o600)
    (folder / "raw").write_bytes(b"\0\1")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def take(root: Path, store: str, name: str, **more: t.Any) -> None:
    take_snapshot(EnginelessHost(), TakeRequest(id=name, paths=(str(root),), **more), store)


def ask(
    store: str, name: str | None = None, compare_to: str | None = None, sections=FILES, content=False, verify=False
) -> dict[str, t.Any]:
    found = answer(EnginelessHost(), Question(name, compare_to, sections, content, verify, 30.0), store)
    json.dumps(found).encode()
    return found


def change(root: Path) -> None:
    (root / "config").write_text("port = 81\npassword = swordfish\n")
    (root / "gone").unlink()
    (root / "private").write_text("other")
    (root / "raw").write_bytes(b"\0\2")
    (root / os.fsdecode(b"odd\xff")).write_text("new\n")


def lines(found: dict[str, t.Any], root: Path) -> list[tuple[str, str, str]]:
    return [(one["name"].removeprefix(str(root)), one["before"], one["after"]) for one in found["difference"]["changes"]]


CHANGES = [
    ("/config", "content of 29 bytes", "content of 31 bytes"),
    ("/gone", "file, mode 0644, owner 0:0, 1 bytes", ""),
    ("/odd\\xff", "", "file, mode 0644, owner 0:0, 4 bytes"),
    ("/private", "content of 7 bytes", "content of 5 bytes"),
    ("/raw", "content of 2 bytes", "other content of 2 bytes"),
]


def test_where_there_is_none_the_list_is_empty_and_asking_for_one_says_so(store: str) -> None:
    assert ask(store)["snapshots"] == []
    with pytest.raises(NothingThere, match="take one with host_snapshot"):
        ask(store, compare_to="now")
    with pytest.raises(NothingThere, match="there are: none"):
        ask(store, "first")


def test_the_list_names_the_damaged_too(root: Path, store: str) -> None:
    take(root, store, "first", comment="before")
    take(root, store, "second")
    Path(store, "second/COMPLETE").unlink()
    found = {one["name"]: one for one in ask(store)["snapshots"]}
    assert (found["first"]["good"], found["first"]["comment"], found["first"]["paths"]) == (True, "before", [str(root)])
    assert not found["second"]["good"]
    assert "never finished" in found["second"]["problem"]
    assert ask(store, compare_to="now")["difference"]["name"] == "first"


def test_now_and_another_snapshot_give_the_same_difference(root: Path, store: str) -> None:
    take(root, store, "first")
    assert ask(store, "first", "now")["difference"]["changes"] == []
    change(root)
    assert lines(ask(store, "first", "now"), root) == CHANGES
    take(root, store, "second")
    assert lines(ask(store, "first", "second", verify=True), root) == CHANGES
    assert [(name, before, after) for name, after, before in lines(ask(store, "second", "first"), root)][1:3] == CHANGES[1:3]
    assert ask(store, "second", "now")["difference"]["changes"] == []


def test_a_file_that_was_only_touched_is_told_by_its_time(root: Path, store: str) -> None:
    take(root, store, "first")
    os.utime(root / "raw", ns=(1, 1_000_000_001))
    (found,) = lines(ask(store, "first", "now"), root)
    assert found[0] == "/raw"
    assert found[2] == "modified 1970-01-01 00:00:01.000000001 UTC"


@pytest.mark.feature("A17")
def test_texts_come_without_secrets(root: Path, store: str) -> None:
    take(root, store, "first")
    change(root)
    found = ask(store, "first", "now", content=True)
    texts = {one["before_header"]: one for one in found["diff"][1:] if "before" in one}
    shown = texts[f"{root}/config (snapshot first)"]
    assert (shown["before"], shown["after"]) == ("port = 80\npassword = <withheld>\n", "port = 81\npassword = <withheld, another one>\n")
    assert texts[f"{root}/odd\\xff (snapshot first)"]["after"] == "new\n"
    withheld = {one["path"].removeprefix(str(root)): one["why"] for one in found["difference"]["withheld"]}
    assert withheld == {"/private": "it is not readable for everybody on the host", "/raw": "it is binary"}
    for secret in ("hunter2", "swordfish", "planted"):
        assert secret not in json.dumps(found)
    assert "diff" in ask(store, "first", "now")
    assert len(ask(store, "first", "now")["diff"]) == 1


def test_paths_that_only_one_snapshot_has_are_not_told_to_differ(root: Path, store: str, tmp_path: Path) -> None:
    take(root, store, "first")
    (tmp_path / "other").mkdir()
    take(tmp_path / "other", store, "second")
    found = ask(store, "first", "second")["difference"]
    assert found["changes"] == []
    assert sorted(one["what"] for one in found["unseen"] if "files" in one["what"]) == [
        f"files below {tmp_path}/other",
        f"files below {root}",
    ]


def test_one_is_shown_without_what_its_hooks_are(root: Path, store: str) -> None:
    take(root, store, "first", hooks=Hooks(after_restore=(Hook(("/bin/sh", "-c", "psql planted"), 5.0),)))
    found = ask(store, "first", sections=SECTIONS, verify=True)["snapshot"]
    assert found["hooks"] == {"before_snapshot": 0, "after_restore": 1}
    assert found["paths"] == [{"path": str(root), "entries": 5, "left_out": 0}]
    assert found["state"]["packages"]
    assert {"path", "package"} <= {one["kind"] for one in found["not_restorable"]}
    assert "planted" not in json.dumps(found)


def test_a_damaged_one_is_not_compared(root: Path, store: str) -> None:
    take(root, store, "first")
    tree = Path(store, "first/tree-000.tar")
    content = bytearray(tree.read_bytes())
    content[700] ^= 1
    tree.write_bytes(content)
    with pytest.raises(Damaged, match=r"tree-000\.tar"):
        ask(store, "first", "now", verify=True)
    with pytest.raises(BadInput, match="itself"):
        ask(store, "first", "first")


@pytest.mark.feature("A15")
def test_a_note_tells_the_change_from_what_came_later(root: Path, store: str) -> None:
    host = EnginelessHost()
    take(root, store, "first")
    snapshot = load_snapshot(host, "first", store)
    assert read_after(host, "first", store) is None
    change(root)
    note_after(host, "first", store)
    assert Path(after_path("first", store)).stat().st_mode & 0o777 == 0o600
    assert collect_foreign(host, snapshot, snapshot.state, store).changes == ()
    (root / "later").write_text("x")
    (root / "config").write_text("by hand\n")
    (root / "gone").write_text("x")
    found = [one.name.removeprefix(str(root)) for one in collect_foreign(host, snapshot, snapshot.state, store).changes]
    # What was removed by the change and is back as it was only lacks its time.
    assert found == ["/config", "/later"]
    take(root, store, "second")
    assert collect_foreign(host, snapshot, snapshot.state, store).newer == ("second",)


@pytest.mark.feature("A15")
def test_a_note_that_is_damaged_is_a_reason_to_ask(root: Path, store: str) -> None:
    host = EnginelessHost()
    take(root, store, "first")
    snapshot = load_snapshot(host, "first", store)
    for text in ("", "{}\n", "not json\n"):
        Path(after_path("first", store)).write_text(text)
        with pytest.raises(Unparsable):
            read_after(host, "first", store)
        assert "cannot be told" in describe_refusal("first", collect_foreign(host, snapshot, snapshot.state, store))
