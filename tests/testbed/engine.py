# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker engine that test hosts run in: the machine's own where one answers, else one that is started and stopped here.

One engine serves all checkouts of a machine. Whoever uses it holds a shared lock for as long as its process lives, so the
last one to leave can tell, and a killed one leaves no claim behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import docker

from .errors import TestbedError
from .packages import find_program, require

if t.TYPE_CHECKING:
    import io

# Root's engine of the test bed; no other engine's folders or sockets are touched.
STATE = Path("/run/guarded-deploy-testbed")
DATA = Path("/var/lib/guarded-deploy-testbed")
MACHINES_OWN = "unix:///var/run/docker.sock"
SOCKET = STATE / "docker.sock"
PIDFILE = STATE / "docker.pid"
KEEP = STATE / "keep"
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_BEFORE = STATE / "inotify-before"

LABEL = "guarded.deploy.testbed"
START_SECONDS = 60
STOP_SECONDS = 60


def _answers(url: str | None) -> docker.DockerClient | None:
    """A client of the engine at a URL (None: where the environment says), if one answers."""
    if not _listens(url or os.environ.get("DOCKER_HOST") or MACHINES_OWN):
        return None
    client = None
    try:
        client = docker.DockerClient(base_url=url, timeout=120) if url else docker.from_env(timeout=120)
        client.ping()
    except (docker.errors.DockerException, OSError):
        if client is not None:
            client.close()
        return None
    return client


def _listens(url: str) -> bool:
    """Whether anybody listens on the socket of a URL. The SDK would find out too, and leave a socket open each time."""
    if not url.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(10)
        try:
            probe.connect(url.removeprefix("unix://"))
        except OSError:
            return False
    return True


def _own() -> docker.DockerClient | None:
    return _answers(f"unix://{SOCKET}") if SOCKET.exists() else None


def _running_pid() -> int | None:
    """The process of the engine that was started here, or None. A number that another process got since does not count."""
    try:
        pid = int(PIDFILE.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(DATA).encode() in command else None


@contextlib.contextmanager
def _locked(name: str) -> t.Iterator[None]:
    with (STATE / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start() -> docker.DockerClient:
    if os.geteuid() != 0:
        raise TestbedError(
            "no Docker engine answers, and only root can start one: start Docker (systemctl start docker) and join its group, "
            "set DOCKER_HOST, or run this as root."
        )
    require("dockerd", "iptables")
    STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
    with _locked("start.lock"):
        client = _own()
        if client is not None:
            return client
        if _running_pid() is None:
            PIDFILE.unlink(missing_ok=True)
            SOCKET.unlink(missing_ok=True)
            KEEP.unlink(missing_ok=True)
            _spawn()
        return _wait()


def _spawn() -> None:
    command = [
        find_program("dockerd") or "dockerd",
        *("--host", f"unix://{SOCKET}"),
        *("--data-root", str(DATA)),
        *("--exec-root", str(STATE / "exec")),
        *("--pidfile", str(PIDFILE)),
        # Hosts get networks of their own. 172.17/16 is for the engines inside them.
        *("--bridge", "none"),
        *("--default-address-pool", "base=10.213.0.0/16,size=24"),
    ]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    environment.pop("DOCKER_HOST", None)
    with (STATE / "docker.log").open("wb") as log:
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True, cwd="/"
        )


def _wait() -> docker.DockerClient:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        client = _own()
        if client is not None:
            return client
        time.sleep(0.1)
    log = STATE / "docker.log"
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
    raise TestbedError(f"dockerd did not answer within {START_SECONDS} s. The end of {log}:\n{tail}")


def connect() -> docker.DockerClient:
    """The engine: that of DOCKER_HOST, else the one started here before, else the machine's, else one started now.

    :raises TestbedError: none answers, and none can be started
    """
    if os.environ.get("DOCKER_HOST"):
        client = _answers(None)
        if client is None:
            raise TestbedError(f"no Docker engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}")
        return client
    return _own() or _answers(None) or _start()


def find() -> docker.DockerClient | None:
    """As :func:`connect`, but starts nothing."""
    if os.environ.get("DOCKER_HOST"):
        return _answers(None)
    return _own() or _answers(None)


def use() -> io.TextIOWrapper | None:
    """Say that this process uses the engine, until the file that is returned is closed or the process ends."""
    if os.geteuid() != 0:
        return None  # the engine is the machine's own, and is never stopped
    STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
    file = (STATE / "users.lock").open("w")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def keep() -> None:
    """Let the engine run on when the last run ends."""
    if _running_pid() is not None:
        KEEP.touch()


def stop_unused(*, also_kept: bool = False) -> bool:
    """Stop the engine that was started here, unless it is in use or was asked to be kept.

    :returns: whether no engine of the test bed runs now
    """
    if os.geteuid() != 0 or not STATE.exists():
        return True
    with _locked("start.lock"), (STATE / "users.lock").open("w") as users:
        pid = _running_pid()
        if pid is None:
            return True
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False  # another run
        if KEEP.exists() and not also_kept:
            return False
        client = _own()
        if client is not None:
            busy = client.containers.list(all=True, filters={"label": LABEL})
            client.close()
            if busy:
                return False  # hosts of another checkout, made without a run
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _running_pid() is not None:
            if time.monotonic() > deadline:
                raise TestbedError(f"the engine (process {pid}) did not stop within {STOP_SECONDS} s")
            time.sleep(0.1)
        KEEP.unlink(missing_ok=True)
        restore_inotify()
        return True


def raise_inotify(hosts: int) -> None:
    """See to it that the kernel lets so many hosts watch files: each systemd takes about six of the 128 instances."""
    if hosts < 16 or os.geteuid() != 0:
        return
    before = int(INOTIFY.read_text(encoding="ascii"))
    if before < 1024:
        STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
        INOTIFY_BEFORE.write_text(str(before), encoding="ascii")
        INOTIFY.write_text("1024", encoding="ascii")


def restore_inotify() -> None:
    """Put back what :func:`raise_inotify` changed."""
    if INOTIFY_BEFORE.exists():
        INOTIFY.write_text(INOTIFY_BEFORE.read_text(encoding="ascii"), encoding="ascii")
        INOTIFY_BEFORE.unlink()
