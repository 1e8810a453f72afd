# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed into an empty path, and run from another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# What the collection is made of; all else is for its developers.
SHIPPED = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "COPYING",
    "FILES.json",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def run(*command: str, cwd: Path, collections: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(collections.parent / "home"),
    }
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class Installed(t.NamedTuple):
    archive: Path
    collections: Path
    elsewhere: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("galaxy")
    source, collections, elsewhere = folder / "source", folder / "collections", folder / "elsewhere"
    # A clone has what git has; the folder that tests run in has more.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, source / name)
    collections.mkdir()
    elsewhere.mkdir()
    built = run("ansible-galaxy", "collection", "build", "--output-path", str(folder), cwd=source, collections=collections)
    assert built.returncode == 0, built.stderr
    (archive,) = folder.glob("guarded-deploy-*.tar.gz")
    done = run("ansible-galaxy", "collection", "install", str(archive), "-p", str(collections), cwd=elsewhere, collections=collections)
    assert done.returncode == 0, done.stderr
    return Installed(archive, collections, elsewhere)


def test_only_what_belongs_to_the_collection_is_shipped(installed: Installed) -> None:
    with tarfile.open(installed.archive) as archive:
        names = archive.getnames()
    assert {name.split("/")[0] for name in names} <= SHIPPED
    assert not [name for name in names if "cache" in name or name.endswith(".pyc")]


def test_the_audit_runs_from_another_folder_without_an_inventory(installed: Installed) -> None:
    output = installed.elsewhere / "audit.json"
    done = run(
        "ansible-playbook",
        "guarded.deploy.audit",
        "-e",
        f"audit_output={output}",
        cwd=installed.elsewhere,
        collections=installed.collections,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "localhost: " in done.stdout
    assert json.loads(output.read_text(encoding="utf-8"))["localhost"]["verdict"] in ("clean", "conflict", "unsure")


@pytest.mark.parametrize("module", sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py")))
def test_the_documentation_of_a_module_is_found(installed: Installed, module: str) -> None:
    done = run("ansible-doc", f"guarded.deploy.{module}", cwd=installed.elsewhere, collections=installed.collections)
    assert done.returncode == 0, done.stderr
    assert "OPTIONS" in done.stdout
