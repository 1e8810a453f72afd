# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of managers that answer, fail, hang, and are not there: real processes print what real ones printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.unit_states import collect_unit_states
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("A8")

CASE = Path(__file__).resolve().parents[4] / "cases" / "systemctl_states" / "257.txt"
ANSWERS = f'for word; do case "$word" in show) cat {CASE};; list-unit-files) cat {CASE.with_suffix(".list")};; esac; done'


def program(root: Path, name: str, script: str) -> None:
    path = root / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def booted(tmp_path: Path) -> RootedHost:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    program(tmp_path, "systemctl", ANSWERS)
    return RootedHost(tmp_path)


def test_every_unit_is_found_loaded_or_not(booted):
    units, unseen = collect_unit_states(booted, 10)
    found = {(unit.user, unit.name): unit for unit in units}
    assert found[None, "loop.service"].sub == "auto-restart"
    assert found[None, "prometheus.service"].enabled == "disabled"
    assert found[None, "nginx.service"].load == "masked"
    assert unseen == ()


def test_two_questions_are_enough(booted):
    collect_unit_states(booted, 10)
    assert len(booted.asked) == 2


def test_where_systemd_is_not_the_init_there_are_no_units(tmp_path):
    program(tmp_path, "systemctl", "exit 1")
    assert collect_unit_states(RootedHost(tmp_path), 10) == ((), ())


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Failed to connect to bus' >&2; exit 1", "exited 1: Failed to connect to bus"),
        (ANSWERS.replace("cat", "sleep 60; cat", 1), "did not end within"),
        (f'{ANSWERS}; [ "$1" = show ]', "exited 1"),
        ("echo ActiveState=active", "without an Id"),
    ],
)
def test_a_manager_that_does_not_answer_is_unseen_and_never_empty(booted, script, why):
    program(booted.root, "systemctl", script)
    units, ((what, reason),) = collect_unit_states(booted, 0.7)
    assert units == ()
    assert what == "units"
    assert why in reason


def test_root_sees_the_units_of_users_who_have_a_manager(booted):
    (booted.root / "run/user/1000/systemd").mkdir(parents=True)
    (booted.root / "run/user/1001").mkdir()  # a session without a manager
    program(booted.root, "runuser", ANSWERS)
    units, unseen = collect_unit_states(booted, 10)
    assert {unit.user for unit in units} == {None, booted.user_name(1000)}
    assert unseen == ()


def test_a_users_manager_that_fails_hides_nothing_else(booted):
    (booted.root / "run/user/1000/systemd").mkdir(parents=True)
    program(booted.root, "runuser", "exit 1")
    units, unseen = collect_unit_states(booted, 10)
    assert {unit.user for unit in units} == {None}
    assert [what for what, _why in unseen] == [f"units of the user {booted.user_name(1000)}"]
