# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into a tree: component by component, no link followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, LinkInPath, NothingThere
from ansible_collections.guarded.deploy.plugins.module_utils._tree.descend import components, open_below, open_folder, open_parent


def where(descriptor: int) -> str:
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    return path


@pytest.mark.feature("A6")
def test_a_folder_is_opened(tmp_path: Path) -> None:
    assert where(open_folder(str(tmp_path))) == str(tmp_path)
    assert where(open_folder("/")) == "/"


@pytest.mark.feature("A6")
@pytest.mark.parametrize("last", ["", "/below", "/below/deeper"])
def test_a_link_on_the_way_is_named_with_what_it_is(tmp_path: Path, last: str) -> None:
    (tmp_path / "real" / "below" / "deeper").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LinkInPath, match=f"{tmp_path}/link is a symbolic link.*{tmp_path}/real"):
        open_folder(f"{tmp_path}/link{last}")


def test_the_last_name_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    descriptor, name = open_parent(f"{tmp_path}/link")
    assert (where(descriptor), name) == (str(tmp_path), "link")
    descriptor, name = open_parent("/")
    assert (where(descriptor), name) == ("/", ".")


@pytest.mark.parametrize("path", ["missing", "file", "file/below", "missing/below"])
def test_what_is_no_folder_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NothingThere, match=str(tmp_path)):
        open_folder(f"{tmp_path}/{path}")


@pytest.mark.parametrize("path", ["", "relative", "/a/../b", "/a//b", "/a/", "/a/./b", "//a", "/a\0b", "/.."])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(BadInput, match="plain absolute path"):
        components(path)


def test_below_an_open_folder_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "one" / "away").symlink_to("/etc")
    top = open_folder(str(tmp_path))
    try:
        assert where(open_below(top, "one/two")) == f"{tmp_path}/one/two"
        assert where(open_below(top, ".")) == str(tmp_path)
        for path in ("one/away", "one/away/systemd", "one/missing/two"):
            with pytest.raises((NotADirectoryError, FileNotFoundError)):
                open_below(top, path)
    finally:
        os.close(top)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "away").symlink_to("/etc")
    before = os.listdir("/proc/self/fd")
    for path in (f"{tmp_path}/one/away/x", f"{tmp_path}/one/missing", f"{tmp_path}/missing/x"):
        with pytest.raises((LinkInPath, NothingThere)):
            open_folder(path)
    top = open_folder(str(tmp_path))
    os.close(open_below(top, "one"))
    with pytest.raises(OSError, match="away"):
        open_below(top, "one/away")
    os.close(top)
    assert os.listdir("/proc/self/fd") == before
