# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A conflict in two sentences that a person understands at 3 a.m."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .model import Claim, Loop, Owner

_MOST_NAMES = 5
_HOLDING = frozenset(("listening", "bound", "forwarded"))
_PREFIXES = {"container": "container ", "process": "process ", "kernel": "the ", "firewall": "the firewall rule "}


def name_owner(owner: Owner) -> str:
    """An owner as one says it: ``prometheus.service (pid 812)``, ``container web (docker, image nginx:1.27)``."""
    details = []
    if owner.engine:
        details.append(owner.engine)
    if owner.user:
        details.append(f"user {owner.user}")
    if owner.image:
        details.append(f"image {owner.image}")
    if owner.unit and owner.kind == "container":
        details.append(f"run by {owner.unit}")
    if owner.pid and owner.kind != "container":
        details.append(f"pid {owner.pid}")
    name = f"{_PREFIXES.get(owner.kind, '')}{owner.name}"
    return f"{name} ({', '.join(details)})" if details else name


def name_place(claim: Claim) -> str:
    """Where a claim is, as in ``tcp port 9090 on 127.0.0.1``."""
    where = "" if claim.address in ("*", "0.0.0.0", "::") else f" on {claim.address}"
    return f"{claim.proto} port {claim.port}{where}"


def _and(names: t.Sequence[str]) -> str:
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} others"
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _distinct(claims: t.Iterable[Claim]) -> list[str]:
    return list(dict.fromkeys(name_owner(claim.owner) for claim in claims))


def explain_shared(parties: t.Sequence[Claim]) -> str:
    """Two owners listen on overlapping addresses at once."""
    names = _and(_distinct(parties))
    if parties[0].proto == "udp":
        how = "The kernel hands a packet to only one of them, and which one it is can change whenever either restarts."
    else:
        how = "The kernel deals new connections out among them (SO_REUSEPORT), so clients reach one or the other by chance."
    return f"{names} listen on {name_place(parties[0])} at the same time. {how}"


def _why_no_retry(loop: Loop) -> str:
    owner = loop.owner
    if owner.kind == "container" and loop.state == "created":
        return f"{str(owner.engine).capitalize()} does not try again, not even with a restart policy and not when the port becomes free."
    if owner.kind == "container":
        return f"Nothing starts it again until somebody does, or {owner.engine} itself is restarted."
    return "systemd has given it up; it stays down until somebody starts it."


def explain_blocked(claimant: Claim, holders: t.Sequence[Claim], loop: Loop) -> str:
    """A claimant stays down because another holds its port, or held it when it tried."""
    did = "was never started" if loop.state == "created" else "failed to start"
    if not holders:
        return (
            f"{name_owner(claimant.owner)} {did} because {name_place(claimant)} was in use; nobody holds the port now."
            f" {_why_no_retry(loop)}"
        )
    return (
        f"{name_owner(claimant.owner)} {did}: {name_place(claimant)}, which it needs, is held by"
        f" {_and(_distinct(holders))}. {_why_no_retry(loop)}"
    )


def explain_crash_loop(claimant: Claim, holders: t.Sequence[Claim], loop: Loop) -> str:
    """A claimant restarts over and over because another holds its port."""
    times = f" ({loop.restarts} restarts so far)" if loop.restarts else ""
    if not holders:
        return (
            f"{name_owner(claimant.owner)} restarts over and over{times} and says that {name_place(claimant)} is in use, yet"
            " nobody was seen to hold it. Look again in a moment: the holder may come and go as well."
        )
    sure = "because" if loop.in_use_seen else "and probably cannot get its port:"
    return (
        f"{name_owner(claimant.owner)} restarts over and over{times} {sure} {name_place(claimant)} is held by"
        f" {_and(_distinct(holders))}. It holds no socket and serves nobody; the moment the holder stops, it takes the"
        " port over without a word."
    )


def explain_unknown_loop(loop: Loop) -> str:
    """A claimant restarts over and over, and nothing says which port it wants."""
    times = f" ({loop.restarts} restarts so far)" if loop.restarts else ""
    if loop.in_use_seen:
        reason = "Its log says that an address is already in use, but not which one: compare its configuration with the claims."
    else:
        reason = "Nothing in its log or its arguments names a port, so the cause may be another: read its log."
    return f"{name_owner(loop.owner)} restarts over and over{times}. {reason}"


def explain_latent(parties: t.Sequence[Claim]) -> str:
    """Claimants that do not run now, for a port that another holds or that they all want."""
    asking = [claim for claim in parties if claim.state in ("wanted", "latent")]
    holding = [claim for claim in parties if claim not in asking]
    if not holding:
        return (
            f"{_and(_distinct(asking))} all ask for {name_place(parties[0])}, and none of them has it yet."
            " Whichever is started first gets it, and every other one will fail."
        )
    return (
        f"{_and(_distinct(asking))} would want {name_place(asking[0])}, which is held by {_and(_distinct(holding))}."
        " It does not run now; whoever starts it, a person or a dependency, starts a failure."
    )


def explain_next_boot(parties: t.Sequence[Claim]) -> str:
    """Claimants that the next boot starts both."""
    holding = [claim for claim in parties if claim.state not in ("wanted", "latent")]
    today = f"Today {_and(_distinct(holding))} has it; after a boot it may be another" if holding else "Whichever comes first gets it"
    return (
        f"The next boot starts {_and(_distinct(parties))}, and all of them want {name_place(parties[0])}."
        f" {today}, and the rest will fail or restart over and over."
    )


def _name_planned(claim: Claim) -> str:
    """A newcomer, with the file and line that bring it where a manifest does."""
    if claim.owner.kind == "deployment":
        return claim.owner.name
    place = "" if claim.source.startswith("planned[") else f" of {claim.source}"
    return f"{name_owner(claim.owner)}{place}"


def explain_planned(planned: Claim, others: t.Sequence[Claim]) -> str:
    """A port that a deployment is about to use has another claimant."""
    newcomer = _name_planned(planned)
    if all(claim.state == "planned" for claim in others):
        names = _and(list(dict.fromkeys([newcomer, *map(_name_planned, others)])))
        return f"{names} both plan to use {name_place(planned)}. Whichever comes second will not start, or will restart over and over."
    if all(claim.state == "forwarded" for claim in others):
        return (
            f"{name_place(planned)}, which {newcomer} is about to use, is taken by {_and(_distinct(others))} without a socket:"
            " rules of the firewall send the traffic there first. The newcomer may start without a word and yet serve nobody."
        )
    holders = [claim for claim in others if claim.state in _HOLDING]
    waiters = [claim for claim in others if claim.state not in _HOLDING]
    held = [f"held by {_and(_distinct(holders))}"] if holders else []
    wanted = [f"wanted by {_and(_distinct(waiters))}"] if waiters else []
    return (
        f"{name_place(planned)}, which {newcomer} is about to use, is already {' and '.join([*held, *wanted])}."
        " Applied as planned, the newcomer will not start or will restart over and over, and nothing on the surface will say why."
    )
