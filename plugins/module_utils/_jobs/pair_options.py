# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What is wanted of a pair, out of the options of a task."""

from __future__ import annotations

import typing as t

from .._errors import BadInput
from .pair_model import Pair, Schedule


def read_pair(options: t.Mapping[str, t.Any]) -> Pair:
    """A pair out of the options of ``oneshot_timer``; what is not said has its default.

    :raises BadInput: an environment variable that has no text as its value
    """
    return Pair(
        name=options["name"],
        schedule=read_schedule(options),
        command=tuple(options.get("command") or ()),
        script=options.get("script"),
        description=options.get("description") or "",
        user=options.get("user") or "",
        environment=_environment(options.get("environment") or {}),
        working_directory=options.get("working_directory") or "",
        timeout_start_sec=options.get("timeout_start_sec") or "1h",
        memory_max=read_memory(options.get("memory_max")),
        memory_max_reason=options.get("memory_max_reason") or "",
        cpu_quota=options.get("cpu_quota") or "",
        io_weight=options.get("io_weight"),
        nice=options.get("nice"),
        on_failure=tuple(options.get("on_failure") or ()),
        sandbox=options.get("sandbox") or "standard",
        read_write_paths=tuple(options.get("read_write_paths") or ()),
        scope=options.get("scope") or "system",
    )


def read_schedule(options: t.Mapping[str, t.Any]) -> Schedule:
    """The part of a pair that says when."""
    spans = ("on_boot_sec", "on_unit_active_sec", "on_unit_inactive_sec", "randomized_delay_sec", "accuracy_sec")
    texts = {name: str(options.get(name) or "").strip() for name in spans}
    return Schedule(on_calendar=tuple(options.get("on_calendar") or ()), persistent=bool(options.get("persistent")), **texts)


def read_memory(text: str | None) -> str:
    """A memory cap; empty for ``none``."""
    return "" if text is None or text.strip().lower() == "none" else text.strip()


def _environment(values: t.Mapping[str, t.Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in values.items():
        if isinstance(value, (dict, list, bool)) or value is None:
            raise BadInput(f"environment: the value of {name} is no text; quote it")
        found.append((str(name), str(value)))
    return tuple(sorted(found))
