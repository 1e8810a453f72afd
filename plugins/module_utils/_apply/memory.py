# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The file in which a host remembers what its services were seen to listen on."""

from __future__ import annotations

import typing as t

from .._errors import NothingThere, Unparsable
from .._ports.memory import FILE, is_as_fresh, parse_memory, remember, render_memory

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost
    from .._ports.model import Claim

_FOLDER = "/var/lib/guarded-deploy"


class Change(t.NamedTuple):
    """The file before (empty where there is none) and after."""

    before: str
    after: str
    is_needed: bool


def plan_memory(host: Host, claims: t.Iterable[Claim], keep_days: float) -> Change:
    """What the file is to become. One that is damaged is begun anew: it holds nothing that cannot be seen again.

    :raises CouldNotLook: it may not be read
    """
    try:
        before = host.read_text(FILE)
    except NothingThere:
        before = ""
    try:
        known = parse_memory(before) if before else {}
    except Unparsable:
        known = {}
    after = remember(known, claims, host.now(), keep_days)
    # That something is still there is news only once a day, or every look would change the host.
    return Change(before, render_memory(after), not is_as_fresh(known, after))


def write_memory(host: WritableHost, change: Change) -> None:
    """Put the file in place.

    :raises CouldNotLook: it cannot be written
    """
    host.make_folder(_FOLDER, 0o700)
    host.write_file(FILE, change.after.encode("utf-8", "surrogateescape"), 0o600)
