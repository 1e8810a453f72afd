# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from features.register import RegisterError, check_ids, find_scenarios, parse_features

PAGE = Path(__file__).resolve().parents[3] / "docs/features.md"

HEAD = "## A. Snapshot\n| id | feature | best today |\n|---|---|---|\n"


def test_the_projects_own_page_is_read_whole() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = parse_features(text)
    # Counted another way: every line that begins like a row.
    assert len(found) == sum(line[:2] == "| " and line[2:3] in "ABCDE" and line[3:4].isdigit() for line in text.splitlines())
    assert {feature.section[0] for feature in found.values()} == set("ABCDE")


def test_a_row_is_taken_apart_and_an_escaped_bar_is_text() -> None:
    found = parse_features(HEAD + "| A1 | no `\\|\\| true` | P ruff, other |\n")
    assert found["A1"] == ("A1", "A. Snapshot", "no `|| true`", "P ruff, other")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("| A1 | one | N |\n| A1 | another | N |\n", "A1 stands there twice"),
        ("| B1 | strayed | N |\n", "B1 stands in section 'A. Snapshot'"),
        ("| A1 | no third cell |\n", "line 4 is not"),
        ("| A1 | | N |\n", "line 4 is not"),
        ("| a1 | small letter | N |\n", "line 4 is not"),
        ("", "no row"),
    ],
)
def test_a_wrong_page_is_refused(rows: str, complaint: str) -> None:
    with pytest.raises(RegisterError, match=complaint):
        parse_features(HEAD + rows)


def test_a_row_before_the_first_section_is_refused() -> None:
    with pytest.raises(RegisterError, match="section ''"):
        parse_features("| A1 | one | N |\n")


def test_scenarios_are_found_with_their_ids(tmp_path: Path) -> None:
    for name, text in {
        "two_lines": "---\n# features: B1 B2\n# features: B5, B6\nplatforms: []\n",
        "none": "---\nplatforms: []  # features\n",
    }.items():
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text, encoding="utf-8")
    (tmp_path / "molecule/shared").mkdir()
    assert find_scenarios(tmp_path) == {"none": [], "two_lines": ["B1", "B2", "B5", "B6"]}


def test_an_unknown_id_is_refused_with_its_place() -> None:
    check_ids({"B1"}, {"tests/test_x.py::test_y": ["B1"]})
    with pytest.raises(RegisterError, match=r"test_x\.py::test_y: B99"):
        check_ids({"B1"}, {"tests/test_x.py::test_y": ["B1", "B99"]})
