# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``python -m benchmarks.snapshot`` times of ours, each in a process of its own with all that Python needs to start."""

from __future__ import annotations

import sys
import typing as t

sys.path.insert(0, sys.argv[1])

from ansible_collections.guarded.deploy.plugins.module_utils._compile_once import compile_once

compile_once()  # what a module does first

from ansible_collections.guarded.deploy.plugins.module_utils._apply.snapshot import TakeRequest, take_snapshot  # noqa: E402
from ansible_collections.guarded.deploy.plugins.module_utils._apply.store import open_trees, verify_snapshot  # noqa: E402
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost  # noqa: E402


class NoEngines(StandaloneHost):
    """This machine without its container engines: their images are not to be pinned by a benchmark."""

    def has(self, program: str) -> bool:
        return program not in ("docker", "podman") and super().has(program)

    def exists(self, path: str) -> bool:
        return "docker" not in path and "podman" not in path and super().exists(path)


def take(name: str, root: str, store: str) -> None:
    """All of a snapshot: the host's state, the files, digests, fsync, retention."""
    outcome = take_snapshot(NoEngines(), TakeRequest(id=name, paths=(root,), keep=3), store)
    if not outcome.changed:
        sys.exit(f"there was a snapshot {name} already")
    print(f"{'shared' if outcome.reused else 'archived'}, {outcome.size_bytes} bytes")


def restore(name: str, root: str, store: str) -> None:
    """The files of a snapshot: all digests verified, what differs brought back, and compared once more. Units and
    containers of this machine are left alone."""
    from ansible_collections.guarded.deploy.plugins.module_utils._tree.compare import compare_tree
    from ansible_collections.guarded.deploy.plugins.module_utils._tree.restore import restore_tree

    host = NoEngines()
    verify_snapshot(host, name, store)
    for tree, contents in open_trees(host, name, store):
        outcome = restore_tree(tree, contents)
        if outcome.failures or compare_tree(tree, contents):
            sys.exit(f"{root} was not restored: {outcome.failures}")
        print(f"{len(outcome.changes)} differences")


WORK: dict[str, t.Callable[[str, str, str], None]] = {"take": take, "restore": restore}

if __name__ == "__main__":
    WORK[sys.argv[2]](*sys.argv[3:6])
