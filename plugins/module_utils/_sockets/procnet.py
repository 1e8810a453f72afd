# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""``/proc/net/{tcp,tcp6,udp,udp6}``, for kernels and sandboxes that have no sock_diag.

It tells neither v6only nor the device nor the cgroup, and it does not list TCP sockets that are bound and not listening.
"""

from __future__ import annotations

import typing as t

from .._errors import Unparsable
from .address import render_ip
from .diag import DiagSocket


def _parse_address(text: str, byteorder: t.Literal["little", "big"]) -> tuple[str, int]:
    """``0100007F:1F90`` is 127.0.0.1 port 8080 on a little-endian machine: the address is printed in words of 32 bits,
    each read from memory in the machine's byte order; the port is a plain number."""
    address, _colon, port = text.partition(":")
    if len(address) not in (8, 32) or len(port) != 4:
        raise ValueError(text)
    words = [int(address[at : at + 8], 16).to_bytes(4, byteorder) for at in range(0, len(address), 8)]
    return render_ip(b"".join(words)), int(port, 16)


def parse_procnet(text: str, proto: str, state: int, byteorder: t.Literal["little", "big"]) -> list[DiagSocket]:
    """The sockets in a state; ``proto`` (tcp, udp) is what the file is about.

    A line begins, whatever the protocol, with
    ``0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1587``:
    number, local and remote address, state, queues, timer, retransmissions, uid, time-out, inode.

    :raises Unparsable: a line is none of that file; the text quotes it
    """
    lines = text.splitlines()
    if not lines or "local_address" not in lines[0]:
        raise Unparsable(f"the list of {proto} sockets begins with {lines[0][:80] if lines else 'nothing'!r}")
    found = []
    for line in lines[1:]:
        try:
            # A busy server has 100,000 other lines: no more of them is read than tells that they are others.
            _number, local, _remote, code, rest = line.split(None, 4)
            if int(code, 16) != state:
                continue
            columns = rest.split(None, 6)
            address, port = _parse_address(local, byteorder)
            uid, inode = int(columns[3]), int(columns[5])
        except (ValueError, IndexError) as error:
            raise Unparsable(f"the list of {proto} sockets has the line {line[:120]!r}") from error
        found.append(DiagSocket(proto, state, address, port, None, 0, uid, inode, None, b""))
    return found
