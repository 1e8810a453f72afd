# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.timespan import calendar_fault, parse_span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300", 300), ("5min", 300), ("1h 30m", 5400), ("1h30m", 5400), ("2 weeks", 1209600), ("1.5s", 1.5), ("500ms", 0.5), ("0", 0)],
)
def test_a_span_is_seconds(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


def test_infinity_is_no_number_of_seconds_and_nonsense_is_none() -> None:
    assert parse_span("infinity") == float("inf")
    assert [parse_span(text) for text in ("", "soon", "5 parsecs", "-3", "every 5 minutes", "5min # x")] == [None] * 6


# What systemd-analyze calendar of 252 says of each.
@pytest.mark.feature("C4")
@pytest.mark.parametrize(
    "text",
    [
        "daily",
        "hourly",
        "weekly",
        "*:0/10",
        "Mon-Fri 09:00",
        "Mon..Fri 09:00",
        "*-*-* 05:00:00",
        "*-02..06,08..12-* 00/2:00:00",
        "*-01,07-02..31 00/2:00:00",
        "Sat,Sun 20:15",
        "2012-10-15",
        "*:*:0/30",
        "*-*~3",
        "Mon *-05~07/1",
        "*-*-1 04:00 UTC",
        "05:40 Europe/Paris",
        "@1395716396",
        "Fri",
        "Mon 0:0",
        "*-*-* *:00",
    ],
)
def test_what_systemd_takes_has_no_fault(text: str) -> None:
    assert calendar_fault(text) == ""


@pytest.mark.feature("C4")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("*/5:00", "no hour"),
        ("0 0 * * *", "cron"),
        ("00:00 # foo", "comment"),
        ("*:*/4", "no minute"),
        ("25:00", "0 to 23"),
        ("every day", "no day"),
        ("12:60", "no minute"),
        ("", "empty"),
        ("*-13-01", "no month"),
        ("12:00/0", "after nothing"),
        ("5..3:00", "before it begins"),
    ],
)
def test_what_systemd_ignores_has_a_fault(text: str, why: str) -> None:
    assert why in calendar_fault(text)


@pytest.mark.parametrize("text", ["{{ when }}", "%i", "*-*-* {{ hour }}:00"])
def test_what_nobody_knows_yet_has_no_fault(text: str) -> None:
    assert calendar_fault(text) == ""
