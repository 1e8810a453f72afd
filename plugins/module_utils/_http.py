# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""HTTP over a Unix socket, as container engines speak it."""

from __future__ import annotations

import socket
import time
import typing as t

from ._errors import TimedOut, Unparsable


class HttpRequest(t.NamedTuple):
    """``target`` is path and query; ``body`` is JSON, None where there is none."""

    method: str
    target: str
    body: bytes | None = None


class HttpAnswer(t.NamedTuple):
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def _render_request(request: HttpRequest) -> bytes:
    head = f"{request.method} {request.target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: guarded.deploy\r\n"
    if request.body is None and request.method == "GET":
        return f"{head}\r\n".encode()
    body = request.body or b""
    kind = "Content-Type: application/json\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body


class HttpConnection:
    """HTTP/1.1 over a Unix socket, as container engines speak it. Everything together ends at the deadline, however
    slowly the bytes drip. (http.client would do most of it, and takes longer to load than the whole look.)"""

    def __init__(self, path: str, deadline: float) -> None:
        self._path = path
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._unread = bytearray()
        self._asked = ""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, request: HttpRequest) -> HttpAnswer:
        self._asked = f"{request.method} {request.target}"
        if self._socket is None:
            self._unread.clear()
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._left())
            self._socket.connect(self._path)
        self._socket.settimeout(self._left())
        self._socket.sendall(_render_request(request))
        version, _space, rest = self._line().partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not code.isdigit():
            raise self._broken(f"it began with {version[:40]!r}")
        headers = self._headers()
        body = self._body(int(code), headers)
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self.close()
        return HttpAnswer(int(code), headers, body)

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while True:
            line = self._line()
            if not line:
                return headers
            name, colon, value = line.partition(":")
            if not colon:
                raise self._broken(f"a header is {line[:40]!r}")
            headers[name.strip().lower()] = value.strip()

    def _body(self, code: int, headers: dict[str, str]) -> bytes:
        if code in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length")
        if length is not None:
            return self._exactly(self._number(length, 10))
        while self._receive():
            pass
        body = bytes(self._unread)
        self.close()
        return body

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = self._number(self._line().partition(";")[0], 16)
            if not size:
                break
            body += self._exactly(size)
            self._line()
        while self._line():
            pass
        return bytes(body)

    def _number(self, text: str, base: int) -> int:
        # Not everything that int() reads: "-5", "1_0" and "+5" are no lengths.
        digits = text.strip()
        if not digits.isalnum() or not digits.isascii():
            raise self._broken(f"a length is {text[:40]!r}")
        try:
            return int(digits, base)
        except ValueError:
            raise self._broken(f"a length is {text[:40]!r}") from None

    def _line(self) -> str:
        while b"\n" not in self._unread:
            if len(self._unread) > 1 << 16 or not self._receive():
                raise self._broken("a line has no end")
        line, _newline, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def _exactly(self, length: int) -> bytes:
        while len(self._unread) < length:
            if not self._receive():
                raise self._broken("it broke off")
        body = bytes(self._unread[:length])
        del self._unread[:length]
        return body

    def _receive(self) -> bool:
        if self._socket is None:
            return False
        self._socket.settimeout(self._left())
        piece = self._socket.recv(1 << 16)
        self._unread += piece
        return bool(piece)

    def _left(self) -> float:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimedOut(f"{self._path} did not answer {self._asked} in time")
        return seconds

    def _broken(self, how: str) -> Unparsable:
        return Unparsable(f"{self._path} did not answer {self._asked} in HTTP: {how}")
