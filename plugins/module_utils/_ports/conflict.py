# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which claims collide."""

from __future__ import annotations

import typing as t

from .explain import (
    explain_blocked,
    explain_crash_loop,
    explain_latent,
    explain_next_boot,
    explain_planned,
    explain_shared,
    explain_unknown_loop,
)
from .model import Claim, Conflict, Owner
from .overlap import OverlapIndex, overlaps
from .remedy import plan_sides

if t.TYPE_CHECKING:
    from .model import Accepted, BlindSpot, Loop, Planned, WantedPort
    from .remedy import RunState

_HOLDING = frozenset(("listening", "bound", "forwarded"))
_ASKING = frozenset(("wanted", "latent"))

SHARED_BY_DESIGN = {
    68: "DHCP client",
    546: "DHCPv6 client",
    1900: "SSDP",
    3702: "WS-Discovery",
    5353: "mDNS",
    5355: "LLMNR",
}
"""UDP ports that several programs have at once and mean to (IANA service name registry): those that join a multicast
group get a copy of every packet each (RFC 6762 section 15.1 for mDNS), and DHCP clients look at their own interface."""


class Look(t.NamedTuple):
    """What there is to compare. ``state_of`` tells how an owner stands, for the remedies."""

    claims: tuple[Claim, ...]
    loops: tuple[Loop, ...]
    planned: tuple[Planned, ...]
    accepted: tuple[Accepted, ...]
    today: str  # YYYY-MM-DD
    state_of: t.Callable[[Owner], RunState]


def collides(one: Claim, other: Claim) -> bool:
    """Whether two claims cannot both be had, or are had at the price of sharing."""
    return (
        one.port == other.port
        and one.proto == other.proto
        and overlaps(one.proto, one.address, one.v6only, one.device, other.address, other.v6only, other.device)
    )


def _others(index: OverlapIndex[Claim], claim: Claim) -> list[Claim]:
    """The claims of other owners that collide with ``claim``."""
    return [other for other in index.colliding(claim) if not other.owner.same_as(claim.owner)]


def _is_known_to_share(claim: Claim) -> bool:
    """Whether two sockets on this claim's port prove that it is shared.

    Some ports are shared by design; and where the kernel did not say whether a wildcard is v6only, two
    listeners that live side by side prove that it is.
    """
    if claim.state != "listening" or (claim.proto == "udp" and claim.port in SHARED_BY_DESIGN):
        return False
    return not (claim.address == "::" and claim.v6only is None)


def _find_shared(look: Look) -> t.Iterator[Conflict]:
    index = OverlapIndex(claim for claim in look.claims if _is_known_to_share(claim))
    groups: dict[tuple[str, int], dict[Claim, None]] = {}
    for one, other in index.pairs():
        if not one.owner.same_as(other.owner):
            groups.setdefault((one.proto, one.port), {}).update({one: None, other: None})
    yield from _of_groups("shared", groups, explain_shared, look)


def _wanted_claim(loop: Loop, port: WantedPort) -> Claim:
    return Claim(
        proto=port.proto,
        address=port.address,
        port=port.port,
        state="wanted",
        owner=loop.owner,
        source=port.source,
        confidence=port.confidence,
        at_boot=loop.at_boot,
    )


def _find_loops(held: OverlapIndex[Claim], look: Look) -> t.Iterator[Conflict]:
    """Claimants that are down or restart over and over, with whoever holds their port."""
    for loop in look.loops:
        kind = "crash_loop" if loop.state == "restarting" else "blocked"
        named = False
        for port in loop.ports:
            claim = _wanted_claim(loop, port)
            colliding = held.colliding(claim)
            holders = [other for other in colliding if not other.owner.same_as(claim.owner)]
            has_it = len(holders) < len(colliding)
            # A guessed port counts only where somebody else holds it; a port that it says was taken counts always.
            stranded = loop.in_use_seen and port.confidence == "observed" and not has_it
            if not holders and not stranded:
                # It has what its log still calls taken: the holder went away and it took the port over.
                named |= loop.in_use_seen and has_it
                continue
            named = True
            explain = explain_crash_loop if kind == "crash_loop" else explain_blocked
            parties = (*holders, claim)
            yield Conflict(
                kind,
                claim.proto,
                claim.port,
                parties,
                explain(claim, holders, loop),
                plan_sides(parties, look.state_of),
                "observed" if loop.in_use_seen and port.confidence != "inferred" else port.confidence,
            )
        if not named and (loop.state == "restarting" or loop.in_use_seen):
            party = Claim("", "", 0, "wanted", loop.owner, "restarts without a socket", "inferred", loop.at_boot)
            yield Conflict(kind, None, None, (party,), explain_unknown_loop(loop), (), "inferred")


def _may_start(claim: Claim) -> bool:
    """Whether something may start a claimant that does not run: the boot, a socket, a timer, an engine. What nothing
    starts but a person is at peace, or a retired unit would be in conflict for ever."""
    return claim.state == "wanted" or (claim.state == "latent" and claim.at_boot != "no")


def _of_groups(
    kind: str, groups: t.Mapping[tuple[str, int], t.Iterable[Claim]], explain: t.Callable[[t.Sequence[Claim]], str], look: Look
) -> t.Iterator[Conflict]:
    """A conflict for the claimants of each protocol and port; no surer than the least sure of them."""
    for (proto, port), group in groups.items():
        parties = tuple(group)
        yield Conflict(kind, proto, port, parties, explain(parties), plan_sides(parties, look.state_of), _least_sure(parties))


def _find_latent(held: OverlapIndex[Claim], look: Look) -> t.Iterator[Conflict]:
    """Claimants that do not run now, and that could not have their port if they were started: another holds it, or
    waits for it as well."""
    asking = [claim for claim in look.claims if _may_start(claim)]
    waiting = OverlapIndex(asking)
    groups: dict[tuple[str, int], dict[Claim, None]] = {}
    for one, other in waiting.pairs():
        # Where both come at boot, the boot is the conflict.
        if not one.owner.same_as(other.owner) and not held.colliding(one) and not held.colliding(other) and not _both_boot(one, other):
            groups.setdefault((one.proto, one.port), {}).update({one: None, other: None})
    for claim in asking:
        if claim.state != "latent":
            continue  # one that waits is blocked, and told as such
        for holder in _others(held, claim):
            if not _both_boot(claim, holder):
                groups.setdefault((claim.proto, claim.port), {}).update({holder: None, claim: None})
    yield from _of_groups("latent", groups, explain_latent, look)


def _both_boot(one: Claim, other: Claim) -> bool:
    return one.at_boot == other.at_boot == "yes"


def _find_next_boot(look: Look) -> t.Iterator[Conflict]:
    """Claimants of one port that the next boot starts both. Today one of them does not run, or holds no socket."""
    index = OverlapIndex(claim for claim in look.claims if claim.at_boot == "yes" and claim.state in _HOLDING | _ASKING)
    groups: dict[tuple[str, int], dict[Claim, None]] = {}
    for one, other in index.pairs():
        side_by_side = one.state in _HOLDING and other.state in _HOLDING
        if not side_by_side and not one.owner.same_as(other.owner):
            groups.setdefault((one.proto, one.port), {}).update({one: None, other: None})
    yield from _of_groups("next_boot", groups, explain_next_boot, look)


_SURENESS = ("observed", "declared", "observed_earlier", "inferred")


def _least_sure(parties: t.Iterable[Claim]) -> str:
    return max((claim.confidence for claim in parties), key=_SURENESS.index)


def _without_told(told: t.Sequence[Conflict], found: t.Iterable[Conflict]) -> list[Conflict]:
    """The conflicts of ``found`` whose port and owners no conflict of ``told`` has named already."""
    named = [(one.proto, one.port, [claim.owner for claim in one.parties]) for one in told]

    def is_told(conflict: Conflict) -> bool:
        return any(
            (proto, port) == (conflict.proto, conflict.port)
            and all(any(claim.owner.same_as(owner) for owner in owners) for claim in conflict.parties)
            for proto, port, owners in named
        )

    return [conflict for conflict in found if not is_told(conflict)]


def planned_claim(planned: Planned) -> Claim:
    """The claim that a planned port will be."""
    owner = planned.owner or Owner("deployment", planned.entry)
    if not owner.kind:
        owner = owner._replace(kind="deployment")
    return Claim(
        planned.proto,
        planned.address,
        planned.port,
        "planned",
        owner,
        planned.entry,
        planned.confidence,
        "unknown",
        v6only=planned.v6only,
        device=planned.device,
    )


def is_earlier_deployment(planned: Planned, owner: Owner) -> bool:
    """Whether ``owner`` is what an earlier run of the same plan left: same kind and name, or the unit or Compose
    project that runs the container."""
    if planned.owner is None:
        return False
    names: dict[str, tuple[str | None, ...]] = {
        "container": (owner.name,) if owner.kind == "container" else (),
        "unit": (owner.name if owner.kind in ("unit", "socket") else None, owner.unit),
        "socket": (owner.name if owner.kind in ("unit", "socket") else None, owner.unit),
        "compose": (owner.compose_project,),
        "process": (owner.name,) if owner.kind == "process" else (),
    }
    kinds = [planned.owner.kind] if planned.owner.kind else ["container", "unit", "compose"]
    # Docker's container web and Podman's are two.
    one_engine = planned.owner.engine is None or owner.engine is None or planned.owner.engine == owner.engine
    if any(planned.owner.name in names.get(kind, ()) for kind in kinds if kind != "container" or one_engine):
        return True
    # A quadlet, or a unit that runs "docker run": the unit is known to both, whatever the container is called.
    unit = planned.owner.unit
    return unit is not None and unit in (owner.unit, owner.name if owner.kind in ("unit", "socket") else None)


def _find_planned(look: Look) -> t.Iterator[Conflict]:
    if not look.planned:
        return
    present = OverlapIndex(claim for claim in look.claims if claim.state in _HOLDING or _may_start(claim))
    earlier: list[Claim] = []  # of the plan itself
    for planned in look.planned:
        claim = planned_claim(planned)
        others = [other for other in _others(present, claim) if not is_earlier_deployment(planned, other.owner)]
        others += [other for other in earlier if collides(claim, other) and not other.owner.same_as(claim.owner)]
        earlier.append(claim)
        if others:
            # Who holds it comes first; one who surely does is enough.
            others.sort(key=lambda other: other.state not in _HOLDING)
            parties = (*others, claim)
            sure = any(other.confidence == "observed" for other in others)
            yield Conflict(
                "planned",
                claim.proto,
                claim.port,
                parties,
                explain_planned(claim, others),
                plan_sides(parties, look.state_of),
                "observed" if sure else "inferred",
            )


def _acceptance(conflict: Conflict, look: Look) -> Accepted | None:
    for accepted in look.accepted:
        names = {claim.owner.name for claim in conflict.parties}
        if (
            (accepted.proto, accepted.port) == (conflict.proto, conflict.port)
            and (not accepted.kinds or conflict.kind in accepted.kinds)
            and (not accepted.owners or names.issubset(accepted.owners))
            and look.today <= accepted.expires
        ):
            return accepted
    return None


def find_expired(look: Look, conflicts: t.Sequence[Conflict]) -> tuple[Accepted, ...]:
    """Acceptances that have run out although their conflict is still there."""
    there = {(conflict.proto, conflict.port) for conflict in conflicts if conflict.accepted is None}
    return tuple(one for one in look.accepted if one.expires < look.today and (one.proto, one.port) in there)


def find_conflicts(look: Look) -> tuple[Conflict, ...]:
    """Every conflict, by port; one that somebody answers for carries the acceptance."""
    held = OverlapIndex(claim for claim in look.claims if claim.state in _HOLDING)
    now = [*_find_shared(look), *_find_loops(held, look)]
    found = [*now, *_without_told(now, [*_find_latent(held, look), *_find_next_boot(look)]), *_find_planned(look)]
    found.sort(key=lambda conflict: (conflict.port or 0, conflict.proto or "", conflict.kind))
    return tuple(conflict._replace(accepted=_acceptance(conflict, look)) for conflict in found)


def add_wanted(claims: t.Sequence[Claim], conflicts: t.Iterable[Conflict]) -> tuple[Claim, ...]:
    """The claims, and those of claimants that do not come up: their port is known only from the conflict. By port."""
    known = {(claim.proto, claim.port, claim.owner) for claim in claims}
    wanted = {
        claim
        for conflict in conflicts
        for claim in conflict.parties
        if claim.state == "wanted" and claim.port and (claim.proto, claim.port, claim.owner) not in known
    }
    return tuple(sorted((*claims, *wanted), key=lambda claim: (claim.port, claim.proto, claim.address, claim.owner.name)))


def judge(conflicts: t.Sequence[Conflict], blind_spots: t.Sequence[BlindSpot]) -> str:
    """``conflict``, ``unsure`` or ``clean``. A loop with no port in sight, or a look that failed, is never clean."""
    open_ones = [conflict for conflict in conflicts if conflict.accepted is None]
    if any(conflict.port is not None or conflict.kind == "duplicate_service" for conflict in open_ones):
        return "conflict"
    if open_ones or any(spot.could_hide_planned or spot.could_hide_conflict for spot in blind_spots):
        return "unsure"
    return "clean"
