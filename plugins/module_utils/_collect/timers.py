# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What writing a pair must know of a host: where units lie, what systemd makes of time spans, how units stand."""

from __future__ import annotations

import datetime
import typing as t

from .._errors import BadInput, CouldNotLook, Denied, NothingThere, Refused
from .._jobs.analyze import parse_calendar, parse_complaints, parse_stamp, parse_timespan
from .._jobs.pair_model import Spans
from .._jobs.pair_text import SCRIPT_FOLDER

if t.TYPE_CHECKING:
    from .._host import CommandResult, Host
    from .._jobs.analyze import Complaints
    from .._jobs.pair_model import Pair, Schedule

_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "FragmentPath", "NeedDaemonReload", "LastTriggerUSec")
# systemd-analyze verify judges by --recursive-errors= since this version; before it, what it prints counts.
_KNOWS_RECURSIVE_ERRORS = 250
_MOST = 1 << 20  # bytes of a unit file or a script of ours
_EXECUTABLE = 0o111


class Place(t.NamedTuple):
    """Where the pairs of a manager lie, and how it is spoken to. ``environment`` goes with every command, ``stage`` is a
    folder that is gone at the next boot, ``notes`` what there is to say of the manager."""

    scope: str
    units: str
    scripts: str
    stage: str
    stamps: str
    arguments: tuple[str, ...]
    environment: t.Mapping[str, str]
    notes: tuple[str, ...] = ()


class State(t.NamedTuple):
    """How a unit stands, in systemd's words; ``is_stale`` is whether its files have changed since systemd read them,
    ``last_run`` when a timer last fired."""

    load: str
    active: str
    enabled: str
    fragment: str
    is_stale: bool
    last_run: datetime.datetime | None


def find_place(host: Host, scope: str) -> Place:
    """Where the pairs of a scope lie.

    :raises Refused: it takes root, or the user has no manager
    """
    uid = host.euid()
    if scope == "system":
        if uid != 0:
            raise Refused("scope: system takes root; use become, or say scope: user for the manager of the login")
        return Place("system", "/etc/systemd/system", SCRIPT_FOLDER, "/run/guarded-deploy", "/var/lib/systemd/timers", (), {})
    runtime = f"/run/user/{uid}"
    name, home = host.user_name(uid), host.home(uid)
    if not host.exists(f"{runtime}/systemd"):
        raise Refused(f"{name} has no manager of its own now ({runtime}/systemd is missing); run 'loginctl enable-linger {name}' as root")
    notes: tuple[str, ...] = ()
    if not _lingers(host, name):
        notes = (f"{name} does not linger: its timers rest while it is not logged in; 'loginctl enable-linger {name}' changes that",)
    units, data = f"{home}/.config/systemd/user", f"{home}/.local/share"
    environment = {"XDG_RUNTIME_DIR": runtime}
    return Place(
        "user", units, f"{data}/guarded-deploy", f"{runtime}/guarded-deploy", f"{data}/systemd/timers", ("--user",), environment, notes
    )


def _lingers(host: Host, name: str) -> bool:
    try:
        return host.exists(f"/var/lib/systemd/linger/{name}")
    except Denied:
        return False


def ask_systemctl(host: Host, place: Place, words: t.Sequence[str], timeout: float) -> CommandResult:
    """Run ``systemctl`` of the scope, its times in UTC."""
    return host.run(["systemctl", *place.arguments, *words], timeout, {**place.environment, "TZ": "UTC"})


def read_states(host: Host, place: Place, names: t.Sequence[str], timeout: float) -> dict[str, State]:
    """How units stand; one that does not exist has the load state ``not-found``.

    :raises CouldNotLook: systemctl failed, or answered something else
    """
    answer = ask_systemctl(host, place, ["show", "--property=" + ",".join(_PROPERTIES), "--", *names], timeout)
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in answer.out.strip("\n").split("\n\n")]
    if answer.rc != 0 or len(blocks) != len(names) or not all("LoadState" in block for block in blocks):
        raise CouldNotLook(f"systemctl show exited {answer.rc}: {' '.join((answer.err or answer.out).split())[:300]}")
    return {name: _state(block) for name, block in zip(names, blocks)}


def _state(block: t.Mapping[str, str]) -> State:
    last = parse_stamp(block.get("LastTriggerUSec", ""))
    load, active, enabled, fragment = (block.get(name, "") for name in _PROPERTIES[:4])
    return State(load, active, enabled, fragment, block.get("NeedDaemonReload") == "yes", last)


def measure_spans(host: Host, pair: Pair, timeout: float) -> Spans:
    """The time spans of a pair, as this host's systemd reads them.

    :raises BadInput: it reads one of them as none
    """
    when = pair.schedule
    texts = {name: getattr(when, name, "") for name in Spans._fields} | {"timeout_start_sec": pair.timeout_start_sec}
    return Spans(**{name: measure_span(host, name, text, timeout) for name, text in texts.items() if text})


def measure_span(host: Host, option: str, text: str, timeout: float) -> int:
    """The microseconds of a time span.

    :raises BadInput: systemd reads none; the text names the option
    """
    answer = host.run(["systemd-analyze", "timespan", "--", text], timeout)
    if answer.rc != 0:
        raise BadInput(f"{option}: systemd reads {text!r} as no time span ({_said(answer)}); write it as in 90s, 6min or 1h 30min")
    return parse_timespan(answer.out)


def _said(answer: CommandResult) -> str:
    return " ".join((answer.err or answer.out).split())[:200]


def read_calendar(host: Host, when: Schedule, count: int, timeout: float) -> list[datetime.datetime]:
    """The next runs that a schedule's calendar expressions lead to, as many of each.

    :raises BadInput: systemd cannot read one, or it never elapses
    """
    found: list[datetime.datetime] = []
    for text in when.on_calendar:
        answer = host.run(["systemd-analyze", "calendar", f"--iterations={count}", "--", text], timeout)
        if answer.rc != 0:
            example = "'*-*-* 03:30', 'Mon..Fri 09:00' or 'hourly'"
            raise BadInput(f"on_calendar: systemd cannot read {text!r} ({_said(answer)}); write it as in {example}")
        runs = parse_calendar(answer.out)
        if not runs:
            raise BadInput(f"on_calendar: {text!r} never elapses from now on")
        found += runs
    return found


def read_own(host: Host, path: str) -> str | None:
    """The text of a file of a pair, None where there is none.

    :raises Refused: it is a link, or none of a size that could be ours
    """
    try:
        target = host.read_link(path)
    except NothingThere:
        return None
    except CouldNotLook:
        pass  # no link
    else:
        raise Refused(f"{path} is a link to {target}: masked, or another unit's name; choose another name, or remove it first")
    return host.read_regular(path, _MOST).decode("utf-8", "surrogateescape")


def read_drop_ins(host: Host, folder: str) -> dict[str, str]:
    """The texts of a folder's drop-ins by path; none where there is no such folder."""
    try:
        names = host.list_dir(folder)
    except NothingThere:
        return {}
    paths = [f"{folder}/{name}" for name in sorted(names) if name.endswith(".conf")]
    return {path: host.read_regular(path, _MOST).decode("utf-8", "surrogateescape") for path in paths}


def find_missing(host: Host, place: Place, pair: Pair, interpreter: str | None, timeout: float) -> list[str]:
    """What a run will need and the host does not have (yet), each with what to do."""
    found = []
    program = pair.command[0] if pair.command else interpreter or ""
    option = "command" if pair.command else "script"
    found += find_program_fault(host, option, program)
    if pair.user and host.run(["id", "-u", "--", pair.user], timeout).rc != 0:
        found.append(f"user: the host has no user {pair.user}; create it before this task")
    folder = pair.working_directory
    if folder not in ("", "~") and not host.exists(folder):
        found.append(f"working_directory: {folder} does not exist; create it before this task")
    units = [name.replace("%n", f"{pair.name}.service").replace("%N", pair.name).replace("%p", pair.name) for name in pair.on_failure]
    states = read_states(host, place, units, timeout) if units else {}
    for name, state in states.items():
        if state.load != "loaded":
            found.append(f"on_failure: there is no unit {name} ({state.load}); create it before this task")
    return found


def find_program_fault(host: Host, option: str, path: str) -> list[str]:
    """Why a program cannot be run, and what to do; nothing where it can."""
    why = _not_executable(host, path)
    return [f"{option}: {path} {why}; install it before this task"] if why else []


def _not_executable(host: Host, path: str) -> str:
    try:
        mode, _size = host.mode_and_size(path)
    except NothingThere:
        return "does not exist"
    if mode & 0o170000 != 0o100000:
        return "is no regular file"
    return "" if mode & _EXECUTABLE else "is not executable (chmod +x)"


def verify_units(host: Host, place: Place, staged: str, names: t.Sequence[str], timeout: float) -> tuple[int, Complaints]:
    """Let systemd read the copies of units that lie in a folder, and say how it ended and what it found.

    :raises CouldNotLook: systemd-analyze failed before it could judge
    """
    judge = ["--recursive-errors=one"] if read_version(host, timeout) >= _KNOWS_RECURSIVE_ERRORS else []
    argv = ["systemd-analyze", *place.arguments, "verify", *judge, *(f"{staged}/{name}" for name in names)]
    answer = host.run(argv, timeout, place.environment)
    complaints = parse_complaints(f"{answer.err}\n{answer.out}", names, staged, place.units)
    if answer.rc != 0 and not complaints.own and (complaints.unclear or not complaints.others):
        raise CouldNotLook(f"systemd-analyze verify exited {answer.rc}: {'; '.join(complaints.unclear)[:500] or 'it says nothing'}")
    return answer.rc, complaints


def read_version(host: Host, timeout: float) -> int:
    """The version of systemd.

    :raises CouldNotLook: it says none
    """
    answer = host.run(["systemctl", "--version"], timeout)
    words = answer.out.split()
    if answer.rc != 0 or len(words) < 2 or not words[1].isdigit():
        raise CouldNotLook(f"systemctl --version exited {answer.rc}: {_said(answer)}")
    return int(words[1])
