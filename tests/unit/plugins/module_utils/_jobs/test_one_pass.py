# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts whose loop is done once do in one run what they did in one round: both are run, and what they did is compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass import OnePass, render_patch, split_lines
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass_python import make_one_pass_python
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.one_pass_shell import make_one_pass_shell

pytestmark = pytest.mark.feature("C5")

CASES = Path(__file__).resolve().parents[4] / "cases" / "one_pass"
NAMES = sorted(path.stem for path in CASES.glob("*.json"))

# Runs the script, and ends it when a round is over: at its first pause, or its second where it pauses first.
ROUND = """
import asyncio, os, runpy, sys, threading, time
interval, left = float(sys.argv[1]), [int(sys.argv[2])]
waited = [0.0]
def wait(seconds):
    waited[0] += seconds
    if seconds == interval or waited[0] >= interval:
        waited[0] = 0
        left[0] -= 1
        if left[0] == 0:
            sys.stdout.flush()
            raise SystemExit(0)
        if left[0] < 0:
            os._exit(99)
async def wait_async(seconds):
    wait(seconds)
time.sleep = wait
asyncio.sleep = wait_async
threading.Event.wait = lambda self, seconds=None: wait(seconds)
sys.argv[:] = sys.argv[3:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# The same for the shell: a command on PATH.
SLEEP = """#!/bin/sh
echo "$1" >> "$ROUNDS"
[ "$1" = "$PAUSE" ] || exit 0
[ $(grep -c "^$PAUSE$" "$ROUNDS") -lt "$LEFT" ] || kill -KILL $PPID
"""


def read_case(name: str) -> tuple[str, dict[str, t.Any]]:
    facts: dict[str, t.Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return (CASES / f"{name}.txt").read_text(encoding="utf-8"), facts


def convert(name: str) -> OnePass:
    text, facts = read_case(name)
    make = {"python": make_one_pass_python, "shell": make_one_pass_shell}[facts["language"]]
    return make(text, name, facts["line"], facts["interval"])


def effects(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name != "script"}


def run(folder: Path, text: str, command: list[str], environment: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    folder.mkdir()
    (folder / "script").write_text(text, encoding="utf-8")
    answer = subprocess.run(
        [*command, "script"], cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=60, check=False
    )
    return answer.returncode, answer.stdout, effects(folder)


def one_round(tmp_path: Path, text: str, facts: dict[str, t.Any], shell: str) -> tuple[int, str, dict[str, str]]:
    """One round of the loop as it was."""
    rounds = 2 if facts["waits_first"] else 1
    if facts["language"] == "python":
        return run(tmp_path / "old", text, [sys.executable, "-c", ROUND, str(facts["interval"]), str(rounds)])
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sleep").write_text(SLEEP)
    (tools / "sleep").chmod(0o755)
    pause = {300: "5m"}.get(facts["interval"], str(facts["interval"]))
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PAUSE": pause, "LEFT": str(rounds), "ROUNDS": str(tmp_path / "rounds")}
    return run(tmp_path / "old", text, [shell], environment)


def test_there_are_cases() -> None:
    assert len(NAMES) > 12


@pytest.mark.parametrize("name", NAMES)
def test_the_new_script_does_what_a_round_did(tmp_path: Path, name: str) -> None:
    text, facts = read_case(name)
    found = convert(name)
    assert found.waits_first == facts["waits_first"]
    shell = "bash" if "bash" in text.partition("\n")[0] else "sh"
    _code, old_output, old = one_round(tmp_path, text, facts, shell)
    code, output, new = run(tmp_path / "new", found.text, [sys.executable] if facts["language"] == "python" else [shell])
    assert code == facts.get("rc", 0)
    # Killed in its pause, the loop had not come to what follows it.
    assert {key: value[: len(old[key])] for key, value in new.items()} == old
    assert output.startswith(old_output)
    assert old or old_output


@pytest.mark.parametrize("name", NAMES)
def test_the_rest_of_the_script_stays_as_it_is(name: str) -> None:
    expected = CASES / f"{name}.expected"
    assert convert(name).text == expected.read_text(encoding="utf-8")


def test_lines_are_counted_as_interpreters_do() -> None:
    assert split_lines("a\x0cb\r\nc\rd\n\ne") == ["a\x0cb\r\n", "c\r", "d\n", "\n", "e"]


def test_a_patch_can_be_applied(tmp_path: Path) -> None:
    text, _facts = read_case("python-flag-and-signal")
    new = convert("python-flag-and-signal").text.rstrip("\n")
    (tmp_path / "old").write_text(text)
    patch = render_patch(text, new, "old", "new")
    assert patch.startswith("--- old\n+++ new\n")
    subprocess.run(["patch", "-s", "old"], input=patch, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "old").read_text() == new
