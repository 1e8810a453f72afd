# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The result of ``port_conflict_info`` as a page that a person reads in a terminal. Pure: dicts in, lines out."""

from __future__ import annotations

import textwrap
import typing as t

Colour = str
Line = tuple[str, "Colour | None"]

_VERDICT_COLOURS = {"clean": "green", "unsure": "yellow", "conflict": "red"}
_HEADINGS = ("PORT", "ADDRESS", "STATE", "WHO", "AT BOOT", "SURE")
_WIDEST_OWNER = 58


def printable(text: t.Any) -> str:
    """The text without anything that a terminal could act on: a process may call itself what it likes."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text))


def name_owner(owner: t.Mapping[str, t.Any]) -> str:
    """An owner in a few words, as in ``container web (docker, nginx:1.27)``."""
    details = [owner[key] for key in ("engine", "image") if owner.get(key)]
    if owner.get("user"):
        details.append(f"user {owner['user']}")
    if owner.get("compose_project"):
        details.append(f"project {owner['compose_project']}")
    if owner.get("unit"):
        details.append(f"{'starts' if owner['kind'] == 'socket' else 'run by'} {owner['unit']}")
    if owner["kind"] == "process" and owner.get("pid"):
        details.append(f"pid {owner['pid']}")
    prefix = "" if owner["kind"] in ("unit", "socket", "kernel", "deployment") else f"{owner['kind']} "
    name = printable(f"{prefix}{owner['name']}")
    return f"{name} ({printable(', '.join(map(str, details)))})" if details else name


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _rows(claims: t.Iterable[t.Mapping[str, t.Any]]) -> list[tuple[str, ...]]:
    """A row for each port, state and owner; the addresses of one row are joined."""
    merged: dict[tuple[t.Any, ...], list[str]] = {}
    for claim in claims:
        address = claim["address"] + (f"%{claim['device']}" if claim.get("device") else "")
        many = f" x{claim['sockets']}" if claim.get("sockets") else ""
        who = _shorten(name_owner(claim["owner"]), _WIDEST_OWNER)
        key = (claim["port"], claim["proto"], claim["state"], who, claim["at_boot"], claim["confidence"])
        merged.setdefault(key, []).append(printable(address + many))
    return [
        (f"{port}/{proto}", " ".join(addresses), state, who, at_boot, sure)
        for (port, proto, state, who, at_boot, sure), addresses in merged.items()
    ]


def _table(rows: t.Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows)]
    lines = []
    for row in (_HEADINGS, *rows):
        lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        printable(text), max(width, 40), initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _place(conflict: t.Mapping[str, t.Any]) -> str:
    if conflict["port"]:
        return f": {conflict['proto']} port {conflict['port']}"
    return "" if conflict["kind"] == "duplicate_service" else ": port unknown"


def _conflict_lines(conflict: t.Mapping[str, t.Any], width: int) -> t.Iterator[Line]:
    accepted = conflict.get("accepted")
    title = f"  {conflict['kind']}{_place(conflict)}"
    if conflict["confidence"] != "observed":
        title += f" ({conflict['confidence']})"
    if accepted:
        yield f"{title}, accepted", "green"
        reason = f"{accepted['reason']} ({accepted['by']}, until {accepted['expires']})"
        yield from ((line, None) for line in _wrapped(reason, width, "    "))
        return
    yield title, "red" if conflict["port"] or conflict["kind"] == "duplicate_service" else "yellow"
    yield from ((line, None) for line in _wrapped(conflict["explanation"], width, "    "))
    for side in conflict["remedy"]:
        yield f"    To keep {printable(side['keep'])}:", None
        yield from ((f"      {printable(command)}", None) for command in side["commands"])
        for one in side["retire"]:
            ((option, value),) = one.items()
            yield f"      (guarded.deploy.service_retirement with {option}: {printable(value)} does the same and can undo it)", None
    if not conflict["remedy"]:
        planned = all(party["state"] == "planned" for party in conflict["parties"])
        yield "    Change the plan." if planned else "    No remedy is proposed: nothing safe can be said from here.", None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _blind_lines(spot: t.Mapping[str, t.Any], width: int) -> t.Iterator[Line]:
    hides = " A planned port could be taken there." if spot["could_hide_planned"] else ""
    yield from ((line, "yellow") for line in _wrapped(f"{spot['what']}: {spot['why']}.{hides}", width, "  "))
    yield from ((line, None) for line in _wrapped(spot["remedy"], width, "    "))


def render_audit(name: str, report: t.Mapping[str, t.Any], width: int) -> list[Line]:
    """The page for one host: lines, each with a colour or None. ``width`` is the terminal's, in characters."""
    conflicts, blind_spots = report["conflicts"], report["blind_spots"]
    open_ones = sum(1 for conflict in conflicts if not conflict.get("accepted"))
    counts = [_count(report["claims_total"], "claim"), _count(open_ones, "conflict")]
    if open_ones < len(conflicts):
        counts.append(f"{len(conflicts) - open_ones} accepted")
    counts.append(_count(len(blind_spots), "blind spot"))
    verdict = report["verdict"]
    lines: list[Line] = [("", None), (f"{name}: {verdict.upper()} ({', '.join(counts)})", _VERDICT_COLOURS.get(verdict))]
    if report["claims"]:
        lines += [("", None), *((line, None) for line in _table(_rows(report["claims"])))]
    omitted = report["claims_total"] - len(report["claims"])
    if omitted > 0:
        lines.append((f"  and {_count(omitted, 'claim')} more, compared but not listed", None))
        lines += [(f"    {one['claims']} of {printable(one['kind'])} {printable(one['name'])}", None) for one in report["owners"][:5]]
    if conflicts:
        lines += [("", None), ("Conflicts", None)]
        for conflict in conflicts:
            lines += _conflict_lines(conflict, width)
    for one in report["expired"]:
        text = f"Accepted until {one['expires']} by {one['by']} and still there: {one['proto']} port {one['port']} ({one['reason']})"
        lines += ((line, "red") for line in _wrapped(text, width, "  "))
    if blind_spots:
        lines += [("", None), ("Could not see", None)]
        for spot in blind_spots:
            lines += _blind_lines(spot, width)
    return lines


def render_failed_look(name: str, message: str, width: int) -> list[Line]:
    """The page for a host that could not be looked at."""
    return [("", None), (f"{name}: COULD NOT LOOK", "red"), *((line, None) for line in _wrapped(message, width, "  "))]
