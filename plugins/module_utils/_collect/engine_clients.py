# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which containers of Docker a unit runs: those whose ``docker run`` or ``docker start -a`` is a process of the unit."""

from __future__ import annotations

import typing as t

from .._containers.run_line import declare_run
from .._errors import CouldNotLook, NothingThere
from .._sockets.cgroup import parse_cgroup_path, parse_proc_cgroup

if t.TYPE_CHECKING:
    from .._host import Host


def collect_docker_units(host: Host) -> dict[str, str]:
    """Container name to the unit of the system manager that runs it. Docker itself knows nothing of it. A unit that runs
    ``docker run -d`` leaves no process behind and is not found."""
    found = {}
    for name in host.list_dir("/proc"):
        if not name.isdigit():
            continue
        try:
            if host.read_text(f"/proc/{name}/comm").strip() != "docker":
                continue
            declared = declare_run(host.read_text(f"/proc/{name}/cmdline").rstrip("\0").split("\0"), "", 0)
            path = parse_proc_cgroup(host.read_text(f"/proc/{name}/cgroup"))
        except (NothingThere, CouldNotLook):
            continue  # gone, or another's: then nothing is known of it, and the container counts as its own master
        owner = parse_cgroup_path(path) if path else None
        if declared is not None and owner is not None and owner.unit and owner.user_uid is None and owner.unit.endswith(".service"):
            found[declared.name] = owner.unit
    return found
