# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test host is made of. The name of an image is the hash of its recipe, so a changed recipe is another image."""

from __future__ import annotations

import hashlib
import re
import typing as t
from pathlib import Path

FILES = Path(__file__).resolve().parent / "files"

COMMON_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    # A login gets its own systemd manager, as on any installed Debian.
    "libpam-systemd",
    "dbus-user-session",
    "openssh-server",
    "python3",
    "iproute2",
    "iptables",
    "nftables",
    "procps",
    "sudo",
    "ca-certificates",
    "docker.io",
    # Real daemons that scenarios let hold ports.
    "prometheus",
    "nginx",
    # The content of containers inside the host.
    "busybox-static",
)

# The oldest systemd that is supported (247) is built only where it is asked for.
DEFAULT_SUITES = ("bookworm", "trixie")

SUITE_PACKAGES = {
    "bullseye": (),
    "bookworm": (),
    "trixie": ("docker-cli", "podman", "crun", "netavark", "aardvark-dns", "passt", "uidmap", "slirp4netns", "docker-compose"),
}

# What nothing on a test host reads, and what makes an image large.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/javascript/*",
    "/usr/share/fonts/*",
    "/usr/bin/promtool",
    "/usr/bin/ctr",
    "/usr/bin/dnet",
    "/usr/sbin/ovrouter",
    "/usr/libexec/podman/podman-testing",
    "/usr/bin/containerd-shim",
    "/usr/bin/containerd-shim-runc-v1",
)


# The loader's link is an absolute one, and outside of the new root it leads to this machine's own, or nowhere.
INNER_LINKS = 'for link in "$1"/lib64/*; do to=$(readlink "$link") || continue; case $to in /*) ln -sfr "$1$to" "$link" ;; esac; done'


class Recipe(t.NamedTuple):
    """How to make the image of a suite. ``files`` are the names and bytes of what goes into it."""

    suite: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]

    def digest(self) -> str:
        """Twelve hexadecimal digits that change with anything in the recipe."""
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:12]


def find_recipe(suite: str) -> Recipe:
    """The recipe of a Debian suite.

    :raises KeyError: there is none
    """
    packages = (*COMMON_PACKAGES, *SUITE_PACKAGES[suite])
    files = tuple((path.name, path.read_bytes()) for path in sorted(FILES.iterdir()))
    return Recipe(suite, packages, LEFT_OUT, files)


def render_command(recipe: Recipe, mirror: str | None) -> list[str]:
    """The mmdebstrap call that writes the image as a tar to its output. ``mirror`` None is mmdebstrap's own choice."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(recipe.packages)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.left_out),
        '--aptopt=Acquire::Languages "none"',
        f"--customize-hook={INNER_LINKS}",
        f'--customize-hook={FILES}/customize "$1" {FILES}',
        recipe.suite,
        "-",
        *([mirror] if mirror else []),
    ]


def find_mirror(sources: str) -> str | None:
    r"""The Debian mirror in the text of apt's sources, one-line or deb822, or None where none is named.

    >>> find_mirror("Types: deb\nURIs: http://mirror.example/debian\n")
    'http://mirror.example/debian'
    """
    found = re.search(r"^(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(\S+/debian)/?(?:\s|$)", sources, re.MULTILINE)
    return found.group(1) if found else None
