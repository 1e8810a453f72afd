# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that survive a reboot, and nothing where nothing safe can be said."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Owner
from ansible_collections.guarded.deploy.plugins.module_utils._ports.remedy import RunState, name_retirement, plan_retirement, plan_sides
from builders.ports import claim, container_owner, unit, unit_owner

pytestmark = pytest.mark.feature("B16")


@pytest.mark.parametrize(
    ("owner", "state", "commands"),
    [
        (unit_owner(), RunState(unit()), ["systemctl disable --now prometheus.service"]),
        (
            unit_owner("job.service"),
            RunState(unit("job.service", enabled="static")),
            ["systemctl stop job.service", "systemctl mask job.service"],
        ),
        (unit_owner("gone.service"), RunState(None), ["systemctl stop gone.service", "systemctl mask gone.service"]),
        (
            unit_owner("web.service"),
            RunState(unit("web.service", triggered_by=("web.socket",))),
            ["systemctl disable --now web.socket web.service"],
        ),
        (
            unit_owner("web.socket"),
            RunState(unit("web.socket", triggers=("web.service",))),
            ["systemctl disable --now web.socket web.service"],
        ),
        (unit_owner(r"a@b\x2dc.service"), RunState(unit()), [r"systemctl disable --now 'a@b\x2dc.service'"]),
        # What failed, or is stopped in the middle of a failing start, stays "failed" and would look like a claimant.
        (
            unit_owner("web.service"),
            RunState(unit("web.service", enabled="generated", active="failed")),
            ["systemctl mask web.service", "systemctl reset-failed 'web.service*'"],
        ),
        (
            unit_owner(r"a\x2db.service", user="joe"),
            RunState(unit(r"a\x2db.service", active="activating", sub="auto-restart")),
            [
                r"systemctl --user --machine=joe@.host disable --now 'a\x2db.service'",
                r"systemctl --user --machine=joe@.host reset-failed 'a\\x2db.service*'",
            ],
        ),
        (
            unit_owner("web.service"),
            RunState(unit("web.service", active="activating", sub="start", restarts=3)),
            ["systemctl disable --now web.service", "systemctl reset-failed 'web.service*'"],
        ),
        (
            unit_owner("my.service", user="joe"),
            RunState(unit("my.service", user="joe")),
            ["systemctl --user --machine=joe@.host disable --now my.service"],
        ),
        (container_owner(), RunState(None, "running", "always"), ["docker update --restart=no web", "docker stop web"]),
        (container_owner(), RunState(None, "running", "no"), ["docker stop web"]),
        (container_owner(), RunState(None, "created", "always"), ["docker rm web"]),
        (
            container_owner(engine="podman", unit="web.service"),
            RunState(unit("web.service", enabled="generated"), "running", "no"),
            ["systemctl stop web.service", "systemctl mask web.service"],
        ),
    ],
)
def test_an_owner_is_retired_for_good(owner, state, commands):
    assert list(plan_retirement(owner, state)) == commands


@pytest.mark.parametrize(
    "owner",
    [
        unit_owner("docker.service"),
        unit_owner("docker.socket"),
        unit_owner("ssh.service"),
        unit_owner("sshd.service"),
        unit_owner("ssh.socket"),
        unit_owner("sshd@7.service"),
        unit_owner("containerd.service"),
        unit_owner("user@1000.service"),
        unit_owner("systemd-resolved.service"),
        Owner("process", "systemd", pid=1),
        Owner("process", "python3", pid=4711),
        Owner("firewall", "KUBE-NODEPORTS"),
        Owner("kernel", "kernel"),
        Owner("container", "at 172.17.0.2", engine="docker"),
    ],
)
def test_nothing_is_proposed_against_the_ground_one_stands_on_or_the_unknown(owner):
    assert plan_retirement(owner, RunState(unit(owner.name))) == ()


def test_names_that_only_resemble_a_protected_one_are_not_protected():
    assert plan_retirement(unit_owner("ssh-portal.service"), RunState(unit()))


def test_each_side_may_stay_and_a_container_that_was_never_started_is_started():
    states = {"prometheus.service": RunState(unit()), "web": RunState(None, "created", "always")}
    parties = [claim(unit_owner()), claim(container_owner(), state="wanted")]
    sides = plan_sides(parties, lambda owner: states[owner.name])
    assert {side.keep: list(side.commands) for side in sides} == {
        "unit prometheus.service": ["docker rm web"],
        "container web": ["systemctl disable --now prometheus.service", "docker start web"],
    }


def test_the_module_that_does_the_same_is_named_where_it_can():
    states = {"prometheus.service": RunState(unit()), "web": RunState(None, "running", "always")}
    parties = [claim(unit_owner()), claim(container_owner())]
    sides = plan_sides(parties, lambda owner: states[owner.name])
    assert {side.keep: side.retire for side in sides} == {
        "unit prometheus.service": (("container", "web"),),
        "container web": (("unit", "prometheus.service"),),
    }


@pytest.mark.parametrize(
    ("owner", "status"),
    [(container_owner(), "created"), (unit_owner("my.service", user="joe"), ""), (unit_owner("sshd.service"), "")],
)
def test_it_is_not_named_for_what_it_cannot_retire(owner, status):
    assert name_retirement(owner, RunState(unit(), status)) is None


def test_a_failed_unit_that_stays_is_started_again():
    states = {"prometheus.service": RunState(unit(active="failed")), "web": RunState(None, "running", "no")}
    sides = plan_sides([claim(container_owner()), claim(unit_owner(), state="wanted")], lambda owner: states[owner.name])
    (kept_unit,) = [side for side in sides if side.keep.startswith("unit")]
    assert kept_unit.commands == ("docker stop web", "systemctl reset-failed prometheus.service", "systemctl start prometheus.service")


def test_where_one_side_cannot_be_ended_only_the_other_may_go():
    parties = [claim(unit_owner("sshd.service")), claim(container_owner())]
    sides = plan_sides(parties, lambda owner: RunState(unit(), "running", "no"))
    assert [side.keep for side in sides] == ["unit sshd.service"]


def test_what_is_only_planned_is_not_ended():
    parties = [claim(unit_owner()), claim(Owner("unit", "new.service"), state="planned")]
    sides = plan_sides(parties, lambda owner: RunState(unit()))
    assert [side.keep for side in sides] == ["unit new.service"]


def test_where_too_many_ask_nobody_is_told_to_go():
    parties = [claim(unit_owner(f"{n}.service")) for n in range(5)]
    assert plan_sides(parties, lambda owner: RunState(unit())) == ()
    assert len(plan_sides(parties[:4], lambda owner: RunState(unit()))) == 4
