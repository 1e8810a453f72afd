# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Compose projects that lie on the host and are down: their ports cannot be read here, so they are named."""

from __future__ import annotations

import typing as t

from .._containers.compose_names import DEFAULT_FILES, guess_name
from .._errors import CouldNotLook, NothingThere
from .._ports.model import BlindSpot

if t.TYPE_CHECKING:
    from .._containers.model import Container
    from .._host import Host

_ROOTS = ("/opt", "/srv", "/root")
_DEPTH = 2  # /opt/stacks/shop/compose.yaml
_MOST_FOLDERS = 2000
_LARGEST_FILE = 1 << 20  # bytes


def collect_down_projects(host: Host, containers: t.Iterable[Container]) -> tuple[BlindSpot, ...]:
    """A blind spot for each Compose file in the usual places (/opt, /srv and homes, two folders deep) that no container
    belongs to. Nothing starts such a project but a person, so it hides neither a holder nor a conflict of today."""
    projects = {container.compose_project for container in containers}
    spots = []
    for path, folder in find_compose_files(host):
        try:
            text = host.read_regular(path, _LARGEST_FILE).decode("utf-8", "replace")
        except (CouldNotLook, NothingThere):
            text = ""
        name = guess_name(text, folder)
        if name not in projects:
            spots.append(
                BlindSpot(
                    what=f"the ports of the Compose project {name} of {path}, which is down",
                    why="it has no container here, and this host cannot read YAML",
                    could_hide_planned=False,
                    remedy="Give the file to a look from the controller, by the option manifests.",
                    could_hide_conflict=False,
                )
            )
    return tuple(spots)


def find_compose_files(host: Host) -> t.Iterator[tuple[str, str]]:
    """(path, name of its folder) of each Compose file in the usual places (/opt, /srv and homes, two folders deep); what may
    not be looked into is left out, for it is a courtesy."""
    pending = [(root, 0) for root in (*_ROOTS, *_homes(host))]
    for _number in range(_MOST_FOLDERS):
        if not pending:
            return
        folder, depth = pending.pop()
        try:
            entries = host.entries(folder)
        except (CouldNotLook, NothingThere):
            continue
        names = {name for name, kind in entries if kind in ("file", "link")}
        found = next((name for name in DEFAULT_FILES if name in names), None)
        if found is not None:
            yield f"{folder}/{found}", folder.rpartition("/")[2]
        if depth < _DEPTH:
            pending += [(f"{folder}/{name}", depth + 1) for name, kind in entries if kind == "folder" and not name.startswith(".")]


def _homes(host: Host) -> list[str]:
    try:
        return [f"/home/{name}" for name, kind in host.entries("/home") if kind == "folder"]
    except (CouldNotLook, NothingThere):
        return []
