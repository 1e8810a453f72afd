# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of a pair: whatever is wanted, systemd reads just that."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_model import Pair, Schedule, Spans
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_text import MARK, quote_command, quote_word, render_pair, write_pair
from ansible_collections.guarded.deploy.plugins.module_utils._units.commands import read_commands, read_environment
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import MergedUnit, Names, UnitTree

pytestmark = pytest.mark.feature("C6")

FOLDER = "/etc/systemd/system"
SIX_MINUTES = 360_000_000


def merged(pair: Pair, spans: Spans, unit: str = "service") -> MergedUnit:
    """The unit as our own reader of units sees it."""
    files = render_pair(write_pair(pair, spans, f"/usr/local/lib/guarded-deploy/{pair.name}"), pair.name, FOLDER)
    texts = {files.service_path: files.service, files.timer_path: files.timer}
    names = tuple(path.rpartition("/")[2] for path in texts)
    return Names(UnitTree(texts, {}, {FOLDER: names}, {}, (FOLDER,))).merge(f"{pair.name}.{unit}")


def value(unit: MergedUnit, section: str, key: str) -> str | None:
    found = unit.last(section, key)
    return None if found is None else found.value


PLAIN = Pair("job", Schedule(on_boot_sec="1min", on_unit_active_sec="6min"), command=("/bin/true",), memory_max="64M")


words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


@given(st.lists(words, max_size=5))
def test_the_program_is_given_just_the_words_that_are_wanted(arguments: list[str]) -> None:
    unit = merged(PLAIN._replace(command=("/opt/my tools/100%/run", *arguments)), Spans())
    (command,) = read_commands(unit, "ExecStart", read_environment(unit, {}))
    assert command.argv == ("/opt/my tools/100%/run", *arguments)
    assert command.unknown == ()


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20))
def test_a_variable_has_just_the_value_that_is_wanted(text: str) -> None:
    unit = merged(PLAIN._replace(environment=(("A", text), ("B", "b"))), Spans())
    variables = read_environment(unit, {}).variables
    assert (variables["A"], variables["B"]) == (text, "b")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("a b", '"a b"'),
        ("", '""'),
        (";", '";"'),
        ("$HOME", "$$HOME"),
        ("100%", "100%%"),
        ("it's", '"it\'s"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("a\nb", '"a\\nb"'),
        ("\x01", '"\\x01"'),
        ("é", "é"),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word: str, expected: str) -> None:
    assert quote_word(word) == expected


def test_the_name_of_the_program_is_no_place_for_variables() -> None:
    assert quote_command(["/opt/$x", "$x"]) == "/opt/$x $$x"


@pytest.mark.parametrize("word", ["a\0b", "caf\udce9"])
def test_what_no_unit_file_can_say_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="give the work to a script"):
        quote_word(word)


def test_the_service_has_safe_defaults() -> None:
    unit = merged(PLAIN, Spans(on_unit_active_sec=SIX_MINUTES))
    assert value(unit, "Service", "Type") == "oneshot"
    assert value(unit, "Service", "TimeoutStartSec") == "1h"
    assert value(unit, "Service", "MemoryMax") == "64M"
    assert value(unit, "Service", "NoNewPrivileges") == "yes"
    assert not {key for section, key in unit.by_key if section == "Install"}
    assert not {"Restart", "RemainAfterExit"} & {key for _section, key in unit.by_key}


def test_the_reason_for_no_cap_stands_in_the_file() -> None:
    pair = PLAIN._replace(memory_max="", memory_max_reason="it sorts\nwhat there is")
    text = render_pair(write_pair(pair, Spans(), ""), "job", FOLDER).service
    assert text.splitlines()[:2] == [MARK, "# No MemoryMax=: it sorts what there is"]
    assert "MemoryMax=" not in text.partition("[Unit]")[2]


def test_everything_that_is_said_is_in_the_files() -> None:
    pair = PLAIN._replace(
        description="Maintain 100%\nof it",
        user="web",
        working_directory="/srv/100%",
        cpu_quota="50%",
        io_weight=10,
        nice=-5,
        on_failure=("alert@%n.service", "page.service"),
        schedule=Schedule(("daily", "Mon 09:00"), randomized_delay_sec="5min", accuracy_sec="1us", persistent=True),
    )
    service, timer = merged(pair, Spans()), merged(pair, Spans(), "timer")
    assert value(service, "Unit", "Description") == "Maintain 100%% of it"
    assert value(service, "Unit", "OnFailure") == "alert@%n.service page.service"
    expected = {"User": "web", "WorkingDirectory": "/srv/100%%", "CPUQuota": "50%", "IOWeight": "10", "Nice": "-5"}
    assert {key: value(service, "Service", key) for key in expected} == expected
    assert [one.value for one in timer.all("Timer", "OnCalendar")] == ["daily", "Mon 09:00"]
    expected = {"RandomizedDelaySec": "5min", "AccuracySec": "1us", "Persistent": "yes"}
    assert {key: value(timer, "Timer", key) for key in expected} == expected
    assert value(timer, "Install", "WantedBy") == "timers.target"


@pytest.mark.parametrize(
    ("microseconds", "accuracy"),
    [(None, None), (1_000_000, "50ms"), (20_000_000, "1s"), (599_000_000, "1s"), (600_000_000, None)],
)
def test_a_short_interval_is_not_left_to_the_minute_that_is_the_default(microseconds: int | None, accuracy: str | None) -> None:
    assert value(merged(PLAIN, Spans(on_unit_active_sec=microseconds), "timer"), "Timer", "AccuracySec") == accuracy


@pytest.mark.parametrize(("seconds", "limited"), [(1.0, False), (2.0, False), (2.5, True), (360.0, True)])
def test_a_job_of_a_second_is_not_taken_for_one_that_restarts_in_a_loop(seconds: float, limited: bool) -> None:
    unit = merged(PLAIN, Spans(on_unit_active_sec=int(seconds * 1e6)))
    assert value(unit, "Unit", "StartLimitIntervalSec") == (None if limited else "0")


def test_sandboxes_grow() -> None:
    def keys(level: str, scope: str = "system") -> dict[str, str]:
        unit = merged(PLAIN._replace(sandbox=level, scope=scope), Spans())
        found: dict[str, t.Any] = {key: value(unit, "Service", key) for section, key in unit.by_key if section == "Service"}
        return found

    none, standard, strict = keys("none"), keys("standard"), keys("strict")
    assert set(none) < set(standard) < set(strict)
    assert (standard["ProtectSystem"], strict["ProtectSystem"]) == ("full", "strict")
    assert "CapabilityBoundingSet" in strict
    # These need namespaces, which a user's manager has only in a user namespace.
    assert not {"PrivateTmp", "ProtectSystem"} & set(keys("standard", "user"))


def test_folders_to_write_to_are_opened() -> None:
    unit = merged(PLAIN._replace(sandbox="strict", read_write_paths=("/srv/a b", "/var/lib/x")), Spans())
    assert value(unit, "Service", "ReadWritePaths") == '"/srv/a b" /var/lib/x'
