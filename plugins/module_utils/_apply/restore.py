# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Brings a host back to a snapshot, and looks afterwards whether it is."""

from __future__ import annotations

import typing as t

from .._snapshot.model import Difference, Unrestorable

if t.TYPE_CHECKING:
    from .._host import WritableHost

STORE = "/var/lib/guarded-deploy/snapshots"


class RestoreRequest(t.NamedTuple):
    """What to bring back. ``stage`` is ``whole``, or of a boot ``early`` (files, links, reload; before what they describe
    is started; waits for nothing) or ``late`` (all the rest, and the verification). ``accept_loss`` also restores where
    someone else's changes are lost by it, which is otherwise refused; ``by_guard`` never refuses over them, and notes
    them. ``timeout`` is seconds for one command, and for the host to settle."""

    id: str
    stage: str = "whole"
    accept_loss: bool = False
    by_guard: bool = False
    check: bool = False
    timeout: float = 120.0


class RestoreOutcome(t.NamedTuple):
    """What was done, or would be with ``check``.

    ``steps`` are what was done, as lines for a person. ``difference`` is how the host differed from the snapshot before,
    ``remaining`` how it still does. ``verified`` says whether the host is as it was, by a look after the last step; None
    where there was none (``check``, ``early``). **It is returned with ``verified`` False, not raised: the caller fails,**
    **and says what ``remaining`` and ``failures`` hold.** ``failures`` are steps that did not succeed; with ``verified`` True
    the host is as it was in spite of them. ``unrestored`` is what a restore never brings back, ``notes`` what else is worth
    knowing.
    """

    changed: bool
    steps: tuple[str, ...]
    difference: Difference
    verified: bool | None
    remaining: Difference
    unrestored: tuple[Unrestorable, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def restore(host: WritableHost, request: RestoreRequest, store: str = STORE) -> RestoreOutcome:
    """Bring the host back to a snapshot; restoring again changes nothing, and one that was cut off can be run again.

    :raises Damaged: the snapshot is not whole; nothing was touched
    :raises NothingThere: there is no such snapshot
    :raises Refused: another restore runs, it is not root, or someone else's changes would be lost; nothing was touched
    :raises CouldNotLook: how the host stands now cannot be told at all; nothing was touched
    """
    raise NotImplementedError


def describe_failure(outcome: RestoreOutcome) -> str:
    """Why the host is not as it was, in words for an error; only for an outcome with ``verified`` False."""
    lines = [
        f"{change.section} {change.name}: is {change.after or 'gone'}, was {change.before or 'not there'}"
        for change in outcome.remaining.changes
    ]
    lines += [f"{what} could not be looked at: {why}" for what, why in outcome.remaining.unseen]
    lines += outcome.failures
    return f"the host is not as it was in the snapshot; {len(lines)} remaining: " + "; ".join(lines)
