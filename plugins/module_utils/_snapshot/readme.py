# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a snapshot tells a person who has none of our tools, and perhaps nothing but a shell."""

from __future__ import annotations

import re
import typing as t

from .model import ContainerState, Snapshot, Tree, UnitState

_WIDTH = 60


def render_readme(snapshot: Snapshot, trees: t.Sequence[Tree], host_name: str, when: str) -> bytes:
    """The text of ``README.txt``. ``when`` is the moment of the snapshot in words, ``trees`` are those of its paths in their
    order. It holds no content of files, no commands of hooks and no environment."""
    parts = [_begin(snapshot, host_name, when), _HOW_TO, *_paths(trees), _state(snapshot)]
    return "\n".join(parts).encode("utf-8", "surrogateescape")


def _begin(snapshot: Snapshot, host_name: str, when: str) -> str:
    lines = [f"Snapshot {snapshot.id} of the host {host_name}, taken {when} by guarded.deploy."]
    if snapshot.comment:
        lines.append(f"Comment: {_printable(snapshot.comment)}")
    return "\n".join(lines) + "\n"


_HOW_TO = """\
IS IT WHOLE?  In this folder:
    sha256sum --check --quiet SHA256SUMS

WHAT IS IN IT
    tree-NNN.tar    the files below one path, as a plain tar archive (names in it are relative to that path)
    tree-NNN.json   the same path's index: owners, modes, times to the nanosecond, extended attributes
    snapshot.json   units, containers, networks, volumes, images, listeners and packages, as they were
    hooks/          what the before_snapshot hooks have left here, a database dump for one
    SHA256SUMS      digests of all these; COMPLETE is written last and names every file's size

TO GET FILES BACK BY HAND
    Look:           tar --list --verbose --file=tree-NNN.tar
    One file:       tar --extract --file=tree-NNN.tar --directory=/somewhere --numeric-owner ./path/of/the/file
    All of a path:  tar --extract --file=tree-NNN.tar --directory=PATH --numeric-owner --xattrs --xattrs-include='*' --preserve-permissions
    Where PATH may be written to by users, unpack into an empty folder of root's and copy from there: tar follows links.
    Files that were not there when the snapshot was taken are not removed by tar. After units: systemctl daemon-reload
"""


def _paths(trees: t.Sequence[Tree]) -> t.Iterator[str]:
    yield "PATHS"
    for number, tree in enumerate(trees):
        yield f"    tree-{number:03d}  {_printable(tree.root)}  ({_describe(tree)})"
    yield ""


def _describe(tree: Tree) -> str:
    if not tree.entries:
        return "there was nothing: remove what is there now to bring this back"
    if tree.entries[0].kind != "folder":
        return f"a {tree.entries[0].kind}; in the archive as ./{_printable(tree.root.rpartition('/')[2])}"
    left_out = f", {len(tree.left_out)} left out" if tree.left_out else ""
    return f"{len(tree.entries)} entries{left_out}"


def _state(snapshot: Snapshot) -> str:
    state = snapshot.state
    units = [_unit(unit) for unit in state.units if unit.active not in ("inactive", "") or unit.enabled.startswith(("enabled", "masked"))]
    containers = [_container(one) for one in state.engines.containers]
    ports = [f"    {one.proto} {one.address} {one.port}  {_printable(one.owner)}" for one in state.listeners]
    unseen = [f"    {_printable(what)}: {_printable(why)}" for what, why in (*state.unseen, *state.engines.unseen)]
    parts = [
        ("UNITS  (name, active state, enablement; those that were neither running nor enabled are in snapshot.json)", units),
        ("CONTAINERS  (engine, name, status, restart policy, image)", containers),
        ("PORTS  (protocol, address, port, owner)", ports),
        ("WHAT COULD NOT BE SEEN", unseen),
    ]
    return "\n".join("\n".join([title, *(lines or ["    none"]), ""]) for title, lines in parts)


def _unit(unit: UnitState) -> str:
    name = f"{unit.name} of {unit.user}" if unit.user else unit.name
    return f"    {_printable(name):{_WIDTH}} {unit.active:<10} {unit.enabled}".rstrip()


def _container(one: ContainerState) -> str:
    engine = f"{one.engine} of {one.user}" if one.user else one.engine
    return f"    {engine:<8} {_printable(one.name):<30} {one.status:<10} {one.restart_policy:<14} {_printable(one.image)}"


def _printable(text: str) -> str:
    """Text of others, which may hold what moves a terminal's cursor."""
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]", lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
