# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A oneshot service and its timer, as one thing."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .._units.unit_file import Assignment


class Schedule(t.NamedTuple):
    """When a timer fires, in systemd's own words (systemd.time(7)); an empty text says nothing.

    ``on_unit_active_sec`` counts from the start of a run, ``on_unit_inactive_sec`` from its end.
    """

    on_calendar: tuple[str, ...] = ()
    on_boot_sec: str = ""
    on_unit_active_sec: str = ""
    on_unit_inactive_sec: str = ""
    randomized_delay_sec: str = ""
    accuracy_sec: str = ""
    persistent: bool = False

    @property
    def repeats_after(self) -> str:
        """The time span after which it fires again, empty where a calendar alone says so."""
        return self.on_unit_active_sec or self.on_unit_inactive_sec


class Pair(t.NamedTuple):
    """What a user wants of a pair. ``command`` is an argv; it is empty where ``script`` is the text of a script. Empty texts
    and None are not said. ``scope`` is ``system`` or ``user``; ``sandbox`` is ``none``, ``standard`` or ``strict``."""

    name: str
    schedule: Schedule
    command: tuple[str, ...] = ()
    script: str | None = None
    description: str = ""
    user: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    working_directory: str = ""
    timeout_start_sec: str = "1h"
    memory_max: str = ""
    memory_max_reason: str = ""
    cpu_quota: str = ""
    io_weight: int | None = None
    nice: int | None = None
    on_failure: tuple[str, ...] = ()
    sandbox: str = "standard"
    read_write_paths: tuple[str, ...] = ()
    scope: str = "system"


class PairFiles(t.NamedTuple):
    """The files of a pair: their texts and where they lie. ``script`` is None where the pair brings none."""

    name: str
    folder: str
    service: str
    timer: str
    script: str | None = None
    script_path: str = ""

    @property
    def service_path(self) -> str:
        return f"{self.folder}/{self.name}.service"

    @property
    def timer_path(self) -> str:
        return f"{self.folder}/{self.name}.timer"


class PairSettings(t.NamedTuple):
    """A pair as the assignments of its two files, with comments that stand at their heads."""

    service: tuple[Assignment, ...]
    timer: tuple[Assignment, ...]
    comments: tuple[str, ...] = ()


class Spans(t.NamedTuple):
    """The time spans of a pair in microseconds, as the host's systemd reads them; None where one is not said."""

    on_boot_sec: int | None = None
    on_unit_active_sec: int | None = None
    on_unit_inactive_sec: int | None = None
    randomized_delay_sec: int | None = None
    accuracy_sec: int | None = None
    timeout_start_sec: int | None = None

    @property
    def repeats_after(self) -> int | None:
        return self.on_unit_inactive_sec if self.on_unit_active_sec is None else self.on_unit_active_sec
