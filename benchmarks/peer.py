# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that the benchmark compares with, out of the wheel of the ``ansible`` package; it is never committed."""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
import zipfile

if t.TYPE_CHECKING:
    from pathlib import Path

_ROOT = "ansible_collections/community/general/"
# The module (it imports nothing of its collection), and what makes the folder a collection.
_WANTED = ("MANIFEST.json", "meta/runtime.yml", "plugins/modules/listen_ports_facts.py")


def pinned_release(requirements: str) -> str:
    """The version in ``ansible==12.3.0``."""
    found = re.search(r"^ansible==(\S+)$", requirements, re.MULTILINE)
    if found is None:
        raise ValueError("requirements/bench.txt does not pin ansible==VERSION")
    return found.group(1)


def fetch_peer(checkout: Path, cache: Path) -> Path:
    """Lay out the peer's module below ``cache``, unless it is there.

    :returns: the folder for ANSIBLE_COLLECTIONS_PATH
    :raises subprocess.CalledProcessError: the package index cannot be reached
    """
    release = pinned_release((checkout / "requirements/bench.txt").read_text(encoding="utf-8"))
    target = cache / f"ansible-{release}"
    if all((target / _ROOT / name).is_file() for name in _WANTED):
        return target
    cache.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*download, "--dest", str(cache), f"ansible=={release}"], check=True)
    (wheel,) = cache.glob(f"ansible-{release}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target, [_ROOT + name for name in _WANTED])
    wheel.unlink()
    return target
