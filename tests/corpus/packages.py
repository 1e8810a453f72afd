# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages: fetched by apt, and their files read without installing anything."""

from __future__ import annotations

import re
import subprocess
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import SEARCH_PATH, UnitTree

# More than any configuration file that a unit names.
_LARGEST = 1 << 20
_SCRIPTS = (".py", ".sh", ".pl", ".rb", ".js", ".php")


class CorpusError(Exception):
    """The packages cannot be had here."""


class Package(t.NamedTuple):
    """A package's name, its version, its units, and the text of every file below ``/etc`` by path. ``programs`` has the
    scripts in it, by path, and None for what is compiled."""

    name: str
    version: str
    tree: UnitTree
    etc: dict[str, str]
    programs: dict[str, str | None]


def fetch_packages(names: t.Sequence[str], folder: Path) -> tuple[list[Path], list[str]]:
    """The files of the packages in ``folder``, downloaded where they are missing, and the names that apt does not know.

    :raises CorpusError: apt cannot be asked, or cannot fetch them
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _files_of(names)
    if not known:
        raise CorpusError("apt knows none of the packages: apt-get update")
    missing = [name for name, file in known.items() if not (folder / file).exists()]
    if missing:
        for old in (path for name in missing for path in folder.glob(f"{name}_*.deb")):
            old.unlink()
        _run(["apt-get", "download", "-q", *missing], folder)
    return [folder / file for file in known.values()], [name for name in names if name not in known]


def _files_of(names: t.Sequence[str]) -> dict[str, str]:
    """How apt names the file that it downloads, by package: a colon in the version is written ``%3a``."""
    # A name that is not known is complained about, and the others are shown.
    said = _run(["apt-cache", "show", "--no-all-versions", *names], None, (0, 100))
    found = {}
    for record in said.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): (.*)$", record, re.MULTILINE))
        if fields:
            found[fields["Package"]] = f"{fields['Package']}_{fields['Version'].replace(':', '%3a')}_{fields['Architecture']}.deb"
    return {name: found[name] for name in names if name in found}


def _run(argv: t.Sequence[str], folder: Path | None, fine: t.Sequence[int] = (0,)) -> str:
    try:
        done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CorpusError(f"{argv[0]} is missing: this needs a Debian system") from error
    if done.returncode not in fine:
        raise CorpusError(f"{' '.join(argv[:3])} exited {done.returncode}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def read_package(path: Path) -> Package:
    """The units of a package and its files below ``/etc``.

    :raises CorpusError: the file is no package
    """
    name, version, _architecture = path.stem.split("_", 2)
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    etc: dict[str, str] = {}
    programs: dict[str, str | None] = {}
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    _keep(archive, member, files, links, etc, programs)
        except tarfile.TarError as error:
            raise CorpusError(f"{path.name}: {error}") from error
    if process.returncode:
        raise CorpusError(f"dpkg-deb cannot read {path.name}")
    return Package(name, version, UnitTree(files, links, _folders([*files, *links]), {}), etc, programs)


def _keep(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    files: dict[str, str],
    links: dict[str, str],
    etc: dict[str, str],
    programs: dict[str, str | None],
) -> None:
    place = member.name.removeprefix(".")
    is_unit = place.startswith(tuple(f"{folder}/" for folder in SEARCH_PATH))
    if member.issym() and is_unit:
        target = member.linkname
        links[place] = target if target.startswith("/") else f"{place.rpartition('/')[0]}/{target}"
    elif member.isreg():
        wanted = is_unit or place.startswith("/etc/") or member.mode & 0o111 or place.endswith(_SCRIPTS)
        content = archive.extractfile(member) if wanted and member.size <= _LARGEST else None
        data = content.read() if content else b""
        text = data.decode("utf-8", "surrogateescape")
        if content is not None and is_unit:
            files[place] = text
        if content is not None and place.startswith("/etc/"):
            etc[place] = text
        if member.mode & 0o111 or place.endswith(_SCRIPTS):
            programs[place] = text if data.startswith(b"#!") or place.endswith(_SCRIPTS) else None


def _folders(paths: t.Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _slash, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    return {folder: tuple(sorted(names)) for folder, names in found.items()}
