# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import Judged
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.python_program import read_python

LOOP = "import os, sys, time, threading, random, argparse\nfrom datetime import timedelta\n"
LOOP += "{before}\nwhile True:\n    work()\n    time.sleep({wait})\n"


def judged(text: str, *argv: str, **environment: str) -> Judged:
    return read_python(text, "x.py", argv, dict(environment))


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("before", "wait", "argv", "environment", "seconds"),
    [
        ("", "60 * 5", (), {}, 300),
        ("N = 7", "N * 60 + 0.5", (), {}, 420.5),
        ("", "timedelta(minutes=5, seconds=1).total_seconds()", (), {}, 301),
        ("", "int(os.environ.get('EVERY', '90'))", (), {}, 90),
        ("", "int(os.environ.get('EVERY', '90'))", (), {"EVERY": "45"}, 45),
        ("", "float(os.getenv('EVERY', 33))", (), {}, 33),
        ("", "int(os.environ['EVERY'])", (), {"EVERY": "77"}, 77),
        ("", "int(sys.argv[1]) if len(sys.argv) > 1 else 600", (), {}, 600),
        ("", "int(sys.argv[1]) if len(sys.argv) > 1 else 600", ("30",), {}, 30),
        ("C = {'poll': 120}", "C['poll']", (), {}, 120),
        ("", "max(10, 3600 - (time.time() - begun))", (), {}, 3600),
        ("", "60 - time.time() % 60", (), {}, 60),
        ("", "random.randint(50, 70)", (), {}, 60),
        (
            "a = argparse.ArgumentParser()\na.add_argument('-n', '--every', default=80, type=int)\no = a.parse_args()",
            "o.every",
            ("-n15",),
            {},
            15,
        ),
        (
            "a = argparse.ArgumentParser()\na.add_argument('-n', '--every', default=80, type=int)\no = a.parse_args()",
            "o.every",
            ("--every=25",),
            {},
            25,
        ),
        ("a = argparse.ArgumentParser()\na.add_argument('every', type=int)\no = a.parse_args()", "o.every", ("75",), {}, 75),
        ("def minutes(n):\n    return n * 60", "minutes(15)", (), {}, 900),
    ],
)
def test_the_interval_is_worked_out(before: str, wait: str, argv: tuple[str, ...], environment: dict[str, str], seconds: float) -> None:
    found = judged(LOOP.format(before=before, wait=wait), *argv, **environment)
    assert found.verdict == "sleep_loop"
    assert found.loop is not None
    assert found.loop.interval.seconds == seconds


@pytest.mark.feature("C1")
def test_an_interval_that_is_set_elsewhere_is_not_made_up() -> None:
    found = judged(LOOP.format(before="import settings", wait="settings.EVERY"))
    assert (found.verdict, found.confidence) == ("sleep_loop", "inferred")
    assert found.loop is not None
    assert found.loop.interval.seconds is None
    assert found.loop.interval.source == "time.sleep(settings.EVERY)"


@pytest.mark.feature("C1")
def test_the_place_and_the_lines_for_a_conversion() -> None:
    text = "import time\n\n\ndef main():\n    n = 0\n    # for ever\n    while True:\n        n += 1\n"
    text += "        work(n)\n        time.sleep(\n            60\n        )\n\nmain()\n"
    loop = judged(text).loop
    assert loop is not None
    assert (loop.line, loop.end, loop.text, loop.body, loop.wait, loop.state, loop.work) == (
        7,
        12,
        "while True:",
        (8, 12),
        (10, 12),
        ("n",),
        ("work",),
    )


@pytest.mark.feature("C2")
@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("import time\nwhile not ready():\n    time.sleep(30)\nwork()\n", "oneshot"),
        ("import time\nok = False\nwhile not ok:\n    ok = probe()\n    time.sleep(30)\n", "oneshot"),
        ("import time\nwhile True:\n    if probe():\n        break\n    time.sleep(30)\n", "oneshot"),
        ("import time\nfor _ in range(9):\n    work()\n    time.sleep(60)\n", "oneshot"),
        ("import time\nend = time.time() + 600\nwhile time.time() < end:\n    probe()\n    time.sleep(20)\n", "oneshot"),
        ("import time\ndef unused():\n    while True:\n        work()\n        time.sleep(60)\nwork()\n", "oneshot"),
        ("import time\nwhile True:\n    work()\n    time.sleep(5)\n", "cannot_tell"),
        ("import time\nwhile True:\n    time.sleep(60)\n", "cannot_tell"),
        (
            "import time, l\nwhile True:\n    j = l.get()\n    if not j:\n        time.sleep(60)\n        continue\n    j.run()\n",
            "daemon",
        ),
        (
            "import time, threading\nthreading.Thread(target=x.serve).start()\nwhile True:\n    print('alive')\n    time.sleep(60)\n",
            "daemon",
        ),
    ],
)
def test_other_sleeps_are_left_in_peace(text: str, verdict: str) -> None:
    assert judged(text).verdict == verdict


@pytest.mark.feature("C1")
def test_python_2_is_read_and_only_inferred() -> None:
    found = judged("import time\nwhile 1:\n\tprint 'x', work()\n\ttry:\n\t\tgo()\n\texcept A, e:\n\t\tprint e\n\ttime.sleep(060)\n")
    assert (found.verdict, found.confidence) == ("sleep_loop", "inferred")
    assert found.loop is not None
    assert found.loop.interval.seconds == 48


@pytest.mark.parametrize("text", ["while True\n  x(", "(" * 3000, "x = 1\0", "def f(:\n"])
def test_what_is_no_python_names_its_place(text: str) -> None:
    with pytest.raises(Unparsable, match=r"^x\.py:\d+: "):
        judged(text)


PIECES = [
    "while True:\n",
    "    work()\n",
    "    time.sleep(60)\n",
    "import time\n",
    "def f():\n",
    "f()\n",
    "    if a: break\n",
    "    continue\n",
    "    f()\n",
    "while f(): pass\n",
    "class C(C): pass\n",
    "x = x\n",
    "    return x\n",
    "x = f(x)\n",
    "    time.sleep(x)\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_program_is_judged_or_refused(pieces: list[str]) -> None:
    try:
        found = judged("".join(pieces))
    except Unparsable:
        return
    assert found.verdict in ("sleep_loop", "daemon", "oneshot", "cannot_tell")
    assert found.why
