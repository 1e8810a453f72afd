# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services and scripts out of texts: what the rules on periodic jobs are tried on without a host."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.follow import Text
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.judge import Judge, judge_all, pulled_in
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import Finding
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pairs import Standing
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import SEARCH_PATH, Names, UnitTree

BINARY = "@binary\n"
UNITS = "/etc/systemd/system"
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class TextFiles:
    """Files by path; the text ``@binary`` stands for a compiled program."""

    def __init__(self, texts: t.Mapping[str, str]) -> None:
        self.texts = texts
        self.asked: list[str] = []

    def read(self, path: str) -> Text:
        self.asked.append(path)
        text = self.texts.get(path)
        if text is None:
            return Text(None, "missing", f"{path} does not exist")
        return Text(None, "binary") if text == BINARY else Text(text, "script")

    def names(self, folder: str) -> list[str]:
        start = folder.rstrip("/") + "/"
        return sorted({path[len(start) :].split("/")[0] for path in self.texts if path.startswith(start)})

    def find(self, program: str) -> str:
        return next((f"{folder}/{program}" for folder in _PATH if f"{folder}/{program}" in self.texts), "")


def unit_names(texts: t.Mapping[str, str], links: t.Mapping[str, str] | None = None) -> Names:
    """The units among files by path."""
    links = links or {}
    units = {path: text for path, text in texts.items() if path.startswith(tuple(f"{folder}/" for folder in SEARCH_PATH))}
    folders: dict[str, list[str]] = {}
    for path in (*units, *links):
        folder, _slash, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return Names(UnitTree(units, links, {folder: tuple(sorted(names)) for folder, names in folders.items()}, {}))


def judge_texts(texts: t.Mapping[str, str], only: t.Collection[str] = (), standing: Standing | None = None) -> list[Finding]:
    """What services and timers in texts are. Files below /etc that a unit names are its environment files."""
    names = unit_names(texts)
    _enabled, wanted = pulled_in(names)
    environment = {path: text for path, text in texts.items() if path.startswith("/etc/")}
    judge = Judge(names, TextFiles(texts), environment, standing or Standing(None, wanted))
    return judge_all(judge, names, only)


def judge_service(exec_start: str, files: t.Mapping[str, str] | None = None, settings: str = "") -> Finding:
    """What a service with one ``ExecStart=`` is."""
    unit = f"[Service]\nExecStart={exec_start}\n{settings}\n"
    return judge_texts({f"{UNITS}/x.service": unit, **(files or {})})[0]


def read_cases(folder: Path) -> dict[str, dict[str, str]]:
    """Every case of a folder by name: its files by path. A file of cases has ``======== name`` and ``==> path <==``."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.txt")):
        for block in re.split(r"(?m)^======== ", file.read_text(encoding="utf-8"))[1:]:
            name, _line, rest = block.partition("\n")
            parts = re.split(r"(?m)^==> (.+) <==\n", rest)
            found[name] = dict(zip(parts[1::2], parts[2::2]))
    return found
