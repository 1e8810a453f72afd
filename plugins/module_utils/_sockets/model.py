# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The kernel's view of a socket, and of the process that holds it."""

from __future__ import annotations

import typing as t


class Listener(t.NamedTuple):
    """A socket that holds a port of the host's network namespace.

    ``state`` is ``listening`` (TCP LISTEN, or a UDP socket without a peer) or ``bound`` (TCP, bound and not
    listening). ``v6only`` is None for IPv4 and where the kernel did not say. ``device`` is the interface that the
    socket is bound to, by SO_BINDTODEVICE or by the scope of a link-local address. ``inode`` is 0 where there is
    none; a socket of the kernel's own (VXLAN, WireGuard, NFS) mostly has one, and no process holds it. ``cgroup`` is
    the path, below the unified hierarchy's root, of the group that *created* the socket: a hint, since the holder may
    have moved or got it from another.
    """

    proto: str
    address: str
    port: int
    state: str
    v6only: bool | None
    device: str | None
    inode: int
    uid: int
    cgroup: str | None


class Holder(t.NamedTuple):
    """A process that has a socket open. ``cgroup`` is where it is now, as in :class:`Listener`; ``exe`` is None
    where it may not be read."""

    pid: int
    comm: str
    exe: str | None
    argv: tuple[str, ...]
    cgroup: str | None
