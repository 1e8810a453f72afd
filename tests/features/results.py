# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last results of tests and scenarios, each with the tree that it was got from."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

RESULTS = ".cache/results"
UNIT_RESULTS = f"{RESULTS}/unit.json"
SCENARIO_RESULTS = f"{RESULTS}/molecule.json"

# What no test depends on: a new sentence in a guide does not make a result old.
_WORDS_ONLY = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "changelogs/", "docs/")


class Result(t.NamedTuple):
    """How a test or scenario ended: ``outcome`` is passed, failed or skipped; ``tree`` is :func:`tree_hash` at that
    time, empty where it is not known or changed while the test ran."""

    outcome: str
    tree: str


def tree_hash(root: Path) -> str:
    """A hash of all files that a test can depend on, as they lie there, committed or not.

    :raises OSError: git cannot be run, or a file cannot be read
    :raises subprocess.CalledProcessError: ``root`` is no git checkout
    """
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout
    total = hashlib.sha256()
    for name in sorted(set(filter(None, listed.split(b"\0")))):
        if name.decode("utf-8", "surrogateescape").startswith(_WORDS_ONLY):
            continue
        path = os.path.join(os.fsencode(root), name)
        if os.path.islink(path):
            content = os.fsencode(os.readlink(path))
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
        else:  # tracked, and deleted in the work tree
            continue
        total.update(hashlib.sha256(name).digest() + hashlib.sha256(content).digest())
    return total.hexdigest()


def read_unit_results(root: Path) -> dict[str, Result]:
    """Test id to last result; empty where no test has run yet."""
    return {name: Result(entry["outcome"], entry["tree"]) for name, entry in _read_object(root / UNIT_RESULTS).items()}


def write_unit_results(root: Path, results: t.Mapping[str, Result]) -> None:
    """Put the results of this run over those of earlier runs; the other tests keep what they had."""
    together = {**read_unit_results(root), **results}
    text = json.dumps({name: result._asdict() for name, result in sorted(together.items())}, indent=1)
    path = root / UNIT_RESULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_name(f"{path.name}.{os.getpid()}")
    half_written.write_text(text + "\n", encoding="utf-8")
    half_written.replace(path)


def read_scenario_results(root: Path) -> dict[str, Result]:
    """Scenario to last result; empty where none has run yet."""
    return {name: Result(entry["result"], entry.get("tree", "")) for name, entry in _read_object(root / SCENARIO_RESULTS).items()}


def _read_object(path: Path) -> dict[str, t.Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return content
