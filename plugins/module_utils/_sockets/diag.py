# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The kernel's sock_diag: what to ask over netlink, and what is answered.

The foreign layouts are those of the kernel's ``include/uapi/linux/{netlink,sock_diag,inet_diag}.h``. Netlink is in
the machine's own byte order; addresses and ports inside it are in the network's.
"""

from __future__ import annotations

import errno
import struct
import typing as t

from .._errors import CouldNotLook, Denied, Unparsable
from .address import render_ip

NETLINK_SOCK_DIAG = 4
AF_INET = 2
AF_INET6 = 10
IPPROTO = {"tcp": 6, "udp": 17}

# include/net/tcp_states.h. UDP borrows CLOSE for "no peer" and ESTABLISHED for "connected".
TCP_CLOSE = 7
TCP_LISTEN = 10
# "Pseudo-state for inet_diag": bound and neither listening nor connecting. From Linux 6.8 on it can be asked for, and
# such sockets are answered as CLOSE. An older kernel finds no socket in it and otherwise answers as if not asked.
TCP_BOUND_INACTIVE = 13

_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_NLMSG_OVERRUN = 4
_NLM_F_REQUEST_DUMP = 0x301
_TCPDIAG_GETSOCK = 18
_SOCK_DIAG_BY_FAMILY = 20
_INET_DIAG_REQ_BYTECODE = 1
_INET_DIAG_SKV6ONLY = 11
_INET_DIAG_CGROUP_ID = 21

# struct inet_diag_bc_op: code, and how far to go on yes and on no. To arrive at the end of the program is to accept,
# to jump beyond it is to reject. INET_DIAG_BC_AUTO (6) says yes where the port was chosen by the kernel, that is,
# where SOCK_BINDPORT_LOCK is not set; INET_DIAG_BC_JMP (1) always takes its no.
_BC_OP = struct.Struct("=BBH")
_CHOSEN_BY_KERNEL = _BC_OP.pack(6, 4, 8)
_ASKED_FOR = _BC_OP.pack(6, 4, 8) + _BC_OP.pack(1, 4, 8)

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port id
# The header's length and type, then struct inet_diag_msg: family, state, source port, source address, interface,
# cookie, uid, inode.
_MESSAGE = struct.Struct("=IH10x" + "BB2x" + "2s2x" + "16s16x" + "I8s" + "12xII")
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type
_ERRNO = struct.Struct("=i")
_CGROUP_ID = struct.Struct("=Q")


class DiagSocket(t.NamedTuple):
    """A socket as the kernel lists it.

    ``address`` is canonical; an IPv4-mapped one is given as IPv4. ``state`` is the kernel's number. ``v6only`` is None
    for IPv4 and where it was not said, ``interface`` an index or 0, ``cgroup_id`` None where it was not said.
    ``cookie`` tells sockets apart (an inode of 0 does not); it is empty where the source knows none.
    """

    proto: str
    state: int
    address: str
    port: int
    v6only: bool | None
    interface: int
    uid: int
    inode: int
    cgroup_id: int | None
    cookie: bytes


class Datagram(t.NamedTuple):
    """The sockets of one datagram, and whether it was the last."""

    sockets: list[DiagSocket]
    done: bool


def render_request(proto: str, family: int, states: int, chosen_by_kernel: bool | None = None) -> bytes:
    """The request for all sockets of a protocol (tcp, udp) and an address family in any of the states.

    :param states: bit ``1 << state`` for each state
    :param chosen_by_kernel: only those whose port the kernel chose (True) or somebody asked for (False)
    """
    # struct inet_diag_req_v2: family, protocol, extensions, padding, states, and an empty struct inet_diag_sockid.
    body = struct.pack("=BBBxI48x", family, IPPROTO[proto], 0, states)
    if chosen_by_kernel is not None:
        program = _CHOSEN_BY_KERNEL if chosen_by_kernel else _ASKED_FOR
        body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(program), _INET_DIAG_REQ_BYTECODE) + program
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0) + body


def render_bound_request() -> bytes:
    """The request for TCP sockets of both address families that are bound and neither listen nor connect.

    It is the older form (TCPDIAG_GETSOCK), which knows no family. The kernel walks its whole table of bound ports for
    an answer, those of all connections included: 50 ms for 200,000, so once is better than once for each family.
    """
    # struct inet_diag_req: family, two prefix lengths, extensions, an empty struct inet_diag_sockid, states, tables.
    body = struct.pack("=4x48xII", 1 << TCP_BOUND_INACTIVE, 0)
    return _HEADER.pack(_HEADER.size + len(body), _TCPDIAG_GETSOCK, _NLM_F_REQUEST_DUMP, 1, 0) + body


def _refusal(proto: str, number: int) -> CouldNotLook:
    name = errno.errorcode.get(number, str(number))
    text = f"the kernel does not list {proto} sockets: {name}"
    return Denied(text) if number in (errno.EPERM, errno.EACCES) else CouldNotLook(text)


def _end_of_dump(data: bytes, at: int, proto: str) -> None:
    """NLMSG_DONE and NLMSG_ERROR both carry an errno below zero, or 0. Without the module for a protocol
    (udp_diag) the answer is a DONE with -ENOENT and no socket: to ignore it would be to see nothing."""
    number = _ERRNO.unpack_from(data, at + _HEADER.size)[0]
    if number < 0:
        raise _refusal(proto, -number)


class DumpParser:
    """Reads the datagrams of one dump.

    Ten thousand sockets share a few addresses and a few sets of attributes, so both are read once and remembered by
    their bytes.
    """

    def __init__(self, proto: str) -> None:
        self._proto = proto
        self._texts: dict[tuple[int, bytes], tuple[str, bool]] = {}
        self._attributes: dict[bytes, tuple[bool | None, int | None]] = {}

    def _address(self, family: int, packed: bytes) -> tuple[str, bool]:
        """(text, whether it is IPv6)"""
        if family not in (AF_INET, AF_INET6):
            raise Unparsable(f"sock_diag lists a {self._proto} socket of address family {family}")
        text = render_ip(packed[:4] if family == AF_INET else packed)
        found = self._texts[family, packed] = (text, ":" in text)
        return found

    def _read_attributes(self, raw: bytes) -> tuple[bool | None, int | None]:
        """(v6only, cgroup id)"""
        v6only = cgroup_id = None
        at = 0
        while at + _ATTRIBUTE.size <= len(raw):
            length, kind = _ATTRIBUTE.unpack_from(raw, at)
            if length < _ATTRIBUTE.size or at + length > len(raw):
                raise Unparsable(f"sock_diag: attribute {kind} at byte {at} says it has {length} bytes: {raw.hex()}")
            if kind == _INET_DIAG_SKV6ONLY and length == _ATTRIBUTE.size + 1:
                v6only = raw[at + _ATTRIBUTE.size] != 0
            elif kind == _INET_DIAG_CGROUP_ID and length == _ATTRIBUTE.size + _CGROUP_ID.size:
                cgroup_id = _CGROUP_ID.unpack_from(raw, at + _ATTRIBUTE.size)[0]
            at += (length + 3) & ~3
        found = self._attributes[raw] = (v6only, cgroup_id)
        return found

    def _read_socket(self, data: bytes, at: int, length: int) -> DiagSocket:
        if length < _MESSAGE.size:
            raise Unparsable(f"sock_diag: a message of {length} bytes where {_MESSAGE.size} are the least")
        _length, _kind, family, state, port, packed, interface, cookie, uid, inode = _MESSAGE.unpack_from(data, at)
        address, is_ipv6 = self._texts.get((family, packed)) or self._address(family, packed)
        raw = data[at + _MESSAGE.size : at + length]
        v6only, cgroup_id = self._attributes.get(raw) or self._read_attributes(raw)
        return DiagSocket(
            self._proto,
            state,
            address,
            port[0] << 8 | port[1],
            v6only if is_ipv6 else None,
            interface,
            uid,
            inode,
            cgroup_id,
            cookie,
        )

    def parse(self, data: bytes) -> Datagram:
        """Read one datagram.

        :raises CouldNotLook: the kernel refused, or dropped a part of the answer
        :raises Unparsable: it is no answer of sock_diag
        """
        sockets: list[DiagSocket] = []
        at = 0
        while at < len(data):
            if at + _HEADER.size > len(data):
                raise Unparsable(f"sock_diag: {len(data) - at} bytes left, too few for a header")
            length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
            if length < _HEADER.size or at + length > len(data):
                raise Unparsable(f"sock_diag: a message says it has {length} bytes where {len(data) - at} are left")
            if kind in (_NLMSG_DONE, _NLMSG_ERROR):
                if length < _HEADER.size + _ERRNO.size:
                    raise Unparsable("sock_diag: the end of the answer is cut off")
                _end_of_dump(data, at, self._proto)
                return Datagram(sockets, done=True)
            if kind == _NLMSG_OVERRUN:
                raise CouldNotLook(f"the kernel dropped a part of its list of {self._proto} sockets")
            if kind in (_SOCK_DIAG_BY_FAMILY, _TCPDIAG_GETSOCK):
                sockets.append(self._read_socket(data, at, length))
            at += (length + 3) & ~3
        return Datagram(sockets, done=False)
