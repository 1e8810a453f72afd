# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide says exactly what the code records."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.paths import (
    _TOO_WIDE,
    DEFAULT_PATHS,
    NEVER,
    RUNTIME_PATHS,
    USER_PATHS,
)

GUIDE = (Path(__file__).resolve().parents[5] / "docs/guides/snapshot-contents.md").read_text(encoding="utf-8")


def test_the_default_paths_are_those_of_the_code():
    listed = GUIDE.partition("<!-- default paths -->")[2].partition("<!-- end of default paths -->")[0]
    assert tuple(listed.split()) == DEFAULT_PATHS
    for path in USER_PATHS:
        assert f"`~/{path}`" in GUIDE
    for path in RUNTIME_PATHS:
        assert f"`{path}`" in GUIDE


def test_what_is_refused_is_named():
    for path in (*NEVER, *_TOO_WIDE):
        assert f"`{path}`" in GUIDE, path
