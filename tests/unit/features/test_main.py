# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way, in a small checkout of its own with a real pytest: marks, results, page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]

PAGE = """## B. Ports
| id | feature | best today |
|---|---|---|
| B1 | one | N |
| B2 | two | N |
| B3 | three | N |
| B4 | four | N |
| B5 | five | N |
"""

SETTINGS = """[tool.pytest.ini_options]
addopts = ["--strict-markers", "--strict-config", "--import-mode=importlib"]
cache_dir = ".cache/pytest"
filterwarnings = ["error"]
markers = ["feature(*ids): features"]
"""

MARKED = """import pytest

@pytest.mark.feature("B1")
@pytest.mark.parametrize("n", [1, 2])
def test_good(n):
    pass

@pytest.mark.feature("B2")
def test_bad():
    raise RuntimeError

@pytest.mark.feature("B3")
@pytest.mark.skip(reason="not here")
def test_skipped():
    pass

@pytest.mark.feature("B4", "B1")
class TestClass:
    def test_in_class(self):
        pass

def test_without_mark():
    pass
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(TESTS / "features", tmp_path / "tests/features", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in {
        ".gitignore": ".cache/\n__pycache__/\n",
        "docs/features.md": PAGE,
        "pyproject.toml": SETTINGS,
        "tests/conftest.py": 'pytest_plugins = ["features.recorder"]\n',
        "tests/unit/test_marked.py": MARKED,
        "molecule/scenario/molecule.yml": "# features: B5\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout / "tests"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half a second less for each run
    }
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run([sys.executable, "-m", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def states(page: str) -> dict[str, str]:
    """Feature id to its state, as the page says it."""
    return {line[:4].strip(): line[4:15].strip() for line in page.splitlines() if line[:1] == "B" and line[1:2].isdigit()}


def test_from_marks_to_page(checkout: Path) -> None:
    before = run(checkout, "features")
    assert before.returncode == 0, before.stderr
    assert states(before.stdout) == dict.fromkeys(("B1", "B2", "B3", "B4", "B5"), "never run")

    assert run(checkout, "pytest", "-q", "tests").returncode == 1
    after = run(checkout, "features")
    assert states(after.stdout) == {"B1": "passed", "B2": "failed", "B3": "skipped", "B4": "passed", "B5": "never run"}
    assert "tests/unit/test_marked.py::test_good (2 passed)" in after.stdout

    # Another tree: what passed is old, what failed stays failed. A test that is gone shows nothing.
    marked = checkout / "tests/unit/test_marked.py"
    marked.write_text(MARKED.replace('"B4", "B1"', '"B4"'), encoding="utf-8")
    (checkout / "molecule/scenario/molecule.yml").unlink()
    later = run(checkout, "features")
    assert states(later.stdout) == {"B1": "older tree", "B2": "failed", "B3": "skipped", "B4": "older tree", "B5": "-"}


def test_results_come_back_from_parallel_workers(checkout: Path) -> None:
    pytest.importorskip("xdist")
    assert run(checkout, "pytest", "-q", "-p", "xdist", "-n", "2", "tests").returncode == 1
    page = run(checkout, "features")
    assert states(page.stdout) == {"B1": "passed", "B2": "failed", "B3": "skipped", "B4": "passed", "B5": "never run"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('feature("B3")', 'feature("B33")', "test_skipped: B33"),
        ('feature("B3")', "feature(3)", "one or more ids"),
        ("import pytest", "import pytest, no_such_thing", "no_such_thing"),
    ],
)
def test_a_wrong_mark_is_an_error(checkout: Path, old: str, new: str, complaint: str) -> None:
    (checkout / "tests/unit/test_marked.py").write_text(MARKED.replace(old, new), encoding="utf-8")
    result = run(checkout, "features")
    assert result.returncode == 1
    assert complaint in result.stderr
    assert result.stdout == ""


def test_a_test_that_changes_the_tree_is_not_believed(checkout: Path) -> None:
    (checkout / "tests/unit/test_marked.py").write_text(
        "import pathlib, pytest\n\n@pytest.mark.feature('B1')\ndef test_x():\n    pathlib.Path('new').write_text('')\n",
        encoding="utf-8",
    )
    assert run(checkout, "pytest", "-q", "tests").returncode == 0
    assert states(run(checkout, "features").stdout)["B1"] == "older tree"
