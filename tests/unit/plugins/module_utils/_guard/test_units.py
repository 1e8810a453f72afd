# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._guard.units import (
    ADMIN_FOLDER,
    LOCAL_FOLDER,
    UNITS,
    Paths,
    guard_paths,
    render_start,
    render_units,
    unit_files,
    unit_links,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.paths import plan_paths
from ansible_collections.guarded.deploy.plugins.module_utils._tree.exclusion import compile_exclusion
from ansible_collections.guarded.deploy.plugins.module_utils._units.unit_file import parse_unit_file

if t.TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.feature("A2")

PROGRAM = b"import sys, os\nprint(sys.argv[1:], sys.flags.isolated, sorted(os.environ))\nraise SystemExit(int(sys.argv[2]))\n"


def lay(folder: Path, interpreter: str, program: bytes = PROGRAM, digest: str | None = None) -> Path:
    digest = digest or hashlib.sha256(program).hexdigest()
    paths = guard_paths(digest, str(folder))
    (folder / digest).mkdir()
    (folder / digest / "guard.pyz").write_bytes(program)
    start = folder / digest / "start"
    start.write_text(render_start(paths, digest, interpreter), encoding="utf-8")
    return start


def call(start: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", str(start), *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_the_program_is_started_isolated_with_an_environment_of_its_own(tmp_path: Path) -> None:
    done = call(lay(tmp_path, sys.executable), "fire", "7", PATH="/nowhere", PYTHONPATH="/evil", LD_LIBRARY_PATH="/evil")
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.startswith("['fire', '7'] 1 ['HOME', 'LC_ALL', 'PATH'")
    assert "PYTHONPATH" not in done.stdout
    assert "LD_LIBRARY_PATH" not in done.stdout


def test_another_interpreter_is_found_where_the_first_is_gone(tmp_path: Path) -> None:
    done = call(lay(tmp_path, "/usr/bin/python3.99"), "fire", "0")
    assert (done.returncode, done.stdout[:8]) == (0, "['fire',")


def test_an_interpreter_that_is_too_old_or_broken_is_passed_over(tmp_path: Path) -> None:
    liar = tmp_path / "python3.11"
    liar.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    liar.chmod(0o755)
    assert call(lay(tmp_path, str(liar)), "fire", "0").returncode == 0


def test_a_program_that_was_changed_is_not_started(tmp_path: Path) -> None:
    start = lay(tmp_path, sys.executable)
    program = start.with_name("guard.pyz")
    program.write_bytes(program.read_bytes().replace(b"print", b"pr1nt"))
    done = call(start, "fire", "0")
    assert (done.returncode, done.stdout) == (4, "")
    assert "is not what was armed" in done.stderr
    program.unlink()
    assert call(start, "fire", "0").returncode == 4


def test_units_say_what_they_run_and_when() -> None:
    texts = render_units("/guard/start", 12.5)
    assert set(texts) == set(UNITS)
    assert all(parse_unit_file(text, name) for name, text in texts.items())
    assert "OnActiveSec=12.500s\n" in texts["guarded-deploy-guard.timer"]
    assert "Before=sysinit.target" in texts["guarded-deploy-early.service"]
    assert "docker.service" in texts["guarded-deploy-late.service"]
    for name, command in (("guard", "fire"), ("early", "early"), ("late", "late")):
        assert f"ExecStart=/bin/sh /guard/start {command}\n" in texts[f"guarded-deploy-{name}.service"]


def test_a_window_that_is_over_is_a_timer_that_elapses_at_once() -> None:
    assert "OnActiveSec=0.100s\n" in render_units("/guard/start", -40)["guarded-deploy-guard.timer"]


@pytest.mark.parametrize("folder", [LOCAL_FOLDER, ADMIN_FOLDER])
def test_no_snapshot_holds_our_units_and_no_restore_removes_them(folder: str) -> None:
    is_excluded = compile_exclusion(plan_paths(["/etc/systemd", "/usr/local/lib/systemd"]).excluded)
    assert is_excluded
    assert not is_excluded(f"{folder}/web.service")
    for path in (*unit_files(folder), *(link for link, _target in unit_links(folder))):
        assert is_excluded(path)


def test_paths_are_named_by_the_digest() -> None:
    assert guard_paths("ab", "/x") == Paths("/x/ab", "/x/ab/guard.pyz", "/x/ab/start")
