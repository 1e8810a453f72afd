# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._guard.model import Record
from ansible_collections.guarded.deploy.plugins.module_utils._guard.record import parse_record, render_record

RECORD = Record("g", "armed", "s", "r", "ann: caf\udce9 \n", "", 300, "rollback", "b", 12.5, 1.0, 2.0, result={"steps": ["ä"]})


def test_any_text_comes_back() -> None:
    assert parse_record(render_record(RECORD), "x") == RECORD


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "asleep"}, "its state is 'asleep'"),
        ({"on_reboot": "shrug"}, "on_reboot 'shrug'"),
        ({"deadline": "soon"}, "deadline is 'soon'"),
        ({"version": 2}, "of version 1"),
        ({"more": 1}, "its fields are"),
        ({"result": []}, "result is"),
    ],
)
def test_what_is_no_record_is_an_error_that_says_why(change: dict[str, t.Any], why: str) -> None:
    content = {**json.loads(render_record(RECORD)), **change}
    with pytest.raises(Unparsable, match=why) as raised:
        parse_record(json.dumps(content).encode(), "/the/record.json")
    assert "/the/record.json" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"version": 1}', b"\xff"])
def test_a_damaged_record_is_never_no_guard(content: bytes) -> None:
    with pytest.raises(Unparsable):
        parse_record(content, "x")
