# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose projects as parser cases: a text of several files, and what the real tool made of it.

A case ``<name>.txt`` begins with optional settings, and each file follows a line ``=== path``::

    options: --profile debug
    environment: HTTP_PORT=8080 BIND=127.0.0.1
    directory: shop

    === compose.yaml
    services: ...

``python3 compose_case.py FOLDER`` on a host with Docker Compose writes the ``.json`` of every case: the project's name,
and of each service what decides about host ports; or the text with which Compose refused it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

_KEPT = ("container_name", "network_mode", "ports", "scale")


class Case(t.NamedTuple):
    """A project. ``files`` are texts by path; the project lies in ``directory`` below them."""

    options: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    files: dict[str, str]

    def values(self, option: str) -> tuple[str, ...]:
        """The values of an option of ``docker compose`` that may be repeated."""
        return tuple(self.options[index + 1] for index, word in enumerate(self.options) if word == option)


def parse_case(text: str) -> Case:
    """A case out of its text."""
    head, *parts = text.split("\n=== ") if not text.startswith("=== ") else ("", *text[4:].split("\n=== "))
    settings = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    files = {}
    for part in parts:
        path, _newline, content = part.partition("\n")
        files[path.strip()] = content if content.endswith("\n") else content + "\n"
    environment = dict(pair.split("=", 1) for pair in shlex.split(settings.get("environment", "")))
    return Case(tuple(shlex.split(settings.get("options", ""))), environment, settings.get("directory", "shop"), files)


def lay_out(case: Case, folder: Path) -> Path:
    """Write the files of a case below a folder; the project's directory."""
    project = folder / case.directory
    project.mkdir(parents=True, exist_ok=True)
    for name, content in case.files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return project


def _networks(project: dict[str, t.Any], service: dict[str, t.Any]) -> list[bool]:
    """For each network of a service whether it is internal."""
    known = project.get("networks") or {}
    return [bool((known.get(name) or {}).get("internal")) for name in service.get("networks") or {}]


def _reduce(project: dict[str, t.Any]) -> dict[str, t.Any]:
    services = {}
    for name, service in sorted((project.get("services") or {}).items()):
        kept = {key: service[key] for key in _KEPT if key in service}
        kept["internal"] = _networks(project, service)
        kept["replicas"] = (service.get("deploy") or {}).get("replicas")
        services[name] = kept
    return {"name": project["name"], "services": services}


def ask_compose(case: Case) -> dict[str, t.Any]:
    """What ``docker compose config`` makes of a case, in an environment of nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        project = lay_out(case, Path(folder))
        done = subprocess.run(
            ["docker", "compose", *case.options, "config", "--format", "json"],
            cwd=project,
            env={"PATH": os.environ["PATH"], "HOME": folder, **case.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            return {"refused": done.stderr.replace(folder, "").strip().splitlines()[-1]}
        return _reduce(json.loads(done.stdout))


def main(folder: Path) -> None:
    """Write the expected answer of every case in a folder."""
    for path in sorted(folder.glob("*.txt")):
        answer = ask_compose(parse_case(path.read_text(encoding="utf-8")))
        path.with_suffix(".json").write_text(json.dumps(answer, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
