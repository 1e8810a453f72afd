# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What container engines answer to *inspect*: one document, JSON, per container.

Sources: the Docker Engine API (``GET /containers/<id>/json``), and ``podman inspect`` (libpod/define/container_inspect.go),
which follows it but for the places that are named below. Seen on Docker 20.10 and 26.1 and on Podman 5.4.
"""

from __future__ import annotations

import calendar
import json
import re
import typing as t

from .._errors import Unparsable
from .model import Container, Publish

if t.TYPE_CHECKING:
    Kind = t.Union[type, tuple[type, ...]]

# "2026-11-20T13:24:57.225541728Z" (Docker, always UTC), "2026-11-20T14:24:57.225541728+01:00" (Podman, local time)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))$")
# "9090/tcp"; a range appears in what images expose: "7000-7002/tcp"
_CONTAINER_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?$")
# "9090", "" (the engine chooses), "6000-6003" (the engine chooses one of them)
_HOST_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?$|$")
# What a published port may be that a claim can be made of; sctp is no claim of ours.
_PROTOS = ("tcp", "udp")
_COMPOSE_PROJECT = ("com.docker.compose.project", "io.podman.compose.project")
_COMPOSE_SERVICE = ("com.docker.compose.service", "io.podman.compose.service")


class _Document:
    """One container's document, with errors that name the container and the field."""

    def __init__(self, document: t.Any, engine: str) -> None:
        if not isinstance(document, dict):
            raise Unparsable(f"{engine} inspect: a container is {type(document).__name__}, not an object")
        self._root = document
        self.engine = engine
        self.label = f"{engine} container {document.get('Name') or document.get('Id') or 'without name and id'}"

    def unreadable(self, field: str, value: t.Any) -> Unparsable:
        return Unparsable(f"{self.label}: {field} is {json.dumps(value, default=repr)[:120]}, which cannot be read")

    def find(self, field: str, kind: Kind) -> t.Any:
        """The value at a dotted path, None where it is null or absent."""
        value: t.Any = self._root
        for name in field.split("."):
            if value is None:
                return None
            if not isinstance(value, dict):
                raise self.unreadable(field, value)
            value = value.get(name)
        # bool is an int to Python and never a number to an engine.
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.unreadable(field, value)
        return value

    def get(self, field: str, kind: Kind) -> t.Any:
        """The value at a dotted path, which decides something and so must be there."""
        value = self.find(field, kind)
        if value is None:
            raise Unparsable(f"{self.label}: {field} is missing")
        return value

    def table(self, field: str) -> dict[str, t.Any]:
        """The object at a dotted path; engines write an empty one as null. Its absence is an error."""
        parent, _dot, name = field.rpartition(".")
        if name not in self.get(parent, dict):
            raise Unparsable(f"{self.label}: {field} is missing")
        return self.find(field, dict) or {}


def parse_docker_inspect(text: str | bytes, user: str | None = None) -> Container:
    """One container from the answer of Docker to ``GET /containers/<id>/json``.

    ``user`` is the login name that a rootless engine runs as.

    :raises Unparsable: the text is no such document; the message names the container and the field
    """
    return _container(_Document(_load(text, "docker"), "docker"), user)


def parse_podman_inspect(text: str | bytes, user: str | None = None) -> tuple[Container, ...]:
    """The containers of a ``podman inspect`` answer, which is a list.

    :raises Unparsable: as :func:`parse_docker_inspect`
    """
    documents = _load(text, "podman")
    if not isinstance(documents, list):
        raise Unparsable(f"podman inspect: the answer is {type(documents).__name__}, not a list")
    return tuple(_container(_Document(document, "podman"), user) for document in documents)


def parse_ids(text: str | bytes, engine: str) -> tuple[str, ...]:
    """The container ids in a list of containers: ``GET /containers/json`` or ``podman ps --format json``."""
    entries = _load(text, engine)
    # Podman prints "[]" for none, some versions "null".
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise Unparsable(f"{engine}: the list of containers is {type(entries).__name__}, not a list")
    return tuple(_Document(entry, engine).get("Id", str) for entry in entries)


def parse_time(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0.0 for the zero time, which engines write for *never*.

    :raises ValueError: it is no such time
    """
    match = _TIME.match(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(number) for number in match.groups()[:6])
    if year <= 1:
        return 0.0
    seconds = float(calendar.timegm((year, month, day, hour, minute, second)))
    offset = (int(match[9]) * 60 + int(match[10])) * 60 if match[8] else 0
    return seconds + float(match[7] or 0) - (offset if match[8] == "+" else -offset)


def _load(text: str | bytes, engine: str) -> t.Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unparsable(f"{engine}: the answer is no JSON: {error}: {text[:80]!r}") from error


def _container(document: _Document, user: str | None) -> Container:
    mode = document.get("HostConfig.NetworkMode", str)
    labels = document.find("Config.Labels", dict) or {}
    # Who joins another's network (in a pod: everybody but the infra container) publishes nothing; Podman still shows
    # it the other's ports and addresses (NetworkSettings).
    joined = mode.startswith("container:")
    exposed = _exposed(document, joined)
    running = document.get("State.Status", str) in ("running", "paused")
    return Container(
        engine=document.engine,
        user=user,
        id=document.get("Id", str),
        # Docker writes "/name".
        name=document.get("Name", str).lstrip("/"),
        # Podman has the name of the image at the top; Docker has its id there.
        image=document.find("ImageName", str) or document.get("Config.Image", str),
        status=document.get("State.Status", str),
        exit_code=document.get("State.ExitCode", int),
        error=document.find("State.Error", str) or "",
        # Podman writes "" or "no" for none.
        restart_policy=document.find("HostConfig.RestartPolicy.Name", str) or "no",
        restarts=document.find("RestartCount", int) or 0,
        # Docker up to 25 keeps the word that was asked with.
        network_mode="bridge" if mode == "default" else mode,
        published=() if joined else _published(document, exposed),
        # Podman keeps showing the ports of a container that is stopped.
        bound=_publishes(document, "NetworkSettings.Ports") if running and not joined else (),
        exposed=exposed,
        addresses=() if joined else _addresses(document),
        argv=_argv(document),
        pid=document.get("State.Pid", int),
        started=_moment(document, "State.StartedAt"),
        finished=_moment(document, "State.FinishedAt"),
        compose_project=_first(labels, _COMPOSE_PROJECT),
        compose_service=_first(labels, _COMPOSE_SERVICE),
        unit=_first(labels, ("PODMAN_SYSTEMD_UNIT",)),
        data=_data(document),
    )


def _data(document: _Document) -> tuple[str, ...]:
    """``{"Type": "bind", "Source": "/srv/data", "RW": true}``, ``{"Type": "volume", "Name": "shop-db", "RW": true}``;
    what is read-only is no data of its own."""
    found = []
    for mount in document.find("Mounts", list) or []:
        if not isinstance(mount, dict):
            raise document.unreadable("Mounts", mount)
        kind, source, name = mount.get("Type"), mount.get("Source"), mount.get("Name")
        if not mount.get("RW"):
            continue
        if kind == "volume" and isinstance(name, str) and name:
            found.append(f"volume:{name}")
        elif kind == "bind" and isinstance(source, str) and source:
            found.append(source)
    return tuple(dict.fromkeys(found))


def _first(labels: dict[str, t.Any], names: tuple[str, ...]) -> str | None:
    return next((str(labels[name]) for name in names if labels.get(name)), None)


def _moment(document: _Document, field: str) -> float:
    text = document.find(field, str)
    try:
        return parse_time(text) if text else 0.0
    except ValueError as error:
        raise document.unreadable(field, text) from error


def _argv(document: _Document) -> tuple[str, ...]:
    """What runs: both engines keep entrypoint and command, joined, as a path and its arguments."""
    path = document.find("Path", str)
    arguments = document.find("Args", list) or []
    return tuple(str(word) for word in ([path, *arguments] if path else arguments))


def _addresses(document: _Document) -> tuple[str, ...]:
    found = []
    networks = document.find("NetworkSettings.Networks", dict) or {}
    # Before Docker 29 the default bridge's address also stands above the networks, and rootful Podman's does.
    for network in (*networks.values(), document.find("NetworkSettings", dict) or {}):
        for field in ("IPAddress", "GlobalIPv6Address"):
            address = network.get(field) if isinstance(network, dict) else None
            if address and address not in found:
                found.append(address)
    return tuple(found)


def _exposed(document: _Document, joined: bool) -> tuple[tuple[str, int], ...]:
    found = set()
    # Docker and Podman 5 have them in Config, older Podman only in the keys of NetworkSettings.Ports.
    ports = {} if joined else document.table("NetworkSettings.Ports")
    for key in {**(document.find("Config.ExposedPorts", dict) or {}), **ports}:
        for proto, port in _container_ports(document, "Config.ExposedPorts", key):
            if proto in _PROTOS:
                found.add((proto, port))
    return tuple(sorted(found))


def _container_ports(document: _Document, field: str, key: str) -> list[tuple[str, int]]:
    match = _CONTAINER_PORT.match(key)
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if match is None or not 0 < first <= last <= 65535:
        raise document.unreadable(field, key)
    return [(match[3] or "tcp", port) for port in range(first, last + 1)]


def _published(document: _Document, exposed: tuple[tuple[str, int], ...]) -> tuple[Publish, ...]:
    named = _publishes(document, "HostConfig.PortBindings")
    if not document.find("HostConfig.PublishAllPorts", bool):
        return named
    # `docker run -P`: every exposed port that is not named gets a port that the engine chooses.
    taken = {(publish.proto, publish.container_port) for publish in named}
    return named + tuple(Publish(proto, "*", None, port) for proto, port in exposed if (proto, port) not in taken)


def _publishes(document: _Document, field: str) -> tuple[Publish, ...]:
    """The ports of ``{"80/tcp": [{"HostIp": "", "HostPort": "8081"}], "8080/tcp": null}``; null is exposed only."""
    found = []
    for key, bindings in document.table(field).items():
        for proto, container_port in _container_ports(document, field, key):
            if not isinstance(bindings, list) and bindings is not None:
                raise document.unreadable(f"{field}[{key}]", bindings)
            for binding in bindings or []:
                if proto in _PROTOS:
                    found.append(_publish(document, f"{field}[{key}]", binding, proto, container_port))
    # Podman repeats them in some versions.
    return tuple(dict.fromkeys(found))


def _publish(document: _Document, field: str, binding: t.Any, proto: str, container_port: int) -> Publish:
    if not isinstance(binding, dict):
        raise document.unreadable(field, binding)
    address, port = binding.get("HostIp", binding.get("HostIP")), binding.get("HostPort")
    match = _HOST_PORT.match(port) if isinstance(port, str) else None
    if match is None or not isinstance(address, (str, type(None))):
        raise document.unreadable(field, binding)
    number = int(match[1] or 0)
    if number > 65535:
        raise document.unreadable(field, binding)
    # Of a range the engine takes one that is free: no claim on any of them. 0 is what "" becomes in Podman's API.
    chosen = number == 0 or match[2] is not None
    return Publish(proto, _address(document.engine, address), None if chosen else number, container_port)


def _address(engine: str, address: str | None) -> str:
    if address:
        return address
    # Where no address was asked for, Docker takes 0.0.0.0 and [::], Podman 0.0.0.0 alone (from 5 on it writes that).
    return "*" if engine == "docker" else "0.0.0.0"
