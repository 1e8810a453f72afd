# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a Compose project asks of the host.

Source: https://docs.docker.com/reference/compose-file/ and what Docker Compose 2.26 and Docker 26.1 did: ports are
discarded on the host's network, on none, and on networks that are all internal.
"""

from __future__ import annotations

import posixpath
import typing as t

from .._errors import BadInput, Unparsable
from .._ports.model import Declared, DeclaredPort
from .compose_interpolation import Filled, fill_text
from .compose_merge import Place, join, load_model, named
from .compose_names import DEFAULT_FILES, OVERRIDE_FILES, normalize_name
from .marks import Mark, Table, entries, mark_of
from .publish import parse_publish
from .run_line import declare_run, name_program
from .shell import split_words

if t.TYPE_CHECKING:
    from .compose_merge import Reader

_AT_BOOT = {"no": "no", "none": "no", "always": "yes", "any": "yes", "unless-stopped": "yes", "on-failure": "unknown"}
# More containers of one service show nothing that two do not.
_MOST_REPLICAS = 2
_MOST_STEPS = 100


class Project(t.NamedTuple):
    """A Compose project as somebody would start it.

    ``files`` are its files in the order of ``-f``; relative paths start in ``directory``, whose last part gives the
    name of a project that has no other. ``name`` is that of ``-p`` or ``COMPOSE_PROJECT_NAME``.
    """

    files: tuple[str, ...]
    directory: str
    environment: t.Mapping[str, str]
    name: str | None = None
    profiles: tuple[str, ...] = ()


def find_project(
    directory: str,
    present: t.Container[str],
    environment: t.Mapping[str, str],
    files: t.Sequence[str] = (),
    name: str | None = None,
    profiles: t.Sequence[str] = (),
) -> Project | None:
    """The project that ``docker compose`` finds in a directory; None where there is none.

    ``present`` are the names of the files there, ``environment`` is the environment over ``.env``, whose
    ``COMPOSE_FILE``, ``COMPOSE_PROJECT_NAME`` and ``COMPOSE_PROFILES`` count where ``files`` (``-f``), ``name`` (``-p``)
    and ``profiles`` (``--profile``) are empty.
    """
    chosen = list(files)
    if not chosen and environment.get("COMPOSE_FILE"):
        chosen = environment["COMPOSE_FILE"].split(environment.get("COMPOSE_PATH_SEPARATOR") or ":")
    if not chosen:
        chosen = [found for found in DEFAULT_FILES if found in present][:1]
        chosen += [found for found in OVERRIDE_FILES if found in present][:1] if chosen else []
    if not chosen:
        return None
    active = [one for one in (profiles or environment.get("COMPOSE_PROFILES", "").split(",")) if one]
    named_so = name or environment.get("COMPOSE_PROJECT_NAME") or None
    return Project(tuple(join(directory, file) for file in chosen), directory, environment, named_so, tuple(active))


def declare_project(project: Project, reader: Reader) -> tuple[Declared, ...]:
    """The containers that ``docker compose up`` would create, each with the host ports that it asks for.

    Services whose profile is not active and those with no replica are left out.

    :raises GuardError: a file cannot be read, or Compose would refuse it
    """
    name = find_name(project, reader)
    environment = {"COMPOSE_PROJECT_NAME": name, **project.environment}
    model = load_model(project.files, Place(project.directory, environment, reader))
    services = model.get("services")
    if services is not None and not isinstance(services, Table):
        raise Unparsable(f"{project.files[0]}: services is no mapping")
    active = {}
    for service_name, service in (services or {}).items():
        mark = mark_of(services, service_name, Mark(project.files[0], 0))
        if not isinstance(service, Table):
            raise Unparsable(f"{mark}: services.{service_name} is no mapping")
        if _is_active(service, project.profiles):
            active[service_name] = _Service(service_name, service, mark, name, model)
    return tuple(one for service in active.values() for one in service.declare(active))


def find_name(project: Project, reader: Reader) -> str:
    """The name of a project.

    :raises BadInput: the name that was given is none, or there is none
    :raises GuardError: a file cannot be read
    """
    if project.name:
        if normalize_name(project.name) != project.name:
            raise BadInput(f"{project.name!r} is no name of a Compose project: only a-z, 0-9, _ and -, and a letter or digit first")
        return project.name
    found = ""
    for file in project.files:
        for document in reader.documents(file):
            text = document.get("name") if isinstance(document, dict) else None
            if text:
                found = normalize_name(fill_text(str(text), project.environment, str(mark_of(document, "name", Mark(file, 0)))))
    found = found or normalize_name(posixpath.basename(posixpath.normpath(project.directory)))
    if not found:
        raise BadInput(f"{project.files[0]}: its folder gives the Compose project no name; write name: at its top")
    return found


def _is_active(service: Table, profiles: t.Sequence[str]) -> bool:
    wanted = service.get("profiles")
    if not isinstance(wanted, list) or not wanted:
        return True
    return "*" in profiles or any(str(one) in profiles for one in wanted)


class _Service:
    """One service of a project."""

    def __init__(self, name: str, table: Table, mark: Mark, project: str, model: Table) -> None:
        self._name, self._table, self._mark = name, table, mark
        self._project, self._model = project, model

    def _error(self, key: str, why: str) -> Unparsable:
        return Unparsable(f"{mark_of(self._table, key, self._mark)}: services.{self._name}.{key} {why}")

    def _text(self, key: str) -> str:
        value = self._table.get(key)
        return "" if value is None else str(value)

    def declare(self, active: t.Mapping[str, _Service]) -> list[Declared]:
        """What it asks for, once for each container."""
        replicas = self._replicas()
        ports, unknown, host_network = self._network(active)
        names = [self._text("container_name")] if self._text("container_name") else []
        names = names or [f"{self._project}-{self._name}-{number + 1}" for number in range(min(replicas, _MOST_REPLICAS))]
        image = self._text("image")
        return [
            Declared(
                kind="container",
                name=name,
                file=self._mark.file,
                line=self._mark.line,
                ports=ports,
                unknown=unknown,
                at_boot=self._at_boot(),
                host_network=host_network,
                program=name_program(image or None),
                engine="docker",
                image=image or None,
                compose_project=self._project,
                data=self._data(),
            )
            for name in names[:replicas]
        ]

    def _deploy(self, key: str) -> t.Any:
        deploy = self._table.get("deploy")
        return deploy.get(key) if isinstance(deploy, dict) else None

    def _replicas(self) -> int:
        scale, replicas = self._table.get("scale"), self._deploy("replicas")
        if scale is not None and replicas is not None and str(scale) != str(replicas):
            raise self._error("scale", f"is {scale} and deploy.replicas is {replicas}: Compose refuses that")
        wanted = replicas if scale is None else scale
        if wanted is None or isinstance(wanted, Filled):
            return 1
        try:
            return int(wanted)
        except (TypeError, ValueError):
            raise self._error("scale", f"is {wanted!r}, which is no number") from None

    def _at_boot(self) -> str:
        policy = self._text("restart")
        if not policy:
            conditions = self._deploy("restart_policy")
            if isinstance(conditions, dict):
                # "any" is the default of a restart_policy without a condition.
                policy = str(conditions.get("condition") or "any")
        return _AT_BOOT.get(policy.partition(":")[0] or "no", "unknown")

    def _network(self, active: t.Mapping[str, _Service]) -> tuple[tuple[DeclaredPort, ...], tuple[str, ...], bool]:
        """Its ports, why there may be more, and whether they are the host's own."""
        mode = self._mode(active)
        ports, unknown = self._ports()
        if isinstance(self._table.get("network_mode"), Filled) or "{{" in mode:
            return (), ("its network_mode depends on a variable that is not set",), False
        if mode == "host":
            return self._own_ports(), ("it uses the host's network, so every port of its program is the host's",), True
        if mode == "none":
            return (), (), False
        if mode.startswith("container:"):
            self._refuse_ports(ports, mode)
            return (), (f"it shares the network of the container {mode[10:]}, which is not described here",), False
        if mode.startswith("service:"):
            self._refuse_ports(ports, mode)
            return (), self._shared(mode[8:], active, (self._name,)), self._is_on_host(active, ())
        return ((), (), False) if self._is_internal() else (ports, unknown, False)

    def _words(self, key: str) -> list[str]:
        value = self._table.get(key)
        if isinstance(value, str):
            return list(split_words(value, self._mark.file, mark_of(self._table, key, self._mark).line))
        return [str(word) for word in value] if isinstance(value, list) else []

    def _own_ports(self) -> tuple[DeclaredPort, ...]:
        """The ports that its program's arguments name, as in the run line that would do the same."""
        entrypoint, command = self._words("entrypoint"), self._words("command")
        options = ["--network=host", *(["--entrypoint", entrypoint[0]] if entrypoint else [])]
        run = ["docker", "run", *options, self._text("image") or "unnamed", *entrypoint[1:], *command]
        declared = declare_run(run, self._mark.file, mark_of(self._table, "command", self._mark).line)
        return declared.ports if declared is not None else ()

    def _mode(self, active: t.Mapping[str, _Service]) -> str:
        """Its network_mode; another container of the project is named as its service."""
        mode = self._text("network_mode")
        if mode.startswith("container:"):
            for name, service in active.items():
                if mode[10:] == (service._text("container_name") or f"{self._project}-{name}-1"):
                    return f"service:{name}"
        return mode

    def _refuse_ports(self, ports: tuple[DeclaredPort, ...], mode: str) -> None:
        # "conflicting options: port publishing and the container type network mode"
        if ports:
            raise self._error("ports", f"cannot be published together with network_mode {mode}: Docker refuses it")

    def _shared(self, other: str, active: t.Mapping[str, _Service], way: tuple[str, ...]) -> tuple[str, ...]:
        """Why it may hold ports, where its network is that of another service of the project."""
        if other not in active:
            raise self._error("network_mode", f"names the service {other}, which is not there or in no active profile")
        if other in way or len(way) > _MOST_STEPS:
            raise self._error("network_mode", f"goes round in a circle: {', '.join((*way, other))}")
        mode = active[other]._mode(active)
        if mode == "host":
            return (f"it uses the host's network (through the service {other}), so every port of its program is the host's",)
        if mode.startswith("service:"):
            return self._shared(mode[8:], active, (*way, other))
        # In another container's network its ports are the host's only where that one publishes them, and they stand there.
        return (
            (f"it shares the network of the container {mode[10:]}, which is not described here",) if mode.startswith("container:") else ()
        )

    def _is_on_host(self, active: t.Mapping[str, _Service], way: tuple[str, ...]) -> bool:
        mode = self._mode(active)
        if mode.startswith("service:") and mode[8:] in active and self._name not in way and len(way) < _MOST_STEPS:
            return active[mode[8:]]._is_on_host(active, (*way, self._name))
        return mode == "host"

    def _is_internal(self) -> bool:
        """Whether all of its networks are internal: Docker publishes no port into those."""
        listed = self._table.get("networks")
        networks = named(listed, self._mark) if listed else {"default": None}
        known = self._model.get("networks")
        if not isinstance(networks, dict) or not isinstance(known, dict):
            return False
        described = [known.get(name) for name in networks]
        return all(isinstance(one, dict) and one.get("internal") in (True, "true") for one in described)

    def _ports(self) -> tuple[tuple[DeclaredPort, ...], tuple[str, ...]]:
        if "ports" not in self._table:
            return (), ()
        listed = self._table["ports"]
        if not isinstance(listed, list):
            raise self._error("ports", "is no list")
        unique: dict[t.Any, _Port] = {}
        for entry, mark in entries(listed, mark_of(self._table, "ports", self._mark)):
            port = _Port(entry, mark, f"services.{self._name}.ports")
            unique[port.key()] = port
        found: dict[tuple[str, str, int], DeclaredPort] = {}
        unknown: list[str] = []
        for port in unique.values():
            ports, why = port.read(self._mark.file)
            unknown += why
            for one in ports:
                found.setdefault((one.proto, one.address, one.port), one)
        return tuple(found.values()), tuple(dict.fromkeys(unknown))

    def _data(self) -> tuple[str, ...]:
        found = []
        for volume, _mark in entries(self._table.get("volumes"), self._mark):
            source = self._source(volume)
            if source is not None:
                found.append(source)
        return tuple(dict.fromkeys(found))

    def _source(self, volume: t.Any) -> str | None:
        """The host path or named volume that a mount keeps its data in; None where it keeps none or only reads."""
        if isinstance(volume, dict):
            source, kind = volume.get("source"), volume.get("type")
            if volume.get("read_only") is True or not source or kind not in ("bind", "volume"):
                return None
            return self._volume(str(source)) if kind == "volume" else str(source).rstrip("/") or "/"
        if not isinstance(volume, str):
            return None
        source, colon, rest = volume.partition(":")
        if not colon or "ro" in rest.partition(":")[2].split(","):
            return None
        if source.startswith(("/", "~", "$", ".")) or "/" in source:
            return source.rstrip("/") or "/"
        return self._volume(source)

    def _volume(self, name: str) -> str:
        """``volume:`` and the name that the engine knows it by."""
        known = self._model.get("volumes")
        described = known.get(name) if isinstance(known, dict) else None
        if isinstance(described, dict):
            if described.get("name"):
                return f"volume:{described['name']}"
            external = described.get("external")
            if external:
                return f"volume:{external.get('name', name) if isinstance(external, dict) else name}"
        return f"volume:{self._project}_{name}"


class _Port:
    """One entry of ``ports``, in the short syntax or the long."""

    def __init__(self, entry: t.Any, mark: Mark, where: str) -> None:
        self._entry, self._mark, self._where = entry, mark, where
        fields = list(entry.values()) if isinstance(entry, dict) else [entry]
        self._unset = [name for field in fields if isinstance(field, Filled) for name in field.unset]
        self._required = [name for field in fields if isinstance(field, Filled) for name in field.required]
        self._rendered = not any("{{" in str(field) or "{%" in str(field) for field in fields)

    def _error(self, why: str) -> Unparsable:
        return Unparsable(f"{self._mark}: {self._where}: {why}")

    def _text(self) -> str:
        """The entry in the short syntax."""
        if not isinstance(self._entry, dict):
            # "published=80,target=80" is Docker's, not Compose's.
            if isinstance(self._entry, bool) or not isinstance(self._entry, (str, int)) or "=" in str(self._entry):
                raise self._error(f"{self._entry!r} is no port")
            return str(self._entry)
        target = self._entry.get("target")
        if isinstance(target, bool) or not str(target).isdigit():
            raise self._error(f"a port has the target {target!r}, which is no number")
        host, published = (str(self._entry.get(key) or "") for key in ("host_ip", "published"))
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"{host}:{published}:{target}/{self._entry.get('protocol') or 'tcp'}"

    def key(self) -> t.Any:
        """What two entries that are one have in common; the last of them counts."""
        if not self._rendered or self._required:
            return repr(self._entry)
        text = self._text()
        short = text.rpartition("/")[0] if text.endswith("/tcp") else text
        return short.removeprefix("0.0.0.0:").removeprefix(":")

    def read(self, home: str) -> tuple[list[DeclaredPort], list[str]]:
        """The host ports that it asks for, and why it may ask for others. Those that the engine chooses are none.

        ``home`` is the file of the service; a port that comes from another file names it.
        """
        if not self._rendered:
            return [], [f"the port {self._entry!r} is a template that was not rendered"]
        missing = dict.fromkeys((*self._required, *self._unset))
        unknown = [f"a port depends on the variable {name}, which is not set" for name in missing]
        if self._required:
            return [], unknown
        text = self._text()
        try:
            published = parse_publish(text, "docker")
        except Unparsable as error:
            if self._unset:
                return [], unknown
            raise self._error(str(error)) from error
        source = f"ports: {text.strip(':') if isinstance(self._entry, dict) else text}"
        if self._mark.file != home:
            source += f" ({self._mark})"
        line = self._mark.line if self._mark.file == home else 0
        found = [(one.proto, one.address, one.host_port) for every in published for one in every.ports]
        chosen = [every.chosen_from for every in published if every.chosen_from]
        unknown += [f"the engine gives it one of the ports {first}-{last} ({source})" for first, last in chosen]
        return [DeclaredPort(proto, address, port, source, line, "declared") for proto, address, port in found if port], unknown
