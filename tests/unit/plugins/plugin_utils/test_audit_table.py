# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that a person reads."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._ports.conflict import find_conflicts
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import BlindSpot, Report
from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import parse_accepted
from ansible_collections.guarded.deploy.plugins.module_utils._ports.remedy import RunState
from ansible_collections.guarded.deploy.plugins.module_utils._ports.report import report_as_dict
from ansible_collections.guarded.deploy.plugins.plugin_utils._audit_table import printable, render_audit, render_failed_look
from builders.ports import claim, container_owner, look, loop, unit, unit_owner, wanted


def page(claims=(), most=100, verdict="conflict", blind_spots=(), **known: t.Any) -> list[str]:
    asked = look(claims=list(claims), state_of=lambda owner: RunState(unit(), "running", "always"), **known)
    conflicts = find_conflicts(asked)
    report = Report(tuple(claims), conflicts, tuple(blind_spots), (), verdict, 0)
    return [line for line, _colour in render_audit("web1", report_as_dict(report, most), 110)]


def test_a_quiet_host_is_a_headline_and_a_table():
    both = [claim(unit_owner("nginx.service"), 80), claim(unit_owner("nginx.service"), 80, address="::")]
    assert page(both, verdict="clean") == [
        "",
        "web1: CLEAN (2 claims, 0 conflicts, 0 blind spots)",
        "",
        "  PORT    ADDRESS     STATE      WHO            AT BOOT  SURE",
        "  80/tcp  0.0.0.0 ::  listening  nginx.service  yes      observed",
    ]


@pytest.mark.feature("B12", "B16")
def test_a_conflict_names_both_sides_and_each_way_out():
    text = "\n".join(page([claim(unit_owner())], loops=[loop(container_owner(), ports=[wanted()])]))
    assert "crash_loop: tcp port 9090" in text
    assert "To keep unit prometheus.service:\n      docker update --restart=no web\n      docker stop web" in text
    assert "To keep container web:\n      systemctl disable --now prometheus.service" in text


def test_where_nothing_can_be_proposed_that_is_said():
    assert any("No remedy is proposed" in line for line in page(loops=[loop(container_owner(), in_use_seen=False)]))


@pytest.mark.feature("B15")
def test_what_could_not_be_seen_is_told_with_how_to_see_it():
    lines = page(verdict="unsure", blind_spots=[BlindSpot("containers of Docker", "permission denied", True, "Run as root.")])
    assert "web1: UNSURE (0 claims, 0 conflicts, 1 blind spot)" in lines
    assert "  containers of Docker: permission denied. A planned port could be taken there." in lines
    assert "    Run as root." in lines


@pytest.mark.feature("B19")
def test_an_accepted_conflict_names_who_answers_for_it():
    accepted = parse_accepted([{"port": "9090", "reason": "blue and green", "by": "jo", "expires": "2026-12-31"}])
    lines = page([claim(unit_owner()), claim(container_owner())], accepted=list(accepted))
    assert "  shared: tcp port 9090, accepted" in lines
    assert "    blue and green (jo, until 2026-12-31)" in lines


def test_claims_that_are_not_listed_are_counted():
    lines = page([claim(unit_owner(), port) for port in range(1, 11)], most=3)
    assert "  and 7 claims more, compared but not listed" in lines
    assert "    10 of unit prometheus.service" in lines


def test_a_look_that_failed_is_told():
    lines = [line for line, _colour in render_failed_look("web1", "Connection refused", 110)]
    assert lines == ["", "web1: COULD NOT LOOK", "  Connection refused"]


@given(st.text())
def test_nothing_that_a_terminal_could_act_on_gets_through(text):
    assert printable(text).isprintable()


def test_a_process_cannot_paint_the_terminal():
    evil = unit_owner("\x1b[2J\x1b[31mclean\udcff.service")
    assert all(line.isprintable() for line in page([claim(evil)]))
