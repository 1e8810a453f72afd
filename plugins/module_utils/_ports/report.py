# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A report as plain dicts and lists, as small as is useful."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .model import Accepted, Claim, Conflict, Owner, Report


def owner_as_dict(owner: Owner) -> dict[str, t.Any]:
    """An owner; what is not known is left out."""
    return {key: value for key, value in owner._asdict().items() if value is not None}


def claim_as_dict(claim: Claim) -> dict[str, t.Any]:
    """A claim; ``v6only``, ``device`` and ``sockets`` only where they say something."""
    found: dict[str, t.Any] = {
        "proto": claim.proto,
        "address": claim.address,
        "port": claim.port,
        "state": claim.state,
        "owner": owner_as_dict(claim.owner),
        "source": claim.source,
        "confidence": claim.confidence,
        "at_boot": claim.at_boot,
    }
    if claim.v6only is not None:
        found["v6only"] = claim.v6only
    if claim.device is not None:
        found["device"] = claim.device
    if claim.sockets > 1:
        found["sockets"] = claim.sockets
    return found


def _accepted_as_dict(accepted: Accepted) -> dict[str, t.Any]:
    found = accepted._asdict()
    return {**found, "kinds": list(accepted.kinds), "owners": list(accepted.owners)}


def conflict_as_dict(conflict: Conflict) -> dict[str, t.Any]:
    """A conflict with all its parties. ``port`` and ``proto`` are None where no port is known."""
    return {
        "kind": conflict.kind,
        "proto": conflict.proto,
        "port": conflict.port,
        "parties": [claim_as_dict(claim) for claim in conflict.parties],
        "explanation": conflict.explanation,
        "remedy": [
            {"keep": side.keep, "commands": list(side.commands), "retire": [dict([one]) for one in side.retire]}
            for side in conflict.remedy
        ],
        "confidence": conflict.confidence,
        "accepted": _accepted_as_dict(conflict.accepted) if conflict.accepted else None,
    }


def select_claims(claims: t.Sequence[Claim], conflicts: t.Iterable[Conflict], most: int) -> tuple[Claim, ...]:
    """At most ``most`` claims, those of conflicts first; the order stays."""
    if len(claims) <= most:
        return tuple(claims)
    keys = {(conflict.proto, conflict.port) for conflict in conflicts}
    first = [claim for claim in claims if (claim.proto, claim.port) in keys]
    rest = [claim for claim in claims if (claim.proto, claim.port) not in keys]
    chosen = set(map(id, [*first, *rest][:most]))
    return tuple(claim for claim in claims if id(claim) in chosen)


def count_owners(claims: t.Iterable[Claim]) -> list[dict[str, t.Any]]:
    """How many ports each owner has, most first: the whole of a long list at a glance."""
    counts: dict[tuple[str, str], int] = {}
    for claim in claims:
        key = (claim.owner.kind, claim.owner.name)
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"kind": kind, "name": name, "claims": number} for (kind, name), number in ordered]


def explain_doubts(report: Report) -> str:
    """Why nothing can be concluded from a look, in one line for a message."""
    reasons = [f"{spot.what}: {spot.why}" for spot in report.blind_spots if spot.could_hide_planned or spot.could_hide_conflict]
    reasons += [conflict.explanation for conflict in report.conflicts if conflict.port is None and conflict.accepted is None]
    return f"Unsure whether ports are free; what could not be seen: {'; '.join(reasons)}"


def report_as_dict(report: Report, most: int) -> dict[str, t.Any]:
    """The result of the module. ``most`` bounds the claims listed; conflicts are always complete."""
    listed = select_claims(report.claims, report.conflicts, most)
    return {
        "claims": [claim_as_dict(claim) for claim in listed],
        "claims_total": len(report.claims),
        "owners": count_owners(report.claims),
        "conflicts": [conflict_as_dict(conflict) for conflict in report.conflicts],
        "blind_spots": [spot._asdict() for spot in report.blind_spots],
        "ephemeral_udp": report.ephemeral_udp,
        "info": list(report.same_programs),
        "expired": [_accepted_as_dict(one) for one in report.expired],
        "verdict": report.verdict,
    }
