# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was written is flushed, by whichever call is there."""

from __future__ import annotations

import ctypes
import errno
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._tree import flush as flushing
from ansible_collections.guarded.deploy.plugins.module_utils._tree.flush import FEW, flush, flush_file_system


@pytest.fixture
def files(tmp_path: Path) -> t.Iterator[list[int]]:
    opened = [os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT) for number in range(FEW + 1)]
    yield opened
    for descriptor in opened:
        os.close(descriptor)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    real, seen = os.fsync, list[int]()

    def fsync(descriptor: int) -> None:
        seen.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(flushing.os, "fsync", fsync)
    return seen


def test_few_files_are_flushed_each(files: list[int], synced: list[int]) -> None:
    flush(files[:FEW])
    assert synced == files[:FEW]


def test_many_are_flushed_together(files: list[int], synced: list[int]) -> None:
    assert flush_file_system(files[0])
    flush(files)
    assert synced == []


@pytest.mark.parametrize("missing", [OSError("no library"), AttributeError("syncfs")])
def test_without_the_call_each_is_flushed(
    files: list[int], synced: list[int], monkeypatch: pytest.MonkeyPatch, missing: Exception
) -> None:
    def load(*arguments: object, **options: object) -> t.Any:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", load)
    flush(files)
    assert synced == files


def test_a_flush_that_fails_is_an_error(files: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        def syncfs(self, descriptor: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: Library())
    with pytest.raises(OSError, match="Input/output error"):
        flush(files)
