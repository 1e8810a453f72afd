# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from features.results import (
    SCENARIO_RESULTS,
    Result,
    read_scenario_results,
    read_unit_results,
    tree_hash,
    write_unit_results,
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(".cache/\n", encoding="utf-8")
    (tmp_path / "code.py").write_text("one\n", encoding="utf-8")
    return tmp_path


def test_the_tree_is_what_lies_there_not_what_is_committed(checkout: Path) -> None:
    before = tree_hash(checkout)
    subprocess.run(["git", "-C", str(checkout), "add", "code.py"], check=True)
    assert tree_hash(checkout) == before
    (checkout / "code.py").write_text("two\n", encoding="utf-8")
    changed = tree_hash(checkout)
    assert changed != before
    (checkout / "new.py").write_text("", encoding="utf-8")
    assert tree_hash(checkout) not in {before, changed}
    (checkout / "new.py").unlink()
    (checkout / "code.py").unlink()  # tracked, and gone
    assert tree_hash(checkout) not in {before, changed}


def test_words_and_what_is_ignored_do_not_make_a_result_old(checkout: Path) -> None:
    before = tree_hash(checkout)
    for name in (".cache/results/unit.json", "docs/guides/a.md", "README.md"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("words\n", encoding="utf-8")
    assert tree_hash(checkout) == before


def test_no_checkout_is_an_error_and_no_hash(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        tree_hash(tmp_path)


def test_a_later_run_of_some_tests_keeps_the_results_of_the_others(tmp_path: Path) -> None:
    assert read_unit_results(tmp_path) == {}
    write_unit_results(tmp_path, {"a": Result("passed", "t1"), "b": Result("failed", "t1")})
    write_unit_results(tmp_path, {"b": Result("passed", "t2")})
    assert read_unit_results(tmp_path) == {"a": Result("passed", "t1"), "b": Result("passed", "t2")}


def test_results_of_scenarios(tmp_path: Path) -> None:
    assert read_scenario_results(tmp_path) == {}
    path = tmp_path / SCENARIO_RESULTS
    path.parent.mkdir(parents=True)
    path.write_text(
        '{"one": {"result": "passed", "seconds": 9.5, "features": ["B1"], "tree": "t"}, "two": {"result": "failed", "seconds": 1}}',
        encoding="utf-8",
    )
    assert read_scenario_results(tmp_path) == {"one": Result("passed", "t"), "two": Result("failed", "")}


def test_a_damaged_file_is_an_error_and_not_an_empty_result(tmp_path: Path) -> None:
    path = tmp_path / SCENARIO_RESULTS
    path.parent.mkdir(parents=True)
    for text in ("", "[]", '{"one": '):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError):
            read_scenario_results(tmp_path)
