# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore that is killed at any of its steps is run again, and ends as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.contents import Contents
from ansible_collections.guarded.deploy.plugins.module_utils._tree.restore import restore_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.walk import walk
from builders.copied_contents import CopiedContents
from fidelity.oracle import find_differences, take_reference
from fidelity.storm import Storm
from testbed.packages import require

ROUNDS = int(os.environ.get("FIDELITY_ROUNDS", "12"))
SEED = int(os.environ.get("FIDELITY_SEED", random.SystemRandom().randrange(1 << 31)))
KILLS = 4  # in a row, of one restore
# Whatever a restore changes the host by.
STEPS = (
    "chmod", "chown", "fsync", "ftruncate", "link", "mkdir", "mkfifo", "pwrite", "removexattr", "rename", "rmdir", "setxattr", "symlink",
    "unlink", "utime",
)  # fmt: skip


def restore_until(step: int, tree: Tree, contents: Contents) -> None:
    """Restore, and be killed before the given step."""
    done = 0

    def counted(real: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def call(*arguments: t.Any, **options: t.Any) -> t.Any:
            nonlocal done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    restore_tree(tree, contents)


@pytest.mark.feature("A6", "A11")
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, ROUNDS // 3)))
def test_a_killed_restore_is_run_again(tmp_path: Path, seed: int) -> None:
    require("rsync", "bsdtar", "getfattr", "getcap")
    root, kills = tmp_path / "tree", 0
    storm = Storm(os.fspath(root), seed)
    storm.build()
    time.sleep(0.02)
    tree, contents = walk(os.fspath(root)), CopiedContents(os.fspath(root), tmp_path / "contents")
    reference = take_reference(root, tmp_path / "reference")
    storm.blow(60)
    for _round in range(KILLS):
        step = storm.random.randrange(1, 60)
        child = multiprocessing.get_context("fork").Process(target=restore_until, args=(step, tree, contents))
        child.start()
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL), storm.log
        kills += child.exitcode != 0
    assert kills, "no restore was killed"
    assert restore_tree(tree, contents).failures == ()
    assert find_differences(root, reference) == [], storm.log
    assert restore_tree(tree, contents).changes == ()
    shutil.rmtree(root)
