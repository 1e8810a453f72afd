# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tar's own list of what it has written, and where."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.tar_listing import parse_listing, plan_archiving

pytestmark = pytest.mark.feature("A6")

ODD = [
    b"new\nline",
    b"bad\xffname",
    b"sp ace",
    b"back\\slash",
    "\u00fc".encode(),
    b"tab\t",
    b"\x01\x7f",
    b"-dash",
    b"\\012",
    b"n" * 200,
    b"\r\x0b\x07",
]


def archived(folder: Path, out: Path, member: str = "", excluded: tuple[str, ...] = (), locale: str = "C.UTF-8") -> dict[str, int]:
    argv = plan_archiving(str(out / "a.tar"), str(out / "listing"), str(folder), member, excluded)
    subprocess.run(argv, check=True, capture_output=True, env={**os.environ, "LC_ALL": locale})
    return parse_listing((out / "listing").read_bytes().decode("utf-8", "surrogateescape"), "listing")


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_real_tar_lists_every_name_where_it_begins(tmp_path: Path, locale: str) -> None:
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    for name in ODD:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(name)
    (folder / "sub" / "link").symlink_to("../nowhere")
    found = archived(folder, tmp_path, locale=locale)
    with tarfile.open(tmp_path / "a.tar", encoding="utf-8", errors="surrogateescape") as archive:
        real = {member.name.removeprefix("./"): member.offset // 512 for member in archive}
    assert found == real
    assert set(map(os.fsencode, found)) == {b".", b"sub", b"sub/link", *ODD}


def test_excluded_names_are_taken_literally_and_from_the_root(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    for path in ("data/x", "keep/data/x", "*/x", "a/x"):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text("")
    found = archived(folder, tmp_path, excluded=("data", "*", "a/x"))
    assert set(found) == {".", "keep", "keep/data", "keep/data/x", "a"}


def test_a_single_file_is_named_alone(tmp_path: Path) -> None:
    (tmp_path / "-f").write_text("x")
    assert archived(tmp_path, tmp_path, member="-f") == {"-f": 0}


@settings(max_examples=200)
@given(st.binary(max_size=12))
def test_any_bytes_that_tar_escapes_are_read(raw: bytes) -> None:
    escaped = "".join(f"\\{byte:03o}" for byte in b"a" + raw)
    assert parse_listing(f"block 7: ./{escaped}\n", "x") == {os.fsdecode(b"a" + raw).rstrip("/"): 7}


@pytest.mark.parametrize("line", ["./a", "block x: ./a", "tar: ./a: socket ignored"])
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(Unparsable, match="listing"):
        parse_listing(f"block 0: ./\n{line}\n", "listing")
