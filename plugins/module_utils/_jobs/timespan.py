# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Time spans and calendar expressions as unit files have them: systemd.time(7), without asking systemd.

The rules are those of ``parse_sec`` (src/basic/time-util.c) and ``calendar_spec_from_string`` (src/shared/calendarspec.c).
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0, "w": 604800.0,
    "week": 604800.0, "weeks": 604800.0, "M": 2629800.0, "month": 2629800.0, "months": 2629800.0, "y": 31557600.0,
    "year": 31557600.0, "years": 31557600.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "μs": 1e-6, "µs": 1e-6,
    "ns": 1e-9, "nsec": 1e-9,
}  # fmt: skip
_PIECE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zμµ]*)\s*")
_SHORTHANDS = _words("minutely hourly daily monthly weekly yearly annually quarterly semiannually biannually bi-annually semi-annually")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ITEM = re.compile(r"(\d+)(?:\.\d{1,6})?(?:\.\.(\d+)(?:\.\d{1,6})?)?(?:/(\d+)(?:\.\d{1,6})?)?\Z")
_ZONE = re.compile(r"(?:UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+\-]+)+|CET|EET|EST|EST5EDT|CST6CDT|GMT|HST|MET|MST|MST7MDT|PST8PDT|WET|Etc/\S+)\Z")


def parse_span(text: str) -> float | None:
    """Seconds of a time span (``1h 30min``, ``300``), infinite for ``infinity``; None for what is none."""
    if text.strip() == "infinity":
        return float("inf")
    total, at = 0.0, 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or match[2] not in _UNITS or match.end() == at:
            return None
        total += float(match[1]) * _UNITS[match[2]]
        at = match.end()
    return total if text.strip() else None


def calendar_fault(text: str) -> str:
    """What is wrong with the value of an ``OnCalendar=``, empty where nothing is."""
    words = text.split()
    if not words:
        return "it is empty"
    if "%" in text or "{{" in text or "$" in text or "@" in words[0]:
        return ""  # a specifier or a template: nobody knows yet
    if len(words) > 1 and _ZONE.match(words[-1]):
        words = words[:-1]
    if len(words) == 1 and words[0].lower() in _SHORTHANDS:
        return ""
    if any(word.startswith("#") for word in words):
        return "a comment behind a value is part of the value"
    rest = words
    if rest and re.match(r"[A-Za-z]", rest[0]):
        if not _days(rest[0].rstrip(",")):
            return f"{rest[0]!r} is no day of the week and no word that systemd knows"
        rest = rest[1:]
    return _date_and_time(rest, words)


def _date_and_time(rest: list[str], words: list[str]) -> str:
    if len(rest) > 2:
        cron = len(words) == 5 and all(re.fullmatch(r"[\d*,/\-]+", word) for word in words)
        return "it is written as cron has it" if cron else f"{' '.join(rest)!r} is more than a date and a time"
    if not rest:
        return ""
    if len(rest) == 2:
        return _date(rest[0]) or _time(rest[1])
    return _time(rest[0]) if ":" in rest[0] else _date(rest[0])


def _days(text: str) -> bool:
    for part in text.split(","):
        ends = re.split(r"\.\.|-", part)
        if len(ends) > 2 or not all(any(day == one.lower() or (day[:3] == one.lower()) for day in _DAYS) for one in ends):
            return False
    return True


def _chain(text: str, least: int, most: int, name: str) -> str:
    if text == "*":
        return ""
    for item in text.split(","):
        match = _ITEM.match(item)
        if match is None:
            return f"{text!r} is no {name}" + (" (a * takes no /, write 0/...)" if text.startswith("*/") else "")
        numbers = [int(one) for one in (match[1], match[2]) if one is not None]
        if any(one < least or one > most for one in numbers):
            return f"{text!r} is no {name}: {least} to {most}"
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            return f"{text!r} ends before it begins"
        if match[3] is not None and int(match[3]) == 0:
            return f"{text!r} repeats after nothing"
    return ""


def _date(text: str) -> str:
    head, tilde, last = text.partition("~")
    parts = [*head.split("-"), last] if tilde else head.split("-")
    if len(parts) not in (2, 3):
        return f"{text!r} is no date"
    year = ["*", *parts][-3] if len(parts) == 2 else parts[0]
    faults = [_chain(year, 0, 2199, "year"), _chain(parts[-2], 1, 12, "month"), _chain(parts[-1], 1, 31, "day")]
    return next((fault for fault in faults if fault), "")


def _time(text: str) -> str:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        return f"{text!r} is no time"
    names = (("hour", 23), ("minute", 59), ("second", 60))
    faults = [_chain(part, 0, most, name) for part, (name, most) in zip(parts, names)]
    return next((fault for fault in faults if fault), "")
