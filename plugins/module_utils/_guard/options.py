# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A guard's options as a playbook writes them, and its record as a result shows it."""

from __future__ import annotations

import typing as t

from .._errors import BadInput
from .model import Record
from .words import format_moment

# Less than it takes to say no, and a day: who forgets a guard must not be surprised next week.
SHORTEST, LONGEST = 5.0, 86400.0

_SHOWN = ("id", "state", "holder", "reason", "snapshot", "within", "on_reboot", "cause", "attempts")


def parse_within(seconds: float) -> float:
    """The window of a guard.

    :raises BadInput: it is too short or too long
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise BadInput(f"within is {seconds:g}; it may be from {SHORTEST:g} to {LONGEST:g} seconds")
    return seconds


def guard_as_dict(record: Record, left: float) -> dict[str, t.Any]:
    """A record as a result shows it. What tells runs apart stays on the host: who knows it may act as that run."""
    return {
        **{
            name: getattr(record, name)
            for name in ("id", "state", "holder", "reason", "snapshot", "within", "on_reboot", "cause", "attempts")
        },
        "armed_at": format_moment(record.armed_at),
        "ends_at": format_moment(record.ends_at),
        "ended_at": format_moment(record.ended_at) if record.ended_at else "",
        "remaining": round(max(left, 0.0), 1),
        "result": {name: list(lines) for name, lines in record.result.items()},
    }
