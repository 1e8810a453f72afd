# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""From a service that works in a loop to a oneshot service and its timer: what is kept, what goes, what it runs.

The settings of the old unit count as systemd merges them, drop-ins included; those that make a service stay up, and those
that make no sense for a run that ends, are left out. Sources: systemd.service(5), systemd.timer(5), systemd.unit(5).
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Refused
from .._units.merge import reset
from .._units.specifiers import expand_specifiers, parse_name
from .._units.unit_file import Assignment
from .._units.words import split_unit_words
from .pair_model import PairSettings, Schedule, Spans
from .pair_text import default_accuracy, limit_starts, quote_word

if t.TYPE_CHECKING:
    from .._units.merge import MergedUnit, Names
    from .._units.words import Word

PREFIXES = "-@:+!|"
CONVERTED = "Converted from "
SCRIPT_NOTE = "It runs the one-pass script "

_LEFT_OUT = frozenset(
    (
        *("Type", "Restart", "RestartSec", "RestartSteps", "RestartMaxDelaySec", "RestartMode", "RestartPreventExitStatus"),
        *("RestartForceExitStatus", "RemainAfterExit", "PIDFile", "NotifyAccess", "WatchdogSec", "WatchdogSignal", "GuessMainPID"),
        *("RuntimeMaxSec", "RuntimeRandomizedExtraSec", "TimeoutStartSec", "TimeoutSec", "TimeoutStartFailureMode", "ExitType"),
        *("ExecStart", "ExecReload", "ExecStop", "FileDescriptorStoreMax", "StartLimitInterval", "StartLimitBurst", "StartLimitAction"),
    )
)
_LEFT_OUT_OF_UNIT = frozenset(("StartLimitIntervalSec", "StartLimitInterval", "StartLimitBurst", "StartLimitAction", "RefuseManualStart"))
_NOT_TO_BE_CONVERTED = {
    "forking": "it puts itself into the background, and a oneshot service would be over at once",
    "dbus": "it offers a name on the bus, so others rely on its being there",
}
# Specifiers that stand for the unit's own name, which is another one now.
_OWN_NAME = re.compile(r"%([%nNpPiIjJfyY])")
# alert@%n.service is to name the unit that failed.
_OF_THE_NEW_NAME = ("OnFailure", "OnSuccess")
_HARD = ("Requires", "BindsTo", "Requisite")
_SOFT = ("Wants", "Upholds", "OnFailure", "OnSuccess")
_EVERY_RUN = ("ExecStartPre", "ExecStartPost", "ExecStopPost", "ExecCondition")


class Wanted(t.NamedTuple):
    """How to convert. ``interval`` is in seconds and counts from the end of a run (as a loop's sleep does) or, with
    ``from_start``, from its start. Empty texts are not said."""

    name: str
    interval: float
    waits_first: bool
    from_start: bool = False
    timeout_start_sec: str = "1h"
    memory_max: str = ""
    memory_max_reason: str = ""


class Conversion(t.NamedTuple):
    """The pair that takes the place of a unit."""

    settings: PairSettings
    schedule: Schedule
    notes: tuple[str, ...]


def name_pair(unit: str) -> str:
    """The name of the pair for a service, where none is given."""
    return f"{unit.rpartition('.')[0]}-job"


def render_span(seconds: float) -> str:
    """A time span as people write it."""
    for size, word in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{word}"
    return f"{round(seconds * 1000)}ms"


def convert_unit(unit: MergedUnit, names: Names, wanted: Wanted, command: str, script: str) -> Conversion:
    """The pair for a unit. ``command`` is what ``ExecStart=`` is to say; ``script`` is the path of a one-pass script that it
    names, empty where there is none.

    :raises Refused: the unit cannot be converted; the text says why
    """
    refuse_unit(unit)
    dependents = _find_dependents(unit, names)
    when = plan_schedule(wanted)
    interval = round(wanted.interval * 1_000_000)
    command = _with_old_name(command, unit)
    kept = _kept_settings(unit, names, wanted.name)
    limits, comments = _limits(unit, wanted)
    service = [
        *(one for one in kept if one.section == "Unit"),
        *limit_starts(interval),
        Assignment("Service", "Type", "oneshot", 0),
        Assignment("Service", "ExecStart", command, 0),
        Assignment("Service", "TimeoutStartSec", wanted.timeout_start_sec, 0),
        *(one for one in kept if one.section == "Service"),
        *limits,
    ]
    comments = (f"{CONVERTED}{unit.name}", *([SCRIPT_NOTE + script] if script else []), *comments)
    settings = PairSettings(tuple(service), _timer(wanted, when), comments)
    return Conversion(settings, when, (*_find_changes(unit), *dependents))


def refuse_unit(unit: MergedUnit) -> None:
    """Refuse what is no periodic job, or none that can be told.

    :raises Refused: no pair can take the place of this unit
    """
    if unit.load != "loaded":
        raise Refused(f"{unit.name} is {unit.load}{f' ({unit.problem})' if unit.problem else ''}; there is nothing to convert")
    if parse_name(unit.name).instance is not None:
        raise Refused(f"{unit.name} is an instance of a template; write a pair for it with oneshot_timer")
    kind = unit.last("Service", "Type")
    if kind is not None and kind.value in _NOT_TO_BE_CONVERTED:
        raise Refused(f"{unit.name} is Type={kind.value}: {_NOT_TO_BE_CONVERTED[kind.value]}")
    if unit.listed("Service", "Sockets") or any(one.value == "socket" for one in unit.all("Service", "StandardInput")):
        raise Refused(f"{unit.name} is passed sockets; what listens is no periodic job")
    if len(unit.listed("Service", "ExecStart")) != 1:
        raise Refused(f"{unit.name} has {len(unit.listed('Service', 'ExecStart'))} ExecStart=; one is needed to know what loops")


def plan_schedule(wanted: Wanted) -> Schedule:
    """When the pair runs: as the loop did, first at boot (or after one interval), then again and again."""
    span = render_span(wanted.interval)
    return Schedule(
        on_boot_sec=span if wanted.waits_first else "0",
        on_unit_active_sec=span if wanted.from_start else "",
        on_unit_inactive_sec="" if wanted.from_start else span,
        accuracy_sec=default_accuracy(round(wanted.interval * 1_000_000)),
    )


def measure_schedule(wanted: Wanted) -> Spans:
    """The same in microseconds."""
    interval = round(wanted.interval * 1_000_000)
    first = interval if wanted.waits_first else 0
    return Spans(on_boot_sec=first, **{"on_unit_active_sec" if wanted.from_start else "on_unit_inactive_sec": interval})


def _timer(wanted: Wanted, when: Schedule) -> tuple[Assignment, ...]:
    texts = [
        ("OnBootSec", when.on_boot_sec),
        ("OnUnitActiveSec", when.on_unit_active_sec),
        ("OnUnitInactiveSec", when.on_unit_inactive_sec),
        ("AccuracySec", when.accuracy_sec),
    ]
    return (
        Assignment("Unit", "Description", f"When {wanted.name}.service runs", 0),
        *(Assignment("Timer", key, text, 0) for key, text in texts if text),
        Assignment("Install", "WantedBy", "timers.target", 0),
    )


def _kept_settings(unit: MergedUnit, names: Names, name: str) -> list[Assignment]:
    """What the new service takes over. What drop-ins for all services say applies to it anyway."""
    anyway = set(names.drop_in_files((f"{name}.service",), ".d", ".conf"))
    found = []
    for one in unit.settings:
        dropped = _LEFT_OUT_OF_UNIT if one.section == "Unit" else _LEFT_OUT
        if one.section in ("Unit", "Service") and one.key not in dropped and one.file not in anyway:
            found.append(Assignment(one.section, one.key, one.value if one.key in _OF_THE_NEW_NAME else _with_old_name(one.value, unit), 0))
        if one.section == "Service" and one.key == "TimeoutSec" and one.value:
            found.append(Assignment("Service", "TimeoutStopSec", one.value, 0))
    return found


def _with_old_name(text: str, unit: MergedUnit) -> str:
    """A setting's text whose specifiers stand for the old unit's name still: ``StateDirectory=%p`` is the same folder."""

    def replace(match: t.Match[str]) -> str:
        if match[1] == "%":
            return match[0]
        return expand_specifiers(match[0], unit.name, unit.fragment or "").text.replace("%", "%%")

    return _OWN_NAME.sub(replace, text)


def _limits(unit: MergedUnit, wanted: Wanted) -> tuple[list[Assignment], tuple[str, ...]]:
    """The memory cap: the old unit's, or the one that is wanted.

    :raises Refused: there is neither, nor a reason for none
    """
    own = unit.last("Service", "MemoryMax") or unit.last("Service", "MemoryLimit")
    if wanted.memory_max:
        return [Assignment("Service", "MemoryMax", wanted.memory_max, 0)], ()
    if own is not None and own.value != "infinity":
        return [], ()
    if not wanted.memory_max_reason.strip():
        raise Refused(
            f"{unit.name} has no memory cap: say memory_max, as in 256M; where that cannot be said, memory_max: none and the "
            "reason in memory_max_reason"
        )
    return [], (f"No MemoryMax=: {' '.join(wanted.memory_max_reason.split())}",)


def _find_changes(unit: MergedUnit) -> list[str]:
    """What is not the same for a run that ends."""
    found = []
    every_run = [key for key in _EVERY_RUN if unit.listed("Service", key)]
    if every_run:
        found.append(f"{', '.join(f'{key}=' for key in every_run)} run with every run now")
    for key, why in (
        ("ExecStop", "it would run after every run"),
        ("ExecReload", "a run cannot be reloaded"),
        ("WatchdogSec", "TimeoutStartSec= ends a run that hangs"),
        ("RuntimeMaxSec", "TimeoutStartSec= takes its place"),
    ):
        if unit.listed("Service", key):
            found.append(f"{key}= is left out: {why}")
    kind = unit.last("Service", "Type")
    if kind is not None and kind.value.startswith("notify"):
        found.append("Type=notify is left out: what the program tells systemd of its start is not listened to")
    return found


def _find_dependents(unit: MergedUnit, names: Names) -> list[str]:
    """What there is to say of units that name this one.

    :raises Refused: another unit cannot be up without it
    """
    own = set(unit.names)
    notes = []
    for file in sorted({path for folder in names.tree.search for path in _unit_paths(names, folder)}):
        other = names.merge(file)
        if other.name in own or other.name == f"{unit.name.rpartition('.')[0]}.timer":
            continue
        for key in (*_HARD, *_SOFT, "After", "Before", "PartOf"):
            mentioned = [word for one in reset(other.all("Unit", key)) for word in one.value.split() if word in own]
            if mentioned and key in _HARD:
                raise Refused(f"{other.name} has {key}={unit.name}, so it needs a service that stays up; change that first")
            if mentioned:
                notes.append(f"{other.name} has {key}={unit.name}, which means nothing any more")
    return notes


def _unit_paths(names: Names, folder: str) -> list[str]:
    return [name for name in names.tree.folders.get(folder, ()) if name.endswith((".service", ".target", ".timer", ".socket", ".path"))]


# What the service runs.


def replace_program(value: str, old: t.Sequence[str], new: str) -> str | None:
    """``ExecStart=`` with the word that names a script (by one of the texts in ``old``) replaced; None where none does."""

    def choose(word: Word, before: str) -> str | None:
        # -/opt/job: what says how to start the program is not part of its name.
        signs = "" if before else word.text[: len(word.text) - len(word.text.lstrip(PREFIXES))]
        return signs + new if word.text[len(signs) :] in old else None

    return _replace_word(value, choose, is_raw=False)


def replace_module(value: str, module: str, new: str) -> str | None:
    """``ExecStart=`` with the module behind ``-m`` replaced; None where it is not named."""
    return _replace_word(value, lambda word, before: new if before == "-m" and word.text == module else None, is_raw=False)


def find_inline(value: str) -> str | None:
    """The script behind ``-c`` in ``ExecStart=``, with the doubled ``$`` and ``%`` that systemd takes away still in it."""
    words = split_unit_words(value)
    for before, word in zip(words, words[1:]):
        if re.fullmatch(r"-[a-z]*c", before.text):
            return word.text
    return None


def replace_inline(value: str, script: str, new: str) -> str | None:
    """``ExecStart=`` with the script behind ``-c`` replaced."""
    return _replace_word(value, lambda word, _before: new if word.text == script else None, is_raw=True)


def _replace_word(value: str, choose: t.Callable[[Word, str], str | None], is_raw: bool) -> str | None:
    before = ""
    found = []
    done = False
    for word in split_unit_words(value):
        new = None if done else choose(word, before)
        if new is None:
            found.append(word.bare)
        else:
            done = True
            # A raw script has its specifiers and variables doubled already, or means them.
            found.append(quote_word(new, is_command=False).replace("%%", "%") if is_raw else quote_word(new))
        before = word.text
    return " ".join(found) if done else None
