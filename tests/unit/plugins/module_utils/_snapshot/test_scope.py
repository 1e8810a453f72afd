# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which units a restore starts and stops."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.scope import find_managed, is_in_scope
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A8")

MANAGER = unit_state("default.target", fragment="/usr/lib/systemd/user/default.target")


@pytest.mark.parametrize(
    "unit",
    [
        unit_state("web.service"),
        unit_state("web.socket"),
        unit_state("backup.timer"),
        unit_state("drop.path"),
        unit_state("srv-data.mount"),
        unit_state("app.target"),
        unit_state("web@one.service"),
        unit_state("web.service", user="deploy"),
        unit_state("shown.service", triggered_by=("shown.socket",)),
        unit_state("bus.service", type="dbus"),
    ],
    ids=lambda unit: unit.name,
)
def test_what_people_run_is_in_scope(unit):
    assert is_in_scope(unit)
    assert find_managed([unit], [unit])


@pytest.mark.parametrize(
    "unit",
    [
        unit_state("guarded-deploy-guard.service"),
        unit_state("guarded-deploy-guard.timer"),
        unit_state("run-u12.service", transient=True),
        unit_state("ssh.service"),
        unit_state("dbus.service"),
        unit_state("docker.socket"),
        unit_state("networking.service"),
        unit_state("systemd-journald.service"),
        unit_state("getty@tty1.service"),
        unit_state("user@1000.service"),
        unit_state("user-runtime-dir@1000.service"),
        unit_state("run-user-1000.mount", fragment="", enabled=""),
        unit_state("multi-user.target", fragment="/usr/lib/systemd/system/multi-user.target"),
        unit_state("dev-hugepages.mount", fragment="/lib/systemd/system/dev-hugepages.mount"),
        unit_state("var-lib-docker-overlay2.mount", fragment="", enabled=""),
        unit_state("backup.service", triggered_by=("backup.timer",)),
        unit_state("hostnamed.service", type="dbus", enabled="static"),
        unit_state("ldconfig.service", type="oneshot", enabled="static", fragment="/usr/lib/systemd/system/ldconfig.service"),
        unit_state("web@.service", active=""),
        unit_state("alias.service", active="", enabled="alias"),
        unit_state("pull.service"),
    ],
    ids=lambda unit: unit.name,
)
def test_what_the_host_stands_on_is_left_alone(unit):
    assert not is_in_scope(unit, own_unit="pull.service")
    assert find_managed([unit], [unit], own_unit="pull.service") == {}


def test_what_was_not_loaded_is_judged_by_what_is_known_now():
    rests = unit_state("ldconfig.service", active="inactive", enabled="static", fragment="", type="")
    runs = unit_state("ldconfig.service", enabled="static", type="oneshot", fragment="/lib/systemd/system/ldconfig.service")
    assert find_managed([rests], [runs]) == {}
    mount = unit_state("srv-data.mount", active="inactive", enabled="static", fragment="")
    assert list(find_managed([mount], [unit_state("srv-data.mount")])) == [(None, "srv-data.mount")]


def test_a_users_unit_of_the_name_that_this_runs_in_is_another():
    assert is_in_scope(unit_state("pull.service", user="deploy"), own_unit="pull.service")


def test_a_service_that_the_change_has_given_to_a_timer_is_in_scope():
    before = unit_state("job.service")
    now = unit_state("job.service", active="inactive", type="oneshot", triggered_by=("job.timer",))
    assert list(find_managed([before], [now])) == [(None, "job.service")]


def test_a_timers_service_that_the_change_has_made_a_daemon_is_in_scope():
    before = unit_state("job.service", active="inactive", triggered_by=("job.timer",))
    assert list(find_managed([before], [unit_state("job.service")])) == [(None, "job.service")]


def test_what_the_change_has_added_is_in_scope_also_where_a_timer_runs_it():
    added = unit_state("job.service", triggered_by=("job.timer",))
    assert list(find_managed([], [MANAGER, added])) == [(None, "job.service")]


def test_an_alias_that_became_a_unit_was_not_there_before():
    (sides,) = list(find_managed([unit_state("a.service", active="", enabled="alias")], [unit_state("a.service")]).values())
    assert sides.before is None


def test_instances_for_one_connection_are_left_alone_and_others_are_not():
    units = [unit_state("echo.socket"), unit_state("echo@3-127.0.0.1:7-127.0.0.1:9.service"), unit_state("web@3-1.service")]
    assert [name for _user, name in find_managed(units, units)] == ["echo.socket", "web@3-1.service"]


def test_of_a_user_who_has_no_manager_now_there_is_nothing_to_manage():
    assert find_managed([unit_state("a.service", user="deploy")], [MANAGER]) == {}


def test_of_a_user_who_had_no_manager_only_what_was_written_is_managed():
    now = [
        unit_state("gpg-agent.socket", user="deploy", fragment="/usr/lib/systemd/user/gpg-agent.socket"),
        unit_state("own.service", user="deploy", fragment="/home/deploy/.config/systemd/user/own.service"),
    ]
    assert list(find_managed([MANAGER], now)) == [("deploy", "own.service")]
