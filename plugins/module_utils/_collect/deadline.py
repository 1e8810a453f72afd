# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What is left of the time for several looks together."""

from __future__ import annotations

import typing as t

from .._errors import TimedOut

if t.TYPE_CHECKING:
    from .._host import Host


class Deadline:
    """A moment, ``seconds`` from now, until which looks may go on."""

    def __init__(self, host: Host, seconds: float) -> None:
        self._host = host
        self._end = host.uptime() + seconds

    def left(self, what: str) -> float:
        """The seconds that are left to look at ``what``.

        :raises TimedOut: none
        """
        seconds = self._end - self._host.uptime()
        if seconds <= 0:
            raise TimedOut(f"no time was left for {what}")
        return seconds
