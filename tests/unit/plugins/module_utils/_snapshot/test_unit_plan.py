# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that bring units back: by example, and for whatever hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import EntryChange, UnitState
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.unit_match import (
    find_unit_differences,
    is_on_demand,
    is_running_job,
    is_up,
    was_up,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.unit_plan import (
    BroughtBack,
    Frame,
    Settled,
    Span,
    UnitPlan,
    find_read,
    needs_reload,
    plan_units,
)
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A7", "A8")

NOTHING = UnitPlan()
WEB = (None, "web.service")


def plan(before, now, files=None, units=(), **frame):
    spans = {path: Span(since) for path, since in (files or {}).items()}
    return plan_units(before, now, BroughtBack(spans, units), Frame(**frame))


def again(unit, **more):
    """The unit after it has been started again."""
    return unit._replace(**{"invocation": f"second {unit.name}", "changed": 500.0, **more})


RUNS = unit_state("web.service")
RESTS = unit_state("web.service", active="inactive")
FAILED = unit_state("web.service", active="failed", invocation="x")


def test_what_runs_as_it_did_is_left_alone_whatever_is_brought_back():
    assert plan([RUNS], [RUNS], {"/etc/systemd/system/web.service": None, "/etc/web.conf": None}) == NOTHING


def test_what_was_stopped_is_started():
    assert plan([RUNS], [RESTS]).start == (WEB,)
    assert plan([RUNS], []).start == ()  # there is no manager to ask at all
    assert plan([RUNS], [unit_state("other.service", active="inactive")]).start == (WEB,)


def test_what_was_started_or_added_is_stopped():
    assert plan([RESTS], [RUNS]).stop == (WEB,)
    assert plan([], [RUNS]).stop == (WEB,)
    assert plan([FAILED], [RUNS]).stop == (WEB,)


def test_what_has_failed_meanwhile_is_reset_and_what_had_is_left():
    assert plan([RESTS], [FAILED]) == UnitPlan(reset_failed=(WEB,))
    assert plan([], [FAILED]) == UnitPlan(reset_failed=(WEB,))
    assert plan([FAILED], [FAILED]) == NOTHING
    assert plan([FAILED], [RESTS]) == NOTHING


def test_what_is_to_be_started_gets_its_starts_back():
    """A unit that was started often is refused by its start limit else."""
    assert plan([RUNS], [RESTS]).reset_failed == (WEB,)


@pytest.mark.parametrize(
    ("path", "restarted"),
    [
        ("/etc/systemd/system/web.service", True),
        ("/etc/systemd/system/web.service.d/a.conf", True),
        ("/etc/systemd/system/other.service", False),
        ("/etc/systemd/system/multi-user.target.wants/web.service", False),
        ("/home/deploy/.config/systemd/user/web.service", False),
        ("/etc/containers/systemd/other.container", False),
        ("/etc/containers/systemd/web.container", True),
        ("/etc/containers/systemd/web.container.d/a.conf", True),
        ("/etc/default/anything", True),
        ("/opt/web/templates/index.html", True),
        ("/etc/systemd-looking.conf", True),
    ],
)
def test_another_run_is_restarted_where_it_can_have_read_what_is_brought_back(path, restarted):
    before = RUNS._replace(files=("/etc/containers/systemd/web.container",))
    assert plan([before], [again(before)], {path: None}) == (
        UnitPlan(stop=(WEB,), start=(WEB,), reset_failed=(WEB,)) if restarted else NOTHING
    )


@pytest.mark.parametrize(
    ("name", "path", "defines"),
    [
        ("a-b.service", "/etc/systemd/system/a-b.service.d/x.conf", True),
        ("a-b.service", "/run/systemd/system/a-b.service", True),
        ("a-b.service", "/etc/systemd/system/a-.service.d/x.conf", True),
        ("a-b.service", "/etc/systemd/system/service.d/x.conf", True),
        ("a-b.service", "/run/systemd/system.control/a-b.service.d/x.conf", True),
        ("a@one.service", "/etc/systemd/system/a@.service", True),
        ("a@one.service", "/etc/systemd/system/a@.service.d/x.conf", True),
        ("a@one.service", "/etc/systemd/system/a@one.service.d/x.conf", True),
        ("a@one.service", "/etc/systemd/system/a@two.service.d/x.conf", False),
        ("a-b.service", "/etc/systemd/system/a.service.d/x.conf", False),
        ("a-b.service", "/etc/systemd/system/a-b.socket", False),
        ("a-b.service", "/etc/systemd/user/a-b.service", False),
        ("a-b.service", "/etc/systemd/system/socket.d/x.conf", False),
    ],
)
def test_a_definition_is_known_by_its_name_also_where_it_is_gone_by_now(name, path, defines):
    """As after the files are back and the manager has read them."""
    unit = unit_state(name, fragment="/usr/lib/systemd/system/x")
    assert bool(plan([unit], [again(unit)], {path: None}).restarted) is defines
    users = path.replace("/etc/systemd/system", "/home/jo/.config/systemd/user")
    if users != path and defines:
        assert plan([unit], [again(unit)], {users: None}) == NOTHING
        theirs = unit._replace(user="jo")
        assert plan([theirs], [again(theirs)], {users: None}).restarted


def test_another_run_that_began_before_the_file_was_changed_is_left_alone():
    assert plan([RUNS], [again(RUNS)], {"/etc/web.conf": 501.0}) == NOTHING
    assert plan([RUNS], [again(RUNS)], {"/etc/web.conf": 500.0}).restarted == {WEB}


def test_another_run_that_began_when_the_file_was_back_is_left_alone():
    assert plan_units([RUNS], [again(RUNS)], BroughtBack({"/etc/web.conf": Span(None, 500.0)}), Frame()) == NOTHING
    assert plan_units([RUNS], [again(RUNS)], BroughtBack({"/etc/web.conf": Span(None, 500.1)}), Frame()).restarted == {WEB}


def test_another_run_with_another_definition_is_restarted():
    assert plan([RUNS], [again(RUNS, drop_ins=("/run/systemd/system/web.service.d/x.conf",))]).restarted == {WEB}
    assert plan([RUNS], [again(RUNS, fragment="/run/systemd/system/web.service")]).restarted == {WEB}


def test_another_run_with_nothing_brought_back_is_what_ran():
    assert plan([RUNS], [again(RUNS)]) == NOTHING


def test_what_was_reloaded_is_reloaded_where_it_can_be():
    before = RUNS._replace(can_reload=True)
    now = before._replace(changed=300.0)
    assert plan([before], [now], {"/etc/web.conf": 200.0}) == UnitPlan(reload=(WEB,))
    assert plan([before], [now], {"/etc/web.conf": 400.0}) == NOTHING
    assert plan([before], [now]) == NOTHING
    assert plan([RUNS], [RUNS._replace(changed=300.0)], {"/etc/web.conf": 200.0}) == NOTHING


def test_what_a_restore_has_started_counts_as_recorded():
    settled = {WEB: Settled("second web.service", 500.0)}
    assert plan([RUNS], [again(RUNS)], {"/etc/web.conf": None}, settled=settled) == NOTHING
    assert plan([RUNS], [RUNS], {"/etc/web.conf": None}, settled=settled).restarted == {WEB}


def test_after_a_boot_an_invocation_proves_nothing():
    assert plan([RUNS], [RUNS], {"/etc/web.conf": None}, same_boot=False).restarted == {WEB}


def test_a_unit_whose_containers_differ_is_restarted_although_it_runs_as_it_did():
    assert plan([RUNS], [RUNS], units=[WEB]).restarted == {WEB}


def test_a_loop_is_left_to_loop_and_one_that_is_new_is_stopped():
    loops = unit_state("web.service", active="activating", sub="auto-restart")
    assert plan([loops], [again(loops)]) == NOTHING
    assert plan([loops], [RUNS]) == NOTHING
    assert plan([loops], [FAILED]) == UnitPlan()
    assert plan([loops], [RESTS]).start == (WEB,)
    assert plan([RESTS], [loops]).stop == (WEB,)


def test_a_running_job_is_left_to_end_and_an_added_one_is_stopped():
    job = unit_state("web.service", active="activating", type="oneshot")
    assert plan([RESTS], [job]) == NOTHING
    assert plan([job], [RESTS]) == NOTHING
    assert plan([], [job]).stop == (WEB,)


def test_a_service_behind_a_socket_may_have_been_woken():
    before = RESTS._replace(triggered_by=("web.socket",))
    now = RUNS._replace(triggered_by=("web.socket",))
    assert plan([before], [now]) == NOTHING
    assert plan([before], [now], {"/etc/web.conf": None}).stop == (WEB,)
    assert plan([before], [now], {"/etc/web.conf": None}).start == ()


def test_what_ran_although_masked_is_told_apart():
    before = RUNS._replace(enabled="masked")
    steps = plan([before], [RESTS])
    assert steps.masked == (WEB,)
    assert dict(steps.in_order())["start"] == ()
    assert steps.without({("start", WEB)}) == NOTHING


def test_what_did_not_succeed_is_not_tried_again_and_the_rest_is():
    other = (None, "other.service")
    steps = UnitPlan(stop=(WEB, other), reset_failed=(WEB, other), start=(WEB, other), reload=(other,))
    assert steps.without({("start", WEB), ("reload", other), ("stop", other)}) == UnitPlan((WEB,), (other,), (other,), ())


@pytest.mark.parametrize(
    ("ended_itself", "result", "start"), [(True, "success", ()), (False, "success", (WEB,)), (True, "exit-code", (WEB,))]
)
def test_a_service_behind_a_socket_that_has_gone_to_sleep_is_let_sleep(ended_itself, result, start):
    before = RUNS._replace(triggered_by=("web.socket",))
    now = before._replace(active="inactive", sub="dead", ended_itself=ended_itself, result=result)
    assert plan([before], [now]).start == start
    # Without a socket nobody would start it again.
    assert plan([RUNS], [now._replace(triggered_by=())]).start == (WEB,)


def test_a_socket_is_started_before_its_service_which_is_stopped_for_it():
    """'Socket service web.service already active, refusing.'"""
    socket, service = unit_state("web.socket"), RUNS._replace(triggered_by=("web.socket",))
    assert plan([socket, service], [socket._replace(active="inactive"), service]) == UnitPlan(
        stop=(WEB,),
        start=((None, "web.socket"), WEB),
        reset_failed=((None, "web.socket"), WEB),
    )


def test_triggers_are_stopped_before_what_they_start_and_timers_started_last():
    units = [unit_state(name) for name in ("a.service", "a.timer", "b.mount", "b.path", "c.service", "c.socket")]
    assert [name for _user, name in plan([], units).stop] == ["a.timer", "b.path", "c.socket", "a.service", "b.mount", "c.service"]
    rest = [one._replace(active="inactive") for one in units]
    assert [name for _user, name in plan(units, rest).start] == ["b.mount", "c.socket", "b.path", "a.service", "c.service", "a.timer"]


def test_only_what_a_program_can_notice_counts():
    changes = [
        EntryChange("/etc", "changed", ("times",)),
        EntryChange("/etc/a", "changed", ("content", "times")),
        EntryChange("/etc/b", "removed", ()),
    ]
    assert [one.path for one in find_read(changes)] == ["/etc/a", "/etc/b"]


@pytest.mark.parametrize(
    ("path", "reloads"),
    [
        ("/etc/systemd/system/multi-user.target.wants/a.service", True),
        ("/etc/containers/systemd/a.container", True),
        ("/home/deploy/.config/containers/systemd/a.container", True),
        ("/etc/fstab", True),
        ("/etc/init.d/a", True),
        ("/etc/fstab.d", True),
        ("/etc/web.conf", False),
    ],
)
def test_managers_reload_after_what_only_they_read(path, reloads):
    assert needs_reload([path], []) is reloads


def test_managers_reload_where_one_says_that_it_must():
    assert needs_reload([], [RUNS._replace(needs_daemon_reload=True)])
    assert not needs_reload([], [RUNS])


# Whatever there is: units of all kinds, states and triggers, before and now.

NAMES = ("a.service", "a.socket", "a.timer", "b.service", "b.path", "c@x.service", "d.target", "ssh.service")
STATES = ("active", "inactive", "failed", "activating", "reloading", "deactivating")


@st.composite
def worlds(draw):
    """Some units of a host, by name; some names are not there."""
    found = []
    for name in NAMES:
        if draw(st.booleans()) and name != NAMES[0]:
            continue
        triggers = [other for other in NAMES if other.endswith((".socket", ".timer", ".path")) and not name.endswith(other[-5:])]
        is_service = name.endswith(".service")
        state = draw(st.sampled_from(STATES))
        found.append(
            unit_state(
                name,
                state,
                enabled=draw(st.sampled_from(("enabled", "static"))),
                type=draw(st.sampled_from(("simple", "oneshot", "dbus"))) if is_service else "",
                triggered_by=tuple(draw(st.lists(st.sampled_from(triggers), max_size=1))) if is_service else (),
                invocation=draw(st.sampled_from(("one", "two"))),
                changed=draw(st.sampled_from((100.0, 200.0))),
                can_reload=draw(st.booleans()),
                transient=draw(st.sampled_from((False, False, False, True))),
                user=draw(st.sampled_from((None, None, "deploy"))),
                fragment=draw(st.sampled_from((f"/etc/systemd/system/{name}", f"/usr/lib/systemd/system/{name}"))),
            )
        )
    return found


FILES = st.dictionaries(
    st.sampled_from(("/etc/systemd/system/a.service", "/etc/systemd/system/b.service", "/etc/app.conf")),
    st.sampled_from((None, 150.0, 250.0)),
)


@given(worlds(), FILES)
def test_a_host_that_stands_as_it_did_needs_nothing(before, files):
    assert plan(before, before, files) == NOTHING
    assert find_unit_differences(before, before, same_boot=True) == ()


@given(worlds(), worlds(), FILES, st.booleans())
def test_the_steps_lead_to_the_state_before_and_then_to_nothing(before, now, files, same_boot):
    steps = plan(before, now, files, same_boot=same_boot)
    after = carry_out(before, now, steps)
    differences = [one for one in find_unit_differences(before, after, same_boot=same_boot) if "active" in one.fields]
    assert differences == []
    settled = {(one.user, one.name): Settled(one.invocation, one.changed) for one in after}
    assert plan(before, after, {}, settled=settled) == NOTHING


@given(worlds(), worlds(), FILES)
def test_what_is_not_in_the_plan_is_nothing_that_was_up_and_rests_now(before, now, files):
    """Told in its own words, without the plan's."""
    steps = plan(before, now, files)
    old = {(one.user, one.name): one for one in before}
    users = {one.user for one in now}
    for key in steps.start:
        assert was_up(old[key])
        assert key[0] in users
    for one in now:
        key = (one.user, one.name)
        if key in steps.stop and key not in steps.start:
            assert is_up(one) or is_running_job(one)
            assert not was_up(old.get(key))
            assert key in old or not one.transient
            if key in old and files == {}:
                assert not is_on_demand(old[key]) or one.fragment != old[key].fragment or one.invocation != old[key].invocation
    assert all(name != "ssh.service" for group in steps for _user, name in group)


def carry_out(before: list[UnitState], now: list[UnitState], steps: UnitPlan) -> list[UnitState]:
    """What systemd makes of the steps: files are back when things are started."""
    old = {(one.user, one.name): one for one in before}
    units = {(one.user, one.name): one for one in now}
    for key in steps.stop:
        units[key] = units[key]._replace(active="inactive", changed=900.0)
    for key in steps.reset_failed:
        if key in units and units[key].active == "failed":
            units[key] = units[key]._replace(active="inactive", changed=901.0)
    for key in steps.start:
        assert key not in units or units[key].active not in ("active", "failed")
        units[key] = old[key]._replace(active="active", invocation="third", changed=902.0)
    for key in steps.reload:
        units[key] = units[key]._replace(changed=903.0)
    # And what is on its way arrives, but for jobs, which take as long as they take.
    return [one._replace(active="active") if one.active == "activating" and one.type != "oneshot" else one for one in units.values()]
