# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Brings a host back to a snapshot, and looks afterwards whether it is.

The order: stop what was added and what runs with what the change has made of it; files; managers read their files again;
what container engines have; start what ran; the user's hooks; look again. Engines come before units, as units may run
containers out of images, networks and volumes that the engine must have first.

A part that fails stops no other. What was begun is written down beside the snapshot before anything is touched, so that a
restore that was cut off, run again, also does what would otherwise no longer be seen to be needed.
"""

from __future__ import annotations

import typing as t

from .._collect.boot_mark import make_boot_mark
from .._collect.retirement import read_own_cgroup
from .._collect.state import collect_host_state
from .._collect.unit_states import collect_unit_states
from .._errors import BadInput, GuardError, Refused, StepFailed, Unparsable
from .._snapshot.container_units import find_units_of_others
from .._snapshot.deaf_sockets import find_deaf_sockets
from .._snapshot.file_diff import describe_changes
from .._snapshot.foreign import Foreign, describe_foreign, describe_refusal
from .._snapshot.model import Difference, HostState, Unrestorable
from .._snapshot.not_restorable import find_unrestorable
from .._snapshot.restored import Progress, Settlement, find_settled
from .._snapshot.unit_plan import BroughtBack, Frame, UnitPlan, needs_reload, plan_units
from .._sockets.cgroup import parse_cgroup_path, parse_proc_cgroup
from .boot_jobs import cancel_unwanted_jobs
from .engines import restore_engines
from .foreign import collect_foreign
from .hooks import run_hooks
from .settlement import Beside
from .store import HOOKS, STORE, load_snapshot, open_trees, verify_snapshot
from .tree_steps import Files, describe_steps, find_spans, find_user_folder, is_of_one_boot, without_bystanders
from .unit_steps import UnitSteps
from .verification import LOOK, Verification, diff_host

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.scope import Key
    from .._snapshot.unit_plan import Span
    from .foreign import ComparedPaths

STAGES = ("whole", "early", "late")
# How often units are looked at and put right: a unit that is started may start others, one that is stopped stop others.
_ROUNDS = 3


class RestoreRequest(t.NamedTuple):
    """What to bring back. ``stage`` is ``whole``, or of a boot ``early`` (files, links, reload; before what they describe
    is started; waits for nothing) or ``late`` (all the rest, and the verification). ``accept_loss`` also restores where
    someone else's changes are lost by it, which is otherwise refused; ``by_guard`` never refuses over them, and notes
    them. ``timeout`` is seconds for one command, and for the host to settle."""

    id: str
    stage: str = "whole"
    accept_loss: bool = False
    by_guard: bool = False
    check: bool = False
    timeout: float = 120.0


class RestoreOutcome(t.NamedTuple):
    """What was done, or would be with ``check``.

    ``steps`` are what was done, as lines for a person. ``difference`` is how the host differed from the snapshot before,
    ``remaining`` how it still does. ``verified`` says whether the host is as it was, by a look after the last step; None
    where there was none (``check``, ``early``). **It is returned with ``verified`` False, not raised: the caller fails,**
    **and says what ``remaining`` and ``failures`` hold.** ``failures`` are steps that did not succeed; with ``verified`` True
    the host is as it was in spite of them. ``unrestored`` is what a restore never brings back, ``notes`` what else is worth
    knowing.
    """

    changed: bool
    steps: tuple[str, ...]
    difference: Difference
    verified: bool | None
    remaining: Difference
    unrestored: tuple[Unrestorable, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def restore(host: WritableHost, request: RestoreRequest, store: str = STORE) -> RestoreOutcome:
    """Bring the host back to a snapshot; restoring again changes nothing, and one that was cut off can be run again.

    :raises Damaged: the snapshot is not whole; nothing was touched
    :raises NothingThere: there is no such snapshot
    :raises Refused: another restore runs, it is not root, or someone else's changes would be lost; nothing was touched
    :raises StepFailed: not even a note could be written beside the snapshot; nothing was touched
    """
    if host.euid() != 0:
        raise Refused("only root can restore a snapshot; use become")
    if request.stage not in STAGES:
        raise BadInput(f"stage: {request.stage!r} is none of {', '.join(STAGES)}")
    verify_snapshot(host, request.id, store)
    with host.lock(restore_lock(store), 0) as held:
        if not held:
            raise Refused("another restore of this host is running; wait for its end, then restore again if it is still needed")
        return _Restore(host, request, store).run()


def restore_lock(store: str = STORE) -> str:
    """The file whose lock a restore holds from its beginning to its end."""
    return f"{store.rpartition('/')[0]}/restore.lock"


def describe_failure(outcome: RestoreOutcome) -> str:
    """Why the host is not as it was, in words for an error; only for an outcome with ``verified`` False."""
    lines = [
        f"{change.section} {change.name}: is {change.after or 'gone'}, was {change.before or 'not there'}"
        for change in outcome.remaining.changes
    ]
    lines += [f"{what} could not be looked at: {why}" for what, why in outcome.remaining.unseen]
    lines += outcome.failures
    return f"the host is not as it was in the snapshot; {len(lines)} remaining: " + "; ".join(lines)


class _Restore:
    """One restore, under the lock."""

    def __init__(self, host: WritableHost, request: RestoreRequest, store: str) -> None:
        self._host = host
        self._request = request
        self._store = store
        self._snapshot = load_snapshot(host, request.id, store)
        self._before = self._snapshot.state
        self._boot = make_boot_mark(host)
        trees = open_trees(host, request.id, store)
        self._trees = [tree for tree, _contents in trees]
        self._files = Files([one for one in trees if self._can_come_back(one[0].root)])
        self._units = UnitSteps(host, request.timeout, request.check)
        self._beside = Beside(host, request.id, store)
        self._own_unit = parse_cgroup_path(parse_proc_cgroup(read_own_cgroup(host)) or "").unit
        self._steps: list[str] = []
        self._failures: list[str] = []
        self._unrestored: list[Unrestorable] = []
        self._notes: list[str] = [
            f"{what} could not be looked at when the snapshot was taken, and is neither brought back nor verified: {why}"
            for what, why in (*self._before.unseen, *self._before.engines.unseen)
        ]

    @property
    def _is_same_boot(self) -> bool:
        return self._before.boot == self._boot

    def _can_come_back(self, root: str) -> bool:
        """Whether what a path holds is not gone for good: with the boot, or with the manager of a user."""
        of_user = find_user_folder(root)
        return (self._is_same_boot or not is_of_one_boot(root)) and (of_user is None or self._host.exists(of_user))

    def run(self) -> RestoreOutcome:
        return self._run_early() if self._request.stage == "early" else self._run_whole()

    # at boot, before what the files describe is started

    def _run_early(self) -> RestoreOutcome:
        """Waits for nothing that the boot has yet to start, and cannot verify what does not run yet."""
        compared = self._files.find_changes()
        difference = Difference(tuple(describe_changes(without_bystanders(compared.changes))))
        if self._request.check:
            self._steps += describe_steps(compared.changes)
            return self._outcome(difference, None, Difference(()))
        was_cut_off = self._read_progress() is not None
        self._begin(find_spans(self._host, compared.changes))
        self._bring_files_back(reload=was_cut_off)
        self._collect_steps()
        if self._steps:
            steps, failures = cancel_unwanted_jobs(self._host, self._before.units)
            self._steps += steps
            self._failures += failures
        self._end()
        return self._outcome(difference, None, Difference(()))

    # the whole of it

    def _run_whole(self) -> RestoreOutcome:
        now = collect_host_state(self._host, LOOK)
        compared = self._files.find_changes()
        self._heed_others(now, compared)
        earlier, settlement = self._read_progress(), self._read_settlement()
        frame = Frame(self._is_same_boot, settlement.units if settlement else {}, self._own_unit)
        files = {**(earlier.files if earlier else {}), **find_spans(self._host, compared.changes)}
        others = find_units_of_others(self._before.engines, now.engines) | find_deaf_sockets(self._before, now, files)
        plan = plan_units(self._before.units, now.units, BroughtBack(files, others), frame)
        difference = diff_host(self._snapshot, now, compared.changes, frame)
        if self._request.check:
            return self._list_steps(now, compared, plan, difference, was_settled=settlement is not None)
        self._begin(files)
        self._units.carry_out("stop", plan.stop)
        self._bring_files_back(reload=earlier is not None or needs_reload((), now.units))
        files = self._note_files(files)
        self._units.start_managers({unit.user for unit in self._before.units if unit.user is not None})
        self._bring_engines_back(now, files)
        self._bring_units_back(files, frame)
        self._collect_steps()
        hooks_failed = self._run_hooks(was_settled=settlement is not None)
        outcome = self._look_again(difference, files, frame, hooks_failed)
        self._end()
        return outcome

    def _heed_others(self, now: HostState, compared: ComparedPaths) -> None:
        """Refuse to undo what others have done, unless that is wanted."""
        try:
            foreign = collect_foreign(self._host, self._snapshot, now, self._store, LOOK, compared)
        except GuardError as error:
            foreign = Foreign(unseen=(str(error),))
        refusal = describe_refusal(self._snapshot.id, foreign)
        if refusal and not (self._request.accept_loss or self._request.by_guard):
            raise Refused(refusal)
        self._notes += describe_foreign(foreign)

    def _list_steps(
        self, now: HostState, compared: ComparedPaths, plan: UnitPlan, difference: Difference, was_settled: bool
    ) -> RestoreOutcome:
        """The steps, as far as they can be known before the first of them is done."""
        self._units.carry_out("stop", plan.stop)
        self._units.done += describe_steps(compared.changes)
        if needs_reload((change.path for change in compared.changes), now.units):
            self._units.reload_managers()
        self._bring_engines_back(now, {change.path for change in compared.changes})
        for verb, keys in (("reset-failed", plan.reset_failed), ("start", plan.start), ("reload", plan.reload)):
            self._units.carry_out(verb, keys)
        self._failures += compared.failures
        self._collect_steps()
        self._run_hooks(was_settled)
        return self._outcome(difference, None, difference)

    def _read_progress(self) -> Progress | None:
        try:
            return self._beside.read_progress(self._boot)
        except Unparsable as error:
            self._notes.append(str(error))
            return Progress(self._boot, {})

    def _read_settlement(self) -> Settlement | None:
        try:
            return self._beside.read_settlement(self._boot)
        except Unparsable as error:
            self._notes.append(str(error))
            return None

    def _begin(self, files: t.Mapping[str, Span]) -> None:
        self._beside.begin(Progress(self._boot, files))

    def _end(self) -> None:
        try:
            self._beside.end()
        except StepFailed as error:
            self._notes.append(str(error))

    def _bring_files_back(self, reload: bool) -> None:
        changes = self._files.bring_back()
        self._units.done += describe_steps(changes)
        if reload or needs_reload((change.path for change in changes), ()):
            self._units.reload_managers()

    def _note_files(self, files: t.Mapping[str, Span]) -> dict[str, Span]:
        """Write down that the files are back: what is started from now on has read them as they were."""
        until = self._host.uptime()
        found = {path: span if span.until is not None else span._replace(until=until) for path, span in files.items()}
        try:
            self._begin(found)
        except StepFailed as error:
            self._notes.append(str(error))
        return found

    def _bring_engines_back(self, now: HostState, files: t.Collection[str]) -> None:
        before, request = self._before.engines, self._request
        try:
            found = restore_engines(self._host, before, now.engines, request.timeout, request.check, files)
        except GuardError as error:
            self._failures.append(f"containers: {error}")
            return
        self._units.done += found.steps
        self._failures += found.failures
        self._unrestored += found.unrestored

    def _bring_units_back(self, files: t.Mapping[str, Span], frame: Frame) -> None:
        """Look and put right, more than once: what is started may start others, and what is stopped stop others."""
        for _round in range(_ROUNDS):
            units, _unseen = collect_unit_states(self._host, self._request.timeout)
            plan = plan_units(self._before.units, units, BroughtBack(files), frame).without(self._units.failed)
            if plan == UnitPlan():
                return
            for verb, keys in plan.in_order():
                self._units.carry_out(verb, keys)
            self._start_masked(plan.masked)

    def _start_masked(self, keys: t.Sequence[Key]) -> None:
        """Start what ran although it was masked; the masks are then what they were by their times, too."""
        if keys:
            at_run_time = {(unit.user, unit.name) for unit in self._before.units if unit.enabled == "masked-runtime"}
            self._units.start_masked(keys, at_run_time)
            self._files.find_changes()
            self._bring_files_back(reload=False)

    def _collect_steps(self) -> None:
        self._steps += self._units.done
        self._failures += [*self._files.failures, *self._units.failures]

    def _run_hooks(self, was_settled: bool) -> bool:
        """Run the user's commands; whether one failed. They are part of a restore that has been done and verified, so that
        one that finds nothing to do after it does not run them again."""
        hooks = self._snapshot.hooks.after_restore
        if not hooks:
            return False
        if was_settled and not self._steps:
            self._notes.append("the after_restore hooks were not run again, as nothing has changed since they were")
            return False
        folder = f"{self._store}/{self._snapshot.id}/{HOOKS}"
        self._steps.append(f"run {len(hooks)} after_restore hook{'s' if len(hooks) > 1 else ''}")
        if self._request.check:
            return False
        try:
            run_hooks(self._host, hooks, {"GUARDED_DEPLOY_SNAPSHOT": self._snapshot.id, "GUARDED_DEPLOY_HOOKS": folder})
        except StepFailed as error:
            self._failures.append(str(error))
            return True
        return False

    def _look_again(self, difference: Difference, files: t.Mapping[str, Span], frame: Frame, hooks_failed: bool) -> RestoreOutcome:
        verification = Verification(self._host, self._snapshot, self._files, frame, files)
        now, remaining = verification.look(self._request.timeout if self._steps else 0)
        verified = not remaining.changes and not remaining.unseen and not hooks_failed
        if verified:
            self._settle(now)
        return self._outcome(difference, verified, remaining)

    def _settle(self, now: HostState) -> None:
        try:
            self._beside.settle(Settlement(self._boot, find_settled(self._before, now)))
        except StepFailed as error:
            self._notes.append(str(error))

    def _outcome(self, difference: Difference, verified: bool | None, remaining: Difference) -> RestoreOutcome:
        lost = find_unrestorable(self._before, self._trees, self._snapshot.changed_while_read)
        return RestoreOutcome(
            changed=bool(self._steps),
            steps=tuple(self._steps),
            difference=difference,
            verified=verified,
            remaining=remaining,
            unrestored=tuple(dict.fromkeys((*self._unrestored, *lost))),
            notes=tuple(self._notes),
            failures=tuple(self._failures),
        )
