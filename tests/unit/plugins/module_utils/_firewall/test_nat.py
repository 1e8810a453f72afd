# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that nat rules take, read from what iptables and nft really printed."""

from __future__ import annotations

import json
import struct
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._firewall.addresses import is_local, parse_fib_trie, parse_if_inet6
from ansible_collections.guarded.deploy.plugins.module_utils._firewall.iptables import is_foreign, parse_iptables_save
from ansible_collections.guarded.deploy.plugins.module_utils._firewall.nat import Match, NatRules, Rule, Table, find_forwards, narrow
from ansible_collections.guarded.deploy.plugins.module_utils._firewall.nftables import (
    NatTable,
    parse_chain_dump,
    parse_nft_json,
    render_chain_request,
)

pytestmark = pytest.mark.feature("B2", "B5")
CASES = Path(__file__).resolve().parents[4] / "cases"
IPTABLES = sorted((CASES / "iptables_save").glob("*.txt"))
NFT = sorted((CASES / "nft").glob("*.txt"))


def compared(rules: NatRules) -> dict[str, t.Any]:
    return {
        "forwards": sorted([one.proto, one.address, one.port, one.to] for one in rules.forwards),
        "unread": sorted([[list(one.addresses) if one.addresses else None, one.rule] for one in rules.unread], key=str),
    }


def test_there_are_cases() -> None:
    assert len(IPTABLES) >= 4
    assert len(NFT) >= 3


@pytest.mark.parametrize("path", IPTABLES, ids=lambda path: path.stem)
def test_what_iptables_printed_is_read(path: Path) -> None:
    table = parse_iptables_save(path.read_text(encoding="utf-8"), "ip6" in path.stem)
    assert compared(find_forwards([table])) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NFT, ids=lambda path: path.stem)
def test_what_nft_printed_is_read(path: Path) -> None:
    tables = parse_nft_json(path.read_text(encoding="utf-8"))
    assert compared(find_forwards(tables)) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_two_tools_agree_on_dockers_table() -> None:
    """Nft shows less of a table that iptables made, and the same ports."""
    by_nft = find_forwards(parse_nft_json((CASES / "nft" / "docker_26_iptables.txt").read_text(encoding="utf-8")))
    by_iptables = find_forwards([parse_iptables_save((CASES / "iptables_save" / "docker_26_nft.txt").read_text(encoding="utf-8"), False)])
    assert {one[:3] for one in by_nft.forwards} == {one[:3] for one in by_iptables.forwards}


def nat(*rules: str, ipv6: bool = False) -> NatRules:
    return find_forwards([parse_iptables_save("*nat\n" + "\n".join(rules) + "\nCOMMIT\n", ipv6)])


def ports(rules: NatRules) -> set[tuple[str, str, int]]:
    return {(one.proto, one.address, one.port) for one in rules.forwards}


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ("-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128", {("tcp", "0.0.0.0", 80)}),
        ("-A OUTPUT -d 127.0.0.1/32 -p udp --dport 53 -j REDIRECT", {("udp", "127.0.0.1", 53)}),
        ("-A PREROUTING -p sctp --dport 80 -j DNAT --to-destination 10.0.0.1", set()),
        ("-A PREROUTING -d 10.0.0.0/8 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1", {("tcp", "0.0.0.0", 80)}),
        ("-A PREROUTING ! -d 10.0.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1", {("tcp", "0.0.0.0", 80)}),
        ("-A PREROUTING -p 6 -m set --match-set x src -m tcp --dport 80 -j REDIRECT", {("tcp", "0.0.0.0", 80)}),
        ("-A POSTROUTING -p tcp --dport 80 -j SNAT --to-source 10.0.0.1", set()),
        ("-A PREROUTING -p tcp --dport 80 -j ACCEPT", set()),
        ("-A PREROUTING -p tcp --sport 80 --dport 81 -j REDIRECT", {("tcp", "0.0.0.0", 81)}),
        ('-A PREROUTING -p tcp -m comment --comment "it\'s --dport 9" -m tcp --dport 80 -j REDIRECT', {("tcp", "0.0.0.0", 80)}),
    ],
)
def test_a_rule(rule: str, taken: set[tuple[str, str, int]]) -> None:
    found = nat(rule)
    assert ports(found) == taken
    assert found.unread == ()


@pytest.mark.parametrize(
    "rule",
    [
        "-A PREROUTING -j DNAT --to-destination 10.0.0.1",
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1",
        "-A PREROUTING -p tcp ! --dport 22 -j REDIRECT --to-ports 3128",
        "-A PREROUTING -p tcp -m multiport ! --dports 22,23 -j REDIRECT --to-ports 3128",
        "-A PREROUTING -p tcp -m set --match-set ports dst -j REDIRECT",
        "-A PREROUTING -p tcp --dport 1:65535 -j REDIRECT --to-ports 3128",
        "-A PREROUTING -p tcp --dport http -j REDIRECT",
    ],
)
def test_a_rule_whose_ports_cannot_be_told_is_reported(rule: str) -> None:
    found = nat(rule)
    assert found.forwards == ()
    assert [one.rule for one in found.unread] == [rule]


def test_only_the_nat_table_counts_and_ipv6_has_its_own_wildcard() -> None:
    text = "*mangle\n-A PREROUTING -p tcp --dport 1 -j REDIRECT\nCOMMIT\n*nat\n-A PREROUTING -p tcp --dport 2 -j REDIRECT\nCOMMIT\n"
    assert ports(find_forwards([parse_iptables_save(text, True)])) == {("tcp", "::", 2)}


def test_chains_in_a_circle_end() -> None:
    found = nat("-A PREROUTING -j A", "-A A -p tcp -j B", "-A B -j A", "-A B -p udp --dport 1 -j REDIRECT", "-A B --dport 2 -j REDIRECT")
    assert ports(found) == {("tcp", "0.0.0.0", 2)}
    assert found.unread == ()


def test_more_rules_than_can_be_followed_are_reported() -> None:
    chains = {f"c{number}": [Rule(Match(ports=((number, number),)), None, None, "x")] * 3000 for number in range(100)}
    chains["PREROUTING"] = [Rule(Match(), f"c{number}", None, "x") for number in range(100)]
    assert len(find_forwards([Table("0.0.0.0", ("PREROUTING",), chains)]).unread) == 1


def test_tables_of_nft_are_not_taken_for_iptables() -> None:
    assert is_foreign("# Table `nat' is incompatible, use 'nft' tool.\n")
    assert is_foreign("# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.\n*nat\n")
    assert not is_foreign((CASES / "iptables_save" / "docker_26_nft.txt").read_text(encoding="utf-8"))


RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (min(pair), max(pair))), max_size=4)
MATCHES = st.builds(
    Match,
    protos=st.none() | st.frozensets(st.sampled_from(["tcp", "udp", "sctp"])),
    ports=st.none() | RANGES.map(tuple),
)


def accepts(match: Match, proto: str, port: int) -> bool:
    in_ports = match.ports is None or any(first <= port <= last for first, last in match.ports)
    return in_ports and (match.protos is None or proto in match.protos)


@given(MATCHES, MATCHES, st.sampled_from(["tcp", "udp", "sctp"]), st.integers(0, 50))
def test_two_demands_together_accept_what_both_accept(one: Match, other: Match, proto: str, port: int) -> None:
    both = accepts(one, proto, port) and accepts(other, proto, port)
    assert accepts(narrow(one, other), proto, port) == both


@pytest.mark.parametrize("text", ["x", "{}", '{"nftables": 1}', '{"nftables": [1]}', "[]"])
def test_what_is_no_ruleset_is_an_error(text: str) -> None:
    with pytest.raises(Unparsable):
        parse_nft_json(text)


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def message(kind: int, body: bytes = b"\0\0\0\0") -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def chain(family: int, table: str, kind: str, hook: int) -> bytes:
    hooked = attribute(4 | 0x8000, attribute(1, struct.pack(">I", hook)))
    body = struct.pack(">BBH", family, 0, 0) + attribute(1, table.encode() + b"\0") + hooked + attribute(7, kind.encode() + b"\0")
    return message(10 << 8 | 3, body)


def test_the_tables_that_do_nat_on_the_way_in() -> None:
    first = chain(2, "nat", "nat", 0) + chain(2, "nat", "nat", 3) + chain(2, "filter", "filter", 0) + chain(2, "late", "nat", 4)
    assert parse_chain_dump([first, chain(1, "svc", "nat", 3) + message(3)]) == (NatTable("ip", "nat"), NatTable("inet", "svc"))
    assert parse_chain_dump([message(3)]) == ()


def test_a_chain_dump_that_fails_or_ends_early_is_an_error() -> None:
    with pytest.raises(Denied):
        parse_chain_dump([message(2, struct.pack("=i", -1))])
    with pytest.raises(CouldNotLook, match="22"):
        parse_chain_dump([message(2, struct.pack("=i", -22))])
    for datagrams in ([], [chain(2, "nat", "nat", 0)], [message(3)[:10]], [chain(2, "nat", "nat", 0)[:-5]]):
        with pytest.raises(Unparsable):
            parse_chain_dump(datagrams)


def test_the_request_is_a_dump_of_all_families() -> None:
    length, kind, flags = struct.unpack_from("=IHH", render_chain_request())
    assert (length, kind, flags) == (len(render_chain_request()), 10 << 8 | 4, 0x301)


def test_addresses_of_this_host() -> None:
    ipv4 = parse_fib_trie(Path("/proc/net/fib_trie").read_text(encoding="utf-8"))
    assert "127.0.0.1" in ipv4
    ipv6 = parse_if_inet6("20010db8000000000000000000000001 01 80 00 80 lo\n")
    for address in ("*", "0.0.0.0", "::", "127.0.0.53", "127.0.0.1", "2001:db8::1"):
        assert is_local(address, ipv4, ipv6), address
    assert not is_local("192.0.2.1", ipv4, ipv6)
    assert not is_local("2001:db8::2", ipv4, ipv6)
    assert is_local("fe80::zz", ipv4, ipv6), "what cannot be read is not ruled out"
