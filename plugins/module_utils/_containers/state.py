# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What engines answer, as the state that a snapshot records: everything that is needed to make the same thing again.

Sources: the Docker Engine API (``GET /containers/<id>/json``, ``/networks``, ``/volumes``, ``/images/json``), and what
``podman container inspect``, ``pod inspect``, and ``network|volume|images ... --format json`` print. Seen on Docker 20.10 and
26.1 and on Podman 5.4.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import Unparsable
from .._snapshot.model import ContainerState, ImageState, NetworkState, PodState, VolumeState
from .inspect import parse_docker_inspect, parse_podman_inspect

if t.TYPE_CHECKING:
    from .model import Container

# Networks that an engine has by itself and that cannot be made.
PREDEFINED = {"docker": ("bridge", "host", "none"), "podman": ("podman", "host", "none")}
_NOT_OF_DOCKER_NETWORKS = ("Id", "Name", "Created", "Containers", "Services", "Peers", "Scope", "Status")
_ENDPOINT = ("IPAMConfig", "Links", "Aliases", "DriverOpts", "GwPriority", "NetworkID", "IPAddress", "GlobalIPv6Address")
_POD = ("CreateCommand", "InfraConfig", "SharedNamespaces", "ExitPolicy", "Labels", "RestartPolicy")
_NAMESPACES = ("NetworkMode", "IpcMode", "PidMode", "UTSMode", "UsernsMode")
_ANONYMOUS = re.compile(r"[0-9a-f]{64}$")
# "Up 3 seconds" between two tries of a loop is no health: Docker itself forgives failures after 10 seconds.
_SETTLED = 10.0


def parse_docker_state(text: str | bytes, user: str | None, now: float) -> ContainerState:
    """A container from the answer to ``GET /containers/<id>/json``; ``now`` is seconds since the epoch.

    :raises Unparsable: it cannot be read; the text names container and field
    """
    container = parse_docker_inspect(text, user)
    document = json.loads(text)
    status = "restarting" if _is_between_tries(container, now) else container.status
    return _state(container, document, document["Image"], status)


def parse_podman_states(text: str | bytes, user: str | None) -> tuple[tuple[ContainerState, ...], dict[str, str]]:
    """The containers of a ``podman container inspect`` answer, and of those that hold the namespaces of pods only the id
    and the id of the pod.

    :raises Unparsable: as :func:`parse_docker_state`
    """
    found, holders = [], {}
    for container, document in zip(parse_podman_inspect(text, user), json.loads(text)):
        if document.get("IsInfra"):
            holders[container.id] = document.get("Pod") or ""
        else:
            found.append(_state(container, document, document["Image"], container.status))
    return tuple(found), holders


def _is_between_tries(container: Container, now: float) -> bool:
    """Whether it fails over and over and happens to be tried at the moment."""
    looping = container.restarts > 1 and container.restart_policy not in ("", "no")
    return looping and container.status == "running" and 0 <= now - container.started < _SETTLED


def _state(container: Container, document: t.Mapping[str, t.Any], image_id: str, status: str) -> ContainerState:
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    joined = container.network_mode.startswith("container:")
    spec: dict[str, t.Any] = {
        "Config": document.get("Config") or {},
        "HostConfig": document.get("HostConfig") or {},
        "Mounts": document.get("Mounts") or [],
        "Networks": {} if joined else {name: _endpoint(one or {}) for name, one in networks.items()},
    }
    if document.get("Pod"):
        spec["Pod"] = document["Pod"]
    return ContainerState(
        engine=container.engine,
        user=container.user,
        id=container.id,
        name=container.name,
        image=container.image,
        image_id=image_id,
        status=status,
        restart_policy=_policy(spec["HostConfig"]),
        spec=spec,
        networks=tuple(sorted(spec["Networks"])),
        unit=container.unit,
        exit_code=container.exit_code,
        started=container.started,
    )


def _endpoint(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: settings[name] for name in _ENDPOINT if settings.get(name)}


def _policy(host_config: t.Mapping[str, t.Any]) -> str:
    policy = host_config.get("RestartPolicy") or {}
    name, tries = policy.get("Name") or "no", policy.get("MaximumRetryCount")
    return f"{name}:{tries}" if name == "on-failure" and tries else name


def drop_empty(value: t.Any) -> t.Any:
    """A document without what is null, false, zero or empty: versions of an engine differ in which of these they write."""
    if isinstance(value, dict):
        kept = {key: drop_empty(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one}
    return [drop_empty(one) for one in value] if isinstance(value, list) else value


def _list(text: str | bytes, what: str) -> list[t.Any]:
    try:
        found = json.loads(text or "[]")
    except ValueError as error:
        raise Unparsable(f"{what}: the answer is no JSON: {error}: {text[:80]!r}") from error
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unparsable(f"{what}: the answer is no list of objects: {text[:80]!r}")
    return found


def _text(entry: t.Mapping[str, t.Any], field: str, what: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value:
        raise Unparsable(f"{what}: {field} is {value!r}, which cannot be read")
    return value


def parse_docker_networks(text: str | bytes, user: str | None) -> tuple[NetworkState, ...]:
    """The networks that somebody made, from the answer to ``GET /networks``.

    :raises Unparsable: it is no such list
    """
    found = []
    for entry in _list(text, "docker networks"):
        name = _text(entry, "Name", "docker networks")
        if name not in PREDEFINED["docker"]:
            spec = drop_empty({key: value for key, value in entry.items() if key not in _NOT_OF_DOCKER_NETWORKS})
            found.append(NetworkState("docker", user, name, _text(entry, "Id", f"docker network {name}"), spec))
    return tuple(found)


def parse_podman_networks(text: str | bytes, user: str | None) -> tuple[NetworkState, ...]:
    """The networks that somebody made, from ``podman network ls --format json``.

    :raises Unparsable: it is no such list
    """
    found = []
    for entry in _list(text, "podman networks"):
        name = _text(entry, "name", "podman networks")
        if name not in PREDEFINED["podman"]:
            spec = drop_empty({key: value for key, value in entry.items() if key not in ("id", "name", "created", "containers")})
            found.append(NetworkState("podman", user, name, _text(entry, "id", f"podman network {name}"), spec))
    return tuple(found)


def parse_docker_volumes(text: str | bytes, user: str | None) -> tuple[VolumeState, ...]:
    """The volumes of the answer to ``GET /volumes``.

    :raises Unparsable: it is no such document
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Unparsable(f"docker volumes: the answer is no JSON: {error}: {text[:80]!r}") from error
    if not isinstance(document, dict):
        raise Unparsable(f"docker volumes: the answer is no object: {text[:80]!r}")
    return _volumes("docker", user, document.get("Volumes") or [])


def parse_podman_volumes(text: str | bytes, user: str | None) -> tuple[VolumeState, ...]:
    """The volumes that ``podman volume ls --format json`` prints.

    :raises Unparsable: it is no such list
    """
    return _volumes("podman", user, _list(text, "podman volumes"))


def _volumes(engine: str, user: str | None, entries: list[t.Any]) -> tuple[VolumeState, ...]:
    found = []
    for entry in entries:
        name = _text(entry, "Name", f"{engine} volumes")
        spec = {key: entry[key] for key in ("Driver", "Options", "Labels") if entry.get(key)}
        # Docker before 24 has no mark for them, and `--mount type=volume` without a name gets none at all.
        anonymous = bool(entry.get("Anonymous")) or bool(_ANONYMOUS.match(name))
        found.append(VolumeState(engine, user, name, spec, anonymous, str(entry.get("CreatedAt") or "")))
    return tuple(found)


def parse_docker_images(text: str | bytes, user: str | None) -> tuple[ImageState, ...]:
    """The images of the answer to ``GET /images/json``.

    :raises Unparsable: it is no such list
    """
    # "<none>:<none>" stands for an image without a name.
    return _images("docker", user, _list(text, "docker images"), "RepoTags")


def parse_podman_images(text: str | bytes, user: str | None) -> tuple[ImageState, ...]:
    """The images that ``podman images --format json`` prints.

    :raises Unparsable: it is no such list
    """
    return _images("podman", user, _list(text, "podman images"), "Names")


def _images(engine: str, user: str | None, entries: list[t.Any], names: str) -> tuple[ImageState, ...]:
    found: dict[str, ImageState] = {}
    for entry in entries:
        tags = tuple(sorted(str(one) for one in entry.get(names) or () if not str(one).startswith("<none>") and "@" not in str(one)))
        image_id = _text(entry, "Id", f"{engine} images")
        # Podman lists an image once for each of its repositories, and all its names each time.
        known = found[image_id].tags if image_id in found else ()
        found[image_id] = ImageState(engine, user, image_id, tuple(sorted({*known, *tags})))
    return tuple(found.values())


def parse_pods(text: str | bytes, user: str | None) -> tuple[PodState, ...]:
    """The pods of a ``podman pod inspect`` answer: a list, up to Podman 4 one object where one pod was asked for.

    :raises Unparsable: it is neither
    """
    text = text.decode() if isinstance(text, bytes) else text
    entries = _list(f"[{text}]" if text.lstrip().startswith("{") else text, "podman pods")
    found = []
    for entry in entries:
        name = _text(entry, "Name", "podman pods")
        spec = {key: drop_empty(entry[key]) for key in _POD if entry.get(key)}
        # In the order of a hash table; and podman's path, which depends on the caller.
        spec["SharedNamespaces"] = sorted(spec.get("SharedNamespaces") or ())
        spec["CreateCommand"] = ["podman", *spec["CreateCommand"][1:]] if spec.get("CreateCommand") else []
        unit = (entry.get("Labels") or {}).get("PODMAN_SYSTEMD_UNIT")
        found.append(PodState("podman", user, name, _text(entry, "Id", f"pod {name}"), str(entry.get("State", "")).lower(), spec, unit))
    return tuple(found)


def resolve_ids(
    containers: t.Sequence[ContainerState],
    networks: t.Sequence[NetworkState],
    pods: t.Sequence[PodState] = (),
    holders: t.Mapping[str, str] | None = None,
) -> tuple[ContainerState, ...]:
    """The containers of one engine with names in the place of the ids that their specifications refer to; ``holders`` as
    :func:`parse_podman_states` gives them. A reference to what is not there any more is left as it is."""
    names = {one.id: one.name for one in containers}
    of_networks = {one.id: one.name for one in networks}
    of_pods = {one.id: one.name for one in pods}
    names.update((holder, f"{of_pods.get(pod, pod)}-infra") for holder, pod in (holders or {}).items())
    found = []
    for one in containers:
        host_config = dict(one.spec["HostConfig"])
        for field in _NAMESPACES:
            mode = host_config.get(field)
            if isinstance(mode, str) and mode.startswith("container:"):
                host_config[field] = f"container:{names.get(mode[10:], mode[10:])}"
            elif field == "NetworkMode" and mode in of_networks:
                host_config[field] = of_networks[mode]
        spec = {**one.spec, "HostConfig": host_config}
        if "Pod" in spec:
            spec["Pod"] = of_pods.get(spec["Pod"], spec["Pod"])
        found.append(one._replace(spec=spec))
    return tuple(found)
