# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The files of systemd's units, their drop-ins and links, and the environment files that services name."""

from __future__ import annotations

import fnmatch
import re
import stat
import typing as t

from .._errors import CouldNotLook, GuardError, NothingThere
from .._ports.model import BlindSpot
from .._units.boot import Boot, names_at_boot, simulate_boot
from .._units.commands import environment_file_paths
from .._units.declared import declare_unit
from .._units.merge import SEARCH_PATH, Names, UnitTree, find_names, is_unit_name
from .._units.specifiers import parse_name

if t.TYPE_CHECKING:
    from .._host import Host
    from .._ports.model import Declared
    from .._units.merge import MergedUnit, Setting

_FOLDER_SUFFIXES = (".d", ".wants", ".requires", ".upholds")
# More than any host has; a folder of rubbish must not hold up the look.
_MOST_FILES = 20_000
_LARGEST_FILE = 1 << 20  # bytes
_LONGEST_CHAIN = 10  # of links
# Folders whose content is the same at the next boot; what is below /run, /sys, /proc and /dev is made then.
_LASTING = ("/etc/", "/usr/", "/var/", "/opt/", "/srv/", "/home/", "/root/", "/lib/", "/bin/", "/sbin/")


class UnitFiles(t.NamedTuple):
    """Every file of the system manager's units. ``environment_files`` has the text of each path that a service names,
    None for one that does not exist; one that could not be read is missing, and is a blind spot."""

    names: Names
    environment_files: dict[str, str | None]
    blind_spots: tuple[BlindSpot, ...]


class DeclaredUnits(t.NamedTuple):
    """What every service and socket unit declares, and what the next boot starts of them; ``boot`` is None where that was
    not asked."""

    declared: tuple[Declared, ...]
    boot: Boot | None
    blind_spots: tuple[BlindSpot, ...]


def collect_declared_units(host: Host) -> DeclaredUnits:
    """What the texts of all services and sockets say, by name; aliases and templates without an instance are left out."""
    files = collect_unit_files(host)
    now = files.names
    later = names_at_boot(now)
    boot = simulate_boot(later, holds=lambda setting: read_condition(host, setting))
    passed: dict[str, list[str]] = {}
    for service, triggers in boot.triggered.items():
        passed[service] = [name for name in triggers if name.endswith(".socket")]
    declared = []
    for name in _services_and_sockets(now, boot):
        merged = now.merge(name)
        declared.append(declare_unit(name, merged, files.environment_files, _starts(boot, merged, later), passed.get(name, ())))
    return DeclaredUnits(tuple(declared), boot, files.blind_spots)


def _starts(boot: Boot, merged: MergedUnit, later: Names) -> str:
    answer = boot.starts(later.resolve(merged.name)[0])
    if answer != "no" or merged.load == "masked":
        return answer
    kind = merged.last("Service", "Type")
    # A bus name may start it at any time; what may not be read may hold a link to it.
    return "unknown" if (kind is not None and kind.value == "dbus") or later.tree.unread else answer


def _services_and_sockets(now: Names, boot: Boot) -> list[str]:
    names = {*find_names(now.tree), *boot.started, *boot.triggered}
    found = {now.resolve(name)[0] for name in names if name.endswith((".service", ".socket"))}
    return sorted(name for name in found if not parse_name(name).is_template)


def collect_unit_files(host: Host) -> UnitFiles:
    """Reads every folder of units once. A folder that is not there is nothing; one that may not be read is a blind spot."""
    look = _Look(host)
    for folder in SEARCH_PATH:
        look.folder(folder)
    names = Names(UnitTree(look.files, look.links, look.folders, look.unread))
    environment = read_environment_files(host, names, look.blind_spots)
    look.blind_spots += [_blind_spot(path, why) for path, why in sorted(look.unread.items())]
    return UnitFiles(names, environment, tuple(look.blind_spots))


def _blind_spot(what: str, why: str) -> BlindSpot:
    return BlindSpot(
        what=what,
        why=why,
        could_hide_planned=True,
        remedy="Run as root; what a unit declares there, and whether the next boot starts it, is not known.",
    )


def collect_folders(host: Host, folders: t.Sequence[str]) -> tuple[UnitTree, tuple[BlindSpot, ...]]:
    """The units in other folders than the system manager's, the first of them counting most, and what could not be read."""
    look = _Look(host)
    for folder in folders:
        look.folder(folder)
    blind_spots = [_blind_spot(path, why) for path, why in sorted(look.unread.items())]
    return UnitTree(look.files, look.links, look.folders, look.unread, tuple(folders)), tuple(blind_spots)


class _Look:
    """Walks over the folders and keeps what it read, by path."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.files: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.unread: dict[str, str] = {}
        self.blind_spots: list[BlindSpot] = []
        self._left = _MOST_FILES
        self._merged_usr = self._is_link("/lib")

    def _is_link(self, path: str) -> bool:
        try:
            return bool(self._host.read_link(path))
        except GuardError:
            return False

    def folder(self, path: str) -> None:
        if path.startswith("/lib/") and self._merged_usr:
            return
        for name, kind in self._entries(path):
            below = f"{path}/{name}"
            if name.endswith(_FOLDER_SUFFIXES) and kind in ("folder", "link"):
                self._below(below)
            elif is_unit_name(name):
                self._unit(below, kind)

    def _below(self, path: str) -> None:
        """A folder of drop-ins or of links to units."""
        drop_ins = path.endswith(".d")
        for name, kind in self._entries(path):
            if name.endswith(".conf") if drop_ins else is_unit_name(name):
                self._unit(f"{path}/{name}", kind, follow=drop_ins)

    def _entries(self, path: str) -> list[tuple[str, str]]:
        try:
            found = self._host.entries(path)
        except NothingThere:
            return []
        except CouldNotLook as error:
            self.unread[path] = str(error)
            return []
        if len(found) > self._left:
            self.unread[path] = f"the folders of units hold more than {_MOST_FILES} files"
            found = found[: self._left]
        self._left -= len(found)
        self.folders[path] = tuple(name for name, _kind in found)
        return found

    def _unit(self, path: str, kind: str, follow: bool = True) -> None:
        if kind == "file":
            self._read(path)
        elif kind == "link":
            for _step in range(_LONGEST_CHAIN):
                target = self._target(path)
                if target is None or target == "/dev/null":
                    return
                if not follow or target.rpartition("/")[0] in SEARCH_PATH or target in self.files or target in self.links:
                    return
                if not self._is_link(target):
                    self._read(target)
                    return
                path = target

    def _target(self, path: str) -> str | None:
        try:
            text = self._host.read_link(path)
        except NothingThere:
            return None
        except CouldNotLook as error:
            self.unread[path] = str(error)
            return None
        target = _absolute(path.rpartition("/")[0], text)
        if self._merged_usr and target.startswith("/lib/"):
            # /lib is /usr/lib: one file must have one path.
            target = f"/usr{target}"
        self.links[path] = target
        return target

    def _read(self, path: str) -> None:
        try:
            self.files[path] = self._host.read_regular(path, _LARGEST_FILE).decode("utf-8", "surrogateescape")
        except NothingThere:
            return
        except CouldNotLook as error:
            self.unread[path] = str(error)


def _absolute(folder: str, target: str) -> str:
    """Where a link in a folder points, without ``..`` and ``.``."""
    parts: list[str] = []
    for part in (target if target.startswith("/") else f"{folder}/{target}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def read_environment_files(host: Host, names: Names, blind_spots: list[BlindSpot]) -> dict[str, str | None]:
    """The environment files that services name, by their paths: None for one that does not exist; what cannot be read is
    added to ``blind_spots``."""
    found: dict[str, str | None] = {}
    seen: set[str] = set()
    for name in find_names(names.tree):
        if not name.endswith(".service"):
            continue
        for path, _may_be_missing in environment_file_paths(names.merge(name)):
            if path in seen or not path.startswith("/"):
                continue
            seen.add(path)
            try:
                found[path] = _read_matching(host, path)
            except NothingThere:
                found[path] = None
            except CouldNotLook as error:
                blind_spots.append(_blind_spot(f"{path}, the environment of {name}", str(error)))
    return found


def _read_matching(host: Host, path: str) -> str:
    """The text of a file, or of all that a pattern matches, in the order of their names."""
    if not re.search(r"[*?[]", path):
        return _read_text(host, path)
    folder, _slash, pattern = path.rpartition("/")
    matching = sorted(name for name, _kind in host.entries(folder) if fnmatch.fnmatchcase(name, pattern))
    if not matching:
        raise NothingThere(f"nothing matches {path}")
    return "\n".join(_read_text(host, f"{folder}/{name}") for name in matching)


def _read_text(host: Host, path: str) -> str:
    return host.read_regular(path, _LARGEST_FILE).decode("utf-8", "surrogateescape")


def _is_there(_mode: int, _size: int) -> bool:
    return True


def _is_folder(mode: int, _size: int) -> bool:
    return stat.S_ISDIR(mode)


def _is_filled(mode: int, size: int) -> bool:
    return stat.S_ISREG(mode) and size > 0


def _is_executable(mode: int, _size: int) -> bool:
    return stat.S_ISREG(mode) and mode & 0o111 != 0


# By the end of the key, as src/shared/condition.c tests what is there.
_CONDITIONS: dict[str, t.Callable[[int, int], bool]] = {
    "PathExists": _is_there,
    "PathIsDirectory": _is_folder,
    "FileNotEmpty": _is_filled,
    "FileIsExecutable": _is_executable,
}


def read_condition(host: Host, setting: Setting) -> bool | None:
    """Whether a condition will hold at the next boot, as far as the files that are there now can tell; None where not."""
    value = setting.value.lstrip("|")
    path = value.lstrip("!").strip()
    test = _CONDITIONS.get(re.sub("^(?:Condition|Assert)", "", setting.key))
    if test is None or not path.startswith(_LASTING) or "%" in path:
        return None
    try:
        found = test(*host.mode_and_size(path))
    except NothingThere:
        found = False
    except CouldNotLook:
        return None
    return found != value.startswith("!")
