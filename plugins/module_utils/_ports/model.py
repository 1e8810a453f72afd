# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What is known about a host's ports: claims, their owners, conflicts, and what could not be seen."""

from __future__ import annotations

import typing as t


class BlindSpot(t.NamedTuple):
    """Something that could not be seen. ``remedy`` says how to see it."""

    what: str
    why: str
    could_hide_planned: bool  # whether a holder of a planned port could be behind it
    remedy: str
    could_hide_conflict: bool = True  # whether a conflict that exists already could be behind it


class Owner(t.NamedTuple):
    """Who has a claim on a port.

    ``kind`` is ``unit``, ``socket``, ``container``, ``process``, ``kernel``, ``firewall`` or ``deployment`` (a planned
    port that names nobody); ``name`` is the unit's, the container's, the process's (its comm) or the rule's. ``user`` is
    the login name behind a user manager or a rootless engine, else None.
    """

    kind: str
    name: str
    engine: str | None = None  # docker or podman
    id: str | None = None  # container id, 64 hexadecimal digits
    image: str | None = None
    compose_project: str | None = None
    unit: str | None = None  # the unit that runs a container or that a socket starts
    user: str | None = None
    pid: int | None = None
    exe: str | None = None

    def same_as(self, other: Owner) -> bool:
        """Whether both are one claimant. A container and the unit that runs it are one."""
        if self.kind == other.kind == "process":
            # Workers of one program that no unit holds together: the pid is all there is.
            return self.pid == other.pid and self.name == other.name
        if self.kind == other.kind:
            if self.id and other.id:
                return self.id == other.id
            return (self.name, self.user, self.engine) == (other.name, other.user, other.engine)
        return self.user == other.user and (self.unit == other.name or other.unit == self.name)


class Claim(t.NamedTuple):
    """One claim on one host port.

    ``address`` is an IP address, or ``*`` for every address of both families (what a published port without an
    address asks for: ``0.0.0.0`` and a v6only ``::``). ``state`` is ``listening``, ``bound`` (no listen yet),
    ``forwarded`` (a firewall rule takes the traffic), ``wanted`` (it has asked for the port and does not hold it),
    ``latent`` (it does not run, and would ask for the port if it did) or ``planned``. In a party of ``duplicate_service`` of
    which no port is known, ``port`` is 0 and ``state`` may be ``running``. ``confidence`` is ``observed``, ``declared``,
    ``observed_earlier`` or ``inferred``; ``at_boot`` is ``yes``, ``no`` or ``unknown``.
    ``v6only`` is None for IPv4 and where it is not known. ``sockets`` counts the sockets behind the claim: several
    on one address and port are SO_REUSEPORT.
    """

    proto: str  # tcp or udp
    address: str
    port: int
    state: str
    owner: Owner
    source: str
    confidence: str
    at_boot: str
    v6only: bool | None = None
    device: str | None = None
    sockets: int = 1


class WantedPort(t.NamedTuple):
    """A port that a claimant wants and does not hold. ``address`` and ``confidence`` as in :class:`Claim`."""

    proto: str
    address: str
    port: int
    source: str
    confidence: str


class Loop(t.NamedTuple):
    """A claimant that does not come up. ``state`` is ``restarting`` (over and over), ``failed`` or ``created`` (never
    started). ``ports`` are the ports that it wants, as far as known; empty where nothing names one.
    """

    owner: Owner
    at_boot: str
    state: str
    restarts: int
    in_use_seen: bool  # its own log, or the engine's error, says that an address was in use
    ports: tuple[WantedPort, ...]


class Planned(t.NamedTuple):
    """A port that a deployment is about to use: an entry of the option ``planned``, or one that a manifest declares.

    ``entry`` is how messages name it: ``planned[0] (9090/tcp)``, ``roles/web/tasks/main.yml:12``. ``owner`` is who
    will have it, as far as it is named.
    """

    proto: str
    address: str
    port: int
    owner: Owner | None
    entry: str
    confidence: str = "declared"
    v6only: bool | None = None
    device: str | None = None


class Accepted(t.NamedTuple):
    """An entry of the option ``accepted``: a conflict that somebody answers for until a day."""

    proto: str
    port: int
    kinds: tuple[str, ...]  # empty: every kind
    owners: tuple[str, ...]  # names; empty: whoever they are
    reason: str
    by: str
    expires: str  # YYYY-MM-DD, the last day on which it holds


class Side(t.NamedTuple):
    """One way out of a conflict: ``keep`` names who stays, ``commands`` retire the others for good, in order.
    ``retire`` has for each of the others the options of the module ``service_retirement`` that do the same and can be
    undone; empty where it cannot do it."""

    keep: str
    commands: tuple[str, ...]
    retire: tuple[tuple[str, str], ...] = ()


class Conflict(t.NamedTuple):
    """Two or more claimants of one port. ``port`` is None where a claimant loops and nothing names its port, and where
    two services are one (``duplicate_service``)."""

    kind: str  # one of options.KINDS
    proto: str | None
    port: int | None
    parties: tuple[Claim, ...]
    explanation: str
    remedy: tuple[Side, ...]
    confidence: str
    accepted: Accepted | None = None


class DeclaredPort(t.NamedTuple):
    """A host port that a text asks for. ``address`` as in :class:`Claim`; ``line`` is the line of the text, from 1, or
    0 where it is not known; ``source`` quotes the setting (``PublishPort=9090:9090``, ``--web.listen-address=:9090``).
    A port that the engine chooses at the start is no claim and is left out. ``v6only`` and ``device`` as in
    :class:`Claim`; None where the text says nothing."""

    proto: str
    address: str
    port: int
    source: str
    line: int
    confidence: str  # declared, inferred where it is read from a program's arguments, or observed_earlier
    v6only: bool | None = None
    device: str | None = None


UNIT_IS_NOT_HERE = "its unit is not among the manifests"
"""Why nothing is known of a unit that a play starts and does not bring. The host may know it."""


class Declared(t.NamedTuple):
    """What a text says of one service: a unit, a socket unit or a container.

    ``unknown`` says, each in half a sentence, why it may hold ports that are not listed (the host's network, a
    variable that is not set, a program whose ports its unit does not tell); empty where ``ports`` is the whole truth.
    ``data`` are host paths (as written, without a trailing slash) and named volumes (``volume:<name>``) that it keeps
    its state in; ``at_boot`` is ``yes``, ``no`` or ``unknown``.
    """

    kind: str  # unit, socket, container
    name: str
    file: str  # path as it was given, or the unit's path on the host
    line: int  # of the definition, from 1, or 0
    ports: tuple[DeclaredPort, ...]
    unknown: tuple[str, ...]
    at_boot: str
    host_network: bool  # whether its ports are the host's own: units mostly, containers seldom
    program: str | None = None  # base name of the executable, or the image's name without registry and tag
    engine: str | None = None  # docker or podman
    image: str | None = None
    compose_project: str | None = None
    unit: str | None = None  # the unit that runs a container, the service that a socket unit starts
    data: tuple[str, ...] = ()


class Report(t.NamedTuple):
    """What there is to say about a host's ports. ``expired`` are acceptances that have run out while their conflict
    is still there; ``ephemeral_udp`` counts the client sockets that were left out; ``same_programs`` says which services
    run one program and share nothing else."""

    claims: tuple[Claim, ...]
    conflicts: tuple[Conflict, ...]
    blind_spots: tuple[BlindSpot, ...]
    expired: tuple[Accepted, ...]
    verdict: str
    ephemeral_udp: int
    same_programs: tuple[str, ...] = ()
