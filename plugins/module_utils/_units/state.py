# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How every unit of a manager stands: what ``systemctl list-unit-files`` and ``systemctl show`` print, put together.

A unit that has a file and is not loaded is at rest (systemd unloads only what is inactive, has no job and has not
failed), so it need not be asked about: most of a host's units are, and each question makes the manager load one.
"""

from __future__ import annotations

import re
import typing as t

from .._snapshot.model import UnitState
from .show import Block, parse_argv, parse_blocks

KINDS = ("service", "socket", "timer", "path", "target", "mount", "automount")
"""Kinds of units whose states are recorded. Scopes and devices come and go by themselves, slices hold what is in them."""

STATE_PROPERTIES = (
    "ActiveExitTimestampMonotonic",
    "ActiveState",
    "CanReload",
    "DropInPaths",
    "EnvironmentFiles",
    "ExecMainExitTimestampMonotonic",
    "ExecStart",
    "ExecStartPre",
    "FragmentPath",
    "Id",
    "InvocationID",
    "LoadState",
    "NRestarts",
    "Names",
    "NeedDaemonReload",
    "Result",
    "SourcePath",
    "StateChangeTimestampMonotonic",
    "SubState",
    "Transient",
    "TriggeredBy",
    "Type",
    "UnitFileState",
)
"""What to ask for. A property that a version or a kind of unit does not know is left out of its answer."""

_OPTIONAL = re.compile(r" \(ignore_errors=(yes|no)\)$")


def parse_unit_files(text: str) -> dict[str, str]:
    """Name to UnitFileState, of what ``list-unit-files --plain --no-legend --full`` printed; kinds not recorded left out."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        # A state is one word. The third column, the preset, is a dash or missing where there is none.
        if len(words) >= 2 and words[0].rpartition(".")[2] in KINDS:
            found[words[0]] = words[1]
    return found


def _paths(argv: t.Iterable[str]) -> t.Iterator[str]:
    """The absolute paths in the words of a command, those after an equals sign too."""
    for word in argv:
        path = word if word.startswith("/") else word.partition("=")[2]
        if path.startswith("/"):
            yield path


def _files(block: Block) -> tuple[str, ...]:
    """The file that a unit was generated from, and those that its definition names."""
    source = [path for path in (block.text("SourcePath"),) if path]
    environment = [_OPTIONAL.sub("", text) for text in block.texts("EnvironmentFiles") if text]
    commands = [text for key in ("ExecStartPre", "ExecStart") for text in block.texts(key)]
    programs = [path for text in commands for path in _paths(parse_argv(text))]
    return tuple(dict.fromkeys([*source, *environment, *programs]))


def _parse_state(block: Block, user: str | None, unit_files: t.Mapping[str, str]) -> UnitState:
    return UnitState(
        name=block.name,
        user=user,
        load=block.text("LoadState"),
        active=block.text("ActiveState"),
        sub=block.text("SubState"),
        # systemd keeps UnitFileState from when it was first asked until a daemon-reload; the list is read from the disk.
        enabled=unit_files.get(block.name) or block.text("UnitFileState"),
        names=block.words("Names"),
        type=block.text("Type"),
        fragment=block.text("FragmentPath"),
        drop_ins=block.words("DropInPaths"),
        files=_files(block),
        invocation=block.text("InvocationID"),
        changed=block.number("StateChangeTimestampMonotonic") / 1e6,
        result=block.text("Result"),
        transient=block.text("Transient") == "yes",
        can_reload=block.text("CanReload") == "yes",
        needs_daemon_reload=block.text("NeedDaemonReload") == "yes",
        triggered_by=block.words("TriggeredBy"),
        restarts=block.number("NRestarts"),
        # Who is stopped is no longer active first, and then ends; who ends by itself, the other way round (seen on 257).
        ended_itself=0 < block.number("ExecMainExitTimestampMonotonic") <= block.number("ActiveExitTimestampMonotonic"),
    )


def _at_rest(name: str, user: str | None, enabled: str) -> UnitState:
    """A unit that has a file and is not loaded. A template and an alias have no states of their own."""
    if enabled == "alias" or name.rpartition(".")[0].endswith("@"):
        return UnitState(name, user, load="", active="", sub="", enabled=enabled)
    load = "masked" if enabled.startswith("masked") else "loaded"
    return UnitState(name, user, load=load, active="inactive", sub="dead", enabled=enabled)


def parse_states(shown: str, listed: str, user: str | None = None) -> tuple[UnitState, ...]:
    """Every unit that is loaded or has a file, sorted by name. ``shown`` is what ``show --all --property=STATE_PROPERTIES``
    printed, ``listed`` what ``list-unit-files`` did.

    :raises Unparsable: what was shown is not of units
    """
    unit_files = parse_unit_files(listed)
    found = {}
    for values in parse_blocks(shown):
        state = _parse_state(Block(values), user, unit_files)
        # What others only mention (After=syslog.service) is loaded as not-found, and is no unit of the host.
        if state.load != "not-found" or state.active != "inactive":
            found[state.name] = state
    for name, enabled in unit_files.items():
        if name not in found:
            found[name] = _at_rest(name, user, enabled)
    return tuple(sorted(found.values(), key=lambda state: state.name))
