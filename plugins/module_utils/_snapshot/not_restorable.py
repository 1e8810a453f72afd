# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a restore will not bring back, told before the change."""

from __future__ import annotations

import re
import typing as t

from .container_files import find_binds
from .engine_diff import engine_title
from .lost_containers import unrestorable_of
from .model import Unrestorable
from .paths import is_below, is_ours

if t.TYPE_CHECKING:
    from .model import ContainerState, HostState, Tree, UnitState

KINDS = (
    "database",
    "volume",
    "anonymous_volume",
    "writable_layer",
    "container",
    "engine",
    "path",
    "socket",
    "device",
    "unstable_file",
    "package",
)
"""In the order in which they are told: what hurts most comes first."""

_MOST_NAMES = 10  # of one kind; the rest is counted
_DATABASES = (
    "postgres(ql)?|postgis|timescaledb|mysqld?|mariadb|percona|mongod?(b)?|redis(-server)?|valkey|influxdb|couchdb|cassandra|neo4j"
    "|elasticsearch|opensearch|clickhouse(-server)?|etcd|rabbitmq(-server)?|memgraph|rethinkdb|cockroach(db)?|mssql(-server)?"
)
_DATABASE_UNIT = re.compile(rf"({_DATABASES})([-@].*)?\.service")
_DATABASE_IMAGE = re.compile(rf"(.*/)?({_DATABASES})(-\w+)*(:.*|@.*)?$")


def _databases(state: HostState) -> t.Iterator[Unrestorable]:
    by_hook = "what it holds is not recorded; save and bring it back by the hooks before_snapshot and after_restore"
    for unit in state.units:
        if _is_database(unit):
            yield Unrestorable("database", unit.name if unit.user is None else f"{unit.name} ({unit.user})", by_hook)
    for container in state.engines.containers:
        if _DATABASE_IMAGE.fullmatch(container.image):
            title = engine_title(container.name, container.engine, container.user)
            yield Unrestorable("database", title, f"image {container.image}: {by_hook}")


def _is_database(unit: UnitState) -> bool:
    in_use = unit.active in ("active", "activating", "failed") or unit.enabled.startswith("enabled")
    return in_use and _DATABASE_UNIT.fullmatch(unit.name) is not None


def _binds(containers: t.Iterable[ContainerState], trees: t.Sequence[Tree]) -> t.Iterator[Unrestorable]:
    """What containers write to on the host, outside of what is recorded."""
    roots = [tree.root for tree in trees]
    left_out = [_join(tree.root, path) for tree in trees for path, _why in tree.left_out]
    users: dict[str, list[str]] = {}
    for container in containers:
        for bind in find_binds(container):
            recorded = any(is_below(bind.source, root) for root in roots) and not any(is_below(bind.source, path) for path in left_out)
            if bind.writable and not recorded and not bind.source.startswith(("/dev", "/proc", "/sys", "/run", "/var/run")):
                users.setdefault(bind.source, []).append(container.name)
    for path, names in sorted(users.items()):
        yield Unrestorable("path", path, f"the container {_some(sorted(set(names)))} writes to it, and it is not recorded")


def _join(root: str, path: str) -> str:
    return root if path == "." else f"{root.rstrip('/')}/{path}"


def _some(names: t.Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def _entries(trees: t.Iterable[Tree]) -> t.Iterator[Unrestorable]:
    found: dict[str, list[str]] = {"socket": [], "device": []}
    for tree in trees:
        for entry in tree.entries:
            if entry.kind in found:
                found[entry.kind].append(_join(tree.root, entry.path))
    why = {"socket": "whoever listens on it makes it again", "device": "devices are reported and not made"}
    for kind, paths in found.items():
        if paths:
            yield Unrestorable(kind, _some(paths), why[kind])


def _left_out(trees: t.Iterable[Tree]) -> t.Iterator[Unrestorable]:
    by_reason: dict[str, list[str]] = {}
    for tree in trees:
        for path, why in tree.left_out:
            whole = _join(tree.root, path)
            if not is_ours(whole):
                by_reason.setdefault(why, []).append(whole)
    for why, paths in by_reason.items():
        yield Unrestorable("path", _some(paths), f"not recorded: {why}")


def _always(state: HostState, trees: t.Sequence[Tree]) -> t.Iterator[Unrestorable]:
    roots = [tree.root for tree in trees]
    yield Unrestorable("path", "everything else", f"only what lies below these paths is recorded: {', '.join(roots) or 'none'}")
    yield Unrestorable(
        "package", f"{len(state.packages)} packages", "their versions are recorded and compared; none is installed or removed"
    )


def find_unrestorable(
    state: HostState,
    trees: t.Sequence[Tree],
    changed_while_read: t.Iterable[str] = (),
    notes: t.Iterable[tuple[str, str]] = (),
) -> tuple[Unrestorable, ...]:
    """What of a host a restore of this snapshot will not bring back, what hurts most first. ``notes`` are those of the
    :class:`PathPlan`: (path, why it is not recorded)."""
    noted = list(notes)
    found = [
        *_databases(state),
        *unrestorable_of(state.engines),
        *(Unrestorable("engine", engine, f"it could not be asked: {why}") for engine, why in state.engines.unseen),
        *(Unrestorable("path", path, why) for path, why in noted),
        *(one for one in _binds(state.engines.containers, trees) if one.name not in {path for path, _why in noted}),
        *_left_out(_without(trees, {path for path, _why in noted})),
        *_entries(trees),
        *(Unrestorable("unstable_file", path, "it changed while it was read, each time") for path in changed_while_read),
        *_always(state, trees),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: KINDS.index(one.kind)))


def _without(trees: t.Iterable[Tree], paths: t.Container[str]) -> list[Tree]:
    """The trees without what was left out for a reason that is told already."""
    return [tree._replace(left_out=tuple(one for one in tree.left_out if _join(tree.root, one[0]) not in paths)) for tree in trees]
