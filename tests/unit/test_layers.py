# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of rooms in docs/architecture.md, as a test: who may import what."""

from __future__ import annotations

import ast
import sys
import typing as t
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = CHECKOUT / "plugins"
COLLECTION = "ansible_collections.guarded.deploy.plugins"


class Room(t.NamedTuple):
    """What may be imported: of ours, of Ansible, and (where given) what of the standard library may not."""

    ours: tuple[str, ...]
    ansible: tuple[str, ...] = ()
    not_stdlib: tuple[str, ...] = ()


PURE = ("_sockets", "_units", "_containers", "_firewall", "_retirement", "_ports", "_snapshot", "_guard", "_jobs")
MODELS = tuple(f"module_utils.{room}.model" for room in PURE)
# Small languages that texts of every kind contain: a unit runs a command line, which publishes ports.
READERS = (
    "module_utils._containers.publish",
    "module_utils._containers.run_line",
    "module_utils._containers.shell",
    "module_utils._ports.arguments",
    "module_utils._sockets.address",
    "module_utils._units.merge",
    "module_utils._units.specifiers",
    "module_utils._units.unit_file",
    "module_utils._units.words",
)
# Whatever reaches the machine, the clock or Ansible.
IMPURE = ("os", "pathlib", "shutil", "subprocess", "socket", "http", "urllib.request", "time", "threading", "asyncio", "multiprocessing")
SPAWNS = ("subprocess", "pkgutil")

ROOMS = {
    "module_utils._errors": Room(ours=()),
    "module_utils._http": Room(ours=("module_utils._errors",), not_stdlib=SPAWNS),
    "module_utils._host": Room(
        ours=("module_utils._errors", "module_utils._http"), ansible=("ansible.module_utils.basic",), not_stdlib=SPAWNS
    ),
    "module_utils._compile_once": Room(ours=(), not_stdlib=SPAWNS),
    "module_utils._argspec": Room(ours=(), not_stdlib=IMPURE),
    **{
        f"module_utils.{room}": Room(
            ours=("module_utils._errors", f"module_utils.{room}", *MODELS, *READERS), not_stdlib=(*IMPURE, "pkgutil")
        )
        for room in PURE
    },
    # On top of the other pure rooms.
    **{
        f"module_utils.{room}": Room(
            ours=("module_utils._errors", *(f"module_utils.{room}" for room in PURE)), not_stdlib=(*IMPURE, "pkgutil")
        )
        for room in ("_ports", "_snapshot", "_jobs")
    },
    # File trees by descriptors: the second door to the machine.
    "module_utils._tree": Room(
        ours=("module_utils._errors", "module_utils._tree", "module_utils._snapshot.tree_diff", *MODELS),
        not_stdlib=("subprocess", "socket", "pkgutil", "asyncio"),
    ),
    "module_utils._collect": Room(
        ours=(
            "module_utils._host",
            "module_utils._http",
            "module_utils._errors",
            "module_utils._tree",
            "module_utils._collect",
            *(f"module_utils.{room}" for room in PURE),
        ),
        not_stdlib=(*IMPURE, "pkgutil"),
    ),
    "module_utils._apply": Room(
        ours=(
            "module_utils._host",
            "module_utils._http",
            "module_utils._errors",
            "module_utils._tree",
            "module_utils._apply",
            "module_utils._collect",
            *(f"module_utils.{room}" for room in PURE),
        ),
        not_stdlib=(*IMPURE, "pkgutil"),
    ),
    # Runs on a host without Ansible, out of a zipapp.
    "standalone": Room(ours=("module_utils", "standalone")),
    "modules": Room(ours=("module_utils",), ansible=("ansible.module_utils.",), not_stdlib=(*IMPURE, "pkgutil")),
    "doc_fragments": Room(ours=()),
    "plugin_utils": Room(ours=("plugin_utils", *(f"module_utils.{room}" for room in PURE), "module_utils._errors"), ansible=("ansible.",)),
    "action": Room(
        ours=("plugin_utils", *(f"module_utils.{room}" for room in PURE), "module_utils._errors"),
        ansible=("ansible.",),
    ),
}


def starts(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is, or lies below, one of the prefixes."""
    return any(name == prefix.rstrip(".") or name.startswith(prefix.rstrip(".") + ".") for prefix in prefixes)


def room_of(dotted: str) -> str | None:
    return next((room for room in ROOMS if starts(dotted, (room,))), None)


def imports(tree: ast.AST, dotted: str) -> t.Iterator[str]:
    """The absolute dotted names that a file imports, those under TYPE_CHECKING and inside functions too."""
    package = dotted.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = [*COLLECTION.split("."), *package][: len(COLLECTION.split(".")) + len(package) - node.level + 1]
                module = ".".join([*base, *([node.module] if node.module else [])])
            else:
                module = node.module or ""
            # `from ._ports import model` imports the file _ports/model.py; `from .model import Claim` a name in it.
            below = module.removeprefix(COLLECTION + ".").replace(".", "/")
            is_folder = module.startswith(COLLECTION) and (PLUGINS / below).is_dir()
            yield from (f"{module}.{alias.name}" for alias in node.names) if is_folder else (module,)


def broken_rules(source: str, dotted: str) -> list[str]:
    """What a file (dotted name below plugins/) imports against the table."""
    room = room_of(dotted)
    if room is None:
        return [f"{dotted} lies in no room of the table"]
    rules, found = ROOMS[room], []
    for name in imports(ast.parse(source), dotted):
        if name.startswith(COLLECTION):
            below = name.removeprefix(COLLECTION).lstrip(".")
            allowed = starts(below, rules.ours) and not (room == "modules" and starts(below, ("modules",)))
        elif name.split(".")[0] == "ansible":
            allowed = starts(name, rules.ansible)
        elif name.split(".")[0] in sys.stdlib_module_names:
            allowed = not starts(name, rules.not_stdlib)
        else:
            allowed = starts(room, ("plugin_utils", "action"))  # libraries live on the controller only
        if not allowed:
            found.append(f"{dotted} imports {name}")
    return found


def test_every_file_keeps_to_its_room() -> None:
    files = sorted(path for path in PLUGINS.rglob("*.py"))
    assert files
    found = []
    for path in files:
        dotted = ".".join(path.relative_to(PLUGINS).with_suffix("").parts)
        found += broken_rules(path.read_text(encoding="utf-8"), dotted)
    assert found == []


def test_every_room_of_the_page_is_in_the_table() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `plugins/")]
    assert len(rooms) > 5
    for room in rooms:
        dotted = room.removeprefix("plugins/").removesuffix(".py").strip("/").replace("/", ".")
        assert dotted in ROOMS, f"{room} stands in docs/architecture.md and not in the table"


def test_module_utils_has_no_package_files() -> None:
    """Ansible needs none, and an empty one would travel to every target."""
    assert list((PLUGINS / "module_utils").rglob("__init__.py")) == []


@pytest.mark.parametrize(
    ("dotted", "source"),
    [
        ("module_utils._ports.overlap", "import os"),
        ("module_utils._ports.overlap", "import os.path"),
        ("module_utils._ports.overlap", "def f():\n    from time import sleep"),
        ("module_utils._ports.overlap", "from .._collect.listeners import collect_listeners"),
        ("module_utils._sockets.diag", "from .._units.show import parse"),
        ("module_utils._sockets.diag", "from .._units import show"),
        ("module_utils._ports.overlap", "import yaml"),
        ("module_utils._ports.overlap", "from .._host import Host"),
        ("module_utils._host", "from ._ports.model import Claim"),
        ("module_utils._errors", "from ._host import Host"),
        ("module_utils._collect.listeners", "from ansible.module_utils.basic import AnsibleModule"),
        ("module_utils._collect.listeners", "import subprocess"),
        ("module_utils._collect.listeners", "from ...modules import port_conflict_info"),
        ("modules.other_info", "from ansible_collections.guarded.deploy.plugins.modules import port_conflict_info"),
        ("modules.other_info", "from ansible.plugins.loader import module_loader"),
        ("module_utils.helpers", ""),
    ],
)
def test_a_broken_rule_is_found(dotted: str, source: str) -> None:
    assert broken_rules(source, dotted)


@pytest.mark.parametrize(
    ("dotted", "source"),
    [
        ("module_utils._ports.overlap", "import re\nfrom .._errors import BadInput"),
        ("module_utils._ports.overlap", "from .._sockets.model import Listener\nfrom .model import Claim"),
        ("module_utils._ports.overlap", "from .._units import model"),
        ("module_utils._collect.listeners", "from .._host import Host\nfrom .._sockets import diag"),
        ("modules.other_info", "from ansible.module_utils.basic import AnsibleModule\nfrom ..module_utils._errors import GuardError"),
    ],
)
def test_what_the_table_allows_is_let_through(dotted: str, source: str) -> None:
    assert broken_rules(source, dotted) == []
