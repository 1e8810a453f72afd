# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The one door to the machine. Everything that touches the host goes through a :class:`Host`."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import shutil
import socket
import stat
import termios
import threading
import time
import typing as t

from ._errors import CouldNotLook, Denied, NothingThere, StepFailed, TimedOut, ToolMissing
from ._http import HttpAnswer, HttpConnection, HttpRequest

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


class PathFacts(t.NamedTuple):
    """Of what is at a path: ``st_mode``, owner, group, and the file system that it lies on."""

    mode: int
    uid: int
    gid: int
    device: int


class Host(t.Protocol):
    """A machine to look at. Every method raises :class:`CouldNotLook` (or a child) when it could not look, and
    :class:`NothingThere` when the thing asked for does not exist. Times are seconds."""

    def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult: ...

    def beside(self, look: t.Callable[[], Answer]) -> t.Callable[[], Answer]: ...

    def has(self, program: str) -> bool: ...

    def read_bytes(self, path: str) -> bytes: ...

    def read_text(self, path: str) -> str: ...

    def list_dir(self, path: str) -> list[str]: ...

    def entries(self, path: str) -> list[tuple[str, str]]: ...

    def read_regular(self, path: str, most: int) -> bytes: ...

    def read_start(self, path: str, size: int) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def mode_and_size(self, path: str) -> tuple[int, int]: ...

    def path_facts(self, path: str) -> PathFacts: ...

    def real_path(self, path: str) -> str: ...

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

    def write_files(self, files: t.Sequence[tuple[str, bytes, int]]) -> None: ...

    def remove_file(self, path: str) -> None: ...

    def rename(self, path: str, new_path: str) -> None: ...

    def make_link(self, path: str, target: str) -> None: ...

    def http_send(self, socket_path: str, request: HttpRequest, timeout: float) -> HttpAnswer: ...

    def remove_tree(self, path: str) -> None: ...

    def remove_empty_folder(self, path: str) -> None: ...

    def free_bytes(self, path: str) -> int: ...

    def lock(self, path: str, timeout: float) -> t.ContextManager[bool]: ...


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


def _write_through(path: str, content: bytes, mode: int) -> None:
    """Write a file and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _take_back(done: t.Sequence[tuple[str, str]]) -> None:
    """Give paths what they had: the second of each pair is a hard link to it, missing where there was nothing."""
    for path, old in done:
        with contextlib.suppress(OSError):
            try:
                os.rename(old, path)
            except FileNotFoundError:
                os.unlink(path)
            _sync_folder(path)


def _lock_within(descriptor: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)


def _has_unread(process: t.Any) -> bool:
    """Whether there is anything left to read of what a process has printed. An end that was not read yet is not: a pipe
    that another process still holds may have none."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None and not stream.closed]
    return any(fcntl.ioctl(stream.fileno(), termios.FIONREAD, bytes(4)) != bytes(4) for stream in streams)


def _wait_for_its_end(process: t.Any) -> None:
    """Let ``process.poll()`` wait a moment for the end of a process, and tell of it only when all was read that it printed.

    ``AnsibleModule.run_command`` (read in ansible-core 2.19) asks twice in a row whether the process has ended when both pipes
    are closed; where it ends between the two, it sleeps for a second over nothing. One run in ten met that. And where a
    process is silent for a second, then prints and ends before it is asked, what it printed is dropped: on a busy host lists
    came out empty, with exit code 0.
    """

    def poll() -> int | None:
        if _has_unread(process):
            return None
        try:
            code = int(process.wait(timeout=0.05))
        except Exception:  # subprocess.TimeoutExpired, a name that the sanity tests forbid to import
            return None
        return None if _has_unread(process) else code

    process.poll = poll


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


class LocalHost:
    """The machine that this runs on, by what the kernel offers: all but running commands, which each door does its own
    way."""

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

    def read_start(self, path: str, size: int) -> bytes:
        """The first ``size`` bytes of a regular file, links followed; never waits for a writer.

        :raises CouldNotLook: it is no regular file
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _failed_look(path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CouldNotLook(f"{path} is no regular file")
            return os.read(descriptor, size)
        except OSError as error:
            raise _failed_look(path, error) from error
        finally:
            os.close(descriptor)

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

    def path_facts(self, path: str) -> PathFacts:
        """Facts of what is at a path itself: a link there is not followed."""
        try:
            found = os.lstat(path)
        except OSError as error:
            raise _failed_look(path, error) from error
        return PathFacts(found.st_mode, found.st_uid, found.st_gid, found.st_dev)

    def real_path(self, path: str) -> str:
        """The path without any link in it."""
        return os.path.realpath(path)

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
        yield from self._ask(socket_path, [HttpRequest("GET", target) for target in targets], timeout)

    def http_send(self, socket_path: str, request: HttpRequest, timeout: float) -> HttpAnswer:
        """Ask the server behind a Unix socket for a change. Its answer, whatever its status, is for the caller to read."""
        (answer,) = self._ask(socket_path, [request], timeout)
        return answer

    def _ask(self, socket_path: str, requests: t.Sequence[HttpRequest], timeout: float) -> t.Iterator[HttpAnswer]:
        connection = HttpConnection(socket_path, time.monotonic() + timeout)
        try:
            for request in requests:
                yield connection.ask(request)
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
            _sync_folder(path)
        except OSError as error:
            raise StepFailed(f"{path} cannot be made: {error.strerror}") from error

    def write_file(self, path: str, content: bytes, mode: int) -> None:
        """Write a file so that, whatever happens, it has either its old or its new content, and the new one once this
        returns."""
        temporary = f"{path}.{os.getpid()}.new"
        is_there = False
        try:
            _write_through(temporary, content, mode)
            os.rename(temporary, path)
            is_there = True
            _sync_folder(path)
        except OSError as error:
            # Half of a file takes space where there is none.
            if not is_there:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise StepFailed(f"{path} cannot be written: {error.strerror}") from error

    def write_files(self, files: t.Sequence[tuple[str, bytes, int]]) -> None:
        """Write files (path, content, mode) that belong together: all of them are on the disk before the first takes its
        name, and those that have taken theirs are put back when one cannot.

        :raises StepFailed: one cannot be written; all paths have what they had before
        """
        staged = [(path, f"{path}.{os.getpid()}.new", f"{path}.{os.getpid()}.old") for path, _content, _mode in files]
        done: list[tuple[str, str]] = []
        at = ""
        try:
            for (path, content, mode), (_path, new, _old) in zip(files, staged):
                at = path
                _write_through(new, content, mode)
            for at, new, old in staged:
                with contextlib.suppress(FileNotFoundError):
                    os.link(at, old, follow_symlinks=False)
                done.append((at, old))
                os.rename(new, at)
                _sync_folder(at)
        except OSError as error:
            _take_back(done)
            raise StepFailed(f"{at} cannot be written: {error.strerror}; nothing was changed") from error
        finally:
            for _path, new, old in staged:
                for temporary in (new, old):
                    with contextlib.suppress(OSError):
                        os.unlink(temporary)

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

    def remove_tree(self, path: str) -> None:
        """Remove a folder of ours with all that is in it, links not followed; one that is gone already is no error."""
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StepFailed(f"{path} cannot be removed: {error.strerror}") from error

    def remove_empty_folder(self, path: str) -> None:
        """Remove a folder; one that is gone already, or has something in it, is left."""
        try:
            os.rmdir(path)
            _sync_folder(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise StepFailed(f"{path} cannot be removed: {error.strerror}") from error

    def free_bytes(self, path: str) -> int:
        """Bytes that root may still write to the file system that a path lies on."""
        try:
            found = os.statvfs(path)
        except OSError as error:
            raise _failed_look(path, error) from error
        return found.f_bfree * found.f_frsize

    @contextlib.contextmanager
    def lock(self, path: str, timeout: float) -> t.Iterator[bool]:
        """Hold the lock of a file (flock(2)), made where it is missing; says whether it was had within ``timeout``
        seconds. It ends with the process that holds it, however that ends.

        :raises StepFailed: the file cannot be opened
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StepFailed(f"{path} cannot be opened: {error.strerror}") from error
        try:
            yield _lock_within(descriptor, timeout)
        finally:
            os.close(descriptor)

    def uptime(self) -> float:
        """Seconds of the monotonic clock, which systemd's monotonic timestamps count on."""
        return time.monotonic()


class AnsibleHost(LocalHost):
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

    def run(self, argv: t.Sequence[str], timeout: float, environment: t.Mapping[str, str] | None = None) -> CommandResult:
        """Run a command, without a shell, for at most ``timeout`` seconds; ``environment`` is added to its own.

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
                environ_update={"LC_ALL": "C.UTF-8", "LANGUAGE": "", **(environment or {})},
                before_communicate_callback=_wait_for_its_end,
            )
        except OSError as error:
            raise CouldNotLook(f"{argv[0]} could not be started: {error}") from error
        if limiter is not None and rc in _TIMEOUT_EXIT_CODES:
            raise TimedOut(f"'{' '.join(argv[:3])}' did not end within {timeout:g} s")
        return CommandResult(rc, out, err)
