# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents compared and copied."""

from __future__ import annotations

import io
import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._tree.contents import BLOCK, CHUNK, copy_content, read_full, same_content


class Trickle(io.BytesIO):
    """A stream that gives fewer bytes than it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 + (size or 0) // 3)


PIECES = st.lists(st.sampled_from([b"", b"x", bytes(BLOCK), bytes(CHUNK), b"y" * (CHUNK - 1), bytes(3)]), max_size=3).map(b"".join)


@settings(max_examples=50, deadline=None)
@given(PIECES, PIECES)
def test_same_content_is_equality(one: bytes, other: bytes) -> None:
    assert same_content(io.BytesIO(one), Trickle(other)) is (one == other)
    assert same_content(Trickle(one), io.BytesIO(one))


@pytest.mark.parametrize("at", [0, CHUNK - 1, CHUNK, 2 * CHUNK + 4])
def test_one_byte_is_seen(at: int) -> None:
    content = bytearray(2 * CHUNK + 5)
    other = bytearray(content)
    other[at] = 1
    assert not same_content(io.BytesIO(content), io.BytesIO(other))
    assert not same_content(io.BytesIO(content), io.BytesIO(content[:at]))


def test_reading_goes_on_until_it_is_full() -> None:
    stream = t.cast("t.BinaryIO", Trickle(b"0123456789"))
    assert read_full(stream, 7) == b"0123456"
    assert read_full(stream, 7) == b"789"
    assert read_full(stream, 7) == b""


@pytest.mark.parametrize("sparse", [True, False])
@settings(max_examples=30, deadline=None)
@given(content=PIECES)
def test_a_copy_has_the_content(tmp_path_factory: pytest.TempPathFactory, sparse: bool, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "copied"
    path.write_bytes(b"")
    descriptor = os.open(path, os.O_RDWR)
    try:
        assert copy_content(t.cast("t.BinaryIO", Trickle(content)), descriptor, sparse) == len(content)
    finally:
        os.close(descriptor)
    assert path.read_bytes() == content


def test_zeros_are_holes_only_where_they_are_to_be(tmp_path: Path) -> None:
    content = bytes(4 * CHUNK) + b"x" + bytes(4 * CHUNK)
    blocks = []
    for sparse in (True, False):
        with open(tmp_path / str(sparse), "w+b") as file:
            copy_content(io.BytesIO(content), file.fileno(), sparse)
            os.fsync(file.fileno())
            blocks.append(os.fstat(file.fileno()).st_blocks * 512)
    assert blocks[0] <= 2 * BLOCK
    assert blocks[1] >= len(content)
