# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended attributes of real entries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._tree.descend import HOLD_FLAGS, by_descriptor
from ansible_collections.guarded.deploy.plugins.module_utils._tree.xattrs import list_xattrs, read_xattrs, set_xattrs, surplus_xattrs


@pytest.mark.feature("A6")
def test_what_is_set_is_read_back_sorted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    wanted = (("trusted.b", b"\0\xff"), ("user.a", b""))
    held = os.open(path, HOLD_FLAGS)
    try:
        set_xattrs(by_descriptor(held), wanted)
        assert surplus_xattrs(by_descriptor(held), wanted[:1]) == ["user.a"]
        assert surplus_xattrs(by_descriptor(held), wanted) == []
    finally:
        os.close(held)
    assert read_xattrs(str(path)) == wanted
    assert sorted(list_xattrs(str(path))) == ["trusted.b", "user.a"]


@pytest.mark.feature("A6")
def test_a_link_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.setxattr(tmp_path / "file", "user.file", b"")
    (tmp_path / "link").symlink_to("file")
    held = os.open(tmp_path / "link", HOLD_FLAGS)
    try:
        set_xattrs(by_descriptor(held), (("trusted.link", b"1"),))
    finally:
        os.close(held)
    assert read_xattrs(str(tmp_path / "link")) == (("trusted.link", b"1"),)
    assert read_xattrs(str(tmp_path / "file")) == (("user.file", b""),)


def test_where_there_is_no_such_thing_there_are_none() -> None:
    assert list_xattrs("/proc/version") == []
    assert read_xattrs("/proc/version") == ()


def test_what_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list_xattrs(str(tmp_path / "missing"))


def test_a_value_that_vanished_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read_xattrs(str(tmp_path / "file"), ["user.gone"]) == ()
