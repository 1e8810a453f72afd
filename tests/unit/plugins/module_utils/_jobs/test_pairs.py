# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pairs import Standing, find_problems, service_of, triggers_of
from builders.jobs import UNITS, judge_texts, unit_names

SERVICE = "[Service]\nType=oneshot\nExecStart=/bin/true\nTimeoutStartSec=60\nMemoryMax=64M\n"
TIMER = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
RUNNING = Standing(frozenset(("x.timer",)), frozenset(), frozenset(("x.timer",)))


def problems(timer: str, service: str | None, standing: Standing = RUNNING, runs_on: str = "", **others: str) -> list[str]:
    texts = {f"{UNITS}/x.timer": timer, **others}
    if service is not None:
        texts[f"{UNITS}/x.service"] = service
    names = unit_names(texts)
    merged = names.merge("x.timer")
    found = find_problems(merged, names.merge(service_of(merged)), standing, runs_on)
    assert all(one.text and one.remedy and one.file for one in found)
    return [one.id for one in found]


@pytest.mark.feature("C4")
def test_a_sound_pair_has_no_problem() -> None:
    assert problems(TIMER, SERVICE) == []


@pytest.mark.feature("C7")
def test_no_timeout_and_no_cap_are_advised() -> None:
    assert problems(TIMER, "[Service]\nType=oneshot\nExecStart=/bin/true\n") == ["no-timeout", "no-memory-cap"]
    assert problems(TIMER, SERVICE.replace("=60", "=infinity")) == ["no-timeout"]


@pytest.mark.feature("C4")
def test_what_is_enabled_counts_on_a_host_and_not_what_could_be() -> None:
    service = f"{SERVICE}[Install]\nWantedBy=multi-user.target\n"
    assert problems(TIMER, service) == []
    assert problems(TIMER, service, RUNNING._replace(enabled=frozenset(("x.timer", "x.service")))) == ["service-also-enabled"]
    assert problems(TIMER, service, Standing(None, frozenset())) == ["service-also-enabled"]
    assert problems(TIMER, f"{SERVICE}[Install]\nWantedBy=sleep.target\n", Standing(None, frozenset())) == []


@pytest.mark.feature("C4")
def test_a_timer_that_nothing_starts() -> None:
    nothing = Standing(frozenset(), frozenset(), frozenset())
    assert problems(TIMER, SERVICE, nothing) == ["timer-not-enabled"]
    assert problems(TIMER, SERVICE, nothing._replace(wanted=frozenset(("x.timer",)))) == []
    # Where nobody could ask the manager, that is no problem of the timer's.
    assert problems(TIMER, SERVICE, nothing._replace(active=None)) == []


@pytest.mark.feature("C4")
@pytest.mark.parametrize("how", ["[Unit]\nRequires=x.service\n", "[Unit]\nWants=x.service\n"])
def test_a_timer_that_pulls_its_service_in_has_a_first_run(how: str) -> None:
    assert problems(f"{how}[Timer]\nOnUnitActiveSec=5min\n", SERVICE) == ["timer-requires-service"]


@pytest.mark.feature("C4")
def test_a_unit_that_starts_the_service_gives_it_a_first_run() -> None:
    timer = "[Timer]\nOnUnitInactiveSec=5min\n"
    assert problems(timer, SERVICE) == ["no-first-trigger"]
    assert problems(timer, SERVICE, RUNNING._replace(wanted=frozenset(("x.service",)))) == []


@pytest.mark.feature("C4")
def test_an_empty_trigger_forgets_those_of_every_kind() -> None:
    names = unit_names({f"{UNITS}/x.timer": "[Timer]\nOnBootSec=1\nOnCalendar=daily\nOnBootSec=\nOnUnitActiveSec=5\nOnClockChange=no\n"})
    assert [one.key for one in triggers_of(names.merge("x.timer"))] == ["OnUnitActiveSec"]


@pytest.mark.feature("C4")
def test_what_a_package_brings_is_only_noted() -> None:
    texts = {"/usr/lib/systemd/system/x.timer": TIMER, "/usr/lib/systemd/system/x.service": SERVICE.replace("Type=oneshot\n", "")}
    (found,) = judge_texts(texts)
    assert found.verdict == "sound_pair"
    assert [(one.id, one.severity) for one in found.problems] == [("type-not-oneshot", "risky")]
    own = {path.replace("/usr/lib", "/etc"): text for path, text in texts.items()}
    assert judge_texts(own)[0].verdict == "broken_pair"


@pytest.mark.feature("C4")
def test_a_masked_service_and_a_template() -> None:
    assert problems(TIMER, "") == ["service-masked"]
    assert judge_texts({f"{UNITS}/x@.timer": TIMER}) == []
