# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules on periodic jobs say of Debian's own services and timers."""

from __future__ import annotations

import collections
import typing as t
from pathlib import Path

from ansible_collections.guarded.deploy.plugins.module_utils._jobs.follow import Text
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.judge import Judge, judge_all, pulled_in
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import BAD, Finding
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pairs import Standing
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names

from .packages import Package

FLAGGED = Path(__file__).with_name("flagged.txt")
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class PackageFiles:
    """The files of a package; ``/bin`` is ``/usr/bin``."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def read(self, path: str) -> Text:
        places = (path, f"/usr{path}", path.removeprefix("/usr"))
        for place in places:
            if place in self._package.programs:
                text = self._package.programs[place]
                return Text(None, "binary") if text is None else Text(text, "script")
            if place in self._package.etc:
                return Text(self._package.etc[place], "script")
        return Text(None, "missing", f"{path} is not in the package")

    def names(self, folder: str) -> list[str]:
        start = f"{folder.rstrip('/')}/"
        return sorted({path[len(start) :].split("/")[0] for path in self._package.programs if path.startswith(start)})

    def find(self, program: str) -> str:
        return next((place for folder in _PATH if (place := f"{folder}/{program}") in self._package.programs), "")


def judge_package(package: Package) -> list[Finding]:
    """Every service and timer of a package."""
    names = Names(package.tree)
    _enabled, wanted = pulled_in(names)
    standing = Standing(None, wanted, None, service_is_known=False)
    return judge_all(Judge(names, PackageFiles(package), dict(package.etc), standing), names)


def read_argued() -> dict[str, str]:
    """Units that are rightly flagged, each with the reason."""
    lines = FLAGGED.read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def judge_packages(packages: t.Sequence[Package]) -> int:
    """Prints what is flagged, and how many there are of each verdict. The number of those that nobody has argued."""
    argued = read_argued()
    totals: collections.Counter[str] = collections.Counter()
    unargued = 0
    print("\nperiodic jobs that are flagged")
    for package in packages:
        for one in judge_package(package):
            totals[one.verdict] += 1
            if one.verdict not in BAD:
                continue
            name = f"{package.name}/{one.timer or one.unit}"
            unargued += name not in argued
            ids = " ".join(problem.id for problem in one.problems if problem.severity == "broken")
            print(f"  {name}  {one.verdict}  {one.file} line {one.line}  {ids or one.loop}  [{argued.get(name, 'NOT ARGUED')}]")
    print("\n" + "\n".join(f"{verdict:18}{count:10}" for verdict, count in sorted(totals.items())))
    return unargued
