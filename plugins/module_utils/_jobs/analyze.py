# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What ``systemd-analyze`` prints, and the runs that come next."""

from __future__ import annotations

import datetime
import re
import typing as t

from .._errors import Unparsable

if t.TYPE_CHECKING:
    from .pair_model import Spans

_MICROSECONDS = re.compile(r"^\s*(?:μs|µs|us): (\d+)$", re.MULTILINE)
_RUN = re.compile(r"^\s*(?:Next elapse|Iter\. #\d+|Iteration #\d+): (?P<local>.+)$")
_IN_UTC = re.compile(r"^\s*\(in UTC\): (?P<utc>.+)$")
_STAMP = re.compile(r"(?:\w{3} )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? UTC\Z")
_LINE_OF_A_UNIT = re.compile(r"^(?:/\S*/)?[\w:@.\\-]+\.(?:service|timer|target|socket|mount|slice|path|device|swap|automount|scope)[:. ]")


def parse_timespan(text: str) -> int:
    """Microseconds out of ``systemd-analyze timespan``.

    :raises Unparsable: there are none in it
    """
    match = _MICROSECONDS.search(text)
    if match is None:
        raise Unparsable(f"systemd-analyze timespan prints no microseconds: {text.strip()[:200]!r}")
    return int(match[1])


def parse_stamp(text: str) -> datetime.datetime | None:
    """A moment that systemd printed in UTC; None for none (``n/a``, or an empty text)."""
    match = _STAMP.match(text.strip())
    if match is None:
        return None
    return datetime.datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)


def parse_calendar(text: str) -> list[datetime.datetime]:
    """The runs that ``systemd-analyze calendar --iterations=`` lists, none where it never elapses.

    :raises Unparsable: a run whose moment cannot be read
    """
    found: list[datetime.datetime] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        run = _RUN.match(line)
        if run is None or run["local"].strip() == "never":
            continue
        utc = _IN_UTC.match(lines[number + 1]) if number + 1 < len(lines) else None
        moment = parse_stamp(utc["utc"] if utc else run["local"])
        if moment is None:
            raise Unparsable(f"systemd-analyze calendar prints a moment that cannot be read: {line.strip()!r}")
        found.append(moment)
    return found


def plan_runs(
    calendar: t.Iterable[datetime.datetime],
    spans: Spans,
    now: datetime.datetime,
    uptime: float,
    last: datetime.datetime | None,
    most: int = 5,
) -> list[str]:
    """The next runs as ``2026-11-21T00:00:00Z``, without jitter. ``uptime`` is seconds; ``last`` is the last run, None where
    there was none. An interval that counts from the end of a run is taken as if runs took no time."""
    moments = {moment for moment in calendar if moment > now}
    interval = spans.repeats_after
    if spans.on_boot_sec is not None or interval is not None:
        first = _first_run(spans, now, uptime, last)
        if first is not None:
            step = datetime.timedelta(microseconds=interval) if interval is not None else None
            moments |= {first + step * count for count in range(most)} if step else {first}
    return [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in sorted(moments)[:most]]


def _first_run(spans: Spans, now: datetime.datetime, uptime: float, last: datetime.datetime | None) -> datetime.datetime | None:
    interval = spans.repeats_after
    if last is not None and interval is not None:
        return max(now, last + datetime.timedelta(microseconds=interval))
    if spans.on_boot_sec is None:
        return None  # a calendar starts the first run
    # A moment that has passed already fires as soon as the timer is started.
    return now + datetime.timedelta(seconds=max(0.0, spans.on_boot_sec / 1e6 - uptime))


# systemd 247 colours what it prints to a pipe, too.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Complaints(t.NamedTuple):
    """Lines of ``systemd-analyze verify``: those about the pair, those about other units, and those about none."""

    own: tuple[str, ...]
    others: tuple[str, ...]
    unclear: tuple[str, ...]


def parse_complaints(text: str, names: t.Collection[str], staged: str, folder: str) -> Complaints:
    """What ``systemd-analyze verify`` found wrong. ``names`` are the units that were asked about; paths below ``staged``,
    where their copies lie, are told as the paths in ``folder`` that they will have."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    own = re.compile(rf"(?<![\w@:.\\-])(?:{'|'.join(map(re.escape, names))})")
    for line in _COLOUR.sub("", text).splitlines():
        if not line.strip():
            continue
        match = _LINE_OF_A_UNIT.match(line)
        if own.search(line):
            found[0].append(line.replace(staged, folder))
        else:
            found[1 if match else 2].append(line.replace(staged, folder))
    return Complaints(tuple(found[0]), tuple(found[1]), tuple(found[2]))
