# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What proves that a snapshot is whole: ``SHA256SUMS`` (as sha256sum of coreutils writes and checks it) over every file, and
``COMPLETE``, written last, over that.

Names are paths relative to the snapshot's folder; bytes that are not UTF-8 are kept as surrogates.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from .._errors import Unparsable

SUMS = "SHA256SUMS"
COMPLETE = "COMPLETE"
_VERSION = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Seal(t.NamedTuple):
    """What ``COMPLETE`` says: the digest of ``SHA256SUMS`` in hexadecimal, and the size of every file in bytes."""

    sums: str
    sizes: t.Mapping[str, int]


def render_sums(digests: t.Mapping[str, str]) -> bytes:
    """The text of ``SHA256SUMS`` for name to digest (hexadecimal)."""
    return b"".join(_line(name, digests[name]) for name in sorted(digests))


def _line(name: str, digest: str) -> bytes:
    # coreutils manual, "cksum output modes": a line whose name holds a backslash, newline or return begins with a backslash.
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n".encode("utf-8", "surrogateescape")


def parse_sums(text: bytes, where: str) -> dict[str, str]:
    """Name to digest.

    :raises Unparsable: a line is not as :func:`render_sums` writes it
    """
    found: dict[str, str] = {}
    # Not splitlines(): names may hold what that takes for the end of a line.
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop() != "":
        raise Unparsable(f"{where} breaks off in its last line")
    for number, line in enumerate(lines, 1):
        digest, gap, name = line.lstrip("\\")[:64], line.lstrip("\\")[64:66], line.lstrip("\\")[66:]
        if line.startswith("\\"):
            name = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), name)
        if not _DIGEST.fullmatch(digest) or gap != "  " or not name or name in found:
            raise Unparsable(f"{where}, line {number}, is no line of sha256sum: {line[:80]!r}")
        found[name] = digest
    return found


def render_seal(sums: bytes, sizes: t.Mapping[str, int]) -> bytes:
    """The text of ``COMPLETE`` for that of ``SHA256SUMS`` and the size of every file that it names."""
    fields = {"version": _VERSION, "sha256sums": hashlib.sha256(sums).hexdigest(), "sizes": dict(sizes)}
    return json.dumps(fields, indent=1, sort_keys=True).encode("ascii") + b"\n"


def parse_seal(text: bytes, where: str) -> Seal:
    """What ``COMPLETE`` says.

    :raises Unparsable: it is not as :func:`render_seal` writes it
    """
    try:
        fields = json.loads(text)
        version, sums, sizes = fields["version"], fields["sha256sums"], fields["sizes"]
        if version != _VERSION:
            raise Unparsable(f"{where} was written by another version of this collection ({version!r})")
        if not _DIGEST.fullmatch(sums) or set(map(type, sizes.values())) - {int}:
            raise Unparsable(f"{where} is not as it was written: a digest or a size is none")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unparsable(f"{where} is not as it was written: {error!r}") from error
    return Seal(sums, sizes)
