# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The snapshots of a host: one folder each, whole or not there."""

from __future__ import annotations

import hashlib
import re
import typing as t

from .._errors import BadInput, CouldNotLook, Damaged, NothingThere, Refused, StepFailed, Unparsable
from .._snapshot.codec import Index, parse_head, parse_index, parse_snapshot
from .._snapshot.sums import COMPLETE, SUMS, parse_seal, parse_sums, render_seal, render_sums
from .._tree.archive import Archive
from .._tree.digest import digest_file
from .._tree.durable import file_sizes, publish, set_aside, write_new
from .guard_record import read_needed_snapshot

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost
    from .._snapshot.model import Snapshot, Tree

STORE = "/var/lib/guarded-deploy/snapshots"
HEAD = "snapshot.json"
HOOKS = "hooks"
LOCK = ".lock"
NEW, OLD = ".new-", ".old-"
# What lies beside a snapshot: how the host stood when its restore, or the change after it, was done; a restore cut off.
RESTORING = ".restoring.json"
BESIDE = (".settled.json", ".after.json", RESTORING)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_READERS = 2
_LARGEST_LIST = 1 << 26


class Listed(t.NamedTuple):
    """A snapshot in a list. ``size_bytes`` counts what it shares with others in full. ``problem`` says why it cannot be
    used, empty where its files are all there in their sizes (their digests are not looked at)."""

    id: str
    at: float
    paths: tuple[str, ...]
    comment: str
    size_bytes: int
    problem: str = ""


def parse_id(text: str) -> str:
    """The id of a snapshot, which is also the name of its folder.

    :raises BadInput: it cannot be one
    """
    if not _ID.fullmatch(text) or text.endswith(BESIDE):
        raise BadInput(f"{text!r} is no name of a snapshot; take letters, digits, '-', '_' and '.', 100 at most, a letter or digit first")
    return text


def tree_stem(number: int) -> str:
    """The name of a tree's files without their endings."""
    return f"tree-{number:03d}"


def seal_snapshot(folder: str, place: str, digests: t.Mapping[str, str]) -> None:
    """Close a snapshot that lies in ``folder`` and whose files have these digests, make it durable, and put it in its place.

    :raises StepFailed: it cannot be written, or has other files than those
    """
    sizes = file_sizes(folder)
    if sizes.keys() != digests.keys():
        raise StepFailed(f"{folder} was changed by somebody else: {', '.join(sorted(sizes.keys() ^ digests.keys()))}")
    sums = render_sums(digests)
    write_new(f"{folder}/{SUMS}", sums)
    write_new(f"{folder}/{COMPLETE}", render_seal(sums, sizes))
    publish(folder, place)


def verify_snapshot(host: Host, name: str, store: str = STORE) -> None:
    """Read all of a snapshot and compare it with its digests.

    :raises NothingThere: there is none of this name
    :raises Damaged: it is not what was written; the text names the file. Nothing of it may be used
    :raises CouldNotLook: it cannot be read
    """
    folder, digests = _check_files(host, name, store)
    shares = [list(digests)[number::_READERS] for number in range(_READERS)]
    answers = [host.beside(_reader(folder, digests, share)) for share in shares[1:]]
    broken = _reader(folder, digests, shares[0])() + [file for answer in answers for file in answer()]
    if broken:
        raise _damaged(name, f"{min(broken)} is not what was written")


def _reader(folder: str, digests: t.Mapping[str, str], names: t.Sequence[str]) -> t.Callable[[], list[str]]:
    return lambda: [name for name in names if _digest(f"{folder}/{name}") != digests[name]]


def _digest(path: str) -> str:
    try:
        return digest_file(path)
    except NothingThere:
        return ""


def _damaged(name: str, what: str) -> Damaged:
    return Damaged(f"snapshot {name} is damaged and nothing of it is used: {what}")


def _folder(host: Host, name: str, store: str) -> str:
    folder = f"{store}/{parse_id(name)}"
    if not host.exists(folder):
        raise NothingThere(f"there is no snapshot {name} in {store}")
    return folder


def _check_files(host: Host, name: str, store: str) -> tuple[str, dict[str, str]]:
    """The folder of a snapshot whose files are all there in their sizes, and their digests."""
    folder = _folder(host, name, store)
    try:
        seal = parse_seal(_read(host, folder, COMPLETE), COMPLETE)
        sums = _read(host, folder, SUMS)
        if hashlib.sha256(sums).hexdigest() != seal.sums:
            raise _damaged(name, f"{SUMS} is not what was written")
        digests, sizes = parse_sums(sums, SUMS), file_sizes(folder)
    except NothingThere as error:
        raise _damaged(name, f"{error}, so it was never finished") from error
    except (Unparsable, Refused) as error:
        raise _damaged(name, str(error)) from error
    for file in (COMPLETE, SUMS):
        sizes.pop(file, None)
    _compare_sizes(name, digests, seal.sizes, sizes)
    return folder, digests


def _compare_sizes(name: str, digests: t.Mapping[str, str], sealed: t.Mapping[str, int], found: t.Mapping[str, int]) -> None:
    for file in sorted(digests.keys() | sealed.keys() | found.keys()):
        if file not in found:
            raise _damaged(name, f"{file} is missing")
        if file not in digests or file not in sealed:
            raise _damaged(name, f"{file} does not belong to it")
        if sealed[file] != found[file]:
            raise _damaged(name, f"{file} has {found[file]} bytes, and was written with {sealed[file]}")


def _read(host: Host, folder: str, name: str) -> bytes:
    return host.read_regular(f"{folder}/{name}", _LARGEST_LIST)


def load_snapshot(host: Host, name: str, store: str = STORE) -> Snapshot:
    """The head of a snapshot, which holds the host's state. Its digests are not looked at: :func:`verify_snapshot`.

    :raises NothingThere: there is none of this name
    :raises Damaged: it has no head
    :raises Unparsable: its head cannot be read
    """
    path = f"{_folder(host, name, store)}/{HEAD}"
    try:
        return parse_snapshot(host.read_bytes(path), path)
    except NothingThere as error:
        raise _damaged(name, f"{HEAD} is missing") from error


def open_trees(host: Host, name: str, store: str = STORE) -> list[tuple[Tree, Archive]]:
    """The trees of a snapshot in the order of its paths, each with what gives its files' contents. Digests are not looked
    at: :func:`verify_snapshot`.

    :raises NothingThere: there is none of this name
    :raises Damaged: a tree's index is missing, or is that of another tree
    :raises Unparsable: a tree's index cannot be read
    """
    folder = _folder(host, name, store)
    indexes = [_read_index(host, name, folder, number, root) for number, root in enumerate(_head(host, name, folder).paths)]
    return [(index.tree, Archive(f"{folder}/{tree_stem(number)}.tar", *index)) for number, index in enumerate(indexes)]


def _head(host: Host, name: str, folder: str) -> Snapshot:
    try:
        return parse_head(host.read_bytes(f"{folder}/{HEAD}"), f"{folder}/{HEAD}")
    except NothingThere as error:
        raise _damaged(name, f"{HEAD} is missing") from error


def _read_index(host: Host, name: str, folder: str, number: int, root: str) -> Index:
    path = f"{folder}/{tree_stem(number)}.json"
    try:
        index = parse_index(host.read_bytes(path), path)
    except NothingThere as error:
        raise _damaged(name, f"{tree_stem(number)}.json is missing") from error
    if index.tree.root != root:
        raise _damaged(name, f"{tree_stem(number)}.json is of {index.tree.root}, and {root} should be there")
    return index


def list_snapshots(host: Host, store: str = STORE) -> list[Listed]:
    """All snapshots, the newest first; damaged ones, too.

    :raises CouldNotLook: the store cannot be read
    """
    return sorted((_listed(host, name, store) for name in find_names(host, store)), key=lambda one: (one.at, one.id), reverse=True)


def _listed(host: Host, name: str, store: str) -> Listed:
    try:
        folder, _digests = _check_files(host, name, store)
        head = _head(host, name, folder)
        return Listed(name, head.at, head.paths, head.comment, sum(file_sizes(folder).values()))
    except (BadInput, Damaged, Unparsable, CouldNotLook, NothingThere) as error:
        return Listed(name, 0.0, (), "", 0, str(error))


def find_names(host: Host, store: str = STORE) -> list[str]:
    """The names of all snapshots, damaged ones included.

    :raises CouldNotLook: the store cannot be read
    """
    try:
        return [name for name, kind in host.entries(store) if kind == "folder" and not name.startswith(".")]
    except NothingThere:
        return []


def find_unfinished(host: Host, store: str = STORE) -> list[str]:
    """The names of snapshots whose restore was begun and did not come to its end: it is to be run again.

    :raises CouldNotLook: the store cannot be read
    """
    try:
        return [name[: -len(RESTORING)] for name in host.list_dir(store) if name.endswith(RESTORING)]
    except NothingThere:
        return []


def remove_snapshot(host: WritableHost, name: str, store: str = STORE) -> bool:
    """Remove a snapshot, and say whether there was one. A removal that is cut off leaves nothing that looks like one.

    :raises Refused: a guard may still go back to it
    :raises CouldNotLook: whether one may cannot be told
    """
    try:
        folder = _folder(host, name, store)
    except NothingThere:
        return False
    if read_needed_snapshot(host) == name:
        raise Refused(f"snapshot {name} is the one that an armed guard goes back to; confirm or trigger the guard first")
    aside = f"{store}/{OLD}{name}"
    host.remove_tree(aside)
    set_aside(folder, aside)
    for ending in BESIDE:
        host.remove_file(f"{folder}{ending}")
    host.remove_tree(aside)
    return True


def sweep(host: WritableHost, store: str) -> list[str]:
    """Remove what runs that were killed have left behind, and give the names of the snapshots that would have become of
    it; only for who holds the store's lock."""
    left = sorted(name for name in host.list_dir(store) if name.startswith((NEW, OLD)))
    for name in left:
        host.remove_tree(f"{store}/{name}")
    return [name[len(NEW) :] for name in left]
