# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What units and containers were seen to listen on, remembered: the port of one that does not run and whose text does
not tell it."""

from __future__ import annotations

import datetime
import json
import typing as t

from .._errors import BadInput, Unparsable
from .model import Claim, Owner

FILE = "/var/lib/guarded-deploy/observed.json"
"""Where it is kept on the host, by root."""

VERSION = 1
_OWNERS = ("unit", "socket", "container")
_DAY = 86_400.0


class Sighting(t.NamedTuple):
    """A port that an owner was seen to listen on. ``seen`` is seconds since the epoch, of the last time."""

    proto: str
    address: str
    port: int
    seen: float


Memory = dict[str, tuple[Sighting, ...]]
"""Sightings by owner, as :func:`owner_key` names it."""


def owner_key(owner: Owner) -> str:
    """What an owner is called from one day to the next: containers get a new id each time they are made."""
    return "/".join((owner.kind, owner.engine or "", owner.user or "", owner.name))


def render_time(seconds: float) -> str:
    """A moment in UTC, as ``2026-11-20 14:05 UTC``."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def parse_memory(text: str) -> Memory:
    """What :func:`render_memory` wrote.

    :raises Unparsable: it is something else
    """
    try:
        whole = json.loads(text)
        if whole["version"] != VERSION:
            raise Unparsable(f"{FILE} is of version {whole['version']!r}, and this can read {VERSION}")
        return {
            str(key): tuple(Sighting(str(proto), str(address), int(port), float(seen)) for proto, address, port, seen in sightings)
            for key, sightings in whole["seen"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unparsable(f"{FILE} cannot be read ({error}); remove it to begin anew") from error


def render_memory(memory: Memory) -> str:
    """The text to keep."""
    seen = {key: [list(one) for one in sightings] for key, sightings in sorted(memory.items())}
    return json.dumps({"version": VERSION, "seen": seen}, indent=1, sort_keys=True) + "\n"


def parse_claims(entries: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Claim, ...]:
    """Claims as the result of a look lists them.

    :raises BadInput: an entry is none
    """
    found = []
    for index, entry in enumerate(entries):
        try:
            owner = Owner(**entry["owner"])
            place = (str(entry["proto"]), str(entry["address"]), int(entry["port"]), str(entry["state"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"claims[{index}] is no claim of port_conflict_info: {error}") from error
        found.append(Claim(*place, owner, "", "observed", "unknown"))
    return tuple(found)


def parse_keep_days(days: int) -> int:
    """The option ``keep_days``.

    :raises BadInput: less than 1
    """
    if days < 1:
        raise BadInput(f"keep_days: {days} is less than 1")
    return days


def count_owners(text: str) -> int:
    """How many owners a memory knows."""
    return len(parse_memory(text))


def is_as_fresh(known: Memory, after: Memory) -> bool:
    """Whether a memory tells what another does, and no sighting is more than a day older."""
    if known.keys() != after.keys():
        return False
    for key, sightings in after.items():
        mine = {(one.proto, one.address, one.port): one.seen for one in known[key]}
        if mine.keys() != {(one.proto, one.address, one.port) for one in sightings}:
            return False
        if any(one.seen - mine[(one.proto, one.address, one.port)] >= _DAY for one in sightings):
            return False
    return True


def remember(memory: Memory, claims: t.Iterable[Claim], now: float, keep_days: float) -> Memory:
    """The memory with what is seen now. An owner that listens now replaces what was known of it: a port that it gave up
    is not its own any more. Owners that were not seen for ``keep_days`` days are forgotten."""
    fresh: dict[str, dict[tuple[str, str, int], Sighting]] = {}
    for claim in claims:
        if claim.state == "listening" and claim.owner.kind in _OWNERS:
            place = (claim.proto, claim.address, claim.port)
            fresh.setdefault(owner_key(claim.owner), {})[place] = Sighting(*place, now)
    kept = {
        key: sightings
        for key, sightings in memory.items()
        if key not in fresh and sightings and max(one.seen for one in sightings) >= now - keep_days * _DAY
    }
    return {**kept, **{key: tuple(sorted(places.values())) for key, places in fresh.items()}}
