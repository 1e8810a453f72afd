# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps for units, carried out by a systemctl that writes down what it is told and fails where it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.unit_steps import UnitSteps
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("A8")

TELLS = 'printf "%s\\n" "$*" >> {log}; case "$*" in *bad.service*) echo "no such thing" >&2; exit 5;; esac'


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "run/user/1000/systemd").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name, script in (("systemctl", TELLS.format(log=tmp_path / "log")), ("runuser", f'shift 5; exec {tmp_path}/bin/"$@"')):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return RootedHost(tmp_path, own=("timeout", "env", "id"))


def told(host: RootedHost) -> list[str]:
    log = host.root / "log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def test_each_manager_is_told_once_of_all_its_units(host):
    steps = UnitSteps(host, 10, check=False)
    login = host.user_name(1000)
    steps.carry_out("stop", [(None, "b.socket"), (login, "u.service"), (None, "a.service")])
    assert told(host) == ["stop -- b.socket a.service", "--user stop -- u.service"]
    assert steps.done == ["systemctl stop b.socket a.service", f"systemctl --user stop u.service (as {login})"]
    assert steps.failures == []


def test_with_check_it_is_only_listed(host):
    steps = UnitSteps(host, 10, check=True)
    steps.carry_out("start", [(None, "a.service")])
    steps.reload_managers()
    assert told(host) == []
    assert steps.done[:2] == ["systemctl start a.service", "systemctl daemon-reload"]


def test_one_that_fails_stops_no_other_and_counts_as_failed_the_second_time(host):
    steps = UnitSteps(host, 10, check=False)
    for _round in range(2):
        steps.carry_out("start", [(None, "bad.service")])
        steps.carry_out("start", [(None, "good.service")])
        assert (steps.failed == set()) is (_round == 0)
    assert steps.failed == {("start", (None, "bad.service"))}
    assert told(host)[-1] == "start -- good.service"
    assert "exited 5: no such thing" in steps.failures[0]


def test_a_manager_that_is_gone_is_a_failure_and_no_crash(host):
    steps = UnitSteps(host, 10, check=False)
    steps.carry_out("start", [("nobody-here", "a.service")])
    assert steps.failures == ["start a.service: the service manager of nobody-here does not run"]


def test_what_may_be_unloaded_is_named_by_a_pattern_and_escapes_are_kept(host):
    UnitSteps(host, 10, check=False).carry_out("reset-failed", [(None, "a\\x2db.service")])
    assert told(host) == ["reset-failed -- a\\\\x2db.service*"]


def test_a_masked_unit_is_masked_again_even_if_it_does_not_start(host):
    steps = UnitSteps(host, 10, check=False)
    steps.start_masked([(None, "bad.service"), (None, "b.service")], at_run_time=[(None, "b.service")])
    assert told(host) == [
        "unmask -- bad.service",
        "start -- bad.service",
        "mask -- bad.service",
        "unmask --runtime -- b.service",
        "start -- b.service",
        "mask --runtime -- b.service",
    ]


def test_managers_of_those_who_linger_are_started_and_of_no_others(host):
    host.write("/var/lib/systemd/linger/daemon", "")
    host.write(f"/var/lib/systemd/linger/{host.user_name(1000)}", "")
    UnitSteps(host, 10, check=False).start_managers(["daemon", "bin", host.user_name(1000)])
    assert told(host) == ["start -- user@1.service"]
