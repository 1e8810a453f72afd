# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storms over a tree with every kind of entry, and the tree brought back."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.archiving import Place, record_tree
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.codec import parse_index
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.archive import Archive
from ansible_collections.guarded.deploy.plugins.module_utils._tree.compare import compare_tree
from ansible_collections.guarded.deploy.plugins.module_utils._tree.restore import restore_tree
from builders.rooted import whole_machine
from fidelity.oracle import find_differences, take_reference
from fidelity.storm import Storm
from testbed.packages import require

ROUNDS = int(os.environ.get("FIDELITY_ROUNDS", "12"))
# The seed of a storm stands in its test's name.
SEED = int(os.environ.get("FIDELITY_SEED", random.SystemRandom().randrange(1 << 31)))


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    require("rsync", "bsdtar", "getfattr", "getcap")


def record(root: Path, place: Path) -> tuple[Tree, Archive]:
    """A tree's part of a snapshot, written and read as a snapshot does it."""
    place.mkdir()
    at = Place(os.fspath(place), "tree-000")
    recorded = record_tree(whole_machine(), os.fspath(root), (), at, None, 60)
    assert recorded.unstable == ()
    index = parse_index(Path(at.path("json")).read_bytes(), at.path("json"))
    return index.tree, Archive(at.path("tar"), *index)


@pytest.mark.feature("A6")
@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_nothing_is_left_of_a_storm(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "tree"
    storm = Storm(os.fspath(root), seed)
    storm.build()
    tree, contents = record(root, tmp_path / "snapshot")
    reference = take_reference(root, tmp_path / "reference")
    assert find_differences(root, reference) == [], "the tools do not even find the tree equal to itself"
    storm.blow(storm.random.choice((1, 5, 30, 80)))
    blown = find_differences(root, reference)
    outcome = restore_tree(tree, contents)
    assert outcome.failures == ()
    assert bool(outcome.changes) == bool(blown), storm.log
    assert find_differences(root, reference) == [], storm.log
    assert compare_tree(tree, contents) == ()
    assert restore_tree(tree, contents).changes == ()
