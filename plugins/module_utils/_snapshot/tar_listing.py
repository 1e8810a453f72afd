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
# Names of files are quoted, so that none can end like this.
_WAS_CHANGED = re.compile(
    r"""
    :\ (?:Cannot\ (?:open|stat|readlink|read|llistxattr|savedir):\ )?
    (?:Too\ many\ levels\ of\ symbolic\ links|Not\ a\ directory|No\ such\ file\ or\ directory|No\ such\ device\ or\ address)$
    | :\ file\ changed\ as\ we\ read\ it$
    | :\ File\ removed\ before\ we\ read\ it$
    | :\ File\ shrank\ by\ \d+\ bytes;\ padding\ with\ zeros$
    | :\ (?:socket|door)\ ignored$
    | :\ file\ is\ on\ a\ different\ filesystem;\ not\ dumped$
    | :\ Exiting\ with\ failure\ status\ due\ to\ previous\ errors$
    """,
    re.VERBOSE,
)
_LINE = re.compile(r"^block (\d+): ([^\n]*)\n", re.MULTILINE)


class ArchivePlan(t.NamedTuple):
    """A command, and the content of a file that it reads: the names that it leaves out."""

    argv: tuple[str, ...]
    exclusions: bytes


def plan_archiving(stem: str, folder: str, member: str, excluded: t.Iterable[str]) -> ArchivePlan:
    """The command that archives ``member`` of ``folder`` (empty for all of it) and all below it on its file system.

    ``excluded`` are paths relative to ``folder``. The archive is ``<stem>.tar``; ``<stem>.listing`` gets the names of members
    and the blocks at which they begin; ``<stem>.exclusions`` is to hold what the plan says.
    """
    # A file of names has one on each line, and what is white at a line's end is lost; arguments are limited in number.
    odd = [path for path in excluded if "\n" in path or path != path.rstrip()]
    plain = [path for path in excluded if "\n" not in path and path == path.rstrip()]
    argv = (
        "tar",
        "--create",
        f"--file={stem}.tar",
        "--verbose",
        "--block-number",
        f"--index-file={stem}.listing",
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
        *(f"--exclude=./{path}" for path in odd),
        *([f"--exclude-from={stem}.exclusions"] if plain else []),
        f"--directory={folder}",
        # The name itself might begin with a dash.
        f"./{member}" if member else ".",
    )
    return ArchivePlan(argv, "".join(f"./{path}\n" for path in plain).encode("utf-8", "surrogateescape"))


def find_errors(rc: int, err: str) -> list[str]:
    """What tar complained of, given its exit code and standard error, that makes its archive useless: nothing where files
    only changed or vanished while it read them, which is found and set right by looking at them again."""
    if rc in (0, 1):  # manual, "Synopsis": 1 means that some files differ or were changed while being archived
        return []
    lines = [line for line in err.splitlines() if line and not _WAS_CHANGED.search(line)]
    return lines or ([] if err else [f"it ended with {rc} and without a word"])


def parse_listing(text: str, where: str) -> dict[str, int]:
    """Path to block for each member of the archive: ``.`` for the folder itself, ``a/b`` for what is in it.

    :raises Unparsable: a line is not as ``tar --verbose --block-number --quoting-style=escape`` writes it
    """
    lines = _LINE.findall(text)
    if len(lines) != text.count("\n") or not text.endswith("\n"):
        broken = (line for line in text.split("\n") if line and not _LINE.fullmatch(f"{line}\n"))
        odd = next(broken, text.rpartition("\n")[2])
        raise Unparsable(f"{where} has a line that tar does not write: {odd[:80]!r}")
    return {_path(name): int(block) for block, name in lines}


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
