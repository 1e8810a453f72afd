# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units as a snapshot records them."""

from __future__ import annotations

import typing as t

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import UnitState

_SUB = {"service": "running", "socket": "listening", "timer": "waiting", "path": "waiting", "target": "active", "mount": "mounted"}


def unit_state(name: str, active: str = "active", enabled: str = "enabled", **more: t.Any) -> UnitState:
    """A unit of the system's with a file in /etc/systemd/system; one that is up has an invocation of its own."""
    kind = name.rpartition(".")[2]
    values: dict[str, t.Any] = {
        "user": None,
        "load": "loaded",
        "sub": _SUB.get(kind, "active") if active == "active" else "dead",
        "names": (name,),
        "type": "simple" if kind == "service" else "",
        "fragment": f"/etc/systemd/system/{name}",
        "invocation": f"first {name}" if active in ("active", "activating", "failed") else "",
        "changed": 100.0,
    }
    return UnitState(name=name, active=active, enabled=enabled, **{**values, **more})
