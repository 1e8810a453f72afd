# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Sockets that are bound and do not listen, on kernels that do not list them."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, NothingThere
from .._ports.model import BlindSpot, Claim, Owner
from .._sockets.diag import AF_INET, AF_INET6

if t.TYPE_CHECKING:
    from .._host import Host
    from .._ports.model import Planned

_SOCK_STREAM = 1
_FAMILY_WILDCARDS = ((AF_INET, "0.0.0.0"), (AF_INET6, "::"))


def _targets(address: str) -> tuple[tuple[int, str], ...]:
    if address == "*":
        return _FAMILY_WILDCARDS
    return ((AF_INET6 if ":" in address else AF_INET, address),)


def try_planned(host: Host, planned: t.Iterable[Planned], claims: t.Iterable[Claim]) -> tuple[list[Claim], list[BlindSpot]]:
    """Planned TCP ports that cannot be bound although no claim says why: a socket that is bound and does not listen.

    Kernels before 6.8 do not list such sockets; a bind that is given back at once is the only way to know.
    """
    taken = {(claim.proto, claim.port) for claim in claims}
    found, blind_spots = [], []
    for one in planned:
        if one.proto != "tcp" or (one.proto, one.port) in taken:
            continue
        for family, address in _targets(one.address):
            try:
                free = host.try_bind(family, _SOCK_STREAM, address, one.port)
            except NothingThere:
                continue
            except CouldNotLook as error:
                blind_spots.append(
                    BlindSpot(
                        what=f"sockets that are bound to tcp port {one.port} and do not listen",
                        why=str(error),
                        could_hide_planned=True,
                        remedy="Run as root: this kernel does not list them, and trying the port needs the right to bind it.",
                    )
                )
                continue
            if not free:
                owner = Owner("process", "a socket that is bound and does not listen")
                found.append(Claim("tcp", address, one.port, "bound", owner, "a bind that was refused", "observed", "unknown"))
    return found, blind_spots
