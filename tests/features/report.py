# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins features, tests, scenarios and results into a page for the terminal."""

from __future__ import annotations

import textwrap
import typing as t

from .results import Result

if t.TYPE_CHECKING:
    from .register import Feature

_WIDTH = 120
_NEVER = "never run"
_OLDER = "older tree"
# From bad to good: a feature is as well shown as the worst of its proofs.
_ORDER = ("failed", "skipped", _NEVER, _OLDER, "passed")


class Proof(t.NamedTuple):
    """A test, all parameters together, or a scenario. ``tally`` counts its runs by state."""

    name: str
    tally: dict[str, int]

    @property
    def state(self) -> str:
        """The worst of its states."""
        return min(self.tally, key=_ORDER.index)


def find_state(result: Result | None, tree: str) -> str:
    """What a result says of the present tree: a pass counts only where it was got from this very tree."""
    if result is None:
        return _NEVER
    if result.outcome not in _ORDER:
        raise ValueError(f"a result of kind '{result.outcome}' is not known")
    if result.outcome == "passed" and (not tree or result.tree != tree):
        return _OLDER
    return result.outcome


def find_proofs(
    tests: t.Mapping[str, t.Sequence[str]],
    scenarios: t.Mapping[str, t.Sequence[str]],
    results: t.Mapping[str, Result],
    scenario_results: t.Mapping[str, Result],
    tree: str,
) -> dict[str, list[Proof]]:
    """Feature id to what shows it. Only tests and scenarios that exist now count, whatever the results hold."""
    states = [(test.partition("[")[0], ids, find_state(results.get(test), tree)) for test, ids in tests.items()]
    states += [(f"molecule/{name}", ids, find_state(scenario_results.get(name), tree)) for name, ids in scenarios.items()]
    found: dict[str, dict[str, Proof]] = {}
    for name, ids, state in states:
        for used in ids:
            proof = found.setdefault(used, {}).setdefault(name, Proof(name, {}))
            proof.tally[state] = proof.tally.get(state, 0) + 1
    return {used: list(proofs.values()) for used, proofs in found.items()}


def render(features: t.Mapping[str, Feature], proofs: t.Mapping[str, t.Sequence[Proof]]) -> str:
    """The page: every feature with its proofs, then the sums, then what nothing shows yet."""
    lines: list[str] = []
    section = ""
    for feature in features.values():
        if feature.section != section:
            section = feature.section
            lines += ["", section, "=" * len(section)]
        lines += _render_feature(feature, proofs.get(feature.id, ()))
    return "\n".join([*lines, "", *_render_sums(features, proofs)]).lstrip("\n") + "\n"


def _render_feature(feature: Feature, proofs: t.Sequence[Proof]) -> list[str]:
    state = min((proof.state for proof in proofs), key=_ORDER.index, default="-")
    head = textwrap.wrap(f"{feature.id:<4}{state:<11}{feature.text}", _WIDTH, subsequent_indent=" " * 15, break_long_words=False)
    return head + [_render_proof(proof) for proof in sorted(proofs, key=lambda proof: (_ORDER.index(proof.state), proof.name))]


def _render_proof(proof: Proof) -> str:
    if sum(proof.tally.values()) == 1:
        return f"{'':15}{proof.state:<11}{proof.name}"
    tally = ", ".join(f"{proof.tally[state]} {state}" for state in _ORDER if state in proof.tally)
    return f"{'':15}{proof.state:<11}{proof.name} ({tally})"


def _render_sums(features: t.Mapping[str, Feature], proofs: t.Mapping[str, t.Sequence[Proof]]) -> list[str]:
    shown = {name: min((proof.state for proof in proofs[name]), key=_ORDER.index) for name in features if proofs.get(name)}
    sums = [f"{len(features)} features: {sum(state == 'passed' for state in shown.values())} shown by tests that passed in this tree"]
    for state in _ORDER[:-1]:
        ids = [name for name, worst in shown.items() if worst == state]
        if ids:
            sums += _wrapped(f"with a proof that is '{state}'", ids)
    nothing = [name for name in features if name not in shown]
    return sums + (_wrapped("shown by nothing yet", nothing) if nothing else [])


def _wrapped(label: str, ids: t.Sequence[str]) -> list[str]:
    return textwrap.wrap(f"{len(ids)} {label}: {' '.join(ids)}", _WIDTH, subsequent_indent="    ")
