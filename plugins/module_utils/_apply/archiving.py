# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""One tree of the host's files into a snapshot: archived by GNU tar, with an index that is known to be true of the archive.

Nothing is stopped meanwhile, so that files may change while they are read. What tells is the time of a file's last change
of state (ctime), which nobody can set: a file whose ctime lies before the moment at which tar began is in the archive as it
is now. All others are read again, file by file, and what never keeps still is named.
"""

from __future__ import annotations

import hashlib
import typing as t

from .._errors import NothingThere, StepFailed
from .._snapshot.codec import Index, parse_index, render_index
from .._snapshot.model import Entry, Tree
from .._snapshot.tar_listing import find_errors, parse_listing, plan_archiving
from .._tree.archive import Archive
from .._tree.digest import GrowingDigest, digest_file
from .._tree.durable import drop_scratch, link_file, measure_file_system, sync_file, when_written, write_new
from .._tree.exclusion import read_mount_points
from .._tree.hold import Held, hold
from .._tree.reread import Moment, Reading, append_files, archive_end, moment_of_files, wait_for_next_tick
from .._tree.walk import walk

if t.TYPE_CHECKING:
    from .._host import WritableHost

# Entries of a tree that take as long to walk as a process takes to start.
_FEW = 1000
_MOST_ARGUMENTS = 500
# How often a file that does not keep still is read again.
_ROUNDS = 3
_MEGABYTE = 1 << 20
# An archive of so many bytes takes longer to read than all the rest of an unchanged snapshot.
_LARGE = 256 * _MEGABYTE
_DAY = 86400 * 10**9
# What a member takes beside its content: two headers, names, and what its last block is filled up with.
_HEADERS = 2048
# Nanoseconds by which a clock that is only kept right does not go wrong meanwhile (adjtimex(2): 500 us a second at most).
_CLOCK_STEP = 10**8


class Place(t.NamedTuple):
    """Where a tree's part of a snapshot lies: ``<folder>/<stem>.tar`` and ``.json``."""

    folder: str
    stem: str

    def path(self, ending: str) -> str:
        return f"{self.folder}/{self.stem}.{ending}"


class Earlier(t.NamedTuple):
    """The same tree in an earlier snapshot that is whole but for these files; ``digests`` are those of its tar and json,
    by their endings."""

    place: Place
    digests: t.Mapping[str, str]


class Recorded(t.NamedTuple):
    """A tree in a snapshot. ``digests`` are by the names of files. ``unstable`` are absolute paths of files that changed
    whenever they were read, so that their content may be a mixture."""

    tree: Tree
    digests: t.Mapping[str, str]
    unstable: tuple[str, ...] = ()
    is_reused: bool = False


def record_tree(
    host: WritableHost, root: str, excluded: t.Sequence[str], place: Place, earlier: Earlier | None, timeout: float
) -> Recorded:
    """Write a tree's archive and index, or link those of an earlier snapshot where nothing has changed since. They are made
    durable later, with the rest.

    :raises LinkInPath: a folder on the way to it is a symbolic link
    :raises CouldNotLook: something in it cannot be read
    :raises StepFailed: there is no room, or tar failed
    """
    begun = moment_of_files()
    if earlier is not None or excluded or read_mount_points(root):
        tree = walk(root, excluded)
        if earlier is not None and _is_as_in(host, tree, earlier):
            return _reuse(tree, place, earlier)
        look, left_out = _answer(tree), [path for path, _why in tree.left_out]
    else:
        look, left_out = host.beside(lambda: walk(root, excluded)), []
    try:
        with hold(root) as held:
            return _archive(host, _Task(root, tuple(excluded), held, place, timeout), look, left_out, begun)
    except NothingThere:
        return _write_index(place, *_make_index(Tree(root, (), (), tuple(excluded)), {}), {}, ())


def _answer(tree: Tree) -> t.Callable[[], Tree]:
    return lambda: tree


def _is_as_in(host: WritableHost, tree: Tree, earlier: Earlier) -> bool:
    """Whether a tree is that of an earlier snapshot, and the files of that snapshot are what they were."""
    text = host.read_bytes(earlier.place.path("json"))
    if hashlib.sha256(text).hexdigest() != earlier.digests["json"]:
        return False
    if parse_index(text, earlier.place.path("json")).tree != tree:
        return False
    archive = earlier.place.path("tar")
    return "tar" not in earlier.digests or _is_fresh(host, earlier.place) or digest_file(archive) == earlier.digests["tar"]


def _is_fresh(host: WritableHost, place: Place) -> bool:
    """Whether a large archive was written less than a day ago and not since: its index was written after it, and its digest
    was worked out then. Whoever arms a guard or restores reads all of it anyway; what is older is read here, too, so that
    nobody relies on an archive that has decayed."""
    archive, index = when_written(place.path("tar")), when_written(place.path("json"))
    return archive.size > _LARGE and archive.at <= index.at and 0 <= host.now() * 10**9 - archive.at < _DAY


def _reuse(tree: Tree, place: Place, earlier: Earlier) -> Recorded:
    for ending in earlier.digests:
        link_file(earlier.place.path(ending), place.path(ending))
    return Recorded(tree, {f"{place.stem}.{ending}": digest for ending, digest in earlier.digests.items()}, (), is_reused=True)


class _Task(t.NamedTuple):
    root: str
    excluded: tuple[str, ...]
    held: Held
    place: Place
    timeout: float


def _archive(host: WritableHost, task: _Task, look: t.Callable[[], Tree], left_out: t.Sequence[str], begun: Moment) -> Recorded:
    _check_room(task, look)
    digest = _run_tar(host, task, left_out)
    # All that follows goes on beside each other: the disk writes, find(1) looks, and Python makes the index.
    flush = host.beside(lambda: sync_file(task.place.path("tar")))
    tree = look()
    quiet = host.beside(lambda: _is_quiet(host, task, tree, begun))
    blocks = _read_listing(host, task)
    index, text = _make_index(tree, blocks)
    unstable: list[str] = []
    if not quiet():
        tree, unstable, was_read_again = _settle(task, begun, blocks)
        index, text = _make_index(tree, blocks)
        digest = digest_file(task.place.path("tar")) if was_read_again else digest
    _check_clock(begun)
    flush()
    return _write_index(task.place, index, text, {f"{task.place.stem}.tar": digest}, unstable)


def _make_index(tree: Tree, blocks: t.Mapping[str, int]) -> tuple[Index, bytes]:
    index = Index(tree, tuple([blocks.get(entry.path, -1) for entry in tree.entries]))
    return index, render_index(index)


def _check_clock(begun: Moment) -> None:
    """Times tell nothing where the clock was set meanwhile."""
    if abs(moment_of_files().clock - begun.clock) > _CLOCK_STEP:
        raise StepFailed("the host's clock was set while files were read, so that it cannot be told which have changed; run it again")


def _write_index(place: Place, index: Index, text: bytes, digests: t.Mapping[str, str], unstable: t.Sequence[str]) -> Recorded:
    write_new(place.path("json"), text)
    return Recorded(index.tree, {**digests, f"{place.stem}.json": hashlib.sha256(text).hexdigest()}, tuple(unstable))


def _check_room(task: _Task, look: t.Callable[[], Tree]) -> None:
    source, store = measure_file_system(task.root), measure_file_system(task.place.folder)
    if source.used + source.used // 8 < store.free:
        return  # however large the tree is
    needed = sum(min(entry.size, entry.blocks * 512) + _HEADERS for entry in look().entries) + _MEGABYTE
    if needed > store.free:
        raise StepFailed(
            f"no room for a snapshot of {task.root}: it takes about {_megabytes(needed)}, and the file system of {task.place.folder} has "
            f"{_megabytes(store.free)} free; make room, remove old snapshots, or exclude what need not be recorded"
        )


def _megabytes(size: int) -> str:
    return f"{-(-size // _MEGABYTE)} MiB"


def _run_tar(host: WritableHost, task: _Task, left_out: t.Sequence[str]) -> str:
    """Run tar, and give the digest of its archive."""
    stem = f"{task.place.folder}/{task.place.stem}"
    plan = plan_archiving(stem, task.held.folder, task.held.member, left_out)
    for ending, content in (("tar", b""), ("listing", b""), ("exclusions", plan.exclusions)):
        write_new(f"{stem}.{ending}", content)  # so that they are root's alone, whatever the umask
    growing = GrowingDigest(f"{stem}.tar")
    digest = host.beside(growing.run)
    try:
        result = host.run(plan.argv, task.timeout)
    finally:
        growing.finish()
    answer = digest()
    errors = find_errors(result.rc, result.err)
    if errors:
        raise StepFailed(f"{task.root} cannot be archived: {_why(errors)}")
    drop_scratch(f"{stem}.exclusions")
    return answer


def _why(errors: t.Sequence[str]) -> str:
    said = "; ".join(errors[:5])
    # tar says only "Wrote only 2048 of 10240 bytes" where part of a block could still be written.
    if "No space left" in said or "Wrote only" in said:
        return f"no space left where snapshots are kept; make room, or exclude what need not be recorded ({said})"
    return f"{said} (GNU tar 1.29 or newer is needed)"


def _read_listing(host: WritableHost, task: _Task) -> dict[str, int]:
    """Where each member begins, by the path that its entry has in the tree."""
    listing = task.place.path("listing")
    blocks = parse_listing(host.read_text(listing), listing)
    drop_scratch(listing)
    return {".": blocks[task.held.member]} if task.held.member in blocks else blocks


def _is_quiet(host: WritableHost, task: _Task, seen: Tree, begun: Moment) -> bool:
    """Whether nothing at all has changed since tar began, so that what it wrote and what was seen is the same.

    find(1) looks at 50,000 files in a third of the time that a walk takes; where it is missing, the walk does it. For few
    files a process costs more than it saves.
    """
    if (
        len(seen.entries) < _FEW
        or not host.has("find")
        or task.held.member
        or not all(begun.is_after(entry.ctime_ns) for entry in seen.entries)
    ):
        return False
    if len(seen.left_out) > _MOST_ARGUMENTS:
        return False
    pruned = [argument for path, _why in seen.left_out for argument in ("-path", f"{task.held.folder}/{_literal(path)}", "-prune", "-o")]
    before = begun.at - 1  # -newerct means later, not as late
    moment = f"@{before // 10**9}.{before % 10**9:09d}"
    result = host.run(["find", f"{task.held.folder}/", "-xdev", *pruned, "-newerct", moment, "-print", "-quit"], task.timeout)
    return result.rc == 0 and not result.out


def _literal(path: str) -> str:
    """A path as a pattern of find's that matches nothing else."""
    return "".join(f"\\{letter}" if letter in "\\*?[" else letter for letter in path)


def _settle(task: _Task, begun: Moment, blocks: dict[str, int]) -> tuple[Tree, list[str], bool]:
    """Read again what changed since tar began, until the index is true of the archive; ``blocks`` is set right with it. The
    tree as it is at the end, what never kept still, and whether anything was read again at all."""
    archive = task.place.path("tar")
    tree = walk(task.root, task.excluded)
    end = archive_end(archive, blocks.values())
    doubtful = _find_doubtful(task, tree, begun, blocks)
    readings: dict[str, Reading] = {}
    for number in range(_ROUNDS):
        if not doubtful:
            break
        if number:
            wait_for_next_tick()
        fresh, end = append_files(archive, end, task.root, doubtful)
        readings.update(fresh)
        tree = walk(task.root, task.excluded)
        doubtful = [entry for entry in _files(tree) if not _is_read(entry, readings, begun, blocks)]
    return (*_conclude(task, tree, readings, blocks), bool(readings))


def _files(tree: Tree) -> list[Entry]:
    return [entry for entry in tree.entries if entry.kind == "file"]


def _is_read(entry: Entry, readings: t.Mapping[str, Reading], begun: Moment, blocks: t.Mapping[str, int]) -> bool:
    """Whether the archive has a file as it is now."""
    reading = readings.get(entry.path)
    if reading is None:
        return begun.is_after(entry.ctime_ns) and entry.path in blocks
    return reading.is_still and (reading.inode, reading.size, reading.ctime_ns) == (entry.inode, entry.size, entry.ctime_ns)


def _find_doubtful(task: _Task, tree: Tree, begun: Moment, blocks: t.Mapping[str, int]) -> list[Entry]:
    """The files that tar may not have read as they are now.

    Where a folder has changed, another may have stood in its place for a moment; then tar's own words about each file are
    compared, too.
    """
    doubtful = [entry for entry in _files(tree) if not _is_read(entry, {}, begun, blocks)]
    if all(begun.is_after(entry.ctime_ns) for entry in tree.entries if entry.kind == "folder"):
        return doubtful
    known = {entry.path for entry in doubtful}
    archive = Archive(task.place.path("tar"), tree, [blocks.get(entry.path, -1) for entry in tree.entries])
    return doubtful + [entry for entry in _files(tree) if entry.path not in known and not _is_alike(entry, archive, blocks, known)]


def _is_alike(entry: Entry, archive: Archive, blocks: t.Mapping[str, int], doubtful: t.Container[str]) -> bool:
    member = archive.member(entry.path)
    owner = (member.mode & 0o7777, member.uid, member.gid) == (entry.mode, entry.uid, entry.gid)
    if member.link:
        name = member.link.removeprefix("./")
        return owner and name in blocks and name not in doubtful
    return owner and member.kind in (b"0", b"\0") and member.size == entry.size


def _conclude(task: _Task, tree: Tree, readings: t.Mapping[str, Reading], blocks: dict[str, int]) -> tuple[Tree, list[str]]:
    entries, unstable = [], []
    for entry in tree.entries:
        reading = readings.get(entry.path)
        if reading is not None:
            blocks[entry.path] = reading.block
            if not reading.is_still or reading.ctime_ns != entry.ctime_ns:
                unstable.append(task.root if entry.path == "." else f"{task.root.rstrip('/')}/{entry.path}")
                entry = entry._replace(size=reading.size, mtime_ns=reading.mtime_ns, ctime_ns=reading.ctime_ns)
        elif entry.kind == "file" and entry.path not in blocks:
            continue  # it came while the last round was read
        entries.append(entry)
    return tree._replace(entries=tuple(entries)), unstable
