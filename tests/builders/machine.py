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

CLONE_NEWUSER = 0x10000000
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


def _enter_own_network() -> None:
    uid, flags = os.geteuid(), CLONE_NEWNET
    if uid:
        flags |= CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise PermissionError(ctypes.get_errno(), "unshare")
    if uid:
        with open("/proc/self/uid_map", "w", encoding="ascii") as file:
            file.write(f"0 {uid} 1")
    for command in (
        "link set lo up",
        "link add left type veth peer name right",
        "link set left up",
        "link set right up",
        "address add 2001:db8::1/128 dev lo nodad",
        "address add fe80::1/64 dev left nodad",
        "address add fe80::1/64 dev right nodad",
    ):
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)


def in_own_network(work: t.Callable[[], Result]) -> Result:
    """What ``work`` returns in a child process in a new network namespace: lo (with 2001:db8::1) and the pair of
    interfaces ``left`` and ``right`` (with fe80::1 each). Skips the test where that may not be made."""
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            try:
                _enter_own_network()
            except (OSError, subprocess.CalledProcessError) as error:
                answer: tuple[str, t.Any] = ("skip", f"no network namespace may be made here: {error}")
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
