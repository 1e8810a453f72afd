# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A difference as text."""

from __future__ import annotations

import difflib

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Change, Difference
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.render_diff import (
    make_text_diff,
    printable,
    render_ansible_diff,
    render_difference,
)

pytestmark = pytest.mark.feature("A12")

DIFFERENCE = Difference(
    (
        Change("units", "gone.service", "active, enabled", ""),
        Change("units", "new.service", "", "active, enabled"),
        Change("units", "shop.service", "active, enabled", "inactive, masked"),
        Change("packages", "tiny:all", "1.0", "2.0"),
    )
)


def test_two_states_of_one_thing_stand_below_each_other():
    before, after = render_difference(DIFFERENCE)
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[3:]
    assert lines == [
        " units:",
        "-  gone.service: active, enabled",
        "+  new.service: active, enabled",
        "   shop.service:",
        "-    active, enabled",
        "+    inactive, masked",
        " packages:",
        "   tiny:all:",
        "-    1.0",
        "+    2.0",
    ]


def test_where_nothing_differs_there_is_nothing_to_read():
    assert render_difference(Difference((), (("ports", "it hangs"),))) == ("", "")


def test_names_that_no_terminal_shows():
    assert printable("a\nb\udcff\u00e9") == "a\\nb\\xff\u00e9"
    before, _after = render_difference(Difference((Change("files", "/a\nb", "there", ""),)))
    assert before == "files:\n  /a\\nb: there\n"


def test_texts_follow_and_those_that_are_withheld_say_why():
    texts = [make_text_diff("/etc/a", b"one\n", b"two\n"), make_text_diff("/etc/b", b"\0", b"")]
    assert render_ansible_diff(DIFFERENCE, texts, "snapshot x", "now")[1:] == [
        {"before_header": "/etc/a (snapshot x)", "after_header": "/etc/a (now)", "before": "one\n", "after": "two\n"},
        {"prepared": "/etc/b: its text is not shown: it is binary\n"},
    ]


def test_a_text_keeps_no_secret():
    found = make_text_diff("/etc/a.conf", b"password = hunter2\n", b"password = swordfish\n")
    assert "hunter2" not in str(found)
    assert "swordfish" not in str(found)
    assert found.before != found.after
