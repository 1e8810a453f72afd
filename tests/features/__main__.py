# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m features``, from the checkout, with ``tests`` on the path: the page, or what is wrong, and then 1."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest

from .marks import Collected
from .register import RegisterError, check_ids, find_scenarios, parse_features
from .report import find_proofs, render
from .results import read_scenario_results, read_unit_results, tree_hash


def collect_tests(root: Path) -> dict[str, list[str]]:
    """Test id to feature ids for every test that pytest finds now.

    :raises RegisterError: pytest could not collect; what it said is in the text
    """
    collected = Collected()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(
            ["--collect-only", "-q", "--rootdir", str(root), str(root / "tests")],
            plugins=[collected],
        )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RegisterError(f"the tests cannot be collected:\n{said.getvalue()}")
    return collected.ids


def main(root: Path) -> str:
    """The page for the checkout at ``root``.

    :raises RegisterError: the list, a mark or a result file is wrong
    """
    try:
        features = parse_features((root / "docs/features.md").read_text(encoding="utf-8"))
    except (OSError, RegisterError) as error:
        raise RegisterError(f"docs/features.md: {error}") from error
    tests, scenarios = collect_tests(root), find_scenarios(root)
    check_ids(features, {**tests, **{f"molecule/{name}": ids for name, ids in scenarios.items()}})
    try:
        return render(
            features,
            find_proofs(tests, scenarios, read_unit_results(root), read_scenario_results(root), tree_hash(root)),
        )
    except (OSError, ValueError, KeyError, TypeError, subprocess.CalledProcessError) as error:
        raise RegisterError(f"the results cannot be read: {error!r}") from error


if __name__ == "__main__":
    try:
        sys.stdout.write(main(Path(__file__).resolve().parents[2]))
    except RegisterError as error:
        sys.stderr.write(f"features: {error}\n")
        sys.exit(1)
