# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A guard's record as text and back."""

from __future__ import annotations

import json
import typing as t

from .._errors import Unparsable
from .model import ARMED, FIRING, ON_REBOOT, ROLLBACK_FAILED, STATES, Record

_VERSION = 1
_ADVICE = "; see how the host stands (journalctl -t guarded-deploy), and move the file aside when nothing is to be rolled back"
_TEXTS = ("id", "state", "snapshot", "run", "holder", "reason", "on_reboot", "boot", "program", "cause")
_NUMBERS = ("within", "deadline", "armed_at", "ends_at", "ended_at")


def render_record(record: Record) -> bytes:
    """The record as JSON, one line a field: a person reads it, too."""
    content = {"version": _VERSION, **record._asdict()}
    return (json.dumps(content, indent=1) + "\n").encode()


def parse_record(content: bytes, where: str) -> Record:
    """A record out of its JSON.

    :raises Unparsable: it is none, or has another version; ``where`` is named
    """
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Unparsable(f"{where} is no record of a guard: {error}{_ADVICE}") from error
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise Unparsable(f"{where} is no record of a guard of version {_VERSION}{_ADVICE}")
    del found["version"]
    fault = _find_fault(found)
    if fault:
        raise Unparsable(f"{where} is no record of a guard: {fault}{_ADVICE}")
    return Record(**found)


def _find_fault(found: dict[str, t.Any]) -> str:
    if set(found) != set(Record._fields):
        return f"its fields are {', '.join(sorted(found))}"
    for names, kind in ((_TEXTS, str), (_NUMBERS, (int, float)), (("attempts",), int), (("early_done",), bool), (("result",), dict)):
        for name in names:
            if not isinstance(found[name], kind):
                return f"{name} is {found[name]!r}"
    if found["state"] not in STATES or found["on_reboot"] not in ON_REBOOT:
        return f"its state is {found['state']!r}, on_reboot {found['on_reboot']!r}"
    return ""


def needed_snapshot(record: Record | None) -> str | None:
    """The snapshot that a guard may still go back to, and that must not be removed."""
    return record.snapshot if record is not None and record.state in (ARMED, FIRING, ROLLBACK_FAILED) else None
