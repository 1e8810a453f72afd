# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The jobs of a host: what its services really run, and what its timers start."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._errors import CouldNotLook, Denied, GuardError, NothingThere
from .._jobs.explain import explain
from .._jobs.follow import Text
from .._jobs.judge import Judge, judge_all, names_of, pulled_in
from .._jobs.model import BAD, Finding
from .._jobs.pairs import Standing
from .._ports.model import BlindSpot
from .._units.merge import Names, is_unit_name
from .job_evidence import collect_evidence
from .unit_files import UnitFiles, collect_folders, collect_unit_files, read_environment_files
from .units import is_booted

if t.TYPE_CHECKING:
    from .._host import Host

LARGEST_SCRIPT = 1 << 20  # bytes; more is no script that a person wrote
_MOST_BYTES = 64 << 20  # of all scripts together
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_USER_FOLDERS = (
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/local/share/systemd/user",
    "/usr/lib/systemd/user",
    "/usr/share/systemd/user",
)
_BINARIES = (b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"PK\x03\x04")


class Wanted(t.NamedTuple):
    """What the user asked. ``units`` are names, empty for all; ``timeout`` the seconds that one command may take;
    ``evidence`` whether the running host is asked about what was found; ``sample`` the seconds between two looks at memory,
    0 for one look."""

    units: tuple[str, ...] = ()
    users: bool = True
    evidence: bool = True
    timeout: float = 10
    sample: float = 0
    planned: tuple[tuple[str, str], ...] = ()  # files that are not there yet: path and text


class Jobs(t.NamedTuple):
    """What was found, and what could not be seen."""

    findings: tuple[Finding, ...]
    blind_spots: tuple[BlindSpot, ...]


class HostFiles:
    """The host's files, each read once and never more than :data:`LARGEST_SCRIPT` bytes of it."""

    def __init__(self, host: Host, planned: t.Sequence[tuple[str, str]] = ()) -> None:
        self._host = host
        self._texts: dict[str, Text] = {path: Text(text, "script") for path, text in planned}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._found: dict[str, str] = {}
        self._left = _MOST_BYTES
        self.unread: dict[str, str] = {}

    def read(self, path: str) -> Text:
        """The text of a script; what is no text, too large or not to be read says so."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> Text:
        if "\0" in path or len(path) > 4096:
            return Text(None, "missing", f"{path[:80]!r} is no path")
        try:
            start = self._host.read_start(path, 4)
            if start.startswith(_BINARIES):
                return Text(None, "binary")
            if self._left <= 0:
                raise CouldNotLook(f"{path}: the scripts of this host have more than {_MOST_BYTES >> 20} MiB together")
            content = self._host.read_regular(path, LARGEST_SCRIPT)
        except NothingThere:
            return Text(None, "missing", f"{path} does not exist")
        except CouldNotLook as error:
            self.unread[path] = str(error)
            return Text(None, "unread", f"{error}, so it was not read")
        self._left -= len(content)
        if b"\0" in content[:8192]:
            return Text(None, "binary")
        return Text(content.decode("utf-8", "replace"), "script")

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, none where it cannot be listed."""
        if folder not in self._folders:
            try:
                self._folders[folder] = tuple(sorted(self._host.list_dir(folder)))
            except CouldNotLook as error:
                self.unread[folder] = str(error)
                self._folders[folder] = ()
            except NothingThere:
                self._folders[folder] = ()
        return self._folders[folder]

    def find(self, program: str) -> str:
        """Where the path leads to a program, empty where it does not."""
        if program not in self._found:
            places = [posixpath.join(folder, program) for folder in _PATH]
            self._found[program] = next((place for place in places if program in self.names(posixpath.dirname(place))), "")
        return self._found[program]


def collect_jobs(host: Host, wanted: Wanted) -> Jobs:
    """Every service and timer of the system manager, and of each user's whose home may be read."""
    files = HostFiles(host, wanted.planned)
    units = _with_planned(collect_unit_files(host), wanted.planned)
    active, blind_spots = _active(host, wanted.timeout, None)
    findings = _judge(files, units, active, wanted, None)
    blind_spots = [*units.blind_spots, *blind_spots]
    if wanted.users:
        for login, home, uid in _homes(host, blind_spots):
            tree, unread = collect_folders(host, (f"{home}/.config/systemd/user", f"{home}/.local/share/systemd/user", *_USER_FOLDERS))
            own = list(tree.folders.get(f"{home}/.config/systemd/user", ()))
            own += tree.folders.get(f"{home}/.local/share/systemd/user", ())
            names = Names(tree)
            blind_spots += unread
            environment = read_environment_files(host, names, blind_spots)
            running, unseen = _active(host, wanted.timeout, (login, uid))
            blind_spots += unseen
            of_user = UnitFiles(names, environment, ())
            found = _judge(files, of_user, running, wanted, login)
            # What a package brings for all users is told once, below.
            findings += [one for one in found if one.unit in own or one.timer in own]
        findings += _packaged_for_users(host, files, wanted)
    if wanted.evidence:
        findings = _with_evidence(host, findings, wanted, blind_spots)
    blind_spots += [_unread(path, why) for path, why in sorted(files.unread.items())]
    return Jobs(tuple(explain(one) for one in findings), tuple(dict.fromkeys(blind_spots)))


def _with_planned(units: UnitFiles, planned: t.Sequence[tuple[str, str]]) -> UnitFiles:
    """The units as they will be once the planned files are there."""
    own = {path: text for path, text in planned if is_unit_name(posixpath.basename(path)) or path.endswith(".conf")}
    if not own:
        return units._replace(environment_files={**units.environment_files, **dict(planned)})
    tree = units.names.tree
    folders = {folder: tuple(names) for folder, names in tree.folders.items()}
    for path in own:
        folder, _slash, name = path.rpartition("/")
        folders[folder] = tuple(sorted({*folders.get(folder, ()), name}))
    links = {path: target for path, target in tree.links.items() if path not in own}
    whole = tree._replace(files={**tree.files, **own}, links=links, folders=folders)
    return UnitFiles(Names(whole), {**units.environment_files, **dict(planned)}, units.blind_spots)


def _judge(files: HostFiles, units: UnitFiles, active: frozenset[str] | None, wanted: Wanted, user: str | None) -> list[Finding]:
    enabled, pulled = pulled_in(units.names)
    judge = Judge(units.names, files, units.environment_files, Standing(enabled, pulled, active), user)
    return judge_all(judge, units.names, wanted.units)


def _packaged_for_users(host: Host, files: HostFiles, wanted: Wanted) -> list[Finding]:
    tree, _unread = collect_folders(host, _USER_FOLDERS)
    names = Names(tree)
    if not any(names_of(names)):
        return []
    spots: list[BlindSpot] = []
    units = UnitFiles(names, read_environment_files(host, names, spots), ())
    return _judge(files, units, None, wanted, "*")


def _homes(host: Host, blind_spots: list[BlindSpot]) -> list[tuple[str, str, int]]:
    """Users who have units of their own: login, home and uid."""
    found = []
    try:
        lines = host.read_text("/etc/passwd").splitlines()
    except GuardError as error:
        blind_spots.append(_unread("/etc/passwd", str(error)))
        return []
    for line in lines:
        fields = line.split(":")
        if len(fields) < 7 or not fields[2].isdigit() or not fields[5].startswith("/") or fields[5] in ("/", "/nonexistent"):
            continue
        uid, home = int(fields[2]), fields[5].rstrip("/")
        if uid != 0 and (uid < 1000 or uid == 65534):
            continue
        try:
            host.list_dir(f"{home}/.config/systemd/user")
        except NothingThere:
            continue
        except Denied as error:
            blind_spots.append(_unread(f"units of the user {fields[0]}", str(error)))
            continue
        except CouldNotLook as error:
            blind_spots.append(_unread(f"units of the user {fields[0]}", str(error)))
            continue
        found.append((fields[0], home, uid))
    return found


def _unread(what: str, why: str) -> BlindSpot:
    return BlindSpot(
        what=what, why=why, could_hide_planned=False, remedy="Run as root, or look at it by hand; what it does could not be judged."
    )


def _active(host: Host, timeout: float, user: tuple[str, int] | None) -> tuple[frozenset[str] | None, list[BlindSpot]]:
    """The timers and services that run now, None where nobody could say."""
    if not is_booted(host):
        return None, []
    command = ["systemctl"]
    if user is not None:
        if host.euid() not in (0, user[1]) or not _has_manager(host, user[1]):
            return None, []
        as_user = [] if host.euid() == user[1] else ["runuser", "-u", user[0], "--"]
        command = [*as_user, "env", f"XDG_RUNTIME_DIR=/run/user/{user[1]}", "systemctl", "--user"]
    try:
        answer = host.run(
            [*command, "list-units", "--no-legend", "--plain", "--no-pager", "--state=active,activating,reloading", "--type=timer,service"],
            timeout,
        )
        if answer.rc != 0:
            raise CouldNotLook(f"systemctl list-units exited {answer.rc}: {answer.err.strip()[:200]}")
    except GuardError as error:
        what = "active units" if user is None else f"active units of the user {user[0]}"
        return None, [_unread(what, str(error))]
    return frozenset(match[1] for match in re.finditer(r"(?m)^\s*[●*]?\s*(\S+\.(?:timer|service))\s", answer.out)), []


def _has_manager(host: Host, uid: int) -> bool:
    try:
        host.list_dir(f"/run/user/{uid}/systemd")
    except GuardError:
        return False
    return True


def _with_evidence(host: Host, findings: list[Finding], wanted: Wanted, blind_spots: list[BlindSpot]) -> list[Finding]:
    """Asks the running host about what is bad, and about pairs that are sound so far."""
    asked = [one for one in findings if one.user is None and (one.verdict in BAD or one.timer)]
    if not asked or not is_booted(host):
        return findings
    try:
        evidence = collect_evidence(host, [one.unit for one in asked], wanted.timeout, wanted.sample)
    except GuardError as error:
        blind_spots.append(_unread("what the running units have done", str(error)))
        return findings
    unasked = [one.unit for one in asked if one.unit not in evidence]
    if unasked:
        blind_spots.append(
            _unread("what the running units have done", f"only {len(evidence)} units are asked at once; not asked: {unasked[0]} ...")
        )
    wanted_of = {(one.unit, one.timer) for one in asked}
    return [
        one._replace(evidence=evidence.get(one.unit)) if one.user is None and (one.unit, one.timer) in wanted_of else one
        for one in findings
    ]
