# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Whether a container is what it was: by what was asked for, not by what its engine made of it.

Ids, moments, generated host names, MAC and dynamic IP addresses, endpoints and paths below the engine's own folders are no
part of that. The names of anonymous volumes are: a container that was made again with empty ones has lost its data.
"""

from __future__ import annotations

import re
import typing as t

from .._containers.run_line import read_create_line
from .._containers.state import drop_empty

if t.TYPE_CHECKING:
    from .model import ContainerState

STOPPED = frozenset(("created", "exited", "dead", "stopped", "configured", "initialized", "stopping", "removing", ""))
_Spec = t.Mapping[str, t.Any]

# Of Config and HostConfig; what is compared in a form of its own, or is not of the user's making.
_CONFIG = frozenset((
    "Image", "Env", "Labels", "Hostname", "Domainname", "Volumes", "AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce",
    "OnBuild", "CreateCommand", "Annotations", "Umask", "Passwd", "sdNotifyMode", "ExposedPorts", "Timezone", "Timeout",
    "NetworkDisabled", "ArgsEscaped",
))  # fmt: skip
_HOST_CONFIG = frozenset((
    "Binds", "Mounts", "VolumesFrom", "ContainerIDFile", "ConsoleSize", "RestartPolicy", "NetworkMode", "Links", "MaskedPaths",
    "ReadonlyPaths", "Annotations", "CgroupParent", "CgroupManager", "Cgroups", "LogConfig", "Ulimits", "OomScoreAdj", "Runtime",
    "PortBindings", "CapAdd", "CapDrop", "Tmpfs", "IDMappings", "MemorySwap",
))  # fmt: skip
# What an engine itself puts into a container's environment, and Compose into its labels while it replaces one.
_ENGINES_ENV = ("HOSTNAME=", "container=", "TERM=")
_PASSING_LABELS = ("com.docker.compose.replace",)


def differing_fields(before: ContainerState, now: ContainerState) -> tuple[str, ...]:
    """The names of what differs between two states of the container of one name, sorted; empty where it is what it was.

    ``env`` stands for any variable, ``status`` for the run state, ``image_id`` for the image, ``restart_policy``, ``mounts``,
    ``networks``, ``labels``, ``ports``; other fields are named as their engine names them. The states in which nothing runs
    (created, exited, ...) are one. A container that failed over and over and now runs is what it was: in its loop it is
    seen as the one or the other (so the order of the arguments counts).
    """
    found = []
    if before.name != now.name:
        found.append("name")
    if before.image_id != now.image_id:
        found.append("image_id")
    if not is_same_run_state(before.status, now.status):
        found.append("status")
    if before.restart_policy != now.restart_policy:
        found.append("restart_policy")
    first, second = describe_spec(before), describe_spec(now)
    found += [field for field in {*first, *second} if first.get(field) != second.get(field)]
    if "networks" not in found and not _is_same_address(before, now):
        found.append("networks")
    return tuple(sorted(found))


def is_same_run_state(before: str, now: str) -> bool:
    """Whether a container need neither be started nor stopped, paused nor freed."""
    if before in STOPPED:
        return now in STOPPED
    return now == before or (before == "restarting" and now == "running")


def describe_spec(container: ContainerState) -> dict[str, t.Any]:
    """What was asked for, by field, in a form in which equal things are equal. Empty values are left out."""
    config, host_config = container.spec["Config"], container.spec["HostConfig"]
    found = {name: value for name, value in config.items() if name not in _CONFIG}
    found.update((name, value) for name, value in host_config.items() if name not in _HOST_CONFIG)
    found.update(
        env=_variables(config),
        labels={name: text for name, text in (config.get("Labels") or {}).items() if name not in _PASSING_LABELS},
        hostname=_hostname(container),
        exposed=sorted(config.get("ExposedPorts") or {}),
        mounts=find_mounts(container),
        tmpfs=sorted((host_config.get("Tmpfs") or {}).items()),
        network_mode=_network_mode(container),
        networks=find_endpoints(container),
        links=sorted(str(link).replace(f"{container.name}/", "", 1) for link in host_config.get("Links") or ()),
        ports=_ports(container.engine, host_config),
        capabilities=sorted(_capability("+", one) for one in host_config.get("CapAdd") or ())
        + sorted(_capability("-", one) for one in host_config.get("CapDrop") or ()),
        log=_log(host_config),
        pod=container.spec.get("Pod"),
        ulimits=_ulimits(container),
    )
    if container.engine == "docker":
        found.update(
            # `--security-opt systempaths=unconfined` leaves none; which they are is the version's.
            unmasked=host_config.get("MaskedPaths") == [],
            CgroupParent=host_config.get("CgroupParent"),
            OomScoreAdj=host_config.get("OomScoreAdj"),
            Runtime=host_config.get("Runtime"),
        )
    return t.cast("dict[str, t.Any]", drop_empty(found))


def _variables(config: _Spec) -> list[str]:
    return sorted(one for one in config.get("Env") or () if not one.startswith(_ENGINES_ENV))


def is_generated(hostname: str, container: ContainerState) -> bool:
    """Whether a host name is the one that a container gets where none was asked for."""
    return bool(hostname) and container.id.startswith(hostname)


def _hostname(container: ContainerState) -> str:
    """The host name that was asked for; who shares another's names has none of its own."""
    hostname = container.spec["Config"].get("Hostname") or ""
    host_config = container.spec["HostConfig"]
    shared = [str(host_config.get(mode) or "") for mode in ("NetworkMode", "UTSMode")]
    if is_generated(hostname, container) or any(mode.startswith("container:") or mode == "host" for mode in shared):
        return ""
    domain = container.spec["Config"].get("Domainname") or ""
    return f"{hostname}.{domain}" if domain else hostname


def find_mounts(container: ContainerState) -> list[list[t.Any]]:
    """What is mounted where: kind, volume name or path, place, whether it may be written, how mounts in it spread."""
    found = []
    for mount in container.spec["Mounts"]:
        source = mount.get("Name") or mount.get("Source") or ""
        spread = mount.get("Propagation") or ""
        found.append([mount.get("Type"), source, mount.get("Destination"), bool(mount.get("RW")), "" if spread == "rprivate" else spread])
    return sorted(found, key=str)


def _network_mode(container: ContainerState) -> str:
    mode = container.spec["HostConfig"].get("NetworkMode") or "default"
    if container.engine == "podman":
        # "bridge" whichever network it is; which those are is told by the networks themselves.
        return str(mode)
    return "bridge" if mode == "default" else str(mode)


def find_endpoints(container: ContainerState) -> dict[str, dict[str, t.Any]]:
    """What was asked for of each network that the container is joined to, with ``joined`` always true."""
    found: dict[str, dict[str, t.Any]] = {}
    for name, one in container.spec["Networks"].items():
        address = {key: text for key, text in (one.get("IPAMConfig") or {}).items() if text}
        found[name] = {
            "joined": True,
            "aliases": sorted(set(find_aliases(container, one))),
            "address": address,
            "links": sorted(one.get("Links") or ()),
            "options": one.get("DriverOpts") or {},
        }
    return found


def find_aliases(container: ContainerState, endpoint: _Spec) -> list[str]:
    """The names in a network that were asked for: without id and host name, which engines add."""
    own = container.spec["Config"].get("Hostname")
    return [one for one in endpoint.get("Aliases") or () if one != own and not re.fullmatch(r"[0-9a-f]{12}", one)]


def _is_same_address(before: ContainerState, now: ContainerState) -> bool:
    """Podman shows only which addresses a container has: those that were asked for must be the same, where both run."""
    if before.engine != "podman" or not _asks_for_address(before):
        return True
    for name, one in before.spec["Networks"].items():
        there = now.spec["Networks"].get(name) or {}
        for field in ("IPAddress", "GlobalIPv6Address"):
            if one.get(field) and there.get(field) and one[field] != there[field]:
                return False
    return True


def _asks_for_address(container: ContainerState) -> bool:
    line = read_create_line(container.spec["Config"].get("CreateCommand") or ())
    if line is None:
        return False
    return any(name in ("ip", "ip6") or (name == "network" and re.search(r"[:,]ip6?=", value)) for name, value in line.options)


def _ports(engine: str, host_config: _Spec) -> list[list[str]]:
    # To Docker no address means IPv6 as well; Podman writes either for the same.
    same = ("", "0.0.0.0") if engine == "podman" else ("",)
    found = []
    for port, bindings in (host_config.get("PortBindings") or {}).items():
        for one in bindings or ():
            address = one.get("HostIp") or ""
            found.append([port, "" if address in same else address, one.get("HostPort") or ""])
    return sorted(found)


def _capability(sign: str, name: str) -> str:
    return sign + name.upper().removeprefix("CAP_")


def _log(host_config: _Spec) -> dict[str, t.Any]:
    log = host_config.get("LogConfig") or {}
    return {"Type": log.get("Type"), "Config": log.get("Config")}


def _ulimits(container: ContainerState) -> list[t.Any]:
    """Podman shows the limits of whoever created the container where none were asked for."""
    limits = container.spec["HostConfig"].get("Ulimits") or ()
    asked = None
    if container.engine == "podman":
        line = read_create_line(container.spec["Config"].get("CreateCommand") or ())
        asked = {value.partition("=")[0].upper() for name, value in line.options if name == "ulimit"} if line else set()
    named = [(str(one.get("Name")).upper().removeprefix("RLIMIT_"), one.get("Soft"), one.get("Hard")) for one in limits]
    return sorted([*one] for one in named if asked is None or one[0] in asked)
