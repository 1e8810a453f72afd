# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How a host stands, all but its files, in one look."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, GuardError, StepFailed
from .._snapshot.model import Engines, HostState
from .boot_mark import make_boot_mark, read_boot_mark
from .engines import collect_engines
from .listener_states import collect_listener_states
from .packages import collect_packages
from .unit_states import collect_unit_states

if t.TYPE_CHECKING:
    from .._host import Host, WritableHost

Seen = t.TypeVar("Seen")
_Unseen = list[tuple[str, str]]


def _boot_mark(host: Host, mark: bool, unseen: _Unseen) -> str:
    try:
        # Only root can make it, and whoever only looks needs none: see read_boot_mark.
        return make_boot_mark(t.cast("WritableHost", host)) if mark and host.euid() == 0 else read_boot_mark(host)
    except (CouldNotLook, StepFailed) as error:
        unseen.append(("the mark of this boot", str(error)))
        return ""


def _ask(host: Host, what: str, look: t.Callable[[], Seen], unseen: _Unseen) -> t.Callable[[t.Callable[[str], Seen]], Seen]:
    """Begin a look. Calling the result waits for it; a look that failed is noted, and what is made of its reason is
    taken."""
    answer = host.beside(look)

    def wait(otherwise: t.Callable[[str], Seen]) -> Seen:
        try:
            return answer()
        except GuardError as error:
            unseen.append((what, str(error)))
            return otherwise(str(error))

    return wait


def collect_host_state(host: Host, timeout: float, mark: bool = True) -> HostState:
    """Look at units, engines, listeners and packages beside each other; each look may take ``timeout`` seconds.

    What could not be seen is in ``unseen``, of which the first words say the section: ``units``, ``ports``,
    ``owners of ports``, ``packages``; an engine's is in ``engines.unseen``. As root it leaves the mark of this boot in /run
    where there is none, unless ``mark`` is false: whoever only looks changes nothing, and needs no mark.
    """
    unseen: _Unseen = []
    units = _ask(host, "units", lambda: collect_unit_states(host, timeout), unseen)
    engines = _ask(host, "engines", lambda: collect_engines(host, timeout), unseen)
    packages = _ask(host, "packages", lambda: collect_packages(host, timeout), unseen)
    listeners = _ask(host, "ports", lambda: collect_listener_states(host, timeout), unseen)
    seen_units, unseen_units = units(lambda _why: ((), ()))
    seen_listeners, unseen_listeners = listeners(lambda _why: ((), ()))
    unseen += [(what if what == "units" else f"units: {what}", why) for what, why in unseen_units]
    unseen += unseen_listeners
    return HostState(
        at=host.now(),
        boot=_boot_mark(host, mark, unseen),
        units=seen_units,
        engines=engines(lambda why: Engines(unseen=(("docker", why), ("podman", why)))),
        listeners=seen_listeners,
        packages=packages(lambda _why: {}),
        unseen=tuple(unseen),
    )
