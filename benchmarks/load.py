# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a throw-away host: many listeners, or many connections to them, until it is stopped.

``load.py serve FIRST_PORT COUNT`` listens on ports from FIRST_PORT on and accepts what comes; ``load.py connect FIRST_PORT PORTS COUNT``
opens COUNT connections to them, in turn. Both tell systemd when they are ready (``Type=notify``), so that whoever
started the unit knows that the load stands. Standard library of Python 3.9 only.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import socket
import sys

# Room for the interpreter's own files beside the sockets.
_SPARE_FILES = 64


def serve(first_port: int, count: int) -> None:
    """Listen in the three usual ways in turn: every IPv4 address, loopback, both families."""
    selector = selectors.DefaultSelector()
    for port in range(first_port, first_port + count):
        address = ("0.0.0.0", "127.0.0.1", "::")[port % 3]
        listener = socket.socket(socket.AF_INET6 if address == "::" else socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((address, port))
        listener.listen(128)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
    _say_ready()
    accepted = []
    while True:
        for key, _events in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            accepted.append(key.fileobj.accept()[0])


def connect(first_port: int, ports: int, count: int) -> None:
    """Open the connections from as many processes as the limit of open files asks for."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES
    opened = 0
    while opened < count:
        share = min(most, count - opened)
        done, tell = os.pipe()
        if os.fork() == 0:
            os.close(done)
            kept = [socket.create_connection(("127.0.0.1", first_port + n % ports), 60) for n in range(opened, opened + share)]
            os.write(tell, b"%d" % len(kept))
            signal.pause()
        os.close(tell)
        if not os.read(done, 16):
            sys.exit("a process could not open its connections")
        os.close(done)
        opened += share
    _say_ready()
    signal.pause()


def _say_ready() -> None:
    # sd_notify(3): a datagram to the socket that the manager names; "@" begins an abstract name.
    name = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", "\0" + name[1:] if name.startswith("@") else name)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    numbers = [int(word) for word in sys.argv[2:]]
    if sys.argv[1] == "serve":
        serve(*numbers)
    else:
        connect(*numbers)
