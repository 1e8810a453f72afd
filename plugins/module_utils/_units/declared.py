# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the text of a service or socket unit says of ports, and what it cannot say."""

from __future__ import annotations

import re
import typing as t

from .._containers.run_line import declare_runs
from .._errors import Unparsable
from .._ports.arguments import is_silent
from .._ports.arguments import read_commands as read_arguments
from .._ports.model import Declared, DeclaredPort
from .commands import DIRECTORIES, STARTING, directories, read_commands, read_environment
from .listen import read_listen
from .specifiers import expand_specifiers, parse_name
from .words import sets_variable

if t.TYPE_CHECKING:
    from .commands import Command, Environment
    from .merge import MergedUnit

_ENGINES = ("docker", "podman", "docker-compose", "podman-compose")
# A working folder is state only where state lives: many units share /etc/openvpn or / as theirs.
_STATE_ROOTS = ("/var/lib/", "/var/opt/", "/srv/", "/data/")
_IP_FAMILIES = frozenset(("AF_INET", "AF_INET6"))
_HOST_NAMESPACE = ("/proc/1/ns/net", "/proc/self/ns/net")


def declare_unit(
    name: str,
    merged: MergedUnit,
    environment_files: t.Mapping[str, str | None],
    at_boot: str = "unknown",
    sockets: t.Sequence[str] = (),
) -> Declared:
    """What a unit's text says. Never raises: what cannot be read is ``unknown``.

    ``environment_files``: texts by path as ``EnvironmentFile=`` names them; None for one that does not exist, and a
    path that is missing for one that nobody has read. ``sockets`` are socket units that start the service and pass it
    their sockets: the ports of its arguments may not apply then. A unit that runs ``docker run`` or ``podman run`` is
    one claimant with its container, of the kind ``container``.
    """
    kind = "socket" if parse_name(name).suffix == "socket" else "unit"
    file = merged.fragment or (merged.drop_ins[0] if merged.drop_ins else name)
    empty = Declared(kind, name, file, 0, (), (), "no" if merged.load == "masked" else at_boot, host_network=True)
    if merged.load == "masked":
        return empty
    if merged.load != "loaded":
        return empty._replace(unknown=(merged.problem or "its file was not found",))
    suffix = parse_name(name).suffix
    found = empty
    if suffix == "socket":
        found = _declare_socket(empty, merged)
    elif suffix == "service":
        found = _declare_service(empty, merged, environment_files, sockets)
    return found._replace(unknown=(*found.unknown, merged.problem)) if merged.problem else found


def find_service_of_socket(name: str, merged: MergedUnit) -> str:
    """The service that a socket unit starts: ``Service=``, or its own name; a template with ``Accept=yes``."""
    named = merged.last("Socket", "Service")
    if named is not None:
        return expand_specifiers(named.value, name, merged.fragment or "").text
    stem = name.rpartition(".")[0]
    return f"{stem}@.service" if merged.flag("Socket", "Accept") else f"{stem}.service"


def _declare_socket(empty: Declared, merged: MergedUnit) -> Declared:
    listened = read_listen(merged)
    found = empty._replace(
        ports=listened.ports, unknown=listened.unknown, data=listened.paths, unit=find_service_of_socket(empty.name, merged)
    )
    return _outside(found) if _namespace(merged, "Socket") else found


def _outside(declared: Declared) -> Declared:
    return declared._replace(ports=(), unknown=(), host_network=False)


def _namespace(merged: MergedUnit, section: str) -> bool:
    """Whether it runs in a network namespace of its own. ``JoinsNamespaceOf=`` shares that of another unit, and acts
    on units with ``PrivateNetwork=yes`` only."""
    path = merged.last(section, "NetworkNamespacePath")
    return merged.flag(section, "PrivateNetwork") or (path is not None and path.value not in _HOST_NAMESPACE)


def _declare_service(
    empty: Declared, merged: MergedUnit, environment_files: t.Mapping[str, str | None], sockets: t.Sequence[str]
) -> Declared:
    environment = read_environment(merged, environment_files)
    commands = {key: read_commands(merged, key, environment) for key in STARTING}
    runs, unreadable = _containers(empty, [command for key in STARTING for command in commands[key]])
    if runs:
        return _one_claimant(empty, runs, merged, unreadable)
    found = _by_arguments(empty, merged, commands["ExecStart"], environment)
    unknown = [*found.unknown, *unreadable, *_engine_work([command for key in STARTING for command in commands[key]])]
    found = found._replace(unknown=tuple(dict.fromkeys(unknown)), data=_data(merged, found.data))
    if _namespace(merged, "Service"):
        return _outside(found)
    if not _may_use_ip(merged):
        return found._replace(ports=(), unknown=())
    return _without_passed_sockets(found, merged, sockets)


def _containers(empty: Declared, commands: t.Sequence[Command]) -> tuple[list[Declared], list[str]]:
    """The containers that the commands create, and what could not be read of them."""
    found: list[Declared] = []
    unreadable = []
    for command in commands:
        try:
            runs = declare_runs(command.argv, command.setting.file, command.setting.line, empty.name)
        except Unparsable as error:
            unreadable.append(str(error))
            continue
        found += runs
    # "docker start" of what another line has created says nothing more.
    created = {run.name for run in found if run.ports or run.image}
    return [run for run in found if run.image or run.name not in created], unreadable


def _one_claimant(empty: Declared, runs: list[Declared], merged: MergedUnit, unreadable: list[str]) -> Declared:
    """A unit and the containers that it runs, as one."""
    first = runs[0]
    ports = tuple(dict.fromkeys(port for run in runs for port in run.ports))
    unknown = tuple(dict.fromkeys([*(why for run in runs for why in run.unknown), *unreadable]))
    data = tuple(dict.fromkeys(path for run in runs for path in run.data))
    together = first._replace(
        ports=ports,
        unknown=unknown,
        data=data,
        file=empty.file,
        at_boot=first.at_boot if first.at_boot == "yes" else empty.at_boot,
        unit=empty.name,
        host_network=any(run.host_network for run in runs),
    )
    # Docker's daemon publishes the ports, wherever its client runs.
    return _outside(together) if first.engine == "podman" and _namespace(merged, "Service") else together


def _engine_work(commands: t.Sequence[Command]) -> list[str]:
    """Commands of an engine that start what this unit's text does not show."""
    found = []
    for command in commands:
        text = " ".join(command.argv)
        match = re.search(r"\b(docker|podman)[ -]compose\b.*\b(up|start|run|restart)\b", text)
        if match is not None:
            found.append(f"{command.key}= starts a compose project, whose ports stand in its own files")
        elif re.search(r"\b(docker|podman) (stack deploy|service create|pod start)\b", text):
            found.append(f"{command.key}= starts containers whose ports stand elsewhere")
    return found


def _by_arguments(empty: Declared, merged: MergedUnit, commands: t.Sequence[Command], environment: Environment) -> Declared:
    ports: list[DeclaredPort] = []
    unknown: list[str] = list(environment.unknown) if any(command.unknown for command in commands) else []
    data: list[str] = []
    program = None
    variables = environment.variables
    for command in commands:
        unknown += command.unknown
        # A script that sets a variable itself may do so on a condition.
        variables = {
            name: None if any(sets_variable(word, name) for word in _setting(command)) else value for name, value in variables.items()
        }
        asked = read_arguments(command.argv, None if environment.unread else variables)
        if not asked and command.argv:
            unknown.append(f"the script that {command.key}= runs is not read")
        for one in asked:
            program = program if program and not is_silent(program) else one.program
            if one.program not in _ENGINES:
                unknown += [one.unknown] if one.unknown else []
            data += one.data
            place = "" if command.setting.file == empty.file else f" in {command.setting.file}"
            source = f"{command.key}={' '.join(command.argv)}"
            ports += (
                DeclaredPort(port.proto, port.address, port.port, f"{source:.200}{place}", command.setting.line, port.confidence)
                for port in one.ports
            )
    line = commands[0].setting.line if commands and commands[0].setting.file == empty.file else 0
    found = empty._replace(ports=tuple(dict.fromkeys(ports)), program=program, data=tuple(data), line=line)
    kind = merged.last("Service", "Type")
    if kind is not None and kind.value == "oneshot" and not merged.flag("Service", "RemainAfterExit"):
        # It holds nothing once it is done: systemd ends what is left of it.
        return found._replace(ports=())
    return found._replace(unknown=tuple(dict.fromkeys(unknown)))


def _setting(command: Command) -> list[str]:
    """The words of a command that may be a script which sets variables: options are not (``--port=${PORT}``)."""
    return [word for word in command.argv if not word.startswith("-") and ("=" in word or "read" in word or "for" in word)]


def _may_use_ip(merged: MergedUnit) -> bool:
    """Whether ``RestrictAddressFamilies=`` lets it open IP sockets (systemd.exec(5)); ports that it is passed are its
    socket unit's."""
    allow: bool | None = None
    families: set[str] = set()
    for one in merged.all("Service", "RestrictAddressFamilies"):
        if not one.value:
            allow, families = None, set()
            continue
        if one.value == "none":
            allow, families = True, set()
            continue
        inverted = one.value.startswith("~")
        if allow is None:
            allow = not inverted
        named = set(one.value.lstrip("~").split())
        families = families | named if inverted != allow else families - named
    if allow is None:
        return True
    return bool(families & _IP_FAMILIES) if allow else not families >= _IP_FAMILIES


def _without_passed_sockets(found: Declared, merged: MergedUnit, sockets: t.Sequence[str]) -> Declared:
    """A service that gets its sockets passed may not open the ports of its arguments (8000 alone, 80 by its socket)."""
    named = [word for one in merged.listed("Service", "Sockets") for word in one.value.split()]
    named += [word for key in ("Requires", "BindsTo") for one in merged.all("Unit", key) for word in one.value.split()]
    passing = [*sockets, *(word for word in named if word.endswith(".socket"))]
    if not passing or not found.ports:
        return found
    doubts = [f"{passing[0]} may pass it sockets instead of {port.proto} port {port.port} of its arguments" for port in found.ports]
    return found._replace(ports=(), unknown=tuple(dict.fromkeys([*found.unknown, *doubts])))


def _data(merged: MergedUnit, from_arguments: t.Sequence[str]) -> tuple[str, ...]:
    found = [*from_arguments, *directories(merged, "StateDirectory", DIRECTORIES["StateDirectory"][1])]
    for key in ("WorkingDirectory", "PIDFile"):
        one = merged.last("Service", key)
        if one is None:
            continue
        path = expand_specifiers(one.value.lstrip("-"), merged.name, merged.fragment or "")
        text = path.text.rstrip("/")
        if key == "PIDFile":
            text = text if text.startswith("/") else f"/run/{text}"
        if not path.unknown and (key == "PIDFile" or f"{text}/".startswith(_STATE_ROOTS)):
            found.append(text)
    return tuple(dict.fromkeys(found))
