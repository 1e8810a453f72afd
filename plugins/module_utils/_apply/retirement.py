# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Takes services out of use for good, and brings them back as they were.

How they stood is written down before anything is changed, so a run that is cut off can be finished or undone. After the
steps the host is looked at again: only what can be seen to rest is reported as retired.
"""

from __future__ import annotations

import re
import shlex
import typing as t

from .._collect.retirement import (
    can_change_restart_policy,
    collect_container,
    collect_containers_by_id,
    collect_links,
    collect_members,
    collect_project,
    collect_units_named,
    find_engines,
    read_own_cgroup,
    read_quadlet,
)
from .._errors import NothingThere, Refused, StepFailed
from .._retirement.model import FormerContainer, FormerUnit, Record, Step
from .._retirement.plan import (
    ADMIN_FOLDER,
    find_links_of_others,
    is_protected_unit,
    plan_container_retirement,
    plan_container_return,
    plan_unit_retirement,
    plan_unit_return,
)
from .._retirement.record import FOLDER, parse_record, record_path, render_record

if t.TYPE_CHECKING:
    from .._collect.retirement import FoundContainer
    from .._host import WritableHost
    from .._retirement.model import Member

_COMPOSE_NOTE = "the Compose file is left as it is: 'docker compose up' would create or start the containers again"


class Request(t.NamedTuple):
    """What to do with what. ``kind`` is ``unit``, ``container``, ``quadlet`` or ``compose_project``; ``timeout`` is
    seconds for one command."""

    kind: str
    name: str
    engine: str | None
    masked: bool
    timeout: float
    check: bool


class Outcome(t.NamedTuple):
    """What was done, or would be: ``steps`` as commands, ``before`` and ``after`` as one line for each thing, ``record``
    the path of what is written down, None where nothing is."""

    changed: bool
    steps: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    record: str | None
    notes: tuple[str, ...]


def retire(host: WritableHost, request: Request) -> Outcome:
    """Stop a service and keep it from coming back.

    :raises NothingThere: there is no such thing
    :raises Refused: it is protected, or it is not clear what to do
    :raises StepFailed: a step failed, or it is still up after all of them
    """
    _refuse_without_root(host)
    if request.kind in ("unit", "quadlet"):
        return _retire_units(host, request)
    return _retire_containers(host, request)


def reinstate(host: WritableHost, request: Request) -> Outcome:
    """Bring back just what was there before :func:`retire`.

    :raises NothingThere: there is neither a record nor such a thing
    :raises Refused: what was recorded is gone or has changed, so it cannot be brought back
    :raises StepFailed: a step failed, or it is not as it was after all of them
    """
    _refuse_without_root(host)
    if request.kind in ("unit", "quadlet"):
        return _reinstate_units(host, request)
    return _reinstate_containers(host, request)


def _refuse_without_root(host: WritableHost) -> None:
    if host.euid() != 0:
        raise Refused("only root can retire a service and bring it back; use become")


def _as_command(step: Step) -> str:
    return shlex.join({"rename": ("mv", "-n"), "link": ("ln", "-s")}.get(step.kind, ()) + _in_order(step))


def _in_order(step: Step) -> tuple[str, ...]:
    return tuple(reversed(step.words)) if step.kind == "link" else step.words


def _run(host: WritableHost, step: Step, timeout: float) -> None:
    if step.kind == "rename":
        host.rename(*step.words)
    elif step.kind == "link":
        host.make_link(*step.words)
    else:
        answer = host.run(step.words, timeout)
        if answer.rc != 0:
            said = " ".join((answer.err or answer.out).split())
            raise StepFailed(f"'{_as_command(step)}' exited {answer.rc}: {said[:500]}")


def _load(host: WritableHost, path: str) -> Record | None:
    try:
        return parse_record(host.read_text(path), path)
    except NothingThere:
        return None


def _save(host: WritableHost, path: str, record: Record) -> None:
    host.make_folder(FOLDER, 0o700)
    host.write_file(path, render_record(record).encode("utf-8", "surrogateescape"), 0o600)


class _Interrupted:
    """Says in every error of a step where the former state is written down."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, StepFailed):
            raise StepFailed(f"{error}; the former state is kept in {self._path}, and state: reinstated brings it back") from error


# units and quadlets


def _find_units(host: WritableHost, request: Request) -> tuple[str, tuple[Member, ...], tuple[str, ...]]:
    """The name that the record goes by, the units, and what there is to say."""
    if request.kind == "unit":
        try:
            members = collect_members(host, request.name, request.timeout)
        except NothingThere:
            # Its aliases go when a unit is disabled.
            own = _find_by_alias(host, request.name)
            if own is None:
                raise
            members = collect_members(host, own, request.timeout)
        (target,) = (member for member in members if member.is_target)
        return target.name, members, ()
    path, service = read_quadlet(host, request.name)
    try:
        members = collect_members(host, service, request.timeout)
    except NothingThere:
        raise Refused(f"Podman's generator has made no {service} of {path}; see 'journalctl -t quadlet-generator'") from None
    (target,) = (member for member in members if member.is_target)
    fragment = target.unit.fragment if target.unit else ""
    if not fragment.startswith("/run/systemd/generator") and not (target.unit and target.unit.enabled == "masked"):
        raise Refused(f"{service} is loaded from {fragment}, which is not what Podman's generator makes of {path}")
    return path.rpartition("/")[2], members, (f"{path} is left as it is: the mask keeps its service down",)


def _find_by_alias(host: WritableHost, alias: str) -> str | None:
    """The name of the unit that was retired and had an alias, whose link is gone since."""
    try:
        names = sorted(host.list_dir(FOLDER))
    except NothingThere:
        return None
    for name in names:
        record = _load(host, f"{FOLDER}/{name}") if name.startswith("unit-") and name.endswith(".json") else None
        if record is not None and any(path == f"{ADMIN_FOLDER}/{alias}" for path, _target in record.links):
            return record.name
    return None


def _refuse_protected(host: WritableHost, members: t.Sequence[Member]) -> None:
    own = read_own_cgroup(host)
    for member in members:
        if is_protected_unit(member.name):
            raise Refused(f"{member.name} is never retired: the host, its network or the way to it depends on it")
        if re.search(rf"/{re.escape(member.name)}(/|$)", own, re.MULTILINE):
            raise Refused(f"this very task runs in {member.name}, and would end itself")


def _unit_line(name: str, active: str, enabled: str) -> str:
    return f"{name}: {active}, {enabled or 'no unit file'}"


def _unit_lines(members: t.Iterable[Member]) -> tuple[str, ...]:
    return tuple(_unit_line(member.name, member.unit.active, member.unit.enabled) for member in members if member.unit)


def _retire_units(host: WritableHost, request: Request) -> Outcome:
    name, members, notes = _find_units(host, request)
    _refuse_protected(host, members)
    masked = request.masked or request.kind == "quadlet"
    path = record_path(request.kind, name)
    old = _load(host, path)
    steps = plan_unit_retirement(members, masked)
    before = _unit_lines(members)
    if not steps:
        return Outcome(False, (), before, before, path if old else None, notes)
    commands = tuple(_as_command(step) for step in steps)
    if request.check:
        return Outcome(True, commands, before, _expected(members, steps), None, notes)
    record = _unit_record(request.kind, name, host.now(), members, collect_links(host), steps, old)
    _save(host, path, record)
    with _Interrupted(path):
        for step in steps:
            _run(host, step, request.timeout)
        others = _spare_others(host, record, members, request.timeout)
        members = _settle(host, members, masked, request.timeout)
    left = collect_links(host)
    _save(host, path, record._replace(complete=True, links=tuple(link for link in record.links if link[0] not in left)))
    return Outcome(True, commands, before, _unit_lines(members), path, (*notes, *others))


def _spare_others(host: WritableHost, record: Record, members: t.Sequence[Member], timeout: float) -> tuple[str, ...]:
    """``disable`` also takes what ``Also=`` names: give those other units their links back, and say so."""
    left = collect_links(host)
    lost = find_links_of_others([link for link in record.links if link[0] not in left], [member.name for member in members])
    for path, target in lost:
        _run(host, Step("link", (path, target)), timeout)
    if not lost:
        return ()
    _run(host, Step("command", ("systemctl", "daemon-reload")), timeout)
    names = sorted({path.rpartition("/")[2] for path, _target in lost})
    return (f"{', '.join(names)}: enabled as before, though named by Also=",)


def _settle(host: WritableHost, members: t.Sequence[Member], masked: bool, timeout: float) -> tuple[Member, ...]:
    """Look again; what still has to be done (a failure to forget, as a rule) is done once more.

    :raises StepFailed: something is up, or would come back
    """
    for attempt in range(3):
        units = collect_units_named(host, [member.name for member in members], timeout)
        members = tuple(member._replace(unit=units[member.name]) for member in members)
        rest = plan_unit_retirement(members, masked)
        if not rest:
            return members
        # Nothing that the record does not know of: a mask would stay when everything else is brought back.
        if attempt == 2 or any(step.words[1] not in ("stop", "reset-failed", "disable") for step in rest):
            break
        for step in rest:
            _run(host, step, timeout)
    raise StepFailed(f"not at rest after all steps: {'; '.join(_unit_lines(members))}")


def _expected(members: t.Sequence[Member], steps: t.Sequence[Step]) -> tuple[str, ...]:
    """How the units will stand."""
    to_mask = {word for step in steps if "mask" in step.words for word in step.words}
    lines = []
    for member in members:
        if member.unit is not None:
            enabled = "disabled" if member.unit.enabled == "enabled" else member.unit.enabled
            lines.append(_unit_line(member.name, "inactive", "masked" if member.name in to_mask else enabled))
    return tuple(lines)


def _unit_record(
    kind: str,
    name: str,
    now: float,
    members: t.Sequence[Member],
    links: t.Mapping[str, str],
    steps: t.Sequence[Step],
    old: Record | None,
) -> Record:
    """What to write down. What an earlier retirement has recorded stays: it is the older state that is to come back."""
    record = old or Record(kind, name, now, complete=False)
    known = {unit.name for unit in record.units}
    units = [FormerUnit(one.name, one.unit.active, one.unit.enabled) for one in members if one.unit and one.name not in known]
    masked = [name for step in steps if step.words[1:2] == ("mask",) for name in step.words[2:]]
    aside = [(step.words[0], step.words[1]) for step in steps if step.kind == "rename"]
    return record._replace(
        complete=False,
        units=(*record.units, *units),
        links=tuple(dict.fromkeys([*record.links, *links.items()])),
        masked=tuple(dict.fromkeys([*record.masked, *masked])),
        set_aside=tuple(dict.fromkeys([*record.set_aside, *aside])),
    )


def _reinstate_units(host: WritableHost, request: Request) -> Outcome:
    name = request.name.rpartition("/")[2] if request.kind == "quadlet" else request.name
    path = record_path(request.kind, name)
    record = _load(host, path)
    if record is None:
        # An alias, perhaps. A name that does not exist is an error.
        name, members, _notes = _find_units(host, request)
        path = record_path(request.kind, name)
        record = _load(host, path)
        if record is None:
            return _nothing_recorded(_unit_lines(members))
    names = [unit.name for unit in record.units]
    units = collect_units_named(host, names, request.timeout)
    before = tuple(_unit_line(one, units[one].active, units[one].enabled) for one in names)
    steps = plan_unit_return(record, units, collect_links(host), _still_aside(host, record))
    after = tuple(_unit_line(*unit) for unit in record.units)
    commands = tuple(_as_command(step) for step in steps)
    if request.check:
        return Outcome(bool(steps), commands, before, after, path, ())
    for step in steps:
        _run(host, step, request.timeout)
    units = collect_units_named(host, names, request.timeout)
    for former in record.units:
        unit = units[former.name]
        if unit.enabled != former.enabled or (former.active == "active" and unit.active not in ("active", "reloading")):
            raise StepFailed(
                f"{_unit_line(former.name, unit.active, unit.enabled)} is not what it was ({former.active}, {former.enabled}); "
                f"the record is kept in {path}"
            )
    host.remove_file(path)
    after = tuple(_unit_line(one, units[one].active, units[one].enabled) for one in names)
    return Outcome(bool(steps), commands, before, after, None, ())


def _still_aside(host: WritableHost, record: Record) -> list[str]:
    """The files set aside that are still there.

    :raises Refused: one is gone, or another file has taken its place
    """
    found = []
    for path, now in record.set_aside:
        if host.exists(now):
            if host.exists(path) and path not in collect_links(host):
                raise Refused(f"both {path} and {now} are there; remove the one that is not wanted")
            found.append(now)
        elif not host.exists(path) or path in collect_links(host):
            raise Refused(f"{now} is gone, so {path} cannot be brought back")
    return found


def _nothing_recorded(lines: tuple[str, ...]) -> Outcome:
    return Outcome(False, (), lines, lines, None, ("nothing is recorded as retired, so there is nothing to bring back",))


# containers and compose projects


def _container_line(engine: str, name: str, status: str, policy: str) -> str:
    return f"{engine} container {name}: {status}, restart {policy}"


def _container_lines(found: t.Iterable[FoundContainer]) -> tuple[str, ...]:
    return tuple(
        _container_line(one.container.engine, one.container.name, one.container.status, one.restart_policy) for one in found
    )


def _find_containers(host: WritableHost, request: Request) -> tuple[FoundContainer, ...]:
    if request.kind == "container":
        return (collect_container(host, request.engine, request.name, request.timeout),)
    return collect_project(host, request.engine, request.name, request.timeout)


def _record_name(engine: str, request: Request, found: t.Sequence[FoundContainer]) -> str:
    return f"{engine}:{found[0].container.name if request.kind == 'container' else request.name}"


def _plan_containers(found: t.Iterable[FoundContainer]) -> tuple[Step, ...]:
    """Last started, first stopped."""
    return tuple(
        step
        for one in reversed(tuple(found))
        for step in plan_container_retirement(
            (one.container.engine,), one.container.name, one.container.status, one.restart_policy
        )
    )


def _retire_containers(host: WritableHost, request: Request) -> Outcome:
    found = _find_containers(host, request)
    engine = found[0].container.engine
    notes = (_COMPOSE_NOTE,) if request.kind == "compose_project" else ()
    path = record_path(request.kind, _record_name(engine, request, found))
    old = _load(host, path)
    steps = _plan_containers(found)
    before = _container_lines(found)
    if not steps:
        return Outcome(False, (), before, before, path if old else None, notes)
    for one in found:
        if one.is_removed:
            raise Refused(f"the container {one.container.name} was started with --rm and would be gone once it stops; remove it yourself")
    if any("update" in step.words for step in steps) and not can_change_restart_policy(host, engine, request.timeout):
        raise Refused(f"this {engine} cannot change the restart policy of a container (update --restart), so it would come back")
    commands = tuple(_as_command(step) for step in steps)
    if request.check:
        after = tuple(_container_line(engine, one.container.name, _rested(one.container.status), "no") for one in found)
        return Outcome(True, commands, before, after, None, notes)
    _save(host, path, _container_record(request.kind, _record_name(engine, request, found), host.now(), found, old))
    with _Interrupted(path):
        for step in steps:
            _run(host, step, request.timeout)
        again = collect_containers_by_id(host, engine, [one.container.id for one in found], request.timeout)
        if _plan_containers(again.values()):
            raise StepFailed(f"not at rest after all steps: {'; '.join(_container_lines(again.values()))}")
    return Outcome(True, commands, before, _container_lines(again.values()), path, notes)


def _rested(status: str) -> str:
    return "exited" if status in ("running", "restarting", "paused") else status


def _container_record(kind: str, name: str, now: float, found: t.Sequence[FoundContainer], old: Record | None) -> Record:
    record = old or Record(kind, name, now, complete=True)
    known = {one.id for one in record.containers}
    more = [
        FormerContainer(one.container.engine, one.container.id, one.container.name, one.container.status, one.restart_policy)
        for one in found
        if one.container.id not in known
    ]
    # What is gone meanwhile (a project that was recreated) is not to be brought back.
    there = {one.container.id for one in found}
    return record._replace(containers=(*(one for one in record.containers if one.id in there), *more))


def _find_record(host: WritableHost, request: Request) -> tuple[str, Record] | None:
    found = []
    for engine in find_engines(host, request.engine):
        path = record_path(request.kind, f"{engine}:{request.name}")
        record = _load(host, path)
        if record is not None:
            found.append((path, record))
    if len(found) > 1:
        raise Refused(f"a {request.kind} {request.name} of docker and one of podman are retired; say which with engine")
    return next(iter(found), None)


def _plan_return(record: Record, now: t.Mapping[str, FoundContainer], path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for former in record.containers:
        one = now.get(former.id)
        if one is None:
            raise Refused(f"the container {former.name} ({former.id[:12]}) is gone, so it cannot be brought back; its record is {path}")
        steps += plan_container_return(former, one.container.status, one.restart_policy)
    return tuple(steps)


def _reinstate_containers(host: WritableHost, request: Request) -> Outcome:
    recorded = _find_record(host, request)
    if recorded is None:
        return _nothing_recorded(_container_lines(_find_containers(host, request)))
    path, record = recorded
    engine, ids = record.containers[0].engine, [one.id for one in record.containers]
    now = collect_containers_by_id(host, engine, ids, request.timeout)
    steps = _plan_return(record, now, path)
    before = _container_lines(now.values())
    commands = tuple(_as_command(step) for step in steps)
    if request.check:
        after = tuple(_container_line(one.engine, one.name, one.status, one.restart_policy) for one in record.containers)
        return Outcome(bool(steps), commands, before, after, path, ())
    for step in steps:
        _run(host, step, request.timeout)
    now = collect_containers_by_id(host, engine, ids, request.timeout)
    # What was in a restart loop is in one again, or between two tries.
    steady = record._replace(containers=tuple(one for one in record.containers if one.status != "restarting"))
    if _plan_return(steady, now, path):
        raise StepFailed(f"{'; '.join(_container_lines(now.values()))} is not what it was; the record is kept in {path}")
    host.remove_file(path)
    return Outcome(bool(steps), commands, before, _container_lines(now.values()), None, ())
