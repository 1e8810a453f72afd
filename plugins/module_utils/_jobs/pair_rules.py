# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What cannot work in a pair and systemd lets through, or says only in its log.

Measured on systemd 252: a timer with ``OnUnitActiveSec=`` alone never fires; ``Persistent=`` acts on ``OnCalendar=`` alone;
``RemainAfterExit=yes`` behind ``OnUnitActiveSec=`` runs once; an interval of 0 and ``infinity`` are parsed as time spans.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import BadInput
from .pairs import Standing, find_problems, triggers_of

if t.TYPE_CHECKING:
    from .._units.merge import MergedUnit
    from .pair_model import Pair, Schedule, Spans

INFINITE = (1 << 64) - 1
"""What ``systemd-analyze timespan infinity`` says, in microseconds."""

_NAME = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_:.-]*\Z")
_LONGEST_NAME = 255 - len(".service")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# A login (useradd(8), lenient) or a number.
_USER = re.compile(r"[A-Za-z_0-9][A-Za-z0-9_.-]{0,254}\$?\Z")
_UNIT = re.compile(r"[A-Za-z0-9_:.\\@%-]+\.(service|target|socket|path|timer|mount|slice|scope|device|swap|automount)\Z")
_SIZE = re.compile(r"\d+(\.\d+)?[KMGT]?\Z")
_PERCENT = re.compile(r"\d+(\.\d+)?%\Z")
_HIDDEN_BY_STRICT = ("/home/", "/root/", "/run/user/")
_HIDDEN_BY_ALL = ("/tmp/", "/var/tmp/")  # noqa: S108 - the folders of which PrivateTmp= makes others
_LARGEST_SCRIPT = 1 << 20  # bytes


def check_name(name: str) -> None:
    """Refuse a name that is none of a unit of its own.

    :raises BadInput: with what to write instead
    """
    if re.search(r"\.(service|timer)\Z", name):
        raise BadInput(f"name: {name!r} ends with the type of a unit; a pair has two, so leave it off: {name.rpartition('.')[0]}")
    if "@" in name:
        raise BadInput(f"name: {name!r} would be a template or an instance of one; a pair has a plain name, without @")
    if not _NAME.match(name):
        what = "a slash" if "/" in name else "a line break" if "\n" in name or "\r" in name else "something else"
        raise BadInput(f"name: {name!r} has {what} in it, or begins with a dot or dash; letters, digits and :_.- make a unit's name")
    if len(name) > _LONGEST_NAME:
        raise BadInput(f"name: {name[:40]}... has {len(name)} characters, and a unit's name may have {_LONGEST_NAME}")


def check_pair(pair: Pair) -> None:
    """Refuse what no host could make work.

    :raises BadInput: the text names the option, what is wrong with it and what to write
    """
    check_name(pair.name)
    _check_work(pair)
    check_schedule(pair.schedule)
    _check_identity(pair)
    _check_limits(pair)
    _check_sandbox(pair)
    _check_texts(pair)


def _check_work(pair: Pair) -> None:
    if bool(pair.command) == (pair.script is not None):
        raise BadInput("command, script: say one of them, what runs is either a program with its arguments or the text of a script")
    if pair.command and not pair.command[0].startswith("/"):
        raise BadInput(f"command: {pair.command[0]!r} is no absolute path; which program that is depends on a PATH nobody sees")
    if pair.script is not None:
        _check_script(pair.script)


def _check_script(script: str) -> None:
    try:
        size = len(script.encode("utf-8"))
    except UnicodeEncodeError as error:
        line = script.count("\n", 0, error.start) + 1
        raise BadInput(f"script: line {line} is not UTF-8; save it as UTF-8, or install the file and name it in command") from error
    if size > _LARGEST_SCRIPT:
        raise BadInput(f"script: it has {size} bytes, more than {_LARGEST_SCRIPT}; install the file by itself and name it in command")
    if read_interpreter(script) is None:
        raise BadInput("script: its first line names no interpreter; begin with a line such as #!/bin/sh or #!/usr/bin/python3")
    if "\r\n" in script:
        raise BadInput("script: its lines end in CR LF, and the kernel looks for an interpreter with a CR in its name; save it with LF")


def read_interpreter(script: str) -> str | None:
    """The interpreter that a script's first line names, None where it names none by an absolute path."""
    words = script.split("\n", 1)[0][2:].split() if script.startswith("#!") else []
    return words[0] if words and words[0].startswith("/") else None


def check_schedule(when: Schedule) -> None:
    """Refuse a schedule that never fires, or not as it reads.

    :raises BadInput: with what to write
    """
    if when.on_unit_active_sec and when.on_unit_inactive_sec:
        raise BadInput("on_unit_active_sec, on_unit_inactive_sec: say one, the interval counts from a run's start or from its end")
    if when.repeats_after and not when.on_boot_sec and not when.on_calendar:
        raise BadInput(
            "on_unit_active_sec: it counts from the last run, and nothing starts the first: such a timer never fires. "
            "Say on_boot_sec as well, as in on_boot_sec: 5min"
        )
    if not when.on_calendar and not when.on_boot_sec:
        raise BadInput("on_calendar, on_boot_sec: say when it runs: on_calendar, or on_boot_sec and on_unit_active_sec")
    if when.on_boot_sec and not when.repeats_after and not when.on_calendar:
        raise BadInput("on_boot_sec: alone it is one run for each boot, and no periodic job; say on_unit_active_sec as well")
    if when.persistent and not when.on_calendar:
        raise BadInput("persistent: it makes up for a missed on_calendar and does nothing for intervals; leave it off")
    for text in when.on_calendar:
        if not text.strip() or "\n" in text:
            raise BadInput(f"on_calendar: {text!r} is no calendar expression; write it as in '*-*-* 03:30' or 'hourly'")


def _check_identity(pair: Pair) -> None:
    if pair.scope == "user" and pair.user:
        raise BadInput("user: the manager of a user runs everything as this user; leave it off, or say scope: system")
    if pair.user and not _USER.match(pair.user):
        raise BadInput(f"user: {pair.user!r} is neither a login nor a number")
    if pair.working_directory and not (pair.working_directory.startswith("/") or pair.working_directory == "~"):
        raise BadInput(f"working_directory: {pair.working_directory!r} is no absolute path")
    for unit in pair.on_failure:
        if not _UNIT.match(unit):
            raise BadInput(f"on_failure: {unit!r} is no unit's name; write it in full, as in alert@%n.service")
        if unit in (f"{pair.name}.service", f"{pair.name}.timer", "%n"):
            raise BadInput(f"on_failure: {unit} is the pair itself; a failed run would start itself over and over")


def _check_limits(pair: Pair) -> None:
    if not pair.memory_max and not pair.memory_max_reason.strip():
        raise BadInput(
            "memory_max: say how much memory a run may have, as in 256M (a leak then ends one run and not its neighbours); "
            "where that cannot be said, memory_max: none and the reason in memory_max_reason"
        )
    check_memory(pair.memory_max)
    if pair.cpu_quota and (not _PERCENT.match(pair.cpu_quota) or not float(pair.cpu_quota[:-1])):
        raise BadInput(f"cpu_quota: {pair.cpu_quota!r} is no share of a processor; write it as in 50%")
    if pair.io_weight is not None and not 1 <= pair.io_weight <= 10_000:
        raise BadInput(f"io_weight: {pair.io_weight} is not within 1 and 10000")
    if pair.nice is not None and not -20 <= pair.nice <= 19:
        raise BadInput(f"nice: {pair.nice} is not within -20 and 19")


def _check_sandbox(pair: Pair) -> None:
    if pair.sandbox == "strict" and pair.scope == "user":
        raise BadInput("sandbox: strict needs the system manager; say standard or none for scope: user")
    if pair.read_write_paths and pair.sandbox != "strict":
        raise BadInput("read_write_paths: they open a sandbox that is strict; leave them off with any other")
    if pair.sandbox == "none" or pair.scope == "user":
        return
    hidden = _HIDDEN_BY_ALL + (_HIDDEN_BY_STRICT if pair.sandbox == "strict" else ())
    for option, path in (("command", pair.command[0] if pair.command else ""), ("working_directory", pair.working_directory)):
        folder = next((one for one in hidden if f"{path}/".startswith(one)), "")
        if folder:
            raise BadInput(
                f"{option}: {path} cannot be seen in a sandbox that is {pair.sandbox}, which hides {folder}; move it, or say none"
            )


def check_memory(text: str) -> None:
    """Refuse what is no cap; an empty text is none.

    :raises BadInput: with what to write
    """
    if text in ("infinity", "0"):
        raise BadInput(f"memory_max: {text} is no cap; say memory_max: none and why in memory_max_reason")
    if text and not (_SIZE.match(text) or _PERCENT.match(text)):
        raise BadInput(f"memory_max: {text!r} is no size; write bytes or K, M, G, T as in 256M, or a share as in 10%")


def _check_texts(pair: Pair) -> None:
    for name, value in pair.environment:
        if not _VARIABLE.match(name):
            raise BadInput(f"environment: {name!r} is no name of a variable")
        if any((sign < " " and sign not in "\t\n") or sign == "\x7f" for sign in value):
            raise BadInput(f"environment: the value of {name} has control characters, for which systemd ignores it")
    for path in pair.read_write_paths:
        if not path.startswith("/"):
            raise BadInput(f"read_write_paths: {path!r} is no absolute path")


def check_spans(spans: Spans) -> None:
    """Refuse time spans that systemd parses and that cannot be meant.

    :raises BadInput: an interval of 0, a wait without an end, no limit to how long a run may take
    """
    for option in ("on_unit_active_sec", "on_unit_inactive_sec", "timeout_start_sec"):
        value = getattr(spans, option)
        if value == 0:
            what = "no limit" if option == "timeout_start_sec" else "no interval: it would run back to back"
            raise BadInput(f"{option}: 0 is {what}; write a time span as in 6min")
    for option in spans._fields:
        if getattr(spans, option) == INFINITE:
            why = "a run that hangs would keep all later ones from starting" if option == "timeout_start_sec" else "it would never come"
            raise BadInput(f"{option}: infinity is not allowed here: {why}")


def find_warnings(spans: Spans) -> list[str]:
    """What works, and may not be what was meant."""
    found = []
    interval = spans.repeats_after
    if interval is not None and spans.timeout_start_sec is not None and spans.timeout_start_sec > interval:
        found.append(
            "timeout_start_sec is longer than the interval: a run may take the time of the next one; no second one starts beside it"
        )
    for option, value in (("randomized_delay_sec", spans.randomized_delay_sec), ("accuracy_sec", spans.accuracy_sec)):
        if interval is not None and value is not None and value >= interval:
            found.append(f"{option} is not shorter than the interval: runs come at times that nobody can tell")
    return found


def find_drop_in_faults(service: MergedUnit, timer: MergedUnit) -> list[str]:
    """What drop-ins on the host make of a pair that its own files do not say."""
    problems = find_problems(timer, service, Standing(None, frozenset()))
    found = [f"{one.text} ({one.file}:{one.line}): {one.remedy}" for one in problems if one.severity == "broken"]
    if not triggers_of(timer):
        found.append(f"{timer.name}: drop-ins take every trigger away, so it never fires")
    unit = timer.last("Timer", "Unit")
    if unit is not None and unit.value != service.name:
        found.append(f"the timer starts {unit.value} and not {service.name} ({unit.file}:{unit.line})")
    return found
