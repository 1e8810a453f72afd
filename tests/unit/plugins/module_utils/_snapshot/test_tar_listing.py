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
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.tar_listing import find_errors, parse_listing, plan_archiving

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
    plan = plan_archiving(str(out / "a"), str(folder), member, excluded)
    (out / "a.exclusions").write_bytes(plan.exclusions)
    subprocess.run(plan.argv, check=True, capture_output=True, env={**os.environ, "LC_ALL": locale})
    return parse_listing((out / "a.listing").read_bytes().decode("utf-8", "surrogateescape"), "listing")


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
    odd = ("new\nline", "blank ", "tab\t", "bad\udcff")
    for path in ("data/x", "keep/data/x", "*/x", "a/x", *(f"{name}/x" for name in odd)):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text("")
    found = archived(folder, tmp_path, excluded=("data", "*", "a/x", *odd))
    assert set(found) == {".", "keep", "keep/data", "keep/data/x", "a"}


def test_a_single_file_is_named_alone(tmp_path: Path) -> None:
    (tmp_path / "-f").write_text("x")
    assert archived(tmp_path, tmp_path, member="-f") == {"-f": 0}


@pytest.mark.parametrize(
    ("rc", "err", "errors"),
    [
        (0, "tar: ./sock: socket ignored\n", 0),
        (1, "tar: ./a: file changed as we read it\n", 0),
        (2, "tar: ./a: Cannot open: Too many levels of symbolic links\ntar: Exiting with failure status due to previous errors\n", 0),
        (2, "tar: x.tar: Cannot write: No space left on device\ntar: Error is not recoverable: exiting now\n", 2),
        (2, "tar: ./a: Cannot open: Permission denied\ntar: Exiting with failure status due to previous errors\n", 1),
        (2, "tar: ./a: Read error at byte 0, while reading 1 bytes: Input/output error\n", 1),
        (64, "tar: unrecognized option '--xattrs'\n", 1),
        (137, "", 1),
    ],
)
def test_only_what_a_second_look_sets_right_is_no_error(rc: int, err: str, errors: int) -> None:
    assert len(find_errors(rc, err)) == errors


@settings(max_examples=200)
@given(st.binary(max_size=12))
def test_any_bytes_that_tar_escapes_are_read(raw: bytes) -> None:
    escaped = "".join(f"\\{byte:03o}" for byte in b"a" + raw)
    assert parse_listing(f"block 7: ./{escaped}\n", "x") == {os.fsdecode(b"a" + raw).rstrip("/"): 7}


@pytest.mark.parametrize("line", ["./a\n", "block x: ./a\n", "tar: ./a: socket ignored\n", "\n", "block 1: ./cut off"])
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(Unparsable, match="listing"):
        parse_listing(f"block 0: ./\n{line}", "listing")
