# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What of a tree is not to be looked at: what the user excluded, and where other file systems are mounted."""

from __future__ import annotations

import fnmatch
import os
import re
import typing as t

from .._errors import CouldNotLook

_OCTAL = re.compile(rb"\\([0-7]{3})")


def compile_exclusion(excluded: t.Sequence[str]) -> t.Callable[[str], bool] | None:
    """A test of absolute paths, or None where nothing is excluded.

    A pattern that begins with ``/`` is compared with the whole path, any other with the last name alone. ``*``, ``?`` and
    ``[...]`` mean what they mean in a shell, but ``*`` in a whole path goes beyond ``/``. What is below an excluded folder
    is excluded with it, which is for the walk to see to.
    """
    if not excluded:
        return None
    whole = [fnmatch.translate(pattern) for pattern in excluded if pattern.startswith("/")]
    names = ["(?s:.*/)" + fnmatch.translate(pattern) for pattern in excluded if not pattern.startswith("/")]
    match = re.compile("|".join(f"(?:{pattern})" for pattern in whole + names)).match
    return lambda path: match(path) is not None


def parse_mount_points(mountinfo: bytes) -> list[str]:
    """The mount points in the text of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)), in its order."""
    points = []
    for line in mountinfo.splitlines():
        fields = line.split(b" ")
        if len(fields) < 5:
            raise CouldNotLook(f"/proc/self/mountinfo has a line that is none: {line!r}")
        points.append(os.fsdecode(_OCTAL.sub(lambda found: bytes([int(found.group(1), 8)]), fields[4])))
    return points


def read_mount_points(root: str) -> frozenset[str]:
    """The mount points below a path, relative to it. A folder that is bound from the same file system is one too, which no
    device number tells.

    :raises CouldNotLook: ``/proc/self/mountinfo`` cannot be read
    """
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            points = parse_mount_points(file.read())
    except OSError as error:
        raise CouldNotLook(f"/proc/self/mountinfo: {error.strerror}; without it mount points cannot be told from folders") from error
    start = root.rstrip("/") + "/"
    return frozenset(point[len(start) :] for point in points if point.startswith(start) and point != start)
