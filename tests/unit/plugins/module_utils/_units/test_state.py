# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemctl printed of all units on real hosts, and what was read from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._units.state import parse_states, parse_unit_files

CASES = sorted((Path(__file__).parents[4] / "cases" / "systemctl_states").glob("*.txt"))


def read(case: Path) -> dict[str, dict]:
    states = parse_states(case.read_text(), case.with_suffix(".list").read_text())
    return {state.name: json.loads(json.dumps(state._asdict())) for state in states}


def test_there_are_cases():
    assert len(CASES) >= 2


@pytest.mark.feature("A7", "A8")
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_case(case):
    """The file names only what is not as in a unit at rest."""
    rest = {"user": None, "load": "loaded", "active": "inactive", "sub": "dead", "enabled": "", "names": [], "type": "", "fragment": ""}
    rest |= {"drop_ins": [], "files": [], "invocation": "", "changed": 0.0, "result": "", "transient": False, "can_reload": False}
    rest |= {"needs_daemon_reload": False, "triggered_by": [], "restarts": 0, "ended_itself": False}
    found = {
        name: {key: value for key, value in state.items() if key != "name" and value != rest[key]} for name, state in read(case).items()
    }
    assert found == json.loads(case.with_suffix(".json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_what_is_only_mentioned_by_others_is_no_unit(case):
    assert "Id=syslog.service" in case.read_text()
    assert "syslog.service" not in read(case)


def test_the_list_on_the_disk_is_newer_than_what_the_manager_remembers():
    (state,) = parse_states("Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled\n", "a.service enabled enabled\n")
    assert state.enabled == "enabled"


# Of a service behind a socket, on systemd 257: of one that came to its end, and of one that was stopped.
@pytest.mark.parametrize(
    ("main", "active", "ended_itself"),
    [(15853485208, 15853485778, True), (15853510855, 15853528421, True), (15856477484, 15856477263, False), (0, 0, False), (0, 5, False)],
)
def test_who_ended_by_itself_is_told_from_who_was_stopped(main, active, ended_itself):
    text = f"Id=a.service\nLoadState=loaded\nExecMainExitTimestampMonotonic={main}\nActiveExitTimestampMonotonic={active}\n"
    (state,) = parse_states(text, "")
    assert state.ended_itself is ended_itself


def test_a_unit_whose_file_is_gone_is_seen_while_it_runs_or_has_failed():
    text = "\n\n".join(f"Id={active}.service\nLoadState=not-found\nActiveState={active}" for active in ("active", "failed", "inactive"))
    assert [state.name for state in parse_states(text, "")] == ["active.service", "failed.service"]


@pytest.mark.parametrize("state", ["masked", "masked-runtime"])
def test_a_masked_unit_that_is_not_loaded(state):
    (unit,) = parse_states("", f"a.service {state} enabled\n")
    assert (unit.load, unit.active, unit.enabled) == ("masked", "inactive", state)


def test_kinds_that_are_not_recorded_are_left_out_and_a_missing_preset_is_no_matter():
    assert parse_unit_files("a.slice static -\nb.timer linked\n\nc.scope transient -\n") == {"b.timer": "linked"}


def test_what_is_no_answer_is_an_error():
    with pytest.raises(Unparsable, match="without an Id"):
        parse_states("ActiveState=active\n", "")
