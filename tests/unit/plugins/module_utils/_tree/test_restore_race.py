# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore in a tree whose owner swaps folders for links, and files for links to another's, while it works.

The attacker here is root, so he can do more than any user: link any file, enter any folder.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError
from ansible_collections.guarded.deploy.plugins.module_utils._tree.compare import compare_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.restore import restore_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from builders.copied_contents import CopiedContents
from fidelity.attacker import attack

SECONDS = float(os.environ.get("RACE_SECONDS", "2.5"))
SEED = int(os.environ.get("RACE_SEED", random.SystemRandom().randrange(1 << 31)))
FOLDERS = ("app", "app/conf", "app/conf/sites")
FILES = tuple(f"{folder}/{name}" for folder in FOLDERS for name in ("one", "two", "three"))


def make_tree(root: Path, word: str) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    for file in FILES:
        (root / file).write_text(f"{word} {file}")


def fingerprint(root: Path) -> dict[str, t.Any]:
    """All that a restore could do to what lies outside; links made to a file from elsewhere change only its ctime."""
    found: dict[str, t.Any] = {}
    for path in sorted([root, *root.rglob("*")]):
        stated = os.lstat(path)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        attributes = [(name, os.getxattr(path, name)) for name in os.listxattr(path)]
        found[str(path)] = (stated.st_mode, stated.st_uid, stated.st_gid, stated.st_mtime_ns, stated.st_size, content, attributes)
    return found


def change(path: Path, source: random.Random) -> None:
    """What a deployment did. It must not reach the victim, whose files begin with another word."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        with open(f"/proc/self/fd/{descriptor}", "rb") as file:
            if file.read(5) != b"owner":
                return
        if source.random() < 0.7:
            os.fchmod(descriptor, source.choice((0o600, 0o666)))
        else:
            os.pwrite(descriptor, b"owner CHANGED", 0)
    finally:
        os.close(descriptor)


@pytest.mark.feature("A6")
def test_nothing_outside_is_touched(tmp_path: Path) -> None:
    root, victim = tmp_path / "tree", tmp_path / "victim"
    make_tree(root, "owner")
    make_tree(victim, "victim")
    (victim / "app" / "secret").write_text("must not be seen")
    for file in FILES:
        os.chmod(victim / file, 0o640)
    time.sleep(0.02)
    tree, contents = walk(str(root)), CopiedContents(str(root), tmp_path / "copy")
    before, source, tries, hits = fingerprint(victim), random.Random(SEED), 0, 0
    # One: two would lead each other through their links to the victim.
    attacker = multiprocessing.get_context("fork").Process(target=attack, args=(str(root), str(victim), FOLDERS + 5 * FILES, SEED))
    attacker.start()
    try:
        end = time.monotonic() + SECONDS
        # Longer on a busy machine, until the two have met.
        while time.monotonic() < end or (not hits and time.monotonic() < end + 60):
            for path in FILES:
                change(root / path, source)
            try:
                found = walk(str(root))
                assert not [entry.path for entry in found.entries if entry.path.endswith("secret")], f"seed {SEED}"
                hits += len(restore_tree(tree, contents).failures)
            except GuardError:
                hits += 1
            tries += 1
            assert fingerprint(victim) == before, f"seed {SEED}"
    finally:
        os.kill(t.cast(int, attacker.pid), signal.SIGKILL)
        attacker.join()
    assert fingerprint(victim) == before, f"seed {SEED}"
    print(f"seed {SEED}: {tries} restores, {hits} of their steps disturbed")
    assert hits, "the attack never met a restore at work, so nothing was shown"
    assert restore_tree(tree, contents).failures == ()
    assert compare_tree(tree, contents) == ()
    shutil.rmtree(root)
