# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labelled set of services, scripts and timer pairs: what is found of each class, and what is found wrongly."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from builders.jobs import judge_texts, read_cases

CASES = Path(__file__).resolve().parents[4] / "cases/jobs"
EXPECTED: dict[str, dict[str, t.Any]] = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
TEXTS = read_cases(CASES)
BAD = ("sleep_loop", "poor_mans_timer", "broken_pair")
LEAST_PRECISION, LEAST_RECALL = 0.98, 0.95


def found_in(name: str) -> t.Any:
    """What is found of a case: of several units the one that is called x."""
    findings = judge_texts(TEXTS[name])
    return next(one for one in findings if one.unit.startswith("x.") or one.timer == "x.timer")


FOUND = {name: found_in(name) for name in EXPECTED}


def test_the_set_is_large_and_half_of_it_is_hard() -> None:
    assert sorted(EXPECTED) == sorted(TEXTS)
    bad = sum(one["verdict"] in BAD for one in EXPECTED.values())
    assert len(EXPECTED) >= 150
    assert 0.4 <= bad / len(EXPECTED) <= 0.6


@pytest.mark.feature("C1")
@pytest.mark.feature("C2")
@pytest.mark.feature("C3")
@pytest.mark.feature("C4")
def test_precision_and_recall_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{'class':18}{'cases':>6}{'found':>6}{'right':>6}  precision  recall"]
    failed = []
    for verdict in (*BAD, "sound_pair", "daemon", "oneshot", "cannot_tell"):
        cases = {name for name, one in EXPECTED.items() if one["verdict"] == verdict}
        found = {name for name, one in FOUND.items() if one.verdict == verdict}
        right = cases & found
        precision, recall = len(right) / (len(found) or 1), len(right) / (len(cases) or 1)
        lines.append(f"{verdict:18}{len(cases):6}{len(found):6}{len(right):6}  {precision:9.3f}  {recall:6.3f}")
        if verdict in BAD and (precision < LEAST_PRECISION or recall < LEAST_RECALL):
            failed.append(verdict)
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    wrong = {name: one.verdict for name, one in FOUND.items() if one.verdict != EXPECTED[name]["verdict"]}
    assert failed == [], wrong


@pytest.mark.feature("C1")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if "interval" in one])
def test_the_interval_is_told(name: str) -> None:
    assert FOUND[name].interval == pytest.approx(EXPECTED[name]["interval"])


@pytest.mark.feature("C1")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if "confidence" in one])
def test_what_a_round_remembers_lowers_the_confidence(name: str) -> None:
    assert FOUND[name].confidence == EXPECTED[name]["confidence"]


@pytest.mark.feature("C4")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if "problems" in one])
def test_the_problems_of_a_pair_are_told(name: str) -> None:
    assert sorted({one.id for one in FOUND[name].problems if one.severity != "advice"}) == EXPECTED[name]["problems"]


@pytest.mark.feature("C2")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if one["verdict"] not in BAD])
def test_nothing_else_is_called_bad(name: str) -> None:
    assert FOUND[name].verdict not in BAD, FOUND[name]


@pytest.mark.feature("C1")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if one["verdict"] == "sleep_loop"])
def test_a_loop_has_its_place_and_its_work(name: str) -> None:
    found = FOUND[name]
    text = TEXTS[name][found.file]
    assert 1 <= found.line <= len(text.split("\n"))
    assert found.why
    if found.program:
        first, last = found.loop_lines or (0, 0)
        assert first <= found.body[0] <= found.body[1] <= max(last, found.body[1])
