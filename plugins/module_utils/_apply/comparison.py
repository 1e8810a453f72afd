# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A snapshot compared with the host as it is now, or with another snapshot."""

from __future__ import annotations

import functools
import typing as t

from .._collect.state import collect_host_state
from .._errors import GuardError
from .._snapshot.diff import diff_states
from .._snapshot.file_diff import describe_tree_diff
from .._snapshot.model import Difference
from .._snapshot.redact import MOST_BYTES, why_hidden
from .._snapshot.render_diff import TextDiff, make_text_diff
from .._snapshot.tree_diff import TreeDiff, absolute, diff_entries
from .._tree.compare import compare_recorded, compare_with_host
from .._tree.excerpt import read_present, read_recorded
from .store import STORE, load_snapshot, open_trees

if t.TYPE_CHECKING:
    from .._host import Host
    from .._snapshot.model import Entry, Tree
    from .._tree.contents import Contents

NOW = "now"
"""What a snapshot is compared with where it is not another one."""

_MOST_TEXTS = 50
_Reader = t.Callable[[str], bytes]


class Sides(t.NamedTuple):
    """A tree's difference, and what reads the beginning of a file (path relative to the root) on either side."""

    root: str
    diff: TreeDiff
    before: _Reader
    after: _Reader


class Compared(t.NamedTuple):
    """What differs, and the texts of files that do, as far as they may be shown."""

    difference: Difference
    texts: tuple[TextDiff, ...] = ()


def compare(host: Host, name: str, other: str, sections: t.Container[str], content: bool, timeout: float, store: str = STORE) -> Compared:
    """How the host as it is now (``other`` is ``now``), or as another snapshot has it, differs from a snapshot.

    Only the ``sections`` are told; ``content`` also gives texts of files. What cannot be compared is in ``unseen``.

    :raises NothingThere: there is no such snapshot
    :raises Damaged: a snapshot is not whole
    :raises CouldNotLook: a snapshot cannot be read
    """
    before = load_snapshot(host, name, store)
    if other == NOW:
        # The host is asked while its files are compared.
        look = host.beside(functools.partial(collect_host_state, host, timeout, mark=False))
        trees, unseen = _trees_now(host, name, store) if "files" in sections else ([], [])
        state = look()
    else:
        state = load_snapshot(host, other, store).state
        trees, unseen = _trees_of(host, name, other, store) if "files" in sections else ([], [])
    found = diff_states(before.state, state)
    changes = [change for one in trees for change in describe_tree_diff(one.root, one.diff)]
    changes += [change for change in found.changes if change.section in sections]
    texts = _texts(trees) if content else ()
    return Compared(Difference(tuple(changes), (*unseen, *found.unseen)), tuple(texts))


def _trees_now(host: Host, name: str, store: str) -> tuple[list[Sides], list[tuple[str, str]]]:
    found: list[Sides] = []
    unseen: list[tuple[str, str]] = []
    for recorded, contents in open_trees(host, name, store):
        try:
            comparison = compare_with_host(recorded, contents)
        except GuardError as error:
            unseen.append((f"files below {recorded.root}", str(error)))
            continue
        unseen += [(f"files below {recorded.root}", why) for why in comparison.failures]
        present = functools.partial(read_present, recorded.root, most=MOST_BYTES + 1)
        found.append(Sides(recorded.root, comparison.diff, _recorded(contents), present))
    return found, unseen


def _recorded(contents: Contents) -> _Reader:
    return lambda path: read_recorded(contents, path, MOST_BYTES + 1)


def _trees_of(host: Host, name: str, other: str, store: str) -> tuple[list[Sides], list[tuple[str, str]]]:
    first = {tree.root: (tree, contents) for tree, contents in open_trees(host, name, store)}
    second = {tree.root: (tree, contents) for tree, contents in open_trees(host, other, store)}
    unseen = [
        (f"files below {root}", f"only one of the snapshots has recorded them ({name if root in first else other})")
        for root in sorted(first.keys() ^ second.keys())
    ]
    found = []
    for root in sorted(first.keys() & second.keys()):
        (before, contents), (after, other_contents) = first[root], second[root]
        try:
            diff = _diff_recorded(before, contents, after, other_contents)
        except GuardError as error:
            unseen.append((f"files below {root}", str(error)))
            continue
        found.append(Sides(root, diff, _recorded(contents), _recorded(other_contents)))
    return found, unseen


def _diff_recorded(before: Tree, contents: Contents, after: Tree, other: Contents) -> TreeDiff:
    """The difference of two records, contents compared."""
    certain = {change.path: change.fields for change in compare_recorded(before, contents, after, other)}
    diff = diff_entries(before, after)
    settled = [pair._replace(fields=certain.get(absolute(before.root, pair.before.path), ())) for pair in diff.unsure]
    return diff._replace(changed=(*diff.changed, *(pair for pair in settled if pair.fields)), unsure=())


class _Text(t.NamedTuple):
    sides: Sides
    before: Entry | None
    after: Entry | None

    @property
    def path(self) -> str:
        entry = self.before or self.after
        return absolute(self.sides.root, entry.path) if entry is not None else self.sides.root


def _differing_texts(trees: t.Iterable[Sides]) -> t.Iterator[_Text]:
    """The regular files whose contents differ, or that are on one side only."""
    for sides in trees:
        for pair in sides.diff.changed:
            if "content" in pair.fields:
                yield _Text(sides, pair.before, pair.now)
        yield from (_Text(sides, None, entry) for entry in sides.diff.added if entry.kind == "file")
        yield from (_Text(sides, entry, None) for entry in sides.diff.removed if entry.kind == "file")


def _texts(trees: t.Iterable[Sides]) -> t.Iterator[TextDiff]:
    for number, text in enumerate(sorted(_differing_texts(trees), key=lambda text: text.path)):
        if number == _MOST_TEXTS:
            yield TextDiff(text.path, "", "", f"more than {_MOST_TEXTS} files differ; this one and what follows it are not shown")
            return
        yield _text(text)


def _text(text: _Text) -> TextDiff:
    entries = [entry for entry in (text.before, text.after) if entry is not None]
    why = next(filter(None, (why_hidden(text.path, entry.mode) for entry in entries)), "")
    if why:
        return TextDiff(text.path, "", "", why)
    try:
        before = text.sides.before(text.before.path) if text.before is not None else b""
        after = text.sides.after(text.after.path) if text.after is not None else b""
    except GuardError as error:
        return TextDiff(text.path, "", "", str(error))
    return make_text_diff(text.path, before, after)
