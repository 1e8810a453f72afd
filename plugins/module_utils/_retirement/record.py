# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The record of a retirement as text: one JSON file for each thing that was retired."""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import Unparsable
from .model import FormerContainer, FormerUnit, Record

FOLDER = "/var/lib/guarded-deploy/retired"
_VERSION = 1


def record_path(kind: str, name: str) -> str:
    """Where the record of a thing lies. Every name gives a path of its own, below the folder."""
    escaped = re.sub(r"[^A-Za-z0-9@._-]", _escaped, name)
    return f"{FOLDER}/{kind}-{escaped}.json"


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def render_record(record: Record) -> str:
    """The text of a record."""
    fields = record._asdict()
    fields["units"] = [unit._asdict() for unit in record.units]
    fields["containers"] = [container._asdict() for container in record.containers]
    return json.dumps({"version": _VERSION, **fields}, indent=1) + "\n"


def parse_record(text: str, path: str) -> Record:
    """A record out of its text.

    :raises Unparsable: it is none; what it says must not be guessed. The text names the file
    """
    try:
        fields = json.loads(text)
        if fields.pop("version") != _VERSION:
            raise Unparsable(f"{path} was written by another version of this collection")
        record = Record(
            kind=_text(fields["kind"]),
            name=_text(fields["name"]),
            at=float(fields["at"]),
            complete=fields["complete"] is True,
            units=tuple(FormerUnit(**_texts(unit, FormerUnit._fields)) for unit in fields["units"]),
            links=tuple(_pair(pair) for pair in fields["links"]),
            masked=tuple(_text(name) for name in fields["masked"]),
            set_aside=tuple(_pair(pair) for pair in fields["set_aside"]),
            containers=tuple(FormerContainer(**_texts(one, FormerContainer._fields)) for one in fields["containers"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unparsable(f"{path} cannot be read as the record of a retirement: {error!r}") from error
    return record


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: t.Any, names: t.Sequence[str]) -> dict[str, str]:
    return {name: _text(value[name]) for name in names}


def _pair(value: t.Any) -> tuple[str, str]:
    first, second = value
    return _text(first), _text(second)
