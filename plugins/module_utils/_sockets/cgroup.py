# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the path of a control group says: unit, user manager, container."""

from __future__ import annotations

import re
import typing as t

_ID = "([0-9a-f]{64})"
_CONTAINER = (
    # Docker with systemd's cgroups: /system.slice/docker-<id>.scope
    ("docker", re.compile(rf"docker-{_ID}\.scope")),
    # Podman: libpod-<id>.scope, libpod-conmon-<id>.scope (its monitor), libpod-payload-<id> below the unit that runs
    # it (--cgroups=split, which Quadlet uses), and /libpod_parent/libpod-<id> without systemd's cgroups.
    ("podman", re.compile(rf"libpod-(?:conmon-|payload-)?{_ID}(?:\.scope)?")),
    # Kubernetes' engines
    ("containerd", re.compile(rf"cri-containerd-{_ID}\.scope")),
    ("cri-o", re.compile(rf"crio-(?:conmon-)?{_ID}(?:\.scope)?")),
)
_BARE_ID = re.compile(_ID)  # /docker/<id>, /kubepods/burstable/pod<uid>/<id>
_UNIT = re.compile(
    r"[A-Za-z0-9:_.\\@-]+\.(?:service|socket|target|device|mount|automount|swap|timer|path|slice|scope)", re.ASCII
)
_USER_MANAGER = re.compile(r"user@([0-9]+)\.service")
_SESSION = re.compile(r"session-[^/]+\.scope")


class CgroupOwner(t.NamedTuple):
    """Whose a control group is.

    ``unit`` is the unit's name, of the system manager, or where ``user_uid`` is set of that user's; None in a session
    and where there is none. Of containers inside containers the outermost is given, and ``unit`` is then what runs it,
    never its own scope. ``container_engine`` is docker, podman, containerd or cri-o, and None where the id stands alone.
    """

    unit: str | None = None
    user_uid: int | None = None
    container_engine: str | None = None
    container_id: str | None = None


class CgroupMount(t.NamedTuple):
    """Where the unified hierarchy is mounted, and which part of it."""

    point: str
    root: str


def _container(segment: str, parent: str) -> tuple[str | None, str] | None:
    """(engine, id) where a segment is a container's group."""
    for engine, pattern in _CONTAINER:
        match = pattern.fullmatch(segment)
        if match:
            return engine, match.group(1)
    if _BARE_ID.fullmatch(segment):
        return "docker" if parent == "docker" else None, segment
    return None


def _unit_name(segment: str) -> str | None:
    # systemd puts a "_" before a name that the kernel could take for a file of its own, like cpu.service.
    name = segment.removeprefix("_")
    return name if _UNIT.fullmatch(name) else None


def _below_slices(segments: t.Sequence[str]) -> t.Sequence[str]:
    start = 0
    while start < len(segments) and (_unit_name(segments[start]) or "").endswith(".slice"):
        start += 1
    return segments[start:]


def parse_cgroup_path(path: str) -> CgroupOwner:
    """Whose the control group at ``path`` (from the root of the hierarchy, ``/system.slice/ssh.service``) is.

    The order of slices, units and delegated groups is that of systemd's documentation (CONTROL_GROUP_INTERFACE,
    CGROUP_DELEGATION): slices, then one unit, and what is below the unit is its own business.
    """
    segments = [segment for segment in path.split("/") if segment]
    if ".." in segments:
        return CgroupOwner()  # outside what this process may see: /proc shows it relative to its own namespace
    engine = container_id = None
    for index, segment in enumerate(segments):
        container = _container(segment, segments[index - 1] if index else "")
        if container:
            engine, container_id = container
            segments = segments[:index]
            break
    rest = _below_slices(segments)
    uid = None
    manager = _USER_MANAGER.fullmatch(rest[0]) if rest else None
    # Without a container and with nothing below, it is the service itself of that name.
    if manager and (len(rest) > 1 or container_id):
        uid = int(manager.group(1))
        rest = _below_slices(rest[1:])
    unit = _unit_name(rest[0]) if rest else None
    if unit and _SESSION.fullmatch(unit):
        unit = None
    return CgroupOwner(unit, uid, engine, container_id)


def parse_proc_cgroup(text: str) -> str | None:
    """The path of a process's control group, from ``/proc/PID/cgroup``; None where it is in none.

    A line is ``hierarchy:controllers:path``: ``0::/system.slice/ssh.service`` for the unified hierarchy, and
    ``1:name=systemd:/...``, ``4:memory:/...`` for the old ones. Where both are mounted, systemd keeps ``0::`` and
    ``name=systemd`` alike. An engine that manages only the old ones leaves its containers' ``0::`` at ``/`` or at its
    own service, so a line that names a container goes first, and then one that names a unit. A process that left
    its controllers behind (``0::/`` alone says nothing) is still found by ``name=systemd``.
    """
    paths: dict[str, str] = {}
    for line in text.splitlines():
        hierarchy, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if path.startswith("/"):
            # " (deleted)" follows the path of a group that was removed under a process that is still ending.
            path = path.removesuffix(" (deleted)")
            paths["" if hierarchy == "0" else controllers] = path
    ordered = [paths.pop(name) for name in ("", "name=systemd") if name in paths] + list(paths.values())
    owners = [(path, parse_cgroup_path(path)) for path in ordered]
    by_container = (path for path, owner in owners if owner.container_id)
    by_unit = (path for path, owner in owners if owner.unit)
    return next(by_container, None) or next(by_unit, None) or next(iter(ordered), None)


def _unescape(text: str) -> str:
    r"""``\040`` is a space in mountinfo."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def parse_cgroup_mount(text: str) -> CgroupMount | None:
    """Where ``/proc/self/mountinfo`` says that the unified hierarchy is; the mount that shows most of it. None where
    it is not mounted.

    ``41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw``: id, parent, device, root, mount point,
    options, optional fields, ``-``, type, source, options.
    """
    found = []
    for line in text.splitlines():
        place, _dash, kind = line.partition(" - ")
        columns = place.split(" ")
        if kind.startswith("cgroup2 ") and len(columns) > 4 and not columns[3].startswith("/.."):
            found.append(CgroupMount(_unescape(columns[4]), _unescape(columns[3])))
    return min(found, key=lambda mount: len(mount.root)) if found else None
