# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the program of a command line begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.command_line import count_wrapping, find_script

pytestmark = pytest.mark.feature("B14")


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("nc -l 90", "nc"),
        ("if ! A=1 B+=2 /usr/bin/nc -l 90", "/usr/bin/nc"),
        ("/usr/bin/timeout -k 5 -s KILL 9 nc -l 90", "nc"),
        ("timeout --kill-after=5 9 nc", "nc"),
        ("nice -n 10 ionice -c 2 -n 7 nc", "nc"),
        ("nice -10 nc", "nc"),
        ("tini -g -- nc", "nc"),
        ("sudo -u web -E nc", "nc"),
        ("gosu web nc", "nc"),
        ("stdbuf -oL nc", "nc"),
        ("systemd-cat --identifier=web nc", "nc"),
        # They run something else as well, in a way that this does not follow.
        ("systemd-run nc", "systemd-run"),
        ("unshare -n nc", "unshare"),
    ],
)
def test_the_program_behind_what_wraps_it(line: str, program: str) -> None:
    words = line.split()
    assert words[count_wrapping(words)] == program


@pytest.mark.parametrize("line", ["", "env", "A=1", "timeout", "nice -n", "sudo -u"])
def test_a_line_without_a_program(line: str) -> None:
    words = line.split()
    assert words[count_wrapping(words) :] == []


@given(st.lists(st.sampled_from(["env", "-u", "timeout", "nice", "--", "A=1", "nc", "if", "-k"]), max_size=8))
def test_what_stands_before_is_never_more_than_there_is(words: list[str]) -> None:
    assert 0 <= count_wrapping(words) <= len(words)
    assert words[count_wrapping(words) :] == [] or words[count_wrapping(words)] in ("nc", "--", "-u", "-k")


@pytest.mark.parametrize(
    ("line", "script"),
    [(["sh", "-c", "a b"], "a b"), (["bash", "-euc", "a"], "a"), (["bash", "run.sh"], None), (["sh", "-c"], None)],
)
def test_the_script_of_a_shell(line: list[str], script: str | None) -> None:
    assert find_script(line) == script
