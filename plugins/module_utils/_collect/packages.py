# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The packages that are installed, and the files that they own, by the host's own package manager."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, NothingThere
from .._snapshot.packages import DPKG_QUERY, RPM_QUERY, parse_dpkg, parse_owned_files, parse_rpm

if t.TYPE_CHECKING:
    from .._host import Host

# Where RPM keeps its database: since 4.17 or so below /usr/lib/sysimage.
_RPM_DATABASES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")


def _has_database(host: Host, folder: str) -> bool:
    try:
        return any(name.startswith(("rpmdb", "Packages")) for name in host.list_dir(folder))
    except NothingThere:
        return False


def _managers(host: Host) -> list[str]:
    """The package managers that have packages here. The command rpm alone, as Debian has it, makes no packages."""
    found = ["dpkg"] if host.has("dpkg-query") and host.exists("/var/lib/dpkg/status") else []
    if host.has("rpm") and any(_has_database(host, folder) for folder in _RPM_DATABASES):
        found.append("rpm")
    return found


def _ask(host: Host, argv: t.Sequence[str], timeout: float) -> str:
    answer = host.run(argv, timeout)
    if answer.rc != 0:
        raise CouldNotLook(f"{' '.join(argv[:2])} exited {answer.rc}: {' '.join(answer.err.split())[:200]}")
    return answer.out


def collect_packages(host: Host, timeout: float) -> dict[str, str]:
    """Name to version of what is installed.

    :raises CouldNotLook: the package manager failed, or the host has none that is known here
    """
    managers = _managers(host)
    if not managers:
        raise CouldNotLook("no package manager is known here (dpkg and rpm are asked)")
    found: dict[str, str] = {}
    if "dpkg" in managers:
        found.update(parse_dpkg(_ask(host, DPKG_QUERY, timeout)))
    if "rpm" in managers:
        found.update(parse_rpm(_ask(host, RPM_QUERY, timeout)))
    return found


def collect_owned_files(host: Host, packages: t.Iterable[str], timeout: float) -> dict[str, str]:
    """Path to package for every file that the packages own, as far as the manager tells; a package that is gone owns
    nothing any more.

    :raises CouldNotLook: the package manager could not be asked
    """
    managers = _managers(host)
    found: dict[str, str] = {}
    for name in packages:
        if "dpkg" in managers:
            answer = host.run(("dpkg-query", "--listfiles", name), timeout)
        elif "rpm" in managers:
            answer = host.run(("rpm", "--query", "--list", name.replace(":", ".")), timeout)
        else:
            break
        if answer.rc == 0:
            found.update(dict.fromkeys(parse_owned_files(answer.out), name))
    return found
