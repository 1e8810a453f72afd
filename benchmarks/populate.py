# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a throw-away host: fills it with units and containers that do not run.

``populate.py units FIRST_PORT COUNT`` writes unit files, half of them enabled; ``populate.py containers FIRST_PORT COUNT RUNNING`` makes
containers with published ports, of which RUNNING run and the rest were created or have ended. Standard library of
Python 3.9 only.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

_FOLDER = pathlib.Path("/etc/systemd/system")
_WANTS = _FOLDER / "multi-user.target.wants"
_IMAGE = "testbed/busybox"

# What units are made of: those that name a port, through a variable, a drop-in or a socket, and those that name none.
_SERVICE = """[Unit]
Description=Filler {number}
After=network-online.target
ConditionPathExists=/etc/default/filler-{number}

[Service]
Type=simple
Environment=MODE=fast "WORDS=one two"
EnvironmentFile=-/etc/default/filler-{number}
{command}
Restart=on-failure
ProtectSystem=full
StateDirectory=filler-{number}

[Install]
WantedBy=multi-user.target
"""
_COMMANDS = (
    "ExecStart=/usr/bin/prometheus-node-exporter --web.listen-address=127.0.0.1:{port}",
    "ExecStart=/usr/bin/python3 -m http.server ${{PORT}}",
    "ExecStart=/usr/local/bin/filler --config /etc/filler/{number}.conf",
    "ExecStartPre=/bin/mkdir -p /run/filler-{number}\nExecStart=/bin/sh -c 'cd /srv && exec /usr/local/bin/filler --port {port}'",
)
_SOCKET = "[Socket]\nListenStream=127.0.0.1:{port}\nService=filler-{number}.service\n\n[Install]\nWantedBy=sockets.target\n"


def write_units(first_port: int, count: int) -> None:
    """``count`` files; of four services, two tell their port. Every fifth file is a socket of the service before it."""
    _WANTS.mkdir(exist_ok=True)
    for number in range(count):
        name = f"filler-{number}.service"
        if number % 5 == 4:
            (_FOLDER / f"filler-{number - 1}.socket").write_text(_SOCKET.format(port=first_port + number, number=number - 1))
            continue
        command = _COMMANDS[number % 4].format(number=number, port=first_port + number)
        (_FOLDER / name).write_text(_SERVICE.format(number=number, command=command))
        pathlib.Path(f"/etc/default/filler-{number}").write_text(f"# port\nPORT={first_port + number}\n")
        if number % 3 == 0:
            drop_in = _FOLDER / f"{name}.d"
            drop_in.mkdir(exist_ok=True)
            (drop_in / "limits.conf").write_text("[Service]\nMemoryMax=200M\n")
        if number % 2:
            os.symlink(f"../{name}", _WANTS / name)
    subprocess.run(["systemctl", "daemon-reload"], check=True)


def make_containers(first_port: int, count: int, running: int) -> None:
    """Of those that do not run, every second one has run."""
    for number in range(count):
        ends = number >= running and number % 2
        command = ["true"] if ends else ["httpd", "-f", "-p", "80"]
        options = [
            f"--name=filler-{number}",
            "--restart=unless-stopped" if number < running else "--restart=no",
            "-p",
            f"{first_port + number}:80",
        ]
        subprocess.run(["docker", "create", *options, _IMAGE, *command], check=True, stdout=subprocess.DEVNULL)
    started = [f"filler-{number}" for number in range(count) if number < running or number % 2]
    subprocess.run(["docker", "start", *started], check=True, stdout=subprocess.DEVNULL)
    ended = [f"filler-{number}" for number in range(running, count) if number % 2]
    if ended:
        subprocess.run(["docker", "wait", *ended], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:]]
    if sys.argv[1] == "units":
        write_units(*numbers)
    else:
        make_containers(*numbers)
