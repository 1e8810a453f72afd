# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of the host's files: whole or not at all, and never over something else."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import StepFailed
from builders.machine import this_machine

pytestmark = pytest.mark.feature("B16")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_with_its_mode_whatever_the_umask_is(tmp_path: Path) -> None:
    path = tmp_path / "record"
    old = os.umask(0)
    try:
        this_machine().write_file(str(path), b"one", 0o600)
    finally:
        os.umask(old)
    assert (path.read_bytes(), mode_of(path)) == (b"one", 0o600)
    this_machine().write_file(str(path), b"two", 0o640)
    assert (path.read_bytes(), mode_of(path)) == (b"two", 0o640)
    assert [entry.name for entry in tmp_path.iterdir()] == ["record"]


def test_the_content_is_on_disk_before_the_name_and_the_name_before_the_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def noted(name: str) -> t.Callable[..., t.Any]:
        real = getattr(os, name)

        def call(*arguments: t.Any) -> t.Any:
            what = "folder" if name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode) else "file"
            calls.append(f"{name} {what}")
            return real(*arguments)

        return call

    for name in ("fsync", "rename"):
        monkeypatch.setattr(os, name, noted(name))
    this_machine().write_file(str(tmp_path / "record"), b"one", 0o600)
    assert calls == ["fsync file", "rename file", "fsync folder"]


def test_a_link_in_the_way_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f"record.{os.getpid()}.new").symlink_to(victim)
    with pytest.raises(StepFailed, match="record cannot be written"):
        this_machine().write_file(str(tmp_path / "record"), b"one", 0o600)
    assert victim.read_text() == "mine"


def test_a_folder_gets_its_mode_even_if_it_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    this_machine().make_folder(str(path), 0o700)
    assert mode_of(path) == 0o700
    path.chmod(0o755)
    this_machine().make_folder(str(path), 0o700)
    assert mode_of(path) == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be made"):
        this_machine().make_folder(str(tmp_path / "file" / "x"), 0o700)


def test_a_file_is_removed_once(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("")
    this_machine().remove_file(str(path))
    this_machine().remove_file(str(path))
    assert not path.exists()
    with pytest.raises(StepFailed, match="cannot be removed"):
        this_machine().remove_file(str(tmp_path))


def test_a_rename_keeps_everything_and_replaces_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("one")
    one.chmod(0o604)
    this_machine().rename(str(one), str(other))
    assert (other.read_text(), mode_of(other), one.exists()) == ("one", 0o604, False)
    one.write_text("new")
    with pytest.raises(StepFailed, match="File exists"):
        this_machine().rename(str(one), str(other))
    assert (one.read_text(), other.read_text()) == ("new", "one")


def test_a_link_is_made_with_its_folder_and_never_over_something(tmp_path: Path) -> None:
    path = tmp_path / "multi-user.target.wants" / "x.service"
    this_machine().make_link(str(path), "/etc/systemd/system/x.service")
    assert os.readlink(path) == "/etc/systemd/system/x.service"
    with pytest.raises(StepFailed, match="File exists"):
        this_machine().make_link(str(path), "/dev/null")


def test_files_that_belong_together_are_all_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    this_machine().write_files([(str(tmp_path / "a"), b"one", 0o644), (str(tmp_path / "b"), b"two", 0o755)])
    assert {path.name: (path.read_bytes(), mode_of(path)) for path in tmp_path.iterdir()} == {"a": (b"one", 0o644), "b": (b"two", 0o755)}


def test_where_one_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "c").mkdir()
    wanted = [(str(tmp_path / name), b"new", 0o644) for name in ("a", "b", "c")]
    with pytest.raises(StepFailed, match=r"/c cannot be written: .*; nothing was changed"):
        this_machine().write_files(wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
    assert (tmp_path / "a").read_text() == "old"


def test_all_contents_are_on_disk_before_the_first_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            calls.append("fsync")
        fsync(descriptor)

    def noted_rename(old: str, new: str) -> None:
        calls.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    this_machine().write_files([(str(tmp_path / name), b"x", 0o644) for name in ("a", "b")])
    assert calls == ["fsync", "fsync", "rename", "rename"]
