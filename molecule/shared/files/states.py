# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes units in all states, changes them in all ways, and asks systemctl whether they are as they were.

    states.py make              every unit, in its state
    states.py note              write down how systemctl sees them
    states.py change SEED ROUND change most of them, each in one of its ways; another one in each round
    states.py check             compare with what was noted; what was not changed must not even have been touched

Knows nothing of the collection.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import typing as t
from pathlib import Path

SYSTEM = Path("/usr/local/lib/systemd/system")  # below /etc and /run, so that every unit can be masked
ADMIN = Path("/etc/systemd/system")
RUNTIME = Path("/run/systemd/system")
HOME = Path("/home/deploy/.config/systemd/user")
NOTES = Path("/root/states.json")
CHANGED = Path("/root/changed.json")
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
FIELDS = ("LoadState", "ActiveState", "UnitFileState", "FragmentPath", "DropInPaths", "Names", "NeedDaemonReload", "Type", "TriggeredBy")
UNTOUCHED = ("InvocationID", "MainPID", "NRestarts", "StateChangeTimestampMonotonic")


class World(t.NamedTuple):
    """A unit and what belongs to it: files by their paths, the commands that bring it into its state, and whose it is."""

    unit: str
    files: dict[str, str]
    state: tuple[str, ...] = ()
    user: bool = False
    others: tuple[str, ...] = ()  # further units that are noted
    loops: bool = False


def service(command: str = "sleep infinity", more: str = "", install: str = INSTALL) -> str:
    return f"[Service]\nExecStart=/usr/bin/{command}\n{more}{install}"


def one(name: str, *state: str, more: str = "", install: str = INSTALL, **rest: t.Any) -> World:
    """A service of its own file."""
    return World(f"{name}.service", {f"{SYSTEM}/{name}.service": service(more=more, install=install)}, state, **rest)


def pair(name: str, kind: str, content: str, *state: str, job: str = "ExecStart=/usr/bin/sleep infinity\n") -> World:
    """A service and what triggers it, of which the trigger is changed."""
    files = {f"{SYSTEM}/{name}.{kind}": content, f"{SYSTEM}/{name}.service": f"[Service]\n{job}"}
    return World(f"{name}.{kind}", files, state, others=(f"{name}.service",))


def timer(name: str, *state: str) -> World:
    content = "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n"
    return pair(name, "timer", content, *state, job="Type=oneshot\nExecStart=/usr/bin/true\n")


def user_unit(name: str, *state: str) -> World:
    return World(f"{name}.service", {f"{HOME}/{name}.service": service(install="[Install]\nWantedBy=default.target\n")}, state, user=True)


def socket(name: str, port: int, *state: str) -> World:
    return pair(name, "socket", f"[Socket]\nListenStream=127.0.0.1:{port}\n[Install]\nWantedBy=sockets.target\n", *state)


ONESHOT = "Type=oneshot\nRemainAfterExit=yes\nExecStart=\nExecStart=/usr/bin/true\n"
REQUIRES = "[Unit]\nRequires=gd-needed.service\nAfter=gd-needed.service\n"
GENERATOR = (
    "#!/bin/sh\nprintf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > \"$1/gd-generated.service\"\n"
    'mkdir -p "$1/multi-user.target.wants"; ln -sf ../gd-generated.service "$1/multi-user.target.wants/"\n'
)

WORLDS = (
    one("gd-enabled-active", "enable --now"),
    one("gd-enabled-inactive", "enable"),
    one("gd-disabled-active", "start"),
    one("gd-disabled-inactive"),
    one("gd-static-active", "start", install=""),
    one("gd-static-inactive", install=""),
    World("gd-linked.service", {"/etc/systemd/elsewhere/gd-linked.service": service(install="")}, ("link", "start")),
    one("gd-masked", "mask"),
    one("gd-masked-active", "start", "mask"),
    one("gd-masked-runtime", "mask --runtime"),
    one("gd-enabled-runtime", "enable --runtime", "start"),
    one("gd-aliased", "enable --now", install=f"{INSTALL}Alias=gd-alias.service\n"),
    World("gd-many@one.service", {f"{SYSTEM}/gd-many@.service": service("sleep infinity # %i")}, ("enable --now",)),
    World("gd-lone@two.service", {f"{SYSTEM}/gd-lone@.service": service()}, ("start",)),
    World(
        "gd-dropin.service",
        {f"{SYSTEM}/gd-dropin.service": service(), f"{ADMIN}/gd-dropin.service.d/10-nice.conf": "[Service]\nNice=3\n"},
        ("enable --now",),
    ),
    World(
        "gd-override.service",
        {f"{SYSTEM}/gd-override.service": service(), f"{ADMIN}/gd-override.service": service("sleep infinity", "Nice=2\n")},
        ("enable --now",),
    ),
    socket("gd-listening", 7301, "enable --now"),
    socket("gd-accepted", 7302, "enable --now"),
    socket("gd-deaf", 7303),
    timer("gd-timer", "enable --now"),
    timer("gd-timer-off"),
    timer("gd-timer-stopped", "enable"),
    pair("gd-path", "path", "[Path]\nPathExists=/run/gd-never\n[Install]\nWantedBy=multi-user.target\n", "enable --now"),
    one("gd-oneshot", "enable --now", more=ONESHOT),
    one("gd-oneshot-off", "enable", more=ONESHOT),
    one("gd-failed", "start", more="ExecStart=\nExecStart=/usr/bin/false\n"),
    one(
        "gd-loop",
        "start --no-block",
        more="ExecStart=\nExecStart=/usr/bin/false\nRestart=always\nRestartSec=300ms\nStartLimitIntervalSec=0\n",
        loops=True,
    ),
    World("gd-generated.service", {f"{ADMIN.parent}/system-generators/gd-generator": GENERATOR}, ("start",)),
    one("gd-reloadable", "enable --now", more="ExecReload=/usr/bin/true\n"),
    World(
        "gd-environment.service",
        {
            f"{SYSTEM}/gd-environment.service": service("sleep $TIME", "EnvironmentFile=/etc/default/gd\n"),
            "/etc/default/gd": "TIME=infinity\n",
        },
        ("enable --now",),
    ),
    World(
        "gd-needed.service",
        {f"{SYSTEM}/gd-needed.service": service(), f"{SYSTEM}/gd-needing.service": REQUIRES + service()},
        ("start", "start gd-needing.service"),
        others=("gd-needing.service",),
    ),
    World("srv-gd.mount", {f"{SYSTEM}/srv-gd.mount": f"[Mount]\nWhat=tmpfs\nWhere=/srv/gd\nType=tmpfs\n{INSTALL}"}, ("enable --now",)),
    World("gd-group.target", {f"{SYSTEM}/gd-group.target": f"[Unit]\nDescription=A group\n{INSTALL}"}, ("enable --now",)),
    user_unit("gd-user-active", "enable --now"),
    user_unit("gd-user-inactive"),
    user_unit("gd-user-disabled-active", "start"),
)


def run(*argv: str, check: bool = True) -> str:
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 (written here)
    if check and answer.returncode:
        sys.exit(f"{' '.join(argv)} exited {answer.returncode}: {answer.stderr or answer.stdout}")
    return answer.stdout


AS_USER = ("runuser", "-u", "deploy", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000")


def systemctl(user: bool, *words: str, check: bool = True) -> str:
    return run(*(AS_USER if user else ()), "systemctl", *(("--user",) if user else ()), *words, check=check)


def reload_all() -> None:
    systemctl(False, "daemon-reload")
    systemctl(True, "daemon-reload")


def write(path: str, content: str) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    if "generators" in path:
        file.chmod(0o755)
    if path.startswith("/home/"):
        run("chown", "-R", "deploy:", "/home/deploy/.config")


# Each of these has the manager read everything again, which is done once for all of them; an unmasked unit is started next.
RELOADING = ("enable", "disable", "mask", "link", "add-wants")


def act(world: World, words: str, check: bool = True) -> None:
    """A word or two for systemctl; without a unit, it is the world's."""
    verb, *rest = words.split()
    rest += ["--no-reload"] if verb in RELOADING else []
    names = [word for word in rest if not word.startswith("-")]
    flags = [word for word in rest if word.startswith("-")]
    target = names or [next(iter(world.files)) if verb == "link" else world.unit]
    target += [world.unit] if verb == "add-wants" else []
    systemctl(world.user, verb, *flags, *target, check=check)


def make() -> None:
    run("loginctl", "enable-linger", "deploy")
    for _attempt in range(50):
        if Path("/run/user/1000/systemd/private").exists():
            break
        time.sleep(0.1)
    for world in WORLDS:
        for path, content in world.files.items():
            write(path, content)
    reload_all()
    for world in WORLDS:
        for words in world.state:
            act(world, words, check=not words.startswith("start") or world.unit != "gd-failed.service")
    reload_all()
    run("sh", "-c", "exec 3<>/dev/tcp/127.0.0.1/7302", check=False)
    run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7302; sleep 0.2")


# How a world can be changed: each a function, by a name that the check can tell.

Way = t.Callable[[World], None]

# What is done once the managers have read the files.
LATER: list[tuple[World, str]] = []


def by_hand(*words: str) -> Way:
    def change(world: World) -> None:
        for each in words:
            act(world, each, check=False)

    return change


def main_file(world: World) -> Path:
    """The file that defines the unit."""
    named = [path for path in world.files if path.endswith((world.unit, ".target", ".mount"))]
    return Path(named[-1] if named else next(iter(world.files)))


def rewritten(then: str, old: str = "", new: str = "") -> Way:
    """Another content for the file that defines the unit, noticed by systemd, and what is done then."""

    def change(world: World) -> None:
        file = main_file(world)
        text = file.read_text(encoding="utf-8")
        text = text.replace(old, new) if old and old in text else text.replace("[Service]", "[Service]\nNice=7") + "# changed\n"
        write(str(file), text)
        if then:
            LATER.append((world, then))

    return change


def removed(before: str) -> Way:
    def change(world: World) -> None:
        if before:
            act(world, before, check=False)
        for path in world.files:
            Path(path).unlink()

    return change


def drop_in(folder: Path, then: str) -> Way:
    def change(world: World) -> None:
        root = HOME if world.user else folder
        section = {"service": "Service]\nNice=9", "mount": "Unit]\nDescription=x"}.get(
            world.unit.rpartition(".")[2], "Unit]\nDescription=changed"
        )
        write(str(root / f"{world.unit}.d" / "99-change.conf"), f"[{section}\n")
        if then:
            LATER.append((world, then))

    return change


def overridden(world: World) -> None:
    """A file of the same name where it counts more."""
    root = HOME if world.user else ADMIN
    name = main_file(world).name
    text = service("sleep 70000") if name.endswith(".service") else main_file(world).read_text(encoding="utf-8") + "# other\n"
    if (root / name).is_symlink():
        (root / name).unlink()
    write(str(root / name), text)
    LATER.append((world, "restart"))


def made_to_fail(world: World) -> None:
    rewritten("restart", "/usr/bin/sleep", "/usr/bin/false")(world)


def made_a_job(world: World) -> None:
    """A daemon becomes what a timer runs."""
    act(world, "stop", check=False)
    rewritten("", "[Service]", "[Service]\nType=oneshot\nExecStartPre=/usr/bin/true\n#")(world)
    root = HOME if world.user else ADMIN
    name = f"{world.unit.rpartition('.')[0]}.timer"
    write(str(root / name), "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n")
    LATER.append((world, f"enable --now {name}"))


def environment_changed(world: World) -> None:
    write("/etc/default/gd", "TIME=70000\n")
    act(world, "restart", check=False)


COMMON: dict[str, Way] = {
    "toggled": lambda world: act(world, "disable --now" if "enable" in "".join(world.state) else "enable --now", check=False),
    "masked": by_hand("mask --now"),
    "masked while it runs": by_hand("mask"),
    "masked at run time": by_hand("mask --runtime"),
    "unmasked and started": by_hand("unmask", "start"),
    "stopped": by_hand("stop"),
    "started": by_hand("start"),
    "restarted": by_hand("restart"),
    "disabled": by_hand("disable"),
    "enabled": by_hand("enable"),
    "enabled at run time": by_hand("enable --runtime"),
    "rewritten": rewritten(""),
    "rewritten and restarted": rewritten("restart", "infinity", "70000"),
    "removed": removed("disable --now"),
    "removed while it runs": removed(""),
    "drop-in": drop_in(ADMIN, ""),
    "drop-in and restart": drop_in(ADMIN, "restart"),
    "drop-in at run time": drop_in(RUNTIME, "restart"),
    "overridden": overridden,
    "wanted by another": by_hand("add-wants default.target"),
}
FOR_SERVICES: dict[str, Way] = {
    "killed": by_hand("kill --signal=KILL"),
    "made to fail": made_to_fail,
    "reloaded": by_hand("reload"),
    "made a job": made_a_job,
}
OF_ONE: dict[str, dict[str, Way]] = {
    "gd-environment.service": {"environment changed": environment_changed},
}


def ways(world: World) -> dict[str, Way]:
    found = dict(COMMON)
    if world.unit == "gd-generated.service":
        # What a generator makes can neither be enabled nor removed, but the generator can.
        found = {name: way for name, way in COMMON.items() if not name.startswith(("rewritten", "enabled", "disabled"))}
    elif world.unit.endswith(".service"):
        found.update(FOR_SERVICES)
        found["property set"] = set_property
    return {**found, **OF_ONE.get(world.unit, {})}


def set_property(world: World) -> None:
    systemctl(world.user, "set-property", "--runtime", world.unit, "TasksMax=77", check=False)


def add_files() -> None:
    """What the change brings along itself."""
    write(f"{ADMIN}/gd-new.service", service("sleep 70000"))
    write(f"{ADMIN}/gd-new.timer", "[Timer]\nOnActiveSec=1h\n[Install]\nWantedBy=timers.target\n")
    write(f"{ADMIN}/gd-new-failing.service", service("false"))
    write(f"{HOME}/gd-user-new.service", service("sleep 70000", install="[Install]\nWantedBy=default.target\n"))


def start_added() -> None:
    systemctl(False, "enable", "--now", "--no-reload", "gd-new.service", "gd-new.timer", check=False)
    systemctl(False, "start", "gd-new-failing.service", check=False)
    systemctl(True, "enable", "--now", "--no-reload", "gd-user-new.service", check=False)


NEW = (("gd-new.service", False), ("gd-new.timer", False), ("gd-new-failing.service", False), ("gd-user-new.service", True))


def change(seed: int, number: int) -> None:
    """Each world but some in one of its ways; over the rounds all of them."""
    chosen = {}
    for index, world in enumerate(WORLDS):
        names = list(ways(world))
        random.Random(f"{seed} {index}").shuffle(names)  # noqa: S311 (no secret)
        if random.Random(f"{seed} {index} {number}").random() < 0.2:  # noqa: S311
            continue  # left alone
        chosen[world.unit] = names[number % len(names)]
    refresh()
    for world in WORLDS:
        if world.unit in chosen:
            ways(world)[chosen[world.unit]](world)
    add_files()
    reload_all()
    for world, words in LATER:
        act(world, words, check=False)
    start_added()
    reload_all()
    CHANGED.write_text(json.dumps(chosen), encoding="utf-8")
    sys.stdout.write(json.dumps(chosen, indent=1) + "\n")


def look_at(units: list[str], user: bool) -> dict[str, dict[str, str]]:
    """All that systemctl says of units, their definitions, and what their main processes really are."""
    text = systemctl(user, "show", "--property=" + ",".join((*FIELDS, *UNTOUCHED)), *units)
    blocks = text.strip("\n").split("\n\n")
    enabled = systemctl(user, "is-enabled", *units, check=False).split()
    if len(enabled) != len(units):  # of what is not there, older ones print nothing
        enabled = [systemctl(user, "is-enabled", unit, check=False).strip() for unit in units]
    found = {}
    for unit, block, state in zip(units, blocks, enabled, strict=True):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[unit] = {**fields, "is-enabled": state, **look_at_files(fields), **look_at_process(fields.get("MainPID", "0"))}
    return found


def look_at_files(fields: dict[str, str]) -> dict[str, str]:
    paths = [path for path in (fields["FragmentPath"], *fields["DropInPaths"].split()) if path]
    texts = [Path(path).read_text(encoding="utf-8") if Path(path).exists() else "gone" for path in paths]
    return {"definition": "\n".join(texts)}


def look_at_process(pid: str) -> dict[str, str]:
    if pid == "0":
        return {"runs": "", "nice": ""}
    try:
        runs = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        return {"runs": runs, "nice": Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[16]}
    except OSError:
        return {"runs": "gone", "nice": ""}


def look_at_all() -> dict[str, dict[str, str]]:
    found = {}
    for user in (False, True):
        found.update(look_at([unit for world in WORLDS if world.user == user for unit in (world.unit, *world.others)], user))
    return found


def refresh() -> None:
    """What runs now is what must still run if nothing is done to it: earlier restores may have started it."""
    noted, now = json.loads(NOTES.read_text(encoding="utf-8")), look_at_all()
    for unit, fields in noted.items():
        fields.update({field: now[unit].get(field, "") for field in UNTOUCHED})
    NOTES.write_text(json.dumps(noted), encoding="utf-8")


def note() -> None:
    NOTES.write_text(json.dumps(look_at_all()), encoding="utf-8")


def compare(world: World, unit: str, before: dict[str, str], now: dict[str, str], is_changed: bool) -> list[str]:
    fields = [*FIELDS, "is-enabled", "definition", "runs", "nice"]
    if world.loops:
        fields = [field for field in fields if field not in ("ActiveState", "runs", "nice")]
    elif not is_changed and before["ActiveState"] == "active":
        fields += UNTOUCHED
    found = []
    for field in fields:
        first, second = before.get(field, ""), now.get(field, "")
        if field == "Names":
            first, second = (" ".join(sorted(text.split())) for text in (first, second))
        if field == "ActiveState" and first == "failed" and second == "inactive":
            continue  # nothing fails again just so
        if first != second:
            found.append(f"{unit}: {field} is {second!r}, was {first!r}")
    if world.loops and now["ActiveState"] not in ("activating", "active", "failed", "deactivating"):
        found.append(f"{unit}: does not loop any more, is {now['ActiveState']}")
    return found


def check() -> None:
    noted, changed = json.loads(NOTES.read_text(encoding="utf-8")), json.loads(CHANGED.read_text(encoding="utf-8"))
    now, found = look_at_all(), []
    for world in WORLDS:
        for unit in (world.unit, *world.others):
            for line in compare(world, unit, noted[unit], now[unit], world.unit in changed):
                found.append(f"{line} (after: {changed.get(world.unit, 'nothing')})")
    for unit, user in NEW:
        seen = look_at([unit], user)[unit]
        if seen["LoadState"] != "not-found" or seen["ActiveState"] != "inactive":
            found.append(f"{unit} was added and is still there: {seen}")
    if found:
        sys.exit("\n".join(found))


def main(words: list[str]) -> None:
    if words[0] == "change":
        change(int(words[1]), int(words[2]))
    else:
        {"make": make, "note": note, "check": check}[words[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
