# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What ``iptables-save -t nat`` and ``ip6tables-save -t nat`` print."""

from __future__ import annotations

import shlex

from .nat import Match, Ports, Rule, Table

# What takes a packet away from the port that it was sent to.
_TARGETS = ("DNAT", "REDIRECT")
_PORT_OPTIONS = ("--dport", "--destination-port", "--dports", "--destination-ports", "--ports")
_PROTO_NAMES = {"6": "tcp", "17": "udp", "all": ""}


def is_foreign(text: str) -> bool:
    """Whether nft made (part of) the table, so that iptables does not show all of it.

    ``# Table `nat' is incompatible, use 'nft' tool.``,
    ``# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.``
    """
    return any(line.startswith("# Table ") and "incompatible" in line for line in text.splitlines())


def parse_iptables_save(text: str, ipv6: bool) -> Table:
    """The nat table in what ``iptables-save`` prints; other tables in it are passed over.

    ``-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9556 -j DNAT --to-destination 172.17.0.3:80``
    """
    chains: dict[str, list[Rule]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif table == "nat" and line.startswith("-A "):
            chain, rule = _rule(line)
            chains.setdefault(chain, []).append(rule)
    return Table("::" if ipv6 else "0.0.0.0", ("PREROUTING", "OUTPUT"), chains)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # An unbalanced quote in a comment.
        return line.split()


def _rule(line: str) -> tuple[str, Rule]:
    words = _words(line)
    match, target, to = Match(), None, None
    negated = False
    for index, word in enumerate(words):
        value = words[index + 1] if index + 1 < len(words) else ""
        if word in ("-j", "-g"):
            target = value
        elif word in ("--to-destination", "--to-ports"):
            to = f":{value}" if word == "--to-ports" else value
        elif word not in ("!", "-A"):
            match = _match(match, word, value, negated)
        negated = word == "!"
    taken = target in _TARGETS
    return words[1], Rule(match, None if taken else target, (to or target) if taken else None, line)


def _match(match: Match, option: str, value: str, negated: bool) -> Match:
    if negated:
        # Everything but that: read as everything.
        return match
    if option in _PORT_OPTIONS:
        return match._replace(ports=_ports(value))
    if option == "-p":
        proto = _PROTO_NAMES.get(value, value)
        return match._replace(protos=frozenset([proto])) if proto else match
    if option == "-d":
        address, _slash, length = value.partition("/")
        if length in ("", "32" if "." in address else "128"):
            return match._replace(addresses=(address,))
    return match


def _ports(text: str) -> Ports | None:
    """``80``, ``8000:8010`` or ``80,443,8000:8010``; None where it is something else."""
    ranges = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        first, last = first or "0", (last or "65535") if colon else first
        if not (first.isdigit() and last.isdigit()):
            return None
        ranges.append((int(first), int(last)))
    return tuple(ranges)
