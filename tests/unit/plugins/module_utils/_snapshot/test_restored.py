# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host is as it was, and what restores leave to know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines, HostState, ListenerState
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.restored import (
    Progress,
    Settlement,
    diff_restored,
    find_settled,
    parse_progress,
    parse_settlement,
    render_progress,
    render_settlement,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.unit_plan import Settled, Span
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A15")

WEB = unit_state("web.service")


def host(*units, boot="boot", listeners=(), unseen=(), packages=None):
    return HostState(0.0, boot, units, Engines(), tuple(listeners), packages or {}, tuple(unseen))


def told(before, now):
    return [(change.section, change.name) for change in diff_restored(before, now).changes]


def test_a_host_that_stands_as_it_did_has_no_difference():
    assert diff_restored(host(WEB), host(WEB._replace(invocation="other", changed=9.0, restarts=3))) == ((), ())


@pytest.mark.parametrize(
    ("now", "section"),
    [
        (WEB._replace(active="inactive", sub="dead"), "units"),
        (WEB._replace(active="failed", sub="failed"), "units"),
        (WEB._replace(active="activating", sub="auto-restart"), "units"),
        (WEB._replace(enabled="disabled"), "units"),
        (WEB._replace(enabled="masked"), "units"),
    ],
)
def test_what_a_restore_answers_for_is_told(now, section):
    assert told(host(WEB), host(now)) == [(section, "web.service")]


def test_timers_and_sockets_have_their_own_sections():
    before = host(unit_state("a.timer"), unit_state("b.socket"))
    now = host(unit_state("a.timer", "inactive"), unit_state("b.socket", "inactive"))
    assert told(before, now) == [("timers", "a.timer"), ("sockets", "b.socket")]


def test_what_is_left_alone_is_no_difference_unless_it_is_enabled_otherwise():
    ssh = unit_state("ssh.service")
    assert told(host(ssh), host(ssh._replace(active="inactive"))) == []
    assert told(host(ssh), host(ssh._replace(enabled="disabled"))) == [("units", "ssh.service")]


def test_a_unit_that_failed_and_now_rests_is_as_well_as_it_was():
    failed = WEB._replace(active="failed")
    assert told(host(failed), host(WEB._replace(active="inactive"))) == []


def test_a_unit_that_came_with_a_package_and_rests_is_no_difference_and_one_that_is_enabled_is():
    other = unit_state("other.service")
    assert told(host(other), host(other, WEB._replace(active="inactive", enabled="disabled"))) == []
    assert told(host(other), host(other, WEB._replace(active="inactive"))) == [("units", "web.service")]


def test_a_unit_that_is_gone_is_a_difference_and_an_instance_that_is_unloaded_is_none():
    other = unit_state("other.service")
    rests = WEB._replace(active="inactive", enabled="disabled")
    assert told(host(other, rests), host(other)) == [("units", "web.service")]
    assert told(host(other, rests._replace(name="web@one.service")), host(other)) == []


def test_what_lay_in_run_is_none_after_a_boot():
    before, now = WEB._replace(enabled="enabled-runtime"), WEB._replace(enabled="disabled")
    assert told(host(before), host(now)) == [("units", "web.service")]
    assert told(host(before), host(now, boot="next")) == []


def test_what_can_no_longer_be_seen_is_told_and_what_never_could_is_not():
    assert diff_restored(host(unseen=[("ports", "x")]), host(unseen=[("ports", "y")])).unseen == ()
    assert diff_restored(host(), host(unseen=[("ports", "y")])).unseen == (("ports", "y"),)


def test_ports_of_what_is_in_scope_are_told_and_packages_are_not():
    heard = ListenerState("tcp", "0.0.0.0", 80, "unit web.service")
    assert told(host(WEB, listeners=[heard], packages={"a": "1"}), host(WEB, packages={"a": "2"})) == [("ports", "80/tcp on 0.0.0.0")]


def test_runs_that_are_others_than_the_recorded_are_settled():
    assert find_settled(host(WEB), host(WEB)) == {}
    now = WEB._replace(invocation="second", changed=7.0)
    assert find_settled(host(WEB), host(now)) == {(None, "web.service"): Settled("second", 7.0)}


NAMES = st.text(st.characters(codec="utf-8"), min_size=1) | st.just("odd\udcff\nname")
MOMENTS = st.none() | st.floats(0, 1e9)


@given(st.dictionaries(st.tuples(st.none() | NAMES, NAMES), st.builds(Settled, NAMES, st.floats(0, 1e9))), NAMES)
def test_a_settlement_comes_back_as_it_was_written(units, boot):
    assert parse_settlement(render_settlement(Settlement(boot, units)), "f") == Settlement(boot, units)


@given(st.dictionaries(NAMES, st.builds(Span, MOMENTS, MOMENTS)), NAMES)
def test_progress_comes_back_as_it_was_written(files, boot):
    assert parse_progress(render_progress(Progress(boot, files)), "f") == Progress(boot, files)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'{"boot": "b", "units": [1], "files": [1]}', b'{"boot": 1, "units": [[1, 2, 3]], "files": 3}']
)
@pytest.mark.parametrize("parse", [parse_settlement, parse_progress])
def test_what_is_damaged_names_the_file(parse, text):
    with pytest.raises(Unparsable, match=r"^place/x\.json "):
        parse(text, "place/x.json")
