# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m benchmarks``: what a look at the ports costs, on a throw-away host, next to what others cost.

Three worlds: 200 listeners; 10,000 listeners and 100,000 established connections to them, accepted by the same
processes; 500 units, 100 containers and 2,000 claims. In each, one ansible-playbook run takes the tasks in turn, so
that whatever slows the machine slows all of them, once with pipelining and once as Ansible does by default; then each
module, as Ansible had sent it, is timed on the host itself.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from testbed import hosts

from .peer import fetch_peer, pinned_release
from .player import Player, TaskTime
from .table import Row, render_table

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
CACHE = CHECKOUT / ".cache/bench"

PING = "ansible.builtin.ping"
OURS = "guarded.deploy.port_conflict_info"
PEER = "community.general.listen_ports_facts"
FIRST_PORT = 20000
FIRST_CONTAINER_PORT = 19000
FIRST_UNIT_PORT = 18000
REMOTE = "/var/tmp/bench"
SCENARIO = "bench"


class World(t.NamedTuple):
    """What is on the host: so many processes, each a unit, share the listeners. ``units`` are files of units that do not
    run, ``idle`` containers that do not."""

    name: str
    servers: int
    listeners: int
    connections: int
    containers: int
    rounds: int
    peer_rounds: int
    units: int = 0
    idle: int = 0


WORLDS = (
    World("200 listeners", servers=4, listeners=200, connections=0, containers=3, rounds=15, peer_rounds=3),
    World(
        "10,000 listeners, 100,000 connections",
        servers=10,
        listeners=10_000,
        connections=100_000,
        containers=3,
        rounds=9,
        peer_rounds=1,
    ),
    World(
        "500 units, 100 containers, 2,000 claims",
        servers=4,
        listeners=1600,
        connections=0,
        containers=10,
        rounds=9,
        peer_rounds=0,
        units=500,
        idle=90,
    ),
)


def load_tasks(world: World) -> list[dict[str, t.Any]]:
    """Tasks that put the world's load on the host and wait until it stands."""
    share = world.listeners // world.servers
    starts = [("server", number, ["serve", str(FIRST_PORT + number * share), str(share)]) for number in range(world.servers)]
    if world.connections:
        starts.append(("client", 0, ["connect", str(FIRST_PORT), str(world.listeners), str(world.connections)]))
    tasks: list[dict[str, t.Any]] = [
        {"name": "folder", "ansible.builtin.file": {"path": REMOTE, "state": "directory", "mode": "0700"}},
        *(
            {"name": name, "ansible.builtin.copy": {"src": str(HERE / name), "dest": f"{REMOTE}/{name}", "mode": "0600"}}
            for name in ("load.py", "populate.py", "time_payload.py")
        ),
    ]
    for kind, number, arguments in starts:
        unit = ["systemd-run", f"--unit=bench-{kind}-{number}", "-p", "Type=notify", "-p", "NotifyAccess=all", "-p", "TimeoutStartSec=300"]
        tasks.append({"name": kind, "ansible.builtin.command": {"argv": [*unit, "python3", f"{REMOTE}/load.py", *arguments]}})
    populate = ["python3", f"{REMOTE}/populate.py"]
    if world.containers:
        tasks.append({"name": "image", "ansible.builtin.command": {"argv": ["/opt/testbed/load-image", "docker", "busybox"]}})
        numbers = map(str, (FIRST_CONTAINER_PORT, world.containers + world.idle, world.containers))
        tasks.append({"name": "containers", "ansible.builtin.command": {"argv": [*populate, "containers", *numbers]}})
    if world.units:
        tasks.append({"name": "units", "ansible.builtin.command": {"argv": [*populate, "units", str(FIRST_UNIT_PORT), str(world.units)]}})
    return tasks


def round_tasks(world: World, limit: int) -> list[dict[str, t.Any]]:
    """The modules in turn, the peer only in the first rounds, for it takes long. The round before the first only warms
    up and carries names that nobody asks for."""
    tasks: list[dict[str, t.Any]] = [{"name": "warm-up", module: {}} for module in (PING, OURS)]
    for number in range(world.rounds):
        tasks += [{"name": module, module: {}} for module in (PING, OURS)]
        if number < world.peer_rounds:
            tasks.append({"name": PEER, PEER: {}, "timeout": limit, "ignore_errors": True})
    return tasks


def time_tasks(player: Player, world: World, limit: int, pipelining: bool) -> list[Row]:
    """Task times as the controller sees them."""
    rounds = world if pipelining else world._replace(peer_rounds=0)
    # The inventory's own setting would win over the environment.
    times = player.play([{**task, "vars": {"ansible_pipelining": pipelining}} for task in round_tasks(rounds, limit)])
    return [_row(module, times) for module in ((PING, OURS, PEER) if rounds.peer_rounds else (PING, OURS))]


def _row(module: str, times: t.Sequence[TaskTime]) -> Row:
    mine = [time for time in times if time.task == module]
    note = next((f"not ended: {time.message.splitlines()[0]}" for time in mine if time.outcome != "ok"), "")
    return Row(module, [time.seconds for time in mine], mine[-1].bytes if mine else None, note)


def time_on_host(player: Player, world: World) -> list[Row]:
    """What the modules cost on the host alone: the file that Ansible sends, run there."""
    sent = f"{REMOTE}/sent"
    modules = (PING, OURS)
    # Without pipelining a module is a file on the host, and this setting leaves it there.
    player.play(
        [{"name": "send", module: {}, "vars": {"ansible_remote_tmp": sent, "ansible_pipelining": False}} for module in modules],
        ANSIBLE_KEEP_REMOTE_FILES="true",
    )
    rows = []
    for module in modules:
        name = module.rpartition(".")[2]
        payload = player.command("find", sent, "-name", f"AnsiballZ_{name}.py").split()[0]
        timed = json.loads(player.command("python3", f"{REMOTE}/time_payload.py", str(world.rounds), payload))
        rows.append(Row(f"{module} wall", timed["wall"], timed["bytes"]))
        rows.append(Row(f"{module} processor", timed["cpu"]))
    return rows


def describe_load(player: Player) -> str:
    """What the kernel of the host counts, so that the numbers below are about the world that they name."""
    listening = player.command("ss", "-Htln").count("\n") + 1
    summary = player.command("ss", "-s").splitlines()
    said = "{{ ports.claims_total }} claims, {{ ports.conflicts | length }} conflicts, verdict {{ ports.verdict }}"
    look = {"name": "look", OURS: {}, "register": "ports"}
    claims = player.play([look, {"name": "said", "ansible.builtin.command": {"argv": ["echo", said]}}])[-1].stdout
    return f"on the host: {listening} TCP listeners; {summary[1] if len(summary) > 1 else ''}; {claims}; load {os.getloadavg()[0]:.1f}"


def describe_machine() -> str:
    """Cores and versions."""
    core = subprocess.run(["ansible-playbook", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    release = pinned_release((CHECKOUT / "requirements/bench.txt").read_text(encoding="utf-8"))
    return (
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, "
        f"kernel {platform.release()}, Python {platform.python_version()}, {core}, community.general of ansible {release}"
    )


def main(suite: str, worlds: t.Sequence[World], limit: int) -> None:
    """Measure the worlds, print the tables, and keep the numbers in ``.cache/bench``."""
    peer = fetch_peer(CHECKOUT, CACHE)
    print(describe_machine(), flush=True)
    for world in worlds:
        scratch = CACHE / f"run-{os.getpid()}"
        scratch.mkdir(parents=True)
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, scratch)
            stack.callback(hosts.destroy_hosts, SCENARIO)
            hosts.create_hosts(SCENARIO, [hosts.Wanted("bench", suite)])
            player = Player(hosts.inventory_path(SCENARIO), scratch, [CHECKOUT / ".cache/collections", peer], HERE / "callback_plugins")
            player.play(load_tasks(world))
            print(f"\n== {suite}, {world.name}\n{describe_load(player)}", flush=True)
            for pipelining, how in ((True, "with pipelining"), (False, "without, as Ansible does by default")):
                title = f"task time, seconds (controller, connection and host), {how}"
                print(render_table(title, time_tasks(player, world, limit, pipelining), PING), flush=True)
            print(render_table("on the host alone, seconds", time_on_host(player, world), f"{PING} wall"), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="bookworm", help="Debian release of the host")
    parser.add_argument("--world", type=int, choices=range(len(WORLDS)), help="only this world")
    parser.add_argument("--peer-limit", type=int, default=120, help="seconds after which the peer is stopped")
    options = parser.parse_args()
    chosen = WORLDS if options.world is None else [WORLDS[options.world]]
    try:
        main(options.suite, chosen, options.peer_limit)
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
