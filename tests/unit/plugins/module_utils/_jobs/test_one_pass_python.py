# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python loops that are not edited, as it is not sure that a single run would do the same, and those that are."""

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass import OnePass
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass_python import make_one_pass_python

pytestmark = pytest.mark.feature("C5")


def make(text: str, interval: float | None = 60, lost: tuple[str, ...] = ()) -> OnePass:
    """The line of the loop is the first that begins with while or for, unless one is marked."""
    text = textwrap.dedent(text).lstrip("\n")
    lines = text.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("# here")]
    first = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith(("while", "for"))]
    return make_one_pass_python(text, "job.py", (marked or first)[0], interval, lost)


REFUSED = {
    "no Python of now": ("while 1:\n    print 'x'\n    sleep(60)\n", "cannot read it"),
    "a NUL": ("while 1:\n    x('\0')\n    sleep(60)\n", "cannot read it|does nothing"),
    "one line": ("while True: work(); sleep(60)\n", "on one line"),
    "a shared line": ("while True:\n    work(); sleep(60)\n", "shares its line"),
    "else": ("while go:\n    work()\n    sleep(60)\nelse:\n    end()\n", "else branch"),
    "nothing but waiting": ("while True:\n    sleep(60)\n", "nothing but wait"),
    "no wait": ("while True:\n    work()\n", "some rounds follow at once"),
    "a wait on one way only": ("while True:\n    if work():\n        sleep(60)\n", "some rounds follow at once"),
    "a wait that an error skips": (
        "while True:\n    try:\n        work()\n        sleep(60)\n    except OSError:\n        log()\n",
        "some rounds follow at once",
    ),
    "a continue without a wait": (
        "while True:\n    if not ready():\n        continue\n    work()\n    sleep(60)\n",
        "at once, without the wait",
    ),
    "back-off": (
        "while True:\n    try:\n        work()\n    except OSError:\n        sleep(5)\n        continue\n    sleep(60)\n",
        "waits 5 and 60 seconds|waits 60 and 5 seconds",
    ),
    "another interval": ("while True:\n    work()\n    sleep(30)\n", "30 s, and the interval found is 60 s"),
    "a condition": ("while left > 0:\n    work()\n    sleep(60)\n", "no plain flag"),
    "goes over something": ("for host in hosts:\n    work(host)\n    sleep(60)\n", "goes over something"),
    "counts": ("for n in itertools.count():\n    work(n)\n    sleep(60)\n", "goes over something"),
    "threads": ("threading.Thread(target=serve).start()\nwhile True:\n    work()\n    sleep(60)\n", "starts threads"),
    "a server": ("start_http_server(9000)\nwhile True:\n    work()\n    sleep(60)\n", "serves others"),
    "tasks": ("async def f():\n    while True:\n        work()\n        await sleep(60)\nasyncio.create_task(f())\n", "beside the loop"),
    "a generator": ("def f():\n    while True:\n        yield work()\n        sleep(60)\n", "generator"),
    "an outer loop": ("for host in hosts:\n    while True:  # here\n        work()\n        sleep(60)\n", "in another loop"),
    "called in a loop": (
        "def run():\n    while True:  # here\n        work()\n        sleep(60)\nwhile True:\n    run()\n",
        "in another loop",
    ),
    "dead code": ("while True:\n    work()\n    sleep(60)\nend()\n", "never ran so far"),
    "dead code behind a call": ("def run():\n    while True:\n        work()\n        sleep(60)\nrun()\nend()\n", "never ran so far"),
    "a counter": ("n = 0\nwhile True:\n    n += 1\n    work(n)\n    sleep(60)\n", r"n \(line 3\)"),
    "the last value": ("last = 0\nwhile True:\n    new = work(last)\n    last = new\n    sleep(60)\n", r"last \(line 3\)"),
    "a value set now and then": ("while True:\n    if x():\n        t = work()\n    use(t)\n    sleep(60)\n", r"t \(line 4\)"),
    "what was seen": ("seen = set()\nwhile True:\n    if x() not in seen:\n        seen.add(x())\n    sleep(60)\n", r"seen"),
    "what a function has seen": (
        "seen = {}\ndef go():\n    if 'a' in seen:\n        return\n    seen['a'] = 1\nwhile True:\n    go()\n    sleep(60)\n",
        "seen",
    ),
    "what is handed to a function": (
        "seen = []\ndef go(s):\n    s.append(len(s))\nwhile True:\n    go(seen)\n    sleep(60)\n",
        "seen",
    ),
    "a global": ("n = 0\ndef go():\n    global n\n    n += 1\nwhile True:\n    go()\n    sleep(60)\n", r"n \(line 4\)"),
    "an attribute": (
        """
        class J:
            def run(self):
                while True:
                    self.go()
                    sleep(60)
            def go(self):
                if self.n:
                    pass
                self.n = 1
        """,
        r"self\.n",
    ),
    "the time of day": ("while True:\n    if now().hour == 3:\n        work()\n    sleep(60)\n", "on_calendar"),
    "work before the loop": ("work()\nwhile True:\n    sleep(60)\n    work()\n", "take it out here"),
    "a queue": ("jobs = deque()\nwhile True:\n    work(jobs.popleft())\n    sleep(60)\n", "jobs"),
    "an iterator": ("it = cycle(hosts)\nwhile True:\n    work(next(it))\n    sleep(60)\n", "it"),
    "the place in a file": ("f = open('x')\nwhile True:\n    work(f.readline())\n    sleep(60)\n", "f"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_sure_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        make(text)
    assert "job.py" in str(caught.value) or "line " in str(caught.value)


TAKEN = {
    "values of the round": "while True:\n    n = 0\n    for x in rows():\n        n += x\n    work(n)\n    sleep(60)\n",
    "either way": "while True:\n    if x():\n        t = 1\n    else:\n        t = 2\n    use(t)\n    sleep(60)\n",
    "one way leaves": "while True:\n    try:\n        t = x()\n    except OSError:\n        raise\n    use(t)\n    sleep(60)\n",
    "modules": "import os, glob\nwhile True:\n    os.remove('x')\n    os.stat('y')\n    glob.glob('z')\n    sleep(60)\n",
    "a connection": "import db\ns = db.Session()\nwhile True:\n    s.add(1)\n    s.commit()\n    sleep(60)\n",
    "settings": "conf = {'a': 1}\nwhile True:\n    work(conf['a'])\n    sleep(60)\n",
    "comprehensions": "x = 1\nwhile True:\n    work([x for x in rows()])\n    sleep(60)\n",
    "code behind a caught interrupt": (
        "try:\n    while True:\n        work()\n        sleep(60)\nexcept KeyboardInterrupt:\n    pass\nend()\n"
    ),
    "exit with the answer": "def run():\n    while True:\n        work()\n        sleep(60)\nsys.exit(run())\n",
    "parameters": "def go(rows):\n    rows.append(len(rows))\nwhile True:\n    rows = get()\n    go(rows)\n    sleep(60)\n",
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_is_sure_is_edited(text: str) -> None:
    new = make(text).text
    assert "while" not in new
    assert "sleep(60)" not in new


def test_what_may_be_lost_is_the_users_to_say() -> None:
    text = REFUSED["a counter"][0]
    assert make(text, lost=("n",)).text == "n = 0\nn += 1\nwork(n)\n"


def test_a_leak_is_no_state_and_is_told() -> None:
    found = make("cache = []\nwhile True:\n    cache.append(work())\n    sleep(60)\n")
    assert found.notes == ("cache (line 3) only grows and is never read: a leak that ends with each run",)


def test_what_is_done_in_every_run_now_is_told() -> None:
    (note,) = make("announce()\nwhile True:\n    work()\n    sleep(60)\n").notes
    assert note == "what stands before the loop, from line 1 on, is done in every run now"


def test_line_ends_of_windows_stay() -> None:
    assert make_one_pass_python("while True:\r\n    work()\r\n    sleep(60)\r\n", "job.py", 1, None).text == "work()\r\n"
