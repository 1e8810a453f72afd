# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The note of how a host stood when a change was confirmed, and what others have changed since."""

from __future__ import annotations

import typing as t

from .._collect.packages import collect_owned_files
from .._collect.state import collect_host_state
from .._errors import GuardError, NothingThere, Unparsable
from .._snapshot.codec import Index, parse_index, parse_state, render_index, render_state
from .._snapshot.foreign import After, Foreign, find_foreign, find_package_changes
from .._snapshot.tree_diff import list_changes
from .._tree.compare import compare_with_host
from .._tree.walk import walk
from .store import STORE, list_snapshots, open_trees, parse_id

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost
    from .._snapshot.model import EntryChange, HostState, Snapshot, Tree

_ENDING = ".after.json"
_MOST_PACKAGES = 40  # a release upgrade changes hundreds; to ask for the files of each would take a minute


def after_path(name: str, store: str = STORE) -> str:
    """Where the note of a snapshot lies: beside it, since a snapshot is never changed."""
    return f"{store}/{parse_id(name)}{_ENDING}"


def note_after(host: WritableHost, name: str, store: str = STORE, timeout: float = 30.0) -> None:
    """Write down how the host stands now that the change which a snapshot was taken for is done and confirmed: its state
    and the entries of the snapshot's paths, no contents. A second note replaces the first.

    :raises NothingThere: there is no such snapshot
    :raises CouldNotLook: the host could not be looked at
    :raises StepFailed: it cannot be written
    """
    state = collect_host_state(host, timeout)
    documents = [render_state(state)]
    for recorded, _contents in open_trees(host, name, store):
        tree = _walk_again(recorded)
        documents.append(render_index(Index(tree, (-1,) * len(tree.entries))))
    # One document in each line, so that none is held twice.
    host.write_file(after_path(name, store), b"".join(one.replace(b"\n", b" ") + b"\n" for one in documents), 0o600)


def _walk_again(recorded: Tree) -> Tree:
    return walk(recorded.root, recorded.excluded, one_file_system=recorded.one_file_system, left_out=recorded.left_out)


def read_after(host: Host, name: str, store: str = STORE) -> After | None:
    """What was noted for a snapshot; None where nothing was.

    :raises Unparsable: it is damaged
    """
    path = after_path(name, store)
    try:
        lines = host.read_bytes(path).splitlines()
    except NothingThere:
        return None
    if not lines:
        raise Unparsable(f"{path} is empty; remove it, and nobody's changes can be told apart")
    return After(parse_state(lines[0], path), tuple(parse_index(line, path).tree for line in lines[1:]))


class ComparedPaths(t.NamedTuple):
    """The recorded paths compared with the host: what differs, the paths as they are now, and what could not be read."""

    changes: t.Sequence[EntryChange]
    trees: t.Sequence[Tree]
    failures: t.Sequence[str]


def collect_foreign(
    host: Host, snapshot: Snapshot, now: HostState, store: str = STORE, timeout: float = 30.0, compared: ComparedPaths | None = None
) -> Foreign:
    """What a restore of a snapshot would undo of somebody else's. What cannot be told is in ``unseen``, and is no less a
    reason to ask than what can. Who has ``compared`` the paths just now need not wait for it again.

    :raises CouldNotLook: a recorded path cannot be compared with the host
    """
    changes, trees, failures = compared or _compare(host, snapshot, store)
    unseen = list(failures)
    try:
        after = read_after(host, snapshot.id, store)
    except GuardError as error:
        after = None
        unseen.append(str(error))
    packages = find_package_changes(snapshot.state, now, after)
    owners: dict[str, str] = {}
    if changes and packages:
        try:
            owners = collect_owned_files(host, [one.name for one in packages if one.after][:_MOST_PACKAGES], timeout)
        except GuardError as error:
            unseen.append(f"the files of packages: {error}")
    newer = [one.id for one in list_snapshots(host, store) if one.at > snapshot.at and one.id != snapshot.id and not one.problem]
    return find_foreign(snapshot.state, now, changes, after, trees, owners, newer)._replace(unseen=tuple(unseen))


def _compare(host: Host, snapshot: Snapshot, store: str) -> ComparedPaths:
    changes: list[EntryChange] = []
    trees: list[Tree] = []
    failures: list[str] = []
    for recorded, contents in open_trees(host, snapshot.id, store):
        comparison = compare_with_host(recorded, contents)
        changes += list_changes(recorded.root, comparison.diff)
        trees.append(comparison.now)
        failures += comparison.failures
    return ComparedPaths(changes, trees, failures)
