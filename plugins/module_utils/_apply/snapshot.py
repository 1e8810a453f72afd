# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Takes a snapshot of the host, and removes those that are too old or not wanted any more."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import typing as t

from .._collect.engines import collect_engines
from .._collect.snapshot_paths import collect_default_paths
from .._collect.state import collect_host_state
from .._errors import BadInput, CouldNotLook, Denied, GuardError, Refused
from .._snapshot.codec import render_snapshot
from .._snapshot.model import Engines, Hooks, HostState, Snapshot, Tree, Unrestorable
from .._snapshot.not_restorable import find_unrestorable
from .._snapshot.paths import PathPlan, is_below, plan_paths
from .._snapshot.readme import render_readme
from .._snapshot.retention import Kept, plan_retention
from .._snapshot.sums import SUMS, parse_sums
from .._tree.digest import digest_file
from .._tree.durable import file_sizes, make_private_folder, new_token, write_new
from .._tree.walk import walk
from .archiving import Earlier, Place, Recorded, record_tree
from .engines import pin_images, unpin_images
from .guard_record import read_needed_snapshot
from .hooks import run_hooks
from .store import (
    HEAD,
    HOOKS,
    LOCK,
    NEW,
    STORE,
    find_names,
    find_unfinished,
    list_snapshots,
    load_snapshot,
    open_trees,
    parse_id,
    remove_snapshot,
    seal_snapshot,
    sweep,
    tree_stem,
    verify_snapshot,
)

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost

README = "README.txt"
_FOLDER = "/var/lib/guarded-deploy"


class TakeRequest(t.NamedTuple):
    """What to record. Without an ``id`` one is made of the time; without ``paths`` they are what a deployment may touch.
    ``excluded`` are patterns. Afterwards at most ``keep`` snapshots remain, and none older than ``max_age_days``; None for
    no such limit. ``timeout`` is seconds for one command, and for another snapshot that is being taken. With
    ``accept_unseen`` it is taken although units or an engine could not be looked at, and so cannot be brought back."""

    id: str | None = None
    paths: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    hooks: Hooks = Hooks()
    keep: int | None = None
    max_age_days: float | None = None
    comment: str = ""
    timeout: float = 300.0
    check: bool = False
    accept_unseen: bool = False


class TakeOutcome(t.NamedTuple):
    """What was recorded, or would be. ``size_bytes`` is the size of its files (0 in check mode), ``reused`` the paths whose
    part is shared with an earlier snapshot, ``removed`` the snapshots that went. ``unseen`` is what could not be looked at
    and why, so that a restore cannot bring it back."""

    id: str
    changed: bool
    path: str
    size_bytes: int
    paths: tuple[str, ...]
    reused: tuple[str, ...]
    changed_while_read: tuple[str, ...]
    not_restorable: tuple[Unrestorable, ...]
    unseen: tuple[tuple[str, str], ...]
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def take_snapshot(host: WritableHost, request: TakeRequest, store: str = STORE) -> TakeOutcome:
    """Record how the host stands. One that is cut off is not there; one whose name there is already is left as it is.

    :raises Denied: it is not root
    :raises Refused: another is being taken, or a path must not be recorded
    :raises Damaged: there is one of the name, and it is damaged
    :raises StepFailed: there is no room, or a hook or tar failed; nothing is left behind
    :raises CouldNotLook: a recorded file cannot be read, or units or an engine could not be looked at
    """
    if host.euid() != 0:
        raise Denied("a snapshot of the host can only be taken by root; use become")
    name = parse_id(request.id) if request.id else _new_id(host)
    if request.check:
        return _existing(host, name, store) or _foresee(host, request, name, store)
    with _locked(host, request.timeout, store):
        return _existing(host, name, store) or _take(host, request, name, store)


def drop_snapshot(host: WritableHost, name: str, timeout: float, check: bool = False, store: str = STORE) -> bool:
    """Remove a snapshot with the tags that kept its images, and say whether there was one.

    :raises Denied: it is not root
    :raises Refused: a guard may still go back to it, or a snapshot is being taken
    """
    if host.euid() != 0:
        raise Denied("a snapshot can only be removed by root; use become")
    if not host.exists(f"{store}/{parse_id(name)}"):
        return False
    if check:
        return True
    with _locked(host, timeout, store):
        done = remove_snapshot(host, name, store)
        unpin_images(host, name, collect_engines(host, timeout))
        return done


@contextlib.contextmanager
def _locked(host: WritableHost, timeout: float, store: str) -> t.Iterator[None]:
    if store == STORE:
        host.make_folder(_FOLDER, 0o700)
    host.make_folder(store, 0o700)
    with host.lock(f"{store}/{LOCK}", timeout) as had:
        if not had:
            raise Refused(f"another snapshot is being taken or removed, and was not done within {timeout:g} s; try again later")
        yield


def _new_id(host: Host) -> str:
    return f"{_moment(host.now()):%Y%m%dT%H%M%SZ}-{new_token()}"


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _existing(host: Host, name: str, store: str) -> TakeOutcome | None:
    """What a snapshot that there is already says; None where there is none.

    :raises BadInput: another differs from it in upper and lower case only, which image tags cannot tell apart
    """
    others = [other for other in find_names(host, store) if other.lower() == name.lower()]
    if not others:
        return None
    if name not in others:
        raise BadInput(
            f"there is a snapshot {others[0]} already, which differs from {name} in upper and lower case only; take another name"
        )
    verify_snapshot(host, name, store)
    snapshot, trees = load_snapshot(host, name, store), [tree for tree, _contents in open_trees(host, name, store)]
    return TakeOutcome(
        id=name,
        changed=False,
        path=f"{store}/{name}",
        size_bytes=sum(file_sizes(f"{store}/{name}").values()),
        paths=snapshot.paths,
        reused=(),
        changed_while_read=snapshot.changed_while_read,
        not_restorable=find_unrestorable(snapshot.state, trees, snapshot.changed_while_read),
        unseen=_unseen(snapshot.state),
    )


def _unseen(state: HostState) -> tuple[tuple[str, str], ...]:
    return (*state.unseen, *state.engines.unseen)


def _foresee(host: Host, request: TakeRequest, name: str, store: str) -> TakeOutcome:
    """What would be recorded; hooks are not run."""
    state = collect_host_state(host, request.timeout, mark=False)
    _check_seen(state, request)
    plan = _plan(host, request, lambda: state.engines)
    trees = [walk(root, _relevant(plan.excluded, root), xattrs=False) for root in plan.paths]
    lost = find_unrestorable(state, trees, (), plan.notes)
    return TakeOutcome(name, True, f"{store}/{name}", 0, plan.paths, (), (), lost, _unseen(state))


def _plan(host: Host, request: TakeRequest, engines: t.Callable[[], Engines]) -> PathPlan:
    if request.paths is not None:
        return plan_paths(request.paths, request.excluded)
    usual = collect_default_paths(host, engines())
    return plan_paths(usual.paths, (*usual.excluded, *request.excluded), usual.notes)


def _relevant(excluded: t.Iterable[str], root: str) -> tuple[str, ...]:
    """The patterns that may match something below a root."""
    plain = [pattern.startswith("/") and not set("*?[") & set(pattern) for pattern in excluded]
    return tuple(pattern for pattern, is_plain in zip(excluded, plain) if not is_plain or is_below(pattern, root))


def _take(host: WritableHost, request: TakeRequest, name: str, store: str) -> TakeOutcome:
    at = host.now()
    left_over = sweep(host, store)
    folder = f"{store}/{NEW}{name}"
    make_private_folder(folder)
    make_private_folder(f"{folder}/{HOOKS}")
    with _undone(host, folder):
        run_hooks(host, request.hooks.before_snapshot, {"GUARDED_DEPLOY_SNAPSHOT": name, "GUARDED_DEPLOY_HOOKS": f"{folder}/{HOOKS}"})
        taken = _record(host, request, folder, _find_earlier(host, store))
        _unpin(host, left_over, taken.state.engines)
        with _unpinned(host, name, taken.state.engines):
            engines = pin_images(host, name, taken.state.engines)
            snapshot = _compose(name, at, request, taken._replace(state=taken.state._replace(engines=engines)))
            digests = _write_rest(host, folder, snapshot, taken)
            seal_snapshot(folder, f"{store}/{name}", digests)
    removed, notes = _retain(host, request, store, snapshot.state.engines)
    return _outcome(store, snapshot, taken, removed, notes)


@contextlib.contextmanager
def _undone(host: WritableHost, folder: str) -> t.Iterator[None]:
    """What failed leaves nothing behind."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(GuardError):  # what it failed with matters more; the next run sweeps
            host.remove_tree(folder)
        raise


@contextlib.contextmanager
def _unpinned(host: WritableHost, name: str, engines: Engines) -> t.Iterator[None]:
    try:
        yield
    except BaseException:
        _unpin(host, [name], engines)
        raise


def _unpin(host: WritableHost, names: t.Iterable[str], engines: Engines) -> None:
    for name in names:
        with contextlib.suppress(GuardError):  # a tag too many harms nobody
            unpin_images(host, name, engines)


class _Taken(t.NamedTuple):
    plan: PathPlan
    state: HostState
    recorded: tuple[Recorded, ...]

    @property
    def trees(self) -> list[Tree]:
        return [one.tree for one in self.recorded]


def _record(host: WritableHost, request: TakeRequest, folder: str, earlier: t.Mapping[str, Earlier]) -> _Taken:
    """Look at the host, and archive its files meanwhile where it is known which."""
    look = host.beside(lambda: collect_host_state(host, request.timeout))
    plan = _plan(host, request, lambda: look().engines)
    recorded = [
        record_tree(host, root, _relevant(plan.excluded, root), Place(folder, tree_stem(number)), earlier.get(root), request.timeout)
        for number, root in enumerate(plan.paths)
    ]
    state = look()
    _check_seen(state, request)
    return _Taken(plan, state, tuple(recorded))


def _check_seen(state: HostState, request: TakeRequest) -> None:
    """A snapshot that holds no units because systemd did not answer would bring none back, and say that all is as it was.

    :raises CouldNotLook: units or an engine could not be looked at
    """
    blind = [*(one for one in state.unseen if one[0].split(":")[0] == "units"), *state.engines.unseen]
    if blind and not request.accept_unseen:
        what = "; ".join(f"{what}: {why}" for what, why in blind)
        raise CouldNotLook(
            f"{what}. A restore could not bring back what is not recorded, so no snapshot was taken. "
            "Mend that and try again, or go without it by accept_unseen: true"
        )


def _find_earlier(host: Host, store: str) -> dict[str, Earlier]:
    """The trees of the newest good snapshot by their roots, but for those that did not keep still then."""
    newest = next((one for one in list_snapshots(host, store) if not one.problem), None)
    if newest is None:
        return {}
    folder = f"{store}/{newest.id}"
    digests = parse_sums(host.read_bytes(f"{folder}/{SUMS}"), SUMS)
    unstable = load_snapshot(host, newest.id, store).changed_while_read
    found = {}
    for number, root in enumerate(newest.paths):
        place = Place(folder, tree_stem(number))
        names = {ending: f"{place.stem}.{ending}" for ending in ("tar", "json")}
        if not any(is_below(path, root) for path in unstable):
            found[root] = Earlier(place, {ending: digests[name] for ending, name in names.items() if name in digests})
    return found


def _compose(name: str, at: float, request: TakeRequest, taken: _Taken) -> Snapshot:
    return Snapshot(
        id=name,
        at=at,
        paths=taken.plan.paths,
        excluded=taken.plan.excluded,
        hooks=request.hooks,
        state=taken.state,
        comment=request.comment,
        changed_while_read=tuple(path for one in taken.recorded for path in one.unstable),
    )


def _write_rest(host: WritableHost, folder: str, snapshot: Snapshot, taken: _Taken) -> dict[str, str]:
    """Write what is not a tree's, and give the digests of all files."""
    host_name = host.read_text("/proc/sys/kernel/hostname").strip()
    texts = {
        HEAD: render_snapshot(snapshot),
        README: render_readme(snapshot, taken.trees, host_name, f"{_moment(snapshot.at):%Y-%m-%d %H:%M:%S} UTC"),
    }
    digests = {file: digest for one in taken.recorded for file, digest in one.digests.items()}
    for file, text in texts.items():
        write_new(f"{folder}/{file}", text)
        digests[file] = hashlib.sha256(text).hexdigest()
    for file in file_sizes(f"{folder}/{HOOKS}"):
        digests[f"{HOOKS}/{file}"] = digest_file(f"{folder}/{HOOKS}/{file}")
    return digests


def _retain(host: WritableHost, request: TakeRequest, store: str, engines: Engines) -> tuple[list[str], list[str]]:
    """Remove what is too old or too many; the names that went, and what went wrong. The new snapshot is good either way."""
    removed, notes = [], []
    try:
        guarded = read_needed_snapshot(host)
        needed = [*find_unfinished(host, store), *([guarded] if guarded else [])]
        kept = [Kept(one.id, one.at, not one.problem) for one in list_snapshots(host, store)]
        for name in plan_retention(kept, host.now(), request.keep, request.max_age_days, needed):
            if remove_snapshot(host, name, store):
                removed.append(name)
            _unpin(host, [name], engines)
    except GuardError as error:
        notes.append(f"older snapshots were not all removed: {error}")
    return removed, notes


def _outcome(store: str, snapshot: Snapshot, taken: _Taken, removed: t.Iterable[str], notes: t.Iterable[str]) -> TakeOutcome:
    place = f"{store}/{snapshot.id}"
    return TakeOutcome(
        id=snapshot.id,
        changed=True,
        path=place,
        size_bytes=sum(file_sizes(place).values()),
        paths=snapshot.paths,
        reused=tuple(one.tree.root for one in taken.recorded if one.is_reused),
        changed_while_read=snapshot.changed_while_read,
        not_restorable=find_unrestorable(snapshot.state, taken.trees, snapshot.changed_while_read, taken.plan.notes),
        unseen=_unseen(snapshot.state),
        removed=tuple(removed),
        notes=tuple(notes),
    )
