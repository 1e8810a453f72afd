# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What snapshots a host has, what is in one, and how it differs from now or from another."""

from __future__ import annotations

import typing as t

from .._errors import BadInput, Denied, GuardError, NothingThere
from .._snapshot.not_restorable import find_unrestorable
from .._snapshot.render_diff import printable, render_ansible_diff, render_difference
from .._snapshot.report import render_moment, report_difference, report_snapshot
from .comparison import NOW, compare
from .guard_record import read_needed_snapshot
from .store import STORE, Listed, list_snapshots, load_snapshot, open_trees, verify_snapshot

if t.TYPE_CHECKING:
    from .._host import Host


class Question(t.NamedTuple):
    """What is asked: of the snapshot ``name`` (None: the newest that is whole) what is in it, or how it differs from
    ``compare_to``; without either only the list. ``verify`` reads all of it and compares digests; ``content`` gives texts of
    files that differ."""

    name: str | None
    compare_to: str | None
    sections: tuple[str, ...]
    content: bool
    verify: bool
    timeout: float


def _list(host: Host, store: str) -> list[Listed]:
    try:
        return list_snapshots(host, store)
    except Denied as error:
        raise Denied(f"{error}; snapshots are for root alone, so run this as root (become: true)") from error


def _needed(host: Host) -> tuple[str | None, str]:
    """The snapshot that a guard needs, or why that is not known."""
    try:
        return read_needed_snapshot(host), ""
    except GuardError as error:
        return None, str(error)


def _report_listed(one: Listed, needed: str | None) -> dict[str, t.Any]:
    return {
        "name": one.id,
        "at": render_moment(one.at),
        "comment": one.comment,
        "paths": [printable(path) for path in one.paths],
        "size_bytes": one.size_bytes,
        "good": not one.problem,
        "problem": printable(one.problem),
        "needed_by_guard": one.id == needed,
    }


def _choose(question: Question, listed: t.Sequence[Listed], store: str) -> str:
    """The name that is asked about.

    :raises NothingThere: there is no such snapshot
    """
    good = [one.id for one in listed if not one.problem]
    if question.name is not None:
        if question.name not in [one.id for one in listed]:
            raise NothingThere(
                f"there is no snapshot {question.name} in {store}; there are: {', '.join(one.id for one in listed) or 'none'}"
            )
        return question.name
    if not good:
        raise NothingThere(f"there is no snapshot in {store} that is whole; take one with host_snapshot")
    return good[0]


def answer(host: Host, question: Question, store: str = STORE) -> dict[str, t.Any]:
    """The result of the module: plain values.

    :raises Denied: only root may look
    :raises NothingThere: there is no such snapshot
    :raises Damaged: the snapshot that is asked about is not whole
    :raises CouldNotLook: it cannot be read
    """
    listed = _list(host, store)
    needed, why = _needed(host)
    found: dict[str, t.Any] = {"snapshots": [_report_listed(one, needed) for one in listed], "notes": [printable(why)] if why else []}
    if question.name is None and question.compare_to is None:
        return found
    name = _choose(question, listed, store)
    if question.verify:
        for one in {name, question.compare_to or name} - {NOW}:
            verify_snapshot(host, one, store)
    if question.compare_to is None:
        found["snapshot"] = _show(host, name, question, store)
    else:
        found.update(_compare(host, name, question.compare_to, question, store))
    return found


def _show(host: Host, name: str, question: Question, store: str) -> dict[str, t.Any]:
    snapshot = load_snapshot(host, name, store)
    trees = [tree for tree, _contents in open_trees(host, name, store)]
    lost = find_unrestorable(snapshot.state, trees, snapshot.changed_while_read)
    return report_snapshot(snapshot, trees, lost, question.sections)


def _compare(host: Host, name: str, other: str, question: Question, store: str) -> dict[str, t.Any]:
    if name == other:
        raise BadInput(f"snapshot {name} is to be compared with itself; name another one, or 'now'")
    compared = compare(host, name, other, question.sections, question.content, question.timeout, store)
    header = "now" if other == NOW else f"snapshot {other}"
    before, after = render_difference(compared.difference)
    return {
        "difference": {"name": name, "compare_to": other, **report_difference(compared.difference, compared.texts)},
        "before": before.splitlines(),
        "after": after.splitlines(),
        "diff": render_ansible_diff(compared.difference, compared.texts, f"snapshot {name}", header),
    }
