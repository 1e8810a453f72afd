# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What package managers say is installed: package name to version."""

from __future__ import annotations

import typing as t

from .._errors import Unparsable

DPKG_QUERY = ("dpkg-query", "--show", "--showformat", "${db:Status-Status}\t${Package}:${Architecture}\t${Version}\n")
RPM_QUERY = ("rpm", "--query", "--all", "--queryformat", "%{NAME}:%{ARCH}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n")

# deb-version(7) aside, the states in which a package's files lie on the host (dpkg(1), "Package states"). A package that
# is removed and has left its configuration ("config-files") is not one of them.
_THERE = frozenset(("installed", "unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending"))
_GONE = frozenset(("not-installed", "config-files"))


def parse_dpkg(text: str) -> dict[str, str]:
    """Name to version out of what :data:`DPKG_QUERY` prints. A package that is not wholly installed says so in its version.

    :raises Unparsable: a line is something else
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 3 or parts[0] not in _THERE | _GONE:
            raise Unparsable(f"dpkg-query, line {number}: {line[:120]!r}")
        status, name, version = parts
        if status in _THERE:
            found[name] = version if status == "installed" else f"{version} ({status})"
    return found


def parse_rpm(text: str) -> dict[str, str]:
    """Name to version out of what :data:`RPM_QUERY` prints; versions that are installed beside each other are joined.

    :raises Unparsable: a line is something else
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, tab, version = line.partition("\t")
        if not tab or not name or not version or "\t" in version:
            raise Unparsable(f"rpm --query, line {number}: {line[:120]!r}")
        # Keys that packages are signed with are stored as packages, of no architecture.
        found.setdefault(name.removesuffix(":(none)"), []).append(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def parse_owned_files(text: str) -> tuple[str, ...]:
    """The paths that a package owns, as ``dpkg-query --listfiles`` and ``rpm --query --list`` print them. Their remarks
    (diversions, "(contains no files)") are no paths."""
    return tuple(line for line in text.splitlines() if line.startswith("/") and line != "/.")


def plain_name(name: str) -> str:
    """A package's name without its architecture: ``nginx:amd64`` is ``nginx``."""
    return name.partition(":")[0]


def differing_packages(before: t.Mapping[str, str], now: t.Mapping[str, str]) -> list[str]:
    """The names whose version is another, that came or that went, sorted."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
