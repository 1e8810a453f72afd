# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The steps of a restore that Docker does, through its API socket."""

from __future__ import annotations

import json
import typing as t

from .._containers.inspect import parse_ids
from .._errors import CouldNotLook, StepFailed
from .._http import HttpRequest
from .._snapshot.docker_requests import (
    parse_version,
    render_docker_create,
    render_endpoint,
    render_network,
    render_update,
    render_volume,
)
from .._snapshot.model import ContainerState, NetworkState, VolumeState
from .._snapshot.pins import LABEL, is_of_snapshot, keeper_body, name_keeper, name_pin

if t.TYPE_CHECKING:
    from .._collect.deadline import Deadline
    from .._collect.engines import DockerDoor
    from .._host import WritableHost
    from .._snapshot.engine_plan import EngineStep

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@")
_PORT_IS_TAKEN = ("port is already allocated", "address already in use")
_TRIES = 5  # to get a port from a process that is just ending, 0.4 s apart
_LONGEST_STOP = 30  # seconds that a container gets to end by itself


class DockerSteps:
    """Does steps through one engine's API. ``present`` are the ids of the containers that it has, by name."""

    def __init__(self, host: WritableHost, door: DockerDoor, clock: Deadline, present: t.Mapping[str, str]) -> None:
        self._host, self._door, self._clock = host, door, clock
        self._ids = dict(present)

    def do(self, step: EngineStep) -> None:
        """One step.

        :raises StepFailed: the engine refuses it
        :raises CouldNotLook: the engine does not answer
        """
        verbs: dict[str, t.Callable[[EngineStep], None]] = {
            "remove": self._remove,
            "stop": self._stop,
            "disconnect": self._disconnect,
            "remove_network": lambda step: self._send("DELETE", f"/networks/{_quote(step.id or step.name)}", fine=(404,)),
            "tag": lambda step: self._tag(step.detail, step.name),
            "make_network": self._make_network,
            "make_volume": self._make_volume,
            "rename": self._rename,
            "create": self._create,
            "connect": self._connect,
            "update": self._update,
            "start": self._start,
            "restart": lambda step: self._post(step, "restart"),
            "pause": lambda step: self._post(step, "pause"),
            "unpause": lambda step: self._post(step, "unpause"),
        }
        verbs[step.verb](step)

    def _send(self, method: str, path: str, body: t.Any = None, fine: tuple[int, ...] = ()) -> None:
        self._ask(method, path, body, fine)

    def _ask(self, method: str, path: str, body: t.Any = None, fine: tuple[int, ...] = ()) -> t.Any:
        target = f"/v{self._door.version}{path}"
        content = None if body is None else json.dumps(body).encode()
        answer = self._host.http_send(self._door.socket, HttpRequest(method, target, content), self._clock.left("Docker"))
        if answer.status >= 400 and answer.status not in fine:
            raise StepFailed(f"{method} {path.partition('?')[0]}: {answer.status}: {_message(answer.body)}")
        try:
            return json.loads(answer.body) if answer.body and answer.status < 400 else {}
        except ValueError:
            return {}

    def _container(self, step: EngineStep) -> str:
        return f"/containers/{_quote(step.id or self._ids.get(step.name) or step.name)}"

    def _post(self, step: EngineStep, verb: str, fine: tuple[int, ...] = ()) -> None:
        self._send("POST", f"{self._container(step)}/{verb}", fine=fine)

    def _remove(self, step: EngineStep) -> None:
        path = self._container(step)
        # So that nothing starts it again between stop and removal.
        self._send("POST", f"{path}/update", {"RestartPolicy": {"Name": "no"}}, fine=(404, 409, 500))
        self._halt(path, fine=(404, 409))
        self._send("DELETE", f"{path}?force=1", fine=(404, 409))
        self._ids.pop(step.name, None)

    def _halt(self, path: str, fine: tuple[int, ...] = ()) -> None:
        # A frozen process hears no signal.
        self._send("POST", f"{path}/unpause", fine=(404, 409, 500))
        self._send("POST", f"{path}/stop", fine=fine)

    def _stop(self, step: EngineStep) -> None:
        self._halt(self._container(step))

    def _disconnect(self, step: EngineStep) -> None:
        body = {"Container": step.id or self._ids.get(step.name, step.name), "Force": True}
        try:
            self._send("POST", f"/networks/{_quote(step.detail)}/disconnect", body, fine=(404,))
        except StepFailed as error:
            if "is not connected" not in str(error):
                raise

    def _connect(self, step: EngineStep) -> None:
        container = _recorded(step, ContainerState)
        self._join(container, step.id or self._ids.get(step.name, step.name), step.detail)

    def _join(self, container: ContainerState, container_id: str, network: str) -> None:
        body = {"Container": container_id, "EndpointConfig": render_endpoint(container, network)}
        self._send("POST", f"/networks/{_quote(network)}/connect", body)

    def _tag(self, image_id: str, tag: str) -> None:
        repository, _colon, name = tag.rpartition(":")
        self._send("POST", f"/images/{_quote(image_id)}/tag?repo={_quote(repository)}&tag={_quote(name)}")

    def _make_network(self, step: EngineStep) -> None:
        self._send("POST", "/networks/create", render_network(_recorded(step, NetworkState)))

    def _make_volume(self, step: EngineStep) -> None:
        self._send("POST", "/volumes/create", render_volume(_recorded(step, VolumeState)))

    def _rename(self, step: EngineStep) -> None:
        self._send("POST", f"{self._container(step)}/rename?name={_quote(step.detail)}")
        self._ids[step.detail] = self._ids.pop(step.name, step.id)

    def _update(self, step: EngineStep) -> None:
        self._send("POST", f"{self._container(step)}/update", render_update(_recorded(step, ContainerState)))

    def _create(self, step: EngineStep) -> None:
        container = _recorded(step, ContainerState)
        wanted = render_docker_create(container, parse_version(self._door.version), self._ids, self._image(container))
        answer = self._ask("POST", f"/containers/create?name={_quote(container.name)}", wanted.body)
        made = self._ids[container.name] = str(answer.get("Id", container.name))
        for network in wanted.connect:
            self._join(container, made, network)
        for network in wanted.disconnect:
            self._send("POST", f"/networks/{_quote(network)}/disconnect", {"Container": made, "Force": True})

    def _image(self, container: ContainerState) -> str:
        """The name that the container was made of where it still names the same image, else the image's id."""
        found = self._ask("GET", f"/images/{_quote(container.image)}/json", fine=(400, 404))
        return container.image if found.get("Id") == container.image_id else container.image_id

    def _start(self, step: EngineStep) -> None:
        for left in range(_TRIES, 0, -1):
            try:
                self._post(step, "start")
            except StepFailed as error:
                if left == 1 or not any(text in str(error) for text in _PORT_IS_TAKEN):
                    raise
                self._host.run(["sleep", "0.4"], self._clock.left("a port to be free"))
            else:
                return

    def pin(self, snapshot_id: str, number: int, image_id: str) -> None:
        """Keep an image for a snapshot.

        :raises StepFailed: the engine refuses it
        """
        self._tag(image_id, name_pin(snapshot_id, number))
        config = self._ask("GET", f"/images/{_quote(image_id)}/json").get("Config") or {}
        body = keeper_body(image_id, sorted(config.get("Volumes") or {}))
        self._send("POST", f"/containers/create?name={name_keeper(snapshot_id, number)}", body, fine=(409,))

    def unpin(self, snapshot_id: str) -> list[str]:
        """Let a snapshot's images go. An image that nothing else names or uses goes with that. Returns what was refused."""
        refused = []
        keepers = self._ask("GET", f"/containers/json?all=1&filters={_quote(json.dumps({'label': [LABEL]}))}")
        for one in keepers:
            if any(is_of_snapshot(str(name).lstrip("/"), snapshot_id) for name in one.get("Names") or ()):
                self._send("DELETE", f"/containers/{one['Id']}?v=1&force=1", fine=(404, 409))
        for image in self._ask("GET", "/images/json"):
            for tag in image.get("RepoTags") or ():
                if is_of_snapshot(tag, snapshot_id):
                    try:
                        self._send("DELETE", f"/images/{_quote(tag)}", fine=(404,))
                    except StepFailed as error:
                        # The last name of an image that a stopped container needs: forcing it would remove the image.
                        refused.append(f"{tag}: {error}")
        return refused

    def ids(self) -> tuple[str, ...]:
        """The ids of all containers.

        :raises CouldNotLook: they cannot be read
        """
        return parse_ids(json.dumps(self._ask("GET", "/containers/json?all=1")), "docker")


_Kind = t.TypeVar("_Kind")


def _recorded(step: EngineStep, kind: type[_Kind]) -> _Kind:
    if not isinstance(step.recorded, kind):
        raise CouldNotLook(f"the step {step.verb} {step.name} does not say what it shall be like")
    return step.recorded


def _quote(text: str) -> str:
    """For a path or a query of a URL."""
    return "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace").strip()
