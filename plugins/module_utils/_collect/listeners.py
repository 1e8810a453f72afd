# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which sockets hold a port of the host."""

from __future__ import annotations

import re
import sys
import typing as t

from .._errors import CouldNotLook, NothingThere, TimedOut
from .._ports.model import BlindSpot
from .._sockets.cgroup import parse_cgroup_mount
from .._sockets.diag import (
    AF_INET,
    AF_INET6,
    NETLINK_SOCK_DIAG,
    TCP_CLOSE,
    TCP_LISTEN,
    DiagSocket,
    DumpParser,
    render_bound_request,
    render_request,
)
from .._sockets.model import Listener

if t.TYPE_CHECKING:
    from .._host import Host

_BOUND_SHOWN_SINCE = (6, 8)


class Listeners(t.NamedTuple):
    """``ephemeral_udp`` are UDP sockets on a port that the kernel chose: clients, no claims, but in the way of whoever
    wants just that port. ``bound_seen`` tells whether TCP sockets that are bound and do not listen are among the
    listeners; where not, only binding it tells whether a port is free."""

    listeners: tuple[Listener, ...]
    ephemeral_udp: tuple[Listener, ...]
    bound_seen: bool
    blind_spots: tuple[BlindSpot, ...]


class _Table(t.NamedTuple):
    """One of the kernel's four lists of sockets: what to ask sock_diag for, and the file that tells some of it too."""

    proto: str
    family: int
    states: int
    chosen_by_kernel: tuple[bool | None, ...]  # one dump for each
    file: str
    file_state: int


_TABLES = (
    _Table("tcp", AF_INET, 1 << TCP_LISTEN, (None,), "/proc/net/tcp", TCP_LISTEN),
    _Table("tcp", AF_INET6, 1 << TCP_LISTEN, (None,), "/proc/net/tcp6", TCP_LISTEN),
    _Table("udp", AF_INET, 1 << TCP_CLOSE, (False, True), "/proc/net/udp", TCP_CLOSE),
    _Table("udp", AF_INET6, 1 << TCP_CLOSE, (False, True), "/proc/net/udp6", TCP_CLOSE),
)


class _Seen(t.NamedTuple):
    claims: list[DiagSocket]
    ephemeral: list[DiagSocket]


def _dump(host: Host, proto: str, request: bytes, deadline: float) -> list[DiagSocket]:
    """The sockets of one sock_diag dump, each once: one that moves in the kernel's table meanwhile may come twice."""
    parser = DumpParser(proto)
    found: dict[bytes, DiagSocket] = {}
    try:
        for data in host.netlink(NETLINK_SOCK_DIAG, request, max(0.001, deadline - host.uptime())):
            sockets, done = parser.parse(data)
            for socket in sockets:
                found[socket.cookie] = socket
            if done:
                return list(found.values())
            if host.uptime() > deadline:
                raise TimedOut(f"the kernel's list of {proto} sockets did not end in time")
    except NothingThere as error:
        raise CouldNotLook(str(error)) from error
    raise CouldNotLook(f"the kernel's list of {proto} sockets has no end")


def _ask_sock_diag(host: Host, table: _Table, deadline: float) -> _Seen:
    seen = _Seen([], [])
    for chosen in table.chosen_by_kernel:
        request = render_request(table.proto, table.family, table.states, chosen)
        (seen.ephemeral if chosen else seen.claims).extend(_dump(host, table.proto, request, deadline))
    return seen


def _find_bound(host: Host, listening: t.Iterable[DiagSocket], deadline: float) -> list[DiagSocket]:
    """TCP sockets that are bound and do not listen, as far as this kernel lists them.

    :raises CouldNotLook: it was not to be asked
    """
    bound = _dump(host, "tcp", render_bound_request(), deadline)
    # One that began to listen between the two dumps is in both.
    known = {one.cookie for one in listening} if bound else set()
    return [one for one in bound if one.cookie not in known]


def _read_ephemeral_ports(host: Host) -> t.Callable[[int], bool]:
    """Which ports the kernel gives to sockets that ask for none: ``32768 60999``, less the reserved ``8080,9148-9150``."""
    low, high = map(int, host.read_text("/proc/sys/net/ipv4/ip_local_port_range").split())
    reserved: set[int] = set()
    try:
        for part in host.read_text("/proc/sys/net/ipv4/ip_local_reserved_ports").strip().split(","):
            first, _dash, last = part.partition("-")
            if first:
                reserved.update(range(int(first), int(last or first) + 1))
    except NothingThere:
        pass
    return lambda port: low <= port <= high and port not in reserved


def _read_procnet(host: Host, table: _Table) -> _Seen:
    """The same from ``/proc/net``, where a port in the ephemeral range is all that tells of who chose it."""
    try:
        text = host.read_text(table.file)
    except NothingThere as error:
        if table.family == AF_INET6:
            # Without IPv6 the kernel has no such file; that /proc is there at all, its IPv4 twin says.
            host.read_text(table.file[:-1])
            return _Seen([], [])
        raise CouldNotLook(str(error)) from error
    # Loaded where it is needed: almost nowhere.
    from .._sockets.procnet import parse_procnet

    found = parse_procnet(text, table.proto, table.file_state, sys.byteorder)
    if table.proto == "tcp":
        return _Seen(found, [])
    is_ephemeral = _read_ephemeral_ports(host)
    seen = _Seen([], [])
    for socket in found:
        (seen.ephemeral if socket.inode and is_ephemeral(socket.port) else seen.claims).append(socket)
    return seen


def _read_table(host: Host, table: _Table, deadline: float) -> tuple[_Seen, str | None]:
    """The sockets, and why sock_diag did not list them where it did not.

    :raises CouldNotLook: neither did /proc/net
    """
    try:
        return _ask_sock_diag(host, table, deadline), None
    except CouldNotLook as refusal:
        try:
            return _read_procnet(host, table), str(refusal)
        except (CouldNotLook, NothingThere) as error:
            raise CouldNotLook(f"The {table.proto} sockets cannot be listed: {refusal}; {error}") from error


class _Names:
    """Names of interfaces and paths of control groups, looked up when the first socket has one."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._interfaces: dict[int, str] = {}
        self._cgroups: dict[int, str] | None = None

    def interface(self, index: int) -> str:
        if index not in self._interfaces:
            self._interfaces[index] = self._host.interface_name(index)
        return self._interfaces[index]

    def cgroup(self, cgroup_id: int) -> str | None:
        """None for a group that is gone, and where the hierarchy cannot be seen: it is only a hint."""
        if self._cgroups is None:
            try:
                self._cgroups = self._read_cgroups()
            except (CouldNotLook, NothingThere):
                self._cgroups = {}
        return self._cgroups.get(cgroup_id)

    def _read_cgroups(self) -> dict[int, str]:
        mount = parse_cgroup_mount(self._host.read_text("/proc/self/mountinfo"))
        if mount is None:
            return {}
        root = mount.root.rstrip("/")
        # The id of a group is the inode number of its folder (kernfs), on machines of 64 bits.
        return {inode: (root + path).rstrip("/") or "/" for inode, path in self._host.folder_inodes(mount.point).items()}


def _name(sockets: t.Iterable[DiagSocket], names: _Names) -> tuple[Listener, ...]:
    return tuple(
        Listener(
            socket.proto,
            socket.address,
            socket.port,
            # sock_diag answers a bound socket that was asked for as BOUND_INACTIVE in its real state, CLOSE.
            "listening" if socket.proto == "udp" or socket.state == TCP_LISTEN else "bound",
            socket.v6only,
            names.interface(socket.interface) if socket.interface else None,
            socket.inode,
            socket.uid,
            None if socket.cgroup_id is None else names.cgroup(socket.cgroup_id),
        )
        for socket in sockets
        if socket.port
    )


def _read_release(host: Host) -> str:
    try:
        return host.read_text("/proc/sys/kernel/osrelease").strip()
    except (CouldNotLook, NothingThere):
        return "of unknown version"


def _lists_bound(release: str) -> bool:
    """Whether a kernel can list TCP sockets that are bound and do not listen; ``release`` is like ``6.1.0-28-amd64``."""
    version = re.match(r"([0-9]+)\.([0-9]+)", release)
    return version is not None and (int(version[1]), int(version[2])) >= _BOUND_SHOWN_SINCE


def _bound_blind_spot(why: str) -> BlindSpot:
    return BlindSpot(
        what="TCP sockets that are bound to a port and do not listen",
        why=why,
        could_hide_planned=False,
        remedy="planned ports are tried by binding them for a moment; for the rest see: lsof -nP -iTCP (as root)",
        could_hide_conflict=False,
    )


def _find_other_namespace(host: Host) -> BlindSpot | None:
    """The blind spot of a look from inside another network namespace than PID 1's, where that may be read."""
    try:
        same = host.read_link("/proc/1/ns/net") == host.read_link("/proc/self/ns/net")
    except (CouldNotLook, NothingThere):
        return None
    if same:
        return None
    return BlindSpot(
        what="the sockets of the host's own network namespace",
        why="this runs in another network namespace than PID 1",
        could_hide_planned=True,
        remedy="run it outside: nsenter --target 1 --net, or a service without PrivateNetwork= and NetworkNamespacePath=",
    )


def _procnet_blind_spot(refusals: t.Mapping[str, str]) -> BlindSpot:
    return BlindSpot(
        what=f"v6only, device, control group and bound-only sockets of {', '.join(sorted(refusals))}",
        why=f"they were read from /proc/net, which does not tell: {'; '.join(sorted(set(refusals.values())))}",
        could_hide_planned=False,
        remedy="allow netlink sockets (AF_NETLINK) and load the kernel modules inet_diag, tcp_diag and udp_diag",
    )


def collect_listeners(host: Host, timeout: float) -> Listeners:
    """Every socket that holds a TCP or UDP port of this network namespace, within ``timeout`` seconds.

    A UDP socket with a peer holds no port for others to ask for, and is left out.

    :raises CouldNotLook: a protocol's sockets could not be listed in any way
    """
    deadline = host.uptime() + timeout
    claims: list[DiagSocket] = []
    ephemeral: list[DiagSocket] = []
    refusals: dict[str, str] = {}
    for table in _TABLES:
        seen, refusal = _read_table(host, table, deadline)
        claims += seen.claims
        ephemeral += seen.ephemeral
        if refusal is not None:
            refusals[f"{table.proto}/{'IPv4' if table.family == AF_INET else 'IPv6'}"] = refusal
    spots = [_procnet_blind_spot(refusals)] if refusals else []
    bound_seen = False
    if not any(place.startswith("tcp") for place in refusals):
        release = _read_release(host)
        try:
            bound = _find_bound(host, claims, deadline)
            claims += bound
            # Whatever its number: distributors carry changes back.
            bound_seen = bool(bound) or _lists_bound(release)
            why = f"Linux {release} does not list them (6.8 and later do)"
        except CouldNotLook as error:
            why = str(error)
        if not bound_seen:
            spots.append(_bound_blind_spot(why))
    spots += filter(None, [_find_other_namespace(host)])
    names = _Names(host)
    return Listeners(_name(claims, names), _name(ephemeral, names), bound_seen, tuple(spots))
