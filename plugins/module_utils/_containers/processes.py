# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which container a helper process of an engine works for, from its command line and name."""

from __future__ import annotations

import typing as t

from .model import Publish

if t.TYPE_CHECKING:
    from .model import Container


class Proxy(t.NamedTuple):
    """What a docker-proxy forwards. The container is known by its address on the engine's network."""

    published: Publish
    container_address: str


def parse_docker_proxy(argv: t.Sequence[str]) -> Proxy | None:
    """What a docker-proxy forwards; None where the command line is not one.

    ``/usr/sbin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 9090 -container-ip 172.17.0.2 -container-port 80
    -use-listen-fd`` (the last word from Docker 28 on).
    """
    if not argv or _name(argv[0]) != "docker-proxy":
        return None
    options = {option: _value(argv, option) for option in ("-proto", "-host-ip", "-host-port", "-container-ip", "-container-port")}
    host_port, container_port = options["-host-port"], options["-container-port"]
    proto, address, target = options["-proto"], options["-host-ip"], options["-container-ip"]
    if not (proto and address and target and host_port and container_port):
        return None
    if not (host_port.isdigit() and container_port.isdigit()):
        return None
    return Proxy(Publish(proto, address, int(host_port), int(container_port)), target)


def find_proxied(proxy: Proxy, containers: t.Iterable[Container]) -> Container | None:
    """The container behind a docker-proxy. Several networks may use one address, so the published port decides then."""
    behind = [container for container in containers if proxy.container_address in container.addresses]
    if len(behind) <= 1:
        return behind[0] if behind else None
    wanted = proxy.published
    for container in behind:
        for publish in container.bound:
            if (publish.proto, publish.host_port, publish.container_port) == (wanted.proto, wanted.host_port, wanted.container_port):
                return container
    return None


def find_conmon_container(argv: t.Sequence[str]) -> str | None:
    """The id of the container that a conmon watches (``conmon --api-version 1 -c <id> -u <id> ...``); None where it is none."""
    if not argv or _name(argv[0]) != "conmon":
        return None
    container_id = _value(argv, "-c") or _value(argv, "--cid")
    return container_id if container_id and len(container_id) == 64 else None


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _value(argv: t.Sequence[str], option: str) -> str | None:
    """The word after an option, or glued to it by ``=``."""
    for index, word in enumerate(argv):
        if word == option:
            return argv[index + 1] if index + 1 < len(argv) else None
        if word.startswith(option + "="):
            return word[len(option) + 1 :]
    return None
