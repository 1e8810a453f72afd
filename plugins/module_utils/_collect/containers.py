# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The containers of every engine on the host: Docker by its API socket, Podman by its command."""

from __future__ import annotations

import re
import typing as t

from .._containers.inspect import parse_docker_inspect, parse_ids, parse_podman_inspect
from .._containers.log import parse_log_stream
from .._errors import CouldNotLook, Denied, NothingThere, TimedOut, Unparsable
from .._ports.model import BlindSpot
from .deadline import Deadline

if t.TYPE_CHECKING:
    from .._containers.model import Container
    from .._host import CommandResult, Host
    from .._http import HttpAnswer
    from .._units.model import Unit

DOCKER_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_USERS = "/run/user"
_STORAGE = "/var/lib/containers/storage"
_STORAGE_SETTINGS = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
# 'graphroot = "/srv/containers"', 'transient_store = true', not commented out
_OWN_STORAGE = re.compile(r"^\s*(?:graphroot|rootless_storage_path|transient_store)\s*=\s*['\"]?([^'\"\s]*)", re.MULTILINE)
_DOCKER_ROOT = re.compile(r'"data-root"\s*:\s*"([^"]+)"')
_ID = re.compile(r"[0-9a-f]{64}$")


class Containers(t.NamedTuple):
    """Every container that was seen, and what could not be seen."""

    containers: tuple[Container, ...]
    blind_spots: tuple[BlindSpot, ...]


class EngineUser(t.NamedTuple):
    """Whose rootless engine it is; None in its place stands for the system's."""

    uid: int
    name: str
    home: str


def collect_containers(host: Host, units: t.Mapping[str, Unit], timeout: float, docker_socket: str | None) -> Containers:
    """The containers of Docker and Podman, rootful and rootless, running or not.

    ``units`` are the system manager's by name. ``docker_socket`` is the path of an API socket elsewhere than usual.
    All engines together get ``timeout`` seconds; Docker at most half of them, so that one that hangs does not blind
    the other. An engine that could not be asked is a blind spot; one that is not installed is nothing.
    """
    seen: list[Containers] = [_docker(host, units, Deadline(host, timeout / 2), docker_socket)]
    clock = Deadline(host, timeout - (timeout / 2 if seen[0].blind_spots else 0))
    seen += [_rootless_docker(host, user, clock) for user in engine_users(host)]
    seen.append(_podman(host, clock))
    return Containers(
        tuple(container for look in seen for container in look.containers),
        tuple(spot for look in seen for spot in look.blind_spots),
    )


def read_container_log(host: Host, container: Container, timeout: float, lines: int, docker_socket: str | None = None) -> str:
    """The last lines that a container printed, standard output and error together.

    :raises CouldNotLook: they could not be read
    :raises NothingThere: the container is gone
    """
    if container.engine == "podman":
        user = next((user for user in engine_users(host) if user.name == container.user), None)
        if container.user is not None and user is None:
            raise CouldNotLook(f"{container.user} is not logged in, so its Podman was not asked")
        argv = ["podman", "logs", "--tail", str(lines), container.id]
        result = host.run(argv if user is None else as_user(host, user, argv), timeout)
        if result.rc != 0:
            raise CouldNotLook(f"podman logs {container.name}: {last_line(result)}")
        # What the container wrote to its two streams comes out of two again.
        return result.out + result.err
    clock = Deadline(host, timeout)
    for path in _docker_sockets_of(host, container.user, docker_socket):
        try:
            version = api_version(host, path, clock)
            target = f"/v{version}/containers/{container.id}/logs?stdout=1&stderr=1&tail={lines}"
            (answer,) = host.http_get(path, [target], clock.left(path))
        except NothingThere:
            continue
        if answer.status == 404:
            raise NothingThere(f"container {container.name} is gone")
        expect_ok(path, target, answer)
        return parse_log_stream(answer.body)
    raise CouldNotLook("Docker's socket is gone")


def _docker_sockets_of(host: Host, user: str | None, docker_socket: str | None) -> tuple[str, ...]:
    if user is not None:
        return tuple(f"{_USERS}/{one.uid}/docker.sock" for one in engine_users(host) if one.name == user)
    return (socket_path_of(docker_socket),) if docker_socket else DOCKER_SOCKETS


def engine_users(host: Host) -> list[EngineUser]:
    """The users whose rootless engines may be asked: everybody who is logged in (or lingers), for root; else the caller."""
    mine = host.euid()
    if mine != 0:
        uids = [mine]
    else:
        try:
            uids = sorted(int(name) for name in host.list_dir(_USERS) if name.isdigit() and name != "0")
        except (NothingThere, CouldNotLook):
            # No systemd-logind, so no runtime directories and no rootless engines that run.
            return []
    return [EngineUser(uid, host.user_name(uid), host.home(uid)) for uid in uids]


# --- Docker ---


def socket_path_of(text: str) -> str:
    """The path of a socket that may be written as a URL."""
    return text.removeprefix("unix://")


def _docker(host: Host, units: t.Mapping[str, Unit], clock: Deadline, docker_socket: str | None) -> Containers:
    if docker_socket:
        path = socket_path_of(docker_socket)
        try:
            return _ask_docker(host, path, None, clock)
        except NothingThere:
            return _docker_unseen(path, "the socket that was named does not exist", "Correct the option docker_socket.")
    service, listener = units.get("docker.service"), units.get("docker.socket")
    asleep = service is not None and service.active not in ("active", "activating", "reloading", "deactivating")
    if asleep and listener is not None and listener.active == "active":
        # A connection to docker.socket would start the engine and with it every container that is to restart.
        return _sleeping_docker(host)
    for path in DOCKER_SOCKETS:
        if is_podmans(host, path):
            continue
        try:
            return _ask_docker(host, path, None, clock)
        except NothingThere:
            continue
    if asleep:
        return _sleeping_docker(host)
    if service is not None:
        return _docker_unseen(
            DOCKER_SOCKETS[0],
            "docker.service runs, and its API socket is not where it usually is",
            "Name the socket in the option docker_socket.",
        )
    return Containers((), ())


def is_podmans(host: Host, path: str) -> bool:
    """Whether the socket is the link of podman-docker: its containers are Podman's, and asking would start a service."""
    try:
        return "podman" in host.read_link(path)
    except (NothingThere, CouldNotLook):
        return False


def _sleeping_docker(host: Host) -> Containers:
    """What is known while dockerd does not run: whether there are containers at all."""
    try:
        names = host.list_dir(f"{docker_root(host)}/containers")
    except NothingThere:
        return Containers((), ())
    except CouldNotLook as error:
        return _docker_blind(DOCKER_SOCKETS[0], error)
    count = sum(1 for name in names if _ID.match(name))
    if not count:
        return Containers((), ())
    return _docker_unseen(
        DOCKER_SOCKETS[0],
        f"docker.service does not run, and asking its socket would start it with its {count} container(s)",
        "If they are to run again: systemctl start docker.service, then look again.",
    )


def docker_root(host: Host) -> str:
    """The folder that Docker keeps its data in."""
    try:
        match = _DOCKER_ROOT.search(host.read_text("/etc/docker/daemon.json"))
    except NothingThere:
        match = None
    return match[1] if match else "/var/lib/docker"


def _rootless_docker(host: Host, user: EngineUser, clock: Deadline) -> Containers:
    try:
        return _ask_docker(host, f"{_USERS}/{user.uid}/docker.sock", user.name, clock)
    except NothingThere:
        return Containers((), ())


def _docker_unseen(path: str, why: str, remedy: str) -> Containers:
    return Containers((), (BlindSpot(f"the containers of Docker ({path})", why, True, remedy),))


def _docker_blind(path: str, error: CouldNotLook) -> Containers:
    if isinstance(error, Denied):
        remedy = "Run as root or as a member of the group docker."
    elif isinstance(error, TimedOut):
        remedy = "The engine hangs or is slow: look at 'journalctl -u docker.service', or raise the option timeout."
    else:
        remedy = "Look at 'systemctl status docker.service docker.socket'; remove the socket if Docker is gone for good."
    return _docker_unseen(path, str(error), remedy)


def _ask_docker(host: Host, path: str, user: str | None, clock: Deadline) -> Containers:
    """What the engine behind a socket says.

    :raises NothingThere: there is no such socket
    """
    try:
        version = api_version(host, path, clock)
        target = f"/v{version}/containers/json?all=1"
        (answer,) = host.http_get(path, [target], clock.left(path))
        ids = parse_ids(expect_ok(path, target, answer), "docker")
        return _inspect_docker(host, path, version, ids, user, clock)
    except CouldNotLook as error:
        return _docker_blind(path, error)


def api_version(host: Host, path: str, clock: Deadline) -> str:
    """The newest API version that the server speaks: 20.10 ends at 1.41, and 29 begins at 1.44, so none can be pinned."""
    (answer,) = host.http_get(path, ["/_ping"], clock.left(path))
    expect_ok(path, "/_ping", answer)
    version = answer.headers.get("api-version", "")
    if not re.match(r"\d+\.\d+$", version):
        raise Unparsable(f"{path} does not say which Docker API it speaks (Api-Version: {version[:40]!r})")
    return version


def expect_ok(path: str, target: str, answer: HttpAnswer) -> bytes:
    """The body of an answer that must be a good one.

    :raises CouldNotLook: it is none; the text quotes what the engine says
    """
    if answer.status != 200:
        text = answer.body[:200].decode("utf-8", "replace").strip()
        raise CouldNotLook(f"{path} answered GET {target} with {answer.status}: {text}")
    return answer.body


def _inspect_docker(host: Host, path: str, version: str, ids: tuple[str, ...], user: str | None, clock: Deadline) -> Containers:
    targets = [f"/v{version}/containers/{one}/json" for one in ids]
    if not targets:
        return Containers((), ())
    containers: list[Container] = []
    spots: list[BlindSpot] = []
    for target, answer in zip(targets, host.http_get(path, targets, clock.left(path))):
        if answer.status == 404:
            continue  # removed since it was listed
        try:
            containers.append(parse_docker_inspect(expect_ok(path, target, answer), user))
        except CouldNotLook as error:
            spots += _docker_blind(path, error).blind_spots
    return Containers(tuple(containers), tuple(spots))


# --- Podman ---


def _podman(host: Host, clock: Deadline) -> Containers:
    if not host.has("podman"):
        return Containers((), ())
    root = host.euid() == 0
    seen = [_podman_of(host, None, clock) if root else _roots_podman(host)]
    seen += [_podman_of(host, user, clock) for user in engine_users(host)]
    return Containers(
        tuple(container for look in seen for container in look.containers),
        tuple(spot for look in seen for spot in look.blind_spots),
    )


def _podman_of(host: Host, user: EngineUser | None, clock: Deadline) -> Containers:
    whose = f"Podman of {user.name}" if user else "Podman"
    try:
        stored = stored_ids(host, user)
        return Containers((), ()) if stored == () else _ask_podman(host, user, clock, stored)
    except CouldNotLook as error:
        return _podman_blind(whose, error)


def _roots_podman(host: Host) -> Containers:
    """What an ordinary user may know of root's Podman: only whether there may be containers."""
    try:
        if stored_ids(host, None) == ():
            return Containers((), ())
    except CouldNotLook:
        pass
    return Containers((), (BlindSpot("the containers of root's Podman", "only root may ask for them", True, "Run as root."),))


def _podman_blind(whose: str, error: CouldNotLook) -> Containers:
    remedy = "Try 'podman ps -a' as that user"
    remedy += ", or raise the option timeout." if isinstance(error, TimedOut) else "."
    return Containers((), (BlindSpot(f"the containers of {whose}", str(error), True, remedy),))


def stored_ids(host: Host, user: EngineUser | None) -> tuple[str, ...] | None:
    """The ids in Podman's storage, or None where it is configured to be elsewhere, so that only Podman can tell.

    Every container (and a few things that are none of Podman's) has a folder named by its id below
    ``<driver>-containers``. Looking there is far quicker than a command, of which an empty host needs none.
    """
    settings = (*_STORAGE_SETTINGS, *([f"{user.home}/.config/containers/storage.conf"] if user else []))
    root = f"{user.home}/.local/share/containers/storage" if user else _STORAGE
    for path in settings:
        try:
            if any(value not in (root, _STORAGE, "false") for value in _OWN_STORAGE.findall(host.read_text(path))):
                return None
        except NothingThere:
            continue
    try:
        folders = [name for name in host.list_dir(root) if name.endswith("-containers")]
        return tuple(name for folder in folders for name in host.list_dir(f"{root}/{folder}") if _ID.match(name))
    except NothingThere:
        return ()


def as_user(host: Host, user: EngineUser, argv: list[str]) -> list[str]:
    """The words that run a command as a user, with what Podman needs to find the user's containers."""
    if host.euid() == user.uid:
        return argv
    runtime = f"{_USERS}/{user.uid}"
    # From /, since another user may not enter the folder that root works in.
    surroundings = [f"HOME={user.home}", f"XDG_RUNTIME_DIR={runtime}", f"DBUS_SESSION_BUS_ADDRESS=unix:path={runtime}/bus"]
    return ["runuser", "-u", user.name, "--", "env", "-C", "/", *surroundings, *argv]


def _ask_podman(host: Host, user: EngineUser | None, clock: Deadline, stored: tuple[str, ...] | None) -> Containers:
    """What inspect says of the containers; ``stored`` are their ids, None where Podman is to list them.

    :raises CouldNotLook: it does not answer, or says what cannot be read
    """
    whose = f"Podman of {user.name}" if user else "Podman"

    def ask(*argv: str) -> CommandResult:
        command = ["podman", *argv]
        return host.run(as_user(host, user, command) if user else command, clock.left(whose))

    def listed() -> tuple[str, ...]:
        result = ask("ps", "-a", "--no-trunc", "--format", "json")
        if result.rc != 0:
            raise CouldNotLook(f"podman ps: {last_line(result)}")
        return parse_ids(result.out, "podman")

    found: dict[str, Container] = {}
    missing = listed() if stored is None else stored
    for _attempt in range(2):
        if not missing:
            break
        result = ask("inspect", "--type", "container", *missing)
        if result.out.strip():
            containers = parse_podman_inspect(result.out, user.name if user else None)
            found.update((container.id, container) for container in containers)
        # What was removed meanwhile, or is none of Podman's, is "no such object" to inspect, which shows the others.
        missing = tuple(one for one in missing if one not in found)
        if missing:
            present = listed()
            missing = tuple(one for one in present if one not in found)
    if not missing:
        return Containers(tuple(found.values()), ())
    error = CouldNotLook(f"podman inspect does not show {', '.join(one[:12] for one in missing)}: {last_line(result)}")
    return Containers(tuple(found.values()), _podman_blind(whose, error).blind_spots)


def last_line(result: CommandResult) -> str:
    """What a command that failed said at last."""
    lines = result.err.strip().splitlines() or [f"it exited with {result.rc} and said nothing"]
    return lines[-1]
