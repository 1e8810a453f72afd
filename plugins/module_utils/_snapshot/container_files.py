# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a container's specification tells of the host's files: its Compose project's folder, and what is mounted into it."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from .model import ContainerState

# The labels of Docker Compose 1.29 and 2 (pkg/api/labels.go), which podman-compose sets too.
_FOLDER = "com.docker.compose.project.working_dir"
_FILES = "com.docker.compose.project.config_files"


class Bind(t.NamedTuple):
    """A path of the host in a container."""

    source: str
    writable: bool


def _below(spec: t.Mapping[str, t.Any], *keys: str) -> t.Any:
    found: t.Any = spec
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def find_labels(container: ContainerState) -> dict[str, str]:
    """The labels of a container, wherever its engine's specification has them."""
    for keys in (("Labels",), ("Config", "Labels"), ("labels",)):
        found = _below(container.spec, *keys)
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}


def find_environment(container: ContainerState) -> dict[str, str]:
    """The environment variables of a container by name."""
    for keys in (("Env",), ("Config", "Env")):
        found = _below(container.spec, *keys)
        if isinstance(found, list):
            pairs = (str(pair).partition("=") for pair in found)
            return {name: value for name, _equals, value in pairs}
    return {}


def find_binds(container: ContainerState) -> tuple[Bind, ...]:
    """The host's paths that are mounted into a container, each once."""
    found: dict[str, Bind] = {}
    for mount in _below(container.spec, "Mounts") or _below(container.spec, "HostConfig", "Mounts") or []:
        if isinstance(mount, dict) and str(mount.get("Type", "")).lower() == "bind" and mount.get("Source"):
            writable = bool(mount["RW"]) if "RW" in mount else not mount.get("ReadOnly")
            found[str(mount["Source"])] = Bind(str(mount["Source"]), writable)
    for text in _below(container.spec, "HostConfig", "Binds") or []:
        source, _colon, rest = str(text).partition(":")
        if source.startswith("/"):
            found.setdefault(source, Bind(source, "ro" not in rest.partition(":")[2].split(",")))
    return tuple(found.values())


def find_project_folder(container: ContainerState) -> str | None:
    """The folder of the Compose project that a container belongs to."""
    folder = find_labels(container).get(_FOLDER, "")
    return folder if folder.startswith("/") else None


def find_project_files(container: ContainerState) -> tuple[str, ...]:
    """The Compose files that a container was made from: ``/srv/shop/compose.yaml,/srv/shop/compose.prod.yaml``."""
    return tuple(path for path in find_labels(container).get(_FILES, "").split(",") if path.startswith("/"))


def render_spec(spec: t.Mapping[str, t.Any]) -> str:
    """A specification as one line, the same for equal ones."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), default=str)
