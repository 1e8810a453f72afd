# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log stream of Docker's API."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.log import parse_log_stream

FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.text(max_size=40)))


def frame(stream: int, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return struct.pack(">BxxxL", stream, len(raw)) + raw


@given(FRAMES)
def test_frames_are_joined_in_their_order(frames: list[tuple[int, str]]) -> None:
    raw = b"".join(frame(stream, text) for stream, text in frames)
    assert parse_log_stream(raw) == "".join(text.encode("utf-8", "replace").decode() for _stream, text in frames)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=200))
def test_the_text_of_a_terminal_is_left_alone(text: str) -> None:
    assert parse_log_stream(text.encode()) == text


def test_a_stream_that_was_cut_off_is_still_text() -> None:
    whole = frame(2, "httpd: bind: Address already in use\n")
    assert parse_log_stream(whole + whole[:20]) == "httpd: bind: Address already in use\nhttpd: bind:"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert parse_log_stream(b"\xff\xfe up") == "\ufffd\ufffd up"
