# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mark tells boots apart, whoever makes it, and however many at once."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.boot_mark import is_marked, make_boot_mark, read_boot_mark
from builders.rooted import whole_machine

pytestmark = pytest.mark.feature("A3")


def test_a_mark_lasts_until_run_is_empty_again(tmp_path: Path):
    host, folder = whole_machine(), str(tmp_path / "run")
    first = make_boot_mark(host, folder)
    assert is_marked(first)
    assert make_boot_mark(host, folder) == read_boot_mark(host, folder) == first
    (tmp_path / "run/boot").unlink()  # what a boot does
    assert make_boot_mark(host, folder) != first


def test_where_there_is_no_mark_none_is_made_by_reading(tmp_path: Path):
    host = whole_machine()
    mark = read_boot_mark(host, str(tmp_path / "run"))
    assert not is_marked(mark)
    assert list(tmp_path.iterdir()) == []
    assert mark != make_boot_mark(host, str(tmp_path / "run"))


def test_a_mark_of_another_kernel_is_none(tmp_path: Path):
    host = whole_machine()
    (tmp_path / "boot").write_text("0e2f1d8c-3333-4444-8888-000000000000/11111111-2222-4333-8444-555555555555\n")
    assert not is_marked(read_boot_mark(host, str(tmp_path)))
    assert make_boot_mark(host, str(tmp_path)).startswith(Path("/proc/sys/kernel/random/boot_id").read_text().strip())


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path):
    folder = str(tmp_path / "run")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        marks = set(pool.map(lambda _number: make_boot_mark(whole_machine(), folder), range(48)))
    assert len(marks) == 1
