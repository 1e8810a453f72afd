# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Periods of cron expressions, and which calls are schedules."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.node_schedules import read_node_schedules, read_period


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("* * * * *", 60.0),
        ("*/15 * * * *", 900.0),
        ("0 * * * *", 3600.0),
        ("0,30 * * * *", 1800.0),
        ("0 */6 * * *", 21600.0),
        ("30 2 * * *", 86400.0),
        ("0 30 2 * * *", 86400.0),
        ("*/5 * * * * *", 5.0),
        ("0 3 * * 1", 604800.0),
        ("0 3 * * MON", 604800.0),
        ("0 3 1 * *", None),
        ("0 9-17 * * *", None),
        ("*/0 * * * *", None),
    ],
)
def test_period_of_a_cron_expression(expression: str, seconds: float | None) -> None:
    assert read_period(expression) == seconds


@pytest.mark.feature("C2")
def test_a_schedule_needs_its_library() -> None:
    own = "const cron = require('./cron');\ncron.schedule('0 * * * *', work);\n"
    assert read_node_schedules(own, own, "x.js") == []
    bought = own.replace("./cron", "node-cron")
    assert [one.interval.seconds for one in read_node_schedules(bought, bought, "x.js")] == [3600.0]


@pytest.mark.feature("C1")
def test_the_most_frequent_schedule_stands_for_the_program() -> None:
    text = "import { Cron } from 'croner';\nnew Cron('0 4 * * *', tidy);\nnew Cron('*/10 * * * *', fetchAll);\n"
    (loop,) = read_node_schedules(text, text, "x.mjs")
    assert (loop.interval.seconds, loop.line, loop.work) == (600.0, 3, ())
