# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test bed's command: python -m testbed --help"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

from . import engine, hosts, images, runs
from .errors import TestbedError
from .recipe import DEFAULT_SUITES, SUITE_PACKAGES


def main(argv: t.Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.action(arguments) or 0)
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed", description="Real hosts to test on: systemd, container engines and ssh.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add(name: str, action: t.Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        return sub

    add("up", up, "Start an engine where none runs, build the images, and keep the engine running.")
    add("down", down, "Remove all hosts of this checkout and stop the engine that was started here, if nobody else uses it.")
    build = add("build", build_images, "Build the images that are missing.")
    build.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITE_PACKAGES)}; by default {' and '.join(DEFAULT_SUITES)}"
    )
    create = add("create", create_hosts, "Create the hosts of a scenario, and print the path of its inventory.")
    create.add_argument("scenario")
    create.add_argument("hosts", nargs="*", metavar="NAME[=SUITE[,cgroup=v1]]", help="a name alone is also the suite")
    create.add_argument("--file", type=Path, help="take the hosts from the 'platforms' of this molecule.yml")
    reboot = add("reboot", reboot_hosts, "Cut the power of a scenario's hosts and boot them again. Their inventory changes.")
    reboot.add_argument("scenario")
    destroy = add("destroy", destroy_hosts, "Remove the hosts of a scenario.")
    destroy.add_argument("scenario")
    add("list", list_hosts, "List the running hosts of this checkout.")
    inventory = add("inventory", print_inventory, "Print the path of a scenario's inventory.")
    inventory.add_argument("scenario")
    ssh = add("ssh", ssh_to, "Log in on a host of a scenario, or run a command there.")
    ssh.add_argument("scenario")
    ssh.add_argument("host")
    ssh.add_argument("command", nargs=argparse.REMAINDER)
    run = add("run", run_command, "Run a command with an engine and images at hand; afterwards remove every host that it made.")
    run.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def up(_arguments: argparse.Namespace) -> None:
    """The engine stays when this ends."""
    with engine.use() or contextlib.nullcontext():
        client = engine.connect()
        engine.keep()
        images.ensure_images(client, DEFAULT_SUITES)
        hosts.ssh_key()


def down(_arguments: argparse.Namespace) -> None:
    """Everything of this checkout's goes, the hosts made by hand too."""
    hosts.sweep(people_too=True)
    if not engine.stop_unused(also_kept=True):
        print("testbed: the engine is in use by others and runs on", file=sys.stderr)


def build_images(arguments: argparse.Namespace) -> None:
    with engine.use() or contextlib.nullcontext():
        images.ensure_images(engine.connect(), arguments.suites or DEFAULT_SUITES)


def _wanted(text: str) -> hosts.Wanted:
    name, _equals, rest = text.partition("=")
    suite, *options = rest.split(",")
    return hosts.Wanted(name, suite or name, **dict(option.split("=", 1) for option in options))


def create_hosts(arguments: argparse.Namespace) -> None:
    wanted = [_wanted(text) for text in arguments.hosts]
    if arguments.file:
        platforms = yaml.safe_load(arguments.file.read_text(encoding="utf-8")).get("platforms") or []
        wanted += [hosts.Wanted(item["name"], item.get("suite", item["name"]), item.get("cgroup", "v2")) for item in platforms]
    hosts.create_hosts(arguments.scenario, wanted)
    print(hosts.inventory_path(arguments.scenario))


def reboot_hosts(arguments: argparse.Namespace) -> None:
    hosts.reboot_hosts(arguments.scenario)
    print(hosts.inventory_path(arguments.scenario))


def destroy_hosts(arguments: argparse.Namespace) -> None:
    hosts.destroy_hosts(arguments.scenario)


def list_hosts(_arguments: argparse.Namespace) -> None:
    for host in hosts.list_hosts():
        print(f"{host.container}  {host.suite}  127.0.0.1:{host.ssh_port}")


def print_inventory(arguments: argparse.Namespace) -> None:
    print(hosts.inventory_path(arguments.scenario))


def ssh_to(arguments: argparse.Namespace) -> int:
    found = [host for host in hosts.list_hosts(runs.current_run(), arguments.scenario) if host.name == arguments.host]
    if not found:
        raise TestbedError(f"no host {arguments.host} of {arguments.scenario} runs")
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
    command = ["ssh", "-i", str(hosts.ssh_key()), "-p", str(found[0].ssh_port)]
    command += [part for option in options for part in ("-o", option)]
    return subprocess.call([*command, "root@127.0.0.1", *arguments.command])


def _interrupt(number: int, _frame: t.Any) -> t.NoReturn:
    raise SystemExit(128 + number)


def run_command(arguments: argparse.Namespace) -> int:
    """Whatever way the command ends, by Ctrl-C and a plain kill too, its hosts go, and so does an engine started for it."""
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise TestbedError("run needs a command")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with engine.use() or contextlib.nullcontext(), runs.new_run() as run:
            client = engine.connect()
            try:
                for dead in hosts.sweep():
                    print(f"testbed: removed what the killed run {dead} had left", file=sys.stderr)
                images.ensure_images(client, DEFAULT_SUITES)
                hosts.ssh_key()
                return _call(command, {**os.environ, runs.VARIABLE: run})
            finally:
                hosts.destroy_run(run)
    finally:
        engine.stop_unused()


def _call(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as child:
        try:
            return child.wait()
        except BaseException:
            # Ctrl-C reaches the child from the terminal as well; a kill reaches this process alone.
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
