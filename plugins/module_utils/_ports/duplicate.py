# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""One service twice: the same program under two managers, on the same data or by the same name.

A unit whose program was "containerised" later, a container that exists in two Compose projects, a quadlet beside a
``docker run``. On different ports they do not collide, and yet write to one database. A program that merely occurs
twice is no conflict: two nginx with their own pages are two services.
"""

from __future__ import annotations

import re
import typing as t

from .explain import name_owner
from .model import Claim, Conflict
from .remedy import plan_sides

if t.TYPE_CHECKING:
    from .model import Declared, Owner
    from .remedy import RunState


class Service(t.NamedTuple):
    """A declared service, whose it is, and how it stands. ``claims`` are those known of it on the host."""

    declared: Declared
    owner: Owner
    running: bool
    planned: bool = False
    claims: tuple[Claim, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it runs or may. What is stopped for good is at peace, or a retired side would be told for ever."""
        return self.planned or self.running or self.declared.at_boot != "no"


class Duplicates(t.NamedTuple):
    """``conflicts`` are of the kind ``duplicate_service``; ``same_programs`` are pairs (in words) that share a program
    and nothing else."""

    conflicts: tuple[Conflict, ...]
    same_programs: tuple[str, ...]


# Names of one program: of Debian's executable, of upstream's, of the image.
_ONE_PROGRAM = {
    "apache2": "httpd",
    "docker-registry": "registry",
    "grafana-server": "grafana",
    "influxd": "influxdb",
    "mariadb": "mysql",
    "mariadbd": "mysql",
    "mongod": "mongo",
    "mongodb": "mongo",
    "mysqld": "mysql",
    "mysqld-safe": "mysql",
    "named": "bind9",
    "nextcloud-apache": "nextcloud",
    "postgresql": "postgres",
    "redis-server": "redis",
    "slapd": "openldap",
    "traefik-proxy": "traefik",
    "valkey-server": "valkey",
    "varnishd": "varnish",
}
# They run anything: that two services have one of them says nothing.
_RUNS_ANYTHING = re.compile(
    r"(python|perl|ruby|node|nodejs|java|php|lua|mono|dotnet|deno|bun|bash|sh|dash|busybox|alpine|debian|ubuntu|fedora|env|exec|su"
    r"|runuser|systemd.*|docker|podman|conmon|containerd|true|false|sleep|cat|echo|start|run|init|tini)[\d.]*"
)
# Places that everybody may have, be it to read the time, to speak to an engine or to keep certificates.
_SHARED_FILES = re.compile(
    r"/(etc/(localtime|timezone|passwd|group|shadow|hosts|hostname|resolv\.conf|machine-id|ssl|pki|ca-certificates|letsencrypt"
    r"|nsswitch\.conf)"
    r"|run/(docker\.sock|containerd|podman|dbus|systemd|udev|user|lock|log|utmp)|usr|lib|lib64|bin|sbin|boot|dev|proc|sys|tmp"
    r"|var/(tmp|log/journal|lib/(docker|containers|containerd|dbus|systemd)|cache/apt))(/.*)?"
)
# Folders that hold the state of many: sharing one of them as a whole tells nothing.
_ROOTS = re.compile(
    r"/|/(data|etc|home|media|mnt|opt|root|run|srv|var|docker|storage|backup|backups)|/home/[^/]+|/(mnt|media)/[^/]+"
    r"|/var/(lib|log|cache|opt|www|spool|backups)"
)
_VOLUME_FOLDER = re.compile(r"/var/lib/(docker|containers/storage)/volumes/([^/]+)/_data")


def find_duplicates(services: t.Sequence[Service], state_of: t.Callable[[Owner], RunState]) -> Duplicates:
    """Every pair of services that are one program twice. Pairs of one manager (a Compose project's web and worker, two
    units of a package) are meant to be as they are and are left out."""
    by_program: dict[str, list[Service]] = {}
    for one in services:
        program = _program(one.declared)
        if program is not None and one.counts:
            by_program.setdefault(program, []).append(one)
    conflicts: list[Conflict] = []
    same: list[str] = []
    for program, group in sorted(by_program.items()):
        for index, one in enumerate(group):
            for other in group[index + 1 :]:
                if _is_one_claimant(one, other) or _manager(one.declared) == _manager(other.declared):
                    continue
                evidence = _evidence(one.declared, other.declared)
                if evidence:
                    conflicts.append(_conflict(program, one, other, evidence, state_of))
                else:
                    same.append(f"{_name(one)} and {_name(other)} both run {program}, and share nothing else that is known")
    return Duplicates(tuple(conflicts), tuple(dict.fromkeys(same)))


def _program(declared: Declared) -> str | None:
    if not declared.program or declared.kind == "socket":
        return None
    name = declared.program.lower().replace("_", "-").removeprefix("prometheus-")
    if _RUNS_ANYTHING.fullmatch(name):
        return None
    return _ONE_PROGRAM.get(name, name)


def _manager(declared: Declared) -> str:
    if declared.kind != "container":
        return "systemd"
    if declared.compose_project is not None:
        return f"{declared.engine} compose {declared.compose_project}"
    return f"{declared.engine} by systemd" if declared.unit else str(declared.engine)


def _is_one_claimant(one: Service, other: Service) -> bool:
    """A container and the unit that runs it; a plan and what an earlier run of it left."""
    first, second = one.declared, other.declared
    if one.owner.same_as(other.owner):
        return True
    units = {first.unit or first.name, second.unit or second.name}
    if len(units) == 1 and (first.unit or second.unit):
        return True
    # Declared without a project or unit, known to the engine with one.
    return first.kind == second.kind == "container" and (first.engine, first.name) == (second.engine, second.name)


def _evidence(one: Declared, other: Declared) -> list[str]:
    found = []
    for path in _places(one):
        for known in _places(other):
            shared = _common(path, known)
            if shared is not None:
                found.append(f"the volume {shared.partition(':')[2]}" if shared.startswith("volume:") else shared)
    if _plain_name(one) == _plain_name(other):
        found.append(f"the name {_plain_name(one)}")
    return list(dict.fromkeys(found))


def _places(declared: Declared) -> list[str]:
    """Data that tells one service from another; an engine's volume by its name and engine."""
    found = []
    for written in declared.data:
        path = re.sub(r"^/var/run(?=/|$)", "/run", written.rstrip("/"))
        volume = _VOLUME_FOLDER.fullmatch(path)
        # Volumes of two engines are two, even with one name.
        if volume is not None:
            found.append(f"volume:{volume[2]}\n{'docker' if volume[1].startswith('docker') else 'podman'}")
        elif path.startswith("volume:"):
            found.append(f"{path}\n{declared.engine}")
        elif path.startswith("/") and not _SHARED_FILES.fullmatch(path) and not _ROOTS.fullmatch(path):
            found.append(path)
    return found


def _common(one: str, other: str) -> str | None:
    """The place that two have in common: the same, or one inside the other."""
    if one == other:
        return one.partition("\n")[0]
    if "\n" in one or "\n" in other:
        return None
    if one.startswith(other + "/"):
        return one
    return other if other.startswith(one + "/") else None


def _plain_name(declared: Declared) -> str:
    """``prometheus`` of prometheus.service, and of containers prometheus, systemd-prometheus, shop-prometheus-1."""
    name = declared.name.lower()
    if declared.kind != "container":
        return re.sub(r"@?\.(service|socket)$", "", name)
    if declared.compose_project:
        match = re.fullmatch(rf"{re.escape(declared.compose_project.lower())}[-_](.+)[-_]\d+", name)
        if match is not None:
            return match[1]
    return name.removeprefix("systemd-")


def _name(service: Service) -> str:
    declared = service.declared
    place = f" ({declared.file}:{declared.line})" if service.planned and declared.file else ""
    return f"{name_owner(service.owner)}{place}"


def _conflict(
    program: str, one: Service, other: Service, evidence: list[str], state_of: t.Callable[[Owner], RunState]
) -> Conflict:
    parties = (*_claims(one), *_claims(other))
    shared = " and ".join(evidence[:3])
    kind = "write to the same files" if any(text.startswith(("/", "the volume")) for text in evidence) else "answer to one name"
    explanation = (
        f"{_name(one)} and {_name(other)} are one service twice: both run {program} and share {shared}. "
        f"Sooner or later both are up and {kind}, so keep one and retire the other."
    )
    return Conflict("duplicate_service", None, None, parties, explanation, plan_sides(parties, state_of), "declared")


def _claims(service: Service) -> tuple[Claim, ...]:
    """The claims of a party; one without a port where none is known."""
    if service.claims:
        return service.claims
    declared = service.declared
    state = "planned" if service.planned else "running" if service.running else "latent"
    source = f"{declared.file}:{declared.line}" if declared.file else f"{declared.engine or 'systemd'} says so"
    return (Claim("", "", 0, state, service.owner, source, "declared", declared.at_boot),)
