# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The guard's record on the host: read, written before it is acted on, and kept when a deployment has ended."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect.boot_mark import MARK_FOLDER, make_boot_mark, read_boot_mark
from .._errors import CouldNotLook, Denied, NothingThere, StepFailed
from .._guard.model import ARMED, Moment, Record
from .._guard.record import needed_snapshot, parse_record, render_record
from .._guard.table import catch_up, remaining
from .._guard.units import FOLDER, README
from .._guard.words import describe_journal, format_moment

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost

JOURNAL_NAME = "guarded-deploy"
_MOST_HISTORY = 50
_BALLAST, _BALLAST_BYTES = "ballast", 8 << 20
_MOST_BYTES = 1 << 24


class Place(t.NamedTuple):
    """Where a guard lives: its folder, the boot's mark, the snapshots. Only tests have others than these."""

    folder: str = FOLDER
    mark: str = MARK_FOLDER
    store: str = "/var/lib/guarded-deploy/snapshots"

    @property
    def record(self) -> str:
        return f"{self.folder}/record.json"


HERE = Place()


def read_record(host: Host, place: Place = HERE) -> Record | None:
    """The record of the last guard that was armed here; None where none ever was.

    :raises Denied: it is root's alone
    :raises Unparsable: it is damaged
    """
    try:
        return parse_record(host.read_regular(place.record, _MOST_BYTES), place.record)
    except NothingThere:
        return None


def read_needed_snapshot(host: Host, place: Place = HERE) -> str | None:
    """The snapshot that the guard of this host may still go back to, and that must not be removed.

    :raises CouldNotLook: the record cannot be read, so no snapshot may be removed
    """
    return needed_snapshot(read_record(host, place))


def read_moment(host: WritableHost, place: Place = HERE) -> Moment:
    """When this is."""
    return Moment(make_boot_mark(host, place.mark), host.uptime(), host.now())


@contextlib.contextmanager
def hold(host: WritableHost, name: str, timeout: float, place: Place = HERE) -> t.Iterator[bool]:
    """Hold a lock of the guard's for as long as the body runs; says whether it was had in time. ``lock`` is held for
    every transition, ``firing`` for as long as a rollback runs; who wants both takes ``firing`` first."""
    with host.lock(f"{place.folder}/{name}", timeout) as had:
        yield had


def make_place(host: WritableHost, place: Place = HERE) -> None:
    """Make the guard's folder, for root alone."""
    parent = place.folder.rpartition("/")[0]
    if not host.exists(parent):
        host.make_folder(parent, 0o700)
    host.make_folder(place.folder, 0o700)
    host.write_file(f"{place.folder}/README.txt", README.encode(), 0o600)


def write_record(host: WritableHost, record: Record, place: Place = HERE) -> None:
    """Put the record in place; what it says holds from then on, whatever happens."""
    host.write_file(place.record, render_record(record), 0o600)


def lay_ballast(host: WritableHost, filling: bytes, place: Place = HERE) -> None:
    """Take up some space: a deployment that fills the disk must not keep its own rollback from being written down."""
    host.write_file(f"{place.folder}/{_BALLAST}", filling * (_BALLAST_BYTES // max(len(filling), 1) + 1), 0o600)


def drop_ballast(host: WritableHost, place: Place = HERE) -> None:
    """Give that space back."""
    host.remove_file(f"{place.folder}/{_BALLAST}")


def keep_in_history(host: WritableHost, record: Record, place: Place = HERE) -> None:
    """Keep how a deployment ended, and no more than the last of them."""
    folder = f"{place.folder}/history"
    host.make_folder(folder, 0o700)
    armed = format_moment(record.armed_at).translate({ord(sign): None for sign in "-: "})
    host.write_file(f"{folder}/{armed}-{record.id}.json", render_record(record), 0o600)
    for name in sorted(host.list_dir(folder))[:-_MOST_HISTORY]:
        host.remove_file(f"{folder}/{name}")


def read_history(host: Host, place: Place = HERE) -> list[Record]:
    """How earlier deployments ended, the last first."""
    folder = f"{place.folder}/history"
    try:
        names = sorted(host.list_dir(folder), reverse=True)
    except NothingThere:
        return []
    return [
        parse_record(host.read_regular(f"{folder}/{name}", _MOST_BYTES), f"{folder}/{name}") for name in names if name.endswith(".json")
    ]


def write_journal(host: WritableHost, record: Record) -> str | None:
    """Tell the journal how the guard stands. Says why that failed, if it did: it stops nothing."""
    priority = "notice" if record.state in ("armed", "confirmed") else "crit" if record.state == "rollback_failed" else "warning"
    try:
        answer = host.run(("logger", "-t", JOURNAL_NAME, "-p", f"daemon.{priority}", "--", describe_journal(record)), 10)
    except (CouldNotLook, StepFailed) as error:
        return f"nothing was written to the journal: {error}"
    return None if answer.rc == 0 else f"nothing was written to the journal: {answer.err.strip()}"


class Status(t.NamedTuple):
    """How the guard stands. ``left`` are the seconds until it fires."""

    record: Record | None
    left: float


def read_status(host: Host, place: Place = HERE) -> Status:
    """How the guard stands now, time and boots counted.

    :raises Denied: this is not root
    """
    if host.euid() != 0:
        raise Denied("a guard's record is root's alone; use become: true")
    moment = Moment(read_boot_mark(host, place.mark), host.uptime(), host.now())
    now = catch_up(read_record(host, place), moment)
    left = remaining(now, moment) if now is not None and now.state == ARMED else 0.0
    return Status(now, left)
