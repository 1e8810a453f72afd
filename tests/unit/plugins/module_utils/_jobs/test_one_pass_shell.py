# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell loops that are not edited, as it is not sure that a single run would do the same, and those that are."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass import OnePass
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass_shell import make_one_pass_shell

pytestmark = pytest.mark.feature("C5")


def make(text: str, interval: float | None = 60, lost: tuple[str, ...] = ()) -> OnePass:
    """The line of the loop is the first with while, until or for ((, unless one is marked."""
    lines = text.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("# here")]
    first = [number for number, line in enumerate(lines, 1) if any(word in line for word in ("while", "until", "for (("))]
    return make_one_pass_shell(text, "job.sh", (marked or first)[0], interval, lost)


REFUSED = {
    "not closed": ("while true; do\n  work\n", "so its loop is not edited"),
    "nothing but waiting": ("while true; do\n  sleep 60\ndone\n", "nothing but wait"),
    "no plain wait": ("while true; do\n  work\ndone\n", "neither begins nor ends"),
    "a wait that depends": ("while true; do\n  work && sleep 60\ndone\n", "neither begins nor ends"),
    "an answer": ("while ! work; do\n  more\n  sleep 60\ndone\n", "a command's answer"),
    "several commands as its head": ("while work; true; do\n  more\n  sleep 60\ndone\n", "no plain flag"),
    "counts": ("for ((i=0; i<9; i++)); do\n  work\n  sleep 60\ndone\n", "the loop counts"),
    "another interval": ("while true; do\n  work\n  sleep 1m 30\ndone\n", "90 s, and the interval found is 60 s"),
    "two intervals": ("while true; do\n  work || { sleep 5; continue; }\n  more\n  sleep 60\ndone\n", "different times"),
    "a continue without a wait": ("while true; do\n  work || continue\n  more\n  sleep 60\ndone\n", "at once, without the wait"),
    "leaves two loops": ("while true; do\n  work || break 2\n  sleep 60\ndone\n", "more than one loop"),
    "becomes another": ('while true; do\n  exec "$0"\n  sleep 60\ndone\n', "becomes another program"),
    "background work": ("while true; do\n  work &\n  sleep 60\ndone\n", "in the background"),
    "a loop in the background": ("while true; do\n  work\n  sleep 60\ndone &\nserve\n", "in the background"),
    "a subshell in the background": ("(\nwhile true; do\n  work\n  sleep 60\ndone\n) &\nserve\n", "in the background"),
    "a function in the background": ("f() {\n  while true; do\n    work\n    sleep 60\n  done\n}\nf &\nserve\n", "in the background"),
    "an outer loop": ("for x in a b; do\n  while true; do # here\n    work\n    sleep 60\n  done\ndone\n", "in another loop"),
    "dead code": ("while true; do\n  work\n  sleep 60\ndone\nend\n", "never ran so far"),
    "dead code behind a call": ("f() {\n  while true; do\n    work\n    sleep 60\n  done\n}\nf\nend\n", "never ran so far"),
    "a counter": ("n=0\nwhile true; do\n  n=$((n + 1))\n  work $n\n  sleep 60\ndone\n", r"n \(line 3\)"),
    "bash's counter": ("while true; do\n  ((n++))\n  work $n\n  sleep 60\ndone\n", r"n \(line 2\)"),
    "the last value": ('while true; do\n  new=$(work)\n  [ "$new" = "$old" ] || mail\n  old=$new\n  sleep 60\ndone\n', r"old \(line 3\)"),
    "a value set now and then": ("while true; do\n  work && t=1\n  use $t\n  sleep 60\ndone\n", r"t \(line 3\)"),
    "what a function remembers": (
        'f() {\n  [ -n "$seen" ] || work\n  seen=1\n}\nwhile true; do\n  f\n  sleep 60\ndone\n',
        "seen",
    ),
    "a list that is read": ('while true; do\n  all+=($(work))\n  use "${all[@]}"\n  sleep 60\ndone\n', "all"),
    "the time of day": ('while true; do\n  [ "$(date +%H)" = 03 ] && work\n  sleep 60\ndone\n', "on_calendar"),
    "the time of day in a case": ("while true; do\n  case $(date +%u) in 1) work;; esac\n  sleep 60\ndone\n", "on_calendar"),
    "work before the loop": ("work a\nwhile true; do\n  sleep 60\n  work a\ndone\n", "take it out here"),
    "a here-document": ("while true; do\n  cat <<EOF\n$old\nEOF\n  old=1\n  sleep 60\ndone\n", "old"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_sure_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        make(text)
    assert "job.sh" in str(caught.value)


TAKEN = {
    "values of the round": "while true; do\n  n=0\n  for x in a b; do\n    n=$((n + 1))\n  done\n  use $n\n  sleep 60\ndone\n",
    "either way": "while true; do\n  if x; then t=1; else t=2; fi\n  use $t\n  sleep 60\ndone\n",
    "settings": "t=1\nwhile true; do\n  use $t\n  sleep 60\ndone\n",
    "functions of the script": "f() {\n  x=$1\n  use $x\n}\nwhile [ 1 ]; do\n  f a\n  sleep 60\ndone\n",
    "a break makes what follows alive": "while true; do\n  work || break\n  sleep 60\ndone\nend\n",
    "functions behind it": "while true; do\n  work\n  sleep 60\ndone\nf() {\n  x\n}\n",
    "read from a command": "while true; do\n  read line < file\n  use $line\n  sleep 60\ndone\n",
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_is_sure_is_edited(text: str) -> None:
    new = make(text).text
    assert "while" not in new
    assert "sleep" not in new


def test_what_may_be_lost_is_the_users_to_say() -> None:
    found = make(REFUSED["a counter"][0], lost=("n",))
    assert found.text == "n=0\nn=$((n + 1))\nwork $n\n"


def test_a_leak_is_no_state_and_is_told() -> None:
    found = make("while true; do\n  all+=($(work))\n  sleep 60\ndone\n")
    assert "all (line 2) only grows and is never read: a leak that ends with each run" in found.notes


@pytest.mark.parametrize("last", ["[ -e x ] && rm x", "grep -q x y", "! work", "((x))", "test -e x"])
def test_a_question_that_is_answered_no_does_not_fail_the_run(last: str) -> None:
    assert make(f"while true; do\n  work\n  {last}\n  sleep 60\ndone\n").text.endswith(
        "true  # a question that was answered no is no failure\n"
    )


def test_what_ends_well_anyway_is_left_as_it_is() -> None:
    assert make("while true; do\n  work || true\n  sleep 60\ndone\n").text == "work || true\n"
