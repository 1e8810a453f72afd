# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

from scenarios.outcomes import Outcome, find_scenarios, record

if t.TYPE_CHECKING:
    from pathlib import Path


def make_scenario(checkout: Path, name: str, text: str) -> None:
    (checkout / "molecule" / name).mkdir(parents=True)
    (checkout / "molecule" / name / "molecule.yml").write_text(text, encoding="utf-8")


def test_every_folder_with_settings_is_a_scenario(tmp_path: Path) -> None:
    make_scenario(tmp_path, "one", "---\n")
    (tmp_path / "molecule" / "shared").mkdir()
    assert find_scenarios(tmp_path) == ["one"]
    assert find_scenarios(tmp_path / "nowhere") == []


def test_outcomes_are_gathered_with_the_features_of_the_scenario(tmp_path: Path) -> None:
    make_scenario(tmp_path, "one", "---\n# features: B1 B2\n")
    make_scenario(tmp_path, "two", "---\n")
    record("one", Outcome("failed", 2.5, "abc"), tmp_path)
    record("two", Outcome("passed", 1.0, "abc"), tmp_path)
    record("one", Outcome("passed", 2.0, "abd"), tmp_path)
    written = json.loads((tmp_path / ".cache" / "results" / "molecule.json").read_text(encoding="utf-8"))
    assert written == {
        "one": {"result": "passed", "seconds": 2.0, "tree": "abd", "features": ["B1", "B2"]},
        "two": {"result": "passed", "seconds": 1.0, "tree": "abc", "features": []},
    }
