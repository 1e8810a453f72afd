# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which scenarios there are, and how they ended."""

from __future__ import annotations

import fcntl
import json
import typing as t
from pathlib import Path

import features.register

CHECKOUT = Path(__file__).resolve().parents[2]
RESULTS = CHECKOUT / ".cache" / "results"
LOGS = RESULTS / "scenarios"


class Outcome(t.NamedTuple):
    """``result`` is passed or failed; ``tree`` is the hash of the files it was got from, empty where they changed meanwhile."""

    result: str
    seconds: float
    tree: str


def find_scenarios(checkout: Path = CHECKOUT) -> list[str]:
    """The names of all scenarios; nobody has to remember to add one to a list."""
    return sorted(path.parent.name for path in checkout.glob("molecule/*/molecule.yml"))


def record(scenario: str, outcome: Outcome, checkout: Path = CHECKOUT) -> None:
    """Put an outcome into .cache/results/molecule.json; several scenarios may end at the same time."""
    path = checkout / ".cache" / "results" / "molecule.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        together = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        features_shown = features.register.find_scenarios(checkout).get(scenario, [])
        together[scenario] = {**outcome._asdict(), "features": features_shown}
        half_written = path.with_suffix(".new")
        half_written.write_text(json.dumps(together, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        half_written.replace(path)
