# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Ports that the host's firewall forwards without any socket."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, Denied, NothingThere, ToolMissing
from .._firewall.addresses import is_local, parse_fib_trie, parse_if_inet6
from .._firewall.iptables import is_foreign, parse_iptables_save
from .._firewall.nat import find_forwards
from .._firewall.nftables import NETLINK_NETFILTER, NatTable, parse_chain_dump, parse_nft_json, render_chain_request
from .._ports.model import BlindSpot

if t.TYPE_CHECKING:
    from .._firewall.model import Forward
    from .._firewall.nat import NatRules, Table, Unread
    from .._host import Host

# The kernel has it in every network namespace as soon as connection tracking is there, and NAT needs that.
_CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack_count"
_LEGACY_TABLES = (("/proc/net/ip_tables_names", False), ("/proc/net/ip6_tables_names", True))
_MODULES = "/proc/modules"


class Forwards(t.NamedTuple):
    """The ports that rules take, and what could not be read of the rules."""

    forwards: tuple[Forward, ...]
    blind_spots: tuple[BlindSpot, ...]


def collect_forwards(host: Host, timeout: float) -> Forwards:
    """The DNAT and REDIRECT rules for addresses of this host; each command gets ``timeout`` seconds.

    Looking changes nothing: where the kernel has not loaded what the rules need, nothing is asked that would load it.
    """
    if not _nat_possible(host):
        return Forwards((), ())
    tables: list[Table] = []
    spots: list[BlindSpot] = []
    for read in (_legacy_tables, _nft_tables):
        try:
            tables += read(host, timeout)
        except CouldNotLook as error:
            spots.append(_unseen(error))
    return _of_this_host(host, find_forwards(tables), spots) if tables else Forwards((), tuple(spots))


def _unseen(error: CouldNotLook) -> BlindSpot:
    remedy = "Run as root." if isinstance(error, Denied) else "Look at 'nft list ruleset' and 'iptables-save -t nat' by hand."
    if isinstance(error, ToolMissing):
        remedy = "Install the package nftables (or iptables, for rules that it made)."
    return BlindSpot(
        what="ports that firewall rules forward without a socket",
        why=str(error),
        could_hide_planned=True,
        remedy=remedy,
    )


def _exists(host: Host, path: str) -> bool:
    try:
        host.read_bytes(path)
    except NothingThere:
        return False
    except CouldNotLook:
        pass
    return True


def _loaded(host: Host, module: str, modules: str | None) -> bool:
    """Whether part of the kernel is there. ``modules`` is /proc/modules, None where the kernel has no modules at all."""
    if modules is None or f"\n{module} " in modules:
        return True
    try:
        release = host.read_text("/proc/sys/kernel/osrelease").strip()
        return f"/{module}.ko" in host.read_text(f"/lib/modules/{release}/modules.builtin")
    except NothingThere:
        # A host without the modules of its kernel (a container) cannot load them by a look either.
        return True


def _modules(host: Host) -> str | None:
    try:
        return "\n" + host.read_text(_MODULES)
    except NothingThere:
        return None


def _nat_possible(host: Host) -> bool:
    if not _exists(host, _CONNTRACK):
        return False
    try:
        modules = _modules(host)
    except CouldNotLook:
        return True
    # nf_nat needs nf_conntrack: where that is a module, nf_nat is one, and without it there is no NAT.
    return not (modules is not None and "\nnf_conntrack " in modules and "\nnf_nat " not in modules)


def _legacy_tables(host: Host, timeout: float) -> list[Table]:
    """The tables of the old iptables; the kernel lists which it has, for root."""
    tables = []
    for path, ipv6 in _LEGACY_TABLES:
        try:
            names = host.read_text(path).split()
        except NothingThere:
            continue
        if "nat" in names:
            tool = _first_tool(host, ("ip6tables-legacy-save", "ip6tables-save") if ipv6 else ("iptables-legacy-save", "iptables-save"))
            tables.append(parse_iptables_save(_output(host, [tool, "-t", "nat"], timeout), ipv6))
    return tables


def _nft_tables(host: Host, timeout: float) -> list[Table]:
    if not _loaded(host, "nf_tables", _modules(host)):
        return []
    try:
        nat = parse_chain_dump(host.netlink(NETLINK_NETFILTER, render_chain_request(), timeout))
    except NothingThere:
        return []
    tables = []
    for table in nat:
        by_iptables = _by_iptables(host, table, timeout)
        if by_iptables is not None:
            tables.append(by_iptables)
        else:
            # One at a time: of "list table a; list table b" nft 1.0.6 finds only the last.
            argv = [_first_tool(host, ("nft",)), "-j", "list", "table", table.family, table.name]
            tables += parse_nft_json(_output(host, argv, timeout))
    return tables


def _by_iptables(host: Host, table: NatTable, timeout: float) -> Table | None:
    """A table that iptables-nft made, from its own tool, which alone says where the packets go; None where it is nft's."""
    tools = {"ip": ("iptables-nft-save", "iptables-save"), "ip6": ("ip6tables-nft-save", "ip6tables-save")}
    if table.name != "nat" or table.family not in tools:
        return None
    tool = next((tool for tool in tools[table.family] if host.has(tool)), None)
    if tool is None:
        return None
    text = _output(host, [tool, "-t", "nat"], timeout)
    # The old tool, behind the plain name, knows nothing of tables made by nft.
    if is_foreign(text) or "*nat" not in text:
        return None
    return parse_iptables_save(text, table.family == "ip6")


def _first_tool(host: Host, names: tuple[str, ...]) -> str:
    for name in names:
        if host.has(name):
            return name
    raise ToolMissing(f"the kernel has nat rules, and {names[-1]} is not installed")


def _output(host: Host, argv: list[str], timeout: float) -> str:
    result = host.run(argv, timeout)
    if result.rc != 0:
        lines = result.err.strip().splitlines() or [f"exit code {result.rc}"]
        raise CouldNotLook(f"{argv[0]}: {lines[-1]}")
    return result.out


def _of_this_host(host: Host, rules: NatRules, spots: list[BlindSpot]) -> Forwards:
    """Without what is meant for other addresses: a cluster's service addresses, or hosts behind a router."""
    try:
        ipv4 = parse_fib_trie(host.read_text("/proc/net/fib_trie"))
        ipv6 = parse_if_inet6(_text_or_nothing(host, "/proc/net/if_inet6"))
    except (CouldNotLook, NothingThere):
        return Forwards(rules.forwards, (*spots, *_unread(rules.unread)))
    forwards = tuple(forward for forward in rules.forwards if is_local(forward.address, ipv4, ipv6))
    unread = [
        one for one in rules.unread if one.addresses is None or any(is_local(address, ipv4, ipv6) for address in one.addresses)
    ]
    return Forwards(forwards, (*spots, *_unread(unread)))


def _text_or_nothing(host: Host, path: str) -> str:
    try:
        return host.read_text(path)
    except NothingThere:
        return ""


def _unread(rules: t.Sequence[Unread]) -> tuple[BlindSpot, ...]:
    if not rules:
        return ()
    more = f" (and {len(rules) - 1} more)" if len(rules) > 1 else ""
    return (
        BlindSpot(
            what="the ports that a firewall rule takes",
            why=f"not understood, or every port: {rules[0].rule}{more}",
            could_hide_planned=True,
            remedy="Read the rule: where it takes a port of this host, that port is not free.",
        ),
    )
