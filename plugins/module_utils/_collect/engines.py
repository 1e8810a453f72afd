# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""All that the container engines of a host have: Docker by its API socket, Podman by its command.

An engine that is not installed has nothing. One that is there and cannot be asked is ``unseen``; so is a Docker that does
not run while containers of it lie on the disk, since asking its socket would start it, and them. (That it does not run is
a unit's state, and recorded as one.)
"""

from __future__ import annotations

import re
import typing as t
from functools import partial

from .._containers.inspect import parse_ids
from .._containers.state import (
    parse_docker_images,
    parse_docker_networks,
    parse_docker_state,
    parse_docker_volumes,
    parse_podman_images,
    parse_podman_networks,
    parse_podman_states,
    parse_podman_volumes,
    parse_pods,
    resolve_ids,
)
from .._errors import CouldNotLook, Denied, GuardError, NothingThere
from .._snapshot.model import Engines
from .._snapshot.pins import leave_out_pins
from .containers import (
    DOCKER_SOCKETS,
    EngineUser,
    api_version,
    as_user,
    docker_root,
    engine_users,
    expect_ok,
    is_podmans,
    last_line,
    socket_path_of,
    stored_ids,
)
from .deadline import Deadline
from .engine_clients import collect_docker_units

if t.TYPE_CHECKING:
    from .._host import Host
    from .._snapshot.model import ContainerState

_ID = re.compile(r"[0-9a-f]{64}$")
_Look = t.Callable[[], Engines]
_Told = t.TypeVar("_Told")


class DockerDoor(t.NamedTuple):
    """Where a Docker engine is asked: its socket, the API version that both sides speak, whose it is."""

    socket: str
    version: str
    user: str | None


def collect_engines(host: Host, timeout: float, docker_socket: str | None = None) -> Engines:
    """What Docker and Podman have, rootful and rootless, within ``timeout`` seconds for each of them; they are asked beside
    each other. ``docker_socket`` is the path of an API socket elsewhere than usual.

    What an engine did not tell completely is ``unseen`` as a whole: a container that is not listed is not there. Our own
    pins of images are left out.
    """
    looks: list[tuple[str, _Look]] = [("docker", partial(_docker, host, timeout, docker_socket))]
    users = engine_users(host)
    looks += [(f"docker of {user.name}", partial(_rootless_docker, host, user, timeout)) for user in users]
    if host.has("podman"):
        looks.append(("podman", partial(_podman, host, None, timeout)))
        looks += [(f"podman of {user.name}", partial(_podman, host, user, timeout)) for user in users]
    begun = [host.beside(partial(_guarded, whose, look)) for whose, look in looks]
    return join_engines([answer() for answer in begun])


def join_engines(parts: t.Sequence[Engines]) -> Engines:
    """Several engines' parts as one."""
    return Engines(
        containers=tuple(one for part in parts for one in part.containers),
        networks=tuple(one for part in parts for one in part.networks),
        volumes=tuple(one for part in parts for one in part.volumes),
        images=tuple(one for part in parts for one in part.images),
        unseen=tuple(one for part in parts for one in part.unseen),
        pods=tuple(one for part in parts for one in part.pods),
    )


def _guarded(whose: str, look: _Look) -> Engines:
    try:
        return look()
    except GuardError as error:
        return Engines(unseen=((whose, str(error)),))


# --- Docker ---


def find_docker(host: Host, clock: Deadline, docker_socket: str | None = None) -> DockerDoor | None:
    """Where the system's Docker is asked; None where there is none.

    :raises CouldNotLook: it is there and does not answer, or it sleeps and would wake up
    """
    paths = (socket_path_of(docker_socket),) if docker_socket else DOCKER_SOCKETS
    if not docker_socket and _is_asleep(host, clock):
        _expect_no_containers(host)
        return None
    for path in paths:
        if is_podmans(host, path):
            continue
        try:
            return DockerDoor(path, api_version(host, path, clock), None)
        except NothingThere:
            continue
    if docker_socket:
        raise CouldNotLook(f"the socket {paths[0]} that was named does not exist")
    _expect_no_containers(host)
    return None


def _is_asleep(host: Host, clock: Deadline) -> bool:
    """Whether dockerd does not run and systemd listens for it."""
    try:
        answer = host.run(["systemctl", "is-active", "docker.service", "docker.socket"], clock.left("Docker's units"))
    except CouldNotLook:
        return False  # no systemd, so nobody listens for it
    service, listener = (*answer.out.split(), "", "")[:2]
    return listener == "active" and service in ("inactive", "failed", "unknown")


def _expect_no_containers(host: Host) -> None:
    """See that a Docker that does not run has no containers.

    :raises CouldNotLook: it has some
    """
    try:
        count = sum(1 for name in host.list_dir(f"{docker_root(host)}/containers") if _ID.match(name))
    except NothingThere:
        count = 0
    if count:
        raise CouldNotLook(f"dockerd does not run; {count} container(s) lie on the disk, and asking its socket would start them")


def find_rootless_docker(host: Host, user: EngineUser, clock: Deadline) -> DockerDoor | None:
    """Where a user's own Docker is asked; None where there is none."""
    path = f"/run/user/{user.uid}/docker.sock"
    try:
        return DockerDoor(path, api_version(host, path, clock), user.name)
    except NothingThere:
        return None


def _docker(host: Host, timeout: float, docker_socket: str | None) -> Engines:
    clock = Deadline(host, timeout)
    door = find_docker(host, clock, docker_socket)
    return Engines() if door is None else _ask_docker(host, door, clock)


def _rootless_docker(host: Host, user: EngineUser, timeout: float) -> Engines:
    clock = Deadline(host, timeout)
    door = find_rootless_docker(host, user, clock)
    return Engines() if door is None else _ask_docker(host, door, clock)


def _ask_docker(host: Host, door: DockerDoor, clock: Deadline) -> Engines:
    targets = [f"/v{door.version}/{what}" for what in ("containers/json?all=1", "networks", "volumes", "images/json")]
    answers = list(host.http_get(door.socket, targets, clock.left(door.socket)))
    ids, networks, volumes, images = (expect_ok(door.socket, *pair) for pair in zip(targets, answers))
    made = parse_docker_networks(networks, door.user)
    units = collect_docker_units(host) if door.user is None else {}
    containers = tuple(
        one._replace(unit=one.unit or units.get(one.name)) for one in _docker_states(host, door, parse_ids(ids, "docker"), clock)
    )
    found = Engines(
        containers=resolve_ids(containers, made),
        networks=made,
        volumes=parse_docker_volumes(volumes, door.user),
        images=parse_docker_images(images, door.user),
    )
    return leave_out_pins(found)


def _docker_states(host: Host, door: DockerDoor, ids: t.Sequence[str], clock: Deadline) -> t.Iterator[ContainerState]:
    targets = [f"/v{door.version}/containers/{one}/json" for one in ids]
    if not targets:
        return
    for target, answer in zip(targets, host.http_get(door.socket, targets, clock.left(door.socket))):
        if answer.status != 404:  # not removed since it was listed
            yield parse_docker_state(expect_ok(door.socket, target, answer), door.user, host.now())


# --- Podman ---


class Podman:
    """The Podman of the system (``user`` is None) or of a user, asked by its command."""

    def __init__(self, host: Host, user: EngineUser | None, clock: Deadline) -> None:
        self._host, self._user, self._clock = host, user, clock
        self.whose = f"Podman of {user.name}" if user else "Podman"

    def run(self, *argv: str, environment: t.Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Return code, output, and the last line of what it said on standard error."""
        command = ["podman", *argv]
        words = as_user(self._host, self._user, command) if self._user else command
        result = self._host.run(words, self._clock.left(self.whose), environment)
        return result.rc, result.out, last_line(result)

    def ask(self, *argv: str) -> str:
        """What a command prints.

        :raises CouldNotLook: it failed
        """
        rc, out, said = self.run(*argv)
        if rc != 0:
            raise CouldNotLook(f"{self.whose}: podman {' '.join(argv[:2])}: {said}")
        return out

    def inspect(self, kind: str, ids: t.Sequence[str], parse: t.Callable[[str], _Told], again: t.Callable[[], t.Sequence[str]]) -> _Told:
        """What inspect says of containers or pods; one that vanishes meanwhile is left out.

        :raises CouldNotLook: it does not show one that is still there
        """
        while ids:
            rc, out, said = self.run(kind, "inspect", *ids)
            if rc == 0:
                return parse(out)
            left = [one for one in again() if one in ids]
            if len(left) == len(ids):
                raise CouldNotLook(f"{self.whose}: podman {kind} inspect: {said}")
            ids = left
        return parse("[]")


def _podman(host: Host, user: EngineUser | None, timeout: float) -> Engines:
    if user is None and host.euid() != 0:
        raise Denied("only root may ask for the containers of root's Podman")
    if _never_used(host, user):
        return Engines()
    podman = Podman(host, user, Deadline(host, timeout))
    login = user.name if user else None

    def containers() -> tuple[str, ...]:
        return parse_ids(podman.ask("ps", "--all", "--no-trunc", "--format", "json"), "podman")

    def pods() -> tuple[str, ...]:
        return tuple(podman.ask("pod", "ps", "--no-trunc", "--quiet").split())

    states, holders = podman.inspect("container", containers(), lambda text: parse_podman_states(text, login), containers)
    made = parse_podman_networks(podman.ask("network", "ls", "--format", "json"), login)
    their_pods = podman.inspect("pod", pods(), lambda text: parse_pods(text, login), pods)
    found = Engines(
        containers=resolve_ids(states, made, their_pods, holders),
        networks=made,
        volumes=parse_podman_volumes(podman.ask("volume", "ls", "--format", "json"), login),
        images=parse_podman_images(podman.ask("images", "--no-trunc", "--format", "json"), login),
        pods=their_pods,
    )
    return leave_out_pins(found)


def _never_used(host: Host, user: EngineUser | None) -> bool:
    """Whether Podman has no storage yet, so that nothing needs to be asked (asking would make it)."""
    if stored_ids(host, user) is None:
        return False  # it is configured to be elsewhere
    root = f"{user.home}/.local/share/containers/storage" if user else "/var/lib/containers/storage"
    return not host.exists(root) and (user is not None or not host.exists("/etc/containers/networks"))
