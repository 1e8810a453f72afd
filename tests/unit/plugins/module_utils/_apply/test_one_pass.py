# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one-pass script of a service: found by what ExecStart= says, refused where that is not sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.one_pass import Script, name_one_pass, plan_one_pass
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import SLEEP_LOOP, Finding
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import MergedUnit, Names, UnitTree
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("C5")

FOLDER = "/etc/systemd/system"
LOOP = "while True:\n    work()\n    sleep(60)\n"


def unit_of(command: str, more: str = "") -> MergedUnit:
    path = f"{FOLDER}/job.service"
    return Names(UnitTree({path: f"[Service]\nExecStart={command}\n{more}"}, {}, {FOLDER: ("job.service",)}, {}, (FOLDER,))).merge(
        "job.service"
    )


def finding(program: str = "/opt/job/loop.py", language: str = "python", line: int = 1) -> Finding:
    return Finding("job.service", SLEEP_LOOP, "", file=program, line=line, interval=60, language=language, program=program)


def plan(host: RootedHost, command: str, more: str = "", found: Finding | None = None) -> Script:
    return plan_one_pass(host, unit_of(command, more), found or finding(), ())


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path)
    found.write("/opt/job/loop.py", LOOP, 0o750)
    return found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/opt/loop.py", "/opt/loop_once.py"),
        ("/opt/a.b/loop", "/opt/a.b/loop_once"),
        ("/opt/.loop", "/opt/.loop_once"),
        ("/a.tar.sh", "/a.tar_once.sh"),
    ],
)
def test_the_new_script_lies_beside_the_old_one(path: str, expected: str) -> None:
    assert name_one_pass(path) == expected


@pytest.mark.parametrize(
    ("command", "more", "expected"),
    [
        ("/usr/bin/python3 -u /opt/job/loop.py --x %n", "", "/usr/bin/python3 -u /opt/job/loop_once.py --x %n"),
        ("-/opt/job/loop.py", "", "-/opt/job/loop_once.py"),
        ("/usr/bin/python3 loop.py", "WorkingDirectory=/opt/job\n", "/usr/bin/python3 /opt/job/loop_once.py"),
        ("/usr/bin/python3 ./loop.py", "WorkingDirectory=-/opt/job/\n", "/usr/bin/python3 /opt/job/loop_once.py"),
        ("/usr/bin/python3 -m app.loop --x", "", "/usr/bin/python3 -m app.loop_once --x"),
    ],
)
def test_the_service_calls_the_new_script(host: RootedHost, command: str, more: str, expected: str) -> None:
    found = plan(host, command, more)
    assert found.command == expected
    assert (found.path, found.mode, found.one.text) == ("/opt/job/loop_once.py", 0o750, "work()\n")


def test_a_link_to_the_script_is_the_script(host: RootedHost) -> None:
    link = Path(host.at("/usr/local/bin/job"))
    link.parent.mkdir(parents=True)
    link.symlink_to("/opt/job/loop.py")
    assert plan(host, "/usr/local/bin/job").command == "/opt/job/loop_once.py"


def test_a_script_in_the_unit_stays_there(host: RootedHost) -> None:
    shell = finding(program="", language="shell")
    found = plan(host, "/bin/sh -c 'while :; do echo $$HOME 100%%; sleep 60; done'", found=shell)
    assert found.command == '/bin/sh -c "echo $$HOME 100%%"'
    assert found.path == ""


@pytest.mark.parametrize(
    ("command", "found", "why"),
    [
        ("/opt/job/run.sh", finding(), "something that leads to /opt/job/loop.py"),
        ("/opt/job/loop.pl", finding("/opt/job/loop.pl", "perl"), "scripts in perl are not edited"),
        ("/opt/job/gone.py", finding("/opt/job/gone.py"), "is gone"),
        ("/opt/job/bytes.py", finding("/opt/job/bytes.py"), "bytes.py:2 is not UTF-8"),
        ("/opt/job/large.py", finding("/opt/job/large.py"), "are not edited"),
        ("/usr/bin/python3 -c 'while True: x()'", finding(""), "in a way that is not edited"),
        ("/bin/sh -c 'while :; do a; sleep 60; done; while :; do b; sleep 60; done'", finding("", "shell"), "2 loops that wait"),
    ],
)
def test_what_is_not_sure_is_refused(host: RootedHost, command: str, found: Finding, why: str) -> None:
    Path(host.at("/opt/job/bytes.py")).write_bytes(b"while True:\n    caf\xe9()\n    sleep(60)\n")
    host.write("/opt/job/large.py", LOOP + "#" * (1 << 20))
    with pytest.raises(Refused, match=why):
        plan(host, command, found=found)
