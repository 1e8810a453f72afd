# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m benchmarks.snapshot``: what a snapshot of files and its restore cost, next to what others cost.

On this machine's own disk: 50,000 small files, and one file of 2 GiB. In each round all take their turn, so that whatever
slows the machine slows all of them. Ours is timed as a whole process: Python's start, the look at units, ports and packages,
every digest, and an fsync of every file. restic has digests and fsync, too; tar and rsync have neither, so that tar is
also timed with an fsync of its archive.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from testbed.packages import require

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".cache/bench"
RUN = Path(__file__).resolve().parent / "snapshot_run.py"
COLLECTIONS = CHECKOUT / ".cache/collections"
MOST_MEMORY = 150
_TAR_AND_SYNC = 'tar -cf "$1" -C "$2" . && sync "$1"'


class World(t.NamedTuple):
    """``files`` of at most ``most`` bytes each, or one of exactly that size; ``edits`` are changed before a restore."""

    name: str
    files: int
    most: int
    edits: int
    rounds: int


WORLDS = (
    World("50,000 small files", files=50_000, most=11_800, edits=10, rounds=5),
    World("one file of 2 GiB", files=1, most=2 << 30, edits=0, rounds=2),
)


class Step(t.NamedTuple):
    """Something to time. ``before`` makes ready for it and is not timed."""

    name: str
    argv: tuple[str, ...]
    before: t.Callable[[], object] = lambda: None


class Cost(t.NamedTuple):
    """Seconds that it took, seconds of processor, and the most memory that it or a process of its had, in MiB."""

    seconds: float
    processor: float
    memory: int


def make_tree(root: Path, world: World) -> None:
    chance = random.Random(7)
    if world.files == 1:
        root.mkdir(parents=True)
        with (root / "file").open("wb") as file:
            for _piece in range(world.most >> 20):
                file.write(chance.randbytes(1 << 20))
        return
    for number in range(world.files):
        folder = root / f"{number % 500:03d}"
        if number < 500:
            folder.mkdir(parents=True)
        (folder / f"file-{number}").write_bytes(chance.randbytes(chance.randint(1, world.most)))


def edit(root: Path, count: int) -> None:
    """Change the content of some files, with their size and mtime kept for half of them."""
    for number in range(count):
        path = root / f"{number * 41 % 500:03d}/file-{number * 41 % 500}"
        before = path.stat()
        path.write_bytes(bytes(before.st_size) if number % 2 else b"edited")
        if number % 2:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def measure(step: Step) -> Cost:
    """Run a step.

    :raises RuntimeError: it failed
    """
    step.before()
    begun = time.monotonic()
    process = subprocess.Popen(step.argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "RESTIC_PASSWORD": "bench"})
    assert process.stderr is not None
    err = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{' '.join(step.argv[:4])}: {err.decode(errors='replace')[-500:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10)


class Bench:
    """The steps for one world, in a folder of their own."""

    def __init__(self, place: Path, world: World) -> None:
        self.place, self.world = place, world
        self.root = place / "tree"
        self.numbers = iter(range(1000))

    def ours(self, work: str, name: str) -> tuple[str, ...]:
        return (sys.executable, "-I", str(RUN), str(COLLECTIONS), work, name, str(self.root), str(self.place / "ours"))

    def gone(self, *names: str) -> t.Callable[[], None]:
        def remove() -> None:
            for name in names:
                path = self.place / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

        return remove

    def fresh_repository(self) -> None:
        self.gone("restic")()
        subprocess.run(
            ["restic", "init", "--repo", str(self.place / "restic")],
            env={**os.environ, "RESTIC_PASSWORD": "bench"},
            check=True,
            capture_output=True,
        )

    def steps(self, number: int) -> list[Step]:
        root, place = f"{self.root}/", str(self.place)
        second = f"{place}/second/"
        tar = ("tar", "-cf", f"{place}/a.tar", "-C", root, ".")
        restic = ("restic", "backup", "--quiet", "--repo", f"{place}/restic", root)
        steps = [
            Step("first: GNU tar", tar, self.gone("a.tar")),
            Step(
                "first: GNU tar, and fsync",
                ("sh", "-c", 'tar -cf "$1" -C "$2" . && sync "$1"', "sh", f"{place}/b.tar", root),
                self.gone("b.tar"),
            ),
            Step("first: ours", self.ours("take", f"a{number}"), self.gone("ours")),
            Step("first: rsync -a", ("rsync", "-a", root, f"{place}/copy/"), self.gone("copy")),
            Step("first: restic", restic, self.fresh_repository),
            Step("unchanged: ours", self.ours("take", f"b{number}")),
            Step("unchanged: rsync --link-dest", ("rsync", "-a", f"--link-dest={place}/copy/", root, second), self.gone("second")),
            Step("unchanged: restic", restic),
        ]
        if self.world.edits:
            edits: t.Callable[[], None] = lambda: edit(self.root, self.world.edits)  # noqa: E731
            back = ("rsync", "-a", "--checksum", "--delete", f"{place}/copy/", root)
            steps += [Step("restore: ours", self.ours("restore", f"b{number}"), edits), Step("restore: rsync -a --checksum", back, edits)]
        return steps

    def run(self) -> dict[str, list[Cost]]:
        make_tree(self.root, self.world)
        found: dict[str, list[Cost]] = {}
        for number in range(self.world.rounds):
            for step in self.steps(number):
                found.setdefault(step.name, []).append(measure(step))
        return found


def render(world: World, found: t.Mapping[str, t.Sequence[Cost]]) -> str:
    base = statistics.median(cost.seconds for cost in found["first: GNU tar"])
    lines = [f"== {world.name}, seconds", f"  {'':34}{'median':>9}{'min':>9}{'max':>9}{'x tar':>8}{'processor':>11}{'memory':>11}"]
    for name, costs in found.items():
        seconds = [cost.seconds for cost in costs]
        median, memory = statistics.median(seconds), max(cost.memory for cost in costs)
        times = f"{median:9.2f}{min(seconds):9.2f}{max(seconds):9.2f}{median / base:8.2f}"
        lines.append(f"  {name:34}{times}{statistics.median(cost.processor for cost in costs):11.2f}{memory:>7} MiB")
    return "\n".join(lines)


def judge(found: t.Mapping[str, t.Sequence[Cost]]) -> list[str]:
    """The targets that were missed."""
    median = {name: statistics.median(cost.seconds for cost in costs) for name, costs in found.items()}
    missed = []
    for ours, other, factor in (
        ("first: ours", "first: GNU tar", 1.5),
        ("unchanged: ours", "unchanged: restic", 1.0),
        ("restore: ours", "restore: rsync -a --checksum", 1.0),
    ):
        if ours in median and median[ours] > factor * median[other]:
            missed.append(f"{ours} took {median[ours]:.2f} s, more than {factor:g} x {other} ({median[other]:.2f} s)")
    memory = max(cost.memory for name, costs in found.items() if name.endswith("ours") for cost in costs)
    return missed + ([f"ours took {memory} MiB of memory, more than {MOST_MEMORY}"] if memory > MOST_MEMORY else [])


def main(worlds: t.Sequence[World]) -> list[str]:
    """Measure, print, and give the targets that were missed."""
    require("rsync", "restic")
    missed = []
    for world in worlds:
        place = CACHE / f"snapshot-{os.getpid()}"
        place.mkdir(parents=True)
        try:
            found = Bench(place, world).run()
        finally:
            shutil.rmtree(place)
        print(render(world, found), f"load {os.getloadavg()[0]:.1f}\n", sep="\n", flush=True)
        missed += [f"{world.name}: {one}" for one in judge(found)]
    return missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", type=int, choices=range(len(WORLDS)), help="only this world")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("bench: snapshots need root")
    late = main(WORLDS if options.world is None else [WORLDS[options.world]])
    for line in late:
        print(f"target missed: {line}")
