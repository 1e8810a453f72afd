# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digests of a snapshot, in the format of sha256sum."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.sums import Seal, parse_seal, parse_sums, render_seal, render_sums

pytestmark = pytest.mark.feature("A13")

NAMES = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
ODD = ["plain.tar", "hooks/new\nline", "hooks/back\\slash", "hooks/\\n", "hooks/bad\udcff", "hooks/ leading", "hooks/ü", "hooks/x\r"]


@given(st.dictionaries(NAMES, DIGESTS, max_size=5))
def test_every_name_survives(digests: dict[str, str]) -> None:
    assert parse_sums(render_sums(digests), "SHA256SUMS") == digests


def test_sha256sum_itself_writes_and_checks_the_same(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    for name in ODD:
        (tmp_path / name).write_bytes(os.fsencode(name))
    digests = {name: hashlib.sha256(os.fsencode(name)).hexdigest() for name in ODD}
    text = render_sums(digests)
    written = subprocess.run(["sha256sum", *sorted(ODD)], cwd=tmp_path, capture_output=True, check=True).stdout
    assert text == written
    (tmp_path / "SHA256SUMS").write_bytes(text)
    assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        b"0" * 64 + b"  a",
        b"0" * 63 + b"  a\n",
        b"0" * 64 + b" *a\n",
        b"0" * 64 + b"  \n",
        b"G" * 64 + b"  a\n",
        (b"0" * 64 + b"  a\n") * 2,
        b"\n",
    ],
)
def test_a_line_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(Unparsable, match="SHA256SUMS"):
        parse_sums(text, "SHA256SUMS")


def test_the_seal_is_over_the_sums() -> None:
    sums = render_sums({"a": "0" * 64})
    assert parse_seal(render_seal(sums, {"a\udcff": 3}), "COMPLETE") == Seal(hashlib.sha256(sums).hexdigest(), {"a\udcff": 3})


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'{"version":2,"sha256sums":"","sizes":{}}', b'{"version":1,"sha256sums":"x","sizes":{}}']
)
def test_a_seal_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(Unparsable, match="COMPLETE"):
        parse_seal(text, "COMPLETE")
