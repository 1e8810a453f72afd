# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real machine that the tests run on, and network namespaces of its own for those that need some."""

from __future__ import annotations

import ctypes
import os
import pickle
import shutil
import socket
import subprocess
import traceback
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._host import AnsibleHost

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
SO_BINDTODEVICE = 25

Result = t.TypeVar("Result")


def this_machine() -> AnsibleHost:
    """This machine through the door that the modules use. What runs commands needs a module, and is not for here."""
    return AnsibleHost(t.cast("t.Any", None))


class Spec(t.NamedTuple):
    """A socket to open."""

    proto: str
    address: str
    v6only: bool | None = None
    device: str | None = None
    reuse: str | None = None  # addr or port


def open_socket(spec: Spec, port: int = 0, *, listen: bool = True) -> socket.socket:
    """A socket of this process, bound to a port (0: the kernel chooses), and listening where that is TCP.

    :raises OSError: as bind and listen do
    """
    address, _percent, zone = spec.address.partition("%")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM if spec.proto == "tcp" else socket.SOCK_DGRAM)
    try:
        if spec.v6only is not None:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(spec.v6only))
        if spec.device is not None:
            found.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, spec.device.encode())
        if spec.reuse is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if spec.reuse == "port" else socket.SO_REUSEADDR, 1)
        scope = socket.if_nametoindex(zone) if zone else 0
        found.bind((address, port, 0, scope) if family == socket.AF_INET6 else (address, port))
        if spec.proto == "tcp" and listen:
            found.listen()
    except OSError:
        found.close()
        raise
    return found


def _unshare(flags: int) -> None:
    uid = os.geteuid()
    if uid:
        flags |= CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise PermissionError(ctypes.get_errno(), "unshare")
    if uid:
        with open("/proc/self/uid_map", "w", encoding="ascii") as file:
            file.write(f"0 {uid} 1")


def _run(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True)


def _enter(own_processes: bool) -> None:
    """Enter the namespaces; with processes of its own, in a child that is their first."""
    _unshare(CLONE_NEWNET | (CLONE_NEWPID | CLONE_NEWNS if own_processes else 0))
    if own_processes:
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            os._exit(0)
        _run("mount --make-rprivate /", "mount -t proc proc /proc")
    _run(
        "ip link set lo up",
        "ip link add left type veth peer name right",
        "ip link set left up",
        "ip link set right up",
        "ip address add 2001:db8::1/128 dev lo nodad",
        "ip address add fe80::1/64 dev left nodad",
        "ip address add fe80::1/64 dev right nodad",
    )


def in_own_network(work: t.Callable[[], Result], *, own_processes: bool = False) -> Result:
    """What ``work`` returns in a child process in a new network namespace: lo (with 2001:db8::1) and the pair of
    interfaces ``left`` and ``right`` (with fe80::1 each). With ``own_processes`` it is PID 1 of a new PID namespace too,
    so that it may read every process it sees. Skips the test where that may not be made."""
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer: tuple[str, t.Any] = ("failed", "nothing was answered")
        try:
            os.close(reader)
            try:
                _enter(own_processes)
            except (OSError, subprocess.CalledProcessError) as error:
                answer = ("skip", f"no namespaces may be made here: {error}")
            else:
                answer = ("done", work())
        except BaseException:
            answer = ("failed", traceback.format_exc())
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    verdict, value = pickle.loads(data)
    if verdict == "skip":
        pytest.skip(value)
    if verdict == "failed":
        pytest.fail(value)
    return t.cast("Result", value)
