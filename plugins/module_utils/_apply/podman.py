# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The steps of a restore that Podman does, by its command."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, StepFailed
from .._snapshot.model import ContainerState, NetworkState, PodState, VolumeState
from .._snapshot.pins import LABEL, REPOSITORY, is_of_snapshot, name_keeper, name_pin
from .._snapshot.podman_lines import (
    render_pod,
    render_podman_connect,
    render_podman_create,
    render_podman_network,
    render_podman_volume,
)

if t.TYPE_CHECKING:
    from .._collect.engines import Podman
    from .._snapshot.engine_plan import EngineStep

_GONE = ("no such container", "no such network", "network not found", "is not connected", "no such pod", "no container with name")


class PodmanSteps:
    """Does steps by the podman command of one user."""

    def __init__(self, podman: Podman) -> None:
        self._podman = podman

    def do(self, step: EngineStep) -> None:
        """One step.

        :raises StepFailed: Podman refuses it
        :raises CouldNotLook: Podman cannot be run
        """
        verbs: dict[str, t.Callable[[EngineStep], object]] = {
            # It is told to end, and killed only where it does not; volumes stay.
            "remove": lambda step: self._call("rm", "--force", "--ignore", step.id, gone_is_fine=True),
            "remove_pod": lambda step: self._call("pod", "rm", "--force", "--ignore", step.id, gone_is_fine=True),
            "stop": self._stop,
            "disconnect": lambda step: self._call("network", "disconnect", "--force", step.detail, step.id, gone_is_fine=True),
            "remove_network": lambda step: self._call("network", "rm", step.name, gone_is_fine=True),
            "tag": lambda step: self._call("tag", step.detail, step.name),
            "make_network": lambda step: self._call(*render_podman_network(_recorded(step, NetworkState))),
            "make_volume": lambda step: self._call(*render_podman_volume(_recorded(step, VolumeState))),
            "make_pod": lambda step: self._call(*render_pod(_recorded(step, PodState))),
            "rename": lambda step: self._call("rename", step.id, step.detail),
            "create": self._create,
            "connect": lambda step: self._call(*render_podman_connect(_recorded(step, ContainerState), step.detail)),
            "update": lambda step: self._call("update", f"--restart={_recorded(step, ContainerState).restart_policy}", step.id),
            "start": lambda step: self._call("start", step.id or step.name),
            "restart": lambda step: self._call("restart", step.id or step.name),
            "pause": lambda step: self._call("pause", step.id or step.name),
            "unpause": lambda step: self._call("unpause", step.id or step.name),
            "start_pod": lambda step: self._call("pod", "start", step.name),
        }
        verbs[step.verb](step)

    def _call(self, *argv: str, gone_is_fine: bool = False, environment: t.Mapping[str, str] | None = None) -> str:
        rc, out, said = self._podman.run(*argv, environment=environment)
        if rc != 0 and not (gone_is_fine and any(text in said.lower() for text in _GONE)):
            raise StepFailed(f"podman {' '.join(argv[:2])}: {said}")
        return out

    def _stop(self, step: EngineStep) -> None:
        # A frozen process hears no signal.
        self._podman.run("unpause", step.id)
        self._call("stop", step.id)

    def _create(self, step: EngineStep) -> None:
        container = _recorded(step, ContainerState)
        wanted = render_podman_create(container, self._image(container))
        self._call(*wanted.argv, environment=wanted.environment)
        for network in wanted.connect:
            self._call(*render_podman_connect(container, network))
        for network in wanted.disconnect:
            self._call("network", "disconnect", "--force", network, container.name)

    def _image(self, container: ContainerState) -> str:
        """The name that the container was made of where it still names the same image, else the image's id."""
        rc, out, _said = self._podman.run("image", "inspect", "--format", "{{.Id}}", container.image)
        return container.image if rc == 0 and out.strip() == container.image_id else container.image_id

    def pin(self, snapshot_id: str, number: int, image_id: str) -> None:
        """Keep an image for a snapshot.

        :raises StepFailed: Podman refuses it
        """
        self._call("tag", image_id, name_pin(snapshot_id, number))
        keeper = name_keeper(snapshot_id, number)
        if self._podman.run("container", "exists", keeper)[0] == 0:
            return
        options = ("--pull=never", "--network=none", "--image-volume=ignore", f"--label={LABEL}=1", "--entrypoint=-")
        self._call("create", f"--name={keeper}", *options, image_id)

    def unpin(self, snapshot_id: str) -> list[str]:
        """Let a snapshot's images go; they stay without a name where nothing else names them. Returns what was refused."""
        refused = []
        names = self._podman.ask("ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}").split()
        commands: list[tuple[str, ...]] = [
            ("rm", "--force", "--ignore", "--volumes", name) for name in names if is_of_snapshot(name, snapshot_id)
        ]
        tags = self._podman.ask("images", "--filter", f"reference=*{REPOSITORY}", "--format", "{{.Repository}}:{{.Tag}}").split()
        commands += [("untag", tag, tag) for tag in tags if is_of_snapshot(tag, snapshot_id)]
        for command in commands:
            try:
                self._call(*command, gone_is_fine=True)
            except StepFailed as error:
                refused.append(str(error))
        return refused


_Kind = t.TypeVar("_Kind")


def _recorded(step: EngineStep, kind: type[_Kind]) -> _Kind:
    if not isinstance(step.recorded, kind):
        raise CouldNotLook(f"the step {step.verb} {step.name} does not say what it shall be like")
    return step.recorded
