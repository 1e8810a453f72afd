# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the journal tells of a unit's runs, and the kernel of its pressure."""

from __future__ import annotations

import json
import re
import typing as t

# Message ids of systemd (src/systemd/sd-messages.h).
_STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
_STARTED = "39f53479d3a045ac8e11786248231fbf"
_FAILED = "be02cf6855d2428ba40df7e9d022f03d"
_SUCCESS = "7ad2d189f7e94e70a38c781354912448"
_UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
_OOM = "fe6faa94e7774663a0da52717891d8ef"
_ENDS = frozenset((_STARTED, _FAILED, _SUCCESS, _UNIT_FAILED))
_MOST_RUNS = 20


def _entries(log: str, unit: str) -> t.Iterator[tuple[str, float, str]]:
    for line in log.splitlines():
        if unit not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        stamp = entry.get("__MONOTONIC_TIMESTAMP") or entry.get("__REALTIME_TIMESTAMP") or ""
        if entry.get("UNIT") == unit and str(stamp).isdigit():
            yield str(entry.get("MESSAGE_ID", "")), int(stamp) / 1e6, str(entry.get("MESSAGE", ""))


def parse_runs(log: str, unit: str) -> tuple[float, ...]:
    """Seconds that the last runs of a oneshot unit took, the oldest first, out of ``journalctl --output=json`` of the
    manager: from "Starting" to "Finished", "Deactivated" or "Failed"."""
    found: list[float] = []
    begun: float | None = None
    for message, stamp, _text in _entries(log, unit):
        if message == _STARTING:
            begun = stamp
        elif message in _ENDS and begun is not None:
            found.append(max(0.0, stamp - begun))
            begun = None
    return tuple(found[-_MOST_RUNS:])


def count_oom_kills(log: str, unit: str) -> int:
    """How often the manager says that a process of the unit was killed for its memory."""
    found = 0
    for message, _stamp, text in _entries(log, unit):
        found += message == _OOM or bool(re.search(r"killed by the OOM killer", text) and not message)
    return found


def parse_pressure(text: str) -> float | None:
    """``some avg300`` of a pressure file (per cent of the time in which a task had to wait)."""
    match = re.search(r"(?m)^some .*avg300=(\d+\.\d+)", text)
    return float(match[1]) if match else None
