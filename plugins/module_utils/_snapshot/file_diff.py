# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Differences of files in words."""

from __future__ import annotations

import datetime
import typing as t

from .model import Change
from .tree_diff import absolute

if t.TYPE_CHECKING:
    from .model import Entry, EntryChange
    from .tree_diff import Pair, TreeDiff


def _moment(nanoseconds: int) -> str:
    # Of what a person reads, a second is enough; two moments within one get their fractions.
    whole = datetime.datetime.fromtimestamp(nanoseconds // 1_000_000_000, datetime.timezone.utc)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{nanoseconds % 1_000_000_000:09d} UTC"


def describe_entry(entry: Entry) -> str:
    """What an entry is, in one line."""
    if entry.kind == "link":
        return f"link to {entry.target}"
    parts = [entry.kind, f"mode {entry.mode:04o}", f"owner {entry.uid}:{entry.gid}"]
    if entry.kind == "file":
        parts.append(f"{entry.size} bytes")
    return ", ".join(parts)


def _xattrs(entry: Entry, other: Entry) -> str:
    own, others = dict(entry.xattrs), dict(other.xattrs)
    names = sorted(name for name in {*own, *others} if own.get(name) != others.get(name))
    told = [f"{name} {'set' if name in own else 'not set'}" for name in names]
    return ", ".join(told)


def _field(entry: Entry, other: Entry, field: str, is_before: bool) -> str:
    if field == "kind":
        return describe_entry(entry)
    if field == "content":
        other_words = "" if is_before or entry.size != other.size else "other "
        return f"{other_words}content of {entry.size} bytes"
    if field == "links":
        return f"{entry.links} name{'s' if entry.links != 1 else ''}, hard links {'as recorded' if is_before else 'not as recorded'}"
    texts = {
        "target": f"link to {entry.target}",
        "mode": f"mode {entry.mode:04o}",
        "owner": f"owner {entry.uid}:{entry.gid}",
        "times": f"modified {_moment(entry.mtime_ns)}",
        "xattrs": _xattrs(entry, other),
    }
    return texts[field]


def _describe_pair(root: str, pair: Pair) -> Change:
    # Whoever writes to a file changes its time: said once is enough.
    fields = [field for field in pair.fields if field != "times" or not {"content", "target"} & set(pair.fields)]
    before = ", ".join(_field(pair.before, pair.now, field, is_before=True) for field in fields)
    after = ", ".join(_field(pair.now, pair.before, field, is_before=False) for field in fields)
    return Change("files", absolute(root, pair.before.path), before, after)


def describe_tree_diff(root: str, diff: TreeDiff) -> list[Change]:
    """The differences of a tree of which nothing is unsure, by path. A folder whose time alone changed is left out: what was
    made or removed in it is told itself."""
    found = [Change("files", absolute(root, entry.path), "", describe_entry(entry)) for entry in diff.added]
    found += [Change("files", absolute(root, entry.path), describe_entry(entry), "") for entry in diff.removed]
    found += [
        Change("files", absolute(root, entry.path), describe_entry(entry), "another file system is mounted there") for entry in diff.hidden
    ]
    found += [_describe_pair(root, pair) for pair in diff.changed if not (pair.now.kind == "folder" and pair.fields == ("times",))]
    return sorted(found, key=lambda change: change.name)


def describe_changes(changes: t.Iterable[EntryChange]) -> list[Change]:
    """The same where the entries are not at hand: what a comparison with the recorded tree found."""
    words = {"added": ("", "there"), "removed": ("there", "")}
    found = []
    for change in changes:
        before, after = words.get(change.what, ("as recorded", f"other {', '.join(change.fields)}"))
        found.append(Change("files", change.path, before, after))
    return found
