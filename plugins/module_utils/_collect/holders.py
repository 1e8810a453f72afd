# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which processes hold the sockets.

There is no index from a socket to its process but to read what each process has open. The control group that created
a socket says where to begin, so that on most hosts nothing else is read.
"""

from __future__ import annotations

import collections
import itertools
import typing as t

from .._errors import CouldNotLook, Denied, NothingThere
from .._ports.model import BlindSpot
from .._ports.overlap import OverlapIndex
from .._sockets.cgroup import CgroupMount, parse_cgroup_mount, parse_proc_cgroup
from .._sockets.model import Holder, Listener

if t.TYPE_CHECKING:
    from .._host import Host

_CHUNK = 256
"""Sockets read of one process before the next has its turn, unless it was found to hold what is wanted. Listeners have
low descriptors, and a neighbour with 100,000 connections must not be read to its end before."""

_GIVE_UP_AFTER = 1024
"""Sockets of one process read in vain, after which it is left alone where its control group gave no reason to suspect
it. Without that, one socket of the kernel's own (WireGuard, NFS) would cost a second beside 200,000 connections."""

_MOST_HOLDERS = 64


class Holders(t.NamedTuple):
    """``by_inode`` gives the processes that hold a socket: at least one, those of the creating control group before others, and
    not all of a pre-forking server's. ``unheld`` are the sockets that no process holds although all could be looked
    at: the kernel's own (VXLAN, WireGuard, NFS), or closed in the meantime."""

    by_inode: dict[int, tuple[Holder, ...]]
    unheld: frozenset[int]
    blind_spots: tuple[BlindSpot, ...]


class _Search:
    """What is known so far, and what is still wanted."""

    def __init__(self, host: Host, wanted: set[int], deadline: float) -> None:
        self._host = host
        self._deadline = deadline
        self._holders: dict[int, Holder | None] = {}
        self._read: set[int] = set()
        self.left = wanted
        self.found: dict[int, list[Holder]] = {}
        self.denied = False
        self.late = False
        self.gave_up = False

    def _holder(self, pid: int) -> Holder | None:
        if pid not in self._holders:
            try:
                self._holders[pid] = _read_holder(self._host, pid)
            except NothingThere:
                self._holders[pid] = None
            except CouldNotLook:
                self.denied = True
                self._holders[pid] = None
        return self._holders[pid]

    def _note(self, pid: int, inode: int, goal: set[int]) -> None:
        holder = self._holder(pid)
        if holder is None:
            return
        holders = self.found.setdefault(inode, [])
        if holder not in holders and len(holders) < _MOST_HOLDERS:
            holders.append(holder)
        self.left.discard(inode)
        goal.discard(inode)

    def _read_chunk(self, pid: int, sockets: t.Iterator[int], goal: set[int]) -> bool:
        """Whether there may be more to read of the process."""
        count = 0
        try:
            for inode in itertools.islice(sockets, _CHUNK):
                count += 1
                if inode in self.left or inode in self.found:
                    self._note(pid, inode, goal)
                    if not goal:
                        return True
        except NothingThere:
            return False  # it ended while it was read: nothing is held by it any more
        except CouldNotLook:
            self.denied = True
            return False
        return count == _CHUNK

    def look(self, pids: t.Iterable[int], goal: set[int], give_up_after: int | None = None) -> None:
        """Read the processes until the inodes of ``goal`` are found; it is emptied of what was found.

        :param give_up_after: leave a process alone after so many sockets in which nothing was found
        """
        turns = collections.deque((pid, self._host.open_sockets(pid), 0) for pid in pids if pid not in self._read)
        while turns and goal:
            if self._host.uptime() > self._deadline:
                self.late = True
                return
            pid, sockets, in_vain = turns.popleft()
            wanted_before = len(goal)
            if not self._read_chunk(pid, sockets, goal):
                self._read.add(pid)
            elif len(goal) < wanted_before:
                turns.appendleft((pid, sockets, 0))
            elif give_up_after is None or in_vain + _CHUNK < give_up_after:
                turns.append((pid, sockets, in_vain + _CHUNK))
            else:
                self.gave_up = True


def _read_holder(host: Host, pid: int) -> Holder:
    """What a process is.

    :raises NothingThere: it is gone
    """
    folder = f"/proc/{pid}"
    try:
        exe: str | None = host.read_link(f"{folder}/exe")
    except (Denied, NothingThere):
        exe = None  # another user's, or a thread of the kernel's
    if exe is not None and exe.endswith(" (deleted)"):
        exe = exe[: -len(" (deleted)")]  # replaced by an upgrade since it was started
    argv = host.read_text(f"{folder}/cmdline").rstrip("\0")
    return Holder(
        pid,
        host.read_text(f"{folder}/comm").rstrip("\n"),
        exe,
        tuple(argv.split("\0")) if argv else (),
        parse_proc_cgroup(host.read_text(f"{folder}/cgroup")),
    )


def _read_mount(host: Host) -> CgroupMount | None:
    try:
        return parse_cgroup_mount(host.read_text("/proc/self/mountinfo"))
    except (CouldNotLook, NothingThere):
        return None


def _processes_of(host: Host, mount: CgroupMount, cgroup: str) -> list[int]:
    """The processes that are now in a control group; none where it is gone or has only threads."""
    root = mount.root.rstrip("/")
    if root and not cgroup.startswith(root):
        return []
    try:
        text = host.read_text(f"{mount.point.rstrip('/')}{cgroup[len(root) :].rstrip('/')}/cgroup.procs")
    except (CouldNotLook, NothingThere):
        return []
    # 0 stands for a process of another PID namespace.
    return sorted({int(pid) for pid in text.split()} - {0})


def _socket_managers(host: Host, mount: CgroupMount, cgroups: t.Iterable[str]) -> list[int]:
    """The service managers: they hold the sockets of socket units, whichever control group these were made in."""
    found = [1]
    for cgroup in sorted(cgroups):
        # /user.slice/user-1000.slice/user@1000.service/app.slice/foo.socket
        manager, service, _rest = cgroup.partition(".service/")
        if service and manager.rpartition("/")[2].startswith("user@"):
            found += _processes_of(host, mount, f"{manager}.service/init.scope")
    return list(dict.fromkeys(found))


def _everybody(host: Host) -> list[int]:
    return sorted(int(name) for name in host.list_dir("/proc") if name.isdecimal())


def _follow_hints(host: Host, search: _Search, wanted: t.Sequence[Listener]) -> None:
    mount = _read_mount(host)
    if mount is None:
        return
    by_cgroup: dict[str, set[int]] = {}
    for listener in wanted:
        # On a host without a service manager everything is in the root: no hint, but to look at everybody.
        if listener.cgroup not in (None, "/"):
            by_cgroup.setdefault(listener.cgroup, set()).add(listener.inode)
    for cgroup, inodes in by_cgroup.items():
        search.look(_processes_of(host, mount, cgroup), inodes & search.left)
    if search.left:
        missed = {listener.cgroup for listener in wanted if listener.cgroup is not None and listener.inode in search.left}
        search.look(_socket_managers(host, mount, missed), set(search.left))


def _why_unconfirmed(search: _Search, is_root: bool) -> tuple[str, str]:
    """(why, remedy) of sockets without a holder."""
    if search.late:
        return "the processes of this host could not all be read in time", "run it again"
    if not is_root:
        return "the processes of other users may not be read", "run it as root (become: true)"
    if search.denied:
        return "some processes may not be read, not even by root here", "grant CAP_SYS_PTRACE"
    return f"processes with more than {_GIVE_UP_AFTER} sockets were not read to their end", "see: ss -ltunp (as root)"


def _find_unconfirmed(wanted: t.Sequence[Listener], search: _Search, is_root: bool) -> BlindSpot:
    unknown = [listener for listener in wanted if listener.inode in search.left]
    index = OverlapIndex(wanted)
    # Two owners on one port can hide only where there are two sockets.
    shares = any(other.inode != listener.inode for listener in unknown for other in index.colliding(listener))
    why, remedy = _why_unconfirmed(search, is_root)
    return BlindSpot(
        what=f"the processes behind {len(unknown)} of {len(wanted)} sockets (the ports themselves are seen)",
        why=why,
        could_hide_planned=False,
        remedy=remedy,
        could_hide_conflict=shares,
    )


def _look_at_everybody(host: Host, search: _Search, wanted: t.Sequence[Listener]) -> None:
    hinted = all(listener.cgroup is not None for listener in wanted if listener.inode in search.left)
    try:
        search.look(_everybody(host), search.left.copy(), _GIVE_UP_AFTER if hinted else None)
    except NothingThere as error:
        raise CouldNotLook(str(error)) from error


def collect_holders(host: Host, listeners: t.Sequence[Listener], timeout: float = 5.0) -> Holders:
    """The processes that hold the sockets, within ``timeout`` seconds.

    First those in the control groups that created the sockets, then the service managers, then all that are left.

    :raises CouldNotLook: /proc cannot be read at all
    """
    wanted = [listener for listener in listeners if listener.inode]
    search = _Search(host, {listener.inode for listener in wanted}, host.uptime() + timeout)
    if search.left:
        _follow_hints(host, search, wanted)
    if search.left:
        _look_at_everybody(host, search, wanted)
    found = {inode: tuple(holders) for inode, holders in search.found.items()}
    is_root = host.euid() == 0
    if not search.left or (is_root and not search.denied and not search.late and not search.gave_up):
        return Holders(found, frozenset(search.left), ())
    return Holders(found, frozenset(), (_find_unconfirmed(wanted, search, is_root),))
