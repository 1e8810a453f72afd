# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Two looks at a tree compared by what the entries' metadata tell: what is certainly equal, what differs, and of what only the
content can tell."""

from __future__ import annotations

import typing as t

from .model import MOUNTED, Entry, EntryChange, Tree

FIELDS = ("kind", "content", "target", "mode", "owner", "times", "xattrs", "links")
# A label is the policy's: where it is known on one side only, the policy was switched on or off, not the file changed.
_SELINUX = "security.selinux"


class Pair(t.NamedTuple):
    """An entry before and now, and the fields in which they differ as far as metadata tell."""

    before: Entry
    now: Entry
    fields: tuple[str, ...]


class TreeDiff(t.NamedTuple):
    """What differs. ``unsure`` are regular files whose content may differ: their sizes are equal, and inode, ctime or mtime is
    not. ``hidden`` are recorded entries on which another file system is mounted now."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Pair, ...]
    unsure: tuple[Pair, ...]
    hidden: tuple[Entry, ...] = ()


def diff_entries(before: Tree, now: Tree) -> TreeDiff:
    """Compare two looks at the same path.

    Files with the same inode, ctime, mtime and size are the same content: whoever writes to a file cannot keep its ctime. A
    folder's mtime counts as ``times``. A hard link counts as ``links`` where recorded names that were one file are not, or the
    other way round. Sockets are made by what listens on them, so none counts as a difference by itself. What either look left
    out is not compared, and a new folder that holds something left out is none.
    """
    then, here = _by_path(before, now), _by_path(now, before)
    hidden = _find_hidden(before, now)
    moved = _find_relinked(then, here)
    removed, changed, unsure = [], [], []
    for path, entry in then.items():
        found = here.get(path)
        if found is None:
            if entry.kind != "socket":
                removed.append(entry)
        elif (entry is not found and entry != found) or path in moved:
            pair = _compare(entry, found, path in moved)
            if _is_unsure(entry, found):
                unsure.append(pair)
            elif pair.fields:
                changed.append(pair)
    kept = {folder for path, _why in now.left_out for folder in _folders_above(path)}
    added = [entry for path, entry in here.items() if _is_added(entry, then) and path not in kept]
    return TreeDiff(tuple(added), tuple(removed), tuple(changed), tuple(unsure), hidden)


def list_changes(root: str, diff: TreeDiff) -> tuple[EntryChange, ...]:
    """The differences that are certain, by path."""
    found = [EntryChange(absolute(root, entry.path), "added") for entry in diff.added]
    found += [EntryChange(absolute(root, entry.path), "removed") for entry in diff.removed]
    found += [EntryChange(absolute(root, pair.before.path), "changed", pair.fields) for pair in diff.changed]
    found += [EntryChange(absolute(root, entry.path), "changed", ("kind",)) for entry in diff.hidden]
    return tuple(sorted(found))


def absolute(root: str, path: str) -> str:
    """The absolute path of an entry of the tree at ``root``."""
    return root if path == "." else f"{root.rstrip('/')}/{path}"


def with_content(pair: Pair) -> Pair:
    """The pair, once its contents have turned out to differ."""
    return pair._replace(fields=tuple(field for field in FIELDS if field in pair.fields or field == "content"))


def _folders_above(path: str) -> t.Iterator[str]:
    while path != ".":
        path = path.rpartition("/")[0] or "."
        yield path


def _is_within(path: str, tops: t.Container[str]) -> bool:
    return path in tops or any(folder in tops for folder in _folders_above(path))


def _by_path(tree: Tree, other: Tree) -> dict[str, Entry]:
    """The entries of a tree but those that the other look left out."""
    tops = {path for path, _why in other.left_out}
    if not tops:
        return {entry.path: entry for entry in tree.entries}
    return {entry.path: entry for entry in tree.entries if not _is_within(entry.path, tops)}


def _find_hidden(before: Tree, now: Tree) -> tuple[Entry, ...]:
    mounts = {path for path, why in now.left_out if why == MOUNTED}
    return tuple(entry for entry in before.entries if entry.path in mounts) if mounts else ()


def _is_added(entry: Entry, then: dict[str, Entry]) -> bool:
    recorded = then.get(entry.path)
    if recorded is not None:
        return recorded.kind == "socket" and entry.kind != "socket"
    if entry.kind != "socket" or entry.path == ".":
        return True
    folder = then.get(entry.path.rpartition("/")[0] or ".")
    return folder is None or folder.kind != "folder"


def group_names(entries: t.Iterable[Entry]) -> dict[int, list[str]]:
    """The names of every inode that has several, in their order."""
    groups: dict[int, list[str]] = {}
    for entry in entries:
        if entry.links > 1 and entry.kind != "folder":
            groups.setdefault(entry.inode, []).append(entry.path)
    return groups


def _name_groups(entries: dict[str, Entry], common: t.Container[str]) -> dict[str, frozenset[str]]:
    found = {}
    for names in group_names(entries.values()).values():
        group = frozenset(name for name in names if name in common)
        found.update(dict.fromkeys(group, group))
    return found


def _find_relinked(then: dict[str, Entry], here: dict[str, Entry]) -> set[str]:
    """The paths, known to both, whose names for one file are not the same as before."""
    before, now = _name_groups(then, here), _name_groups(here, then)
    alone: frozenset[str] = frozenset()
    return {path for path in before.keys() | now.keys() if before.get(path, alone | {path}) != now.get(path, alone | {path})}


def _labels_aside(entry: Entry, other: Entry) -> dict[str, bytes]:
    found = dict(entry.xattrs)
    if _SELINUX not in dict(other.xattrs):
        found.pop(_SELINUX, None)
    return found


def _compare(before: Entry, now: Entry, relinked: bool) -> Pair:
    if before.kind != now.kind:
        return Pair(before, now, () if before.kind == "socket" else ("kind",))
    if before.kind == "socket":
        return Pair(before, now, ())
    differs = {
        "content": before.kind == "file" and before.size != now.size,
        "target": before.target != now.target,
        "mode": before.kind != "link" and before.mode != now.mode,
        "owner": (before.uid, before.gid) != (now.uid, now.gid),
        "times": before.mtime_ns != now.mtime_ns,
        "xattrs": before.xattrs != now.xattrs and _labels_aside(before, now) != _labels_aside(now, before),
        "links": relinked,
    }
    return Pair(before, now, tuple(field for field in FIELDS if differs.get(field)))


def _is_unsure(before: Entry, now: Entry) -> bool:
    if before.kind != "file" or now.kind != "file" or before.size != now.size or before.size == 0:
        return False
    return (before.ctime_ns, before.inode, before.mtime_ns) != (now.ctime_ns, now.inode, now.mtime_ns)
