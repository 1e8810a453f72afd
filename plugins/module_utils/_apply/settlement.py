# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What restores leave beside a snapshot: that one has begun, and what counts as recorded since one was verified."""

from __future__ import annotations

import typing as t

from .._errors import NothingThere
from .._snapshot.restored import (
    Progress,
    Settlement,
    parse_progress,
    parse_settlement,
    render_progress,
    render_settlement,
)

if t.TYPE_CHECKING:
    from .._host import WritableHost

_LARGEST = 1 << 28


class Beside:
    """The files beside one snapshot."""

    def __init__(self, host: WritableHost, snapshot: str, store: str) -> None:
        self._host = host
        self._settled = f"{store}/{snapshot}.settled.json"
        self._restoring = f"{store}/{snapshot}.restoring.json"

    def read_settlement(self, boot: str) -> Settlement | None:
        """The last verified restore, if that was in this boot: a run does not outlive one.

        :raises Unparsable: it is damaged
        """
        found = self._read(self._settled)
        settlement = parse_settlement(found, self._settled) if found is not None else None
        return settlement if settlement is not None and settlement.boot == boot else None

    def settle(self, settlement: Settlement) -> None:
        """Write down that a restore was verified."""
        self._host.write_file(self._settled, render_settlement(settlement), 0o600)

    def read_progress(self, boot: str) -> Progress | None:
        """The restore that was cut off, if that was in this boot.

        :raises Unparsable: it is damaged
        """
        found = self._read(self._restoring)
        progress = parse_progress(found, self._restoring) if found is not None else None
        return progress if progress is not None and progress.boot == boot else None

    def begin(self, progress: Progress) -> None:
        """Write down that a restore has begun, or how far it is."""
        self._host.write_file(self._restoring, render_progress(progress), 0o600)

    def end(self) -> None:
        """Write down that it has come to its end, however that is."""
        self._host.remove_file(self._restoring)

    def _read(self, path: str) -> bytes | None:
        try:
            return self._host.read_regular(path, _LARGEST)
        except NothingThere:
            return None
