# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holders of the real machine's sockets."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.holders import Holders, collect_holders
from ansible_collections.guarded.deploy.plugins.module_utils._collect.listeners import collect_listeners
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Denied
from ansible_collections.guarded.deploy.plugins.module_utils._host import AnsibleHost
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.model import Listener
from builders.machine import Spec, in_own_network, open_socket, this_machine


def listener_of(opened: socket.socket, cgroup: str | None = None) -> Listener:
    address, port = opened.getsockname()[:2]
    return Listener("tcp", address, port, "listening", None, None, os.fstat(opened.fileno()).st_ino, os.geteuid(), cgroup)


@contextlib.contextmanager
def child(work: t.Callable[[], t.Any]) -> t.Iterator[int]:
    """A process of ours that has done its work, keeps what that returned, and sleeps."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kept = work()
            os.write(writer, b"x")
            time.sleep(60)
            del kept
        finally:
            os._exit(1)
    os.close(writer)
    try:
        assert os.read(reader, 1) == b"x"
        yield pid
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Counting(AnsibleHost):
    """The real machine, counting what is read of other processes."""

    def __init__(self) -> None:
        super().__init__(t.cast("t.Any", None))
        self.read: dict[int, int] = {}

    def open_sockets(self, pid: int) -> t.Iterator[int]:
        for inode in super().open_sockets(pid):
            self.read[pid] = self.read.get(pid, 0) + 1
            yield inode


@pytest.mark.feature("B1")
def test_the_holder_is_found_and_described() -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as opened:
        inode = os.fstat(opened.fileno()).st_ino
        seen = collect_listeners(this_machine(), 5.0)
        found = collect_holders(this_machine(), [one for one in seen.listeners if one.inode == inode])
        holder = found.by_inode[inode][0]
        assert holder.pid == os.getpid()
        assert holder.exe == os.path.realpath(sys.executable)
        assert holder.argv == tuple(Path("/proc/self/cmdline").read_text(encoding="utf-8").rstrip("\0").split("\0"))
        assert holder.comm == Path("/proc/self/comm").read_text(encoding="utf-8").rstrip("\n")
        assert holder.cgroup is not None
        assert (found.unheld, found.blind_spots) == (frozenset(), ())


@pytest.mark.parametrize("cgroup", [None, "/no/such.service", "/", "/../outside"])
def test_a_hint_that_is_missing_or_wrong_costs_time_and_nothing_else(cgroup: str | None) -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as opened:
        listener = listener_of(opened, cgroup)
        assert collect_holders(this_machine(), [listener]).by_inode[listener.inode][0].pid == os.getpid()


@pytest.mark.feature("B1")
def test_a_process_that_left_the_group_that_created_its_socket_is_found() -> None:
    """The cgroup of a socket is frozen when it is made; the process's is what counts."""
    root = next((Path(p) for p in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if (Path(p) / "cgroup.procs").exists()), None)
    if root is None or not os.access(root, os.W_OK) or os.geteuid():
        pytest.skip("control groups cannot be made here")
    groups = [root / f"guarded-deploy-test-{os.getpid()}-{name}" for name in ("born.service", "moved.service")]
    try:
        for group in groups:
            group.mkdir()
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")

    def work() -> socket.socket:
        (groups[0] / "cgroup.procs").write_text("0", encoding="ascii")
        opened = open_socket(Spec("tcp", "127.0.0.3"))
        (groups[1] / "cgroup.procs").write_text("0", encoding="ascii")
        return opened

    try:
        with child(work) as pid:
            listeners = [one for one in collect_listeners(this_machine(), 5.0).listeners if one.address == "127.0.0.3"]
            found = collect_holders(this_machine(), listeners)
            assert [Path(one.cgroup or "").name for one in listeners] == [groups[0].name]
            (holder,) = found.by_inode[listeners[0].inode]
            assert holder.pid == pid
            assert Path(holder.cgroup or "").name == groups[1].name
    finally:
        for group in groups:
            group.rmdir()


@pytest.mark.feature("B7")
def test_prefork_is_one_socket_and_reuseport_several() -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as shared, child(lambda: None), child(lambda: None):
        found = collect_holders(this_machine(), [listener_of(shared)])
        assert list(found.by_inode) == [os.fstat(shared.fileno()).st_ino]
        assert found.by_inode[os.fstat(shared.fileno()).st_ino]
    with open_socket(Spec("tcp", "127.0.0.1", reuse="port")) as first:
        port = first.getsockname()[1]
        with child(lambda: open_socket(Spec("tcp", "127.0.0.1", reuse="port"), port)) as pid:
            listeners = [one for one in collect_listeners(this_machine(), 5.0).listeners if one.port == port]
            found = collect_holders(this_machine(), listeners)
            assert len(listeners) == 2
            # The child has inherited the first.
            assert {holders[0].pid for holders in found.by_inode.values()} == {os.getpid(), pid}


def test_a_neighbour_with_thousands_of_sockets_is_not_read_to_its_end() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 4000
    if hard < many + 100:
        pytest.skip(f"no more than {hard} files may be open here")

    def work() -> list[socket.socket]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return [socket.socket() for _each in range(many)]

    with child(work) as neighbour, contextlib.ExitStack() as stack:
        # More than one turn's worth: who is found to hold some of them is read on before others have their turn.
        ours = [stack.enter_context(open_socket(Spec("tcp", "127.0.0.1"))) for _each in range(800)]
        inodes = {os.fstat(opened.fileno()).st_ino for opened in ours}
        host = Counting()
        listeners = [one for one in collect_listeners(host, 5.0).listeners if one.inode in inodes]
        assert collect_holders(host, listeners).by_inode.keys() == inodes
        assert host.read.get(neighbour, 0) <= 512
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft


@pytest.mark.feature("B15", "B18")
def test_a_socket_that_nobody_has_does_not_cost_reading_every_connection_and_that_is_said() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 4000
    if hard < many + 100:
        pytest.skip(f"no more than {hard} files may be open here")

    def work() -> tuple[dict[int, int], Holders, Holders]:
        def crowd() -> list[socket.socket]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            return [socket.socket() for _each in range(many)]

        nobodys = Listener("tcp", "127.0.0.1", 1, "listening", None, None, 1 << 31, 0, "/gone.service")
        with child(crowd):
            host = Counting()
            hinted = collect_holders(host, [nobodys])
            # Without a hint, as on kernels before 5.9, there is no other way than to read them all.
            return host.read, hinted, collect_holders(host, [nobodys._replace(cgroup=None)])

    read, hinted, without_hint = in_own_network(work, own_processes=True)
    assert max(read.values()) >= many
    assert sum(read.values()) <= many + 2048
    assert (hinted.by_inode, hinted.unheld) == ({}, frozenset())
    assert "1024 sockets" in hinted.blind_spots[0].why
    assert without_hint == Holders({}, frozenset([1 << 31]), ())


def test_nothing_is_read_where_nothing_is_wanted() -> None:
    host = Counting()
    assert collect_holders(host, []) == Holders({}, frozenset(), ())
    assert collect_holders(host, [Listener("udp", "0.0.0.0", 51820, "listening", None, None, 0, 0, None)]) == Holders({}, frozenset(), ())
    assert host.read == {}


def test_a_process_that_ends_while_it_is_read_is_no_error() -> None:
    class Ending(AnsibleHost):
        """Ends the process after its descriptors were listed, and before anything else is asked."""

        def read_link(self, path: str) -> str:
            if path == f"/proc/{pid}/exe":
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                os.waitpid(pid, 0)
            return super().read_link(path)

    opened = open_socket(Spec("tcp", "127.0.0.1"))
    listener = listener_of(opened)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    opened.close()  # only the child holds it now
    found = collect_holders(Ending(t.cast("t.Any", None)), [listener])
    assert found.by_inode == {}


@pytest.mark.feature("B15")
def test_a_process_that_may_not_be_read_leaves_a_blind_spot() -> None:
    class Unprivileged(AnsibleHost):
        """The real machine, where this very process is somebody else's."""

        def open_sockets(self, pid: int) -> t.Iterator[int]:
            if pid == os.getpid():
                raise Denied(f"/proc/{pid}/fd: Permission denied")
            yield from super().open_sockets(pid)

        def euid(self) -> int:
            return 65534

    host = Unprivileged(t.cast("t.Any", None))
    with open_socket(Spec("tcp", "127.0.0.1", reuse="port")) as one:
        found = collect_holders(host, [listener_of(one)])
        assert (found.by_inode, found.unheld) == ({}, frozenset())
        (spot,) = found.blind_spots
        assert "1 of 1 sockets" in spot.what
        assert "become" in spot.remedy
        assert not spot.could_hide_planned
        assert not spot.could_hide_conflict
        with open_socket(Spec("tcp", "127.0.0.1", reuse="port"), one.getsockname()[1]) as two:
            (spot,) = collect_holders(host, [listener_of(one), listener_of(two)]).blind_spots
            assert spot.could_hide_conflict, "two owners on one port could be behind it"


@pytest.mark.feature("B15")
def test_root_that_may_not_read_a_process_is_told_so() -> None:
    class Confined(AnsibleHost):
        """The real machine, where another process lies outside what this root may trace."""

        def open_sockets(self, pid: int) -> t.Iterator[int]:
            if pid != os.getpid():
                raise Denied(f"/proc/{pid}/fd: Permission denied")
            yield from super().open_sockets(pid)

    def work() -> tuple[Holders, Holders]:
        nobodys = Listener("tcp", "127.0.0.1", 1, "listening", None, None, 1 << 31, 0, None)
        host = Confined(t.cast("t.Any", None))
        alone = collect_holders(host, [nobodys])
        with child(lambda: None):
            return alone, collect_holders(host, [nobodys])

    alone, beside_another = in_own_network(work, own_processes=True)
    assert alone == Holders({}, frozenset([1 << 31]), ())
    assert (beside_another.by_inode, beside_another.unheld) == ({}, frozenset())
    assert "CAP_SYS_PTRACE" in beside_another.blind_spots[0].remedy


@pytest.mark.feature("B15")
def test_another_users_processes_leave_a_blind_spot_for_real() -> None:
    if os.geteuid():
        pytest.skip("only root can become somebody else")

    def work() -> tuple[Holders, list[int]]:
        # The child of root's keeps the socket, and ends when this process does.
        reader, writer = os.pipe()
        with open_socket(Spec("tcp", "127.0.0.1"), 81):
            if os.fork() == 0:
                os.close(writer)
                os.read(reader, 1)
                os._exit(0)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        with open_socket(Spec("tcp", "127.0.0.1"), 8081) as own:
            seen = collect_listeners(this_machine(), 5.0)
            inode = os.fstat(own.fileno()).st_ino
            return collect_holders(this_machine(), seen.listeners), [one.port for one in seen.listeners] + [inode]

    found, (first, second, inode) = in_own_network(work)
    assert {first, second} == {81, 8081}
    assert list(found.by_inode) == [inode]
    (spot,) = found.blind_spots
    assert "1 of 2 sockets" in spot.what
    assert "other users" in spot.why


@pytest.mark.feature("B5")
def test_a_socket_of_the_kernels_own_has_no_holder_and_is_no_blind_spot() -> None:
    import subprocess

    if os.geteuid():
        pytest.skip("only root can make a VXLAN interface")

    def work() -> tuple[list[Listener], Holders] | str:
        for command in ("link add vx0 type vxlan id 1 dstport 4789 local 127.0.0.1", "link set vx0 up"):
            done = subprocess.run(["ip", *command.split()], check=False, capture_output=True, text=True)
            if done.returncode:
                return done.stderr
        listeners = [one for one in collect_listeners(this_machine(), 5.0).listeners if one.port == 4789]
        return listeners, collect_holders(this_machine(), listeners)

    answer = in_own_network(work, own_processes=True)
    if isinstance(answer, str):
        pytest.skip(f"no VXLAN here: {answer}")
    listeners, found = answer
    assert listeners
    # It has an inode, and no process has it.
    assert found == Holders({}, frozenset(one.inode for one in listeners), ())


def test_a_look_that_takes_too_long_stops_and_says_so() -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as opened:
        found = collect_holders(this_machine(), [listener_of(opened)], timeout=-1.0)
        assert found.by_inode == {}
        (spot,) = found.blind_spots
        assert "in time" in spot.why
