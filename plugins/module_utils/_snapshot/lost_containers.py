# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What of container engines a restore will not bring back, told before anything is changed."""

from __future__ import annotations

import typing as t

from .._containers.run_line import read_create_line
from .model import Unrestorable

if t.TYPE_CHECKING:
    from .model import ContainerState, Engines, PodState

_MOST_NAMES = 12


def unrestorable_of(engines: Engines) -> tuple[Unrestorable, ...]:
    """What a snapshot of these engines cannot bring back: contents of volumes, writable layers, and containers and pods of
    which their engine does not tell how to make them again. One entry for each kind and engine, and one for each container
    that could not be made again."""
    found: list[Unrestorable] = []
    for whose in sorted({_whose(one) for one in (*engines.containers, *engines.volumes)}):
        containers = [one for one in engines.containers if _whose(one) == whose]
        volumes = [one for one in engines.volumes if _whose(one) == whose]
        found += _grouped(
            "volume",
            whose,
            [one.name for one in volumes if not one.anonymous],
            "what is in a volume is not recorded; a removed volume comes back empty. Save its data in a hook before_snapshot.",
        )
        found += _grouped(
            "anonymous_volume",
            whose,
            [one.name for one in containers if any(_is_anonymous(mount) for mount in one.spec["Mounts"])],
            "the anonymous volumes of these containers come back with what is in them if they still exist, else empty",
        )
        found += _grouped(
            "writable_layer",
            whose,
            [one.name for one in containers if one.unit is None],
            "what a container has written outside of its volumes, its logs and its exit code are gone once it was removed",
        )
    found += [lost for one in engines.containers for lost in _container(one)]
    found += [lost for pod in engines.pods for lost in _pod(pod)]
    return tuple(found)


def _whose(one: t.Any) -> str:
    return f"{one.engine} of {one.user}" if one.user else str(one.engine)


def _grouped(kind: str, whose: str, names: t.Sequence[str], why: str) -> list[Unrestorable]:
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return [Unrestorable(kind, f"{whose}: {', '.join(sorted(names)[:_MOST_NAMES])}{more}", why)]


def _is_anonymous(mount: t.Mapping[str, t.Any]) -> bool:
    name = str(mount.get("Name") or "")
    return mount.get("Type") == "volume" and len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)


def why_not_made(container: ContainerState) -> str:
    """Why a container could not be made again once it is removed; empty where it can."""
    if container.unit is not None:
        return ""  # its unit makes it
    labels = container.spec["Config"].get("Labels") or {}
    if "com.docker.swarm.task.id" in labels:
        return "it is a task of a swarm, which makes its tasks itself"
    if container.engine == "docker":
        return ""
    line = read_create_line(container.spec["Config"].get("CreateCommand") or ())
    if line is None:
        return "Podman does not say how it was created (through its API, or by 'podman kube play'): create it again the same way"
    if line.unknown or line.image is None:
        return f"its create command cannot be read: {'; '.join(line.unknown) or 'no image'}"
    return ""


def _container(container: ContainerState) -> list[Unrestorable]:
    why = why_not_made(container)
    return (
        [Unrestorable("container", f"{_whose(container)}: {container.name}", f"once removed it cannot be made again: {why}")] if why else []
    )


def why_pod_not_made(pod: PodState) -> str:
    """Why a pod could not be made again once it is removed; empty where it can."""
    if pod.unit is not None or read_create_line(pod.spec.get("CreateCommand") or ()) is not None:
        return ""
    return "Podman does not say how it was created (through its API, or by 'podman kube play'): create it again the same way"


def _pod(pod: PodState) -> list[Unrestorable]:
    why = why_pod_not_made(pod)
    return [Unrestorable("container", f"{_whose(pod)}: pod {pod.name}", f"once removed it cannot be made again: {why}")] if why else []
