# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers of a benchmark as a table for the terminal."""

from __future__ import annotations

import statistics
import typing as t


class Row(t.NamedTuple):
    """One thing that was timed: seconds of each round, and the size of its answer in bytes."""

    name: str
    seconds: list[float]
    size: int | None = None
    note: str = ""


def render_table(title: str, rows: t.Sequence[Row], yardstick: str) -> str:
    """The rows with their median, extremes and how many times the yardstick's median that is."""
    (base,) = (statistics.median(row.seconds) for row in rows if row.name == yardstick)
    lines = [title, f"  {'':38}{'median':>9}{'min':>9}{'max':>9}{'rounds':>8}{'ratio':>8}{'answer':>12}"]
    for row in rows:
        if not row.seconds:
            lines.append(f"  {row.name:38}{row.note:>35}")
            continue
        median = statistics.median(row.seconds)
        size = "" if row.size is None else f"{row.size:,} B"
        lines.append(
            f"  {row.name:38}{median:9.3f}{min(row.seconds):9.3f}{max(row.seconds):9.3f}"
            f"{len(row.seconds):8d}{median / base:8.2f}{size:>12}{'  ' + row.note if row.note else ''}"
        )
    return "\n".join(lines) + "\n"
