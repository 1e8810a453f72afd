# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What people are told of a guard."""

from __future__ import annotations

import datetime
import typing as t

from .model import ARMED, CONFIRMED, FIRING, ROLLED_BACK, Record

_MOST_LINES = 5


def format_moment(at: float) -> str:
    """A moment (seconds since the epoch) in UTC, as 2026-03-01 12:00:00Z."""
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def describe_armed(record: Record, left: float) -> str:
    """Who holds the lock, since when and until when."""
    why = f" ({record.reason})" if record.reason else ""
    return (
        f"a deployment holds this host: {record.holder}{why}, since {format_moment(record.armed_at)}, "
        f"until {format_moment(record.ends_at)} ({max(left, 0):.0f} s left), with snapshot {record.snapshot}"
    )


def describe_end(record: Record) -> str:
    """How a guard ended, and what is to be done where it did not end well."""
    when = format_moment(record.ended_at)
    whose = f"the deployment of {record.holder} (snapshot {record.snapshot})"
    if record.state == CONFIRMED:
        return f"{whose} was ended at {when}: {record.cause}"
    if record.state == ROLLED_BACK:
        return f"rolled_back: {whose} was rolled back at {when}: {record.cause}"
    if record.state == FIRING:
        return f"{whose} is being rolled back: {record.cause}"
    left = _some([*record.result.get("failures", ()), *record.result.get("remaining", ())])
    return (
        f"rollback_failed: {whose} should have been rolled back ({record.cause}), and at {when} the host was not as it was: {left}. "
        "It stays locked. Mend what stands in the way, and run the rollback again (state: triggered, with this snapshot); or accept "
        "the host as it is (state: confirmed, with this snapshot and accept_loss: true)"
    )


def describe_nothing_armed(record: Record | None) -> str:
    """That no guard is armed, and how the last one ended."""
    if record is None:
        return "no guard is armed on this host, and none ever was"
    return f"no guard of this run is armed on this host. The last: {describe_end(record)}"


def describe_now(record: Record | None, left: float) -> str:
    """How a guard stands, in a sentence."""
    if record is None:
        return describe_nothing_armed(None)
    return describe_armed(record, left) if record.state == ARMED else describe_end(record)


def _some(lines: t.Sequence[str]) -> str:
    more = f"; and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
    return "; ".join(lines[:_MOST_LINES]) + more if lines else "the rollback did not come to its end"


def describe_journal(record: Record) -> str:
    """One line for the journal."""
    if record.state != ARMED:
        return describe_end(record)
    why = f" ({record.reason})" if record.reason else ""
    return f"armed by {record.holder}{why}: rolls back to snapshot {record.snapshot} at {format_moment(record.ends_at)} unless confirmed"
