# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The command lines by which Podman makes again what it has told of a container, a pod, a network or a volume.

A container is made of the line that made it (``CreateCommand``), with everything in it that depends on the moment or the
caller replaced by what Podman has recorded: the image, variables taken from the caller's environment, relative paths,
ports that Podman chose, anonymous volumes, ids of other containers. Sources: ``podman create --help``, ``network create``,
``volume create`` of 5.4.
"""

from __future__ import annotations

import typing as t

from .._containers.run_line import CreateLine, read_create_line
from .._errors import Refused
from .container_match import find_aliases

if t.TYPE_CHECKING:
    from .model import ContainerState, NetworkState, PodState, VolumeState

# Of how it was run, fetched or watched, and what is given anew below.
_DROPPED = frozenset((
    "detach", "replace", "cidfile", "pidfile", "conmon-pidfile", "pod-id-file", "sig-proxy", "detach-keys", "rmi", "preserve-fd",
    "preserve-fds", "attach", "quiet", "pull", "authfile", "creds", "cert-dir", "tls-verify", "decryption-key", "retry", "retry-delay",
    "arch", "os", "variant", "platform", "override-arch", "override-os", "override-variant", "name", "restart", "publish",
    "publish-all", "env", "env-file", "env-host", "http-proxy", "env-merge", "volumes-from", "label-file", "pod", "disable-content-trust",
))  # fmt: skip
_SHARED = {"network": "NetworkMode", "pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns": "UsernsMode"}
_ENGINES_VARIABLES = ("HOSTNAME", "container")
# Variables that mean something to podman itself, so that they stand on the line instead of in its environment.
_OWN_VARIABLES = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LD_", "LC_", "LANG", "XDG_", "DBUS_", "CONTAINER", "PODMAN", "STORAGE_",
    "REGISTRY_", "TMPDIR", "SSL_", "GO", "NOTIFY_SOCKET", "LISTEN_", "BUILDAH", "http_proxy", "https_proxy", "HTTP", "no_proxy", "NO_PROXY",
    "_", "SSH_", "TZ", "IFS", "BASH", "ENV", "PYTHON", "DOCKER_",
)  # fmt: skip


class PodmanCreate(t.NamedTuple):
    """The words after ``podman``, and variables that its environment must have: their values do not stand on the command
    line, where every user of the host could read them."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    connect: tuple[str, ...]
    disconnect: tuple[str, ...]


def render_podman_create(container: ContainerState, image: str) -> PodmanCreate:
    """The line that makes a container again of ``image`` (a name or an id).

    :raises Refused: Podman does not say how it was made
    """
    line = read_create_line(container.spec["Config"].get("CreateCommand") or ())
    if line is None or line.unknown or line.image is None:
        raise Refused(f"podman: how {container.name} was created is not known; create it again as it was made")
    options = [*_identity(container), *_kept_options(container, line), *_volumes(container, line)]
    options += _ports(container)
    variables = _variables(container)
    environment = {name: value for name, value in variables.items() if not name.startswith(_OWN_VARIABLES)}
    options += [("env", name if name in environment else f"{name}={value}") for name, value in variables.items()]
    named = any(name == "rootfs" and value in ("true", "1") for name, value in line.options)
    argv = ("create", *(f"--{name}={value}" for name, value in options), "--", line.image if named else image, *line.arguments)
    asked = _asked_networks(line)
    present = [] if container.spec.get("Pod") or _is_joined(container) else list(container.spec["Networks"])
    return PodmanCreate(
        argv,
        environment,
        tuple(name for name in present if asked is not None and name not in asked and present != ["podman"]),
        tuple(name for name in asked or () if present and name not in present),
    )


def _identity(container: ContainerState) -> list[tuple[str, str]]:
    found = [("name", container.name), ("restart", container.restart_policy), ("pull", "never")]
    if container.spec.get("Pod"):
        found.append(("pod", container.spec["Pod"]))
    labels = container.spec["Config"].get("Labels") or {}
    line = read_create_line(container.spec["Config"]["CreateCommand"])
    if line is not None and any(name == "label-file" for name, _value in line.options):
        found += [("label", f"{name}={text}") for name, text in labels.items()]
    return found


def _kept_options(container: ContainerState, line: CreateLine) -> t.Iterator[tuple[str, str]]:
    for name, value in line.options:
        if name in _DROPPED or name == "volume":
            continue
        if name == "mount":
            yield name, _mount(container, value)
        elif name in _SHARED and value.startswith("container:"):
            # By name, since the other's id may be another one by now.
            now = str(container.spec["HostConfig"].get(_SHARED[name]) or "")
            yield name, now if now.startswith("container:") else value
        else:
            yield name, value


def _recorded_mount(container: ContainerState, place: str) -> tuple[str, str]:
    """Kind of what is mounted at a place, and its volume name or path."""
    for mount in container.spec["Mounts"]:
        if str(mount.get("Destination")).rstrip("/") == place.rstrip("/"):
            source = mount.get("Name") if mount.get("Type") == "volume" else mount.get("Source")
            return str(mount.get("Type")), str(source or "")
    return "", ""


def _mount(container: ContainerState, value: str) -> str:
    """A ``--mount`` option whose volume or path is the recorded one."""
    pairs = [part.partition("=") for part in value.split(",")]
    fields = {name.strip(): text for name, _equals, text in pairs}
    place = next((fields[name] for name in ("target", "destination", "dst") if name in fields), "")
    kind, source = _recorded_mount(container, place)
    if fields.get("type", "volume") not in ("volume", "bind") or kind != fields.get("type", "volume") or not source:
        return value
    rest = [part for part in value.split(",") if part.partition("=")[0].strip() not in ("source", "src")]
    return ",".join([*rest, f"source={source}"])


def _volumes(container: ContainerState, line: CreateLine) -> t.Iterator[tuple[str, str]]:
    """``--volume`` options with the recorded volume or path, and one for every mount that no option tells of: volumes that
    the image declares, and what came from another container."""
    told = {place.rstrip("/") for place in _mount_places(line)}
    for name, value in line.options:
        if name != "volume":
            continue
        fields = value.split(":")
        place = fields[0] if len(fields) == 1 else fields[1]
        told.add(place.rstrip("/"))
        _kind, source = _recorded_mount(container, place)
        options = f":{':'.join(fields[2:])}" if len(fields) > 2 else ""
        # An overlay has its source elsewhere than it says.
        keeps = not source or (len(fields) > 1 and (fields[0].startswith("/") or "O" in options[1:].split(",")))
        yield name, value if keeps else f"{source}:{place}{options}"
    for mount in container.spec["Mounts"]:
        place = str(mount.get("Destination"))
        kind, source = _recorded_mount(container, place)
        if kind in ("volume", "bind") and source and place.rstrip("/") not in told:
            yield "volume", f"{source}:{place}" + ("" if mount.get("RW") else ":ro")


def _mount_places(line: CreateLine) -> t.Iterator[str]:
    for name, value in line.options:
        if name == "mount":
            fields = {key.strip(): text for key, _equals, text in (part.partition("=") for part in value.split(","))}
            yield next((fields[key] for key in ("target", "destination", "dst") if key in fields), "")
        elif name == "tmpfs":
            yield value.partition(":")[0]


def _ports(container: ContainerState) -> t.Iterator[tuple[str, str]]:
    """The ports that it had, those that Podman chose as well. A pod's are the pod's."""
    if container.spec.get("Pod") or _is_joined(container):
        return
    for port, bindings in (container.spec["HostConfig"].get("PortBindings") or {}).items():
        for one in bindings or ():
            address = str(one.get("HostIp") or "")
            address = f"[{address}]:" if ":" in address else f"{address}:" if address else ""
            yield "publish", f"{address}{one.get('HostPort') or ''}:{port}"


def _is_joined(container: ContainerState) -> bool:
    return str(container.spec["HostConfig"].get("NetworkMode") or "").startswith(("container:", "ns:"))


def _variables(container: ContainerState) -> dict[str, str]:
    pairs = [str(one).partition("=") for one in container.spec["Config"].get("Env") or ()]
    return {name: value for name, _equals, value in pairs if name and name not in _ENGINES_VARIABLES}


def _asked_networks(line: CreateLine) -> list[str] | None:
    """The networks that its line joins, by name; None where it joins none of an engine's making."""
    found = []
    for name, value in line.options:
        if name == "network":
            # "a,b" are two networks; "a:ip=10.0.0.2,alias=x" is one with options.
            found += [value.partition(":")[0]] if ":" in value else value.split(",")
    kinds = ("host", "none", "container", "ns", "private", "slirp4netns", "pasta")
    if any(one in kinds for one in found):
        return None
    return ["podman" if one == "bridge" else one for one in found] or ["podman"]


def render_podman_connect(container: ContainerState, network: str) -> tuple[str, ...]:
    """The words that join a container to a network as it was."""
    endpoint = container.spec["Networks"].get(network) or {}
    aliases = [word for one in find_aliases(container, endpoint) for word in ("--alias", one)]
    return ("network", "connect", *aliases, network, container.name)


def render_pod(pod: PodState) -> tuple[str, ...]:
    """The line that made a pod, to make it again.

    :raises Refused: Podman does not say how it was made
    """
    command = [str(word) for word in pod.spec.get("CreateCommand") or ()]
    line = read_create_line(command)
    if line is None:
        raise Refused(f"podman: how the pod {pod.name} was created is not known; create it again as it was made")
    words = [word for word in command[command.index("pod") :] if word != "--replace"]
    named = line.image == pod.name or ("name", pod.name) in line.options
    return tuple(words if named else [*words[:2], f"--name={pod.name}", *words[2:]])


def render_podman_network(network: NetworkState) -> tuple[str, ...]:
    """The line that makes a network; ``spec`` is as ``network ls --format json`` prints it, without what is empty."""
    spec = network.spec
    words = ["network", "create", f"--driver={spec.get('driver', 'bridge')}"]
    for subnet in spec.get("subnets") or ():
        words += [f"--subnet={subnet['subnet']}"] + ([f"--gateway={subnet['gateway']}"] if subnet.get("gateway") else [])
        lease = subnet.get("lease_range") or {}
        if lease.get("start_ip") and lease.get("end_ip"):
            words.append(f"--ip-range={lease['start_ip']}-{lease['end_ip']}")
    words += [flag for flag, field in (("--ipv6", "ipv6_enabled"), ("--internal", "internal")) if spec.get(field)]
    if not spec.get("dns_enabled"):
        words.append("--disable-dns")
    words += [f"--opt={name}={text}" for name, text in (spec.get("options") or {}).items()]
    words += [f"--label={name}={text}" for name, text in (spec.get("labels") or {}).items()]
    words += [f"--dns={address}" for address in spec.get("network_dns_servers") or ()]
    words += [f"--route={_route(one)}" for one in spec.get("routes") or ()]
    driver = (spec.get("ipam_options") or {}).get("driver")
    if driver and driver != "host-local":
        words.append(f"--ipam-driver={driver}")
    if spec.get("network_interface"):
        words.append(f"--interface-name={spec['network_interface']}")
    return (*words, network.name)


def _route(route: t.Mapping[str, t.Any]) -> str:
    return ",".join(str(route[name]) for name in ("destination", "gateway", "metric") if route.get(name))


def render_podman_volume(volume: VolumeState) -> tuple[str, ...]:
    """The line that makes a volume."""
    spec = volume.spec
    words = ["volume", "create", f"--driver={spec.get('Driver', 'local')}"]
    words += [f"--opt={name}={text}" for name, text in (spec.get("Options") or {}).items()]
    words += [f"--label={name}={text}" for name, text in (spec.get("Labels") or {}).items()]
    return (*words, volume.name)
