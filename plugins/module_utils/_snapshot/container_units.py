# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Units whose containers are not what they were: to run them again is to make their containers again."""

from __future__ import annotations

import typing as t

from .container_match import differing_fields
from .engine_diff import find_unseen

if t.TYPE_CHECKING:
    from .model import Engines
    from .scope import Key


def find_units_of_others(before: Engines, now: Engines) -> frozenset[Key]:
    """The units of recorded containers that are gone or differ; of an engine that could not be asked, none."""
    present = {(one.engine, one.user, one.name): one for one in now.containers}
    found = set()
    for one in before.containers:
        if not one.unit or find_unseen(now, one.engine, one.user):
            continue
        other = present.get((one.engine, one.user, one.name))
        if other is None or differing_fields(one, other):
            found.add((one.user, one.unit))
    return frozenset(found)
