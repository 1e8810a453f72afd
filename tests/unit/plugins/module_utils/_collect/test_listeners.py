# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listeners of the real machine: what was opened is what is seen, by both ways to look."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.listeners import Listeners, collect_listeners
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied, NothingThere
from ansible_collections.guarded.deploy.plugins.module_utils._host import AnsibleHost
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import BlindSpot
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.diag import render_bound_request
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.model import Listener
from builders.machine import Spec, in_own_network, open_socket, this_machine


class WithoutSockDiag(AnsibleHost):
    """The real machine where netlink sockets are not allowed, as under seccomp or RestrictAddressFamilies=."""

    def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
        yield from self._refuse(protocol)

    def _refuse(self, protocol: int) -> t.Iterator[bytes]:
        raise Denied(f"netlink protocol {protocol}: Operation not permitted")


class WithoutUdpDiag(AnsibleHost):
    """The real machine without the module udp_diag: the kernel is asked for DCCP, of which it has no list either."""

    def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
        if request[17] == 17:
            request = request[:17] + b"\x21" + request[18:]
        return super().netlink(protocol, request, timeout)


class WithoutFiles(WithoutSockDiag):
    """Neither netlink nor some files."""

    missing: tuple[str, ...] = ("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6")

    def read_bytes(self, path: str) -> bytes:
        if path in self.missing:
            raise NothingThere(f"{path} does not exist")
        return super().read_bytes(path)


def machine(kind: type[AnsibleHost]) -> AnsibleHost:
    return kind(t.cast("t.Any", None))


SPECS = (
    (Spec("tcp", "0.0.0.0"), 21),
    (Spec("tcp", "127.0.0.1"), 22),
    (Spec("tcp", "::", False), 23),
    (Spec("tcp", "::", True), 21),
    (Spec("tcp", "::1", True), 22),
    (Spec("tcp", "::ffff:127.0.0.2", False), 22),
    (Spec("tcp", "2001:db8::1", False), 24),
    (Spec("tcp", "fe80::1%left", False), 25),
    (Spec("tcp", "fe80::1%right", False), 25),
    (Spec("tcp", "0.0.0.0", None, "left"), 26),
    (Spec("tcp", "0.0.0.0", None, "right"), 26),
    (Spec("udp", "0.0.0.0"), 53),
    (Spec("udp", "::", True), 53),
    (Spec("udp", "224.0.0.251"), 5353),
    (Spec("udp", "127.0.0.1", None, "lo"), 51820),
)


def expected(spec: Spec, port: int) -> tuple[str, str, int, str, bool | None, str | None]:
    address, _percent, zone = spec.address.partition("%")
    address = address.replace("::ffff:", "")
    # Bound to one IPv6 address, a socket becomes v6only whatever it was told.
    v6only = spec.v6only if address == "::" else True if ":" in address else None
    return spec.proto, address, port, "listening", v6only, spec.device or zone or None


def essence(listener: Listener) -> tuple[str, str, int, str, bool | None, str | None]:
    return listener.proto, listener.address, listener.port, listener.state, listener.v6only, listener.device


def look(kind: type[AnsibleHost], *, also: t.Callable[[contextlib.ExitStack], None] = lambda _stack: None) -> tuple[Listeners, int]:
    """What is seen in a network of its own where the sockets of SPECS are open, and this process's user id."""

    def work() -> tuple[Listeners, int]:
        with contextlib.ExitStack() as stack:
            for spec, port in SPECS:
                stack.enter_context(open_socket(spec, port))
            also(stack)
            return collect_listeners(machine(kind), 5.0), os.geteuid()

    return in_own_network(work)


@pytest.mark.feature("B5", "B6", "B18")
def test_what_was_opened_is_seen_and_nothing_else() -> None:
    seen, uid = look(AnsibleHost)
    assert sorted(map(essence, seen.listeners), key=repr) == sorted((expected(*one) for one in SPECS), key=repr)
    assert seen.ephemeral_udp == ()
    assert {listener.uid for listener in seen.listeners} == {uid}
    assert len({listener.inode for listener in seen.listeners}) == len(SPECS)
    assert {type(listener.cgroup) for listener in seen.listeners} == {str}


@pytest.mark.feature("B5")
def test_other_network_namespaces_are_left_out() -> None:
    with open_socket(Spec("tcp", "127.0.0.1")) as outside:
        seen, _uid = look(AnsibleHost)
        assert outside.getsockname()[1] not in [listener.port for listener in seen.listeners]
        assert outside.getsockname()[1] in [listener.port for listener in collect_listeners(this_machine(), 5.0).listeners]


@pytest.mark.feature("B15")
def test_to_look_from_inside_another_network_namespace_than_pid_1_is_a_blind_spot() -> None:
    def spots() -> tuple[BlindSpot, ...]:
        return tuple(one for one in collect_listeners(this_machine(), 5.0).blind_spots if "namespace" in one.what)

    def work() -> tuple[tuple[BlindSpot, ...], tuple[BlindSpot, ...]]:
        return spots(), in_own_network(spots)

    beside_pid_1, elsewhere = in_own_network(work, own_processes=True)
    assert beside_pid_1 == ()
    assert [(one.could_hide_planned, one.could_hide_conflict) for one in elsewhere] == [(True, True)]


@pytest.mark.feature("B5", "B18")
@pytest.mark.parametrize(("kind", "read"), [(WithoutSockDiag, {"tcp", "udp"}), (WithoutUdpDiag, {"udp"})])
def test_proc_net_steps_in_and_what_it_does_not_tell_is_a_blind_spot(kind: type[AnsibleHost], read: set[str]) -> None:
    seen, _uid = look(kind)

    def told(one: tuple[str, str, int, str, bool | None, str | None]) -> tuple[object, ...]:
        return (*one[:4], None, None) if one[0] in read else one

    ours = [told(expected(*one)) for one in SPECS if one[1] != 51820 or "udp" not in read]
    assert sorted(map(essence, seen.listeners), key=repr) == sorted(ours, key=repr)
    # WireGuard's port lies in the ephemeral range, and /proc/net does not tell that it was asked for.
    assert [one.port for one in seen.ephemeral_udp] == [51820]
    (spot,) = (one for one in seen.blind_spots if "v6only" in one.what)
    assert all(f"{proto}/IPv4" in spot.what and f"{proto}/IPv6" in spot.what for proto in read)
    assert "not permitted" in spot.why or "ENOENT" in spot.why
    assert not spot.could_hide_planned
    assert spot.could_hide_conflict
    assert seen.bound_seen is (read == {"udp"} and bound_is_shown())


@pytest.mark.feature("B15")
def test_to_see_nothing_at_all_is_an_error() -> None:
    with pytest.raises(CouldNotLook, match=r"tcp sockets.*not permitted.*/proc/net/tcp does not exist"):
        collect_listeners(machine(WithoutFiles), 5.0)


def test_a_machine_without_ipv6_has_no_such_file_and_nothing_is_wrong_with_it() -> None:
    class WithoutIPv6(WithoutFiles):
        missing = ("/proc/net/tcp6", "/proc/net/udp6")

    with open_socket(Spec("tcp", "127.0.0.1")) as opened, open_socket(Spec("tcp", "::1", True)) as hidden:
        ports = [listener.port for listener in collect_listeners(machine(WithoutIPv6), 5.0).listeners]
        assert opened.getsockname()[1] in ports
        assert hidden.getsockname()[1] not in ports


def test_a_kernel_that_does_not_answer_is_an_error_in_time() -> None:
    class Silent(WithoutFiles):
        def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
            # A real netlink socket, and a family of messages that nobody answers.
            return AnsibleHost.netlink(self, 31, b"", 0.05)

    with pytest.raises(CouldNotLook):
        collect_listeners(machine(Silent), 0.1)


def bound_is_shown() -> bool:
    with open_socket(Spec("tcp", "127.0.0.1"), listen=False) as bound:
        inode = os.fstat(bound.fileno()).st_ino
        return inode in [one.inode for one in collect_listeners(this_machine(), 5.0).listeners]


@pytest.mark.feature("B8")
@pytest.mark.parametrize("spec", [Spec("tcp", "127.0.0.1"), Spec("tcp", "::1", True)])
def test_a_bound_socket_that_does_not_listen_is_seen_or_said_not_to_be(spec: Spec) -> None:
    with open_socket(spec, listen=False) as bound:
        seen = collect_listeners(this_machine(), 5.0)
        states = [one.state for one in seen.listeners if one.inode == os.fstat(bound.fileno()).st_ino]
        said = [spot for spot in seen.blind_spots if "do not listen" in spot.what]
        assert seen.bound_seen == bool(states)
        assert states == (["bound"] if seen.bound_seen else [])
        assert bool(said) != seen.bound_seen


def test_an_older_kernel_that_shows_none_says_so() -> None:
    class Older(AnsibleHost):
        def read_bytes(self, path: str) -> bytes:
            return b"6.1.0-28-amd64\n" if path == "/proc/sys/kernel/osrelease" else super().read_bytes(path)

        def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
            if request == render_bound_request():
                request = request[:68] + bytes(4) + request[72:]
            return super().netlink(protocol, request, timeout)

    assert render_bound_request()[68:72] == (1 << 13).to_bytes(4, "little")
    seen = collect_listeners(machine(Older), 5.0)
    assert not seen.bound_seen
    (spot,) = (one for one in seen.blind_spots if "do not listen" in one.what)
    assert "6.1.0-28-amd64" in spot.why
    assert not spot.could_hide_planned


def test_a_kernel_that_refuses_to_list_bound_sockets_is_a_blind_spot() -> None:
    class Refusing(AnsibleHost):
        def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
            if request == render_bound_request():
                raise Denied("netlink protocol 4: Operation not permitted")
            return super().netlink(protocol, request, timeout)

    with open_socket(Spec("tcp", "127.0.0.1")) as opened:
        seen = collect_listeners(machine(Refusing), 5.0)
        assert os.fstat(opened.fileno()).st_ino in [one.inode for one in seen.listeners]
    assert not seen.bound_seen
    assert ["Operation not permitted" in one.why for one in seen.blind_spots if "do not listen" in one.what] == [True]


@pytest.mark.feature("B5")
def test_udp_clients_are_no_claims() -> None:
    def also(stack: contextlib.ExitStack) -> None:
        stack.enter_context(open_socket(Spec("udp", "0.0.0.0")))  # a port of the kernel's choice
        connected = stack.enter_context(open_socket(Spec("udp", "127.0.0.1"), 7777))
        connected.connect(("127.0.0.1", 53))

    seen, _uid = look(AnsibleHost, also=also)
    assert sorted(map(essence, seen.listeners), key=repr) == sorted((expected(*one) for one in SPECS), key=repr)
    (ephemeral,) = seen.ephemeral_udp
    assert essence(ephemeral) == ("udp", "0.0.0.0", ephemeral.port, "listening", None, None)


@pytest.mark.feature("B7")
def test_reuseport_shows_as_several_sockets_on_one_address() -> None:
    def work() -> list[int]:
        with open_socket(Spec("tcp", "0.0.0.0", reuse="port"), 9090), open_socket(Spec("tcp", "0.0.0.0", reuse="port"), 9090):
            return [one.inode for one in collect_listeners(this_machine(), 5.0).listeners if one.port == 9090]

    first, second = in_own_network(work)
    assert first != second


def test_a_multipath_listener_is_seen_once_with_the_inode_that_its_process_has() -> None:
    """Go programs listen with MPTCP by default from Go 1.24 on."""
    import socket

    try:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    except OSError as error:
        pytest.skip(f"no MPTCP here: {error}")
    with listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = [one.inode for one in collect_listeners(this_machine(), 5.0).listeners if one.port == port]
        assert found == [os.fstat(listener.fileno()).st_ino]


@pytest.mark.feature("B5", "B18")
def test_ss_sees_the_same() -> None:
    if shutil.which("ss") is None:
        pytest.skip("ss is not installed")

    def work() -> tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]:
        with contextlib.ExitStack() as stack:
            for spec, port in SPECS:
                stack.enter_context(open_socket(spec, port))
            ours = [(one.proto, one.address, one.port) for one in collect_listeners(this_machine(), 5.0).listeners]
            text = subprocess.run(["ss", "-Hltun"], check=True, capture_output=True, text=True).stdout
        theirs = []
        for line in text.splitlines():
            proto, _state, _received, _sent, local, _peer = line.split()[:6]
            place, _colon, port_text = local.rpartition(":")
            address = place.partition("%")[0].strip("[]").replace("::ffff:", "")
            theirs.append((proto, "::" if address == "*" else address, int(port_text)))
        return sorted(ours), sorted(theirs)

    ours, theirs = in_own_network(work)
    assert ours == theirs
    assert len(ours) == len(SPECS)


def test_a_control_group_is_named_as_the_process_names_it() -> None:
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        unified = [line.rstrip("\n").partition("::")[2] for line in file if line.startswith("0::")]
    if not unified or "cgroup2" not in this_machine().read_text("/proc/self/mountinfo"):
        pytest.skip("no unified control groups here")
    with open_socket(Spec("tcp", "127.0.0.1")) as opened:
        inode = os.fstat(opened.fileno()).st_ino
        assert [one.cgroup for one in collect_listeners(this_machine(), 5.0).listeners if one.inode == inode] == unified
