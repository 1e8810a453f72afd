# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other people's tools, asked whether a tree is what it was."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

# Sockets are whatever listens on them makes of them: no tool's business, nor ours.
_SOCKET = "socket"
# What rsync ends with where it met a link in place of a folder, which is a difference.
_PARTIAL = 23


class Reference(t.NamedTuple):
    """A tree as it was: a copy, and what the tools said of it."""

    copy: Path
    mtree: bytes
    attributes: bytes
    capabilities: bytes


def take_reference(root: Path, copy: Path) -> Reference:
    """Copy a tree by ``rsync`` and write down what tools say of it."""
    subprocess.run(["rsync", "-aHS", "--modify-window=-1", f"{root}/", f"{copy}/"], check=True)
    return Reference(copy, _mtree(root), _attributes(root), _capabilities(root))


def find_differences(root: Path, reference: Reference) -> list[str]:
    """What differs, in the words of the tool that saw it; empty where nothing does."""
    # ACLs and attributes are compared by getfattr: rsync 3.2 takes some folders' default ACLs for changed in its own copy.
    options = ["-aHSn", "--checksum", "--delete", "-i", "--modify-window=-1", f"--exclude=/{_SOCKET}"]
    done = subprocess.run(["rsync", *options, f"{reference.copy}/", f"{root}/"], capture_output=True, check=False)
    if done.returncode not in (0, _PARTIAL):
        raise RuntimeError(f"rsync cannot compare: {done.stderr!r}")
    found = [f"rsync: {line!r}" for line in (*done.stdout.splitlines(), *done.stderr.splitlines())]
    for tool, look, then in (
        ("mtree", _mtree, reference.mtree),
        ("getfattr", _attributes, reference.attributes),
        ("getcap", _capabilities, reference.capabilities),
    ):
        before, now = set(then.splitlines()), set(look(root).splitlines())
        found += [f"{tool}: was {line!r}" for line in sorted(before - now)] + [f"{tool}: is {line!r}" for line in sorted(now - before)]
    return found


def _mtree(root: Path) -> bytes:
    """Kind, mode, owner, size, number of names, times in nanoseconds, target and SHA-256 of each entry."""
    keywords = "!all,type,mode,uid,gid,size,nlink,time,link,device,sha256"
    argv = ["bsdtar", "-cf", "-", "--format=mtree", f"--options={keywords}", f"--exclude=./{_SOCKET}", "."]
    done = subprocess.run(argv, cwd=root, capture_output=True, check=True)
    return b"\n".join(line for line in done.stdout.splitlines() if not line.startswith(b"#"))


def _attributes(root: Path) -> bytes:
    """All extended attributes of all entries, links' own, with ACLs, capabilities and labels; one line for each entry."""
    done = subprocess.run(["getfattr", "-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "."], cwd=root, capture_output=True, check=True)
    return b"\n".join(block.replace(b"\n", b" | ") for block in done.stdout.split(b"\n\n"))


def _capabilities(root: Path) -> bytes:
    return subprocess.run(["getcap", "-r", "."], cwd=root, capture_output=True, check=True).stdout
