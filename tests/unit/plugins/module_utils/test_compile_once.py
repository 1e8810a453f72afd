# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an archive are compiled once, and are otherwise imported as ever."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[4] / "plugins" / "module_utils" / "_compile_once.py"
PROBE = """
import collections, json, sys
compiled = collections.Counter()
sys.addaudithook(lambda event, args: event == "compile" and compiled.update([str(args[1])]))
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "with":
    import room._compile_once
    room._compile_once.compile_once()
import room.inner.one
from room import two
print(json.dumps({
    "compiled": {name.removeprefix(sys.argv[1]): number for name, number in compiled.items() if name.startswith(sys.argv[1])},
    "files": [room.inner.__file__.removeprefix(sys.argv[1]), room.inner.one.__file__.removeprefix(sys.argv[1])],
    "value": room.inner.one.VALUE,
}))
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "module.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("room/__init__.py", "")
        made.writestr("room/_compile_once.py", SOURCE.read_text(encoding="utf-8"))
        made.writestr("room/inner/__init__.py", "")
        made.writestr("room/inner/one.py", "VALUE = __name__")
        made.writestr("room/two.py", "from .inner.one import VALUE")
    return path


def probe(archive: Path, how: str):
    answer = subprocess.run([sys.executable, "-c", PROBE, str(archive), how], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_each_file_is_compiled_once(archive: Path) -> None:
    found = probe(archive, "with")
    later = {
        name: number
        for name, number in found["compiled"].items()
        if name in ("/room/inner/__init__.py", "/room/inner/one.py", "/room/two.py")
    }
    assert later == {"/room/inner/__init__.py": 1, "/room/inner/one.py": 1, "/room/two.py": 1}


def test_modules_are_what_they_are_without_it(archive: Path) -> None:
    with_it, without = probe(archive, "with"), probe(archive, "without")
    assert (with_it["files"], with_it["value"]) == (without["files"], without["value"])
