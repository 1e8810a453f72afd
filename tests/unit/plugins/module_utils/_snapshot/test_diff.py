# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two states of a host, and what does not although it is not the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.diff import SECTIONS, diff_states
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import (
    Change,
    Engines,
    ImageState,
    ListenerState,
    NetworkState,
    PodState,
    VolumeState,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.restored import diff_restored
from builders.host_state import container_state, host_state
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A12")

NAMES = ("web.service", "web.socket", "job.timer", "job.service", "tick@1.service", "a.target", "data.mount")
UNITS = st.builds(
    unit_state,
    st.sampled_from(NAMES),
    active=st.sampled_from(["active", "inactive", "failed", "activating", ""]),
    enabled=st.sampled_from(["enabled", "disabled", "static", "masked", "enabled-runtime", "alias", ""]),
    sub=st.sampled_from(["running", "exited", "dead", "auto-restart"]),
    user=st.sampled_from([None, "deploy"]),
    type=st.sampled_from(["simple", "oneshot", "dbus"]),
    transient=st.booleans(),
    restarts=st.integers(0, 3),
    triggered_by=st.sampled_from([(), ("job.timer",), ("web.socket",)]),
)
LISTENERS = st.builds(
    ListenerState,
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["0.0.0.0", "::", "127.0.0.1"]),
    st.sampled_from([80, 443, 40000, 40001, 50000]),
    st.sampled_from(["unit web.service", "unit web.service (deploy)", "container shop", "process python3", "kernel"]),
)
CONTAINERS = st.builds(
    container_state,
    st.sampled_from(["shop", "db"]),
    status=st.sampled_from(["running", "exited", "restarting", "created"]),
    env=st.sampled_from([(), ("A=1",), ("A=2", "B=1")]),
    restart_policy=st.sampled_from(["no", "always"]),
)
IMAGES = st.builds(
    ImageState, st.just("docker"), st.none(), st.sampled_from(["sha256:1", "sha256:2"]), st.sampled_from([(), ("a:1",), ("b:1",)])
)
ENGINES = st.builds(
    lambda containers, images, networks, volumes, unseen: Engines(
        tuple({one.name: one for one in containers}.values()), networks, volumes, tuple({one.tags: one for one in images}.values()), unseen
    ),
    st.lists(CONTAINERS, max_size=2),
    st.lists(IMAGES, max_size=2),
    st.sampled_from([(), (NetworkState("docker", None, "front", "1", {"Driver": "bridge"}),)]),
    st.sampled_from([(), (VolumeState("docker", None, "data", {}),), (VolumeState("docker", None, "f" * 64, {}, True),)]),
    st.sampled_from([(), (("docker", "it hangs"),)]),
)
STATES = st.builds(
    lambda units, **more: host_state(units=tuple({(one.user, one.name): one for one in units}.values()), **more),
    st.lists(UNITS, max_size=5),
    boot=st.sampled_from(["first", "second"]),
    listeners=st.lists(LISTENERS, max_size=4).map(tuple),
    packages=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
    engines=ENGINES,
    unseen=st.sampled_from(
        [(), (("units", "no"),), (("ports: x", "no"),), (("packages", "no"),), (("units: units of the user deploy", "no"),)]
    ),
)


@given(STATES)
def test_a_state_does_not_differ_from_itself(state):
    assert diff_states(state, state).changes == ()
    assert diff_restored(state, state).changes == ()


@given(STATES, STATES)
def test_every_change_has_a_section_a_name_and_two_sides(before, now):
    for change in diff_states(before, now).changes:
        assert change.section in SECTIONS
        assert change.name
        assert change.before != change.after
        assert "\n" not in change.before + change.after


@given(STATES, STATES)
def test_the_same_packages_ports_and_images_differ_whichever_comes_first(before, now):
    there, back = diff_states(before, now), diff_states(now, before)
    for section in ("packages", "ports", "images"):
        first = {(one.name, one.before, one.after) for one in there.changes if one.section == section}
        second = {(one.name, one.after, one.before) for one in back.changes if one.section == section}
        assert first == second


@given(STATES, STATES)
def test_what_could_not_be_seen_is_said_and_never_gone(before, now):
    difference = diff_states(before, now)
    said = {why for _what, why in difference.unseen}
    for side in (before, now):
        assert {why for _what, why in (*side.unseen, *side.engines.unseen)} <= said
    hidden = {what.split(":")[0] for side in (before, now) for what, _why in side.unseen}
    one_sided = {one.section for one in difference.changes if not (one.before and one.after)}
    assert not (hidden & {"ports", "packages"} & one_sided)
    if before.engines.unseen or now.engines.unseen:
        assert not one_sided & {"containers", "networks", "volumes", "images"}


def changes(before, now, strict: bool = False) -> list[Change]:
    return list((diff_restored if strict else diff_states)(before, now).changes)


def units(*found):
    return host_state(units=found)


WEB = unit_state("web.service")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (WEB, WEB._replace(enabled="disabled"), ("active, enabled", "active, disabled")),
        (WEB, WEB._replace(active="inactive", sub="dead"), ("active, enabled", "inactive, enabled")),
        (WEB, WEB._replace(active="failed", sub="failed", result="exit-code"), ("active, enabled", "failed (exit-code), enabled")),
        (WEB, WEB._replace(enabled="masked", active="inactive", load="masked"), ("active, enabled", "inactive, masked")),
        (WEB, None, ("active, enabled", "")),
        (None, WEB, ("", "active, enabled")),
        (
            WEB,
            WEB._replace(drop_ins=("/etc/systemd/system/web.service.d/a.conf",)),
            (
                "active, enabled, from /etc/systemd/system/web.service",
                "active, enabled, from /etc/systemd/system/web.service with /etc/systemd/system/web.service.d/a.conf",
            ),
        ),
        (WEB, WEB._replace(needs_daemon_reload=True), ("active, enabled", "active, enabled, changed on disk, daemon-reload not done")),
        (WEB, WEB._replace(load="bad-setting"), ("active, enabled, definition loaded", "active, enabled, definition bad-setting")),
        (WEB, WEB._replace(sub="exited", type="oneshot"), ("active, enabled", "active (exited), enabled")),
        (WEB, WEB._replace(active="activating", sub="auto-restart"), ("active, enabled", "restarting, enabled")),
    ],
)
def test_units_in_words(before, now, words):
    found = changes(units(*filter(None, [before])), units(*filter(None, [now])))
    assert found == [Change("units", "web.service", *words)]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (WEB, WEB._replace(invocation="second", changed=200.0, restarts=3)),
        (WEB._replace(active="activating", sub="auto-restart", restarts=4), WEB._replace(restarts=5)),
        (WEB._replace(restarts=4), WEB._replace(active="activating", sub="auto-restart-queued", restarts=5)),
        (WEB, WEB._replace(active="reloading", sub="reload")),
        (WEB._replace(active="inactive", triggered_by=("web.socket",)), WEB._replace(triggered_by=("web.socket",))),
        (WEB._replace(active="inactive", triggered_by=("web.timer",)), WEB._replace(active="activating", triggered_by=("web.timer",))),
        (WEB._replace(active="inactive", type="oneshot"), WEB._replace(active="activating", type="oneshot")),
        (WEB._replace(active="inactive", type="dbus", enabled="static"), WEB._replace(type="dbus", enabled="static")),
        (None, unit_state("web@1.service", "inactive", "disabled")),
        (None, unit_state("run-1.service", transient=True)),
        (None, unit_state("user@1000.service", enabled="static")),
        (None, unit_state("user-runtime-dir@1000.service", enabled="static")),
        (None, unit_state("var-lib-docker-overlay2.mount", enabled="", fragment="")),
        (WEB._replace(fragment="", active="inactive"), WEB._replace(active="inactive")),
    ],
)
def test_what_is_no_difference_of_units(before, now):
    first, second = units(*filter(None, [before])), units(*filter(None, [now]))
    assert changes(first, second) == []
    assert changes(second, first) == []


def test_a_service_behind_a_socket_that_has_failed_differs_and_so_does_the_socket():
    behind, socket = WEB._replace(triggered_by=("web.socket",)), unit_state("web.socket")
    failed = behind._replace(active="failed")
    assert [one.name for one in changes(units(behind, socket), units(failed, socket))] == ["web.service"]
    stopped = socket._replace(active="inactive")
    assert [one.name for one in changes(units(behind, socket), units(behind, stopped))] == ["web.socket"]


def test_timers_sockets_and_units_of_users_have_places_of_their_own():
    first = units(unit_state("a.timer"), unit_state("a.socket"), unit_state("a.path", user="deploy"), unit_state("b.path", user="deploy"))
    second = units(unit_state("b.path", user="deploy"))
    assert [(one.section, one.name) for one in changes(first, second)] == [
        ("units", "a.path (deploy)"),
        ("timers", "a.timer"),
        ("sockets", "a.socket"),
    ]


def test_the_units_of_an_armed_guard_are_no_part_of_a_change():
    now = host_state(units=(unit_state("guarded-deploy-guard.timer"), unit_state("guarded-deployment.service")))
    assert [change.name for change in diff_states(host_state(), now).changes] == ["guarded-deployment.service"]


def test_of_a_user_who_is_logged_out_nothing_is_gone():
    found = diff_states(units(WEB, WEB._replace(user="deploy")), units(WEB))
    assert found.changes == ()
    assert "deploy" in found.unseen[0][0]


def listening(*found):
    return host_state(listeners=tuple(ListenerState(*one) for one in found))


def test_ports_in_words():
    first = listening(("tcp", "0.0.0.0", 80, "unit web.service"), ("tcp", "::", 443, "unit web.service"))
    second = listening(("tcp", "0.0.0.0", 80, "container shop"), ("tcp", "::", 8080, "container shop"))
    assert changes(first, second) == [
        Change("ports", "443/tcp on ::", "unit web.service", ""),
        Change("ports", "80/tcp on 0.0.0.0", "unit web.service", "container shop"),
        Change("ports", "8080/tcp on ::", "", "container shop"),
    ]


def test_where_owners_could_not_be_seen_ports_still_come_and_go_and_nobody_has_taken_one():
    first = listening(("tcp", "::", 80, "unit a.service"), ("tcp", "::", 81, "unit a.service"), ("tcp", "::", 83, "unit a.service"))
    second = listening(
        ("tcp", "::", 80, "process a process of root"), ("tcp", "::", 82, "unit a.service"), ("tcp", "::", 83, "container shop")
    )
    found = changes(first, second._replace(unseen=(("owners of ports: x", "no"),)))
    assert [one.name for one in found] == ["81/tcp on ::", "82/tcp on ::", "83/tcp on ::"]
    assert len(changes(first, second)) == 4
    assert changes(first, second._replace(unseen=(("ports: x", "no"),))) == []


def test_a_port_that_the_kernel_chose_may_be_another_for_the_same_owner():
    first = listening(("tcp", "0.0.0.0", 40000, "unit rpc.service"), ("tcp", "0.0.0.0", 40001, "unit rpc.service"))
    second = listening(("tcp", "0.0.0.0", 50000, "unit rpc.service"), ("tcp", "0.0.0.0", 40001, "unit rpc.service"))
    assert changes(first, second) == []
    assert len(changes(first, listening(("tcp", "0.0.0.0", 50000, "unit rpc.service")))) == 1
    assert len(changes(first, listening(("tcp", "0.0.0.0", 50000, "unit x.service"), ("tcp", "0.0.0.0", 40001, "unit rpc.service")))) == 2
    assert len(changes(listening(("tcp", "::", 80, "unit a.service")), listening(("tcp", "::", 81, "unit a.service")))) == 2


def test_somebodys_program_on_a_chosen_port_is_no_difference_and_on_another_it_is():
    assert changes(listening(), listening(("tcp", "127.0.0.1", 40000, "process python3"))) == []
    assert len(changes(listening(), listening(("tcp", "127.0.0.1", 8000, "process python3")))) == 1


def test_containers_in_words_without_the_values_of_variables():
    before = host_state(engines=Engines((container_state("shop", env=["TOKEN=hunter2", "A=1"]), container_state("old"))))
    now = host_state(
        engines=Engines(
            (container_state("shop", "exited", env=["TOKEN=swordfish", "A=1"], restart_policy="always"), container_state("new"))
        )
    )
    found = changes(before, now)
    assert [(one.section, one.name, one.before, one.after) for one in found] == [
        ("containers", "new (docker)", "", "running, image testbed/busybox 111111111111, restart no, networks bridge"),
        ("containers", "old (docker)", "running, image testbed/busybox 111111111111, restart no, networks bridge", ""),
        (
            "containers",
            "shop (docker)",
            "running, image testbed/busybox 111111111111, restart no, networks bridge",
            "exited, image testbed/busybox 111111111111, restart always, networks bridge; not as it was: environment (TOKEN)",
        ),
    ]
    assert "hunter2" not in str(found)
    assert "swordfish" not in str(found)


def test_a_container_that_was_made_again_from_the_same_is_the_same():
    one = container_state("shop")
    assert changes(host_state(engines=Engines((one,))), host_state(engines=Engines((one._replace(id="e" * 64),)))) == []


def test_pods_networks_volumes_and_tags():
    before = Engines(
        networks=(NetworkState("docker", None, "front", "1", {"Driver": "bridge", "Internal": False}),),
        volumes=(VolumeState("docker", None, "data", {"Driver": "local"}),),
        images=(ImageState("docker", None, "sha256:" + "a" * 64, ("shop:1", "guarded-deploy/pin:x-1")),),
        pods=(PodState("podman", "deploy", "web", "1", "running", {}),),
    )
    now = Engines(
        networks=(NetworkState("docker", None, "front", "2", {"Driver": "bridge", "Internal": True}),),
        images=(ImageState("docker", None, "sha256:" + "b" * 64, ("shop:1", "guarded-deploy/pin:x-2")),),
        pods=(PodState("podman", "deploy", "web", "2", "exited", {}),),
    )
    assert changes(host_state(engines=before), host_state(engines=now)) == [
        Change("containers", "pod web (podman of deploy)", "running", "exited"),
        Change("networks", "front (docker)", "bridge", "bridge; not as it was: Internal"),
        Change("volumes", "data (docker)", "local", ""),
        Change("images", "shop:1 (docker)", "a" * 12, "b" * 12),
    ]


def test_a_restore_answers_for_networks_that_came_and_not_for_data_tags_and_swarms():
    came = Engines(
        networks=(NetworkState("docker", None, "front", "1", {}), NetworkState("docker", None, "mesh", "2", {"Driver": "overlay"})),
        volumes=(VolumeState("docker", None, "data", {}),),
        images=(ImageState("docker", None, "sha256:1", ("shop:1",)),),
    )
    assert [one.name for one in changes(host_state(), host_state(engines=came), strict=True)] == ["front (docker)"]
    assert len(changes(host_state(), host_state(engines=came))) == 4
    assert len(changes(host_state(engines=came), host_state(), strict=True)) == 3


def test_what_a_restore_answers_for():
    before = host_state(
        units=(WEB, unit_state("ssh.service"), unit_state("job.service", triggered_by=("job.timer",))),
        listeners=(ListenerState("tcp", "::", 22, "unit ssh.service"), ListenerState("tcp", "::", 80, "unit web.service")),
        packages={"a": "1"},
    )
    now = host_state(
        units=(WEB, unit_state("ssh.service", "inactive"), unit_state("job.service", "inactive", triggered_by=("job.timer",))),
        listeners=(ListenerState("tcp", "::", 8000, "process python3"),),
        packages={"a": "2"},
        engines=Engines(volumes=(VolumeState("docker", None, "data", {}),)),
    )
    assert [(one.section, one.name) for one in changes(before, now, strict=True)] == [("ports", "80/tcp on ::")]
    assert {one.section for one in changes(before, now)} == {"units", "ports", "packages", "volumes"}
    disabled = host_state(units=(WEB, unit_state("ssh.service", enabled="disabled"), before.units[2]), listeners=before.listeners)
    assert [one.name for one in changes(before, disabled, strict=True)] == ["ssh.service"]
