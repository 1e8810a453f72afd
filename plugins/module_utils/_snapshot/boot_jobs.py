# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a boot has already decided to start, and would not have, had the files been back before it began."""

from __future__ import annotations

import typing as t

from .._units.show import Block, parse_blocks
from .model import UnitState
from .scope import find_ground
from .unit_match import is_up

WANTING = ("WantedBy", "RequiredBy", "RequisiteOf", "BoundBy", "UpheldBy", "TriggeredBy")
"""The properties that name what may have a unit started."""

JOB_PROPERTIES = ("Id", "LoadState", *WANTING)


class Job(t.NamedTuple):
    """A job that a manager has queued to start a unit."""

    number: str
    unit: str


def parse_start_jobs(text: str) -> tuple[Job, ...]:
    """The jobs of what ``systemctl list-jobs --no-legend --plain --full`` printed that would start something and have not
    begun to."""
    rows = (line.split() for line in text.splitlines())
    return tuple(Job(row[0], row[1]) for row in rows if len(row) >= 4 and row[2] in ("start", "restart") and row[3] == "waiting")


def find_unwanted_jobs(jobs: t.Iterable[Job], shown: str, before: t.Iterable[UnitState]) -> tuple[Job, ...]:
    """The jobs for units that were not up, and that nothing wants any more. ``shown`` is what ``systemctl show`` printed
    of their JOB_PROPERTIES after the manager had read the files that are back."""
    old = {unit.name: unit for unit in before if unit.user is None}
    wanted = {block.name for block in map(Block, parse_blocks(shown)) if _is_wanted(block)}
    return tuple(job for job in jobs if job.unit not in wanted and _may_be_canceled(job.unit, old.get(job.unit)))


def _is_wanted(block: Block) -> bool:
    return block.text("LoadState") == "loaded" and bool(block.words(*WANTING))


def _may_be_canceled(name: str, before: UnitState | None) -> bool:
    if before is None:
        return name.endswith((".service", ".socket", ".timer", ".path")) and not find_ground(
            UnitState(name, None, load="", active="", sub="", enabled="")
        )
    return not is_up(before) and not find_ground(before)
