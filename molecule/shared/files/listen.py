# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open the sockets that the arguments name, tell systemd when all of them are open, and keep them.

An argument is PROTO:ADDRESS:PORT[,OPTION...], as in tcp:0.0.0.0:8080 or tcp:[::]:8080,v6only,reuseport or
udp:0.0.0.0:5353,reuseaddr,device=lo. The option "bound" leaves a TCP socket bound without listening, "connected" makes a
UDP socket that of a client.
"""

import os
import signal
import socket
import sys


def open_socket(argument):
    place, *options = argument.split(",")
    proto, _colon, rest = place.partition(":")
    address, _colon, port = rest.rpartition(":")
    address, _percent, zone = address.strip("[]").partition("%")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "v6only" in options)
    if (proto == "tcp" and "bound" not in options) or "reuseaddr" in options:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "reuseport" in options:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    for option in options:
        if option.startswith("device="):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, option.partition("=")[2].encode())
    scope = socket.if_nametoindex(zone) if zone else 0
    opened.bind((address, int(port), 0, scope) if family == socket.AF_INET6 else (address, int(port)))
    if proto == "tcp" and "bound" not in options:
        opened.listen()
    if "connected" in options:
        opened.connect(("127.0.0.1", 9))
    return opened


def tell_systemd():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bus:
        bus.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))


if __name__ == "__main__":
    kept = []
    for wanted in sys.argv[1:]:
        try:
            kept.append(open_socket(wanted))
        except OSError as error:
            where = wanted.partition(",")[0].replace(":", " ", 1)
            sys.exit(f"listen {where}: bind: {os.strerror(error.errno).lower()}")
    tell_systemd()
    signal.pause()
