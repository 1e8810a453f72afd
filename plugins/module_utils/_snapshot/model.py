# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A snapshot: what is written down of a host, so that exactly this can be brought back and compared.

Paths and names are text; bytes that are not UTF-8 are kept as surrogates. Moments are seconds since the epoch unless a
field says otherwise.
"""

from __future__ import annotations

import typing as t

# Why something in a tree was not looked at (:attr:`Tree.left_out`).
EXCLUDED = "excluded"
MOUNTED = "another file system is mounted there"


class Entry(t.NamedTuple):
    """One entry of a tree. ``path`` is relative to the tree's root, ``.`` is the root itself. ``kind`` is file, folder,
    link, fifo, socket or device. ``mode`` are the permission bits (07777), ``blocks`` the 512-byte blocks that it takes
    (fewer than its size where it is sparse), ``links`` the number of its names, ``target`` where a symbolic link points (of
    a device: ``c 1:3``). ``inode`` tells entries of one tree apart, those on other file systems included.
    ``xattrs`` holds raw values; ACLs, capabilities and SELinux labels are among them."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    links: int
    blocks: int
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()


class Tree(t.NamedTuple):
    """One recorded path and all below it on its file system. ``entries`` is empty where there was nothing; a parent
    comes before what is in it. ``left_out`` are paths relative to the root that were not recorded, and why. ``excluded``
    and ``one_file_system`` are what the walk was told, so that a restore leaves alone what the snapshot left out."""

    root: str
    entries: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    excluded: tuple[str, ...] = ()
    one_file_system: bool = True


class EntryChange(t.NamedTuple):
    """How an entry of a tree differs from what was recorded. ``path`` is absolute, ``what`` is added, removed or changed as
    seen from the record; ``fields`` (of a changed one) are among content, mode, owner, times, xattrs, links, kind, target."""

    path: str
    what: str
    fields: tuple[str, ...] = ()


class TreeOutcome(t.NamedTuple):
    """What bringing a tree back did: the differences that it found and set right (or would, in check mode), and in words
    what it could not, each with its path and the reason."""

    changes: tuple[EntryChange, ...]
    failures: tuple[str, ...] = ()


class UnitState(t.NamedTuple):
    """A unit of the system manager (``user`` is None) or of a user's.

    ``load``, ``active``, ``sub``, ``enabled`` are systemd's LoadState, ActiveState, SubState and UnitFileState. ``names``
    are all names that it has. ``invocation`` is the id of its present or last run, ``changed`` the moment of its last
    change of state in seconds of the monotonic clock: with the same boot and the same values nothing happened to it.
    ``ended_itself`` tells that its last run ended without anybody stopping it, as that of a service does that has no clients.
    """

    name: str
    user: str | None
    load: str
    active: str
    sub: str
    enabled: str
    names: tuple[str, ...] = ()
    type: str = ""
    fragment: str = ""
    drop_ins: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # it was generated from, or that its definition names: environment files, programs
    invocation: str = ""
    changed: float = 0.0
    result: str = ""
    transient: bool = False
    can_reload: bool = False
    needs_daemon_reload: bool = False
    triggered_by: tuple[str, ...] = ()
    restarts: int = 0
    ended_itself: bool = False


class ContainerState(t.NamedTuple):
    """A container. ``user`` is the login whose rootless engine has it, else None. ``restart_policy`` is as ``--restart``
    takes it (``on-failure:3``). ``spec`` is what its engine needs to make it again (JSON), ``unit`` the unit that runs it
    (a quadlet's), ``networks`` those that it is joined to. ``started`` is when it was last started, 0.0 where never."""

    engine: str
    user: str | None
    id: str
    name: str
    image: str
    image_id: str
    status: str
    restart_policy: str
    spec: t.Mapping[str, t.Any]
    networks: tuple[str, ...] = ()
    unit: str | None = None
    exit_code: int = 0
    started: float = 0.0


class PodState(t.NamedTuple):
    """A pod of Podman, but for the containers in it. ``spec`` holds its ``CreateCommand`` and what it shares; ``status``
    is the engine's word in lower case: created, running, degraded, paused, stopped, exited."""

    engine: str
    user: str | None
    name: str
    id: str
    status: str
    spec: t.Mapping[str, t.Any]
    unit: str | None = None


class NetworkState(t.NamedTuple):
    """A network of an engine; ``spec`` is what the engine needs to make it again."""

    engine: str
    user: str | None
    name: str
    id: str
    spec: t.Mapping[str, t.Any]


class VolumeState(t.NamedTuple):
    """A volume of an engine. Only its name and options are recorded, never what is in it. ``created`` is the moment, as the
    engine writes it: another one means that it was removed and made again."""

    engine: str
    user: str | None
    name: str
    spec: t.Mapping[str, t.Any]
    anonymous: bool = False
    created: str = ""


class ImageState(t.NamedTuple):
    """An image that a container or a tag needs. ``tags`` are its names; ``pin`` is the tag of ours that keeps it."""

    engine: str
    user: str | None
    id: str
    tags: tuple[str, ...]
    pin: str = ""


class Engines(t.NamedTuple):
    """All that the engines of a host have. ``unseen`` says of each engine that could not be asked why (engine, why).
    The containers that Podman makes to hold its pods' namespaces are their pods' business and not among the containers."""

    containers: tuple[ContainerState, ...] = ()
    networks: tuple[NetworkState, ...] = ()
    volumes: tuple[VolumeState, ...] = ()
    images: tuple[ImageState, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    pods: tuple[PodState, ...] = ()


class ListenerState(t.NamedTuple):
    """A port that something listens on; ``owner`` is ``unit NAME``, ``container NAME`` or ``process NAME``."""

    proto: str
    address: str
    port: int
    owner: str


class HostState(t.NamedTuple):
    """How a host stands, all but its files. ``boot`` is a mark that lasts as long as one boot. ``packages`` is name to
    version. ``unseen`` says what could not be seen and why."""

    at: float
    boot: str
    units: tuple[UnitState, ...]
    engines: Engines
    listeners: tuple[ListenerState, ...]
    packages: t.Mapping[str, str]
    unseen: tuple[tuple[str, str], ...] = ()


class Hook(t.NamedTuple):
    """A command of the user's that runs on the host; ``timeout`` is seconds."""

    command: tuple[str, ...]
    timeout: float


class Hooks(t.NamedTuple):
    """What runs before a snapshot is taken, and after one was restored."""

    before_snapshot: tuple[Hook, ...] = ()
    after_restore: tuple[Hook, ...] = ()


class Snapshot(t.NamedTuple):
    """The head of a snapshot: everything but its files. ``paths`` are the recorded roots in their order."""

    id: str
    at: float
    paths: tuple[str, ...]
    excluded: tuple[str, ...]
    hooks: Hooks
    state: HostState
    comment: str = ""
    changed_while_read: tuple[str, ...] = ()


class Unrestorable(t.NamedTuple):
    """What a restore will not bring back. ``kind`` is volume, database, writable_layer, anonymous_volume, package, path,
    container, device, socket, unstable_file or engine; ``name`` is what, ``why`` a sentence for a person."""

    kind: str
    name: str
    why: str


class Change(t.NamedTuple):
    """One difference between two states. ``section`` is files, units, timers, sockets, containers, networks, volumes,
    images, ports or packages; ``name`` is what differs, ``before`` and ``after`` are one line each, empty where it was not
    there."""

    section: str
    name: str
    before: str
    after: str


class Difference(t.NamedTuple):
    """Two states compared; what could not be compared stands in ``unseen``, never in neither."""

    changes: tuple[Change, ...]
    unseen: tuple[tuple[str, str], ...] = ()
