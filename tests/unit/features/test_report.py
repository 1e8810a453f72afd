# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from features.register import Feature
from features.report import Proof, find_proofs, find_state, render
from features.results import Result


@pytest.mark.parametrize(
    ("result", "tree", "state"),
    [
        (Result("passed", "now"), "now", "passed"),
        (Result("passed", "then"), "now", "older tree"),
        (Result("passed", ""), "now", "older tree"),
        (Result("passed", ""), "", "older tree"),
        (Result("failed", "then"), "now", "failed"),
        (Result("skipped", "now"), "now", "skipped"),
        (None, "now", "never run"),
    ],
)
def test_a_pass_counts_for_the_tree_it_was_got_from(result: Result | None, tree: str, state: str) -> None:
    assert find_state(result, tree) == state


def test_an_outcome_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="'fine'"):
        find_state(Result("fine", "now"), "now")


def test_parameters_are_counted_together_and_the_worst_decides() -> None:
    tests = {"t.py::test_a[1]": ["B1"], "t.py::test_a[2]": ["B1"], "t.py::test_a[3]": ["B1", "B2"]}
    results = {"t.py::test_a[1]": Result("passed", "now"), "t.py::test_a[2]": Result("failed", "now")}
    proofs = find_proofs(tests, {}, results, {}, "now")
    assert proofs == {
        "B1": [Proof("t.py::test_a", {"passed": 1, "failed": 1, "never run": 1})],
        "B2": [Proof("t.py::test_a", {"never run": 1})],
    }
    assert proofs["B1"][0].state == "failed"


def test_a_result_of_a_test_that_is_gone_shows_nothing() -> None:
    results = {"t.py::test_gone": Result("passed", "now")}
    assert find_proofs({}, {"s": ["B1"]}, results, {"gone": Result("passed", "now")}, "now") == {
        "B1": [Proof("molecule/s", {"never run": 1})]
    }


def test_the_page_names_every_feature_its_proofs_and_what_is_missing() -> None:
    features = {
        "B1": Feature("B1", "B. Ports", "listener to unit", "Y"),
        "B2": Feature("B2", "B. Ports", "proxy to container", "P"),
        "C1": Feature("C1", "C. Jobs", "sleep loop", "N"),
    }
    proofs = {
        "B1": [Proof("t.py::test_a", {"passed": 12}), Proof("molecule/s", {"older tree": 1})],
        "B2": [Proof("t.py::test_b", {"passed": 1})],
    }
    assert render(features, proofs).splitlines() == [
        "B. Ports",
        "========",
        "B1  older tree listener to unit",
        "               older tree molecule/s",
        "               passed     t.py::test_a (12 passed)",
        "B2  passed     proxy to container",
        "               passed     t.py::test_b",
        "",
        "C. Jobs",
        "=======",
        "C1  -          sleep loop",
        "",
        "3 features: 1 shown by tests that passed in this tree",
        "1 with a proof that is 'older tree': B1",
        "1 shown by nothing yet: C1",
    ]
