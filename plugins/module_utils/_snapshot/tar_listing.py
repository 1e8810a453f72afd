# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""GNU tar's command line for one tree, and what it lists while it writes.

The options were read in the manual of GNU tar 1.34 ("All tar options", "Excluding some files", "Position-sensitive options")
and tried with 1.34 and 1.35.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Unparsable

_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_LINE = re.compile(r"block (\d+): (.*)", re.DOTALL)


def plan_archiving(archive: str, listing: str, folder: str, member: str, excluded: t.Sequence[str]) -> tuple[str, ...]:
    """The command that archives ``member`` of ``folder`` and all below it on its file system. ``excluded`` are paths
    relative to ``folder``. ``listing`` gets the names of members and the blocks at which they begin."""
    return (
        "tar",
        "--create",
        f"--file={archive}",
        "--verbose",
        "--block-number",
        f"--index-file={listing}",
        "--quoting-style=escape",
        "--format=posix",
        # Times stand in our index, to the nanosecond. Without them most members need no second header.
        "--pax-option=delete=atime,delete=ctime,delete=mtime,exthdr.name=%d/PaxHeaders/%f",
        "--numeric-owner",
        "--sparse",
        "--xattrs",
        "--xattrs-include=*",
        "--one-file-system",
        "--anchored",
        "--no-wildcards",
        *(f"--exclude=./{path}" for path in excluded),
        f"--directory={folder}",
        # The name itself might begin with a dash.
        f"./{member}" if member else ".",
    )


def parse_listing(text: str, where: str) -> dict[str, int]:
    """Path to block for each member of the archive: ``.`` for the folder itself, ``a/b`` for what is in it.

    :raises Unparsable: a line is not as ``tar --verbose --block-number --quoting-style=escape`` writes it
    """
    found = {}
    for line in text.split("\n"):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Unparsable(f"{where} has a line that tar does not write: {line[:80]!r}")
        found[_path(match[2])] = int(match[1])
    return found


def _path(name: str) -> str:
    if "\\" in name:
        name = _unescape(name)
    return name.removeprefix("./").rstrip("/") or "."


def _unescape(name: str) -> str:
    escaped = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
    return escaped.sub(_byte, name.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _byte(match: re.Match[bytes]) -> bytes:
    text = match[1].decode("latin-1")
    if len(text) == 3:
        return bytes([int(text, 8)])
    return bytes([_ESCAPES[text]]) if text in _ESCAPES else match[1]
