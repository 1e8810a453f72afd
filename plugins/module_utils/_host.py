# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The one door to the machine. Everything that touches the host goes through a :class:`Host`."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import threading
import time
import typing as t

from ._errors import CouldNotLook, Denied, NothingThere, StepFailed, TimedOut, ToolMissing, Unparsable

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What `timeout` (coreutils) ends with when it had to end the command: by TERM, or by KILL, which meets itself as well.
_TIMEOUT_EXIT_CODES = (124, 137, -9)


Answer = t.TypeVar("Answer")


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

    def beside(self, look: t.Callable[[], Answer]) -> t.Callable[[], Answer]: ...

    def has(self, program: str) -> bool: ...

    def read_bytes(self, path: str) -> bytes: ...

    def read_text(self, path: str) -> str: ...

    def list_dir(self, path: str) -> list[str]: ...

    def entries(self, path: str) -> list[tuple[str, str]]: ...

    def read_regular(self, path: str, most: int) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def mode_and_size(self, path: str) -> tuple[int, int]: ...

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


class WritableHost(Host, t.Protocol):
    """A machine to look at and to change. Every method raises :class:`StepFailed` when the change did not succeed."""

    def make_folder(self, path: str, mode: int) -> None: ...

    def write_file(self, path: str, content: bytes, mode: int) -> None: ...

    def remove_file(self, path: str) -> None: ...

    def rename(self, path: str, new_path: str) -> None: ...

    def make_link(self, path: str, target: str) -> None: ...


class _HttpConnection:
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

    def get(self, target: str) -> HttpAnswer:
        self._asked = target
        if self._socket is None:
            self._unread.clear()
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._left())
            self._socket.connect(self._path)
        self._socket.settimeout(self._left())
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: guarded.deploy\r\n\r\n".encode())
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
            raise TimedOut(f"{self._path} did not answer GET {self._asked} in time")
        return seconds

    def _broken(self, how: str) -> Unparsable:
        return Unparsable(f"{self._path} did not answer GET {self._asked} in HTTP: {how}")


def _failed_look(what: str, error: OSError) -> Exception:
    """The exception of ours for an ``OSError`` met while looking at ``what``."""
    if error.errno in (errno.ENOENT, errno.ESRCH, errno.ENOTDIR):
        return NothingThere(f"{what} does not exist")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Denied(f"{what}: {error.strerror}")
    if isinstance(error, (socket.timeout, TimeoutError)):
        return TimedOut(f"{what} did not answer in time")
    return CouldNotLook(f"{what}: {error.strerror or error}")


def _sync_folder(path: str) -> None:
    """Make the names in a file's folder outlive a power cut."""
    descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wait_for_its_end(process: t.Any) -> None:
    """Let ``process.poll()`` wait a moment for the end of a process.

    When both pipes are closed, ``AnsibleModule.run_command`` (read in ansible-core 2.19) asks twice in a row whether the
    process has ended; where it ends between the two, it sleeps for a second over nothing. One run in ten met that.
    """

    def poll() -> int | None:
        try:
            return int(process.wait(timeout=0.05))
        except Exception:  # subprocess.TimeoutExpired, a name that the sanity tests forbid to import
            return None

    process.poll = poll


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


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

    def beside(self, look: t.Callable[[], Answer]) -> t.Callable[[], Answer]:
        """Begin a look, and go on with another meanwhile. Calling the result waits for the look and gives what it
        found, or raises what it raised."""
        outcome: list[tuple[t.Any, BaseException | None]] = []

        def work() -> None:
            try:
                outcome.append((look(), None))
            except BaseException as error:
                outcome.append((None, error))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def answer() -> Answer:
            thread.join()
            found, error = outcome[0]
            if error is not None:
                raise error
            return t.cast("Answer", found)

        return answer

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
                before_communicate_callback=_wait_for_its_end,
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

    def entries(self, path: str) -> list[tuple[str, str]]:
        """The names in a folder, sorted, and what each is: ``file``, ``folder``, ``link`` or ``other``."""
        try:
            with os.scandir(path) as found:
                return sorted((entry.name, _kind(entry)) for entry in found)
        except OSError as error:
            raise _failed_look(path, error) from error

    def read_regular(self, path: str, most: int) -> bytes:
        """The content of a file, links followed, that may be anything: never waits for a writer.

        :raises CouldNotLook: it is no regular file, or has more than ``most`` bytes
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _failed_look(path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CouldNotLook(f"{path} is no regular file")
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(most + 1)
        except OSError as error:
            raise _failed_look(path, error) from error
        finally:
            os.close(descriptor)
        if len(content) > most:
            raise CouldNotLook(f"{path} has more than {most} bytes")
        return content

    def exists(self, path: str) -> bool:
        """Whether there is something at a path, links followed.

        :raises Denied: a folder above may not be looked into
        """
        try:
            os.stat(path)
        except OSError as error:
            failure = _failed_look(path, error)
            if isinstance(failure, NothingThere):
                return False
            raise failure from error
        return True

    def mode_and_size(self, path: str) -> tuple[int, int]:
        """``st_mode`` and the size in bytes of what is at a path, links followed."""
        try:
            found = os.stat(path)
        except OSError as error:
            raise _failed_look(path, error) from error
        return found.st_mode, found.st_size

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
        connection = _HttpConnection(socket_path, time.monotonic() + timeout)
        try:
            for target in targets:
                yield connection.get(target)
        except OSError as error:
            raise _failed_look(socket_path, error) from error
        finally:
            connection.close()

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

    def make_folder(self, path: str, mode: int) -> None:
        """Make a folder and those above it; the folder itself gets ``mode``, whether it was there or not."""
        try:
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
        except OSError as error:
            raise StepFailed(f"{path} cannot be made: {error.strerror}") from error

    def write_file(self, path: str, content: bytes, mode: int) -> None:
        """Write a file so that, whatever happens, it has either its old or its new content, and the new one once this
        returns."""
        temporary = f"{path}.{os.getpid()}.new"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.rename(temporary, path)
            _sync_folder(path)
        except OSError as error:
            raise StepFailed(f"{path} cannot be written: {error.strerror}") from error

    def remove_file(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""
        try:
            os.unlink(path)
            _sync_folder(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StepFailed(f"{path} cannot be removed: {error.strerror}") from error

    def rename(self, path: str, new_path: str) -> None:
        """Give a file another name in its folder. A file that has this name already is never replaced."""
        try:
            # link(2) fails where rename(2) would replace.
            os.link(path, new_path, follow_symlinks=False)
            os.unlink(path)
            _sync_folder(path)
        except OSError as error:
            raise StepFailed(f"{path} cannot be renamed to {new_path}: {error.strerror}") from error

    def make_link(self, path: str, target: str) -> None:
        """Make a symbolic link, and the folder that it lies in."""
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)
            _sync_folder(path)
        except OSError as error:
            raise StepFailed(f"the link {path} cannot be made: {error.strerror}") from error

    def uptime(self) -> float:
        """Seconds of the monotonic clock, which systemd's monotonic timestamps count on."""
        return time.monotonic()
