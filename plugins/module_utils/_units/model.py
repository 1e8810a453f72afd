# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What systemd says of a unit."""

from __future__ import annotations

import typing as t


class ListenAddress(t.NamedTuple):
    """A port that a socket unit listens on. ``address`` is an IP address."""

    proto: str
    address: str
    port: int


class Unit(t.NamedTuple):
    """A loaded unit of the system manager (``user`` is None) or of a user's.

    ``enabled`` is systemd's UnitFileState (enabled, disabled, static, masked, generated, ...). ``started`` is the
    moment of its last start in seconds of the monotonic clock, 0.0 where it never was. ``wanted_by`` are the loaded
    units that pull it in.
    """

    name: str
    user: str | None
    load: str
    active: str
    sub: str
    result: str
    enabled: str
    restarts: int
    restart_policy: str
    main_pid: int
    started: float
    invocation: str  # of its present or last run, empty where it never ran
    triggers: tuple[str, ...]
    triggered_by: tuple[str, ...]
    wanted_by: tuple[str, ...]
    listen: tuple[ListenAddress, ...]
    argv: tuple[str, ...]  # of the first ExecStart=
    fragment: str  # path of its unit file, empty where it has none
