# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP over a Unix socket: what engines send, what they should not, and how long it may take."""

from __future__ import annotations

import socket
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, NothingThere, TimedOut, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._host import HttpAnswer
from builders.machine import this_machine
from builders.rooted import unix_server


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "s")


def get(path: str, answer: bytes, targets: t.Sequence[str] = ("/a",), timeout: float = 5.0, at_once: int = 1 << 20) -> list[HttpAnswer]:
    """What is read of ``answer``, sent ``at_once`` bytes at a time to every request; then the server hangs up."""

    def serve(connection: socket.socket) -> None:
        for _target in targets:
            if not connection.recv(1 << 16):
                return
            for start in range(0, len(answer), at_once):
                connection.sendall(answer[start : start + at_once])
        connection.close()

    with unix_server(path, serve):
        return list(this_machine().http_get(path, targets, timeout))


LENGTH = b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\nhello"


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, TO_THE_END, LENGTH.replace(b"\r\n", b"\n")])
def test_every_way_to_send_a_body(path: str, answer: bytes, at_once: int) -> None:
    (found,) = get(path, answer, at_once=at_once)
    assert (found.status, found.body) == (200, b"hello")


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, LENGTH.replace(b"200 OK", b"404 Not Found")])
def test_one_connection_serves_many_requests(path: str, answer: bytes) -> None:
    found = get(path, answer, targets=["/a", "/b", "/c"])
    assert [one.body for one in found] == [b"hello"] * 3


def test_a_connection_that_the_server_closes_is_made_again(path: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        connection.close()

    with unix_server(path, serve):
        assert len(list(this_machine().http_get(path, ["/a", "/b"], 5.0))) == 2


def test_header_names_are_lower_case(path: str) -> None:
    (found,) = get(path, LENGTH)
    assert found.headers["api-version"] == "1.45"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        LENGTH[:-1],
        LENGTH[:20],
        CHUNKED[:-4],
        CHUNKED[:60],
        LENGTH.replace(b": 5", b": five"),
        LENGTH.replace(b": 5", b": -5"),
        CHUNKED.replace(b"2;", b"-2;"),
        CHUNKED.replace(b"2;", b"z;"),
        LENGTH.replace(b"Api-Version:", b"Api-Version"),
        b"x" * 100_000,
    ],
)
def test_what_is_no_whole_answer_is_an_error(path: str, answer: bytes) -> None:
    with pytest.raises(CouldNotLook) as failure:
        get(path, answer)
    assert "GET /a" in str(failure.value)
    assert isinstance(failure.value, Unparsable)


@pytest.mark.parametrize("sent", [0, 10, 60], ids=["nothing", "half a header", "half a body"])
def test_all_requests_end_by_the_deadline(path: str, sent: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000

    def drip(connection: socket.socket) -> None:
        connection.sendall(answer[:sent])
        for byte in answer[sent : sent + 100]:
            time.sleep(0.05)
            connection.sendall(bytes([byte]))

    with unix_server(path, drip):
        begin = time.monotonic()
        with pytest.raises(TimedOut):
            list(this_machine().http_get(path, ["/a"], 0.4))
        assert time.monotonic() - begin < 4  # the drip would take five


def test_no_socket_is_nothing_and_a_dead_one_is_an_error(path: str) -> None:
    with pytest.raises(NothingThere):
        list(this_machine().http_get(path, ["/a"], 1.0))
    with unix_server(path, lambda connection: None):
        pass
    with pytest.raises(CouldNotLook, match=r"(?i)refused"):
        list(this_machine().http_get(path, ["/a"], 1.0))
