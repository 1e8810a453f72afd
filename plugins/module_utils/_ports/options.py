# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The options ``planned`` and ``accepted``: checked, and put into models. Errors name the entry."""

from __future__ import annotations

import re
import typing as t

from .._errors import BadInput
from .model import Accepted, Declared, DeclaredPort, Owner, Planned
from .overlap import canonical

PROTOCOLS = ("tcp", "udp")
KINDS = ("shared", "blocked", "crash_loop", "latent", "next_boot", "duplicate_service", "planned")
_MOST_PORTS_OF_A_RANGE = 4096
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def parse_port(text: str, where: str) -> int:
    """A port number from 1 to 65535.

    :raises BadInput: it is not one; the text begins with ``where``
    """
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"{where}: port {text!r} is not a number; write 9090, or 8000-8010 for a range")
    port = int(text)
    if not 1 <= port <= 65535:
        raise BadInput(f"{where}: port {port} is not between 1 and 65535")
    return port


def parse_ports(text: str, where: str) -> range:
    """The ports of ``9090`` or ``8000-8010``.

    :raises BadInput: not a port or a range of them
    """
    first, _dash, last = (part.strip() for part in text.partition("-"))
    if not (first and last):
        # No range: the message names the whole of it, be it "-1".
        port = parse_port(text.strip(), where)
        return range(port, port + 1)
    low, high = parse_port(first, where), parse_port(last, where)
    if high < low:
        raise BadInput(f"{where}: the range {text} ends before it begins")
    if high - low >= _MOST_PORTS_OF_A_RANGE:
        raise BadInput(f"{where}: the range {text} has more than {_MOST_PORTS_OF_A_RANGE} ports")
    return range(low, high + 1)


def _proto(value: str, where: str) -> str:
    proto = value.strip().lower()
    if proto not in PROTOCOLS:
        raise BadInput(f"{where}: protocol {value!r} is neither tcp nor udp")
    return proto


def _address(value: str, where: str) -> str:
    try:
        return canonical(value)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error


def parse_planned(entries: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Planned, ...]:
    """The option ``planned``; a range becomes one model for each port.

    :raises BadInput: an entry is wrong; the text names it as ``planned[<index>]``
    """
    found = []
    for index, entry in enumerate(entries):
        where = f"planned[{index}]"
        proto = _proto(entry.get("proto") or "tcp", where)
        address = _address(entry.get("address") or "*", where)
        named = entry.get("owner") or {}
        owner = Owner(named.get("kind") or "", named.get("name") or "") if named.get("name") else None
        for port in parse_ports(str(entry.get("port", "")), where):
            found.append(Planned(proto, address, port, owner, f"{where} ({port}/{proto})"))
    return tuple(found)


def parse_declared(entries: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Declared, ...]:
    """The option ``declared``, as :func:`declared_as_dict` wrote it on the controller.

    :raises BadInput: it was written by hand, or by another version
    """
    found = []
    for index, entry in enumerate(entries):
        try:
            ports = tuple(DeclaredPort(**port) for port in entry["ports"])
            values = {**entry, "ports": ports, "unknown": tuple(entry["unknown"]), "data": tuple(entry["data"])}
            found.append(Declared(**values))
        except (TypeError, KeyError) as error:
            raise BadInput(f"declared[{index}]: {error}; this option is filled in from manifests, not by hand") from error
    return tuple(found)


def declared_as_dict(declared: Declared) -> dict[str, t.Any]:
    """What a text says, as plain data to send to the host."""
    return {
        **declared._asdict(),
        "ports": [port._asdict() for port in declared.ports],
        "unknown": list(declared.unknown),
        "data": list(declared.data),
    }


def plan_declared(declared: t.Iterable[Declared]) -> tuple[Planned, ...]:
    """The ports that manifests are about to bring."""
    return tuple(
        Planned(
            proto=port.proto,
            address=port.address,
            port=port.port,
            owner=declared_owner(one),
            entry=f"{one.file}:{port.line or one.line}",
            confidence=port.confidence,
            v6only=port.v6only,
            device=port.device,
        )
        for one in declared
        for port in one.ports
    )


def declared_owner(declared: Declared) -> Owner:
    """Whose a declared service is."""
    return Owner(
        declared.kind,
        declared.name,
        engine=declared.engine,
        image=declared.image,
        compose_project=declared.compose_project,
        unit=declared.unit,
    )


def parse_accepted(entries: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Accepted, ...]:
    """The option ``accepted``.

    :raises BadInput: an entry is wrong; the text names it as ``accepted[<index>]``
    """
    found = []
    for index, entry in enumerate(entries):
        where = f"accepted[{index}]"
        kinds = tuple(entry.get("kinds") or ())
        unknown = sorted(set(kinds).difference(KINDS))
        if unknown:
            raise BadInput(f"{where}: unknown kind {unknown[0]!r}; there are {', '.join(KINDS)}")
        expires = str(entry.get("expires") or "")
        if not _DAY.fullmatch(expires):
            raise BadInput(f"{where}: expires is {expires!r}; write the last day as YYYY-MM-DD")
        for needed in ("reason", "by"):
            if not str(entry.get(needed) or "").strip():
                raise BadInput(f"{where}: {needed} is empty; say {'why' if needed == 'reason' else 'who answers for it'}")
        found.append(
            Accepted(
                proto=_proto(entry.get("proto") or "tcp", where),
                port=parse_port(str(entry.get("port", "")), where),
                kinds=kinds,
                owners=tuple(entry.get("owners") or ()),
                reason=str(entry["reason"]).strip(),
                by=str(entry["by"]).strip(),
                expires=expires,
            )
        )
    return tuple(found)


def parse_timeout(seconds: float) -> float:
    """The option ``timeout``.

    :raises BadInput: not between 0.1 and 600 seconds
    """
    if not 0.1 <= seconds <= 600:
        raise BadInput(f"timeout: {seconds:g} is not between 0.1 and 600 seconds")
    return seconds


def parse_max_claims(number: int) -> int:
    """The option ``max_claims``.

    :raises BadInput: less than 0
    """
    if number < 0:
        raise BadInput(f"max_claims: {number} is less than 0; 0 lists none")
    return number
