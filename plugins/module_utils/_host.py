# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The one door to the machine. Everything that touches the host goes through a :class:`Host`."""

from __future__ import annotations

import errno
import http.client
import os
import pwd
import socket
import time
import typing as t

from ._errors import CouldNotLook, Denied, NothingThere, TimedOut, ToolMissing, Unparsable

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What `timeout` (coreutils) exits with when it had to end the command: by TERM, or by KILL.
_TIMEOUT_EXIT_CODES = (124, 137)


class CommandResult(t.NamedTuple):
    """What a command answered. ``out`` and ``err`` are text; bytes that are not UTF-8 are kept as surrogates."""

    rc: int
    out: str
    err: str


class HttpAnswer(t.NamedTuple):
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Host(t.Protocol):
    """A machine to look at. Every method raises :class:`CouldNotLook` (or a child) when it could not look, and
    :class:`NothingThere` when the thing asked for does not exist. Times are seconds."""

    def run(self, argv: t.Sequence[str], timeout: float) -> CommandResult: ...

    def has(self, program: str) -> bool: ...

    def read_bytes(self, path: str) -> bytes: ...

    def read_text(self, path: str) -> str: ...

    def list_dir(self, path: str) -> list[str]: ...

    def read_link(self, path: str) -> str: ...

    def folder_inodes(self, root: str) -> dict[int, str]: ...

    def open_sockets(self, pid: int) -> t.Iterator[int]: ...

    def interface_name(self, index: int) -> str: ...

    def user_name(self, uid: int) -> str: ...

    def home(self, uid: int) -> str: ...

    def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]: ...

    def http_get(self, socket_path: str, targets: t.Sequence[str], timeout: float) -> t.Iterator[HttpAnswer]: ...

    def try_bind(self, family: int, kind: int, address: str, port: int) -> bool: ...

    def euid(self) -> int: ...

    def now(self) -> float: ...

    def today(self) -> str: ...

    def uptime(self) -> float: ...


class _UnixHttpConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, as the container engines speak it."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _failed_look(what: str, error: OSError) -> Exception:
    """The exception of ours for an ``OSError`` met while looking at ``what``."""
    if error.errno in (errno.ENOENT, errno.ESRCH, errno.ENOTDIR):
        return NothingThere(f"{what} does not exist")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Denied(f"{what}: {error.strerror}")
    if isinstance(error, (socket.timeout, TimeoutError)):
        return TimedOut(f"{what} did not answer in time")
    return CouldNotLook(f"{what}: {error.strerror or error}")


class AnsibleHost:
    """The machine that an Ansible module runs on."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._programs: dict[str, str | None] = {}

    def _find(self, program: str) -> str | None:
        if program not in self._programs:
            # Root's own folders too: an unprivileged login has no /usr/sbin on its PATH.
            self._programs[program] = self._module.get_bin_path(program, opt_dirs=["/usr/sbin", "/sbin"])
        return self._programs[program]

    def has(self, program: str) -> bool:
        """Whether the program is installed."""
        return self._find(program) is not None

    def run(self, argv: t.Sequence[str], timeout: float) -> CommandResult:
        """Run a command, without a shell, for at most ``timeout`` seconds.

        :raises ToolMissing: the program is not installed
        :raises TimedOut: it did not end in time and was killed
        :raises CouldNotLook: it could not be started
        """
        program = self._find(argv[0])
        if program is None:
            raise ToolMissing(f"{argv[0]} is not installed")
        command = [program, *argv[1:]]
        limiter = self._find("timeout")
        if limiter is not None:
            command = [limiter, "-k", "1", f"{timeout:g}", *command]
        try:
            rc, out, err = self._module.run_command(
                command,
                expand_user_and_vars=False,
                handle_exceptions=False,
                environ_update={"LC_ALL": "C.UTF-8", "LANGUAGE": ""},
            )
        except OSError as error:
            raise CouldNotLook(f"{argv[0]} could not be started: {error}") from error
        if limiter is not None and rc in _TIMEOUT_EXIT_CODES:
            raise TimedOut(f"'{' '.join(argv[:3])}' did not end within {timeout:g} s")
        return CommandResult(rc, out, err)

    def read_bytes(self, path: str) -> bytes:
        """The content of a file."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise _failed_look(path, error) from error

    def read_text(self, path: str) -> str:
        """The content of a file as text; bytes that are not UTF-8 are kept as surrogates."""
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def list_dir(self, path: str) -> list[str]:
        """The names in a folder, unsorted."""
        try:
            return os.listdir(path)
        except OSError as error:
            raise _failed_look(path, error) from error

    def read_link(self, path: str) -> str:
        """Where a symbolic link points."""
        try:
            return os.readlink(path)
        except OSError as error:
            raise _failed_look(path, error) from error

    def folder_inodes(self, root: str) -> dict[int, str]:
        """Inode number to path below ``root`` (the root itself is "/") for every folder; one that vanishes is left out."""
        try:
            found = {os.stat(root).st_ino: "/"}
        except OSError as error:
            raise _failed_look(root, error) from error
        pending = [("", root)]
        while pending:
            below, folder = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            path = f"{below}/{entry.name}"
                            found[entry.inode()] = path
                            pending.append((path, entry.path))
            except OSError as error:
                failure = _failed_look(folder, error)
                if not isinstance(failure, NothingThere):
                    raise failure from error
        return found

    def open_sockets(self, pid: int) -> t.Iterator[int]:
        """The inodes of the sockets that a process has open, lowest descriptor first, read as they are asked for.

        :raises NothingThere: the process is gone
        :raises Denied: it is another user's
        """
        path = f"/proc/{pid}/fd"
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _failed_look(path, error) from error
        try:
            # The kernel lists descriptors in their order (fs/proc/fd.c, proc_readfd_common), so nothing is sorted here:
            # whoever has found what it wants among the first needs not even list the other 100,000.
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        link = os.readlink(entry.name, dir_fd=folder)
                    except FileNotFoundError:
                        continue  # closed since it was listed
                    if link.startswith("socket:["):
                        yield int(link[8:-1])
        except OSError as error:
            raise _failed_look(path, error) from error
        finally:
            os.close(folder)

    def interface_name(self, index: int) -> str:
        """The name of a network interface, ``if<index>`` where it is gone."""
        try:
            return socket.if_indextoname(index)
        except OSError:
            return f"if{index}"

    def user_name(self, uid: int) -> str:
        """The login name of a user id, or the number as text where it has none."""
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def home(self, uid: int) -> str:
        """The home folder of a user id, ``/`` where it has none."""
        try:
            return pwd.getpwuid(uid).pw_dir
        except KeyError:
            return "/"

    def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
        """Send one netlink request and yield the datagrams that answer it, until the caller stops asking."""
        what = f"netlink protocol {protocol}"
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as link:
                link.settimeout(timeout)
                link.sendto(request, (0, 0))
                while True:
                    yield link.recv(1 << 18)
        except OSError as error:
            raise _failed_look(what, error) from error

    def http_get(self, socket_path: str, targets: t.Sequence[str], timeout: float) -> t.Iterator[HttpAnswer]:
        """GET each target over one connection to a Unix socket; all of them together within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        connection = _UnixHttpConnection(socket_path, timeout)
        try:
            for target in targets:
                yield self._one_answer(connection, socket_path, target, deadline)
        finally:
            connection.close()

    def _one_answer(self, connection: _UnixHttpConnection, path: str, target: str, deadline: float) -> HttpAnswer:
        def left() -> float:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise TimedOut(f"{path} did not answer GET {target} in time")
            return seconds

        try:
            connection.timeout = left()
            if connection.sock is not None:
                connection.sock.settimeout(left())
            connection.request("GET", target)
            answer = connection.getresponse()
            body = bytearray()
            # Piece by piece, so that an engine that drips one byte a second meets the deadline as well.
            while True:
                if connection.sock is not None:
                    connection.sock.settimeout(left())
                piece = answer.read1(1 << 16)
                if not piece:
                    break
                body += piece
                left()
        except http.client.HTTPException as error:
            raise Unparsable(f"{path} did not answer GET {target} in HTTP: {error!r}") from error
        except OSError as error:
            raise _failed_look(path, error) from error
        return HttpAnswer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, bytes(body))

    def try_bind(self, family: int, kind: int, address: str, port: int) -> bool:
        """Whether the address can be bound now. Binds for a moment and never listens, so no client is taken.

        :raises Denied: binding a port below 1024 needs root
        :raises NothingThere: the host does not have the address
        :raises CouldNotLook: it failed for another reason than that the address is in use
        """
        try:
            with socket.socket(family, kind) as probe:
                # As servers do: connections in TIME_WAIT must not make a free port look taken.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
                return True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise NothingThere(f"the host has no address {address}") from error
            raise _failed_look(f"bind {address} {port}", error) from error

    def euid(self) -> int:
        """The user id that the look is done with."""
        return os.geteuid()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def today(self) -> str:
        """The day on the host's own calendar, as YYYY-MM-DD."""
        return time.strftime("%Y-%m-%d")

    def uptime(self) -> float:
        """Seconds of the monotonic clock, which systemd's monotonic timestamps count on."""
        return time.monotonic()
