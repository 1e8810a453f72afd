# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd-analyze printed on real hosts, and the runs that follow from it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.analyze import (
    parse_calendar,
    parse_complaints,
    parse_stamp,
    parse_timespan,
    plan_runs,
)
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_model import Spans

pytestmark = pytest.mark.feature("C6")

CASES = Path(__file__).resolve().parents[4] / "cases" / "systemd-analyze"
NOW = datetime.datetime(2026, 11, 20, 16, 0, tzinfo=datetime.timezone.utc)


def case(name: str) -> str:
    return (CASES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "hour", "count"), [("calendar-252-utc", 9, 5), ("calendar-252-berlin", 8, 5), ("calendar-252-once", 0, 1)]
)
def test_runs_are_read_in_utc(name: str, hour: int, count: int) -> None:
    runs = parse_calendar(case(name))
    assert len(runs) == count
    assert {(run.hour, run.tzinfo) for run in runs} == {(hour, datetime.timezone.utc)}


def test_what_never_elapses_has_no_runs() -> None:
    assert parse_calendar(case("calendar-252-never")) == []


def test_a_moment_that_cannot_be_read_is_no_moment_left_out() -> None:
    with pytest.raises(Unparsable, match="25:00"):
        parse_calendar("    Next elapse: Mon 2026-11-23 25:00 CET\n")


@pytest.mark.parametrize(("text", "expected"), [("Original: 5min\n      μs: 300000000\n", 300_000_000), ("      us: 0\n", 0)])
def test_time_spans_are_microseconds(text: str, expected: int) -> None:
    assert parse_timespan(text) == expected


def test_no_time_span_is_no_zero() -> None:
    with pytest.raises(Unparsable):
        parse_timespan("Original: bogus\n")


def test_no_moment_is_none() -> None:
    assert parse_stamp("n/a") is None
    assert parse_stamp("") is None
    assert parse_stamp("Fri 2026-11-20 16:57:37 UTC") == datetime.datetime(2026, 11, 20, 16, 57, 37, tzinfo=datetime.timezone.utc)


def test_complaints_are_told_apart_by_whose_they_are() -> None:
    found = parse_complaints(
        case("verify-252") + "Failed to initialize manager\n", ["a.service", "a.timer"], "/run/st", "/etc/systemd/system"
    )
    assert found.own[0] == "/etc/systemd/system/a.service:4: Failed to parse service type, ignoring: oneshto"
    assert len(found.own) == 6
    assert found.others == ("/etc/systemd/system/alert.service:3: Unknown key 'Bla' in section [Service], ignoring.",)
    assert found.unclear == ("Failed to initialize manager",)


def test_colours_are_no_part_of_a_complaint() -> None:
    line = "\x1b[0;1;31mjob.service: Command /run/st/job is not executable: No such file or directory\x1b[0m\n"
    found = parse_complaints(line, ["job.service"], "/run/st", "/etc/systemd/system")
    assert found.own == ("job.service: Command /etc/systemd/system/job is not executable: No such file or directory",)


def test_a_name_that_ends_alike_is_another_unit() -> None:
    line = "/etc/systemd/system/data.service:3: Unknown key 'Bla' in section [Service], ignoring.\n"
    assert parse_complaints(line, ["a.service"], "/run/st", "/etc").own == ()


SIX = Spans(on_boot_sec=60_000_000, on_unit_active_sec=360_000_000)


def test_a_first_run_that_is_late_is_now_and_others_follow() -> None:
    assert plan_runs([], SIX, NOW, uptime=90.0, last=None, most=3) == [
        "2026-11-20T16:00:00Z",
        "2026-11-20T16:06:00Z",
        "2026-11-20T16:12:00Z",
    ]


def test_a_first_run_to_come_counts_from_boot() -> None:
    assert plan_runs([], SIX, NOW, uptime=20.0, last=None, most=1) == ["2026-11-20T16:00:40Z"]


def test_later_runs_count_from_the_last() -> None:
    last = NOW - datetime.timedelta(minutes=2)
    assert plan_runs([], SIX, NOW, uptime=9e9, last=last, most=2) == ["2026-11-20T16:04:00Z", "2026-11-20T16:10:00Z"]


def test_calendars_and_intervals_are_put_together() -> None:
    calendar = [NOW + datetime.timedelta(minutes=5), NOW - datetime.timedelta(minutes=5)]
    assert plan_runs(calendar, SIX, NOW, 90.0, None, 3) == ["2026-11-20T16:00:00Z", "2026-11-20T16:05:00Z", "2026-11-20T16:06:00Z"]
    assert plan_runs(calendar, Spans(), NOW, 90.0, None) == ["2026-11-20T16:05:00Z"]
