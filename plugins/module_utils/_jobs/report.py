# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Findings as plain values, for a module's answer."""

from __future__ import annotations

import typing as t

from .model import BAD, VERDICTS, Finding


def finding_as_dict(finding: Finding) -> dict[str, t.Any]:
    """One finding, its parts as dicts and lists."""
    found = finding._asdict()
    found["problems"] = [one._asdict() for one in finding.problems]
    found["evidence"] = None if finding.evidence is None else {**finding.evidence._asdict(), "pressure": dict(finding.evidence.pressure)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def report_jobs(findings: t.Sequence[Finding], verdicts: t.Sequence[str]) -> dict[str, t.Any]:
    """``findings`` (what is bad), ``jobs`` (whatever else has one of the verdicts), and how many there are of each."""
    counts = {verdict: sum(one.verdict == verdict for one in findings) for verdict in VERDICTS}
    bad = [one for one in findings if one.verdict in BAD]
    return {
        "findings": [finding_as_dict(one) for one in bad],
        "jobs": [finding_as_dict(one) for one in findings if one.verdict in verdicts and one.verdict not in BAD],
        "counts": counts,
        "verdict": "bad" if bad else "clean",
    }
