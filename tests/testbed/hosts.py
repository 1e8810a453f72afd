# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test hosts: each is one container with systemd as its first process, its own engines, and ssh."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import docker

from . import engine, runs
from .errors import TestbedError
from .images import ensure_images
from .inventory import RunningHost, render_inventory
from .packages import require

if t.TYPE_CHECKING:
    from pathlib import Path

# Where engines inside keep their layers: overlay2 does not work on top of overlay2.
VOLUMES = ("/var/lib/docker", "/var/lib/containers", "/home/deploy/.local/share/containers")
LABELS = {"checkout": f"{engine.LABEL}.checkout", "run": f"{engine.LABEL}.run", "scenario": f"{engine.LABEL}.scenario"}
HOST, SUITE = f"{engine.LABEL}.host", f"{engine.LABEL}.suite"

# systemd says "running" when the boot transaction is done; the bus is not there in the first moments.
WAIT_FOR_BOOT = """
i=0
while [ $i -lt 600 ]; do
    state=$(systemctl is-system-running --wait 2>/dev/null) && exit 0
    case $state in degraded) systemctl --failed --no-legend --plain; exit $DEGRADED_RC ;; esac
    i=$((i + 1)); sleep 0.1
done
echo "systemd is still $state"; exit 1
"""


class Wanted(t.NamedTuple):
    """A host to make. ``cgroup`` v1 has memory limits enforced on machines with the v1 hierarchies."""

    name: str
    suite: str
    cgroup: str = "v2"


def ssh_key() -> Path:
    """The private key of this checkout, made when it is missing."""
    key = runs.FOLDER / "id_ed25519"
    if not key.exists():
        require("ssh-keygen", "ssh")
        runs.FOLDER.mkdir(parents=True, exist_ok=True)
        with (runs.FOLDER / "key.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not key.exists():
                new = key.with_suffix(".new")
                for old in (new, new.with_suffix(".new.pub")):
                    old.unlink(missing_ok=True)
                subprocess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guarded.deploy test bed", "-f", str(new)], check=True
                )
                new.with_name(new.name + ".pub").rename(key.with_name(key.name + ".pub"))
                new.rename(key)
    return key


def _public(key: Path) -> str:
    return key.with_name(key.name + ".pub").read_text(encoding="ascii").strip()


def inventory_path(scenario: str, run: str | None = None) -> Path:
    """Where the inventory of a scenario's hosts lies."""
    return runs.run_folder(run or runs.current_run()) / scenario / "hosts.json"


def _labels(run: str, scenario: str | None = None) -> dict[str, str]:
    labels = {LABELS["checkout"]: runs.checkout_id(), LABELS["run"]: run}
    if scenario is not None:
        labels[LABELS["scenario"]] = scenario
    return labels


def _filter(labels: t.Mapping[str, str]) -> dict[str, str | list[str] | bool]:
    return {"label": [f"{key}={value}" for key, value in labels.items()]}


def _network(client: docker.DockerClient, run: str) -> str:
    """The run's network. It is made once, though several scenarios of the run may ask at the same time."""
    name = f"testbed-{runs.checkout_id()}-{run}"
    with (runs.FOLDER / "network.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not client.networks.list(names=[f"^{name}$"]):
            client.networks.create(name, driver="bridge", labels=_labels(run))
    return name


def create_hosts(scenario: str, wanted: t.Sequence[Wanted]) -> list[RunningHost]:
    """Boot hosts for a scenario, all at the same time, and write its inventory. Hosts that the scenario has left are removed.

    :raises TestbedError: there is no engine, an image cannot be built, or a host does not boot
    """
    if len({host.name for host in wanted}) != len(wanted) or not wanted:
        raise TestbedError(f"{scenario}: hosts need names of their own, and at least one: {[host.name for host in wanted]}")
    if not runs.is_alive(runs.current_run()):
        raise TestbedError(f"the run {runs.current_run()} is over: nobody would remove these hosts")
    destroy_hosts(scenario)
    client = engine.connect()
    with contextlib.closing(client):
        images = ensure_images(client, (host.suite for host in wanted))
        running = len(client.containers.list(filters={"label": engine.LABEL}))
        engine.raise_inotify(running + len(wanted))
        key = ssh_key()
        network = _network(client, runs.current_run())
        with ThreadPoolExecutor(max_workers=8) as pool:
            hosts = list(pool.map(lambda host: _boot(client, scenario, host, images[host.suite], network, key), wanted))
    _write_inventory(scenario, hosts)
    return hosts


def _write_inventory(scenario: str, hosts: t.Sequence[RunningHost]) -> None:
    path = inventory_path(scenario)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_inventory(hosts, ssh_key(), runs.socket_folder()), encoding="utf-8")


def reboot_hosts(scenario: str) -> list[RunningHost]:
    """Cut the power of a scenario's hosts and boot them again: /run and /tmp are empty then, files and volumes stay.

    The inventory is written anew, for ssh listens on another port of this machine afterwards. A host may come up with
    failed units: what a boot leads to is what scenarios look at.

    :raises TestbedError: the scenario has no hosts, or one does not boot
    """
    client = engine.connect()
    with contextlib.closing(client):
        found = client.containers.list(filters=_filter(_labels(runs.current_run(), scenario)))
        if not found:
            raise TestbedError(f"{scenario}: no host runs")
        with ThreadPoolExecutor(max_workers=8) as pool:
            hosts = list(pool.map(_reboot, found))
    _write_inventory(scenario, hosts)
    return hosts


def _reboot(container: t.Any) -> RunningHost:
    container.kill()
    container.wait()
    container.start()
    _await_boot(container, container.name, may_be_degraded=True)
    return _describe(container)


def _boot(client: docker.DockerClient, scenario: str, host: Wanted, image: str, network: str, key: Path) -> RunningHost:
    run = runs.current_run()
    name = f"testbed-{runs.checkout_id()}-{run}-{scenario}-{host.name}"
    options = client.api.create_host_config(
        cap_add=["ALL"],
        # Not to be had on every machine; or a load of the machine's modules; or its clock.
        cap_drop=["SYS_RESOURCE", "SYS_MODULE", "SYS_TIME"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        tmpfs={"/run": "", "/run/lock": "", "/tmp": "exec"},
        port_bindings={22: ("127.0.0.1", None)},
        network_mode=network,
        # Docker turns IPv6 off where a network has none; ::1 is there on every real host.
        sysctls={"net.ipv6.conf.all.disable_ipv6": "0", "net.ipv6.conf.default.disable_ipv6": "0"},
    )
    options["CgroupnsMode"] = "private"
    # The API's way to say what the command calls systempaths=unconfined.
    options["MaskedPaths"] = []
    options["ReadonlyPaths"] = []
    created = client.api.create_container(
        image,
        name=name,
        hostname=host.name,
        detach=True,
        stop_signal="SIGRTMIN+3",
        ports=[22],
        volumes=list(VOLUMES),
        environment={"TESTBED_SSH_KEY": _public(key), "TESTBED_CGROUP": host.cgroup},
        host_config=options,
        labels={engine.LABEL: "host", HOST: host.name, SUITE: host.suite, **_labels(run, scenario)},
    )
    container = client.containers.get(created["Id"])
    container.start()
    _await_boot(container, name)
    return _describe(container)


def _await_boot(container: t.Any, name: str, may_be_degraded: bool = False) -> None:
    started = time.monotonic()
    result = container.exec_run(["sh", "-c", WAIT_FOR_BOOT], environment={"DEGRADED_RC": "0" if may_be_degraded else "1"})
    if result.exit_code != 0:
        container.reload()
        log = container.logs(tail=20).decode("utf-8", "replace")
        raise TestbedError(
            f"{name} ({container.status}) did not boot in {time.monotonic() - started:.0f} s: "
            f"{result.output.decode('utf-8', 'replace').strip()}\n{log}"
        )


def _describe(container: t.Any) -> RunningHost:
    container.reload()
    ports = container.attrs["NetworkSettings"]["Ports"]["22/tcp"]
    labels = container.labels
    return RunningHost(labels[HOST], labels[SUITE], container.name, container.id, int(ports[0]["HostPort"]))


def list_hosts(run: str | None = None, scenario: str | None = None) -> list[RunningHost]:
    """The running hosts of this checkout: of a run, and of a scenario, or all."""
    client = engine.find()
    if client is None:
        return []
    labels = {LABELS["checkout"]: runs.checkout_id()}
    if run is not None:
        labels = _labels(run, scenario)
    with contextlib.closing(client):
        return [_describe(container) for container in client.containers.list(filters=_filter(labels))]


def destroy_hosts(scenario: str) -> None:
    """Remove the hosts of a scenario of this run, their volumes, and its inventory."""
    client = engine.find()
    if client is not None:
        with contextlib.closing(client):
            _remove(client, _labels(runs.current_run(), scenario))
    shutil.rmtree(inventory_path(scenario).parent, ignore_errors=True)


def destroy_run(run: str) -> None:
    """Remove all hosts of a run and its network."""
    client = engine.find()
    if client is not None:
        with contextlib.closing(client):
            _remove(client, _labels(run))
            _remove_networks(client, _labels(run))
    shutil.rmtree(runs.run_folder(run), ignore_errors=True)


def sweep(*, people_too: bool = False) -> list[str]:
    """Remove what killed runs of this checkout left behind.

    :param people_too: also what people made by hand
    :returns: the ids of those runs
    """
    client = engine.find()
    if client is None:
        return []
    ours = _filter({LABELS["checkout"]: runs.checkout_id()})
    with contextlib.closing(client):
        things = [*client.api.containers(all=True, filters=ours), *client.api.networks(filters=ours)]
        found = {thing["Labels"][LABELS["run"]] for thing in things}
    dead = sorted(run for run in found if not runs.is_alive(run) or (people_too and not runs.has_process(run)))
    for run in dead:
        destroy_run(run)
        runs.forget(run)
    return dead


def _remove(client: docker.DockerClient, labels: t.Mapping[str, str]) -> None:
    containers = client.api.containers(all=True, quiet=True, filters=_filter(labels))
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda container: _remove_one(client, container["Id"]), containers))


def _remove_one(client: docker.DockerClient, container_id: str) -> None:
    try:
        client.api.remove_container(container_id, v=True, force=True)
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        if "already in progress" not in str(error):
            raise


def _remove_networks(client: docker.DockerClient, labels: t.Mapping[str, str]) -> None:
    for network in client.api.networks(filters=_filter(labels)):
        try:
            client.api.remove_network(network["Id"])
        except docker.errors.APIError:
            pass  # a removal that goes on beside this one takes it along
