# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What an armed guard lays on a host: laid, started, and taken away again."""

from __future__ import annotations

import stat
import typing as t

from .._errors import CouldNotLook, GuardError, NothingThere, Refused, StepFailed
from .._guard.units import (
    ADMIN_FOLDER,
    BACKSTOP,
    FIRE,
    LATE,
    LOCAL_FOLDER,
    TIMER,
    UNITS,
    guard_paths,
    render_start,
    render_timer,
    render_units,
    unit_files,
    unit_links,
)
from .._units.show import parse_blocks
from .guard_record import HERE, Place

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost

_TIMEOUT = 60.0  # seconds for one systemctl; a busy systemd answers late
_CHECK = "import sys, json, zlib, subprocess; sys.exit(sys.version_info < (3, 9))"
_PYTHON_FOLDERS = ("/usr/bin", "/usr/local/bin")
# Seconds by which the second timer comes after the window.
_BACKSTOP_DELAY = 1.0


def run_checked(host: WritableHost, argv: t.Sequence[str], timeout: float = _TIMEOUT) -> str:
    """What a command printed.

    :raises StepFailed: it ended with an error
    """
    answer = host.run(argv, timeout)
    if answer.rc != 0:
        raise StepFailed(f"'{' '.join(argv)}' exited {answer.rc}: {' '.join((answer.err or answer.out).split())[:500]}")
    return answer.out


def check_roots_alone(host: Host, path: str) -> None:
    """That nobody but root can replace what is at a path, nor any folder above it.

    :raises Refused: somebody can, and where
    """
    real = host.real_path(path)
    parts = real.strip("/").split("/")
    for place in ("/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))):
        facts = host.path_facts(place)
        by_group = facts.mode & stat.S_IWGRP and facts.gid != 0
        if facts.uid != 0 or by_group or facts.mode & stat.S_IWOTH:
            raise Refused(f"{path} cannot be trusted with a rollback: {place} can be changed by others than root; give it to root alone")


def find_interpreter(host: Host, preferred: str) -> str:
    """The real path of a Python that runs the program: the preferred one, else any of the system's.

    :raises Refused: there is none that is root's alone and works
    """
    tried = []
    for path in (host.real_path(preferred), *_system_interpreters(host)):
        try:
            check_roots_alone(host, path)
            if host.run((path, "-I", "-c", _CHECK), 20).rc == 0:
                return path
            tried.append(f"{path} does not work, or is older than 3.9")
        except GuardError as error:
            tried.append(str(error))
    raise Refused(f"no Python on this host may run a rollback: {'; '.join(tried)}")


def _system_interpreters(host: Host) -> list[str]:
    found = []
    for folder in _PYTHON_FOLDERS:
        try:
            names = host.list_dir(folder)
        except NothingThere:
            continue
        versions = [name for name in names if name.startswith("python3.") and name[8:].isdigit()]
        found += [f"{folder}/{name}" for name in sorted(versions, key=lambda name: int(name[8:]), reverse=True)]
    return [*found, "/usr/libexec/platform-python"]


def lay_program(host: WritableHost, digest: str, program: bytes, interpreter: str, place: Place = HERE) -> str:
    """Lay the program and what starts it, and remove what earlier guards have left. Gives the path of what starts it."""
    paths = guard_paths(digest, place.folder)
    host.make_folder(paths.folder, 0o700)
    host.write_file(paths.program, program, 0o600)
    host.write_file(paths.start, render_start(paths, digest, interpreter).encode(), 0o700)
    check_roots_alone(host, paths.start)
    remove_programs(host, place, but=digest)
    return paths.start


def remove_programs(host: WritableHost, place: Place = HERE, but: str = "") -> None:
    """Remove the programs of ended guards. One that runs has loaded all that it needs."""
    for name, kind in host.entries(place.folder):
        if kind == "folder" and len(name) == 64 and name != but:
            host.remove_tree(f"{place.folder}/{name}")


def _find_unit_folder(host: WritableHost, place: Place) -> str:
    """Where our units are to lie: see there. systemd must search it, and must see it before anything is mounted."""
    searched = run_checked(host, ("systemctl", "show", "--property=UnitPath", "--value")).split()
    if LOCAL_FOLDER in searched and _device_above(host, LOCAL_FOLDER) in (host.path_facts("/").device, host.path_facts("/usr").device):
        try:
            _make_unit_folders(host, LOCAL_FOLDER, place)
            check_roots_alone(host, LOCAL_FOLDER)
            return LOCAL_FOLDER
        except (Refused, StepFailed):  # read-only, or a group's: then with the administrator's own
            pass
    _make_unit_folders(host, ADMIN_FOLDER, place)
    check_roots_alone(host, ADMIN_FOLDER)
    return ADMIN_FOLDER


def _device_above(host: Host, path: str) -> int:
    real = host.real_path(path)
    while not host.exists(real):
        real = real.rpartition("/")[0] or "/"
    return host.path_facts(real).device


def _make_unit_folders(host: WritableHost, root: str, place: Place) -> None:
    """Make a folder of units, those above it, and those of the links in it; what is there is left as it is. What is made
    is written down before, so that it can be taken away again."""
    wanted = [root, *(path.rpartition("/")[0] for path, _target in unit_links(root))]
    missing = dict.fromkeys(folder for path in wanted for folder in _folders_down_to(path) if not host.exists(folder))
    if missing:
        host.write_file(_made_file(place), "\n".join((*_read_made(host, place), *missing)).encode(), 0o600)
    for folder in missing:
        host.make_folder(folder, 0o755)


def _folders_down_to(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]


def _made_file(place: Place) -> str:
    return f"{place.folder}/made-folders"


def _read_made(host: Host, place: Place) -> list[str]:
    try:
        return host.read_text(_made_file(place)).split("\n")
    except NothingThere:
        return []


def lay_units(host: WritableHost, start: str, deadline: float, place: Place = HERE) -> None:
    """Lay our units where a boot finds them, and start the timers, which elapse at ``deadline`` (seconds of the monotonic
    clock).

    :raises StepFailed: something did not succeed, or systemd does not have them as they were laid
    """
    remove_unit_files(host)
    folder = _find_unit_folder(host, place)
    for name, text in render_units(start, deadline - host.uptime()).items():
        host.write_file(f"{folder}/{name}", text.encode(), 0o644)
    for path, target in unit_links(folder):
        host.make_link(path, target)
    run_checked(host, ("systemctl", "daemon-reload"))
    _start_timers(host, start, deadline)
    _check_units(host, folder)


def _check_units(host: WritableHost, folder: str) -> None:
    command = ("systemctl", "show", "--property=Id,LoadState,ActiveState,FragmentPath", *UNITS, f"{BACKSTOP}.timer")
    blocks = {block["Id"][0]: {key: values[0] for key, values in block.items()} for block in parse_blocks(run_checked(host, command))}
    for path in unit_files(folder):
        name = path.rpartition("/")[2]
        found = blocks.get(name, {})
        if (found.get("LoadState"), found.get("FragmentPath")) != ("loaded", path):
            raise StepFailed(f"systemd does not have {name} from {path}: {found}; remove what hides it")
    for timer in (TIMER, f"{BACKSTOP}.timer"):
        if blocks.get(timer, {}).get("ActiveState") != "active":
            raise StepFailed(f"{timer} does not run: {blocks.get(timer)}")


def find_laid_folder(host: Host) -> str | None:
    """The folder in which our timer lies."""
    return next((folder for folder in (LOCAL_FOLDER, ADMIN_FOLDER) if host.exists(f"{folder}/{TIMER}")), None)


def set_timers(host: WritableHost, start: str, deadline: float, place: Place = HERE) -> None:
    """Let the timers elapse at ``deadline`` (seconds of the monotonic clock).

    :raises StepFailed: that did not succeed
    """
    folder = find_laid_folder(host)
    if folder is None:
        lay_units(host, start, deadline, place)
        return
    host.write_file(f"{folder}/{TIMER}", render_timer(deadline - host.uptime()).encode(), 0o644)
    run_checked(host, ("systemctl", "daemon-reload"))
    _start_timers(host, start, deadline)


def _start_timers(host: WritableHost, start: str, deadline: float) -> None:
    """Start the timer, and a second one that needs no file."""
    run_checked(host, ("systemctl", "restart", TIMER))
    host.run(("systemctl", "stop", f"{BACKSTOP}.timer"), _TIMEOUT)
    run_checked(host, _backstop(start, max(deadline - host.uptime(), 0) + _BACKSTOP_DELAY))


def _backstop(start: str, seconds: float) -> tuple[str, ...]:
    of_service = ("Slice=-.slice", "OOMScoreAdjust=-900", "SyslogIdentifier=guarded-deploy", "UMask=0077", "DefaultDependencies=no")
    of_timer = ("AccuracySec=100ms", "DefaultDependencies=no", "IgnoreOnIsolate=yes")
    return (
        "systemd-run",
        "--quiet",
        "--no-ask-password",
        "--collect",
        f"--unit={BACKSTOP}",
        f"--description=guarded.deploy: rolls the host back where {TIMER} did not",
        f"--on-active={seconds:.3f}",
        *(f"--timer-property={setting}" for setting in of_timer),
        *(f"--property={setting}" for setting in of_service),
        "/bin/sh",
        start,
        "fire",
    )


def remove_unit_files(host: WritableHost) -> bool:
    """Remove our units' files and links; says whether there were any."""
    found = False
    for folder in (LOCAL_FOLDER, ADMIN_FOLDER):
        for path in (*(link for link, _target in unit_links(folder)), *unit_files(folder)):
            try:
                host.path_facts(path)
            except NothingThere:
                continue
            host.remove_file(path)
            found = True
    return found


def _remove_made_folders(host: WritableHost, place: Place) -> None:
    # The deepest first; one in which others have put something since is theirs.
    for folder in sorted(_read_made(host, place), reverse=True):
        host.remove_empty_folder(folder)
    host.remove_file(_made_file(place))


def remove_units(host: WritableHost, place: Place = HERE) -> tuple[str, ...]:
    """Stop the timers and take our units away. The services are not stopped: this may run in one. What did not succeed is
    said, and stops nothing: units that are left do nothing once the record says that the deployment has ended."""
    notes = []
    try:
        host.run(("systemctl", "stop", TIMER, f"{BACKSTOP}.timer"), _TIMEOUT)
        if remove_unit_files(host):
            run_checked(host, ("systemctl", "daemon-reload"))
        _remove_made_folders(host, place)
        host.run(("systemctl", "reset-failed", FIRE, LATE, f"{BACKSTOP}.service"), _TIMEOUT)
    except (CouldNotLook, StepFailed) as error:
        notes.append(f"the guard's units were not all removed: {error}")
    return tuple(notes)
