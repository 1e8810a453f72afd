# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The paths that a snapshot records where the user names none."""

from __future__ import annotations

import stat
import typing as t

from .._containers.compose_names import DEFAULT_FILES, OVERRIDE_FILES
from .._errors import BadInput, CouldNotLook, NothingThere, Refused
from .._snapshot.container_files import find_binds, find_project_files, find_project_folder
from .._snapshot.paths import DEFAULT_PATHS, RUNTIME_PATHS, USER_PATHS, PathPlan, check_path, is_below, literal, parse_path, plan_paths
from .compose_files import find_compose_files

if t.TYPE_CHECKING:
    from .._host import Host
    from .._snapshot.model import ContainerState, Engines

MOST_ENTRIES = 5_000
MOST_BYTES = 64 << 20
"""A project's folder with more in it holds data, not configuration; then only the files in it itself are recorded."""

_LARGEST_FILE = 1 << 20
_MOST_LINKS = 40  # what the kernel follows in one path (path_resolution(7))
_OWN_FILES = (*DEFAULT_FILES, *OVERRIDE_FILES, ".env")
_HOMES = ("/root", "/etc", "/opt", "/srv", "/mnt", "/usr/local", "/var/lib")


class _User(t.NamedTuple):
    name: str
    home: str
    runtime: str = ""  # the folder in /run of one whose manager runs


def _users(host: Host) -> list[_User]:
    """Who has, or will at the next boot have, a service manager: whoever is logged in, and whoever lingers."""
    homes: dict[str, str] = {}
    runtime: dict[str, str] = {}
    for name in _names(host, "/run/user"):
        if name.isdigit():
            login = host.user_name(int(name))
            homes[login] = host.home(int(name))
            runtime[login] = f"/run/user/{name}"
    lingering = set(_names(host, "/var/lib/systemd/linger")) - set(homes)
    if lingering:
        for line in host.read_text("/etc/passwd").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[0] in lingering:
                homes[fields[0]] = fields[5]
    return [_User(name, home, runtime.get(name, "")) for name, home in sorted(homes.items()) if home not in ("", "/", "/nonexistent")]


def _names(host: Host, folder: str) -> list[str]:
    try:
        return host.list_dir(folder)
    except NothingThere:
        return []


def _is_link(host: Host, path: str) -> bool:
    try:
        host.read_link(path)
    except (NothingThere, CouldNotLook):
        return False
    return True


def _resolve(host: Host, path: str) -> str:
    """A path of the system's own with no link above its last part (none at all with a slash at its end). Never for what
    lies in a user's folder.

    :raises CouldNotLook: it leads in a circle
    """
    done, rest, whole = "", [part for part in path.split("/") if part], path.endswith("/")
    for _number in range(_MOST_LINKS + len(rest)):
        if not rest:
            return done or "/"
        step = f"{done}/{rest[0]}"
        if (len(rest) == 1 and not whole) or not _is_link(host, step):
            done, rest = step, rest[1:]
            continue
        target = host.read_link(step)
        base = [] if target.startswith("/") else done.split("/")[1:]
        parts: list[str] = []
        for part in [*base, *target.split("/")]:
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        done, rest = "", [*parts, *rest[1:]]
    raise CouldNotLook(f"{path}: too many links")


def _below_home(host: Host, user: _User) -> tuple[list[str], list[tuple[str, str]]]:
    """The folders of a user's units and quadlets, also those that last until the manager ends, and those that are not
    recorded since a link of the user's leads elsewhere."""
    notes = []
    paths = [f"{user.runtime}/{below}" for below in RUNTIME_PATHS if user.runtime]
    home = _resolve(host, f"{user.home}/")
    for below in USER_PATHS:
        parts = below.split("/")
        above = ["/".join((home, *parts[:count])) for count in range(1, len(parts))]
        link = next((path for path in above if _is_link(host, path)), None)
        if link is None:
            paths.append(f"{home}/{below}")
        else:
            notes.append((f"{home}/{below}", f"{link} is a link, and links of users are not followed"))
    return paths, notes


class _Project(t.NamedTuple):
    folder: str
    files: tuple[str, ...]
    has_containers: bool


def _projects(host: Host, engines: Engines, users: t.Sequence[_User]) -> list[_Project]:
    """The folders of Compose projects, up or down, each once. What a label of a user's container names counts below the
    home of that user only: a label is no right to another's files."""
    homes = {user.name: user.home for user in users}
    found: dict[str, set[str]] = {}
    up: set[str] = set()
    for container in engines.containers:
        folder = find_project_folder(container)
        if folder is not None and (container.user is None or _is_users(folder, homes.get(container.user))):
            files = [path for path in find_project_files(container) if container.user is None or _is_users(path, homes.get(container.user))]
            found.setdefault(folder, set()).update(files)
            up.add(folder)
    for path, _name in find_compose_files(host):
        found.setdefault(path.rpartition("/")[0], set()).add(path)
    return [_Project(folder, tuple(sorted(files)), folder in up) for folder, files in sorted(found.items())]


def _is_users(path: str, home: str | None) -> bool:
    return home is not None and path != home and is_below(path, home)


def _data_folders(host: Host, containers: t.Iterable[ContainerState], folder: str) -> list[str]:
    """The folders in a project's folder that containers write to."""
    sources = {bind.source.rstrip("/") for one in containers for bind in find_binds(one) if bind.writable}
    return sorted(path for path in sources if path != folder and is_below(path, folder) and _is_folder(host, path))


def _is_folder(host: Host, path: str) -> bool:
    try:
        return stat.S_ISDIR(host.mode_and_size(path)[0])
    except (NothingThere, CouldNotLook):
        return False


def _is_small(host: Host, folder: str, without: t.Container[str]) -> bool:
    """Whether what is in a folder is few enough to be configuration."""
    entries, size, pending = 0, 0, [folder]
    while pending:
        here = pending.pop()
        for name, kind in _entries(host, here):
            path = f"{here}/{name}"
            entries += 1
            if path in without:
                continue
            if kind == "folder":
                pending.append(path)
            elif kind == "file":
                size += _size(host, path)
            if entries > MOST_ENTRIES or size > MOST_BYTES:
                return False
    return True


def _entries(host: Host, folder: str) -> list[tuple[str, str]]:
    try:
        return host.entries(folder)
    except (NothingThere, CouldNotLook):
        return []


def _size(host: Host, path: str) -> int:
    try:
        return host.mode_and_size(path)[1]
    except (NothingThere, CouldNotLook):
        return 0


def _is_wide(folder: str, users: t.Sequence[_User]) -> bool:
    """Whether more than a project lives in a folder: somebody ran Compose in their home, or in /opt."""
    return folder.count("/") < 2 or folder in _HOMES or folder in {user.home for user in users} or folder.rpartition("/")[0] == "/home"


def _plan_project(host: Host, project: _Project, engines: Engines, users: t.Sequence[_User]) -> PathPlan:
    """What of a project is recorded: its folder; but only files of its own where more lives there than configuration, and
    where it has no container, which alone would tell its data.

    :raises Refused: it lies where nothing may be recorded
    :raises BadInput: its folder is no plain path
    """
    folder = parse_path(project.folder)
    named = {parse_path(path) for path in project.files}
    wide = _is_wide(folder, users)
    data = _data_folders(host, engines.containers, folder)
    if project.has_containers and not wide and _is_small(host, folder, data):
        check_path(folder)
        outside = sorted(path for path in named if not is_below(path, folder))
        notes = [(path, "a container writes to it, so it holds data; a hook can save it") for path in data]
        return PathPlan((folder, *outside), tuple(map(literal, data)), tuple(notes))
    names = [name for name, kind in _entries(host, folder) if kind == "file"]
    if wide or not project.has_containers:
        names = [name for name in names if name in _OWN_FILES]
    files = sorted({*named, *(f"{folder}/{name}" for name in names if _size(host, f"{folder}/{name}") <= _LARGEST_FILE)})
    for path in files:
        check_path(path)
    return PathPlan(tuple(files), (), ((folder, _why_files_only(project, wide, files)),))


def _why_files_only(project: _Project, wide: bool, files: t.Iterable[str]) -> str:
    if not project.has_containers:
        why = "the Compose project in it has no containers, which would tell its data"
    elif wide:
        why = "more than a Compose project lives in it"
    else:
        why = f"it has more than {MOST_BYTES >> 20} MiB or {MOST_ENTRIES} entries"
    return f"{why}; of it only these files are recorded: {', '.join(path.rpartition('/')[2] for path in files) or 'none'}"


def collect_default_paths(host: Host, engines: Engines) -> PathPlan:
    """What a deployment may touch: :data:`DEFAULT_PATHS`, the unit folders of users who have a service manager, and the
    folders of Compose projects that are up or lie in the usual places, without what containers write to in them.

    :raises CouldNotLook: who has a service manager cannot be told
    """
    users = _users(host)
    paths = [_resolve(host, path) for path in DEFAULT_PATHS]
    excluded: list[str] = []
    notes: list[tuple[str, str]] = []
    for user in users:
        below, refused = _below_home(host, user)
        paths += below
        notes += refused
    for project in _projects(host, engines, users):
        try:
            plan = _plan_project(host, project, engines, users)
        except (Refused, BadInput) as error:
            notes.append((project.folder, str(error)))
            continue
        paths += plan.paths
        excluded += plan.excluded
        notes += plan.notes
    return plan_paths(paths, excluded, notes)
