# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Schedules inside JavaScript programs: what node-cron, cron, croner and node-schedule repeat at times of the clock."""

from __future__ import annotations

import itertools
import re

from .model import INFERRED, MOST_LOOPS, Interval, Loop
from .python_loops import SHORTEST

_LIBRARY = re.compile(r"(?:require\s*\(\s*|from\s+|import\s*\(?\s*)['\"](?:node-cron|cron|croner|node-schedule)['\"]")
_CALL = re.compile(
    r"(?:\bcron|\bCron|[cC]ron\w*|\bschedule[rd]?)\.(?:schedule|scheduleJob)\s*\(|\bnew\s+(?:\w+\.)?(?:CronJob|Cron)\s*\(|"
    r"\bCronJob\.from\s*\(|(?<![.\w])(?:schedule|scheduleJob)\s*\(|\bCron\s*\("
)
# What it reads in beside its work may serve others: another file is not read.
_BESIDE = re.compile(
    r"(?i)(?:require\s*\(\s*|from\s+|import\s*\(?\s*)['\"]\.{1,2}/(?:[\w./-]*[/_.-])?(?:"
    r"server|app|bot|client|routes?|router|api|web|https?|sockets?|listeners?|worker|discord|telegram|whatsapp|"
    r"express)(?:/index)?(?:\.[cm]?[jt]s)?['\"]"
)
_FIELD = r"(?:[\d*/,\-]+|[A-Za-z]{3}(?:[-,][A-Za-z]{3})*|\?|L)"
_EXPRESSION = re.compile(rf"['\"`]({_FIELD}(?:\s+{_FIELD}){{4,5}})['\"`]")
_UNITS = (1.0, 60.0, 3600.0, 86400.0)


def read_node_schedules(code: str, text: str, path: str) -> list[Loop]:
    """The most frequent schedule of a program, as a loop; none where it uses no such library."""
    if not _LIBRARY.search(code):
        return []
    calls = list(itertools.islice(_CALL.finditer(code), MOST_LOOPS))
    loops = [_loop(match, code, text, path) for match in calls]
    loops.sort(key=lambda one: one.interval.seconds if one.interval.seconds is not None else 1e12)
    return loops[:1]


def _loop(match: re.Match[str], code: str, text: str, path: str) -> Loop:
    line = code.count("\n", 0, match.start()) + 1
    given = _EXPRESSION.search(code[match.end() : match.end() + 200]) or _named(match, code)
    seconds = read_period(given[1]) if given is not None else None
    beside = _BESIDE.search(code)
    kind = "job" if seconds is None or seconds >= SHORTEST else "ticker"
    why = "a library repeats its work" if kind == "job" else f"its period of {seconds:g} s is too short to tell a job from a ticker"
    if beside is not None:
        kind, why = "unclear", f"beside its schedule it starts what may serve others: {beside[0][-60:]}"
    work = tuple(dict.fromkeys(re.findall(r"\b([A-Za-z_]\w*)\s*\(", code[match.end() : match.end() + 300])))[:3]
    source = f"{match[0].strip()}{given[1] if given is not None else '...'})"
    shown = text.split("\n")[line - 1].strip()[:120]
    return Loop(
        kind, path, line, line, shown, Interval(seconds, source, False), work, why, (line, line), confidence=INFERRED, shape="library"
    )


def _named(match: re.Match[str], code: str) -> re.Match[str] | None:
    """The schedule that a name stands for: ``cron.schedule(EVERY_HOUR, work)``."""
    name = re.match(r"\s*(?:\{\s*cronTime\s*:\s*)?([A-Za-z_$][\w$]*)\s*,", code[match.end() : match.end() + 200])
    if name is None:
        return None
    given = re.search(rf"\b{re.escape(name[1])}\s*=[^;\n]*", code)
    return _EXPRESSION.search(given[0]) if given is not None else None


def read_period(expression: str) -> float | None:
    """Seconds between two runs of a cron expression of five or six fields, as far as they are alike; None where it names
    days. Source: the README files of node-cron and node-schedule."""
    fields = expression.split()
    fields = fields if len(fields) == 6 else ["0", *fields]
    for unit, size, field in zip(_UNITS, (60, 60, 24), fields):
        if field == "*":
            return unit
        step = re.fullmatch(r"(?:\*|\d+(?:-\d+)?)/(\d+)", field)
        if step:
            return unit * int(step[1]) or None
        if "," in field or "-" in field:
            count = len(field.split(",")) if "-" not in field else 0
            return unit * size / count if count else None
    if [one.replace("?", "*") for one in fields[3:]] == ["*", "*", "*"]:
        return _UNITS[3]
    return 7 * _UNITS[3] if re.fullmatch(r"\d|[A-Za-z]{3}", fields[5]) else None
