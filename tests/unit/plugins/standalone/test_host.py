# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, TimedOut, ToolMissing
from ansible_collections.guarded.deploy.plugins.standalone.host import SEARCH_PATH, StandaloneHost

if t.TYPE_CHECKING:
    from pathlib import Path


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_command_answers_with_code_and_text() -> None:
    answer = StandaloneHost().run(["sh", "-c", r"printf 'a\377'; echo b >&2; exit 3"], 10)
    assert answer == (3, "a\udcff", "b\n")


def test_programs_are_found_whatever_path_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    liar = tmp_path / "true"
    liar.write_text("#!/bin/sh\nexit 9\n", encoding="ascii")
    liar.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    host = StandaloneHost()
    assert host.run(["true"], 10).rc == 0
    assert host.run([str(liar)], 10).rc == 9
    assert host.run(["sh", "-c", 'printf %s "$PATH"'], 10).out == ":".join(SEARCH_PATH)


def test_a_command_inherits_nothing_but_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/nowhere.so")
    monkeypatch.setenv("SECRET", "hunter2")
    told = StandaloneHost().run(["env"], 10, {"GIVEN": "yes"}).out
    assert "GIVEN=yes" in told
    assert "LC_ALL=C.UTF-8" in told
    assert "hunter2" not in told
    assert "nowhere" not in told


def test_a_program_that_is_missing_is_named_and_found_once_it_is_there(tmp_path: Path) -> None:
    host, path = StandaloneHost(), tmp_path / "late"
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        host.run(["no-such-program"], 10)
    assert not host.has(str(path))
    path.write_text("#!/bin/sh\nexit 4\n", encoding="ascii")
    path.chmod(0o755)
    assert host.has(str(path))
    assert host.run([str(path)], 10).rc == 4


def test_what_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"\x7fELF not really")
    path.chmod(0o755)
    with pytest.raises(CouldNotLook, match="could not be started"):
        StandaloneHost().run([str(path)], 10)


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {pids}; trap '' TERM; echo $$ >> {pids}; sleep 60"
    with pytest.raises(TimedOut, match=r"'sh -c .* did not end within 4 s"):
        StandaloneHost().run(["sh", "-c", script], 4)
    found = [int(pid) for pid in pids.read_text(encoding="ascii").split()]
    assert len(found) == 2
    # Killed at once; that init takes note of it may take a moment.
    for _try in range(100):
        if not any(is_there(pid) for pid in found):
            return
        time.sleep(0.05)
    pytest.fail("a child is still there")


def test_a_child_that_left_the_group_does_not_hold_us_up(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(TimedOut):
        StandaloneHost().run(["sh", "-c", f"setsid sh -c 'echo $$ > {pid}; exec sleep 60' & sleep 60"], 4)
    os.kill(int(pid.read_text(encoding="ascii")), 9)
