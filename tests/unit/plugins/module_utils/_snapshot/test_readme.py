# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a snapshot tells a person who has no tools of ours."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import (
    ContainerState,
    Engines,
    Entry,
    Hook,
    Hooks,
    HostState,
    ListenerState,
    Snapshot,
    Tree,
    UnitState,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.readme import render_readme

pytestmark = pytest.mark.feature("A13")

FILE = Entry(".", "file", 0o600, 0, 0, 1, 0, 0, 1, 1, 8)


def test_it_names_what_is_where_and_no_secret() -> None:
    state = HostState(
        at=1.0,
        boot="x",
        units=(
            UnitState("web.service", None, "loaded", "active", "running", "enabled"),
            UnitState("idle.service", None, "loaded", "inactive", "dead", "disabled"),
            UnitState("shut.service", None, "masked", "inactive", "dead", "masked"),
            UnitState("mine.service", "deploy", "loaded", "failed", "failed", "enabled"),
        ),
        engines=Engines(
            containers=(
                ContainerState("docker", None, "1", "db", "postgres:16", "sha256:1", "running", "always", {"Env": ["PASSWORD=hunter2"]}),
            ),
            unseen=(("podman", "it did not answer"),),
        ),
        listeners=(ListenerState("tcp", "0.0.0.0", 80, "unit web.service"),),
        packages={},
    )
    snapshot = Snapshot(
        "one", 1.0, ("/etc/a", "/srv/app", "/gone"), (), Hooks((Hook(("dump", "--password=hunter2"), 1.0),)), state, "before\x1b[2J"
    )
    trees = [
        Tree("/etc/a", (FILE,)),
        Tree("/srv/app", (FILE._replace(kind="folder"), FILE._replace(path="x\udcff")), (("data", "excluded"),)),
        Tree("/gone", ()),
    ]
    text = render_readme(snapshot, trees, "host7", "2026-11-20 09:30:00 UTC").decode()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[:2] == ["Snapshot one of the host host7, taken 2026-11-20 09:30:00 UTC by guarded.deploy.", "Comment: before\\x1b[2J"]
    assert "tree-000 /etc/a (a file; in the archive as ./a)" in lines
    assert "tree-001 /srv/app (2 entries, 1 left out)" in lines
    assert "tree-002 /gone (there was nothing: remove what is there now to bring this back)" in lines
    assert "web.service active enabled" in lines
    assert "shut.service inactive masked" in lines
    assert "mine.service of deploy failed enabled" in lines
    assert "docker db running always postgres:16" in lines
    assert "tcp 0.0.0.0 80 unit web.service" in lines
    assert "podman: it did not answer" in lines
    assert "idle.service" not in text
    assert "hunter2" not in text
    assert "\x1b" not in text
