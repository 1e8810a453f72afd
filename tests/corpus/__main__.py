# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m corpus``, from the checkout, with ``tests`` on the path: what the units of real server packages declare.

Fetches the packages of ``packages.txt`` by apt (nothing is installed), reads every service and socket in them, and
prints each with its claims, where each claim comes from, and what its text cannot tell. Then every service and timer
that counts as a periodic job gone wrong: each is to be argued. Ends with 1 where one crashes, or where a job is flagged that
``flagged.txt`` does not argue.
"""

from __future__ import annotations

import collections
import sys
import traceback
import typing as t
from pathlib import Path

from testbed.collection import link_collection

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(link_collection(CHECKOUT)))

from ansible_collections.guarded.deploy.plugins.module_utils._units.commands import environment_file_paths  # noqa: E402
from ansible_collections.guarded.deploy.plugins.module_utils._units.declared import declare_unit, find_service_of_socket  # noqa: E402
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, find_names  # noqa: E402

from .jobs import judge_packages  # noqa: E402
from .packages import CorpusError, Package, fetch_packages, read_package  # noqa: E402

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

CACHE = CHECKOUT / ".cache/corpus"

ALL, SOME, NONE, UNKNOWN = "every port told", "some ports told", "surely no port", "unknown"


def declare_package(package: Package) -> t.Iterator[tuple[str, Declared | None]]:
    """Every service and socket of a package, aliases and masks left out, with what it declares; None where it crashed."""
    names = Names(package.tree)
    own = sorted({names.resolve(name)[0] for name in find_names(package.tree) if name.endswith((".service", ".socket"))})
    passing: dict[str, list[str]] = {}
    for name in own:
        if name.endswith(".socket"):
            passing.setdefault(find_service_of_socket(name, names.merge(name)), []).append(name)
    for name in own:
        merged = names.merge(name)
        if merged.load == "masked":
            continue
        # What a package's scripts make when it is installed is not in it: such a file is not known.
        files = {path: package.etc[path] for path, _may in environment_file_paths(merged) if path in package.etc}
        try:
            yield name, declare_unit(name, merged, files, sockets=passing.get(name, ()))
        except Exception:
            traceback.print_exc()
            yield name, None


def judge(declared: Declared) -> str:
    """What a unit's text tells."""
    if declared.ports:
        return SOME if declared.unknown else ALL
    return UNKNOWN if declared.unknown else NONE


def describe(declared: Declared) -> t.Iterator[str]:
    """Lines for one unit."""
    for port in declared.ports:
        yield f"{port.proto} {port.address}:{port.port}  {port.confidence}, line {port.line}: {port.source:.150}"
    for why in declared.unknown:
        yield f"unknown: {why}"


def main(names: t.Sequence[str]) -> int:
    """Print it all, and the totals.

    :raises CorpusError: the packages cannot be had here
    """
    paths, absent = fetch_packages(names, CACHE)
    totals: collections.Counter[tuple[str, str]] = collections.Counter()
    crashed, with_units = 0, 0
    packages = [read_package(path) for path in paths]
    for package in packages:
        units = list(declare_package(package))
        with_units += bool(units)
        for name, declared in units:
            if declared is None:
                crashed += 1
                continue
            kind = name.rpartition(".")[2]
            totals[kind, judge(declared)] += 1
            print(f"{package.name} {package.version}  {name}  {judge(declared)}")
            for line in describe(declared):
                print(f"    {line}")
    print(f"\n{len(paths)} packages, {with_units} of them with services or sockets; not in this suite: {' '.join(absent) or 'none'}")
    print(f"{'':18}{'services':>10}{'sockets':>10}")
    for verdict in (ALL, SOME, NONE, UNKNOWN):
        print(f"{verdict:18}{totals['service', verdict]:10}{totals['socket', verdict]:10}")
    print(f"{'crashed':18}{crashed:10}")
    return 1 if judge_packages(packages) or crashed else 0


if __name__ == "__main__":
    lines = Path(__file__).with_name("packages.txt").read_text(encoding="ascii").splitlines()
    try:
        sys.exit(main([line for line in lines if line and not line.startswith("#")]))
    except CorpusError as error:
        sys.exit(f"corpus: {error}")
