# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test sanity on a copy of the checkout: python -m ansible_sanity [ARGUMENTS OF ansible-test sanity]

ansible-test insists on a folder ansible_collections/guarded/deploy that is no link. What it installs, it finds again: the
copy and its caches lie in .cache/ansible-test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".cache" / "ansible-test"
TARGET_PYTHONS = ("3.9", "3.13")
# Version managers' stand-ins for python do not work under another HOME, and are slow.
REAL_PATH = ":".join(part for part in os.environ["PATH"].split(":") if not part.endswith("/shims"))
COPY = FOLDER / "ansible_collections" / "guarded" / "deploy"


def copy_checkout() -> None:
    """Every file that git knows or would take, and no other."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True
    )
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        source, target = CHECKOUT / name, COPY / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    # Else ansible-test asks the checkout's git, which ignores all that lies in .cache.
    subprocess.run(["git", "init", "-q", str(COPY)], check=True)


def put_bootstrap(home: Path) -> None:
    """Put our way to get pip where ansible-test looks for a download, under the name of the version that it asks for."""
    source = Path(sysconfig.get_path("purelib")) / "ansible_test" / "_internal" / "python_requirements.py"
    asked = set(re.findall(r"pip='(\d+\.\d+(?:\.\d+)?)'", source.read_text(encoding="utf-8")))
    if not asked:
        raise SystemExit("ansible-test no longer says which pip it asks for: see tests/ansible_sanity")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in asked:
        shutil.copy(Path(__file__).with_name("pip_bootstrap.py"), cache / f"get_pip_{version.replace('.', '_')}.py")


def link_interpreters(folder: Path) -> None:
    """Let ansible-test find the oldest and the newest Python that targets may have, where a version manager keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    for version in TARGET_PYTHONS:
        link = folder / f"python{version}"
        link.unlink(missing_ok=True)
        found = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python{version}"))
        if shutil.which(link.name, path=REAL_PATH) is None and found:
            link.symlink_to(found[-1])


def main() -> int:
    copy_checkout()
    home = FOLDER / "home"
    put_bootstrap(home)
    link_interpreters(FOLDER / "bin")
    environment = {
        **os.environ,
        "HOME": str(home),
        # pip's settings stay the user's own.
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(Path("~/.config").expanduser())),
        "PATH": f"{REAL_PATH}:{FOLDER / 'bin'}",
    }
    # A page of progress for each of its small environments hides what it found.
    environment["PIP_QUIET"] = "1"
    for name in ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME"):
        environment.pop(name, None)
    command = ["ansible-test", "sanity", "--venv", "--color", "no", *sys.argv[1:]]
    nothing_tested = False
    with subprocess.Popen(command, cwd=COPY, env=environment, stderr=subprocess.PIPE, text=True, errors="replace") as tests:
        for line in tests.stderr or ():
            sys.stderr.write(line)
            nothing_tested |= "All targets skipped" in line
    if nothing_tested:
        sys.stderr.write("ansible-test tested nothing\n")
    return tests.returncode or int(nothing_tested)


if __name__ == "__main__":
    raise SystemExit(main())
