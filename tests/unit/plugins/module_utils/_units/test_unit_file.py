# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of unit files: what systemd reads in them, and back."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._units.unit_file import Assignment, parse_unit_file, render_unit_file

PATH = "/etc/systemd/system/web.service"


def read(text: str) -> list[tuple[str, str, str, int]]:
    return [tuple(one) for one in parse_unit_file(text, PATH)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("[Service]\nExecStart=/bin/true\n", [("Service", "ExecStart", "/bin/true", 2)]),
        ("[Service]\nExecStart=/bin/true", [("Service", "ExecStart", "/bin/true", 2)]),
        ("[Service]\r\nUser=web\r\n\r\nGroup=web\r\n", [("Service", "User", "web", 2), ("Service", "Group", "web", 4)]),
        ("\ufeff[Service]\nUser=web\n", [("Service", "User", "web", 2)]),
        # Comments stand on lines of their own; behind a value they are part of it.
        ("[Socket]\n# no\n; no\n  # no\nListenStream=80 # yes\n", [("Socket", "ListenStream", "80 # yes", 5)]),
        # Continuation: a space for the backslash, comment lines between are dropped, the line is the first one.
        (
            "[Service]\nExecStart=a \\\n  b \\\n# c\n ;d\n  e\nUser=x",
            [("Service", "ExecStart", "a    b    e", 2), ("Service", "User", "x", 7)],
        ),
        ("[Service]\nExecStart=a \\", [("Service", "ExecStart", "a", 2)]),
        ("[Service]\nExecStart=a \\\n\nUser=x", [("Service", "ExecStart", "a", 2), ("Service", "User", "x", 4)]),
        # Two backslashes are one that stands for itself; white space behind one ends the line.
        ("[Service]\nExecStart=a \\\\\nUser=x", [("Service", "ExecStart", "a \\\\", 2), ("Service", "User", "x", 3)]),
        ("[Service]\nExecStart=a \\ \nUser=x", [("Service", "ExecStart", "a \\", 2), ("Service", "User", "x", 3)]),
        ("[Service]\n  User = web \t\n", [("Service", "User", "web", 2)]),
        ("[Service]\nExecStart=\n", [("Service", "ExecStart", "", 2)]),
        ("[A]\nX=1\n[B]\nX=2\n[A]\nX=3\n", [("A", "X", "1", 2), ("B", "X", "2", 4), ("A", "X", "3", 6)]),
        ("[Service]\nEnvironment=A=1 B=2\n", [("Service", "Environment", "A=1 B=2", 2)]),
        # What systemd warns of and ignores.
        ("User=early\n[Service]\nno equals sign\nGroup=web\n", [("Service", "Group", "web", 4)]),
        ("[Service]\nUser=\udcff\nGroup=web\n", [("Service", "Group", "web", 3)]),
    ],
)
def test_what_is_read(text: str, expected: list[tuple[str, str, str, int]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(("text", "line"), [("[Service\nUser=web\n", 1), ("[Unit]\n\n[Service] # x\n", 3)])
def test_a_broken_section_header_is_an_error_with_its_place(text: str, line: int) -> None:
    with pytest.raises(Unparsable, match=f"{PATH} line {line}:"):
        parse_unit_file(text, PATH)


def test_an_endless_line_is_an_error() -> None:
    with pytest.raises(Unparsable, match="line 2"):
        parse_unit_file("[Service]\nExecStart=" + "x" * (1 << 20), PATH)


@given(st.text(alphabet=st.sampled_from("[]=#;\\ \t\r\n\0ab\ufeff\udcff"), max_size=60) | st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_unit_file(text, PATH)
    except Unparsable:
        return
    assert all(one.section and one.line >= 1 for one in found)
    assert [one.line for one in found] == sorted(one.line for one in found)


WORD = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12).map(lambda word: word.strip(" \t\n\r"))
ASSIGNMENTS = st.lists(
    st.builds(Assignment, section=st.sampled_from(("Unit", "Service", "X-Own")), key=WORD, value=WORD, line=st.just(0)), max_size=8
)


@given(ASSIGNMENTS)
@settings(max_examples=200)
def test_what_is_written_is_read_again(assignments: list[Assignment]) -> None:
    try:
        text = render_unit_file(assignments)
    except BadInput:
        return
    assert [one._replace(line=0) for one in parse_unit_file(text, PATH)] == assignments


@pytest.mark.parametrize("value", ["a\nb", "a\\", " a", "a\0", "\udcff"])
def test_what_no_file_can_say_is_refused(value: str) -> None:
    with pytest.raises(BadInput):
        render_unit_file([Assignment("Service", "User", value, 0)])


@given(st.text(alphabet="ab =\\#\n\r[]", max_size=80))
@settings(max_examples=200)
def test_a_file_survives_a_round_trip(text: str) -> None:
    def plain(read: t.Iterable[Assignment]) -> list[Assignment]:
        return [one._replace(line=0) for one in read]

    try:
        first = parse_unit_file("[S]\n" + text, PATH)
        written = render_unit_file(first)
    except (Unparsable, BadInput):
        return
    assert plain(parse_unit_file(written, PATH)) == plain(first)
