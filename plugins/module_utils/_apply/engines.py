# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Bring what container engines have back, and keep the images that a snapshot needs."""

from __future__ import annotations

import typing as t
from functools import partial

from .._collect.containers import engine_users
from .._collect.deadline import Deadline
from .._collect.engines import Podman, collect_engines, find_docker, find_rootless_docker
from .._collect.units import user_systemctl
from .._errors import CouldNotLook, GuardError, NothingThere, StepFailed
from .._snapshot.engine_plan import describe_step, plan_engines
from .._snapshot.model import ImageState
from .._snapshot.pins import name_pin, needed_images
from .docker import DockerSteps
from .podman import PodmanSteps

if t.TYPE_CHECKING:
    from .._collect.containers import EngineUser
    from .._host import WritableHost
    from .._snapshot.engine_plan import EngineStep
    from .._snapshot.model import Engines, Unrestorable


class EngineOutcome(t.NamedTuple):
    """``steps`` that were done (in check mode: that would be), ``failures`` in words, and what is not brought back."""

    steps: tuple[str, ...]
    failures: tuple[str, ...]
    unrestored: tuple[Unrestorable, ...]


class Doer(t.Protocol):
    """Does the steps of one engine."""

    def do(self, step: EngineStep) -> None: ...

    def pin(self, snapshot_id: str, number: int, image_id: str) -> None: ...

    def unpin(self, snapshot_id: str) -> list[str]: ...


def restore_engines(
    host: WritableHost, before: Engines, now: Engines, timeout: float, check: bool, files: t.Collection[str] = ()
) -> EngineOutcome:
    """Bring containers, pods, networks, volumes' names and image tags back to what they were ``before``.

    ``now`` decides in check mode alone; else the engines are looked at again, since units that were started meanwhile may
    have brought containers with them. ``files`` are the paths that were brought back: what runs and has read them as they
    were is restarted. A step that fails stops only the steps that need it. All of it gets ``timeout`` seconds.
    """
    clock = Deadline(host, timeout)
    now = now if check else collect_engines(host, timeout)
    plan = plan_engines(before, now, files)
    if check:
        return EngineOutcome(tuple(describe_step(step) for step in plan.steps), (), plan.unrestored)
    run = _Run(_Doers(host, clock, now))
    for steps in group_steps(plan.steps):
        # What ends may take its time to end, and all of it together no longer than the slowest.
        answers = [host.beside(partial(run.do, step)) for step in steps[1:]]
        run.do(steps[0])
        for answer in answers:
            answer()
    return EngineOutcome(tuple(run.done), tuple(run.failures), plan.unrestored)


def group_steps(steps: t.Sequence[EngineStep]) -> list[tuple[EngineStep, ...]]:
    """Neighbours that may be done beside each other: removals and stops of containers none of which needs another."""
    groups: list[tuple[EngineStep, ...]] = []
    for step in steps:
        last = groups[-1] if groups else ()
        if last and step.verb in ("remove", "stop") and step[:3] == last[0][:3] and step.rank == last[0].rank:
            groups[-1] = (*last, step)
        else:
            groups.append((step,))
    return groups


class _Run:
    """Does steps, and remembers which were done and which failed; what a failed one was done to is left alone."""

    def __init__(self, doers: _Doers) -> None:
        self._doers = doers
        self._broken: set[tuple[str, str | None, str]] = set()
        self.done: list[str] = []
        self.failures: list[str] = []

    def do(self, step: EngineStep) -> None:
        key = (step.engine, step.user, step.name)
        if key in self._broken:
            return
        try:
            self._doers.do(step)
        except GuardError as error:
            self.failures.append(f"{describe_step(step)}: {error}")
            self._broken.add(key)
        else:
            self.done.append(describe_step(step))


class _Doers:
    """Finds who does a step, once for each engine."""

    def __init__(self, host: WritableHost, clock: Deadline, now: Engines) -> None:
        self._host, self._clock, self._now = host, clock, now
        self._found: dict[tuple[str, str | None], Doer] = {}

    def do(self, step: EngineStep) -> None:
        if step.verb == "restart_unit":
            self._restart_unit(step)
            return
        self.of(step.engine, step.user).do(step)

    def of(self, engine: str, user: str | None) -> Doer:
        """Who does the steps of an engine.

        :raises CouldNotLook: it is not to be had
        """
        if (engine, user) not in self._found:
            self._found[engine, user] = self._docker(user) if engine == "docker" else self._podman(user)
        return self._found[engine, user]

    def _docker(self, user: str | None) -> Doer:
        owner = _find_user(self._host, user)
        door = find_docker(self._host, self._clock) if owner is None else find_rootless_docker(self._host, owner, self._clock)
        if door is None:
            raise NothingThere(f"Docker{f' of {user}' if user else ''} is not there any more: install or start it, and restore again")
        ids = {one.name: one.id for one in self._now.containers if (one.engine, one.user) == ("docker", user)}
        return DockerSteps(self._host, door, self._clock, ids)

    def _podman(self, user: str | None) -> Doer:
        return PodmanSteps(Podman(self._host, _find_user(self._host, user), self._clock))

    def _restart_unit(self, step: EngineStep) -> None:
        owner = _find_user(self._host, step.user)
        command = ["systemctl"] if owner is None else user_systemctl(self._host, owner.uid)
        answer = self._host.run([*command, "restart", "--", step.detail], self._clock.left(step.detail))
        if answer.rc != 0:
            raise StepFailed(f"systemctl restart {step.detail}: {' '.join(answer.err.split())[:200]}")


def _find_user(host: WritableHost, name: str | None) -> EngineUser | None:
    if name is None:
        return None
    user = next((one for one in engine_users(host) if one.name == name), None)
    if user is None:
        raise CouldNotLook(f"{name} is not logged in and does not linger ('loginctl enable-linger {name}'), so nothing of {name}'s can run")
    return user


def pin_images(host: WritableHost, snapshot_id: str, engines: Engines, timeout: float = 60.0) -> Engines:
    """Keep every image that a container of a snapshot needs, by a tag and a container of ours; pinning twice is the same as
    once. Returns the engines with the tags noted.

    :raises GuardError: an engine refuses it; what was pinned is let go again
    """
    doers = _Doers(host, Deadline(host, timeout), engines)
    pinned: dict[tuple[str, str | None, str], str] = {}
    try:
        for number, image in enumerate(needed_images(engines)):
            doers.of(image.engine, image.user).pin(snapshot_id, number, image.id)
            pinned[image.engine, image.user, image.id] = name_pin(snapshot_id, number)
    except GuardError:
        unpin_images(host, snapshot_id, engines, timeout)
        raise
    return engines._replace(images=tuple(_with_pin(one, pinned) for one in engines.images))


def _with_pin(image: ImageState, pinned: t.Mapping[tuple[str, str | None, str], str]) -> ImageState:
    return image._replace(pin=pinned.get((image.engine, image.user, image.id), ""))


def unpin_images(host: WritableHost, snapshot_id: str, engines: Engines, timeout: float = 60.0) -> tuple[str, ...]:
    """Let the images of a snapshot go, on every engine that has any. Returns in words what could not be let go, which is no
    harm: a tag stays."""
    doers = _Doers(host, Deadline(host, timeout), engines)
    refused: list[str] = []
    for engine, user in sorted({(one.engine, one.user) for one in engines.images}, key=str):
        try:
            refused += doers.of(engine, user).unpin(snapshot_id)
        except GuardError as error:
            refused.append(f"{engine}: {error}")
    return tuple(refused)
