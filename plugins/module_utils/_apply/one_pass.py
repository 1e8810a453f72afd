# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The one-pass script of a service: its text read from the host, and how the service is to call the new one."""

from __future__ import annotations

import typing as t

from .._errors import GuardError, NothingThere, Refused
from .._jobs.convert import PREFIXES, find_inline, replace_inline, replace_module, replace_program
from .._jobs.one_pass_python import make_one_pass_python
from .._jobs.one_pass_shell import find_loop, make_one_pass_shell
from .._units.specifiers import expand_specifiers

if t.TYPE_CHECKING:
    from .._host import Host
    from .._jobs.model import Finding
    from .._jobs.one_pass import OnePass
    from .._units.merge import MergedUnit

_LARGEST = 1 << 20  # bytes


class Script(t.NamedTuple):
    """A script and what becomes of it. ``path`` is where the new one will lie, empty where it stands in the unit;
    ``mode`` are its permissions, ``command`` what ``ExecStart=`` says then."""

    old: str
    old_path: str
    one: OnePass
    path: str
    mode: int
    command: str


def plan_one_pass(host: Host, unit: MergedUnit, finding: Finding, lost: t.Sequence[str]) -> Script:
    """What becomes of the script that a finding points at.

    :raises Refused: the script is not one that is edited, or the unit does not name it
    """
    (setting,) = unit.listed("Service", "ExecStart")
    if finding.language not in ("python", "shell"):
        what = finding.language or "this language"
        raise Refused(f"{finding.file}:{finding.line}: scripts in {what} are not edited; name in command what does the work once")
    if not finding.program:
        return _inline(unit, setting.value, finding, lost)
    text, mode = _read(host, finding.program)
    make = make_one_pass_python if finding.language == "python" else make_one_pass_shell
    line = finding.loop_lines[0] if finding.loop_lines else finding.line
    one = make(text, finding.program, line, finding.interval, lost)
    path = name_one_pass(finding.program)
    return Script(text, finding.program, one, path, mode, _call(host, unit, setting.value, finding.program, path))


def name_one_pass(path: str) -> str:
    """``/opt/job/loop.py`` -> ``/opt/job/loop_once.py``: beside the old one, so that it finds what that one found."""
    folder, _slash, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    return f"{folder}/{stem}_once.{suffix}" if stem and dot else f"{folder}/{name}_once"


def _inline(unit: MergedUnit, value: str, finding: Finding, lost: t.Sequence[str]) -> Script:
    script = find_inline(value)
    if script is None or finding.language != "shell":
        raise Refused(f"{unit.name}: its ExecStart= holds the loop in a way that is not edited; name in command what does the work once")
    one = make_one_pass_shell(script, finding.file or unit.name, find_loop(script, unit.name), finding.interval, lost)
    command = replace_inline(value, script, one.text)
    if command is None:
        raise Refused(f"{unit.name}: the script in its ExecStart= cannot be replaced; name in command what does the work once")
    return Script(f"{script}\n", unit.fragment or unit.name, one._replace(text=f"{one.text}\n"), "", 0, command)


def _read(host: Host, path: str) -> tuple[str, int]:
    try:
        mode, size = host.mode_and_size(path)
        if size > _LARGEST:
            raise Refused(f"{path} has {size} bytes; scripts of more than {_LARGEST} are not edited")
        raw = host.read_regular(path, _LARGEST)
    except NothingThere:
        raise Refused(f"{path}, which holds the loop, is gone") from None
    try:
        return raw.decode("utf-8"), mode & 0o777
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"{path}:{line} is not UTF-8, so it is not edited; save it as UTF-8 first") from error


def _call(host: Host, unit: MergedUnit, value: str, old: str, new: str) -> str:
    """What ``ExecStart=`` says with the new script in the old one's place.

    :raises Refused: it does not name the script
    """
    command = replace_program(value, _spellings(host, unit, value, old), new)
    if command is None and old.endswith(".py"):
        module = old[: -len(".py")].rpartition("/")[2]
        for dotted in _modules(value, module):
            command = command or replace_module(value, dotted, f"{dotted}_once")
    if command is None:
        raise Refused(
            f"{unit.name}: its ExecStart= names something that leads to {old}, not the script itself; name in command what does "
            "the work once"
        )
    return command


def _spellings(host: Host, unit: MergedUnit, value: str, path: str) -> list[str]:
    """The words in ``ExecStart=`` that mean a file: its path, a path relative to the working directory, a link to it."""
    folder = unit.last("Service", "WorkingDirectory")
    base = expand_specifiers(folder.value.lstrip("-"), unit.name, unit.fragment or "").text if folder is not None else "/"
    found = [path]
    for word in value.split():
        written = word.strip("'\"").lstrip(PREFIXES)
        plain = expand_specifiers(written, unit.name, unit.fragment or "").text
        absolute = plain if plain.startswith("/") else f"{base.rstrip('/')}/{plain.removeprefix('./')}"
        if absolute == path or _leads_to(host, absolute, path):
            found.append(written)
    return found


def _leads_to(host: Host, link: str, path: str) -> bool:
    try:
        target = host.read_link(link)
    except GuardError:
        return False  # no link, or none that may be read
    folder = link.rpartition("/")[0]
    return (target if target.startswith("/") else f"{folder}/{target}") == path


def _modules(value: str, name: str) -> list[str]:
    return [word for word in value.split() if word == name or word.endswith(f".{name}")]
