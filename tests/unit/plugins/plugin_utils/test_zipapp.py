# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.plugin_utils import _zipapp
from ansible_collections.guarded.deploy.plugins.plugin_utils._zipapp import build_program, find_files

pytestmark = pytest.mark.feature("A2")

# The last are where pyenv keeps what it has.
PLACES = ("/usr/bin", "/usr/local/bin", *(str(path) for path in Path("~/.pyenv/versions").expanduser().glob("3.*/bin")))


def find_pythons() -> list[str]:
    """One of each version that targets may have and this machine has; at least the one that runs this."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    for place in PLACES:
        for path in Path(place).glob("python3.*") if os.path.isdir(place) else ():
            version = re.fullmatch(r"python(3\.(\d+))", path.name)
            if version and int(version[2]) >= 9:
                found.setdefault(version[1], str(path))
    return sorted(found.values())


@pytest.mark.parametrize("python", find_pythons())
def test_the_program_runs_alone(python: str, tmp_path: Path) -> None:
    """No Ansible, no checkout, nobody's environment; and all that it may need is loaded before it says anything, for it
    removes itself."""
    program = tmp_path / "guard.pyz"
    program.write_bytes(build_program().content)
    command = [python, "-I", "-X", "importtime", str(program), "--help"]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "trigger" in done.stdout) == (0, True), done.stderr[-2000:]
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {f"guarded_deploy.{name}" for name in find_files()} <= loaded
    assert not [name for name in loaded if name.startswith("ansible")]


def test_it_is_what_is_imported_and_nothing_else() -> None:
    """Compared with what Python itself finds to import in the checkout, one file after the other."""
    code = (
        "import importlib, sys; wanted = sys.argv[1:]; [importlib.import_module(f'ansible_collections.guarded.deploy.plugins.{name}')"
        " for name in wanted]; print(*(name.split('.plugins.')[1] for name, module in sys.modules.items()"
        " if '.guarded.deploy.plugins.' in name and getattr(module, '__file__', None)))"
    )
    root = Path(_zipapp.__file__).resolve().parents[2] / ".cache" / "collections"
    wanted = sorted(find_files())
    loaded = subprocess.run(
        [sys.executable, "-c", code, *wanted], env={"PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert wanted == sorted(loaded)


def test_the_same_sources_make_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = build_program()
    assert build_program() == first
    assert hashlib.sha256(first.content).hexdigest() == first.digest
    copy = tmp_path / "plugins"
    shutil.copytree(_zipapp.PLUGINS, copy)
    monkeypatch.setattr(_zipapp, "PLUGINS", copy)
    assert build_program() == first
    (copy / "module_utils" / "_errors.py").write_text("# other\n", encoding="utf-8")
    assert build_program().digest != first.digest


def test_every_member_has_the_same_moment_and_stands_in_order() -> None:
    with zipfile.ZipFile(io.BytesIO(build_program().content)) as archive:
        members = archive.infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert [member.filename for member in members] == sorted(member.filename for member in members)


def test_what_is_imported_for_types_only_stays_behind() -> None:
    assert not [name for name in find_files() if name.startswith(("modules", "action", "plugin_utils"))]
