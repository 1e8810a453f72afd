# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The look after the last step: whether the host is as it was."""

from __future__ import annotations

import typing as t

from .._collect.state import collect_host_state
from .._snapshot.file_diff import describe_changes
from .._snapshot.model import Change, Difference
from .._snapshot.restored import diff_restored
from .._snapshot.unit_diff import describe_unit, unit_section, unit_title
from .._snapshot.unit_plan import BroughtBack, plan_units
from .tree_steps import without_bystanders

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.model import EntryChange, HostState, Snapshot
    from .._snapshot.unit_plan import Frame, Span
    from .tree_steps import Files

LOOK = 30.0
"""Seconds for one look at the host."""

# Seconds: for the host to settle; without a change, after which it has.
_SETTLING = 20.0
_STEADY = 5.0


def diff_host(snapshot: Snapshot, now: HostState, changes: t.Sequence[EntryChange], frame: Frame) -> Difference:
    """How the host differs from a snapshot in what a restore answers for; ``changes`` is how its files do."""
    states = diff_restored(snapshot.state, now, frame.own_unit)
    return Difference((*describe_changes(without_bystanders(changes)), *states.changes), states.unseen)


class Verification:
    """Looks at a host that was brought back to a snapshot. ``spans`` is what files were brought back, and when."""

    def __init__(self, host: WritableHost, snapshot: Snapshot, files: Files, frame: Frame, spans: t.Mapping[str, Span]) -> None:
        self._host = host
        self._snapshot = snapshot
        self._files = files
        self._frame = frame
        self._spans = spans

    def look(self, patience: float) -> tuple[HostState, Difference]:
        """Look until the host is as it was, or does not come nearer to it, for at most ``patience`` seconds; 0 looks once."""
        end = self._host.uptime() + min(patience, _SETTLING)
        last, since = None, self._host.uptime()
        while True:
            if patience:
                # What was just started shows within a second whether it stays up.
                self._host.run(("sleep", "1"), 10)
            now = collect_host_state(self._host, LOOK)
            remaining = self._find_remaining(now)
            if remaining != last:
                last, since = remaining, self._host.uptime()
            is_steady = self._host.uptime() - since >= _STEADY
            if not patience or is_steady or not _may_settle(remaining) or self._host.uptime() >= end:
                return now, remaining

    def _find_remaining(self, now: HostState) -> Difference:
        changes, unseen = self._files.compare(self._host)
        unsteady = set(self._snapshot.changed_while_read)
        found = diff_host(self._snapshot, now, [change for change in changes if change.path not in unsteady], self._frame)
        told = {change.name for change in found.changes}
        stale = [change for change in self._find_stale(now) if change.name not in told]
        return Difference((*found.changes, *stale), (*unseen, *found.unseen))

    def _find_stale(self, now: HostState) -> t.Iterator[Change]:
        """Units that are up as they were, and still run with what the change had made of their definitions or files."""
        plan = plan_units(self._snapshot.state.units, now.units, BroughtBack(self._spans), self._frame)
        for unit in now.units:
            if (unit.user, unit.name) in plan.stop:
                words = f"{describe_unit(unit)}, not restarted since its files were brought back"
                yield Change(unit_section(unit.name), unit_title(unit), describe_unit(unit), words)


def _may_settle(remaining: Difference) -> bool:
    """Whether time may yet make right what remains; it brings no file back."""
    return bool(remaining.unseen) or any(change.section != "files" for change in remaining.changes)
