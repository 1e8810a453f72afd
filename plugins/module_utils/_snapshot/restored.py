# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Whether a host is as it was, as far as a restore answers for it; and what an earlier restore of the same snapshot has
left to know."""

from __future__ import annotations

import json
import typing as t

from .._errors import Unparsable
from .diff import diff_states
from .model import Change, Difference
from .scope import find_managed
from .unit_diff import describe_unit, unit_section, unit_title
from .unit_match import find_unit_differences
from .unit_plan import Settled, Span

if t.TYPE_CHECKING:
    from .model import HostState
    from .scope import Key
    from .unit_match import UnitDifference

_UNIT_SECTIONS = ("units", "timers", "sockets")


class Progress(t.NamedTuple):
    """A restore that has begun and was perhaps cut off: in which boot, and the files that it brings back."""

    boot: str
    files: t.Mapping[str, Span]


class Settlement(t.NamedTuple):
    """A restore that was verified: in which boot, and the runs of units that count as recorded since."""

    boot: str
    units: t.Mapping[Key, Settled]


def diff_restored(before: HostState, now: HostState, own_unit: str | None = None) -> Difference:
    """How a host differs from a snapshot in what a restore answers for, but for the files. ``own_unit`` is the unit that
    this runs in. Of units the same judgement counts that the plan is made by."""
    found = diff_states(before, now, in_scope=find_managed(before.units, now.units, own_unit))
    units = find_unit_differences(before.units, now.units, before.boot == now.boot, own_unit)
    others = [change for change in found.changes if change.section not in _UNIT_SECTIONS]
    return Difference((*(_as_change(one) for one in units), *others), _find_new_blindness(before, now))


def _as_change(difference: UnitDifference) -> Change:
    _key, _fields, before, now = difference
    one = now or before
    if one is None:
        raise Unparsable(f"a difference of no unit: {difference!r}")
    return Change(
        unit_section(one.name),
        unit_title(one),
        describe_unit(before) if before else "",
        describe_unit(now) if now else "",
    )


def _find_new_blindness(before: HostState, now: HostState) -> tuple[tuple[str, str], ...]:
    """What could be seen when the snapshot was taken and cannot be now. What could not be seen then is nothing to verify."""
    unseen_before = {what for what, _why in (*before.unseen, *before.engines.unseen)}
    return tuple((what, why) for what, why in (*now.unseen, *now.engines.unseen) if what not in unseen_before)


def find_settled(before: HostState, now: HostState) -> dict[Key, Settled]:
    """The runs that are others than the recorded ones."""
    old = {(unit.user, unit.name): (unit.invocation, unit.changed) for unit in before.units}
    found = {(unit.user, unit.name): Settled(unit.invocation, unit.changed) for unit in now.units if unit.invocation}
    return {key: run for key, run in found.items() if old.get(key) != tuple(run)}


def render_settlement(settlement: Settlement) -> bytes:
    """As text for a file beside the snapshot."""
    units = [[user, name, *run] for (user, name), run in settlement.units.items()]
    return json.dumps({"boot": settlement.boot, "units": units}).encode()


def parse_settlement(text: bytes, where: str) -> Settlement:
    """What :func:`render_settlement` wrote.

    :raises Unparsable: it is not that; the text names the file
    """
    try:
        read = json.loads(text)
        units = {(user, str(name)): Settled(str(run), float(changed)) for user, name, run, changed in read["units"]}
        return Settlement(str(read["boot"]), units)
    except (ValueError, KeyError, TypeError) as error:
        raise Unparsable(f"{where} cannot be read ({error}); remove it: at worst, services are restarted once more") from error


def render_progress(progress: Progress) -> bytes:
    """As text for a file beside the snapshot; bytes in paths that are not UTF-8 survive."""
    return json.dumps({"boot": progress.boot, "files": {path: list(span) for path, span in progress.files.items()}}).encode()


def parse_progress(text: bytes, where: str) -> Progress:
    """What :func:`render_progress` wrote.

    :raises Unparsable: it is not that; the text names the file
    """
    try:
        read = json.loads(text)
        return Progress(str(read["boot"]), {str(path): Span(*span) for path, span in read["files"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unparsable(f"{where} cannot be read ({error}); remove it and restore again") from error
