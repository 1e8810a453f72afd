# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which steps retire a service, and which bring it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._retirement.model import FormerContainer, FormerUnit, Member, Record
from ansible_collections.guarded.deploy.plugins.module_utils._retirement.plan import (
    find_links_of_others,
    is_protected_unit,
    plan_container_retirement,
    plan_container_return,
    plan_unit_retirement,
    plan_unit_return,
)
from builders.ports import unit

pytestmark = pytest.mark.feature("B16")

ETC = "/etc/systemd/system"


def target(name: str = "page.service", **fields: object) -> Member:
    return Member(name, unit(name, **fields), is_target=True)


def beside(name: str, **fields: object) -> Member:
    return Member(name, unit(name, **fields), is_target=False)


def commands(members: list[Member], masked: bool = False) -> list[str]:
    return [" ".join((step.kind, *step.words) if step.kind != "command" else step.words) for step in plan_unit_retirement(members, masked)]


@pytest.mark.parametrize(
    ("members", "masked", "expected"),
    [
        ([target()], False, ["systemctl disable --now page.service"]),
        ([target()], True, ["systemctl disable --now page.service", "systemctl mask page.service"]),
        ([target(enabled="disabled", active="active")], False, ["systemctl disable --now page.service"]),
        ([target(enabled="enabled", active="inactive")], False, ["systemctl disable --now page.service"]),
        ([target(enabled="generated")], False, ["systemctl stop page.service", "systemctl mask page.service"]),
        ([target(enabled="static", wanted_by=())], False, ["systemctl stop page.service", "systemctl mask page.service"]),
        ([target(enabled="static", wanted_by=("multi-user.target",))], False,
         ["systemctl stop page.service", "systemctl mask page.service"]),
        ([beside("page.timer"), target(enabled="static", wanted_by=(), triggered_by=("page.timer",))], False,
         ["systemctl disable --now page.timer page.service"]),
        ([beside("page.socket"), target()], True,
         ["systemctl disable --now page.socket page.service", "systemctl mask page.socket page.service"]),
        ([target(fragment=f"{ETC}/page.service")], True,
         ["systemctl disable --now page.service", f"rename {ETC}/page.service {ETC}/page.service.retired",
          "systemctl mask page.service"]),
        ([target(enabled="static", fragment=f"{ETC}/page.service")], False,
         ["systemctl stop page.service", f"rename {ETC}/page.service {ETC}/page.service.retired", "systemctl mask page.service"]),
        ([target(enabled="disabled", active="failed")], False,
         ["systemctl disable --now page.service", "systemctl reset-failed page.service*"]),
        ([target(active="activating", sub="auto-restart")], False,
         ["systemctl disable --now page.service", "systemctl reset-failed page.service*"]),
        ([Member("page.service", None, is_target=True)], False, ["systemctl stop page.service", "systemctl mask page.service"]),
        # At rest already; the first was started by a socket that is unloaded now.
        ([target(enabled="static", active="inactive", wanted_by=())], False, []),
        ([target(enabled="static", active="inactive", wanted_by=())], True, ["systemctl mask page.service"]),
        ([target(enabled="static", active="inactive")], False, ["systemctl mask page.service"]),
        ([target(enabled="disabled", active="inactive")], False, []),
        ([target(enabled="masked", load="masked", active="inactive")], True, []),
        ([target(enabled="", load="not-found", active="inactive")], False, []),
        ([target(enabled="disabled", active="inactive", restarts=7)], False, []),
        ([target(enabled="disabled", active="inactive")], True, ["systemctl mask page.service"]),
    ],
)  # fmt: skip
def test_units_are_retired(members: list[Member], masked: bool, expected: list[str]) -> None:
    assert commands(members, masked) == expected


@pytest.mark.parametrize(
    "name",
    ["docker.service", "docker.socket", "containerd.service", "podman.socket", "ssh.service", "sshd@1.service", "ssh.socket",
     "dbus.service",
     "dbus-broker.service", "networking.service", "NetworkManager.service", "NetworkManager-wait-online.service",
     "systemd-networkd.service",
     "systemd-logind.service", "systemd-tmpfiles-clean.timer", "ifup@eth0.service", "wpa_supplicant.service", "user@1000.service",
     "init.scope",
     "getty@tty1.service", "firewalld.service"],
)  # fmt: skip
def test_what_the_host_stands_on_is_protected(name: str) -> None:
    assert is_protected_unit(name)


@pytest.mark.parametrize("name", ["nginx.service", "docker-registry.service", "sshuttle.service", "my-networking.service"])
def test_others_are_not(name: str) -> None:
    assert not is_protected_unit(name)


STATES = st.builds(
    lambda enabled, active, sub, restarts, wanted_by: unit(
        "page.service", enabled=enabled, active=active, sub=sub, restarts=restarts, wanted_by=wanted_by
    ),
    st.sampled_from(["enabled", "disabled", "static", "generated", "masked", "indirect", "linked", ""]),
    st.sampled_from(["active", "inactive", "failed", "activating", "deactivating"]),
    st.sampled_from(["running", "dead", "auto-restart"]),
    st.integers(0, 2),
    st.sampled_from([(), ("multi-user.target",)]),
)


@given(STATES, st.booleans())
def test_the_plan_made_again_after_its_steps_is_empty(now, masked):
    steps = plan_unit_retirement([Member("page.service", now, is_target=True)], masked)
    verbs = {step.words[1] for step in steps}
    enabled = "masked" if "mask" in verbs else "disabled" if "disable" in verbs and now.enabled == "enabled" else now.enabled
    active = now.active if not verbs & {"disable", "stop"} else "failed" if now.active in ("failed", "activating") else "inactive"
    if "reset-failed" in verbs and active == "failed":
        active = "inactive"
    after = now._replace(enabled=enabled, active=active, sub="dead" if active == "inactive" else now.sub)
    again = plan_unit_retirement([Member("page.service", after, is_target=True)], masked)
    assert [step for step in again if step.words[1] != "reset-failed" and active != "failed"] == []


def record(**fields: object) -> Record:
    known = Record("unit", "page.service", 1.0, True, (FormerUnit("page.service", "active", "enabled"),))
    return known._replace(**fields)


def test_units_come_back_as_recorded() -> None:
    wants = (f"{ETC}/multi-user.target.wants/page.service", f"{ETC}/page.service")
    asked = record(links=(wants,), masked=("page.service",), set_aside=((f"{ETC}/page.service", f"{ETC}/page.service.retired"),))
    units = {"page.service": unit("page.service", enabled="masked", active="inactive")}
    steps = plan_unit_return(asked, units, {}, [f"{ETC}/page.service.retired"])
    assert [(step.kind, *step.words) for step in steps] == [
        ("command", "systemctl", "unmask", "page.service"),
        ("rename", f"{ETC}/page.service.retired", f"{ETC}/page.service"),
        ("link", *wants),
        ("command", "systemctl", "daemon-reload"),
        ("command", "systemctl", "start", "page.service"),
    ]
    units = {"page.service": unit("page.service")}
    assert plan_unit_return(asked, units, dict([wants]), []) == ()


@pytest.mark.parametrize(("was", "starts"), [("active", True), ("activating", True), ("inactive", False), ("failed", False)])
def test_only_what_ran_is_started(was: str, starts: bool) -> None:
    former = (FormerUnit("page.service", was, "disabled"),)
    steps = plan_unit_return(record(units=former), {"page.service": unit("page.service", active="inactive")}, {}, [])
    assert bool(steps) == starts


def test_links_of_others_are_told_from_the_units_own() -> None:
    own = [
        (f"{ETC}/multi-user.target.wants/page.service", "/usr/lib/systemd/system/page.service"),
        (f"{ETC}/old-page.service", f"{ETC}/page.service"),
        (f"{ETC}/sockets.target.wants/page.socket", f"{ETC}/page.socket"),
        (f"{ETC}/getty.target.wants/page@a.service", f"{ETC}/page@.service"),
    ]
    side = (f"{ETC}/multi-user.target.wants/page-side.service", f"{ETC}/page-side.service")
    assert find_links_of_others([*own, side], ["page.service", "page.socket", "page@a.service"]) == [side]


@pytest.mark.parametrize(
    ("status", "policy", "expected"),
    [
        ("running", "always", ["update --restart=no web", "stop web"]),
        ("restarting", "on-failure:3", ["update --restart=no web", "stop web"]),
        ("paused", "no", ["stop web"]),
        ("exited", "always", ["update --restart=no web"]),
        ("created", "unless-stopped", ["update --restart=no web"]),
        ("exited", "no", []),
        ("created", "", []),
    ],
)
def test_containers_are_retired(status: str, policy: str, expected: list[str]) -> None:
    steps = plan_container_retirement(("docker",), "web", status, policy)
    assert [" ".join(step.words) for step in steps] == [f"docker {command}" for command in expected]


@pytest.mark.parametrize("status", ["running", "restarting", "paused", "exited", "created"])
@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure:3"])
def test_containers_come_back_as_recorded(status: str, policy: str) -> None:
    former = FormerContainer("podman", "0" * 64, "web", status, policy)
    rested = "exited" if status in ("running", "restarting", "paused") else status
    steps = [" ".join(step.words) for step in plan_container_return(former, rested, "no")]
    assert ("podman start web" in steps) == (status in ("running", "restarting", "paused"))
    assert (f"podman update --restart={policy} web" in steps) == (policy != "no")
    assert ("podman pause web" in steps) == (status == "paused")
    assert plan_container_return(former, status, policy) == ()
