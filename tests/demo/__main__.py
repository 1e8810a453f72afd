# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration: the failure that started the project on a real, throw-away host, without and with the guard.

Run it by ``make demo``: it needs an engine and the images of the test bed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t
from pathlib import Path

from testbed import hosts

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PLAYS = CHECKOUT / "molecule" / "shared"
SCENARIO, HOST = "demo", "bookworm"
PUBLISHED_MINUTES = 45

ANSIBLE = {
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_GATHERING": "explicit",
    "ANSIBLE_HOST_KEY_CHECKING": "false",
    "ANSIBLE_NOCOWS": "true",
    "ANSIBLE_PIPELINING": "true",
    "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
    "ANSIBLE_RETRY_FILES_ENABLED": "false",
}


class DemoError(Exception):
    """The demonstration did not go as it should have: a promise of the project is broken."""


def tell(text: str) -> None:
    """Print a paragraph of the story."""
    print("\n" + textwrap.fill(" ".join(text.split()), 110), flush=True)


def head(text: str) -> None:
    """Print a heading."""
    print(f"\n\n━━━ {text} ".ljust(112, "━"), flush=True)


def expect(holds: bool, what: str) -> None:
    """Stop where the story does not hold.

    :raises DemoError: it does not
    """
    if not holds:
        raise DemoError(what)


def on_host(command: str, shown: bool = True) -> tuple[int, str]:
    """Run a command on the host as an operator would, and show it with its answer: (exit code, output)."""
    ssh = [sys.executable, "-m", "testbed", "ssh", SCENARIO, HOST, command]
    answer = subprocess.run(ssh, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if shown:
        print(f"\n  root@{HOST}# {command}")
        for line in answer.stdout.rstrip().splitlines():
            print(textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
        if answer.returncode:
            print(f"  (exit code {answer.returncode})")
        sys.stdout.flush()
    return answer.returncode, answer.stdout


def wait_on_host(command: str, what: str, seconds: float = 30) -> str:
    """Run a command on the host until it succeeds, and give its output.

    :raises DemoError: it never did
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        code, output = on_host(command, shown=False)
        if code == 0:
            return output
        time.sleep(0.5)
    raise DemoError(f"{what}: not within {seconds:g} s")


def play(inventory: str, playbook: str, *arguments: str) -> tuple[int, float]:
    """Run a playbook: (exit code, seconds)."""
    shown = os.path.relpath(playbook) if os.path.isabs(playbook) else playbook
    command = ["ansible-playbook", playbook, *arguments]
    print(f"\n  $ {' '.join([command[0], '-i', 'hosts.json', shown, *arguments])}", flush=True)
    start = time.monotonic()
    code = subprocess.call([*command, "-i", inventory], env={**os.environ, **ANSIBLE}, stdin=subprocess.DEVNULL)
    return code, time.monotonic() - start


class Audit(t.NamedTuple):
    """What an audit found, and how long the whole command took."""

    report: dict[str, t.Any]
    seconds: float


def audit(inventory: str) -> Audit:
    """Run the audit as a user does, and read what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "audit.json"
        code, seconds = play(inventory, "guarded.deploy.audit", "-e", f"audit_output={output}")
        expect(code == 0, f"the audit ended with exit code {code}")
        return Audit(json.loads(output.read_text(encoding="utf-8"))[HOST], seconds)


def apply_remedy(report: t.Mapping[str, t.Any], keep: str) -> None:
    """Run the commands that the audit proposes, letter by letter."""
    sides = [side for conflict in report["conflicts"] if conflict["port"] for side in conflict["remedy"] if side["keep"] == keep]
    expect(len(sides) == 1, f"the audit offers one way to keep {keep}")
    for command in sides[0]["commands"]:
        code, _output = on_host(command)
        expect(code == 0, f"'{command}' works")


def world_without(inventory: str) -> None:
    """What the operator sees today, in both variants."""
    head("1. A service runs as a unit")
    tell("Prometheus has been installed from Debian's package a year ago. It runs as prometheus.service and listens on port 9090.")
    on_host("systemctl enable --now prometheus.service")
    wait_on_host("ss -Hltn 'sport = 9090' | grep -q .", "Prometheus listens")
    on_host("ss -ltnp 'sport = 9090'")


def published_without(inventory: str) -> None:
    """The published port, unguarded."""
    head("2. Without the guard: 'containerise Prometheus', with a published port")
    tell("A second playbook is written. It passes every linter, and it has forgotten the unit.")
    code, _seconds = play(inventory, str(PLAYS / "containerise_published.yml"))
    expect(code != 0, "the container cannot be started")
    tell("A long error, and a container that is not running. Did it fail for good? Is it retried? The restart policy says 'always':")
    on_host("docker ps --all --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'")
    tell("It is never retried, not even when the port becomes free. The next playbook run trips over its name.")


def show_audit(inventory: str, number: str, kind: str) -> Audit:
    """The audit of the state as it is."""
    head(f"{number} What the audit says")
    found = audit(inventory)
    kinds = [(conflict["kind"], conflict["port"]) for conflict in found.report["conflicts"]]
    # That one program runs twice is told beside it.
    expect((kind, 9090) in kinds, f"the audit names a {kind} conflict on port 9090, not {kinds}")
    expect({port for _kind, port in kinds} <= {9090, None}, f"the audit names no other port: {kinds}")
    return found


def host_network_without(inventory: str) -> None:
    """The host network, unguarded."""
    head("4. Without the guard, the other variant: the host's network")
    on_host("docker rm prometheus")
    code, _seconds = play(inventory, str(PLAYS / "containerise_host_network.yml"))
    expect(code == 0, "the second playbook succeeds")
    tell("The playbook is green, and Docker has given out a container id. It looks like success.")
    wait_on_host("test \"$(docker inspect -f '{{.RestartCount}}' prometheus)\" -ge 3", "the container restarts over and over")
    on_host("docker ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'")
    on_host("systemctl is-active prometheus.service")
    tell(
        "The container crash-loops, no port is shown, and the unit still answers. The day the unit stops, the container takes"
        " the port over in silence."
    )


def guarded(inventory: str) -> float:
    """The same second playbooks with the check in front of them: the longest refusal in seconds."""
    head("6. With the guard: the same second playbooks, one check in front of them")
    on_host("docker rm --force prometheus")
    seconds = 0.0
    for playbook in ("guarded_containerise_published.yml", "guarded_containerise_host_network.yml"):
        code, took = play(inventory, str(PLAYS / playbook))
        expect(code != 0, "the guard refuses")
        seconds = max(seconds, took)
    tell("Both refused, before they touched the host:")
    _code, output = on_host("docker ps --all --format 'table {{.Names}}\\t{{.Status}}'")
    expect("prometheus" not in output, "no container was made")
    return seconds


def remedied(inventory: str, found: Audit) -> None:
    """The remedy that the audit proposed, and the deployment after it."""
    head("7. The remedy, as the audit proposed it, and the deployment again")
    tell("The container is meant to stay, so the unit goes, for good.")
    apply_remedy(found.report, "container prometheus")
    code, _seconds = play(inventory, str(PLAYS / "guarded_containerise_host_network.yml"))
    expect(code == 0, "the guarded deployment goes through once the unit is retired")
    wait_on_host("ss -Hltn 'sport = 9090' | grep -q .", "the container listens")
    head("8. The audit afterwards")
    after = audit(inventory)
    expect(after.report["verdict"] == "clean", f"the audit is clean, not {after.report['verdict']}")
    claims = [claim for claim in after.report["claims"] if claim["port"] == 9090 and claim["state"] == "listening"]
    holders = {claim["owner"]["name"] for claim in claims}
    expect(holders == {"prometheus"}, f"the container holds port 9090, not {holders}")


def main() -> int:
    """Tell the story on a host of its own; the host goes in any case."""
    inventory = str(hosts.inventory_path(SCENARIO))
    try:
        hosts.create_hosts(SCENARIO, [hosts.Wanted(HOST, HOST)])
        on_host("/opt/testbed/load-image docker prometheus", shown=False)
        world_without(inventory)
        published_without(inventory)
        show_audit(inventory, "3.", "blocked")
        host_network_without(inventory)
        found = show_audit(inventory, "5.", "crash_loop")
        refused = guarded(inventory)
        remedied(inventory, found)
        head("What it took")
        tell(
            f"The audit found and explained the conflict in {found.seconds:.1f} seconds, from the command to the last line;"
            f" the check in front of the playbook refused it in {refused:.1f} seconds."
            f" The published incident took {PUBLISHED_MINUTES} minutes to find."
        )
    except DemoError as error:
        print(f"\ndemo: this should hold and does not: {error}", file=sys.stderr)
        return 1
    finally:
        hosts.destroy_hosts(SCENARIO)
    return 0


if __name__ == "__main__":
    sys.exit(main())
