# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.
"""When files were last changed."""

from __future__ import annotations

import os
import typing as t


def read_moments(paths: t.Iterable[str]) -> dict[str, float | None]:
    """The moment at which each file got the content that it has, at the latest; None for what is not there.

    Seconds since the epoch. That is the earlier of mtime and ctime: a file that was moved here, or whose mode was changed
    afterwards, had its content before its ctime; one that was unpacked with the time of another host, before its mtime or
    not. Nothing is followed, and nothing but this is read.
    """
    return {path: _moment(path) for path in paths}


def _moment(path: str) -> float | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return min(found.st_mtime_ns, found.st_ctime_ns) / 1e9
