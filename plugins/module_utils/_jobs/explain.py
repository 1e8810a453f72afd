# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A finding in sentences that a person understands at 3 a.m., and what to do about it."""

from __future__ import annotations

import posixpath

from .model import BAD, BROKEN_PAIR, POOR_MANS_TIMER, SLEEP_LOOP, Evidence, Finding, Problem


def name_span(seconds: float | None) -> str:
    """``6 min``, ``1 h 30 min``, ``45 s``; ``an interval that is not known`` for None."""
    if seconds is None:
        return "an interval that is not known"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:g} s"
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def explain(finding: Finding) -> Finding:
    """The finding with its explanation and remedy, and with what the running host says of its interval."""
    finding = _with_run_time(finding)
    if finding.verdict not in BAD and not finding.problems:
        return finding
    say = {SLEEP_LOOP: _sleep_loop, POOR_MANS_TIMER: _poor_mans_timer}.get(finding.verdict, _pair)
    said = say(finding)
    seen = _seen(finding)
    return finding._replace(explanation=f"{said} {seen}".strip(), remedy=_remedy(finding))


def _sleep_loop(finding: Finding) -> str:
    place = f"{finding.file} line {finding.line}" if finding.line else finding.file
    work = f" ({', '.join(finding.work[:3])})" if finding.work else ""
    every = f"every {name_span(finding.interval)}" if finding.interval is not None else "at an interval that is set elsewhere"
    doubt = "" if finding.confidence == "sure" else " (inferred)"
    return (
        f"{finding.unit} is a periodic job in a loop{doubt}: {place} does its work{work} {every}"
        f" ({finding.interval_source}), and the process waits in between. Whatever it leaks it keeps, a hang stops all"
        " later runs, and when it dies, Restart= starts it at once: the interval is lost, and heavy work runs back to back."
    )


def _poor_mans_timer(finding: Finding) -> str:
    return (
        f"{finding.unit} has no schedule: {finding.why}. The interval grows by each run, a failure looks like a success, and a change"
        " of Restart= or of its rate limit stops the job without a word."
    )


def _pair(finding: Finding) -> str:
    problems = [one for one in finding.problems if one.severity != "advice"] or list(finding.problems)
    said = " ".join(f"{one.text[:1].upper()}{one.text[1:]} ({one.file}{f' line {one.line}' if one.line else ''})." for one in problems)
    return f"{finding.timer}: {said}"


def _seen(finding: Finding) -> str:
    evidence = finding.evidence
    if evidence is None:
        return ""
    said = []
    if evidence.restarts and finding.verdict != BROKEN_PAIR:
        said.append(f"systemd has restarted it {evidence.restarts} times.")
    if evidence.oom_kills:
        said.append(f"It was killed for its memory {evidence.oom_kills} times.")
    if evidence.growth is not None and evidence.growth > 1 << 20:
        said.append(f"Its memory grows by {evidence.growth / (1 << 20):.0f} MiB an hour.")
    said += _too_long(finding, evidence)
    busy = [f"{kind} {value:.0f} %" for kind, value in evidence.pressure.items() if value >= 10]
    if busy:
        said.append(f"Its processes wait for {', '.join(busy)} of the time.")
    return " ".join(said)


def _with_run_time(finding: Finding) -> Finding:
    """A problem of its own where runs take longer than the interval of a pair."""
    if not finding.timer or finding.evidence is None or not _too_long(finding, finding.evidence):
        return finding
    text = f"its runs take up to {name_span(max(finding.evidence.runs))}, and the next is due after {name_span(finding.interval)}"
    remedy = "make the interval longer than a run, or the run shorter"
    problem = Problem("runs-longer-than-interval", "risky", text, finding.file, finding.line, remedy)
    return finding._replace(problems=(*finding.problems, problem))


def _too_long(finding: Finding, evidence: Evidence) -> list[str]:
    if not evidence.runs or not finding.interval:
        return []
    longest = max(evidence.runs)
    if longest <= finding.interval:
        return []
    return [
        f"A run took {name_span(longest)}, which is longer than its interval of {name_span(finding.interval)}: it cannot keep its schedule."
    ]


def _remedy(finding: Finding) -> tuple[str, ...]:
    if finding.verdict in (SLEEP_LOOP, POOR_MANS_TIMER):
        script = posixpath.basename(finding.program) if finding.program else "its command"
        interval = f"{finding.interval:g}s" if finding.interval is not None else "INTERVAL"
        return (
            (
                f"let {script} do its work once and end, and start it by a timer: guarded.deploy.oneshot_timer with on_boot_sec"
                f" and on_unit_active_sec: {interval}"
            ),
            f"guarded.deploy.oneshot_timer_conversion with unit: {finding.unit} in check mode shows the whole change",
        )
    return tuple(
        dict.fromkeys(f"{one.file}: {one.remedy}" if not one.remedy.startswith("systemctl") else one.remedy for one in finding.problems)
    )
