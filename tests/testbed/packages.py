# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the test bed needs of the machine: looked for, and installed by apt where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess

from .errors import TestbedError

# Program -> the Debian package that brings it.
PACKAGES = {
    "bsdtar": "libarchive-tools",
    "dockerd": "docker.io",
    "getcap": "libcap2-bin",
    "getfattr": "attr",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "restic": "restic",
    "rsync": "rsync",
    "setfacl": "acl",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "strace": "strace",
}
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def find_program(name: str) -> str | None:
    """Where a program is, root's own folders too."""
    return shutil.which(name, path=SEARCH_PATH)


def require(*programs: str) -> None:
    """See to it that programs are there.

    :raises TestbedError: one is missing and cannot be installed here
    """
    missing = [name for name in programs if find_program(name) is None]
    if not missing:
        return
    packages = sorted({PACKAGES[name] for name in missing})
    what = f"{', '.join(missing)} missing. Get it by: apt-get install {' '.join(packages)} (or your system's packages of that name)"
    if os.geteuid() != 0 or find_program("apt-get") is None:
        raise TestbedError(f"{what}; only root on a Debian system gets it from here.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    # The packages of a service start it: this engine is the test bed's to start, with its own folders.
    policy, kept = "/usr/sbin/policy-rc.d", os.path.exists("/usr/sbin/policy-rc.d")
    try:
        if not kept:
            with open(policy, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\nexit 101\n")
            os.chmod(policy, 0o755)
        subprocess.run(["apt-get", "update", "-q"], env=environment, stdin=subprocess.DEVNULL, stdout=2, check=False)
        done = subprocess.run(install, env=environment, stdin=subprocess.DEVNULL, stdout=2, check=False)
    finally:
        if not kept:
            os.unlink(policy)
    if done.returncode != 0 or any(find_program(name) is None for name in missing):
        raise TestbedError(f"{what}; apt-get failed.")
