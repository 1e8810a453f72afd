# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How a snapshot keeps the images that it needs: by a tag of ours, which keeps them from ``image prune`` and outlives other
tags, and by a container that is never started, which keeps them from ``image prune --all``. (``system prune --all`` removes
such containers first, and then the images: nothing that an engine offers withstands that.)"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .model import ContainerState, Engines, ImageState

LABEL = "guarded.deploy.pin"
REPOSITORY = "guarded-deploy/pin"
_NAMES = (f"{REPOSITORY}:", f"localhost/{REPOSITORY}:")


def is_pin(tag: str) -> bool:
    """Whether a tag is one of ours."""
    return tag.startswith(_NAMES)


def name_pin(snapshot_id: str, number: int) -> str:
    """The tag of a snapshot's ``number``-th image."""
    return f"{REPOSITORY}:{snapshot_id.lower()}-{number}"


def name_keeper(snapshot_id: str, number: int) -> str:
    """The name of the container that keeps a snapshot's ``number``-th image."""
    return f"guarded-deploy-pin-{snapshot_id.lower()}-{number}"


def is_of_snapshot(name: str, snapshot_id: str) -> bool:
    """Whether a tag or the name of a keeper is a snapshot's."""
    stem, _dash, number = name.rpartition("-")
    wanted = (*(f"{prefix}{snapshot_id.lower()}" for prefix in _NAMES), f"guarded-deploy-pin-{snapshot_id.lower()}")
    return number.isdigit() and stem in wanted


def leave_out_pins(engines: Engines) -> Engines:
    """What the engines have without what we have added to keep images."""
    return engines._replace(
        containers=tuple(one for one in engines.containers if LABEL not in (one.spec["Config"].get("Labels") or {})),
        images=tuple(one._replace(tags=tuple(tag for tag in one.tags if not is_pin(tag))) for one in engines.images),
    )


def needed_images(engines: Engines) -> tuple[ImageState, ...]:
    """The images that a container of the snapshot was made of, each once, in a fixed order."""
    needed = {(one.engine, one.user, one.image_id) for one in engines.containers}
    return tuple(sorted((one for one in engines.images if (one.engine, one.user, one.id) in needed), key=_order))


def _order(image: ImageState) -> tuple[str, str, str]:
    return image.engine, image.user or "", image.id


def keeper_body(image_id: str, volumes: t.Iterable[str]) -> dict[str, t.Any]:
    """What Docker is asked for: a container that needs the image and nothing else. ``volumes`` are the places that the
    image declares as volumes; without something else there each would get an anonymous one."""
    return {
        "Image": image_id,
        "Cmd": ["-"],
        "Entrypoint": [],
        "Labels": {LABEL: "1"},
        "NetworkDisabled": True,
        "HostConfig": {"NetworkMode": "none", "Mounts": [{"Type": "tmpfs", "Target": one} for one in volumes]},
    }


def is_keeper(container: ContainerState) -> bool:
    """Whether a container is there only to keep an image."""
    return LABEL in (container.spec["Config"].get("Labels") or {})
