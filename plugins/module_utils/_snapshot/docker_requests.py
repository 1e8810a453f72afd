# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What Docker is asked for so that it makes again what it has told of a container, a network or a volume.

Sources: the Docker Engine API (``POST /containers/create``, ``/networks/create``, ``/networks/<id>/connect``, ``/volumes/create``),
whose shapes are those of its answers, with the differences that are named below. Tried on 20.10 (API 1.41) and 26.1 (1.45).
"""

from __future__ import annotations

import typing as t

from .container_match import find_aliases, is_generated
from .engine_match import RESOURCES

if t.TYPE_CHECKING:
    from .model import ContainerState, NetworkState, VolumeState

_Body = dict[str, t.Any]
_PREDEFINED = ("bridge", "host", "none", "default")
_SHARED = ("NetworkMode", "PidMode", "IpcMode")
# From 1.44 on, a MAC address is an endpoint's and a container may be made with several endpoints.
_MAC_OF_ENDPOINT = (1, 44)


class DockerCreate(t.NamedTuple):
    """The body of a create request, and the networks to join and to leave before the first start."""

    body: _Body
    connect: tuple[str, ...]
    disconnect: tuple[str, ...]


def parse_version(text: str) -> tuple[int, int]:
    """``1.41`` as numbers."""
    major, _dot, minor = text.partition(".")
    return int(major), int(minor)


def render_docker_create(container: ContainerState, version: tuple[int, int], ids: t.Mapping[str, str], image: str) -> DockerCreate:
    """The request that makes a container again of ``image`` (a name or an id). ``ids`` are the present ids of containers by
    name: what it shares with another refers to that one's id."""
    first = _first_network(container)
    config, host_config = _config(container, version, image), _host_config(container, ids)
    body: _Body = {**config, "HostConfig": host_config}
    joined = [name for name in container.spec["Networks"] if name not in _PREDEFINED]
    if first in joined:
        endpoint = render_endpoint(container, first)
        mac = container.spec["Config"].get("MacAddress")
        if mac and version >= _MAC_OF_ENDPOINT:
            endpoint["MacAddress"] = mac
        body["NetworkingConfig"] = {"EndpointsConfig": {first: endpoint}}
    present = set(container.spec["Networks"])
    # One that was disconnected from the network that it was made with.
    left = (first,) if first and first not in present and not _shares_network(container) and present else ()
    return DockerCreate(body, tuple(name for name in joined if name != first), left)


def _shares_network(container: ContainerState) -> bool:
    return str(container.spec["HostConfig"].get("NetworkMode") or "").startswith("container:")


def _first_network(container: ContainerState) -> str:
    """The network that it is made with; the default one is ``bridge``."""
    mode = str(container.spec["HostConfig"].get("NetworkMode") or "default")
    return "bridge" if mode == "default" else "" if mode.startswith("container:") else mode


def _config(container: ContainerState, version: tuple[int, int], image: str) -> _Body:
    config = {**container.spec["Config"], "Image": image}
    mode = str(container.spec["HostConfig"].get("NetworkMode") or "")
    if is_generated(str(config.get("Hostname") or ""), container) or mode.startswith("container:"):
        # Its own, which the engine makes of the new id; with another's network it must not even be asked for.
        config.pop("Hostname", None)
        config.pop("Domainname", None)
    if mode.startswith("container:"):
        # The ports are the other's to expose.
        config.pop("ExposedPorts", None)
    if version >= _MAC_OF_ENDPOINT:
        config.pop("MacAddress", None)
    return config


def _host_config(container: ContainerState, ids: t.Mapping[str, str]) -> _Body:
    found = {**container.spec["HostConfig"], "RestartPolicy": render_restart_policy(container.restart_policy)}
    for field in _SHARED:
        mode = str(found.get(field) or "")
        if mode.startswith("container:"):
            found[field] = f"container:{ids.get(mode[10:], mode[10:])}"
    # "/db:/web/database" is what "--link db:database" of web becomes.
    found["Links"] = [_link(str(link)) for link in found.get("Links") or ()]
    found["Mounts"], places = _mounts(container)
    found["Binds"] = [*(found.get("Binds") or ()), *_missing_binds(container, places)]
    found["VolumesFrom"] = None
    found["ContainerIDFile"] = ""
    return found


def _link(link: str) -> str:
    target, _colon, alias = link.partition(":")
    return f"{target.lstrip('/')}:{alias.rpartition('/')[2]}"


def _mounts(container: ContainerState) -> tuple[list[_Body], set[str]]:
    """``--mount`` options with the names of the volumes that they got, and all places that they and ``--volume`` name."""
    names = {mount.get("Destination"): mount.get("Name") for mount in container.spec["Mounts"] if mount.get("Type") == "volume"}
    found, places = [], set()
    for mount in container.spec["HostConfig"].get("Mounts") or ():
        place = str(mount.get("Target"))
        places.add(place)
        named = mount.get("Type") != "volume" or mount.get("Source")
        found.append(mount if named else {**mount, "Source": names.get(place) or ""})
    for bind in container.spec["HostConfig"].get("Binds") or ():
        places.add(str(bind).split(":")[1] if ":" in str(bind) else str(bind))
    return found, {place.rstrip("/") or "/" for place in places}


def _missing_binds(container: ContainerState, places: t.AbstractSet[str]) -> list[str]:
    """What is mounted and not told in HostConfig: anonymous volumes, and what came from another container. The volume that it
    had is named, so that it has its data again."""
    found = []
    for mount in container.spec["Mounts"]:
        place = str(mount.get("Destination"))
        source = mount.get("Name") if mount.get("Type") == "volume" else mount.get("Source")
        if mount.get("Type") in ("volume", "bind") and source and (place.rstrip("/") or "/") not in places:
            found.append(f"{source}:{place}" + ("" if mount.get("RW") else ":ro"))
    return found


def render_restart_policy(policy: str) -> _Body:
    """``on-failure:3`` as the API writes it."""
    name, _colon, tries = policy.partition(":")
    return {"Name": name, "MaximumRetryCount": int(tries or 0)}


def render_endpoint(container: ContainerState, network: str) -> _Body:
    """What a container asks of a network, as connect and create take it."""
    endpoint = container.spec["Networks"].get(network) or {}
    wanted = {
        "IPAMConfig": {name: text for name, text in (endpoint.get("IPAMConfig") or {}).items() if text} or None,
        "Links": endpoint.get("Links"),
        "Aliases": find_aliases(container, endpoint),
        "DriverOpts": endpoint.get("DriverOpts"),
        "GwPriority": endpoint.get("GwPriority"),
    }
    return {name: value for name, value in wanted.items() if value}


def render_update(container: ContainerState) -> _Body:
    """The body that sets restart policy and limits of a container that is there."""
    limits = {name: value for name, value in container.spec["HostConfig"].items() if name in RESOURCES and value}
    return {"RestartPolicy": render_restart_policy(container.restart_policy), **limits}


def render_network(network: NetworkState) -> _Body:
    """The body of ``POST /networks/create``."""
    return {**network.spec, "Name": network.name, "CheckDuplicate": True}


def render_volume(volume: VolumeState) -> _Body:
    """The body of ``POST /volumes/create``, which calls the options DriverOpts."""
    spec = volume.spec
    return {"Name": volume.name, "Driver": spec.get("Driver", "local"), "DriverOpts": spec.get("Options"), "Labels": spec.get("Labels")}
