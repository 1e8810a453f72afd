# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of Compose files; what the real tool makes of most of this stands in tests/cases/compose."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.compose_interpolation import (
    Filled,
    fill_text,
    parse_env_file,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable

NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("text", "filled", "unset", "required"),
    [
        ("$A-x", "1-x", (), ()),
        ("${A}${B}", "1", ("B",), ()),
        ("${B:-${C:-$A}}", "1", (), ()),
        ("${B:?no} $C", " ", ("C",), ("B",)),
        ("${E?e}${E:?e}", "", (), ("E",)),
        ("${B:-}}", "}", (), ()),
    ],
)
def test_what_is_not_set_is_told(text: str, filled: str, unset: tuple[str, ...], required: tuple[str, ...]) -> None:
    found = fill_text(text, {"A": "1", "E": ""}, "here")
    assert found == filled
    assert (getattr(found, "unset", ()), getattr(found, "required", ())) == (unset, required)


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A b}", "${-x}", "${A:x}", "x ${1} y"])
def test_what_is_no_variable_is_an_error(text: str) -> None:
    with pytest.raises(Unparsable, match=r"a\.yaml:3: "):
        fill_text(text, {}, "a.yaml:3")


def test_depth_is_bounded() -> None:
    with pytest.raises(Unparsable, match="nested more than"):
        fill_text("${A:-" * 60 + "}" * 60, {}, "here")


@given(st.text(max_size=30), st.dictionaries(NAMES, st.text(max_size=5), max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_text_is_filled_or_refused(text: str, environment: dict[str, str]) -> None:
    with contextlib.suppress(Unparsable):
        fill_text(text, environment, "here")
    with contextlib.suppress(Unparsable):
        parse_env_file(text, ".env", environment)


@given(st.text(max_size=30))
def test_an_escaped_text_is_itself(text: str) -> None:
    found = fill_text(text.replace("$", "$$"), {}, "here")
    assert found == text
    assert not isinstance(found, Filled)


@given(st.dictionaries(NAMES, st.text(string.printable, max_size=12), max_size=4))
def test_what_is_written_to_an_env_file_is_read(variables: dict[str, str]) -> None:
    text = "".join("{}='{}'\n".format(name, value.replace("\\", "").replace("'", "\\'")) for name, value in variables.items())
    assert parse_env_file(text, ".env", {}) == {name: value.replace("\\", "") for name, value in variables.items()}


def test_an_env_file_names_its_line() -> None:
    with pytest.raises(Unparsable, match=r"\.env:3: "):
        parse_env_file("A=1\n\n= 2\n", ".env", {})


def test_a_name_alone_is_taken_over() -> None:
    assert parse_env_file("A\nB\nC=3\n", ".env", {"A": "1"}) == {"A": "1", "C": "3"}
