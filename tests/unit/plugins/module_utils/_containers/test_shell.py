# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of shell text, against the shell itself where nothing has to be expanded."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.shell import find_commands, is_unknown, split_words
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("docker run >log 2>&1 -p 80:80 nginx", ["docker", "run", "-p", "80:80", "nginx"]),
        ("docker run &>/dev/null -d nginx", ["docker", "run"]),
        ("a 'b c' \"d e\" f\\ g 'h'\"i\"j", ["a", "b c", "d e", "f g", "hij"]),
        ("a '' \"\"", ["a", "", ""]),
        ("a b#c #d", ["a", "b#c"]),
        ("a \\\n  b", ["a", "b"]),
        ("a; b", ["a"]),
        ("a && b", ["a"]),
        ("a $(b 'c d') e", ["a", "$(b 'c d')", "e"]),
        ('a "$(b "c d")" e', ["a", '$(b "c d")', "e"]),
        ("a ${b:-c d} e", ["a", "${b:-c d}", "e"]),
        ("a {{ b | d('x y') }}:80 e", ["a", "{{ b | d('x y') }}:80", "e"]),
        ("a $((1 + 2)) e", ["a", "$((1 + 2))", "e"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    if "&>" in text:
        # bash's &> is a redirection, to a POSIX shell it ends the command; either way nothing is invented.
        assert list(split_words(text))[:2] == words
    else:
        assert list(split_words(text)) == words


def test_every_word_has_its_line() -> None:
    (command,) = find_commands("\n\na \\\n b 'c\n' d", "x")
    assert (command.words, command.lines) == (("a", "b", "c\n", "d"), (3, 4, 4, 5))


def test_substitutions_are_commands_of_their_own_with_their_lines() -> None:
    found = find_commands("a $(b\nc) `d`\ne", "x")
    assert sorted((command.words[0], command.lines[0]) for command in found) == [("a", 1), ("b", 1), ("c", 2), ("d", 2), ("e", 3)]


def test_what_is_not_known_is_told_from_what_is() -> None:
    assert [is_unknown(word) for word in ("$A", "x${A}", "`a`", "{{ a }}", "{% if a %}", "80:80", "50%")] == [True] * 5 + [False] * 2


def test_nesting_has_an_end() -> None:
    with pytest.raises(Unparsable, match="substitutions in one another"):
        find_commands("$(" * 1000, "x")


QUOTED = st.text(alphabet="ab \\'\"#\t", max_size=12)


@settings(max_examples=40, deadline=None)
@given(QUOTED)
def test_words_are_those_of_the_shell(text: str) -> None:
    """`sh` itself splits the same text; it refuses what is refused here."""
    script = f"printf '%s\\0' {text}\n"
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    try:
        words = split_words(script)
    except Unparsable:
        assert shell.returncode != 0
        return
    assert shell.returncode == 0
    assert list(words[2:]) == (shell.stdout.split("\0")[:-1] if len(words) > 2 else [])
