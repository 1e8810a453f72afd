# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Unit files that lie in folders, on the controller or as tasks will lay them on a host."""

from __future__ import annotations

import posixpath
import typing as t

from ..module_utils._units.declared import declare_unit, find_service_of_socket
from ..module_utils._units.merge import SEARCH_PATH, Names, UnitTree, find_names

if t.TYPE_CHECKING:
    from ..module_utils._ports.model import Declared


def _unknown(_name: str) -> str:
    return "unknown"


def declare_units(
    files: t.Mapping[str, str], environment_files: t.Mapping[str, str | None], at_boot: t.Callable[[str], str] = _unknown
) -> tuple[Declared, ...]:
    """What services and sockets declare, out of unit files and drop-ins by path.

    ``environment_files`` are texts by the path that ``EnvironmentFile=`` names; ``at_boot`` says of a unit's name
    whether the next boot starts it. Of two files of one name that in systemd's earlier folder counts.
    """
    folders: dict[str, list[str]] = {}
    for path in files:
        folders.setdefault(posixpath.dirname(path) or ".", []).append(posixpath.basename(path))
    others = sorted(folder for folder in folders if folder not in SEARCH_PATH and not folder.endswith(".d"))
    search = (*(folder for folder in SEARCH_PATH if folder in folders), *others)
    listed = {folder: tuple(sorted(names)) for folder, names in folders.items()}
    # A name without a folder is looked for as ./name.
    texts = {path if posixpath.dirname(path) else f"./{path}": text for path, text in files.items()}
    names = Names(UnitTree(texts, {}, listed, {}, search))
    merged = {name: names.merge(name) for name in find_names(names.tree) if name.endswith((".service", ".socket"))}
    passed: dict[str, list[str]] = {}
    for name, unit in merged.items():
        if name.endswith(".socket"):
            passed.setdefault(find_service_of_socket(name, unit), []).append(name)
    found = (declare_unit(name, unit, environment_files, at_boot(name), passed.get(name, ())) for name, unit in merged.items())
    return tuple(one if one.file in files else one._replace(file=one.file.removeprefix("./")) for one in found)
