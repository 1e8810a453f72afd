# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.follow import Context, follow, site_folders, unwrap
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import Program
from builders.jobs import BINARY, TextFiles

FILES = {
    "/opt/a.py": "print(1)\n",
    "/opt/b": "#!/usr/bin/env -S python3 -u\nprint(2)\n",
    "/opt/c.sh": "#!/bin/bash -e\ntrue\n",
    "/opt/d.pl": "print 1;\n",
    "/usr/bin/tool": BINARY,
    "/usr/local/bin/tool2": "#!/bin/sh\ntrue\n",
    "/v/bin/python": BINARY,
    "/v/lib/python3.11/site-packages/pkg/__init__.py": "",
    "/v/lib/python3.11/site-packages/pkg/mod.py": "x = 1\n",
    "/v/lib/python3.11/site-packages/pkg/__main__.py": "x = 2\n",
    "/v/lib/python3.11/site-packages/own.pth": "/srv/own\nimport x\n",
    "/srv/own/far.py": "x = 3\n",
    "/loop": "#!/loop\n",
}


def program(*argv: str, folder: str = "/", environment: dict[str, str | None] | None = None) -> Program:
    return follow(argv, Context(TextFiles(FILES), environment or {}, folder))


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    "line",
    [
        "env A=1 python3 /opt/a.py",
        "/usr/bin/env -u X python3 -u /opt/a.py",
        "nice -n 19 ionice -c 3 python3 -W ignore /opt/a.py",
        "timeout -k 5 60 python3 -X dev /opt/a.py",
        "flock -n /run/lock/x python3 /opt/a.py",
        "chronic python3 /opt/a.py",
        "setpriv --reuid 1 --clear-groups python3 /opt/a.py",
        "chrt -i 0 python3 /opt/a.py",
        "taskset -c 0 python3 /opt/a.py",
        "systemd-cat -t x python3 /opt/a.py",
        "stdbuf -oL python3 /opt/a.py",
        "systemd-inhibit --what=sleep python3 /opt/a.py",
        "runuser -u www -- python3 /opt/a.py",
        "xvfb-run -a python3 /opt/a.py",
        "poetry run python3 /opt/a.py",
        "ip netns exec blue python3 /opt/a.py",
        "sudo -u www python3 /opt/a.py",
    ],
)
def test_wrappers_are_taken_off(line: str) -> None:
    found = program(*line.split())
    assert (found.path, found.language, found.text) == ("/opt/a.py", "python", FILES["/opt/a.py"])


@pytest.mark.feature("C1")
def test_scripts_of_a_shell_are_texts_of_their_own() -> None:
    for argv in (
        ("sh", "-c", "a; b"),
        ("bash", "-lc", "a; b"),
        ("bash", "-eu", "-o", "pipefail", "-c", "a; b"),
        ("su", "-", "x", "-c", "a; b"),
    ):
        assert (program(*argv).text, program(*argv).path, program(*argv).language) == ("a; b", "", "shell")
    assert program("flock", "-n", "/l", "-c", "a; b").text == "a; b"
    assert program("flock", "/l", "ionice", "-c", "3", "/opt/c.sh").path == "/opt/c.sh"


@pytest.mark.feature("C1")
def test_the_first_line_names_the_interpreter() -> None:
    assert program("/opt/b", "--x")._replace(through=()) == Program(
        "/opt/b", "python", FILES["/opt/b"], ("--x",), (), interpreter="python3"
    )
    assert program("/opt/c.sh").language == "shell"
    assert program("/opt/d.pl").language == "perl"
    assert program("tool2").path == "/usr/local/bin/tool2"
    assert program("./c.sh", folder="/opt").path == "/opt/c.sh"


@pytest.mark.feature("C1")
def test_modules_are_found_where_the_interpreter_looks() -> None:
    assert program("/v/bin/python", "-m", "pkg.mod").path.endswith("site-packages/pkg/mod.py")
    assert program("/v/bin/python", "-um", "pkg", "x").path.endswith("site-packages/pkg/__main__.py")
    assert program("/v/bin/python", "-m", "far").path == "/srv/own/far.py"
    assert program("python3", "-m", "far", environment={"PYTHONPATH": "/srv/own"}).path == "/srv/own/far.py"
    assert "was not found" in program("/v/bin/python", "-m", "absent").problem
    assert "/srv/own" in site_folders("/v/bin/python", TextFiles(FILES))


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("/usr/bin/tool",), "compiled"),
        (("/gone",), "does not exist"),
        (("python3",), "from its input"),
        (("bash",), "from its input"),
        (("/loop",), "start one another"),
        ((), "no command"),
        (("nice",), "no command"),
    ],
)
def test_what_cannot_be_followed_says_why(argv: tuple[str, ...], problem: str) -> None:
    found = program(*argv)
    assert found.text is None
    assert problem in found.problem


def test_unwrapping_ends() -> None:
    assert unwrap(("nice",) * 50 + ("x",))[-1:] == ("x",)
