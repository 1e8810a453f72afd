# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Units and scripts of a repository, judged before they are on any host: where a file will lie is not known for sure."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._units.merge import Names, UnitTree, is_unit_name
from .follow import Text
from .judge import Judge, judge_all, pulled_in
from .pairs import Standing

if t.TYPE_CHECKING:
    from .model import Finding

_FOLDER = "/etc/systemd/system"
_TEMPLATE_ENDINGS = (".j2", ".in", ".tmpl", ".template", ".erb")
_EMPTY = Text(None, "missing", "it is not among the files that are given")


def judge_given(texts: t.Mapping[str, str]) -> list[Finding]:
    """What the services and timers among files are. ``texts`` has them by their paths in the repository. A program is
    looked up by its path, then by its name: ``/usr/local/bin/report`` may come from ``files/report.py``. Of two files of
    one name none is taken. Findings name the files by the paths that are given."""
    units = {_unit_path(path): text for path, text in texts.items() if _unit_path(path)}
    folders: dict[str, list[str]] = {}
    for path in units:
        folder, _slash, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    names = Names(UnitTree(units, {}, {folder: tuple(sorted(found)) for folder, found in folders.items()}, {}))
    _enabled, wanted = pulled_in(names)
    files = GivenFiles(texts)
    environment = {path: files.read(path).text for path in _environment_paths(texts) if files.read(path).text is not None}
    judge = Judge(names, files, environment, Standing(None, wanted, None, service_is_known=False))
    own = {_unit_path(path): path for path in texts if _unit_path(path)}
    return [
        one._replace(file=_given_path(one.file, own, files), fragment=own.get(one.fragment, one.fragment))
        for one in judge_all(judge, names)
    ]


def _unit_path(path: str) -> str:
    """Where a unit or a drop-in will lie; empty for any other file."""
    for ending in _TEMPLATE_ENDINGS:
        path = path.removesuffix(ending)
    folder, name = posixpath.split(path)
    if is_unit_name(name):
        return f"{_FOLDER}/{name}"
    parent = posixpath.basename(folder)
    return f"{_FOLDER}/{parent}/{name}" if parent.endswith((".service.d", ".timer.d")) and name.endswith(".conf") else ""


def _environment_paths(texts: t.Mapping[str, str]) -> list[str]:
    return [path.lstrip("-") for text in texts.values() for path in re.findall(r"(?m)^EnvironmentFile=-?(\S+)", text)]


def _given_path(path: str, own: t.Mapping[str, str], files: GivenFiles) -> str:
    return own.get(path) or files.where(path) or path


class GivenFiles:
    """Files by the paths that a repository has them under, asked for by those that a host will have."""

    def __init__(self, texts: t.Mapping[str, str]) -> None:
        self._texts = texts
        self._by_name: dict[str, list[str]] = {}
        for path in (one for one in texts if not _unit_path(one)):
            for name in sorted({posixpath.basename(path), _plain(path)}):
                self._by_name.setdefault(name, []).append(path)

    def where(self, path: str) -> str:
        """The given file that will be at a path; empty where none is, or several might be."""
        for exact in (path, path.lstrip("/")):
            if exact in self._texts:
                return exact
        below = [one for one in self._texts if path.endswith(f"/{one}") or one.endswith(path)]
        if len(below) == 1:
            return below[0]
        for name in (posixpath.basename(path), _plain(path)):
            found = self._by_name.get(name, [])
            if len(found) == 1:
                return found[0]
        return ""

    def read(self, path: str) -> Text:
        """The text of the file that will be at a path."""
        place = self.where(path) if posixpath.basename(path) != "__init__.py" else ""
        if not place:
            return _EMPTY
        template = place.endswith(_TEMPLATE_ENDINGS[:4]) or "templates" in place.split("/")[:-1]
        return Text(_filled_in(self._texts[place]) if template else self._texts[place], "script")

    def names(self, folder: str) -> list[str]:
        """Nothing: what a host has installed is not among the files."""
        del folder
        return []

    def find(self, program: str) -> str:
        """A program that is named without its folder."""
        return f"/usr/local/bin/{program}" if self.where(f"/usr/local/bin/{program}") else ""


def _filled_in(text: str) -> str:
    """A template with its defaults, or with a word for what only a host knows; lines that only steer it are left empty."""

    def value(match: re.Match[str]) -> str:
        default = re.search(r"\|\s*(?:default|d)\(\s*(?:'([^'{}]*)'|\"([^\"{}]*)\"|(\d[\d.]*))", match[1])
        if default is not None:
            return default[1] or default[2] or default[3] or ""
        return re.sub(r"\W+", "_", match[1].strip().partition("|")[0].strip()) or "value"

    return re.sub(r"\{\{([^{}\n]{0,300})\}\}", value, re.sub(r"\{[%#][^{}\n]{0,300}[%#]\}", "", text))


def _plain(path: str) -> str:
    """``reconcilePrivateHosts.sh`` and ``reconcile-private-hosts`` are one name."""
    name = posixpath.basename(path)
    for ending in _TEMPLATE_ENDINGS:
        name = name.removesuffix(ending)
    return re.sub(r"[-_.]", "", posixpath.splitext(name)[0]).lower()
