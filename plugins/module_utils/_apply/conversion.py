# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Turns a service that works in a loop into a oneshot service and its timer, and back.

The pair is written first, with its timer at rest; then the old unit is retired, so that it can be reinstated; then the
timer starts. What fails on the way is undone in the reverse order.
"""

from __future__ import annotations

import typing as t

from .._collect.jobs import Wanted as Asked
from .._collect.jobs import collect_jobs
from .._collect.timers import find_place, find_program_fault, measure_span, read_own, read_states
from .._collect.unit_files import collect_unit_files
from .._errors import BadInput, CouldNotLook, GuardError, Refused, StepFailed
from .._jobs.convert import CONVERTED, SCRIPT_NOTE, Wanted, convert_unit, measure_schedule, name_pair, refuse_unit
from .._jobs.model import CANNOT_TELL, POOR_MANS_TIMER, SLEEP_LOOP, SURE
from .._jobs.one_pass import render_patch
from .._jobs.pair_rules import check_memory, check_name, check_spans
from .._jobs.pair_text import quote_command, render_pair
from .._retirement.record import record_path
from .one_pass import plan_one_pass
from .oneshot_timer import PairOutcome, Wish, find_next_runs, install_pair, remove_pair
from .retirement import Request, reinstate, retire

if t.TYPE_CHECKING:
    from .._collect.timers import Place
    from .._host import WritableHost
    from .._jobs.convert import Conversion
    from .._jobs.model import Finding
    from .._units.merge import MergedUnit, Names
    from .one_pass import Script


class ConversionRequest(t.NamedTuple):
    """What to convert, and how. ``command`` is an argv that does the work once, where the program knows one. ``interval``
    is a time span; empty: as found. ``lost_state`` are names whose values may be lost from round to round."""

    unit: str
    name: str
    command: tuple[str, ...]
    interval: str
    from_start: bool
    apply_script_patch: bool
    lost_state: tuple[str, ...]
    timeout_start_sec: str
    memory_max: str
    memory_max_reason: str
    check: bool
    timeout: float


class ConversionOutcome(t.NamedTuple):
    """What was done, or would be. ``finding`` is None where the unit is a pair already; ``patch`` is a unified diff, empty
    where no script is changed; ``needs_patch`` is whether it waits for the user's word."""

    changed: bool
    finding: Finding | None
    steps: tuple[str, ...]
    texts: tuple[tuple[str, str | None, str | None], ...]
    patch: str
    script: str
    needs_patch: bool
    next_runs: tuple[str, ...]
    notes: tuple[str, ...]
    record: str | None


class PatchNeeded(Refused):
    """The script must be changed, and nobody has said that it may; ``patch`` shows how."""

    def __init__(self, text: str, patch: str) -> None:
        super().__init__(text)
        self.patch = patch


def convert(host: WritableHost, request: ConversionRequest) -> ConversionOutcome:
    """Put a pair in the place of a service.

    :raises Refused: it is not sure what the pair would have to be; the text says why
    :raises PatchNeeded: the script must be changed first
    :raises StepFailed: a step failed; what was there before is there again
    """
    check_name(request.name or name_pair(request.unit))
    place = find_place(host, "system")
    done = _find_converted(host, place, request)
    if done is not None:
        return done
    names = collect_unit_files(host).names
    unit = names.merge(request.unit)
    refuse_unit(unit)
    finding = _find_job(host, unit.name, request.timeout)
    _refuse_finding(finding, request)
    wanted = _wanted(host, finding, request)
    return _carry_out(host, place, _Plan.of(host, unit, names, finding, wanted, request), request)


def _find_job(host: WritableHost, unit: str, timeout: float) -> Finding:
    """What one service of the system manager is."""
    jobs = collect_jobs(host, Asked(units=(unit,), users=False, timeout=timeout, evidence=False))
    for finding in jobs.findings:
        if finding.unit == unit and finding.user is None:
            return finding
    why = "; ".join(f"{spot.what}: {spot.why}" for spot in jobs.blind_spots) or "it was not found"
    raise CouldNotLook(f"what {unit} runs could not be judged: {why}")


def _refuse_finding(finding: Finding, request: ConversionRequest) -> None:
    # Too short a period, or one that is not known: the user may say that it is a job.
    is_confirmed = finding.verdict == CANNOT_TELL and finding.loop_lines is not None and bool(request.interval)
    if finding.verdict not in (SLEEP_LOOP, POOR_MANS_TIMER) and not is_confirmed:
        raise Refused(f"{finding.unit} is no periodic job that loops, but {finding.verdict.replace('_', ' ')}: {finding.why}")
    if finding.confidence != SURE and not request.interval:
        raise Refused(f"{finding.unit}: {finding.why}; that is only inferred. Say its interval to confirm that it is a periodic job")
    if finding.interval is None and not request.interval:
        raise Refused(f"{finding.unit}: how long it waits is not known ({finding.interval_source or finding.why}); say interval")


def _wanted(host: WritableHost, finding: Finding, request: ConversionRequest) -> Wanted:
    check_memory(request.memory_max)
    interval = measure_span(host, "interval", request.interval, request.timeout) / 1e6 if request.interval else finding.interval or 0.0
    wanted = Wanted(
        name=request.name or name_pair(request.unit),
        interval=interval,
        waits_first=finding.waits_first,
        from_start=request.from_start,
        timeout_start_sec=request.timeout_start_sec,
        memory_max=request.memory_max,
        memory_max_reason=request.memory_max_reason,
    )
    limit = measure_span(host, "timeout_start_sec", request.timeout_start_sec, request.timeout)
    check_spans(measure_schedule(wanted)._replace(timeout_start_sec=limit))
    return wanted


class _Plan(t.NamedTuple):
    """All that is known before anything is done."""

    unit: MergedUnit
    finding: Finding
    wanted: Wanted
    conversion: Conversion
    script: Script | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, host: WritableHost, unit: MergedUnit, names: Names, finding: Finding, wanted: Wanted, request: ConversionRequest) -> _Plan:
        """Work out the pair.

        :raises Refused: the unit or its script cannot be converted
        """
        (setting,) = unit.listed("Service", "ExecStart")
        script: Script | None = None
        notes: tuple[str, ...] = ()
        command = setting.value
        if request.command:
            faults = find_program_fault(host, "command", request.command[0])
            if faults and not request.check:
                raise BadInput("; ".join(faults))
            notes = tuple(faults)
            command = quote_command(request.command)
        elif finding.verdict != POOR_MANS_TIMER:
            script = plan_one_pass(host, unit, finding, request.lost_state)
            command, notes = script.command, script.one.notes
            wanted = wanted._replace(waits_first=script.one.waits_first)
        path = script.path if script is not None else ""
        return cls(unit, finding, wanted, convert_unit(unit, names, wanted, command, path), script, notes)


def _carry_out(host: WritableHost, place: Place, plan: _Plan, request: ConversionRequest) -> ConversionOutcome:
    script = plan.script
    patch = render_patch(script.old, script.one.text, script.old_path, script.path or script.old_path) if script is not None else ""
    needs_patch = bool(patch) and not request.apply_script_patch
    if needs_patch and not request.check:
        raise PatchNeeded(
            f"{plan.finding.file}:{plan.finding.line}: the script still loops. Read script_patch, which makes one round of it, and say "
            "apply_script_patch: true; or name in command what does the work once",
            patch,
        )
    files = render_pair(plan.conversion.settings, plan.wanted.name, place.units)
    # Masked: nobody starts it by hand or as a dependency, and it is no finding any more.
    retirement = Request("unit", plan.unit.name, None, masked=True, timeout=request.timeout, check=request.check)
    rest = Wish(enabled=True, check=request.check, timeout=request.timeout)
    steps: list[str] = []
    written = _write_script(host, script, request.check, request.timeout)
    steps += written
    undo: list[t.Callable[[], object]] = []
    if written and script is not None:
        path = script.path
        undo.append(lambda: host.remove_file(path))
    try:
        first = install_pair(host, place, files, rest._replace(enabled=False))
        undo.append(lambda: remove_pair(host, files.name, "system", rest))
        undo.append(lambda: reinstate(host, retirement))
        retired = retire(host, retirement)
        last = first if request.check else install_pair(host, place, files, rest)
    except GuardError as error:
        if request.check:
            raise
        raise StepFailed(f"{error}; {_undo(undo)}") from error
    started = (f"systemctl --no-reload enable {files.name}.timer", "systemctl daemon-reload", f"systemctl start {files.name}.timer")
    steps = [*steps, *first.steps, *retired.steps, *(started if request.check else last.steps)]
    runs = find_next_runs(host, place, files.name, (), measure_schedule(plan.wanted), rest)
    notes = (*plan.conversion.notes, *plan.notes, *retired.notes, *first.notes)
    return ConversionOutcome(
        True, plan.finding, tuple(steps), first.texts, patch, script.path if script else "", needs_patch, runs, notes, retired.record
    )


def _write_script(host: WritableHost, script: Script | None, check: bool, timeout: float) -> list[str]:
    """Write the one-pass script beside the old one, which stays for the day when the old unit is reinstated."""
    if script is None or not script.path:
        return []
    there = read_own(host, script.path)
    if there is not None and there != script.one.text:
        raise Refused(f"{script.path} is there already and is something else; move it away")
    if not check:
        host.write_file(script.path, script.one.text.encode("utf-8"), script.mode)
        # Who may read and run the old one may read and run the new one.
        answer = host.run(["chown", "-h", f"--reference={script.old_path}", "--", script.path], timeout)
        if answer.rc != 0:
            host.remove_file(script.path)
            raise StepFailed(f"{script.path} cannot be given the owner of {script.old_path}: {answer.err.strip()}; nothing was changed")
    return [] if there is not None else [f"write {script.path}"]


def _undo(steps: t.Sequence[t.Callable[[], object]]) -> str:
    failed = []
    for step in reversed(steps):
        try:
            step()
        except GuardError as error:
            failed.append(str(error))
    return f"and it could not all be undone: {'; '.join(failed)}" if failed else "what was there before is there again"


def _find_converted(host: WritableHost, place: Place, request: ConversionRequest) -> ConversionOutcome | None:
    """The answer for a unit that has been converted before, and is at rest since."""
    name = request.name or name_pair(request.unit)
    text = read_own(host, f"{place.units}/{name}.service")
    if text is None or f"# {CONVERTED}{request.unit}\n" not in text:
        return None
    states = read_states(host, place, [request.unit, f"{name}.timer"], request.timeout)
    old, timer = states[request.unit], states[f"{name}.timer"]
    record = record_path("unit", request.unit)
    if old.active not in ("inactive", "failed") or old.enabled == "enabled" or timer.active != "active" or not host.exists(record):
        return None
    notes = (f"{request.unit} was converted before; what is to change in its pair since then begins with state: reverted",)
    return ConversionOutcome(False, None, (), (), "", _script_of(text), False, (), notes, record)


def _script_of(text: str) -> str:
    found = [line for line in text.splitlines() if line.startswith(f"# {SCRIPT_NOTE}")]
    return found[0].removeprefix(f"# {SCRIPT_NOTE}") if found else ""


def revert(host: WritableHost, request: ConversionRequest) -> ConversionOutcome:
    """Take the pair away and bring the old unit back as it was.

    :raises Refused: the pair was not made of this unit
    :raises StepFailed: a step failed
    """
    name = request.name or name_pair(request.unit)
    check_name(name)
    place = find_place(host, "system")
    text = read_own(host, f"{place.units}/{name}.service")
    wish = Wish(enabled=False, check=request.check, timeout=request.timeout)
    if text is not None and f"# {CONVERTED}{request.unit}\n" not in text:
        raise Refused(f"{name}.service was not converted from {request.unit}; name the pair that was")
    removed = remove_pair(host, name, "system", wish) if text is not None else PairOutcome(False, (), (), (), (), place)
    steps = list(removed.steps)
    script = _script_of(text or "")
    if script and host.exists(script):
        steps.append(f"remove {script}")
        if not request.check:
            host.remove_file(script)
    back = reinstate(host, Request("unit", request.unit, None, False, request.timeout, request.check))
    changed = removed.changed or back.changed
    return ConversionOutcome(changed, None, (*steps, *back.steps), removed.texts, "", script, False, (), back.notes, back.record)
