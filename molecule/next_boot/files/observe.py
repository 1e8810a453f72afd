# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the boot has made of claimants, told by ss, systemctl, journalctl, docker and podman: whether each was started, and
which ports it holds. An argument is the name of a unit or of a container; that of a quadlet is systemd-NAME.
"""

import calendar
import json
import os
import re
import shutil
import subprocess
import sys
import time

BOOTED = os.stat("/run/systemd/notify").st_ctime


def ask(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout  # noqa: S603 (written here)


def seconds(moment):
    return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))


def log(unit):
    return ask("journalctl", "--no-pager", "--output=cat", f"--since=@{int(BOOTED)}", f"--unit={unit}")


class Engine:
    """The containers of an engine: their ids, addresses, and which were started since the boot."""

    def __init__(self, name, starter):
        self.containers = {}
        if shutil.which(name):
            said = log(starter)
            ids = ask(name, "ps", "--all", "--quiet", "--no-trunc").split()
            for one in json.loads(ask(name, "inspect", *ids)):
                started = seconds(one["State"]["StartedAt"]) >= BOOTED - 1
                # Neither engine keeps with the container that a start has failed; their logs tell.
                failed = any(one["Id"] in line and re.search("failed to start|unable to start", line) for line in said.splitlines())
                # What does not run may still tell the address that it had, and that another has by now.
                address = one["NetworkSettings"]["IPAddress"] if one["State"]["Running"] else ""
                self.containers[one["Name"].lstrip("/")] = (one["Id"], address, started or failed)


def units():
    """By name: whether the boot came to the point of starting it."""
    keys = "--property=Id,ConditionResult,ConditionTimestampMonotonic"
    found = {}
    for block in ask("systemctl", "show", keys, "*.service", "*.socket", "--all").split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        tried = values.get("ConditionTimestampMonotonic", "0") != "0"
        found[values.get("Id")] = tried and values["ConditionResult"] == "yes"
    return found


def holders():
    """By port: the cgroups and command lines of those who hold it."""
    found = {}
    for line in ask("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes").splitlines():
        port = int(line.split()[3].rpartition(":")[2])
        for pid in re.findall(r"pid=(\d+)", line):
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as cgroup, open(f"/proc/{pid}/cmdline", encoding="utf-8") as command:
                found.setdefault(port, []).append((cgroup.read().strip(), command.read().split("\0")))
    return found


def main():
    started, held = units(), holders()
    docker, podman = Engine("docker", "docker.service").containers, Engine("podman", "podman-restart.service").containers
    answer = {}
    for name in sys.argv[1:]:
        tried, marks = started.get(name, False), {f"/{name}"}
        if name in docker or name in podman:
            container, address, tried = docker.get(name) or podman[name]
            marks = {container, address} - {""}
        if name.startswith("systemd-"):
            tried = started.get(name.replace("systemd-", "", 1) + ".service", False)
        ports = [
            port
            for port, found in held.items()
            for cgroup, words in found
            if any(cgroup.endswith(mark) or f"{mark}.scope" in cgroup or mark in words for mark in marks)
        ]
        if name.endswith(".socket"):
            # PID 1 holds it.
            listens = ask("systemctl", "show", "--property=Listen", "--property=ActiveState", name)
            ports = [int(port) for port in re.findall(r":(\d+) \(Stream\)", listens) if "ActiveState=active" in listens]
        answer[name] = {"tried": tried, "holds": sorted(set(ports))}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
