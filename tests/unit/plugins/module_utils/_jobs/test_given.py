# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.given import GivenFiles, judge_given

LOOP = "#!/bin/sh\nwhile true; do sync; sleep $EVERY; done\n"


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("program", "file"),
    [
        ("/usr/local/bin/reconcile-hosts", "files/reconcileHosts.sh"),
        ("/opt/x/run.sh", "roles/x/files/run.sh"),
        ("/opt/x/run.sh", "roles/x/templates/run.sh.j2"),
        ("/etc/x/run", "etc/x/run"),
        ("run.sh", "run.sh"),
    ],
)
def test_a_program_is_found_by_its_path_or_by_its_name(program: str, file: str) -> None:
    texts = {"roles/x/templates/x.service.j2": f"[Service]\nEnvironment=EVERY=40\nExecStart={program}\n", file: LOOP}
    (found,) = judge_given(texts)
    assert (found.unit, found.verdict, found.file, found.line, found.interval) == ("x.service", "sleep_loop", file, 2, 40)
    assert found.fragment == "roles/x/templates/x.service.j2"


def test_of_two_files_of_one_name_none_is_taken() -> None:
    texts = {"x.service": "[Service]\nExecStart=/opt/run.sh\n", "a/run.sh": LOOP, "b/run.sh": LOOP}
    assert judge_given(texts)[0].verdict == "cannot_tell"
    assert GivenFiles(texts).where("/srv/b/run.sh") == "b/run.sh"


@pytest.mark.feature("C4")
def test_a_pair_is_judged_by_its_texts_alone() -> None:
    timer = "[Timer]\nOnCalendar=*/5:00\n[Install]\nWantedBy=timers.target\n"
    (found,) = judge_given({"files/x.timer": timer, "files/x.timer.d/y.conf": "[Timer]\nPersistent=true\n"})
    assert (found.verdict, found.file, found.line) == ("broken_pair", "files/x.timer", 2)
    assert [one.id for one in found.problems] == ["oncalendar-invalid"]


@pytest.mark.feature("C1")
def test_an_environment_file_that_is_given_counts() -> None:
    texts = {
        "x.service": "[Service]\nEnvironmentFile=/etc/default/x\nExecStart=/bin/x.sh\n",
        "files/etc/default/x": "EVERY=77\n",
        "x.sh": LOOP,
    }
    assert judge_given(texts)[0].interval == 77


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ("sleep {{ every | default(90, true) }}", 90.0),
        ("sleep {{ every | default('2h') }}", 7200.0),
        ("sleep {{ every }}", None),
        ("{% if x %}\n    sleep 5m\n{% endif %}", 300.0),
    ],
)
def test_a_template_is_read_with_its_defaults(script: str, seconds: float | None) -> None:
    texts = {
        "roles/copies/templates/copies.sh": f"#!/bin/bash\nwhile true; do\n    rsync -a {{{{ source }}}} /srv\n    {script}\ndone\n",
        "roles/copies/templates/copies.service.j2": "[Service]\nExecStart=/usr/local/bin/copies.sh\n",
    }
    (found,) = judge_given(texts)
    assert (found.verdict, found.interval) == ("sleep_loop", seconds)


@pytest.mark.feature("C8")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.sh", "while true; do x; sleep 60; done\n" * 20000),
        ("x.py", "import time\n" + "while True:\n  f()\n  time.sleep(60)\n" * 5000),
        ("x.js", "setInterval(function(){" * 5000),
        ("x.pl", "while (1) {" * 5000 + "sleep 60;" + "}" * 5000),
        ("x.rb", "loop do\n" * 5000),
    ],
)
def test_a_script_of_thousands_of_loops_is_not_judged(name: str, text: str) -> None:
    programs = {"sh": "/bin/sh", "py": "/usr/bin/python3", "js": "/usr/bin/node", "pl": "/usr/bin/perl", "rb": "/usr/bin/ruby"}
    unit = f"[Service]\nExecStart={programs[name[2:]]} /opt/{name}\n"
    (found,) = judge_given({f"opt/{name}": text, "x.service": unit})
    assert found.verdict == "cannot_tell"
    assert "more than 200 loops" in found.why


@pytest.mark.feature("C8")
def test_names_that_are_given_each_other_end() -> None:
    text = "import time\n" + "a = b + c\nb = a + c\nc = a * b\n" * 60 + "while True:\n    work()\n    time.sleep(a)\n"
    (found,) = judge_given({"opt/x.py": text, "x.service": "[Service]\nExecStart=/usr/bin/python3 /opt/x.py\n"})
    assert (found.verdict, found.interval) == ("sleep_loop", None)


@pytest.mark.feature("C8")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = [" + "1, " * 200_000 + "]\n", "more than 400000 of Python are not read"),
        ("x = " + "-" * 100_000 + "1\n", "nested too deeply"),
    ],
)
def test_python_that_costs_too_much_is_not_read(text: str, why: str) -> None:
    (found,) = judge_given({"opt/x.py": text, "x.service": "[Service]\nExecStart=/usr/bin/python3 /opt/x.py\n"})
    assert (found.verdict, why in found.why) == ("cannot_tell", True), found.why


def test_functions_that_call_each_other_many_times_are_read_once() -> None:
    """Thirty calls in each of eight would be 30 to the eighth."""
    functions = "".join(f"f{number}() {{\n" + f"  f{number + 1}\n" * 30 + "}\n" for number in range(8))
    script = f"#!/bin/sh\n{functions}f8() {{ rsync -a /srv backup:/srv; }}\nwhile true; do\n  f5\n  sleep 300\ndone\n"
    (found,) = judge_given({"/etc/systemd/system/fan.service": "[Service]\nExecStart=/opt/fan.sh\n", "/opt/fan.sh": script})
    assert (found.verdict, found.interval) == ("sleep_loop", 300.0)
