# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of managers that answer, fail, hang, and are not there: real processes print what real ones printed."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.units import collect_units, read_unit_log
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied
from builders.ports import unit
from builders.rooted import RootedHost

CASE = Path(__file__).resolve().parents[4] / "cases" / "systemctl_show" / "257.txt"


def program(root: Path, name: str, script: str) -> None:
    path = root / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def booted(tmp_path: Path) -> RootedHost:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    program(tmp_path, "systemctl", f"cat {CASE}")
    return RootedHost(tmp_path)


@pytest.mark.feature("B1")
def test_every_unit_of_the_system_manager_is_found(booted):
    found = collect_units(booted, 10)
    assert (None, "prometheus.service") in found.units
    assert (None, "web@a\\x2db.socket") in found.units
    assert found.blind_spots == ()


@pytest.mark.feature("B15")
def test_what_starts_containers_is_asked_for_by_name(booted):
    # A pattern leaves out what is inactive, and a Docker that nobody knows to be asleep is woken by the question.
    program(
        booted.root,
        "systemctl",
        """for unit; do case $unit in
            docker.service) printf 'Id=%s\\nLoadState=loaded\\nActiveState=inactive\\n\\n' $unit ;;
            podman-restart.service) printf 'Id=%s\\nLoadState=not-found\\nActiveState=inactive\\n\\n' $unit ;;
        esac; done""",
    )
    found = collect_units(booted, 10).units
    assert found[None, "docker.service"].active == "inactive"
    assert len(found) == 1


def test_where_systemd_is_not_the_init_there_are_no_units(tmp_path):
    program(tmp_path, "systemctl", "echo 'System has not been booted with systemd' >&2; exit 1")
    assert collect_units(RootedHost(tmp_path), 10) == ({}, ())


@pytest.mark.feature("B15")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Failed to connect to bus:' >&2; echo 'Host is down' >&2; exit 1", "exited 1: Failed to connect to bus: Host is down"),
        ("sleep 60", "did not end within"),
        ("echo ActiveState=active", "without an Id"),
    ],
)
def test_a_manager_that_does_not_answer_is_a_blind_spot(booted, script, why):
    program(booted.root, "systemctl", script)
    found = collect_units(booted, 0.5)
    assert found.units == {}
    (spot,) = found.blind_spots
    assert why in spot.why
    assert spot.could_hide_conflict


@pytest.mark.feature("B1")
def test_root_looks_at_the_managers_of_users_too(booted):
    (booted.root / "run/user/1000/systemd").mkdir(parents=True)
    (booted.root / "run/user/1001").mkdir()  # a session without a manager
    program(booted.root, "runuser", f"cat {CASE}")
    found = collect_units(booted, 10)
    login = booted.user_name(1000)
    assert (login, "prometheus.service") in found.units
    assert any(f"runuser -u {login} -- env XDG_RUNTIME_DIR=/run/user/1000 systemctl --user show" in one for one in booted.asked)
    assert not any("1001" in one for one in booted.asked)


def test_another_user_asks_for_no_one_elses(booted):
    (booted.root / "run/user/1000/systemd").mkdir(parents=True)
    booted.uid = 1001
    assert all(user is None for user, _name in collect_units(booted, 10).units)


def test_a_user_manager_that_hangs_does_not_hide_the_systems_units(booted):
    (booted.root / "run/user/1000/systemd").mkdir(parents=True)
    program(booted.root, "runuser", "sleep 60")
    found = collect_units(booted, 0.5)
    assert (None, "prometheus.service") in found.units
    assert len(found.blind_spots) == 1


class TestALog:
    def asked(self, host: RootedHost) -> str:
        return next(one for one in host.asked if one.startswith("journalctl"))

    def test_of_a_unit_that_restarts_is_its_last_messages(self, booted):
        program(booted.root, "journalctl", "echo 'bind: address already in use'")
        assert "already in use" in read_unit_log(booted, unit("a.service", invocation="f" * 32), 10, 60)
        assert "--unit=a.service" in self.asked(booted)

    def test_of_a_unit_that_failed_is_that_of_its_last_run(self, booted):
        program(booted.root, "journalctl", "echo x")
        read_unit_log(booted, unit("a.service", active="failed", invocation="f" * 32), 10, 60)
        assert f"_SYSTEMD_INVOCATION_ID={'f' * 32} + INVOCATION_ID={'f' * 32}" in self.asked(booted)

    @pytest.mark.feature("B15")
    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("echo 'Hint: You are currently not seeing messages from other users and the system.' >&2", Denied),
            ("echo 'No journal files were opened due to insufficient permissions.' >&2", Denied),
            ("echo broken >&2; exit 1", CouldNotLook),
            ("sleep 60", CouldNotLook),
        ],
    )
    def test_that_may_not_be_read_is_an_error_not_an_empty_text(self, booted, script: str, error: t.Any):
        program(booted.root, "journalctl", script)
        with pytest.raises(error):
            read_unit_log(booted, unit("a.service"), 0.5, 60)
