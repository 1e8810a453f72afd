# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the running host has seen of services: restarts, memory, pressure, how long runs took."""

from __future__ import annotations

import re
import typing as t

from .._errors import CouldNotLook, GuardError
from .._jobs.model import Evidence
from .._jobs.run_log import count_oom_kills, parse_pressure, parse_runs

if t.TYPE_CHECKING:
    from .._host import Host

_PROPERTIES = ("Id", "NRestarts", "MemoryCurrent", "MemoryMax", "ControlGroup", "ActiveState")
_MOST_LINES = 4000
_MOST_UNITS = 60


def collect_evidence(host: Host, units: t.Sequence[str], timeout: float, sample: float = 0) -> dict[str, Evidence]:
    """What is known of each unit, by name. ``sample`` seconds lie between two looks at the memory in use.

    :raises CouldNotLook: systemctl could not be asked
    """
    names = list(dict.fromkeys(units))[:_MOST_UNITS]
    first = _show(host, names, timeout)
    begun = host.now()
    log, unseen = _read_log(host, names, timeout)
    second = first
    if sample > 0:
        left = sample - (host.now() - begun)
        if left > 0:
            host.run(["sleep", f"{left:.2f}"], left + timeout)
        second = _show(host, names, timeout)
    elapsed = max(host.now() - begun, 1e-3)
    return {
        name: _evidence(host, name, first.get(name, {}), second.get(name, {}), elapsed if sample > 0 else 0.0, log, unseen)
        for name in names
    }


def _show(host: Host, names: t.Sequence[str], timeout: float) -> dict[str, dict[str, str]]:
    answer = host.run(["systemctl", "show", "--no-pager", f"--property={','.join(_PROPERTIES)}", "--", *names], timeout)
    if answer.rc != 0:
        raise CouldNotLook(f"systemctl show exited {answer.rc}: {answer.err.strip()[:200]}")
    found = {}
    for block in answer.out.strip("\n").split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        if fields.get("Id"):
            found[fields["Id"]] = fields
    return found


def _read_log(host: Host, names: t.Sequence[str], timeout: float) -> tuple[str, tuple[str, ...]]:
    """The manager's messages about the units in this boot, as JSON lines."""
    match = [word for name in names for word in (f"--unit={name}",)]
    fields = "--output-fields=MESSAGE_ID,UNIT,JOB_TYPE,JOB_RESULT,_PID,MESSAGE"
    try:
        answer = host.run(
            ["journalctl", "--boot", "--no-pager", "--output=json", fields, f"--lines={_MOST_LINES}", *match, "_PID=1"], timeout
        )
    except GuardError as error:
        return "", (f"the journal: {error}",)
    if answer.rc != 0 or re.search(r"insufficient permissions|not seeing messages|No journal files", answer.err):
        return "", (f"the journal: {' '.join(answer.err.split())[:160] or f'journalctl exited {answer.rc}'}",)
    return answer.out, ()


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) < 1 << 62 else None


def _evidence(
    host: Host, name: str, first: t.Mapping[str, str], second: t.Mapping[str, str], elapsed: float, log: str, unseen: tuple[str, ...]
) -> Evidence:
    missing = list(unseen)
    group = first.get("ControlGroup", "")
    before, after = _number(first.get("MemoryCurrent", "")), _number(second.get("MemoryCurrent", ""))
    growth = (after - before) / elapsed * 3600 if elapsed and before is not None and after is not None else None
    kills = _oom_kills(host, group, missing)
    logged = count_oom_kills(log, name)
    pressure = {}
    for kind in ("cpu", "io", "memory") if group else ():
        value = _pressure(host, f"{group}/{kind}.pressure")
        if value is not None:
            pressure[kind] = value
    return Evidence(
        restarts=_number(first.get("NRestarts", "")),
        oom_kills=max(kills or 0, logged) if kills is not None or not unseen else None,
        memory_bytes=after if after is not None else before,
        memory_max=_number(first.get("MemoryMax", "")),
        growth=growth,
        pressure=pressure,
        runs=parse_runs(log, name),
        unseen=tuple(missing),
    )


def _in_cgroup(group: str) -> tuple[str, str]:
    return f"/sys/fs/cgroup{group}", f"/sys/fs/cgroup/unified{group}"


def _oom_kills(host: Host, group: str, missing: list[str]) -> int | None:
    """``oom_kill`` of the present cgroup; None where there is none to ask."""
    if not group:
        return None
    for path in (*_in_cgroup(group), f"/sys/fs/cgroup/memory{group}"):
        for file in ("memory.events", "memory.oom_control"):
            try:
                match = re.search(r"(?m)^oom_kill (\d+)", host.read_text(f"{path}/{file}"))
            except CouldNotLook as error:
                missing.append(str(error))
                continue
            except GuardError:
                continue
            if match is not None:
                return int(match[1])
    return None


def _pressure(host: Host, path: str) -> float | None:
    for place in _in_cgroup(path):
        try:
            return parse_pressure(host.read_text(place))
        except GuardError:
            continue
    return None
