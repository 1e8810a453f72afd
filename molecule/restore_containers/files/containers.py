# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes containers in all states, changes them in all ways, and asks the engines whether they are as they were.

    containers.py make              every container, in its state
    containers.py note              write down how the engines see them
    containers.py change SEED ROUND change most of them, each in one of its ways; another one in each round
    containers.py check             compare with what was noted; what was not changed must not even have been touched

Knows nothing of the collection.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
import typing as t
import urllib.request
from pathlib import Path

NOTES = Path("/root/containers.json")
CHANGED = Path("/root/changed-containers.json")
PROJECT = Path("/opt/shop")
SERVE = ("httpd", "-f", "-p", "80", "-h", "/www")
WAIT = ("sleep", "100000")
# The first process of a container is deaf to TERM where it has no handler: nobody shall wait ten seconds for it.
QUICK = ("--stop-timeout", "1")


class World(t.NamedTuple):
    """A container: what `run` or `create` is given, what brings it into its state then, and the ways to change it."""

    name: str
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = WAIT
    image: str = "app:1"
    verb: str = "run"
    after: tuple[str, ...] = ()  # engine commands; NAME stands at their end
    engine: str = "docker"
    port: int = 0
    needs: tuple[str, ...] = ()  # whose fate it shares
    fixed: bool = False  # not changed by itself


DOCKER = (
    World("plain", ("-p", "7001:80"), SERVE, port=7001),
    World("labelled", ("-p", "127.0.0.1:7002:80", "-e", "A=1 2", "-e", "EMPTY=", "-l", "team=x", "--restart", "always"), SERVE, port=7002),
    World("static", ("--network", "front", "--network-alias", "shop", "--ip", "10.91.0.9", "--restart", "unless-stopped")),
    World("two", ("--network", "front", "--restart", "on-failure:3"), after=("network connect --alias second back",)),
    World("onhost", ("--network", "host"), ("httpd", "-f", "-p", "7003", "-h", "/www"), port=7003),
    World("alone", ("--network", "none")),
    World("joined", ("--network", "container:static", "--pid", "container:static"), needs=("static",)),
    World("linked", ("--link", "plain:page"), needs=("plain",)),
    World("failed", (), ("sh", "-c", "exit 3")),
    World("resting", ("--restart", "unless-stopped"), after=("stop -t 0",)),
    World("made", ("--restart", "always", "-p", "7004:80"), SERVE, verb="create"),
    World("frozen", after=("pause",)),
    World("looping", ("--restart", "always"), ("sh", "-c", "sleep 1; exit 1")),
    World("mounts", ("-v", "data:/data", "-v", "/srv/bound:/bound:ro", "--tmpfs", "/scratch:size=1m", "--mount", "type=tmpfs,dst=/more")),
    World("anonymous", ("-v", "/unnamed", "--mount", "type=volume,dst=/other"), ("sh", "-c", "date >>/unnamed/x; sleep 9999")),
    World("image-volume", (), ("sh", "-c", "echo mine > /kept/x; sleep 100000"), image="kept:1"),
    World("rights", ("--cap-add", "NET_ADMIN", "--cap-drop", "MKNOD", "--ulimit", "nofile=100:200", "--security-opt", "no-new-privileges",
                     "--sysctl", "net.ipv4.ip_forward=1", "--device", "/dev/null:/dev/x", "--privileged=false", "--group-add", "7")),
    World("named", ("--hostname", "web.example", "--dns", "10.0.0.53", "--add-host", "db:10.1.2.3", "--mac-address", "02:42:ac:11:00:99",
                    "--network", "back")),
    World("health", ("--health-cmd", "true", "--health-interval", "30s", "--health-retries", "2", "-p", "7005:80"), SERVE, port=7005),
    World("other", ("--entrypoint", "/bin/sh", "-w", "/srv", "-u", "65534", "--stop-signal", "INT", "--init", "-t", "-i", "--read-only"),
          ("-c", "sleep 100000")),
    World("removed-at-end", ("--rm",)),
    World("logged", ("--log-opt", "max-size=1m", "--oom-score-adj", "100", "--shm-size", "1m", "--pids-limit", "50", "--ipc", "shareable")),
    World("of-unit", fixed=True),
)  # fmt: skip
PODMAN = (
    World("p-plain", ("-p", "7101:80", "-e", "A=1 2"), SERVE, engine="podman", port=7101),
    World("p-static", ("--network", "pfront:ip=10.92.0.9,alias=shop", "-v", "pdata:/data", "-v", "/unnamed", "--restart", "always"),
          engine="podman"),
    World("p-joined", ("--network", "container:p-static"), engine="podman", needs=("p-static",)),
    World("p-failed", (), ("sh", "-c", "exit 3"), engine="podman"),
    World("p-made", ("-l", "x=y"), verb="create", engine="podman"),
    World("p-frozen", after=("pause",), engine="podman"),
    World("p-rights", ("--cap-add", "NET_ADMIN", "--ulimit", "nofile=100:200", "--hostname", "hh", "--read-only"), engine="podman"),
    World("member", ("--pod", "shop"), SERVE, engine="podman", port=7102),
    World("member-too", ("--pod", "shop", "--restart", "on-failure:2"), engine="podman"),
    World("rootless", ("-p", "7103:80", "-v", "/home/deploy/bound:/bound"), SERVE, engine="deploy", port=7103),
)  # fmt: skip
WAYS = ("remove", "replace", "policy", "flip", "rename", "freeze", "network", "keep")
QUADLET = """[Container]
Image=localhost/app:1
ContainerName=quad
Exec=sleep 100000
PodmanArgs=--stop-timeout=1
[Install]
WantedBy=multi-user.target
"""
UNIT = """[Service]
ExecStartPre=-/usr/bin/docker rm -f of-unit
ExecStart=/usr/bin/docker run --rm --name of-unit --stop-timeout 1 -p 7006:80 app:1 httpd -f -p 80 -h /www
ExecStop=/usr/bin/docker stop -t 0 of-unit
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
COMPOSE = """
services:
  db:
    image: app:1
    command: sleep 100000
    stop_grace_period: 1s
    volumes: [content:/content]
  web:
    image: app:1
    command: httpd -f -p 80 -h /www
    stop_grace_period: 1s
    restart: unless-stopped
    ports: ["7007:80"]
    depends_on: [db]
    environment: {DB: db}
    networks: {default: {aliases: [shop]}}
  side:
    image: app:1
    command: sleep 100000
    stop_grace_period: 1s
    network_mode: "service:web"
volumes: {content: {}}
"""


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (written here)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)} exited {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def engine_words(engine: str) -> list[str]:
    if engine != "deploy":
        return [engine]
    uid = run("id", "-u", "deploy").strip()
    bus = f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus"
    return ["runuser", "-u", "deploy", "--", "env", "-C", "/", "HOME=/home/deploy", f"XDG_RUNTIME_DIR=/run/user/{uid}", bus, "podman"]


def ask(engine: str, *words: str, check: bool = True) -> str:
    return run(*engine_words(engine), *words, check=check)


def worlds() -> list[World]:
    return [*DOCKER, *(PODMAN if shutil.which("podman") else ())]


def has_compose() -> bool:
    return bool(run("docker", "compose", "version", check=False))


def engines() -> list[str]:
    return ["docker", *(["podman", "deploy"] if shutil.which("podman") else [])]


# --- make ---


def make() -> None:
    if "deploy" in engines():
        let_linger()
    for engine in engines():
        make_images(engine)
    for path in ("/srv/bound", "/home/deploy/bound"):
        Path(path).mkdir(parents=True, exist_ok=True)
    run("chown", "deploy:", "/home/deploy/bound")
    run("docker", "network", "create", "--subnet", "10.91.0.0/24", "--label", "a=b", "front")
    run("docker", "network", "create", "--internal", "back")
    run("docker", "volume", "create", "--label", "kind=data", "data")
    if "podman" in engines():
        run("podman", "network", "create", "--subnet", "10.92.0.0/24", "--label", "a=b", "pfront")
        run("podman", "volume", "create", "--label", "kind=data", "pdata")
        run(
            "podman",
            "pod",
            "create",
            "--name",
            "shop",
            "-p",
            "7102:80",
            "--infra-image",
            "localhost/app:1",
            "--infra-command",
            "sleep 100000",
        )
    for world in worlds():
        if not world.fixed:
            make_one(world)
    Path("/etc/systemd/system/of-unit.service").write_text(UNIT, encoding="utf-8")
    if "podman" in engines():
        Path("/etc/containers/systemd").mkdir(parents=True, exist_ok=True)
        Path("/etc/containers/systemd/quad.container").write_text(QUADLET, encoding="utf-8")
    run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", "of-unit.service")
    if "podman" in engines():
        run("systemctl", "start", "quad.service")
    if has_compose():
        PROJECT.mkdir(parents=True, exist_ok=True)
        (PROJECT / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
        run("docker", "compose", "-f", str(PROJECT / "compose.yaml"), "up", "-d")
    time.sleep(1)


def let_linger() -> None:
    run("loginctl", "enable-linger", "deploy")
    uid = run("id", "-u", "deploy").strip()
    while not Path(f"/run/user/{uid}/bus").exists():
        time.sleep(0.1)


def make_images(engine: str) -> None:
    """app:1 and app:2 are different images; kept:1 declares a volume."""
    archive, what = "/opt/testbed/busybox.tar", ("import", "-c", 'CMD ["sleep","100000"]')
    for tag, more in (("app:1", ("-c", "ENV V=1")), ("app:2", ("-c", "ENV V=2")), ("kept:1", ("-c", "VOLUME /kept"))):
        ask(engine, *what, *more, archive, tag)


def make_one(world: World) -> None:
    detached = ("-d",) if world.verb == "run" else ()
    image = world.image if world.engine == "docker" else f"localhost/{world.image}"
    ask(world.engine, world.verb, *detached, "--name", world.name, *QUICK, *world.options, image, *world.command)
    for command in world.after:
        ask(world.engine, *command.split(), world.name)


# --- note and check ---


def documents() -> dict[str, dict[str, t.Any]]:
    """Every container by engine and name, as inspect shows it."""
    found = {}
    for engine in engines():
        ids = ask(engine, "ps", "-aq", "--no-trunc").split()
        for one in json.loads(ask(engine, "container", "inspect", *ids)) if ids else []:
            labels = one["Config"].get("Labels") or {}
            if "guarded.deploy.pin" not in labels and not one.get("IsInfra"):
                found[f"{engine} {one['Name'].lstrip('/')}"] = one
    return found


def picture(one: dict[str, t.Any], everything: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """What must be the same again, in words of the engine."""
    config, host = one["Config"], one["HostConfig"]
    podman = "ImageName" in one
    joined = str(host["NetworkMode"]).startswith("container:")
    # Compose hashes the id of the container whose network is shared, and so makes this one again when it is asked for it.
    unsteady = ("PODMAN_SYSTEMD_UNIT", "com.docker.compose.replace", *(("com.docker.compose.config-hash",) if joined else ()))
    limits = [f"{limit['Name']}={limit['Soft']}:{limit['Hard']}" for limit in host.get("Ulimits") or ()]
    plain = ("ReadonlyRootfs", "AutoRemove", "ShmSize", "PidsLimit", "LogConfig", "Privileged", "PortBindings", "Tmpfs")
    lists = ("CapAdd", "CapDrop", "SecurityOpt", "Sysctls", "GroupAdd", "Dns", "ExtraHosts", "Links", "Devices")
    found = {
        "image": one["Image"],
        "program": [one["Path"], one["Args"]],
        "status": status(one),
        "policy": [host["RestartPolicy"]["Name"] or "no", host["RestartPolicy"]["MaximumRetryCount"]],
        "env": sorted(text for text in config["Env"] or () if not text.startswith("HOSTNAME=")),
        "labels": {key: text for key, text in (config["Labels"] or {}).items() if key not in unsteady},
        "hostname": "" if config["Hostname"] == one["Id"][:12] or joined else config["Hostname"],
        "config": [config.get(key) for key in ("User", "WorkingDir", "StopSignal", "StopTimeout", "Tty", "OpenStdin", "MacAddress")],
        "health": (config.get("Healthcheck") or {}).get("Test"),
        "mounts": sorted(
            [mount["Type"], mount.get("Name") or mount["Source"], mount["Destination"], mount["RW"]] for mount in one["Mounts"]
        ),
        "modes": [mode_of(one, key, everything) for key in ("NetworkMode", "PidMode", "IpcMode")],
        "networks": {} if joined else networks_of(one),
        "lists": [host.get(key) or [] for key in lists],
        "plain": [host.get(key) for key in plain],
        # Podman shows the limits of whoever made a container that asks for none.
        "limits": [] if podman and "rights" not in one["Name"] else [text for text in sorted(limits) if "nproc" not in text.lower()],
    }
    return found if podman else {**found, "docker": [host.get("OomScoreAdj"), host.get("Init")]}


def networks_of(one: dict[str, t.Any]) -> dict[str, t.Any]:
    found = {}
    for name, endpoint in (one["NetworkSettings"].get("Networks") or {}).items():
        asked = (endpoint.get("IPAMConfig") or {}).get("IPv4Address")
        aliases = sorted(set(endpoint.get("Aliases") or ()) - {one["Id"][:12], one["Config"]["Hostname"]})
        found[name] = [aliases, endpoint.get("IPAddress") if name == "pfront" else asked]
    return found


def mode_of(one: dict[str, t.Any], key: str, everything: dict[str, dict[str, t.Any]]) -> str:
    mode = str(one["HostConfig"].get(key) or "")
    if not mode.startswith("container:"):
        return mode
    names = [name for name, other in everything.items() if other["Id"] == mode[10:]]
    return names[0] if names else "infra" if one.get("Pod") else mode


def status(one: dict[str, t.Any]) -> str:
    word = one["State"]["Status"]
    if one["Name"].lstrip("/") == "looping":
        return "loops" if word in ("running", "restarting") else word
    # Whoever makes an ended container again does not run it again.
    return "rests" if word in ("exited", "created", "configured", "stopped", "initialized") else word


def things() -> dict[str, t.Any]:
    """Networks, tags, volumes and pods."""
    found: dict[str, t.Any] = {}
    for name in run("docker", "network", "ls", "--format", "{{.Name}}").split():
        spec = json.loads(run("docker", "network", "inspect", name))[0]
        found[f"network {name}"] = [spec[key] or {} for key in ("Driver", "Internal", "EnableIPv6", "Labels", "Options")]
        found[f"network {name}"] += [spec["IPAM"]["Driver"], spec["IPAM"]["Config"]]
    for engine in engines():
        for line in ask(engine, "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines():
            if "guarded-deploy/pin" not in line and "<none>" not in line:
                found[f"{engine} image {line.split()[0]}"] = line.split()[1]
        for name in ask(engine, "volume", "ls", "-q").split():
            found[f"{engine} volume {name}"] = json.loads(ask(engine, "volume", "inspect", name))[0]["Labels"]
    if "podman" in engines():
        for network in json.loads(run("podman", "network", "inspect", *run("podman", "network", "ls", "-q").split())):
            found[f"podman network {network['name']}"] = [network["subnets"], network["driver"], network.get("labels")]
        found["pods"] = sorted(
            f"{pod['Name']} {pod['Status']} {len(pod['Containers'])}" for pod in json.loads(run("podman", "pod", "ps", "--format", "json"))
        )
    return found


def look() -> dict[str, t.Any]:
    everything = documents()
    identity = {key: [one["Id"], one["State"]["StartedAt"], one["State"]["Pid"]] for key, one in everything.items()}
    return {"containers": {key: picture(one, everything) for key, one in everything.items()}, "things": things(), "identity": identity}


def note() -> None:
    NOTES.write_text(json.dumps(look()), encoding="utf-8")


def check() -> None:
    before, wrong = json.loads(NOTES.read_text(encoding="utf-8")), []
    changed = json.loads(CHANGED.read_text(encoding="utf-8"))
    deadline = time.monotonic() + 8
    while True:
        now = json.loads(json.dumps(look()))
        wrong = differences(before, now, changed)
        if not wrong or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    wrong += silent_ports() + left_behind(documents())
    if has_compose():
        wrong += compose_would_change(now)
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(before['containers'])} containers are as they were, {len(changed['containers'])} of them after a change: {changed}")


def differences(before: dict[str, t.Any], now: dict[str, t.Any], changed: dict[str, t.Any]) -> list[str]:
    wrong = []
    lost = set(changed["lost"])
    for part in ("containers", "things"):
        for key in sorted({*before[part], *now[part]}):
            first, second = before[part].get(key), now[part].get(key)
            if part == "things" and "volume" in key and first is None:
                continue  # volumes of what was added stay
            if first != second and key not in lost:
                wrong.append(f"{key}: {only_differing(first, second)}")
    for key, identity in before["identity"].items():
        if key.split()[1] not in changed["affected"] and not key.endswith("looping") and now["identity"].get(key) != identity:
            wrong.append(f"{key} was not changed, and was touched: {identity} {now['identity'].get(key)}")
    return wrong


def only_differing(first: t.Any, second: t.Any) -> str:
    if isinstance(first, dict) and isinstance(second, dict):
        return "; ".join(f"{key}: {first.get(key)} -> {second.get(key)}" for key in {*first, *second} if first.get(key) != second.get(key))
    return f"{first} -> {second}"


def silent_ports() -> list[str]:
    """Published ports at which nobody serves the page."""
    ports = [world.port for world in worlds() if world.port] + [7006] + ([7007] if has_compose() else [])
    wrong = []
    for port in ports:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=3).close()
        except urllib.error.HTTPError:
            pass  # a server that has no page to show
        except OSError as error:
            wrong.append(f"port {port}: {error}")
    return wrong


def left_behind(everything: dict[str, dict[str, t.Any]]) -> list[str]:
    """Running containers that share a network that the other one no longer has."""
    wrong = []
    for key, one in everything.items():
        target = mode_of(one, "NetworkMode", everything)
        if one["State"]["Status"] == "running" and target in everything:
            places = [Path(f"/proc/{each['State']['Pid']}/ns/net") for each in (one, everything[target])]
            if not places[1].exists() or places[0].readlink() != places[1].readlink():
                wrong.append(f"{key} does not share the network of {target}")
    return wrong


def compose_would_change(now: dict[str, t.Any]) -> list[str]:
    """The project is Compose's own again: it lists it as running, and `up` leaves every container as it is; but for the one
    that shares the network of another that was made again, since Compose hashes that one's id."""
    run("docker", "compose", "-f", str(PROJECT / "compose.yaml"), "up", "-d")
    after = {key: one["Id"] for key, one in documents().items()}
    listed = run("docker", "compose", "-p", "shop", "ps", "-q", "--no-trunc").split()
    mine = [key for key in after if key.startswith("docker shop-")]
    again = [key for key in mine if after[key] != now["identity"].get(key, [""])[0] and key != "docker shop-side-1"]
    wrong = [f"compose has made {key} again" for key in again]
    return wrong + ([] if len(listed) == len(mine) == 3 else [f"compose lists {len(listed)} of {mine}"])


# --- change ---


def change(seed: str, number: int) -> None:
    """In each round each container meets another one of the ways; which it begins with is drawn."""
    dice = random.Random(seed)  # noqa: S311 (no secret)
    starts = {world.name: dice.randrange(len(WAYS)) for world in worlds()}
    done, affected = {}, set()
    # An earlier round has changed who is who.
    before = json.loads(NOTES.read_text(encoding="utf-8"))
    NOTES.write_text(json.dumps({**before, "identity": look()["identity"]}), encoding="utf-8")
    alive = {one.split()[1] for one in documents()}
    for world in worlds():
        way = WAYS[(starts[world.name] + number) % len(WAYS)]
        if not world.fixed and way != "keep" and world.name in alive and change_one(world, way, dice):
            done[world.name] = way
            affected.add(world.name)
    affected |= {world.name for world in worlds() if set(world.needs) & affected}
    affected |= change_all(number % 5)
    run("docker", "run", "-d", "--name", "intruder", *QUICK, "-v", "intruders:/d", "-p", "7099:80", "app:2", *SERVE, check=False)
    lost = ["docker image new:1", "docker network intruders"]
    CHANGED.write_text(json.dumps({"containers": done, "affected": sorted(affected), "lost": lost}), encoding="utf-8")
    print(done)


def change_one(world: World, way: str, dice: random.Random) -> bool:
    """Do it; False where this way leads nowhere."""
    engine, name = world.engine, world.name
    if way in ("remove", "replace"):
        ask(engine, "rm", "-f", *(["-t", "0", "--depend"] if engine != "docker" else []), name)
    if way == "replace":
        publish = ("-p", f"{world.port}:80") if world.port and name not in ("onhost", "member") else ()
        ask(engine, "run", "-d", "--name", name, *QUICK, *publish, "-e", "NEW=1", image_of(engine, "app:2"), *SERVE)
    return way in ("remove", "replace") or CHANGES[way](world, dice)


def image_of(engine: str, tag: str) -> str:
    return tag if engine == "docker" else f"localhost/{tag}"


def change_policy(world: World, dice: random.Random) -> bool:
    if world.engine != "docker" or "--rm" in world.options:
        return False
    policies = [one for one in ("no", "always", "on-failure:9") if one not in world.options]
    run("docker", "update", "--restart", dice.choice(policies), world.name)
    return True


def state_of(world: World) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(ask(world.engine, "container", "inspect", world.name))[0])


def change_flip(world: World, _dice: random.Random) -> bool:
    if status(state_of(world)) == "rests":
        ask(world.engine, "start", world.name, check=False)  # in vain where it joins one that rests
    else:
        ask(world.engine, "unpause", world.name, check=False)
        ask(world.engine, "stop", "-t", "0", world.name)
    return True


def change_name(world: World, _dice: random.Random) -> bool:
    if world.name == "looping":
        return False  # Docker 20.10 does not rename what it is about to try again
    ask(world.engine, "rename", world.name, f"{world.name}-old")
    if world.engine == "docker" and not world.port:
        run("docker", "run", "-d", "--name", world.name, *QUICK, "app:2", *WAIT)
    return True


def change_freeze(world: World, _dice: random.Random) -> bool:
    current = state_of(world)["State"]["Status"]
    if current in ("running", "paused"):
        ask(world.engine, "unpause" if current == "paused" else "pause", world.name)
    return current in ("running", "paused")


def change_network(world: World, _dice: random.Random) -> bool:
    used = sorted({"front", "back"} & set(world.options))
    if used and world.engine == "docker":
        run("docker", "network", "disconnect", "-f", used[0], world.name)
    return bool(used) and world.engine == "docker"


CHANGES = {"policy": change_policy, "flip": change_flip, "rename": change_name, "freeze": change_freeze, "network": change_network}


def change_all(which: int) -> set[str]:
    """What concerns many at once; the names of the containers that cannot stay untouched."""
    affected = {"shop-side-1"}  # made again by every `docker compose up` after a restore
    if which == 0:
        # The tag names the new build, and the old image is swept up where nothing uses it.
        run("docker", "tag", "app:2", "app:1")
        run("docker", "image", "prune", "-a", "-f")
        affected |= {"of-unit"}
        run("systemctl", "restart", "of-unit.service")
    elif which == 1:
        users = [name for name in ("static", "two", "named") if name in run("docker", "ps", "-a", "--format", "{{.Names}}").split()]
        for name in users:
            run("docker", "network", "disconnect", "-f", "front", name, check=False)
        run("docker", "network", "rm", "front")
        run("docker", "network", "create", "--subnet", "10.93.0.0/24", "front")
        affected |= {"static", "two", "joined"}
    elif which == 2:
        run("docker", "network", "create", "intruders")
        run("systemctl", "stop", "of-unit.service")
        affected |= {"of-unit"}
        if "podman" in engines():
            run("podman", "pod", "rm", "-f", "-t", "0", "shop")
            affected |= {"member", "member-too"}
    elif which == 3 and "podman" in engines():
        run("podman", "tag", "localhost/app:2", "localhost/app:1")
        run("systemctl", "restart", "quad.service")
        affected |= {"quad"}
    if has_compose() and which in (0, 2, 4):
        file = str(PROJECT / "compose.yaml")
        if which == 0:
            run("docker", "compose", "-f", file, "down", "-t", "0")
        elif which == 2:
            run("docker", "compose", "-f", file, "rm", "-f", "-s", "web", "side")
        else:
            run("docker", "stop", "-t", "0", "shop-db-1", "shop-web-1")
        affected |= {"shop-db-1", "shop-web-1", "shop-side-1"}
    return affected


def main() -> None:
    verb = sys.argv[1]
    if verb == "change":
        change(sys.argv[2], int(sys.argv[3]))
    else:
        {"make": make, "note": note, "check": check}[verb]()


main()
