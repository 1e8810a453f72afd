# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sock_diag: this kernel's own answers, and answers that go wrong."""

from __future__ import annotations

import os
import struct
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.diag import (
    AF_INET,
    AF_INET6,
    NETLINK_SOCK_DIAG,
    TCP_CLOSE,
    TCP_LISTEN,
    DiagSocket,
    DumpParser,
    render_request,
)
from builders.machine import Spec, open_socket, this_machine

DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def datagrams(proto: str, family: int, states: int, chosen: bool | None = None) -> list[bytes]:
    """What this kernel answers, the last datagram included."""
    found = []
    for data in this_machine().netlink(NETLINK_SOCK_DIAG, render_request(proto, family, states, chosen), 5.0):
        found.append(data)
        if DumpParser(proto).parse(data).done:
            break
    return found


def dump(proto: str, family: int, states: int, chosen: bool | None = None) -> list[DiagSocket]:
    parser = DumpParser(proto)
    return [one for data in datagrams(proto, family, states, chosen) for one in parser.parse(data).sockets]


@pytest.mark.feature("B5", "B18")
@pytest.mark.parametrize(
    ("spec", "address", "v6only"),
    [
        (Spec("tcp", "127.0.0.1"), "127.0.0.1", None),
        (Spec("tcp", "0.0.0.0"), "0.0.0.0", None),
        (Spec("tcp", "::", False), "::", False),
        (Spec("tcp", "::", True), "::", True),
        (Spec("tcp", "::1", True), "::1", True),
        (Spec("tcp", "::ffff:127.0.0.1", False), "127.0.0.1", None),
        (Spec("udp", "127.0.0.1"), "127.0.0.1", None),
        (Spec("udp", "::", False), "::", False),
        (Spec("udp", "::", True), "::", True),
    ],
)
def test_the_kernel_lists_what_was_opened(spec: Spec, address: str, v6only: bool | None) -> None:
    family = AF_INET6 if ":" in spec.address else AF_INET
    state = TCP_LISTEN if spec.proto == "tcp" else TCP_CLOSE
    with open_socket(spec) as opened:
        inode = os.fstat(opened.fileno()).st_ino
        (found,) = (one for one in dump(spec.proto, family, 1 << state) if one.inode == inode)
        assert (found.address, found.port, found.v6only) == (address, opened.getsockname()[1], v6only)
        assert (found.state, found.uid, found.interface, len(found.cookie)) == (state, os.geteuid(), 0, 8)
    assert inode not in [one.inode for one in dump(spec.proto, family, 1 << state)]


def test_the_kernel_filters_by_who_chose_the_port() -> None:
    with open_socket(Spec("udp", "127.0.0.1")) as chosen_by_kernel:
        port = chosen_by_kernel.getsockname()[1]
        with open_socket(Spec("udp", "127.0.0.2"), port) as asked_for:
            inodes = [os.fstat(one.fileno()).st_ino for one in (chosen_by_kernel, asked_for)]
            for chosen, expected in ((True, inodes[:1]), (False, inodes[1:]), (None, inodes)):
                found = [one.inode for one in dump("udp", AF_INET, 1 << TCP_CLOSE, chosen)]
                assert sorted(inode for inode in found if inode in inodes) == sorted(expected)


def test_the_state_is_filtered_by_the_kernel() -> None:
    """Ten thousand connections must not even reach us."""
    with open_socket(Spec("tcp", "127.0.0.1")) as server, open_socket(Spec("tcp", "127.0.0.1"), listen=False) as client:
        client.connect(server.getsockname())
        assert {one.state for one in dump("tcp", AF_INET, 1 << TCP_LISTEN)} == {TCP_LISTEN}


def an_answer() -> bytes:
    with open_socket(Spec("tcp", "::1", True)):
        return next(data for data in datagrams("tcp", AF_INET6, 1 << TCP_LISTEN) if len(data) > len(DONE))


def test_ten_thousand_listeners_of_one_datagram_are_all_read() -> None:
    one = an_answer()
    length = struct.unpack_from("=I", one)[0]
    data = b"".join(
        # Each with a port, an inode and a cookie of its own, and in one of fifty control groups' worth of attributes.
        one[:20] + struct.pack("!H", n) + one[22:60] + struct.pack("=Q", n) + one[68:84] + struct.pack("=I", n) + one[88:length]
        for n in range(10_000)
    )
    found = DumpParser("tcp").parse(data)
    assert [socket.port for socket in found.sockets] == list(range(10_000))
    assert found.sockets[-1].inode == 9_999
    assert len({socket.cookie for socket in found.sockets}) == 10_000


@pytest.mark.parametrize(("number", "kind", "word"), [(2, CouldNotLook, "ENOENT"), (1, Denied, "EPERM"), (9999, CouldNotLook, "9999")])
@pytest.mark.parametrize("message", [2, 3])
def test_a_refusal_is_an_error_and_never_an_empty_list(number: int, kind: type[Exception], word: str, message: int) -> None:
    data = struct.pack("=IHHIIi", 20, message, 2, 1, 0, -number)
    with pytest.raises(kind, match=rf"udp.*{word}"):
        DumpParser("udp").parse(data)


def test_this_kernel_refuses_a_protocol_that_it_has_no_list_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own refusal: no error message, but a DONE with an error number, after no sockets."""
    monkeypatch.setitem(t.cast("dict[str, int]", render_request.__globals__["IPPROTO"]), "dccp", 33)
    with pytest.raises(CouldNotLook, match=r"dccp.*ENOENT"):
        dump("dccp", AF_INET, 1 << TCP_LISTEN)


def test_the_end_is_seen() -> None:
    assert DumpParser("tcp").parse(DONE) == ([], True)
    found = DumpParser("tcp").parse(an_answer() + DONE)
    assert found.done
    assert found.sockets


def test_a_dropped_part_is_an_error() -> None:
    with pytest.raises(CouldNotLook, match="dropped"):
        DumpParser("tcp").parse(struct.pack("=IHHII", 16, 4, 2, 1, 0))


def test_an_attribute_that_says_nothing_of_v6only_leaves_it_unknown() -> None:
    data = an_answer()
    bare = struct.pack("=I", 88) + data[4:88]  # as kernels before 4.10 and without control groups answer
    (found,) = DumpParser("tcp").parse(bare).sockets
    assert (found.address, found.v6only, found.cgroup_id) == ("::1", None, None)


@given(st.data())
def test_an_answer_that_is_cut_off_is_an_error(data: st.DataObject) -> None:
    whole = an_answer()
    length = struct.unpack_from("=I", whole)[0]
    cut = data.draw(st.integers(1, length - 1))
    with pytest.raises(Unparsable):
        DumpParser("tcp").parse(whole[:cut])


@given(st.binary(max_size=200), st.integers(0, 150))
def test_garbage_is_an_error_or_is_read_and_nothing_else(noise: bytes, at: int) -> None:
    whole = an_answer()
    try:
        DumpParser("tcp").parse(whole[:at] + noise + whole[at + len(noise) :])
    except CouldNotLook:
        pass
