# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.explain import explain, name_span
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import Evidence, Finding, Problem
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.report import finding_as_dict, report_jobs
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.run_log import count_oom_kills, parse_pressure, parse_runs

LOOP = Finding(
    "a.service",
    "sleep_loop",
    "it does",
    file="/a.py",
    line=7,
    interval=360,
    interval_source="time.sleep(360)",
    work=("vacuum",),
    program="/a.py",
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.5 s"),
        (45, "45 s"),
        (360, "6 min"),
        (5400, "1 h 30 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (None, "an interval that is not known"),
    ],
)
def test_spans_are_said_as_people_say_them(seconds: float | None, text: str) -> None:
    assert name_span(seconds) == text


@pytest.mark.feature("C1")
def test_a_loop_is_explained_with_its_place_and_a_way_out() -> None:
    found = explain(LOOP)
    assert "/a.py line 7 does its work (vacuum) every 6 min (time.sleep(360))" in found.explanation
    assert "on_unit_active_sec: 360s" in found.remedy[0]
    assert "unit: a.service" in found.remedy[1]
    assert "(inferred)" in explain(LOOP._replace(confidence="inferred")).explanation


@pytest.mark.feature("C8")
def test_what_the_host_has_seen_is_told() -> None:
    evidence = Evidence(restarts=4, oom_kills=2, growth=50 << 20, pressure={"io": 31.0, "cpu": 1.0})
    text = explain(LOOP._replace(evidence=evidence)).explanation
    for said in ("restarted it 4 times", "memory 2 times", "50 MiB an hour", "io 31 %"):
        assert said in text
    assert "cpu" not in text
    assert "times" not in explain(LOOP._replace(evidence=Evidence(restarts=0, oom_kills=None))).explanation


@pytest.mark.feature("C7")
def test_runs_that_are_longer_than_the_interval_are_a_problem() -> None:
    pair = Finding("a.service", "sound_pair", "x", timer="a.timer", interval=60)
    found = explain(pair._replace(evidence=Evidence(runs=(10.0, 75.0))))
    assert [one.id for one in found.problems] == ["runs-longer-than-interval"]
    assert "1 min 15 s" in found.explanation
    assert explain(pair._replace(evidence=Evidence(runs=(10.0, 20.0)))).problems == ()


def test_daemons_are_not_explained() -> None:
    daemon = Finding("a.service", "daemon", "x")
    assert explain(daemon) == daemon


def test_a_report_is_plain() -> None:
    problem = Problem("p", "broken", "t", "/f", 1, "r")
    found = finding_as_dict(LOOP._replace(problems=(problem,), evidence=Evidence(runs=(1.0,)), body=(1, 2)))
    assert found["problems"] == [problem._asdict()]
    assert (found["body"], found["evidence"]["pressure"], found["work"]) == ([1, 2], {}, ["vacuum"])
    report = report_jobs([LOOP, Finding("b", "daemon", ""), Finding("c", "cannot_tell", "")], ["cannot_tell"])
    assert ([one["unit"] for one in report["findings"]], [one["unit"] for one in report["jobs"]]) == (["a.service"], ["c"])
    assert (report["verdict"], report["counts"]["daemon"], report_jobs([], [])["verdict"]) == ("bad", 1, "clean")


def test_pressure_and_an_empty_log() -> None:
    assert parse_pressure("some avg10=0.00 avg60=0.00 avg300=3.25 total=9\n") == 3.25
    assert parse_pressure("") is None
    assert (parse_runs("", "a.service"), count_oom_kills("{}\n", "a.service")) == ((), 0)
