# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest

from testbed import hosts, runs
from testbed.errors import TestbedError

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "FOLDER", tmp_path)


def test_a_run_lives_until_its_block_ends() -> None:
    with runs.new_run() as run:
        assert runs.is_alive(run)
    assert not runs.is_alive(run)


ANOTHER_RUN = """
import pathlib, sys, time
from testbed import runs
runs.FOLDER = pathlib.Path(sys.argv[1])
with runs.new_run() as run:
    print(run, flush=True)
    time.sleep(60)
"""


def test_a_killed_run_is_dead_although_its_file_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ANOTHER_RUN, str(tmp_path)]
    environment = {"PYTHONPATH": str(runs.CHECKOUT / "tests")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdout is not None
        run = other.stdout.readline().strip()
        alive = runs.is_alive(run)
        other.kill()
    assert alive
    assert (tmp_path / f"{run}.lock").exists()
    assert not runs.is_alive(run)


def test_hosts_made_by_hand_belong_to_a_person_who_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(runs.VARIABLE, raising=False)
    assert runs.current_run() == runs.DEV
    assert runs.is_alive(runs.DEV)
    assert runs.is_alive("somebodys-name")


def test_an_unknown_run_is_dead() -> None:
    assert not runs.is_alive("abcdef")


def test_the_folder_for_sockets_is_private_and_short() -> None:
    folder = runs.socket_folder()
    assert folder.stat().st_mode & 0o077 == 0
    assert len(str(folder)) < 60


def test_hosts_are_not_made_for_a_run_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runs.VARIABLE, "abcdef")
    with pytest.raises(TestbedError, match="the run abcdef is over"):
        hosts.create_hosts("scenario", [hosts.Wanted("bookworm", "bookworm")])
