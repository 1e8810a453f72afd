# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of units and their specifiers; what real systemds make of every specifier stands in the cases of commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._units.specifiers import Name, expand_specifiers, parse_name, unescape


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("a.service", ("a.service", "a", None, "service")),
        ("a@.service", ("a@.service", "a", "", "service")),
        ("a@b@c.d.socket", ("a@b@c.d.socket", "a", "b@c.d", "socket")),
        ("-.mount", ("-.mount", "-", None, "mount")),
    ],
)
def test_the_parts_of_a_name(full: str, parts: tuple[str, str, str | None, str]) -> None:
    assert parse_name(full) == Name(*parts)


def test_templates() -> None:
    assert parse_name("a@.service").is_template
    assert parse_name("a@x.service").template == "a@.service"
    assert parse_name("a.service").template == "a.service"


# As systemd-escape --unescape prints.
@pytest.mark.parametrize(("text", "plain"), [("a-b", "a/b"), (r"a\x2db", "a-b"), (r"caf\xc3\xa9", "café"), (r"\xzz", r"\xzz")])
def test_unescape(text: str, plain: str) -> None:
    assert unescape(text) == plain


@pytest.mark.parametrize(
    ("text", "name", "expanded", "unknown"),
    [
        ("80%i", "a@11.service", "8011", ()),
        ("80%i", "a@.service", "80%i", ("%i",)),
        ("80%i", "a.service", "80", ()),
        ("%H:%p %H", "a.service", "%H:a %H", ("%H",)),
        ("%%i 100% %-", "a.service", "%i 100% %-", ()),
        ("%Z", "a.service", "%Z", ("%Z",)),
        ("%y", "a.service", "%y", ("%y",)),
    ],
)
def test_what_is_known_is_replaced(text: str, name: str, expanded: str, unknown: tuple[str, ...]) -> None:
    assert expand_specifiers(text, name) == (expanded, unknown)


@given(st.text(alphabet="%inNpPjJfHtZ -@.\\x2d", max_size=30), st.from_regex(r"\A[a-z-]{1,5}(@[a-z\\-]{0,4})?\.service\Z"))
def test_any_text_is_expanded(text: str, name: str) -> None:
    found = expand_specifiers(text, name)
    assert all(one in found.text for one in found.unknown)
