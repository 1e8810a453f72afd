# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What Kubernetes manifests ask of the hosts that they run on, and configurations of kind.

Sources: the API reference (PodSpec v1, Service v1; https://kubernetes.io/docs/reference/kubernetes-api/), and
https://kind.sigs.k8s.io/docs/user/configuration/ for ``extraPortMappings``. Whether a workload comes to this host at
all is the cluster's choice; what it asks for, it asks of every host that it comes to.
"""

from __future__ import annotations

import typing as t

from .._errors import Unparsable
from .._ports.model import Declared, DeclaredPort
from .._sockets.address import parse_ip, render_ip
from .marks import Mark, entries, mark_of
from .run_line import name_program

# Where a kind keeps its pod.
_POD_SPECS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
}
_NODE_PORTS = ("NodePort", "LoadBalancer")
_PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": None}
_HOST_NETWORK = "it uses the host's network, so every port of its programs is the host's"


def is_manifest(document: t.Any) -> bool:
    """Whether a loaded document is a Kubernetes object or a configuration of a kind cluster."""
    return isinstance(document, dict) and isinstance(document.get("apiVersion"), str) and isinstance(document.get("kind"), str)


def declare_manifests(documents: t.Sequence[t.Any], file: str) -> tuple[Declared, ...]:
    """What the documents of a file ask of a host; objects that ask for nothing are left out.

    The name of a claimant is its kind and name: ``Deployment/web``. Rules about ports (PodSecurityPolicy) are none.

    :raises Unparsable: an object that decides about ports is not built as the API says; the text names file and line
    """
    found: list[Declared] = []
    for document in documents:
        found += _declare(document, Mark(file, 0), 0)
    return tuple(found)


def _declare(document: t.Any, mark: Mark, depth: int) -> list[Declared]:
    if not is_manifest(document):
        return []
    here = mark_of(document, "kind", mark)
    kind = document["kind"]
    if kind.endswith("List") and isinstance(document.get("items"), list) and depth < 5:
        return [one for item, place in entries(document["items"], here) for one in _declare(item, place, depth + 1)]
    if kind in _POD_SPECS:
        return _Workload(document, here).declare()
    if kind == "Service" and document["apiVersion"] == "v1":
        return _Service(document, here).declare()
    if kind == "Cluster" and document["apiVersion"].startswith("kind.x-k8s.io/"):
        return _KindCluster(document, here).declare()
    return []


class _Object:
    """An object of the API, with errors that name the line."""

    def __init__(self, document: t.Any, mark: Mark) -> None:
        self._root, self._mark = document, mark
        metadata = document.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name = metadata.get("name") or metadata.get("generateName") or document.get("name") or "unnamed"
        self._name = f"{document['kind']}/{name}"
        self._unknown: list[str] = []

    def _table(self, value: t.Any, what: str, mark: Mark) -> dict[str, t.Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Unparsable(f"{mark}: {self._name}: {what} is no mapping")
        return value

    def _list(self, parent: dict[str, t.Any], key: str, mark: Mark) -> list[tuple[dict[str, t.Any], Mark]]:
        value = parent.get(key)
        if value is None:
            return []
        where = mark_of(parent, key, mark)
        if not isinstance(value, list):
            raise Unparsable(f"{where}: {self._name}: {key} is no list")
        return [(self._table(entry, f"an entry of {key}", place), place) for entry, place in entries(value, where)]

    def _port(self, parent: dict[str, t.Any], key: str, mark: Mark) -> int | None:
        """A port of the host; None where there is none, or 0 or a template stands there."""
        value = parent.get(key)
        if value is None or value == 0:
            return None
        where = mark_of(parent, key, mark)
        if isinstance(value, str) and "{{" in value:
            self._unknown.append(f"{key} {value} is a template that was not rendered")
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
            raise Unparsable(f"{where}: {self._name}: {key} is {value!r}, which is no port")
        return value

    def _protocol(self, parent: dict[str, t.Any], mark: Mark) -> str | None:
        """``tcp`` or ``udp``; None for sctp, which is no claim of ours."""
        value = parent.get("protocol") or "TCP"
        if str(value) not in _PROTOCOLS:
            raise Unparsable(f"{mark_of(parent, 'protocol', mark)}: {self._name}: there is no protocol {value!r}")
        return _PROTOCOLS[str(value)]

    def _address(self, parent: dict[str, t.Any], key: str, mark: Mark, otherwise: str) -> str:
        value = parent.get(key)
        if not value:
            return otherwise
        try:
            return render_ip(parse_ip(str(value)))
        except ValueError:
            raise Unparsable(f"{mark_of(parent, key, mark)}: {self._name}: {key} {value!r} is no IP address") from None

    def _declared(self, ports: t.Iterable[DeclaredPort], host_network: bool = False) -> Declared:
        return Declared(
            kind="container",
            name=self._name,
            file=self._mark.file,
            line=self._mark.line,
            ports=tuple(dict.fromkeys(ports)),
            unknown=tuple(dict.fromkeys(self._unknown)),
            # The kubelet decides, and the scheduler may send it elsewhere.
            at_boot="unknown",
            host_network=host_network,
        )


class _Workload(_Object):
    """A pod, or what makes pods."""

    def declare(self) -> list[Declared]:
        spec, place = self._root, self._mark
        for key in _POD_SPECS[self._root["kind"]]:
            place = mark_of(spec, key, place)
            spec = self._table(spec.get(key), key, place)
        host_network = spec.get("hostNetwork") is True
        if host_network:
            self._unknown.append(_HOST_NETWORK)
        containers = self._list(spec, "containers", place)
        ports = [port for container, mark in containers for port in self._container(container, mark, host_network)]
        for container, mark in self._list(spec, "initContainers", place):
            # One that is restarted always is a sidecar and stays; the others end before the pod is up, and the kubelet
            # maps no port of theirs (generatePodSandboxConfig in pkg/kubelet/kuberuntime).
            if container.get("restartPolicy") == "Always":
                ports += self._container(container, mark, host_network)
        data = self._data(spec, place)
        if not (ports or self._unknown or data):
            return []
        image = next((str(one["image"]) for one, _mark in containers if isinstance(one.get("image"), str)), None)
        return [self._declared(ports, host_network)._replace(image=image, program=name_program(image), data=data)]

    def _container(self, container: dict[str, t.Any], mark: Mark, host_network: bool) -> list[DeclaredPort]:
        found = []
        for port, place in self._list(container, "ports", mark):
            protocol = self._protocol(port, place)
            inside, outside = self._port(port, "containerPort", place), self._port(port, "hostPort", place)
            # On the host's network the API sets hostPort to containerPort.
            key, number = ("hostPort", outside) if outside or not host_network else ("containerPort", inside)
            if number is None or protocol is None:
                continue
            address = self._address(port, "hostIP", place, "*")
            line = mark_of(port, key, place).line
            source = f"{key}: {number} (container {container.get('name')})"
            found.append(DeclaredPort(protocol, address, number, source, line, "declared"))
        return found

    def _data(self, spec: dict[str, t.Any], place: Mark) -> tuple[str, ...]:
        found = []
        for volume, mark in self._list(spec, "volumes", place):
            path = self._table(volume.get("hostPath"), "hostPath", mark).get("path")
            if isinstance(path, str) and path.startswith("/"):
                found.append(path.rstrip("/") or "/")
        return tuple(dict.fromkeys(found))


class _Service(_Object):
    """A Service: what every host forwards to it."""

    def declare(self) -> list[Declared]:
        place = mark_of(self._root, "spec", self._mark)
        spec = self._table(self._root.get("spec"), "spec", place)
        if spec.get("type") not in _NODE_PORTS:
            return []
        allocates = not (spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False)
        found = []
        for port, mark in self._list(spec, "ports", place):
            protocol, number = self._protocol(port, mark), self._port(port, "nodePort", mark)
            if number is None and allocates:
                self._unknown.append(f"the cluster chooses a node port (mostly 30000-32767) for its port {port.get('port')}")
            if number is not None and protocol is not None:
                line = mark_of(port, "nodePort", mark).line
                found.append(DeclaredPort(protocol, "*", number, f"nodePort: {number}", line, "declared"))
        health = self._port(spec, "healthCheckNodePort", place)
        if health is not None:
            line = mark_of(spec, "healthCheckNodePort", place).line
            found.append(DeclaredPort("tcp", "*", health, f"healthCheckNodePort: {health}", line, "declared"))
        return [self._declared(found)] if found or self._unknown else []


class _KindCluster(_Object):
    """A configuration of kind: its nodes are containers that publish ports."""

    def declare(self) -> list[Declared]:
        networking = self._table(self._root.get("networking"), "networking", self._mark)
        everywhere = "::" if networking.get("ipFamily") == "ipv6" else "0.0.0.0"
        found = []
        for node, mark in self._list(self._root, "nodes", self._mark):
            for mapping, place in self._list(node, "extraPortMappings", mark):
                protocol, number = self._protocol(mapping, place), self._port(mapping, "hostPort", place)
                if number is None or protocol is None:
                    continue
                address = self._address(mapping, "listenAddress", place, everywhere)
                line = mark_of(mapping, "hostPort", place).line
                found.append(DeclaredPort(protocol, address, number, f"extraPortMappings: hostPort {number}", line, "declared"))
        port = self._port(networking, "apiServerPort", self._mark)
        if port is not None:
            address = self._address(networking, "apiServerAddress", self._mark, "::1" if everywhere == "::" else "127.0.0.1")
            line = mark_of(networking, "apiServerPort", self._mark).line
            found.append(DeclaredPort("tcp", address, port, f"apiServerPort: {port}", line, "declared"))
        return [self._declared(found)] if found or self._unknown else []
