# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of ``docs/features.md``, and the ids that scenarios carry."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

_HEADING = re.compile(r"^## ([A-Z])\. (.+)$")
_ID = re.compile(r"^[A-Z][0-9]+$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
# `# features: B1 B2` in a scenario's molecule.yml
_SCENARIO_LINE = re.compile(r"^#\s*features:(.*)$", re.MULTILINE)


class RegisterError(Exception):
    """The list of features, or something that refers to it, is wrong; the text says where."""


class Feature(t.NamedTuple):
    """One row of the list."""

    id: str
    section: str
    text: str
    best_today: str


def parse_features(text: str) -> dict[str, Feature]:
    """The rows by id, in the order of the page.

    :raises RegisterError: a row that is not ``| id | feature | best today |``, an id that stands there twice or in
        the wrong section, or no row at all
    """
    found: dict[str, Feature] = {}
    section = letter = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = _HEADING.match(line)
        if heading is not None:
            letter, section = heading.group(1), f"{heading.group(1)}. {heading.group(2)}"
            continue
        if not line.startswith("|") or line.startswith(("|---", "| id ")):
            continue
        feature = _parse_row(line, section, number)
        if feature.id in found:
            raise RegisterError(f"line {number}: {feature.id} stands there twice")
        if not feature.id.startswith(letter) or not letter:
            raise RegisterError(f"line {number}: {feature.id} stands in section '{section}'")
        found[feature.id] = feature
    if not found:
        raise RegisterError("no row of the form '| id | feature | best today |' was found")
    return found


def _parse_row(line: str, section: str, number: int) -> Feature:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(line.strip().strip("|"))]
    if len(cells) != 3 or not _ID.match(cells[0]) or not all(cells):
        raise RegisterError(f"line {number} is not '| id | feature | best today |': {line}")
    return Feature(cells[0], section, cells[1], cells[2])


def find_scenarios(root: Path) -> dict[str, list[str]]:
    """The ids that every Molecule scenario below ``root`` carries; an empty list where it carries none."""
    found: dict[str, list[str]] = {}
    for settings in sorted(root.glob("molecule/*/molecule.yml")):
        lines = _SCENARIO_LINE.findall(settings.read_text(encoding="utf-8"))
        found[settings.parent.name] = [word for line in lines for word in re.split(r"[\s,]+", line) if word]
    return found


def check_ids(known: t.Container[str], marked: t.Mapping[str, t.Sequence[str]]) -> None:
    """See to it that every id used by a test or scenario is a row of the page.

    :raises RegisterError: names every place with an id that is none
    """
    wrong = [f"{place}: {used}" for place, ids in marked.items() for used in ids if used not in known]
    if wrong:
        raise RegisterError("ids that are no row of docs/features.md:\n  " + "\n  ".join(wrong))
