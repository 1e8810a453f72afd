# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which ports a set of nat rules takes: chains are walked from where packets for this host come in."""

from __future__ import annotations

import typing as t
from collections import deque

from .model import Forward

PORT_PROTOS = ("tcp", "udp")
# More ports in one rule are no service's; the rule is reported whole instead.
_MOST_PORTS = 4096
# A rule set that needs more steps than this is reported as unread instead of being walked to the end.
_MOST_STEPS = 200_000

Ports = tuple[tuple[int, int], ...]


class Match(t.NamedTuple):
    """What a rule, or the way to it, demands of a packet. None is *anything*, and stands for a demand that was not
    understood as well. ``ports`` are ranges, both ends included."""

    protos: frozenset[str] | None = None
    ports: Ports | None = None
    addresses: tuple[str, ...] | None = None


class Rule(t.NamedTuple):
    """One rule: it goes on in the chain ``jump``, or sends the packet ``to`` somewhere, or does neither."""

    match: Match
    jump: str | None
    to: str | None
    text: str


class Table(t.NamedTuple):
    """A nat table. ``anywhere`` is the address of a rule that names none: ``0.0.0.0``, ``::`` or ``*``; ``entries``
    are the chains that packets for this host, or from it, start in."""

    anywhere: str
    entries: tuple[str, ...]
    chains: dict[str, list[Rule]]


class Unread(t.NamedTuple):
    """A rule that takes ports which could not be told. ``addresses`` as in :class:`Match`."""

    addresses: tuple[str, ...] | None
    rule: str


class NatRules(t.NamedTuple):
    """What the nat rules of a host take."""

    forwards: tuple[Forward, ...]
    unread: tuple[Unread, ...]


def narrow(outer: Match, inner: Match) -> Match:
    """What both demand together."""
    return Match(
        protos=_both(outer.protos, inner.protos),
        ports=_both_ports(outer.ports, inner.ports),
        addresses=inner.addresses if inner.addresses is not None else outer.addresses,
    )


def find_forwards(tables: t.Iterable[Table]) -> NatRules:
    """What the rules take. A rule is followed from the entry chains only: what nothing jumps to takes nothing."""
    forwards: dict[tuple[str, str, int], Forward] = {}
    unread: dict[Unread, None] = {}
    for table in tables:
        for verdict in _verdicts(table):
            if isinstance(verdict, Unread):
                unread[verdict] = None
            else:
                # One port served by several rules (the endpoints of a service) is taken once; the first rule names it.
                forwards.setdefault((verdict.proto, verdict.address, verdict.port), verdict)
    return NatRules(tuple(forwards.values()), tuple(unread))


def _verdicts(table: Table) -> t.Iterator[Forward | Unread]:
    pending = deque((entry, Match()) for entry in table.entries)
    walked: set[tuple[str, Match]] = set()
    steps = 0
    while pending:
        step = pending.popleft()
        if step in walked:
            continue
        walked.add(step)
        chain, way = step
        for rule in table.chains.get(chain, ()):
            steps += 1
            if steps > _MOST_STEPS:
                yield Unread(None, "more nat rules than could be followed")
                return
            match = narrow(way, rule.match)
            if match.protos is not None and not match.protos:
                continue
            if match.ports is not None and not match.ports:
                continue
            if rule.jump is not None:
                pending.append((rule.jump, match))
            if rule.to is not None:
                yield from _taken(table.anywhere, match, rule)


def _taken(anywhere: str, match: Match, rule: Rule) -> t.Iterator[Forward | Unread]:
    protos = sorted(set(PORT_PROTOS) & match.protos) if match.protos is not None else PORT_PROTOS
    if not protos:
        return
    count = sum(last - first + 1 for first, last in match.ports) if match.ports is not None else 0
    if match.ports is None or count > _MOST_PORTS:
        yield Unread(match.addresses, rule.text)
        return
    for address in match.addresses if match.addresses is not None else (anywhere,):
        for proto in protos:
            for first, last in match.ports:
                for port in range(first, last + 1):
                    yield Forward(proto, address, port, rule.to or "", rule.text)


def _both(outer: frozenset[str] | None, inner: frozenset[str] | None) -> frozenset[str] | None:
    if outer is None or inner is None:
        return outer if inner is None else inner
    return outer & inner


def _both_ports(outer: Ports | None, inner: Ports | None) -> Ports | None:
    if outer is None or inner is None:
        return outer if inner is None else inner
    shared = [(max(a, c), min(b, d)) for a, b in outer for c, d in inner]
    return tuple((first, last) for first, last in shared if first <= last)
