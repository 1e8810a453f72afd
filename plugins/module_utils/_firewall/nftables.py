# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""nftables: which tables do nat (netlink), and what their rules take (``nft -j list table``).

Sources: linux/netfilter/nf_tables.h for the messages, libnftables-json(5) for the text. Rules that iptables-nft made
show their ports there, but not where a packet goes (``{"xt": {"type": "target", "name": "DNAT"}}``).
"""

from __future__ import annotations

import json
import struct
import typing as t

from .._errors import CouldNotLook, Denied, Unparsable
from .nat import Match, Ports, Rule, Table, narrow

if t.TYPE_CHECKING:
    Json = t.Any

NETLINK_NETFILTER = 12

_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_NEW_CHAIN, _GET_CHAIN = _SUBSYSTEM | 3, _SUBSYSTEM | 4
_REQUEST_DUMP = 0x1 | 0x300  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_TABLE, _NAME, _HOOK, _TYPE = 1, 3, 4, 7  # NFTA_CHAIN_*
_HOOK_NUMBER = 1  # NFTA_HOOK_HOOKNUM
_INCOMING_HOOKS = (0, 3)  # NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT
_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}
_EPERM, _EACCES = 1, 13

_ANYWHERE = {"inet": "*", "ip": "0.0.0.0", "ip6": "::"}
_TRANSPORTS = ("tcp", "udp", "sctp", "dccp", "udplite", "th")


class NatTable(t.NamedTuple):
    """A table with a nat chain that sees packets for this host."""

    family: str  # ip, ip6 or inet
    name: str


def render_chain_request() -> bytes:
    """The netlink message that asks for every chain of every table."""
    body = struct.pack(">BBH", 0, 0, 0)
    return _HEADER.pack(_HEADER.size + len(body), _GET_CHAIN, _REQUEST_DUMP, 1, 0) + body


def parse_chain_dump(datagrams: t.Iterable[bytes]) -> tuple[NatTable, ...]:
    """The tables that do nat on the way in, from the answer to :func:`render_chain_request`.

    :raises Denied: the kernel wants CAP_NET_ADMIN
    :raises CouldNotLook: it answered with another error
    :raises Unparsable: the answer ended early or is no netlink
    """
    found: dict[NatTable, None] = {}
    for datagram in datagrams:
        offset = 0
        while offset + _HEADER.size <= len(datagram):
            length, kind, _flags, _sequence, _pid = _HEADER.unpack_from(datagram, offset)
            if length < _HEADER.size or offset + length > len(datagram):
                raise Unparsable(f"nf_tables: a message of {length} bytes in {len(datagram) - offset}")
            body = datagram[offset + _HEADER.size : offset + length]
            if kind == _DONE:
                return tuple(found)
            if kind == _ERROR:
                _raise_error(body)
            if kind == _NEW_CHAIN:
                table = _nat_table(body)
                if table is not None:
                    found[table] = None
            offset += (length + 3) & ~3
    raise Unparsable("nf_tables: the list of chains ended early")


def _raise_error(body: bytes) -> None:
    number = -struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0
    if number in (_EPERM, _EACCES):
        raise Denied("nf_tables: the kernel shows firewall rules to root only")
    raise CouldNotLook(f"nf_tables: the kernel answered with error {number}")


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def _nat_table(body: bytes) -> NatTable | None:
    family = _FAMILIES.get(body[0]) if body else None
    attributes = _attributes(body[4:])
    if family is None or attributes.get(_TYPE, b"").rstrip(b"\0") != b"nat":
        return None
    hook = _attributes(attributes.get(_HOOK, b"")).get(_HOOK_NUMBER, b"")
    if len(hook) == 4 and struct.unpack(">I", hook)[0] not in _INCOMING_HOOKS:
        return None
    return NatTable(family, attributes.get(_TABLE, b"").rstrip(b"\0").decode("utf-8", "surrogateescape"))


def parse_nft_json(text: str) -> tuple[Table, ...]:
    """The tables in what ``nft -j list table`` or ``nft -j list ruleset`` prints; each line is an answer of its own.

    :raises Unparsable: it is no such JSON
    """
    objects: list[Json] = []
    for line in text.splitlines():
        if line.strip():
            objects.extend(_objects(line))
    names = dict.fromkeys((entry["family"], entry["name"]) for kind, entry in objects if kind == "table")
    return tuple(_Ruleset(family, name, objects).table() for family, name in names if family in _ANYWHERE)


def _objects(line: str) -> list[Json]:
    try:
        return [next(iter(entry.items())) for entry in json.loads(line)["nftables"]]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise Unparsable(f"nft: the answer is not the JSON of a ruleset: {line[:80]!r}") from error


class _Ruleset:
    """One table while it is read: its named sets and maps are looked up by the rules."""

    def __init__(self, family: str, name: str, objects: list[Json]) -> None:
        self._family = family
        self._name = name
        mine = [(kind, entry) for kind, entry in objects if (entry.get("family"), entry.get("table")) == (family, name)]
        self._elements = {f"@{entry['name']}": entry.get("elem", []) for kind, entry in mine if kind in ("set", "map")}
        self._chains = [entry for kind, entry in mine if kind == "chain"]
        self._rules = [entry for kind, entry in mine if kind == "rule"]

    def table(self) -> Table:
        # dnat and redirect are for the hooks prerouting and output alone, so every base chain of the type will do.
        entries = tuple(chain["name"] for chain in self._chains if chain.get("type") == "nat")
        chains: dict[str, list[Rule]] = {}
        for rule in self._rules:
            chains.setdefault(rule["chain"], []).extend(self._read(rule))
        return Table(_ANYWHERE[self._family], entries, chains)

    def _read(self, rule: Json) -> t.Iterator[Rule]:
        """A rule, as one or (with a map) several of ours."""
        text = f"nft {self._family} {self._name} {rule['chain']} handle {rule.get('handle')}"
        match = Match()
        for statement in rule.get("expr", []):
            kind, value = _single(statement)
            if kind == "match":
                match = narrow(match, self._match(value))
            elif kind == "xt":
                # A target of iptables-nft, of which the name is all that is shown.
                if isinstance(value, dict) and value.get("type") == "target" and value.get("name") in ("DNAT", "REDIRECT"):
                    yield Rule(match, None, value["name"], text)
            elif kind in ("jump", "goto"):
                yield Rule(match, value["target"], None, text)
            elif kind == "vmap":
                yield from self._verdict_map(match, value, text)
            elif kind in ("dnat", "redirect"):
                yield from self._taken(match, kind, value or {}, text)

    def _match(self, expression: Json) -> Match:
        if expression.get("op") not in ("==", "in"):
            # Everything but that: read as everything.
            return Match()
        return self._demand(expression.get("left"), expression.get("right"))

    def _demand(self, key: Json, value: Json) -> Match:
        """What it means for a packet that ``key`` is ``value``."""
        if isinstance(key, dict) and "concat" in key:
            match = Match()
            parts = value.get("concat") if isinstance(value, dict) else None
            if not isinstance(parts, list) or len(parts) != len(key["concat"]):
                return Match()
            for part, part_value in zip(key["concat"], parts):
                match = narrow(match, self._demand(part, part_value))
            return match
        field = _field(key)
        if field == "port":
            ports = _ports(self._values(value))
            proto = key["payload"]["protocol"]
            return Match(None if proto == "th" else frozenset([proto]), ports)
        if field == "proto":
            protos = [{6: "tcp", 17: "udp"}.get(one, str(one)) for one in self._values(value)]
            return Match(protos=frozenset(protos))
        if field == "address":
            addresses = tuple(one for one in self._values(value) if isinstance(one, str))
            return Match(addresses=addresses if len(addresses) == len(self._values(value)) else None)
        return Match()

    def _values(self, value: Json) -> list[Json]:
        """The values of a set, named or not; a single value is a set of one."""
        if isinstance(value, str) and value.startswith("@"):
            return [_bare(one) for one in self._elements.get(value, [])]
        if isinstance(value, dict) and "set" in value:
            return [_bare(one) for one in (value["set"] if isinstance(value["set"], list) else [value["set"]])]
        return [_bare(value)]

    def _pairs(self, data: Json) -> list[tuple[Json, Json]]:
        return [(_bare(pair[0]), _bare(pair[1])) for pair in self._values(data) if isinstance(pair, list) and len(pair) == 2]

    def _verdict_map(self, match: Match, value: Json, text: str) -> t.Iterator[Rule]:
        """``tcp dport vmap { 80 : jump web, 443 : goto tls }``."""
        for key, verdict in self._pairs(value.get("data")):
            for kind in ("jump", "goto"):
                if isinstance(verdict, dict) and kind in verdict:
                    yield Rule(narrow(match, self._demand(value.get("key"), key)), verdict[kind]["target"], None, text)

    def _taken(self, match: Match, kind: str, value: Json, text: str) -> t.Iterator[Rule]:
        target = value.get("addr")
        chosen = target.get("map") if isinstance(target, dict) else None
        if not isinstance(chosen, dict):
            yield Rule(match, None, _target(target, value.get("port")) or kind, text)
            return
        # "dnat to tcp dport map { 80 : 10.0.0.2 . 8080 }"
        for key, place in self._pairs(chosen.get("data")):
            demand = self._demand(chosen.get("key"), key)
            yield Rule(narrow(match, demand), None, _target(place, value.get("port")) or kind, text)


def _single(statement: Json) -> tuple[str, Json]:
    """The name and content of a statement, which is an object of one key; an empty name where it is not."""
    if isinstance(statement, dict) and len(statement) == 1:
        return next(iter(statement.items()))
    return "", None


def _bare(value: Json) -> Json:
    """An element without its counter, comment or time-out: ``{"elem": {"val": 80, "comment": "web"}}``."""
    while isinstance(value, dict) and "elem" in value:
        value = value["elem"].get("val")
    return value


def _field(key: Json) -> str | None:
    payload = key.get("payload") if isinstance(key, dict) else None
    if isinstance(payload, dict):
        protocol, field = payload.get("protocol"), payload.get("field")
        if protocol in _TRANSPORTS and field == "dport":
            return "port"
        if protocol in ("ip", "ip6"):
            return {"daddr": "address", "protocol": "proto", "nexthdr": "proto"}.get(str(field))
    meta = key.get("meta") if isinstance(key, dict) else None
    return "proto" if isinstance(meta, dict) and meta.get("key") == "l4proto" else None


def _ports(values: list[Json]) -> Ports | None:
    ranges = []
    for value in values:
        first, last = value.get("range", (None, None)) if isinstance(value, dict) else (value, value)
        if not isinstance(first, int) or not isinstance(last, int):
            return None
        ranges.append((first, last))
    return tuple(ranges)


def _target(address: Json, port: Json) -> str:
    """Where the packets go: ``10.0.0.2:8080``, ``10.0.0.2``, ``:8080``, ``[2001:db8::9]:80``."""
    if isinstance(address, dict) and "concat" in address:
        address, port = (*address["concat"], None)[:2]
    place = address if isinstance(address, str) else "" if address is None else json.dumps(address)
    if port is None:
        return place
    number = str(port) if isinstance(port, (int, str)) else json.dumps(port)
    return f"[{place}]:{number}" if ":" in place and "{" not in place else f"{place}:{number}"
