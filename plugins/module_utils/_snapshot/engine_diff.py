# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the engines of a host have, compared: containers, pods, networks, volumes and image tags.

Values of environment variables are secret: of these only names are told.
"""

from __future__ import annotations

import typing as t

from .container_files import find_environment
from .container_match import differing_fields
from .model import Change

if t.TYPE_CHECKING:
    from .model import ContainerState, Engines, ImageState, NetworkState, PodState, VolumeState

PIN = "guarded-deploy/pin"
"""What the tags begin with by which a snapshot keeps its images."""

_TOLD = frozenset(("status", "image_id", "restart_policy", "env"))
_Key = tuple[str, str, str]
_Placed = t.TypeVar("_Placed", "ContainerState", "NetworkState", "PodState", "VolumeState")


def engine_title(name: str, engine: str, user: str | None) -> str:
    """What something of an engine is called in a difference."""
    return f"{name} ({engine} of {user})" if user else f"{name} ({engine})"


def find_unseen(engines: Engines, engine: str, user: str | None) -> str:
    """Why an engine could not be asked; empty where it was. An entry of its name without a user stands for root's."""
    for what, why in engines.unseen:
        if what == (f"{engine} of {user}" if user else engine) or (user and user in what.split() and engine in what.lower()):
            return why
    return ""


def _by_name(found: t.Iterable[_Placed]) -> dict[_Key, _Placed]:
    return {(one.name, one.engine, one.user or ""): one for one in found}


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def describe_container(container: ContainerState) -> str:
    """How a container stands, in one line without its secrets."""
    status = f"exited ({container.exit_code})" if container.status == "exited" and container.exit_code else container.status
    parts = [status, f"image {container.image} {_short(container.image_id)}", f"restart {container.restart_policy or 'no'}"]
    if container.networks:
        parts.append(f"networks {', '.join(sorted(container.networks))}")
    return ", ".join(parts)


def _changed_variables(before: ContainerState, now: ContainerState) -> list[str]:
    first, second = find_environment(before), find_environment(now)
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))


def _diff_container(before: ContainerState, now: ContainerState) -> Change | None:
    fields = differing_fields(before, now)
    if not fields:
        return None
    details = sorted(field for field in fields if field not in _TOLD)
    variables = _changed_variables(before, now)
    other = [*details, *([f"environment ({', '.join(variables)})"] if variables else [])]
    after = describe_container(now) + (f"; not as it was: {', '.join(other)}" if other else "")
    return Change("containers", engine_title(now.name, now.engine, now.user), describe_container(before), after)


def _describe_spec(spec: t.Mapping[str, t.Any]) -> str:
    driver = spec.get("Driver") or spec.get("driver") or "there"
    return str(driver)


def _differing_keys(before: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> list[str]:
    return sorted(str(key) for key in {*before, *now} if before.get(key) != now.get(key))


def _diff_spec(section: str, before: NetworkState | VolumeState, now: NetworkState | VolumeState) -> Change | None:
    keys = _differing_keys(before.spec, now.spec)
    if not keys:
        return None
    after = f"{_describe_spec(now.spec)}; not as it was: {', '.join(keys)}"
    return Change(section, engine_title(now.name, now.engine, now.user), _describe_spec(before.spec), after)


def _diff_pod(before: PodState, now: PodState) -> Change | None:
    if before.status == now.status and before.spec == now.spec:
        return None
    keys = _differing_keys(before.spec, now.spec)
    after = now.status + (f"; not as it was: {', '.join(keys)}" if keys else "")
    return Change("containers", engine_title(f"pod {now.name}", now.engine, now.user), before.status, after)


class _Sides(t.NamedTuple):
    before: Engines
    now: Engines

    def is_hidden(self, engine: str, user: str | None) -> bool:
        """Whether either side could not be asked, so that nothing came and nothing went."""
        return any(find_unseen(side, engine, user or None) for side in self)


def _diff_all(
    sides: _Sides,
    section: str,
    before: t.Iterable[_Placed],
    now: t.Iterable[_Placed],
    describe: t.Callable[[_Placed], str],
    diff: t.Callable[[_Placed, _Placed], Change | None],
) -> t.Iterator[Change]:
    first: dict[_Key, _Placed] = _by_name(before)
    second: dict[_Key, _Placed] = _by_name(now)
    for key in sorted({*first, *second}):
        name, engine, user = key
        if key in first and key in second:
            change = diff(first[key], second[key])
            if change is not None:
                yield change
        elif not sides.is_hidden(engine, user):
            was = describe(first[key]) if key in first else ""
            stands = describe(second[key]) if key in second else ""
            yield Change(section, engine_title(name, engine, user or None), was, stands)


def _tags(images: t.Iterable[ImageState]) -> dict[_Key, str]:
    return {(tag, one.engine, one.user or ""): one.id for one in images for tag in one.tags if PIN not in tag}


def _diff_images(sides: _Sides) -> t.Iterator[Change]:
    first, second = _tags(sides.before.images), _tags(sides.now.images)
    for key in sorted({*first, *second}):
        tag, engine, user = key
        if first.get(key) != second.get(key) and not sides.is_hidden(engine, user):
            yield Change("images", engine_title(tag, engine, user or None), _short(first.get(key, "")), _short(second.get(key, "")))


def diff_engines(before: Engines, now: Engines) -> list[Change]:
    """How the engines differ, by section and name. Nothing is told to be gone, or new, of an engine that could not be
    asked on either side."""
    sides = _Sides(before, now)
    pods = _diff_all(
        sides,
        "containers",
        [pod._replace(name=f"pod {pod.name}") for pod in before.pods],
        [pod._replace(name=f"pod {pod.name}") for pod in now.pods],
        lambda pod: pod.status,
        lambda one, other: _diff_pod(one._replace(name=one.name[4:]), other._replace(name=other.name[4:])),
    )
    named = [one for one in before.volumes if not one.anonymous], [one for one in now.volumes if not one.anonymous]
    return [
        *_diff_all(sides, "containers", before.containers, now.containers, describe_container, _diff_container),
        *pods,
        *_diff_all(
            sides,
            "networks",
            before.networks,
            now.networks,
            lambda one: _describe_spec(one.spec),
            lambda one, other: _diff_spec("networks", one, other),
        ),
        *_diff_all(sides, "volumes", *named, lambda one: _describe_spec(one.spec), lambda one, other: _diff_spec("volumes", one, other)),
        *_diff_images(sides),
    ]
