# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from testbed.collection import link_collection

if t.TYPE_CHECKING:
    from pathlib import Path


def test_the_checkout_is_found_as_a_collection(tmp_path: Path) -> None:
    (tmp_path / "galaxy.yml").touch()
    root = link_collection(tmp_path)
    assert (root / "ansible_collections" / "guarded" / "deploy" / "galaxy.yml").exists()
    assert link_collection(tmp_path) == root


def test_a_copied_checkout_does_not_use_the_original(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    link_collection(old)
    old.rename(new)
    old.mkdir()
    link = link_collection(new) / "ansible_collections" / "guarded" / "deploy"
    assert link.resolve() == new.resolve()
