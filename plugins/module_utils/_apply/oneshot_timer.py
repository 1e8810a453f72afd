# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Writes a oneshot service and its timer as one thing, and removes them.

systemd reads copies of both before anything of the host's is replaced. Both files are written or none; what fails after
that is undone. The host is looked at again before success is told.
"""

from __future__ import annotations

import contextlib
import datetime
import typing as t

from .._collect.timers import (
    ask_systemctl,
    find_missing,
    find_place,
    measure_spans,
    read_calendar,
    read_drop_ins,
    read_own,
    read_states,
    verify_units,
)
from .._collect.unit_files import collect_unit_files
from .._errors import BadInput, GuardError, Refused, StepFailed
from .._jobs.analyze import plan_runs
from .._jobs.pair_rules import check_name, check_pair, check_spans, find_drop_in_faults, find_warnings, read_interpreter
from .._jobs.pair_text import MARK, name_script, render_pair, write_pair
from .._units.merge import Names, UnitTree

if t.TYPE_CHECKING:
    from .._collect.timers import Place, State
    from .._host import WritableHost
    from .._jobs.pair_model import Pair, PairFiles, Spans

_LOCK_SECONDS = 60.0


class Wish(t.NamedTuple):
    """How the pair is to stand: ``enabled`` is its timer's. ``check`` only says what would be done; ``timeout`` is
    seconds for one command."""

    enabled: bool
    check: bool
    timeout: float


class PairOutcome(t.NamedTuple):
    """What was done, or would be: ``steps`` as commands, ``texts`` what each file had and has (None: no such file),
    ``next_runs`` in UTC."""

    changed: bool
    steps: tuple[str, ...]
    texts: tuple[tuple[str, str | None, str | None], ...]
    next_runs: tuple[str, ...]
    notes: tuple[str, ...]
    place: Place


def make_pair(host: WritableHost, pair: Pair, wish: Wish) -> PairOutcome:
    """Bring a pair onto the host.

    :raises BadInput: the pair cannot work; the text names the option
    :raises Refused: its name belongs to something else
    :raises StepFailed: a step failed; what was there before is there again
    """
    check_pair(pair)
    place = find_place(host, pair.scope)
    spans = measure_spans(host, pair, wish.timeout)
    check_spans(spans)
    notes = [*place.notes, *find_warnings(spans)]
    interpreter = read_interpreter(pair.script) if pair.script is not None else None
    missing = find_missing(host, place, pair, interpreter, wish.timeout)
    if missing and not wish.check:
        raise BadInput("; ".join(missing))
    script_path = name_script(pair, place.scripts)
    settings = write_pair(pair, spans, script_path)
    files = render_pair(settings, pair.name, place.units, pair.script, script_path)
    runs = read_calendar(host, pair.schedule, 5, wish.timeout)
    outcome = install_pair(host, place, files, wish)
    upcoming = find_next_runs(host, place, pair.name, runs, spans, wish) if wish.enabled else ()
    return outcome._replace(notes=(*notes, *missing, *outcome.notes), next_runs=upcoming)


def find_next_runs(
    host: WritableHost, place: Place, name: str, runs: t.Iterable[datetime.datetime], spans: Spans, wish: Wish
) -> tuple[str, ...]:
    """The next five runs; ``runs`` are those that calendars lead to."""
    timer = f"{name}.timer"
    last = read_states(host, place, [timer], wish.timeout)[timer].last_run
    now = datetime.datetime.fromtimestamp(host.now(), datetime.timezone.utc)
    return tuple(plan_runs(runs, spans, now, host.uptime(), last))


def install_pair(host: WritableHost, place: Place, files: PairFiles, wish: Wish) -> PairOutcome:
    """Write the files of a pair, and let its timer stand as wished. ``next_runs`` is left empty.

    :raises Refused: its name belongs to something else
    :raises BadInput: systemd does not read it as it is meant
    :raises StepFailed: a step failed; what was there before is there again
    """
    with _alone(host, place, wish):
        old = _read_files(host, files)
        states = read_states(host, place, [f"{files.name}.timer", f"{files.name}.service"], wish.timeout)
        _refuse_others(files, old, states)
        new = _texts(files)
        changed = {path for path in old if old[path] != new[path]}
        notes = _let_systemd_read(host, place, files, wish) if changed else ()
        steps = _plan_steps(files, changed, states, wish.enabled)
        outcome = PairOutcome(bool(changed or steps), _tell(files, changed, steps), _diff(old, new), (), notes, place)
        if wish.check or not outcome.changed:
            return outcome
        undo = _Undo(place, files, old, states[f"{files.name}.timer"], wish)
        _write(host, files, new, changed)
        try:
            for step in steps:
                run_step(host, place, step, wish.timeout)
            _look_again(host, place, files, wish)
        except GuardError as error:
            raise StepFailed(f"{error}; {undo.run(host)}") from error
    return outcome


@contextlib.contextmanager
def _alone(host: WritableHost, place: Place, wish: Wish) -> t.Iterator[None]:
    """Nobody else stages or writes a pair meanwhile."""
    host.make_folder(place.stage, 0o700)
    with host.lock(f"{place.stage}/oneshot_timer.lock", min(wish.timeout, _LOCK_SECONDS)) as held:
        if not held:
            raise StepFailed(f"another run holds {place.stage}/oneshot_timer.lock; nothing was changed, try again when it has ended")
        yield


def _read_files(host: WritableHost, files: PairFiles) -> dict[str, str | None]:
    paths = [files.service_path, files.timer_path, *([files.script_path] if files.script_path else [])]
    return {path: read_own(host, path) for path in paths}


def _texts(files: PairFiles) -> dict[str, str | None]:
    found: dict[str, str | None] = {files.service_path: files.service, files.timer_path: files.timer}
    if files.script_path:
        found[files.script_path] = files.script
    return found


def _refuse_others(files: PairFiles, old: t.Mapping[str, str | None], states: t.Mapping[str, State]) -> None:
    for path in (files.service_path, files.timer_path):
        text, unit = old[path], path.rpartition("/")[2]
        if text is not None and not text.startswith(MARK):
            raise Refused(
                f"{path} is there and was not made by this module; choose another name, remove it, or let "
                "oneshot_timer_conversion turn it into a pair"
            )
        if text is None and states[unit].load != "not-found":
            where = states[unit].fragment or f"it is {states[unit].load}"
            raise Refused(f"there is a unit {unit} already ({where}), which {path} would hide; choose another name")


def _let_systemd_read(host: WritableHost, place: Place, files: PairFiles, wish: Wish) -> tuple[str, ...]:
    """Ask systemd and our own rules about copies of the files, together with the drop-ins that are on the host.

    :raises BadInput: with what they say
    """
    staged = f"{place.stage}/staged-{files.name}"
    try:
        script = f"{staged}/{files.name}"
        service = files.service.replace(files.script_path, script) if files.script is not None else files.service
        host.make_folder(staged, 0o700)
        host.write_file(f"{staged}/{files.name}.service", service.encode(), 0o600)
        host.write_file(f"{staged}/{files.name}.timer", files.timer.encode(), 0o600)
        names = [f"{files.name}.service", f"{files.name}.timer"]
        _rc, complaints = verify_units(host, place, staged, names, wish.timeout)
    finally:
        host.remove_tree(staged)
    # Whether the program can be run has been looked at before, and said better.
    own = [line for line in complaints.own if "is not executable" not in line]
    own += find_drop_in_faults(*(merge_installed(host, place, files).merge(name) for name in names))
    if own:
        raise BadInput(f"{files.name}: systemd would not do what is wanted: {'; '.join(own)}")
    return tuple(f"not this pair's, but systemd-analyze verify says: {line}" for line in complaints.others)


def merge_installed(host: WritableHost, place: Place, files: PairFiles) -> Names:
    """The host's units as they will be with these files."""
    tree = collect_unit_files(host).names.tree if place.scope == "system" else _tree_of_user(host, place, files)
    texts = {**tree.files, files.service_path: files.service, files.timer_path: files.timer}
    names = sorted({*tree.folders.get(place.units, ()), f"{files.name}.service", f"{files.name}.timer"})
    return Names(UnitTree(texts, tree.links, {**tree.folders, place.units: tuple(names)}, tree.unread, tree.search))


def _tree_of_user(host: WritableHost, place: Place, files: PairFiles) -> UnitTree:
    """The drop-ins that a user has made for a pair."""
    texts: dict[str, str] = {}
    folders: dict[str, tuple[str, ...]] = {}
    for unit in (f"{files.name}.service", f"{files.name}.timer"):
        found = read_drop_ins(host, f"{place.units}/{unit}.d")
        texts.update(found)
        folders[f"{place.units}/{unit}.d"] = tuple(sorted(path.rpartition("/")[2] for path in found))
    return UnitTree(texts, {}, folders, {}, (place.units,))


def _plan_steps(files: PairFiles, changed: t.Collection[str], states: t.Mapping[str, State], enabled: bool) -> list[tuple[str, ...]]:
    """The calls of systemctl, in their order: one daemon-reload, and the timer after it."""
    name = f"{files.name}.timer"
    timer = states[name]
    steps: list[tuple[str, ...]] = []
    is_on = timer.enabled == "enabled"
    if is_on != enabled:
        steps.append(("--no-reload", "enable" if enabled else "disable", name))
    if steps or {files.service_path, files.timer_path} & set(changed) or any(state.is_stale for state in states.values()):
        steps.append(("daemon-reload",))
    if enabled and timer.active != "active":
        steps.append(("start", name))
    elif enabled and files.timer_path in changed:
        steps.append(("restart", name))
    elif not enabled and timer.active not in ("inactive", ""):
        steps.append(("stop", name))
    return steps


def run_step(host: WritableHost, place: Place, words: t.Sequence[str], timeout: float) -> None:
    """One call of systemctl.

    :raises StepFailed: it failed
    """
    answer = ask_systemctl(host, place, words, timeout)
    if answer.rc != 0:
        said = " ".join((answer.err or answer.out).split())
        raise StepFailed(f"'systemctl {' '.join((*place.arguments, *words))}' exited {answer.rc}: {said[:500]}")


def _tell(files: PairFiles, changed: t.Collection[str], steps: t.Iterable[t.Sequence[str]]) -> tuple[str, ...]:
    wanted = _texts(files)
    writes = [f"{'remove' if wanted[path] is None else 'write'} {path}" for path in sorted(changed)]
    return (*writes, *(f"systemctl {' '.join(step)}" for step in steps))


def _diff(old: t.Mapping[str, str | None], new: t.Mapping[str, str | None]) -> tuple[tuple[str, str | None, str | None], ...]:
    return tuple((path, old[path], new[path]) for path in old if old[path] != new[path])


def _write(host: WritableHost, files: PairFiles, texts: t.Mapping[str, str | None], changed: t.Collection[str]) -> None:
    """Write what has changed, all of it or nothing."""
    written = []
    for path, text in texts.items():
        if path not in changed or text is None:
            continue
        folder = path.rpartition("/")[0]
        if not host.exists(folder):
            host.make_folder(folder, 0o755)
        written.append((path, text.encode("utf-8", "surrogateescape"), 0o755 if path == files.script_path else 0o644))
    host.write_files(written)
    for path, text in texts.items():
        if path in changed and text is None:
            host.remove_file(path)


def _look_again(host: WritableHost, place: Place, files: PairFiles, wish: Wish) -> None:
    """Look whether it is as it should be.

    :raises StepFailed: the pair does not stand as wished
    """
    units = [f"{files.name}.timer", f"{files.name}.service"]
    states = read_states(host, place, units, wish.timeout)
    for unit in units:
        if states[unit].load != "loaded":
            raise StepFailed(f"{unit} cannot be loaded ({states[unit].load}); see 'systemctl status {unit}'")
    timer = states[units[0]]
    if (timer.active == "active", timer.enabled == "enabled") != (wish.enabled, wish.enabled):
        raise StepFailed(f"{units[0]} is {timer.active} and {timer.enabled} after all steps")


class _Undo(t.NamedTuple):
    """What was there before."""

    place: Place
    files: PairFiles
    old: t.Mapping[str, str | None]
    timer: State
    wish: Wish

    def run(self, host: WritableHost) -> str:
        """Bring it back, and say how that went."""
        name = f"{self.files.name}.timer"
        was_on, was_active = self.timer.enabled == "enabled", self.timer.active == "active"
        steps: list[tuple[str, ...]] = [] if was_active else [("stop", name)]
        steps += [] if was_on else [("--no-reload", "disable", name)]
        try:
            for step in steps:
                run_step(host, self.place, step, self.wish.timeout)
            _write(host, self.files, self.old, list(self.old))
            if was_on:
                run_step(host, self.place, ("--no-reload", "enable", name), self.wish.timeout)
            run_step(host, self.place, ("daemon-reload",), self.wish.timeout)
            if was_active:
                run_step(host, self.place, ("restart", name), self.wish.timeout)
        except GuardError as error:
            return f"and what was there before could not be brought back: {error}"
        return "what was there before is there again"


def remove_pair(host: WritableHost, name: str, scope: str, wish: Wish) -> PairOutcome:
    """Take a pair away: its timer, its service (a run that goes on is ended), its script. Drop-ins of others stay.

    :raises Refused: a file of this name was not made by this module
    :raises StepFailed: a step failed; the files that are left are named
    """
    check_name(name)
    place = find_place(host, scope)
    units = [f"{name}.timer", f"{name}.service"]
    paths = [*(f"{place.units}/{unit}" for unit in units), f"{place.scripts}/{name}"]
    with _alone(host, place, wish):
        old = {path: read_own(host, path) for path in paths}
        for path in paths[:2]:
            if old[path] is not None and not (old[path] or "").startswith(MARK):
                raise Refused(f"{path} was not made by this module, so it is not removed; remove it by hand, or name another pair")
        there = [path for path in paths if old[path] is not None]
        if not any(path in there for path in paths[:2]):
            return PairOutcome(False, (), (), (), place.notes, place)
        states = read_states(host, place, units, wish.timeout)
        steps = _plan_removal(units, states)
        told = (*(f"systemctl {' '.join(step)}" for step in steps), *(f"remove {path}" for path in there), "systemctl daemon-reload")
        outcome = PairOutcome(True, told, tuple((path, old[path], None) for path in there), (), place.notes, place)
        if not wish.check:
            _remove(host, place, steps, there, units, wish)
    return outcome


def _plan_removal(units: t.Sequence[str], states: t.Mapping[str, State]) -> list[tuple[str, ...]]:
    steps: list[tuple[str, ...]] = []
    if states[units[0]].enabled == "enabled":
        steps.append(("--no-reload", "disable", units[0]))
    up = [unit for unit in units if states[unit].active not in ("inactive", "failed", "")]
    return [*steps, ("stop", *up)] if up else steps


def _remove(
    host: WritableHost, place: Place, steps: t.Iterable[t.Sequence[str]], paths: t.Iterable[str], units: t.Sequence[str], wish: Wish
) -> None:
    for step in steps:
        run_step(host, place, step, wish.timeout)
    # Its last run is forgotten as well: a new pair of this name would make up for runs that it never missed.
    for path in (*paths, f"{place.stamps}/stamp-{units[0]}"):
        host.remove_file(path)
    failed = [unit for unit, state in read_states(host, place, units, wish.timeout).items() if state.active == "failed"]
    if failed:
        run_step(host, place, ("reset-failed", *failed), wish.timeout)
    run_step(host, place, ("daemon-reload",), wish.timeout)
    left = {unit: state for unit, state in read_states(host, place, units, wish.timeout).items() if state.active not in ("inactive", "")}
    if left:
        raise StepFailed(f"{', '.join(f'{unit} is {state.active}' for unit, state in left.items())} after all steps")
