# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A mark that lasts as long as one boot.

``/proc/sys/kernel/random/boot_id`` is the kernel's; a machine that shares its kernel (a container with an init of its
own) keeps it over its own reboots. A random text in /run, which every boot begins empty, tells these apart too.
"""

from __future__ import annotations

import typing as t

from .._errors import NothingThere, StepFailed

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost

MARK_FOLDER = "/run/guarded-deploy"
_FILE = "boot"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_RANDOM = "/proc/sys/kernel/random/uuid"
_PATIENCE = 5.0  # seconds for another who makes the mark just now


def read_boot_mark(host: Host, folder: str = MARK_FOLDER) -> str:
    """The mark of this boot. Where nobody has made one it ends in ``unmarked``, which equals no snapshot's mark: whoever
    takes a snapshot makes the mark, so none was taken in this boot.

    :raises CouldNotLook: it may not be read
    """
    boot_id = host.read_text(_BOOT_ID).strip()
    try:
        mark = host.read_text(f"{folder}/{_FILE}").strip()
    except NothingThere:
        mark = ""
    # A /run that was carried over into another kernel marks the boot before.
    return mark if mark.startswith(f"{boot_id}/") else f"{boot_id}/unmarked"


def is_marked(mark: str) -> bool:
    """Whether a mark is one that :func:`make_boot_mark` made."""
    return not mark.endswith("/unmarked")


def make_boot_mark(host: WritableHost, folder: str = MARK_FOLDER) -> str:
    """The mark of this boot, made where it is missing. Of several who make it at once, all get the same.

    :raises StepFailed: it cannot be made
    """
    mark = read_boot_mark(host, folder)
    if is_marked(mark):
        return mark
    host.make_folder(folder, 0o755)
    with host.lock(f"{folder}/{_FILE}.lock", _PATIENCE) as held:
        if not held:
            raise StepFailed(f"{folder}/{_FILE}.lock is held by another process; try again when that has ended")
        mark = read_boot_mark(host, folder)
        if not is_marked(mark):
            boot_id = host.read_text(_BOOT_ID).strip()
            mark = f"{boot_id}/{host.read_text(_RANDOM).strip()}"
            host.write_file(f"{folder}/{_FILE}", f"{mark}\n".encode(), 0o644)
    return mark
