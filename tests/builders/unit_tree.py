# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings of unit files, as trees for tests, and on a real host what systemd makes of them.

A listing has ``== /path`` before the text of each file, and ``== /path -> /target`` for a link. On a host (as root,
systemd 252 or later, Python's standard library only):

    python3 unit_tree.py tree.txt > tree.json     # loads the units, starts none, and removes them
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

PROPERTIES = ("Id", "Names", "FragmentPath", "DropInPaths", "LoadState", "Listen")


class Listing(t.NamedTuple):
    """Texts and targets of links by path."""

    files: dict[str, str]
    links: dict[str, str]


def parse_listing(text: str) -> Listing:
    """What a listing says."""
    found = Listing({}, {})
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        head, _end, body = part.partition("\n")
        path, arrow, target = head.partition(" -> ")
        if arrow:
            found.links[path.strip()] = target.strip()
        else:
            found.files[path.strip()] = body.rstrip("\n") + "\n" if body.strip() else ""
    return found


def folders_of(listing: Listing) -> dict[str, tuple[str, ...]]:
    """The names in each folder."""
    found: dict[str, set[str]] = {}
    for path in (*listing.files, *listing.links):
        while path.count("/") > 1:
            folder, _slash, name = path.rpartition("/")
            found.setdefault(folder, set()).add(name)
            path = folder
    return {folder: tuple(sorted(names)) for folder, names in found.items()}


def _unit_names(listing: Listing) -> list[str]:
    names = {path.rpartition("/")[2] for path in (*listing.files, *listing.links)}
    return sorted(name for name in names if name.startswith("gd-") and not name.endswith(".conf") and "@." not in name)


def _show(name: str) -> dict[str, t.Any]:
    command = ["systemctl", "show", "-p", ",".join(PROPERTIES), "--", name]
    found: dict[str, t.Any] = {"Listen": []}
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        key, _equals, value = line.partition("=")
        if key == "Listen":
            found["Listen"].append(value)
        elif key in PROPERTIES:
            found[key] = value.split() if key in ("Names", "DropInPaths") else value
    return found


def _jobs(target: str) -> list[str]:
    command = ["runuser", "-u", "nobody", "--", "/lib/systemd/systemd", "--test", "--system", f"--unit={target}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    found = set(re.findall(r"Action: (gd-\S+) -> start", answer.stdout + answer.stderr))
    return sorted(found)


def record(listing: Listing) -> dict[str, t.Any]:
    """Puts the files on this host, asks systemd about every unit whose name begins with ``gd-``, and removes them."""
    paths = [Path(path) for path in (*listing.files, *listing.links)]
    made = [path for path in paths if not path.exists() and not path.is_symlink()]
    if made != paths:
        raise SystemExit("some of the files are there already")
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            if str(path) in listing.links:
                path.symlink_to(listing.links[str(path)])
            else:
                path.write_text(listing.files[str(path)], encoding="utf-8")
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        version = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        return {"systemd": version, "show": {name: _show(name) for name in _unit_names(listing)}, "jobs": _jobs("gd-boot.target")}
    finally:
        for path in made:
            path.unlink()
            if path.parent.name.startswith(("gd-", "service.d")) and not os.listdir(path.parent):
                path.parent.rmdir()
        subprocess.run(["systemctl", "daemon-reload"], check=True)


if __name__ == "__main__":
    print(json.dumps(record(parse_listing(Path(sys.argv[1]).read_text(encoding="utf-8"))), indent=1, sort_keys=True))
