# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.shell_loops import read_shell
from builders.jobs import BINARY, judge_service, judge_texts


def verdict(text: str, *argv: str) -> str:
    return read_shell(text, "x.sh", argv, {}).judged.verdict


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    "head",
    [
        "while true",
        "while :",
        "while [ 1 ]",
        "while [[ 1 == 1 ]]",
        "while test 1",
        "until false",
        "for ((;;))",
        "while ((1))",
        "until [ 1 = 2 ]",
        'while [ "$running" = true ]',
        "while ! false",
        "while /bin/true",
        'while [ -z "$STOP" ]',
    ],
)
def test_every_way_to_go_on_for_ever(head: str) -> None:
    assert verdict(f"{head}; do work; sleep 60; done") == "sleep_loop"


@pytest.mark.feature("C2")
@pytest.mark.parametrize(
    "head",
    [
        "while pidof x",
        "while [ -e /run/lock ]",
        "until ping -c 1 gw",
        "while read -r line",
        "for i in 1 2 3",
        "for ((i = 0; i < 9; i++))",
        "while [ $n -lt 9 ]",
        "while kill -0 $pid",
        "while grep -q check /proc/mdstat",
        "while false",
        "until true",
    ],
)
def test_loops_that_end_are_left_in_peace(head: str) -> None:
    assert verdict(f"{head}; do work; sleep 60; done") == "oneshot"


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("sleep 90", 90),
        ("sleep 1m 30s", 90),
        ("/bin/sleep 1.5h", 5400),
        ("sleep 1d", 86400),
        ("sleep $N", 20),
        ("sleep ${N}m", 1200),
        ("sleep $((N * 3))", 60),
        ("sleep ${M:-45}", 45),
        ("sleep $1", 33),
        ("command sleep 70", 70),
        ("busybox sleep 80", 80),
        ("sleep $((60 - 10#$(date +%S)))", None),
    ],
)
def test_the_wait_is_worked_out(wait: str, seconds: float | None) -> None:
    found = read_shell(f"N=20\nwhile true; do work; {wait}; done", "x.sh", ("33",), {}).judged
    assert found.loop is not None
    assert (found.verdict, found.loop.interval.seconds) == ("sleep_loop", seconds)


@pytest.mark.feature("C1")
def test_the_lines_for_a_conversion() -> None:
    loop = read_shell("#!/bin/sh\nset -e\nwhile true\ndo\n  a &&\n    b\n  sleep 60\ndone\n", "x.sh", (), {}).judged.loop
    assert loop is not None
    assert (loop.line, loop.end, loop.body, loop.wait, loop.waits_first, loop.work) == (3, 8, (5, 7), (7, 7), False, ("a", "b"))
    first = read_shell("while true; do\n sleep 60\n a\ndone", "x.sh", (), {}).judged.loop
    assert first is not None
    assert (first.waits_first, first.wait) == (True, (2, 2))
    condition = read_shell("while sleep 60; do\n a\ndone", "x.sh", (), {}).judged.loop
    assert condition is not None
    assert (condition.waits_first, condition.wait) == (True, None)


@pytest.mark.feature("C2")
def test_a_helper_loop_beside_other_work_is_not_called_a_job() -> None:
    assert verdict("( while true; do sync; sleep 300; done ) &\nmain-program --once") == "cannot_tell"
    assert verdict("( while true; do sync; sleep 300; done ) &\nwait") == "sleep_loop"


def test_a_script_that_cannot_be_read_says_where() -> None:
    with pytest.raises(Unparsable, match=r"x\.sh:2"):
        read_shell("a\nwhile true; do b", "x.sh", (), {})
    found = judge_service("/opt/x.sh", {"/opt/x.sh": "#!/bin/sh\nwhile true; do b\n"})
    assert (found.verdict, found.why.startswith("/opt/x.sh:2: ")) == ("cannot_tell", True)


@pytest.mark.feature("C1")
def test_a_script_is_what_it_starts() -> None:
    files = {"/a": "#!/bin/sh\ncd /x\n/b --now\n", "/b": "#!/bin/sh\nexec /c\n", "/c": "#!/bin/sh\nwhile true; do sync; sleep 60; done\n"}
    found = judge_service("/a", files)
    assert (found.verdict, found.program, found.line) == ("sleep_loop", "/c", 2)


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/docker run --rm -e A=1 -v /x:/y alpine:3 /bin/sh -c 'while true; do wget -q http://x; sleep 300; done'",
        "/usr/bin/podman run --entrypoint=/bin/bash img -c 'while true; do wget -q http://x; sleep 300; done'",
        "/usr/bin/podman run --entrypoint sh img -euc 'while true; do wget -q http://x; sleep 300; done'",
    ],
)
def test_a_script_that_a_container_is_given_is_read(line: str) -> None:
    found = judge_service(line)
    assert (found.verdict, found.interval, found.file, found.line) == ("sleep_loop", 300, "/etc/systemd/system/x.service", 2)


@pytest.mark.feature("C2")
def test_what_is_in_an_image_is_not_looked_for_on_the_host() -> None:
    files = {"/run.sh": "#!/bin/sh\nwhile true; do sync; sleep 60; done\n"}
    assert judge_service("/usr/bin/docker run --rm img sh -c /run.sh", files).verdict != "sleep_loop"
    assert judge_service("/usr/bin/docker run --rm img", files).verdict == "cannot_tell"


@pytest.mark.feature("C2")
def test_a_loop_around_a_program_that_goes_on_is_no_job() -> None:
    files = {"/a": "#!/bin/sh\nwhile true; do /b; sleep 60; done\n", "/b": "#!/bin/sh\nwhile true; do nc -l 5; done\n"}
    assert judge_service("/a", files).verdict == "daemon"
    files["/b"] = "#!/bin/sh\nsync\n"
    assert judge_service("/a", files).verdict == "sleep_loop"


@pytest.mark.feature("C2")
def test_a_script_that_hands_over_to_what_cannot_be_read_is_not_told_to_end() -> None:
    files = {"/a": "#!/bin/sh\nexport A=1\n/opt/vendor/agent --foreground\n", "/opt/vendor/agent": BINARY}
    assert judge_service("/a", files, "Restart=always\nRestartSec=600").verdict == "cannot_tell"
    assert judge_service("/a", files, "Type=oneshot").verdict == "oneshot"


def test_scripts_that_start_one_another_in_a_circle_end() -> None:
    files = {"/a": "#!/bin/sh\n/b\n", "/b": "#!/bin/sh\n/a\n"}
    assert judge_service("/a", files).verdict in ("oneshot", "cannot_tell")


@pytest.mark.feature("C3")
@pytest.mark.parametrize(
    ("settings", "verdict", "seconds"),
    [
        ("Restart=always\nRestartSec=10min", "poor_mans_timer", 600),
        ("Restart=on-success\nRestartSec=60", "poor_mans_timer", 60),
        ("Restart=always\nRestartSec=5", "oneshot", None),
        ("Restart=always", "oneshot", None),
        ("Restart=on-failure\nRestartSec=600", "oneshot", None),
        ("Type=forking\nRestart=always\nRestartSec=600", "cannot_tell", None),
        ("Restart=no\nRestartSec=600", "oneshot", None),
    ],
)
def test_a_program_that_ends_and_is_started_again(settings: str, verdict: str, seconds: float | None) -> None:
    found = judge_service("/opt/x.sh", {"/opt/x.sh": "#!/bin/sh\nrsync -a /a /b\n"}, settings)
    assert (found.verdict, found.interval) == (verdict, seconds)


def test_a_masked_unit_is_not_told() -> None:
    assert judge_texts({"/etc/systemd/system/x.service": ""}) == []
