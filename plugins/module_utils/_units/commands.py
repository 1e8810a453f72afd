# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The commands of a service, as systemd would start them: ``ExecStart=`` and its like, with specifiers and variables.

The rules are those of ``config_parse_exec`` (src/core/load-fragment.c) and of systemd.exec(5), "Environment".
"""

from __future__ import annotations

import re
import typing as t

from .specifiers import expand_specifiers
from .words import parse_environment, parse_environment_file, split_unit_words, substitute, substitute_in_script

if t.TYPE_CHECKING:
    from .merge import MergedUnit, Setting
    from .words import Word

STARTING = ("ExecStartPre", "ExecStart", "ExecStartPost")
_PREFIXES = re.compile(r"[-@:+!|]*")
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|k|z)?sh$")
# What the manager sets itself, and nobody knows before the start.
_OF_THE_MANAGER = (
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LANG",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LOGNAME",
    "MAINPID",
    "MANAGERPID",
    "NOTIFY_SOCKET",
    "PATH",
    "PIDFILE",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SHELL",
    "SYSTEMD_EXEC_PID",
    "TERM",
    "TRIGGER_UNIT",
    "USER",
    "WATCHDOG_USEC",
)
DIRECTORIES = {
    "RuntimeDirectory": ("RUNTIME_DIRECTORY", "/run"),
    "StateDirectory": ("STATE_DIRECTORY", "/var/lib"),
    "CacheDirectory": ("CACHE_DIRECTORY", "/var/cache"),
    "LogsDirectory": ("LOGS_DIRECTORY", "/var/log"),
    "ConfigurationDirectory": ("CONFIGURATION_DIRECTORY", "/etc"),
}


class Environment(t.NamedTuple):
    """``variables``: values by name, None for one whose value nobody knows. ``complete`` is whether a name that it has
    not is empty: no file is unread, and there is one (without any, the unit relies on the manager's environment).
    ``unknown`` says why, each in half a sentence."""

    variables: dict[str, str | None]
    complete: bool
    unread: bool  # whether there is a file that nobody has read
    unknown: tuple[str, ...]


class Command(t.NamedTuple):
    """One command: ``argv`` with what is known replaced, where it stands, and why some of its words are not known."""

    key: str
    argv: tuple[str, ...]
    setting: Setting
    unknown: tuple[str, ...]


def environment_file_paths(unit: MergedUnit) -> tuple[tuple[str, bool], ...]:
    """The paths of ``EnvironmentFile=``, in their order, and whether each may be missing. A path may have ``*`` in it."""
    found = []
    for one in unit.listed("Service", "EnvironmentFile"):
        path = expand_specifiers(one.value, unit.name, unit.fragment or "").text
        found.append((path.removeprefix("-"), path.startswith("-")))
    return tuple(found)


def read_environment(unit: MergedUnit, files: t.Mapping[str, str | None]) -> Environment:
    """The variables of a service. ``files`` has the text of every environment file by its path as written, None for
    one that does not exist; a path that it has not is unknown, and so is whatever that file could set."""
    variables: dict[str, str | None] = dict.fromkeys(_OF_THE_MANAGER)
    for key, (variable, root) in DIRECTORIES.items():
        paths = directories(unit, key, root)
        if paths:
            variables[variable] = ":".join(paths)
    for one in unit.listed("Service", "PassEnvironment"):
        variables.update(dict.fromkeys(one.value.split()))
    unknown = _add_assignments(unit, variables)
    unread, why = _add_files(unit, files, variables)
    for one in unit.listed("Service", "UnsetEnvironment"):
        for name in one.value.split():
            variables.pop(name, None)
    complete = not unread and bool(environment_file_paths(unit))
    return Environment(variables, complete, unread, (*unknown, *why))


def _add_assignments(unit: MergedUnit, variables: dict[str, str | None]) -> list[str]:
    """Adds ``Environment=``, and says why some of it is not known."""
    unknown = []
    for one in unit.listed("Service", "Environment"):
        try:
            words = [expand_specifiers(word.text, unit.name, unit.fragment or "") for word in split_unit_words(one.value)]
        except ValueError as error:
            unknown.append(f"Environment= cannot be read: {error}")
            continue
        for word in words:
            read = parse_environment([word.text])
            variables.update(dict.fromkeys(read) if word.unknown else read)
    return unknown


def _add_files(unit: MergedUnit, files: t.Mapping[str, str | None], variables: dict[str, str | None]) -> tuple[bool, list[str]]:
    """Adds ``EnvironmentFile=``; whether one is unread, and why some are not known."""
    unread = False
    unknown = []
    for path, may_be_missing in environment_file_paths(unit):
        text = files.get(path)
        if text is not None:
            variables.update(parse_environment_file(text))
        elif path not in files:
            # It would override what was set before it.
            unread = True
            variables.update(dict.fromkeys(variables))
            unknown.append(f"EnvironmentFile={path} is not known")
        elif not may_be_missing:
            unknown.append(f"EnvironmentFile={path} does not exist, so it cannot start")
    return unread, unknown


def directories(unit: MergedUnit, key: str, root: str) -> list[str]:
    """The paths of ``StateDirectory=`` and its like; ``name:link`` makes a link as well, which is no folder of its own."""
    found = []
    for one in unit.listed("Service", key):
        for word in one.value.split():
            text = expand_specifiers(word.partition(":")[0], unit.name, unit.fragment or "")
            if not text.unknown and text.text.strip("/"):
                found.append(f"{root}/{text.text.strip('/')}")
    return found


def read_commands(unit: MergedUnit, key: str, environment: Environment) -> tuple[Command, ...]:
    """The commands of ``ExecStart=`` or another setting of its kind. One that cannot be read has no words, and says why."""
    found: list[Command] = []
    for one in unit.listed("Service", key):
        try:
            split = split_unit_words(one.value)
        except ValueError as error:
            found.append(Command(key, (), one, (f"{key}= cannot be read: {error}",)))
            continue
        found += (_command(unit, key, words, one, environment) for words in _at_semicolons(split))
    return tuple(found)


def _at_semicolons(words: list[Word]) -> list[list[Word]]:
    """``ExecStart=/bin/a ; /bin/b`` are two commands; a quoted or escaped semicolon is a word."""
    commands: list[list[Word]] = [[]]
    for word in words:
        if word.bare == ";":
            commands.append([])
        else:
            # \\; is a semicolon that separates nothing.
            commands[-1].append(word._replace(text=";") if word.bare == "\\;" else word)
    return [command for command in commands if command]


def _command(unit: MergedUnit, key: str, words: list[Word], setting: Setting, environment: Environment) -> Command:
    prefix = _PREFIXES.match(words[0].text)
    signs = prefix[0] if prefix else ""
    expanded = [
        expand_specifiers(text, unit.name, unit.fragment or "")
        for text in (words[0].text[len(signs) :], *(word.text for word in words[1:]))
    ]
    unknown = [f"{specifier} is known only on the host or for an instance" for word in expanded for specifier in word.unknown]
    texts = [word.text for word in expanded]
    if "@" in signs:
        # The second word is the program's own name for itself.
        del texts[1:2]
    if ":" not in signs:
        # The program itself may be no variable.
        rest = substitute(texts[1:], environment.variables, not environment.complete)
        texts = [*texts[:1], *rest.words]
        unknown += [f"the variable {name} is not known" for name in rest.unknown]
    if "|" in signs:
        texts = ["/bin/sh", "-c", " ".join(texts)]
    if texts and _SHELL.match(texts[0]):
        texts = [substitute_in_script(text, environment.variables) for text in texts]
    return Command(key, tuple(texts), setting, tuple(dict.fromkeys(unknown)))
