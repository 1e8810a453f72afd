# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Ports that a firewall rule forwards without any socket."""

from __future__ import annotations

import typing as t


class Forward(t.NamedTuple):
    """A DNAT or REDIRECT rule that takes a port of the host. ``address`` is ``*`` where the rule names none,
    ``0.0.0.0`` or ``::`` where it is of one family; ``to`` is where the traffic goes, ``rule`` the rule's own text."""

    proto: str
    address: str
    port: int
    to: str
    rule: str
