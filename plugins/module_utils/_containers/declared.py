# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a container that an engine has says of itself, in the words for declared services."""

from __future__ import annotations

import typing as t

from .._ports.model import Declared, DeclaredPort
from .run_line import name_program

if t.TYPE_CHECKING:
    from .model import Container


def declare_container(container: Container, at_boot: str) -> Declared:
    """The model of a container as if a text had declared it; its ``file`` is empty, as the engine itself says so."""
    ports = tuple(
        DeclaredPort(port.proto, port.address, port.host_port, f"published port of {container.name}", 0, "declared")
        for port in container.published
        if port.host_port is not None
    )
    on_host = container.network_mode == "host"
    return Declared(
        kind="container",
        name=container.name,
        file="",
        line=0,
        ports=() if on_host else ports,
        unknown=("it uses the host's network",) if on_host else (),
        at_boot=at_boot,
        host_network=on_host,
        program=name_program(container.image),
        engine=container.engine,
        image=container.image,
        compose_project=container.compose_project,
        unit=container.unit,
        data=container.data,
    )
