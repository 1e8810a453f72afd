# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Takes back what a boot has queued because of links that are gone again."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, GuardError
from .._snapshot.boot_jobs import JOB_PROPERTIES, Job, find_unwanted_jobs, parse_start_jobs

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.model import UnitState

_TIMEOUT = 10.0


def cancel_unwanted_jobs(host: WritableHost, before: t.Sequence[UnitState]) -> tuple[list[str], list[str]]:
    """Cancel the jobs of units that were not up and that nothing wants any more; the manager must have read its files.

    Waits for no job.

    :return: the steps and the failures, as lines for a person
    """
    try:
        jobs = _find_jobs(host, before)
    except GuardError as error:
        return [], [f"what the boot is about to start cannot be told: {error}"]
    steps, failures = [], []
    for job in jobs:
        steps.append(f"do not start {job.unit}")
        try:
            _ask(host, "cancel", job.number)
        except GuardError as error:
            failures.append(f"{job.unit} may be started by the boot: {error}")
    return steps, failures


def _find_jobs(host: WritableHost, before: t.Sequence[UnitState]) -> tuple[Job, ...]:
    jobs = parse_start_jobs(_ask(host, "list-jobs", "--no-legend", "--no-pager", "--plain", "--full"))
    if not jobs:
        return ()
    shown = _ask(host, "show", f"--property={','.join(JOB_PROPERTIES)}", "--no-pager", "--", *(job.unit for job in jobs))
    return find_unwanted_jobs(jobs, shown, before)


def _ask(host: WritableHost, *words: str) -> str:
    answer = host.run(("systemctl", *words), _TIMEOUT)
    if answer.rc != 0:
        raise CouldNotLook(f"'systemctl {' '.join(words)[:200]}' exited {answer.rc}: {' '.join(answer.err.split())[:300]}")
    return answer.out
