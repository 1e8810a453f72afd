# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What a retirement must know of the host: units that go together, enablement links, containers by name and project."""

from __future__ import annotations

import json
import typing as t

from .._containers.inspect import parse_docker_inspect, parse_podman_inspect
from .._containers.quadlet import FOLDERS, is_quadlet, name_service
from .._containers.run_line import ENGINES, declare_runs
from .._errors import BadInput, CouldNotLook, NothingThere, Refused
from .._retirement.model import Member
from .._units.show import PROPERTIES, parse_show
from .units import collect_units

if t.TYPE_CHECKING:
    from .._containers.model import Container
    from .._host import Host
    from .._units.model import Unit

UNIT_TYPES = ("service", "socket", "timer", "path")
_LINK_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
_LINKS_IN = (".wants", ".requires", ".upholds")
_PROJECT_LABELS = ("com.docker.compose.project", "io.podman.compose.project")


class FoundContainer(t.NamedTuple):
    """A container, its restart policy as ``--restart`` takes it, and whether it is gone once it stops (``--rm``)."""

    container: Container
    restart_policy: str
    is_removed: bool


def collect_units_named(host: Host, names: t.Sequence[str], timeout: float) -> dict[str, Unit]:
    """Units by the names that were asked for; one that does not exist has the load state ``not-found``.

    :raises CouldNotLook: systemctl failed
    """
    if not names:
        return {}
    argv = ["systemctl", "show", "--no-pager", "--property=" + ",".join(PROPERTIES), "--", *names]
    answer = host.run(argv, timeout)
    found = parse_show(answer.out)
    if answer.rc != 0 or len(found) != len(names):
        raise CouldNotLook(f"systemctl show exited {answer.rc}: {' '.join((answer.err or answer.out).split())[:300]}")
    return dict(zip(names, found))


def collect_members(host: Host, name: str, timeout: float) -> tuple[Member, ...]:
    """A unit and those that would start it again, in the order in which they must be stopped: what triggers a service
    before it, a socket before the service that it starts.

    :raises BadInput: the name is not that of one service, socket, timer or path unit
    :raises NothingThere: there is no such unit
    :raises Refused: it cannot be told what retiring the unit should stop
    """
    stem, _dot, kind = name.rpartition(".")
    if kind not in UNIT_TYPES or not stem or "/" in name:
        raise BadInput(f"unit: {name!r} is not the name of a service, socket, timer or path unit; write it in full, as in nginx.service")
    if stem.endswith("@"):
        raise Refused(f"{name} is a template and runs nothing by itself; name the instance, as in {stem}one.{kind}")
    unit = collect_units_named(host, [name], timeout)[name]
    if unit.load == "not-found" and unit.active in ("inactive", "failed"):
        raise NothingThere(f"there is no unit {name} on this host")
    if unit.load not in ("loaded", "masked", "not-found"):
        raise Refused(f"{name} cannot be loaded ({unit.load}); look at systemctl status {name}")
    others = unit.triggers if kind == "socket" else unit.triggered_by
    known = collect_units_named(host, others, timeout)
    if kind == "socket":
        for service in known.values():
            more = [other for other in service.triggered_by if other != unit.name]
            if more:
                raise Refused(f"{service.name} is started by {', '.join(more)} as well; name {service.name} to retire all of them")
    target = Member(unit.name, unit, is_target=True)
    rest = tuple(Member(other, known[other], is_target=False) for other in others)
    return (target, *rest) if kind == "socket" else (*rest, target)


def read_own_cgroup(host: Host) -> str:
    """The cgroup that this very look runs in, empty where it cannot be read."""
    try:
        return host.read_text("/proc/self/cgroup")
    except (CouldNotLook, NothingThere):
        return ""


def collect_links(host: Host) -> dict[str, str]:
    """The symbolic links of enablement, path to target: aliases, and those in ``.wants``, ``.requires`` and ``.upholds``."""
    pending = list(reversed(_LINK_FOLDERS))
    found: dict[str, str] = {}
    while pending:
        folder = pending.pop()
        for name, kind in _entries(host, folder):
            path = f"{folder}/{name}"
            if kind == "folder" and folder in _LINK_FOLDERS and name.endswith(_LINKS_IN):
                pending.append(path)
            elif kind == "link":
                found[path] = host.read_link(path)
    return found


def _entries(host: Host, folder: str) -> list[tuple[str, str]]:
    try:
        return host.entries(folder)
    except NothingThere:
        return []


def read_quadlet(host: Host, name: str) -> tuple[str, str]:
    """The path of one of root's quadlets, by its name (``web.container``) or path, and the service that it becomes.

    :raises BadInput: the name is not that of a quadlet with a service
    :raises NothingThere: there is no such file
    """
    if not is_quadlet(name):
        raise BadInput(f"quadlet: {name!r} is not the name of a .container, .pod or .kube file")
    paths = [name] if name.startswith("/") else [f"{folder}/{name}" for folder in FOLDERS]
    for path in paths:
        if not path.startswith(FOLDERS) or "/users/" in path:
            raise Refused(f"{path} is no quadlet of root's: those lie in {', '.join(FOLDERS)}")
        try:
            text = host.read_text(path)
        except NothingThere:
            continue
        return path, name_service(path, text)
    raise NothingThere(f"there is no quadlet {name} in {', '.join(FOLDERS)}")


def _inspect(host: Host, engine: str, names: t.Sequence[str], timeout: float) -> list[FoundContainer]:
    answer = host.run([engine, "container", "inspect", "--", *names], timeout)
    if answer.rc != 0:
        said = " ".join(answer.err.split())
        # Docker: "Error: No such container: web"; Podman: "no such container web", "no container with name or ID ... found".
        if "o such container" in said or "no container with name" in said:
            raise NothingThere(said)
        raise CouldNotLook(f"{engine} inspect exited {answer.rc}: {said[:300]}")
    found = []
    for document in json.loads(answer.out):
        text = json.dumps(document if engine == "docker" else [document])
        container = parse_docker_inspect(text) if engine == "docker" else parse_podman_inspect(text)[0]
        settings = document.get("HostConfig") or {}
        retries = (settings.get("RestartPolicy") or {}).get("MaximumRetryCount") or 0
        policy = container.restart_policy
        written = f"{policy}:{retries}" if policy == "on-failure" and retries else policy
        found.append(FoundContainer(container, written, bool(settings.get("AutoRemove"))))
    return found


def collect_containers_by_id(host: Host, engine: str, ids: t.Sequence[str], timeout: float) -> dict[str, FoundContainer]:
    """Containers of one engine by their ids; one that is gone is left out."""
    found = {}
    for one in ids:
        try:
            (container,) = _inspect(host, engine, [one], timeout)
        except NothingThere:
            continue
        found[one] = container
    return found


def can_change_restart_policy(host: Host, engine: str, timeout: float) -> bool:
    """Whether ``update --restart`` is there: with Docker always, with Podman since 5.1 or so."""
    return engine == "docker" or "--restart " in host.run([engine, "update", "--help"], timeout).out


def find_engines(host: Host, engine: str | None) -> list[str]:
    """The engines that are installed, or the one that is asked for.

    :raises NothingThere: there is none
    """
    found = [one for one in ENGINES if engine in (None, one) and host.has(one)]
    if not found:
        raise NothingThere(f"{engine or 'neither docker nor podman'} is {'not ' if engine else ''}installed")
    return found


def collect_container(host: Host, engine: str | None, name: str, timeout: float) -> FoundContainer:
    """A container by its name or id.

    :raises NothingThere: no engine has it
    :raises Refused: two engines have one, or a unit runs it
    """
    found = []
    for one in find_engines(host, engine):
        try:
            found += _inspect(host, one, [name], timeout)
        except NothingThere:
            continue
    if not found:
        raise NothingThere(f"there is no container {name} on this host")
    if len(found) > 1:
        raise Refused(f"docker and podman both have a container {name}; say which with engine")
    container = found[0].container
    unit = container.unit or _unit_that_runs(host, container, timeout)
    if unit is not None:
        raise Refused(f"the container {container.name} is run by {unit}, which would start it again; retire that unit instead")
    return found[0]


def _unit_that_runs(host: Host, container: Container, timeout: float) -> str | None:
    """The loaded unit whose command runs or starts a container by its name."""
    for (user, name), unit in collect_units(host, timeout).units.items():
        if user is None and unit.argv:
            for declared in declare_runs(unit.argv, name, 0, name):
                if (declared.engine, declared.name) == (container.engine, container.name) and unit.active != "inactive":
                    return name
    return None


def collect_project(host: Host, engine: str | None, project: str, timeout: float) -> tuple[FoundContainer, ...]:
    """The containers of a Compose project, first started first; they carry its name as a label.

    :raises NothingThere: no engine has containers of it
    :raises Refused: two engines have
    """
    found: dict[str, list[FoundContainer]] = {}
    for one in find_engines(host, engine):
        ids: dict[str, None] = {}
        for label in _PROJECT_LABELS:
            answer = host.run([one, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}={project}"], timeout)
            if answer.rc != 0:
                raise CouldNotLook(f"{one} ps exited {answer.rc}: {' '.join(answer.err.split())[:300]}")
            ids.update(dict.fromkeys(answer.out.split()))
        if ids:
            found[one] = _inspect(host, one, list(ids), timeout)
    if not found:
        raise NothingThere(f"there are no containers of a Compose project {project} on this host")
    if len(found) > 1:
        raise Refused(f"docker and podman both have containers of a Compose project {project}; say which with engine")
    containers = next(iter(found.values()))
    return tuple(sorted(containers, key=lambda one: (one.container.started, one.container.name)))
