# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine with another root folder and with programs of the test's: real files, sockets and processes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.guarded.deploy.plugins.module_utils._host import AnsibleHost, CommandResult
from ansible_collections.guarded.deploy.plugins.module_utils._http import HttpAnswer, HttpRequest


def whole_machine() -> AnsibleHost:
    """This machine through the door that the modules use, with a module, so that commands can be run."""
    with patch_module_args({}):
        return AnsibleHost(AnsibleModule(argument_spec={}))


class RootedHost(AnsibleHost):
    """A host whose files lie below ``root``, and that has the programs in ``root/bin`` and, of the machine's own, only
    those named in ``own``. Commands run for real; what they print is theirs."""

    def __init__(self, root: Path, own: t.Sequence[str] = ("timeout", "env"), uid: int = 0) -> None:
        with patch_module_args({}):
            super().__init__(AnsibleModule(argument_spec={}))
        self.root = root
        self.own = own
        self.uid = uid
        self.asked: list[str] = []
        self.seconds: list[float] = []

    def at(self, path: str) -> str:
        return str(self.root / path.lstrip("/"))

    def _find(self, program: str) -> str | None:
        own = f"{self.root}/bin/{program}"
        if os.path.exists(own):
            return own
        return super()._find(program) if program in self.own else None

    def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
        self.asked.append(" ".join(argv))
        self.seconds.append(timeout)
        return super().run(argv, timeout, environment)

    def read_bytes(self, path: str) -> bytes:
        return super().read_bytes(self.at(path))

    def list_dir(self, path: str) -> list[str]:
        return super().list_dir(self.at(path))

    def read_link(self, path: str) -> str:
        return super().read_link(self.at(path))

    def entries(self, path: str) -> list[tuple[str, str]]:
        return super().entries(self.at(path))

    def read_regular(self, path: str, most: int) -> bytes:
        return super().read_regular(self.at(path), most)

    def read_start(self, path: str, size: int) -> bytes:
        return super().read_start(self.at(path), size)

    def mode_and_size(self, path: str) -> tuple[int, int]:
        return super().mode_and_size(self.at(path))

    def exists(self, path: str) -> bool:
        return super().exists(self.at(path))

    def http_get(self, socket_path: str, targets: t.Sequence[str], timeout: float) -> t.Iterator[HttpAnswer]:
        self.asked.extend(targets)
        return super().http_get(self.at(socket_path), targets, timeout)

    def http_send(self, socket_path: str, request: HttpRequest, timeout: float) -> HttpAnswer:
        self.asked.append(f"{request.method} {request.target}")
        return super().http_send(self.at(socket_path), request, timeout)

    def euid(self) -> int:
        return self.uid

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        place = Path(self.at(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)
        return place


Serve = t.Callable[[socket.socket], None]


@contextlib.contextmanager
def unix_server(path: str, serve: Serve) -> t.Iterator[None]:
    """A server on a Unix socket; ``serve`` is called with each connection, in a thread of its own."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    opened: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            opened.append(connection)
            threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _quietly(serve: Serve, connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        serve(connection)


Answer = tuple[int, str, bytes]


def http_server(answer: t.Callable[[str], Answer]) -> Serve:
    """Serves requests, one after the other on a connection: ``answer`` makes (status, API version, body) of a target. What a
    request sends along is passed over."""

    def serve(connection: socket.socket) -> None:
        with connection.makefile("rb") as incoming:
            while True:
                request = incoming.readline()
                if not request:
                    return
                length = 0
                while line := incoming.readline().strip():
                    length = int(line[15:]) if line.lower().startswith(b"content-length:") else length
                incoming.read(length)
                status, version, body = answer(request.split()[1].decode())
                head = f"HTTP/1.1 {status} x\r\nApi-Version: {version}\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

    return serve
