# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot work is refused, whatever systemd says."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_model import Pair, Schedule, Spans
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_rules import (
    INFINITE,
    check_name,
    check_pair,
    check_spans,
    find_drop_in_faults,
    find_warnings,
    read_interpreter,
)
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, UnitTree

pytestmark = pytest.mark.feature("C6")

EVERY_SIX = Schedule(on_boot_sec="1min", on_unit_active_sec="6min")
GOOD = Pair("job", EVERY_SIX, command=("/bin/true",), memory_max="64M")
FOLDER = "/etc/systemd/system"


@pytest.mark.parametrize("name", ["job", "a.b", "db-maintenance_2", "x" * 247, "0:1"])
def test_plain_names_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "letters, digits"),
        ("a@b", "template"),
        ("a/b", "a slash"),
        ("../b", "a slash"),
        ("a\nb", "a line break"),
        ("a\n", "a line break"),
        ("a b", "something else"),
        ("-a", "begins with a dot or dash"),
        (".a", "begins with a dot or dash"),
        ("a%b", "something else"),
        ("a.service", "leave it off: a"),
        ("a.timer", "leave it off: a"),
        ("x" * 248, "248 characters"),
        ("é", "something else"),
    ],
)
def test_other_names_are_refused(name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_name(name)


def test_a_good_pair_is_taken() -> None:
    check_pair(GOOD)
    check_pair(GOOD._replace(command=(), script="#!/bin/sh\ntrue\n"))
    check_pair(GOOD._replace(schedule=Schedule(("daily",), persistent=True)))
    # A calendar may start the first run of an interval.
    check_pair(GOOD._replace(schedule=Schedule(("daily",), on_unit_active_sec="1h")))
    check_pair(GOOD._replace(memory_max="", memory_max_reason="sorts what there is"))
    check_pair(GOOD._replace(command=("/home/web/run",), working_directory="/home/web"))
    check_pair(GOOD._replace(command=("/tmp/x",), sandbox="none"))


BAD: list[tuple[dict[str, t.Any], str]] = [
    ({"command": ()}, "say one of them"),
    ({"script": "#!/bin/sh\n"}, "say one of them"),
    ({"command": ("python3", "x.py")}, "no absolute path"),
    ({"command": (), "script": ""}, "names no interpreter"),
    ({"command": (), "script": "true\n"}, "names no interpreter"),
    ({"command": (), "script": "#!python3\n"}, "names no interpreter"),
    ({"command": (), "script": "#!/bin/sh\r\ntrue\r\n"}, "CR LF"),
    ({"command": (), "script": "#!/bin/sh\n\necho caf\udce9\n"}, "line 3 is not UTF-8"),
    ({"command": (), "script": "#!/bin/sh\n#" + "x" * (1 << 20)}, "more than 1048576"),
    ({"schedule": Schedule()}, "say when"),
    ({"schedule": Schedule(on_unit_active_sec="6min")}, "nothing starts the first"),
    ({"schedule": Schedule(on_unit_inactive_sec="6min")}, "nothing starts the first"),
    ({"schedule": Schedule(on_boot_sec="1min")}, "one run for each boot"),
    ({"schedule": Schedule(on_boot_sec="1min", on_unit_active_sec="6min", on_unit_inactive_sec="6min")}, "say one"),
    ({"schedule": EVERY_SIX._replace(persistent=True)}, "does nothing for intervals"),
    ({"schedule": Schedule(("daily\n[Service]",))}, "no calendar expression"),
    ({"schedule": Schedule((" ",))}, "no calendar expression"),
    ({"scope": "user", "user": "web"}, "runs everything as this user"),
    ({"user": "web;rm"}, "neither a login nor a number"),
    ({"working_directory": "srv"}, "no absolute path"),
    ({"on_failure": ("alert",)}, "write it in full"),
    ({"on_failure": ("job.service",)}, "over and over"),
    ({"on_failure": ("a.service b.service",)}, "write it in full"),
    ({"memory_max": ""}, "memory_max_reason"),
    ({"memory_max": "", "memory_max_reason": " "}, "memory_max_reason"),
    ({"memory_max": "infinity"}, "no cap"),
    ({"memory_max": "64MB"}, "no size"),
    ({"memory_max": "64M\nUser=root"}, "no size"),
    ({"cpu_quota": "0%"}, "no share"),
    ({"cpu_quota": "50"}, "no share"),
    ({"io_weight": 0}, "not within"),
    ({"nice": 20}, "not within"),
    ({"sandbox": "strict", "scope": "user"}, "needs the system manager"),
    ({"read_write_paths": ("/srv",)}, "leave them off"),
    ({"sandbox": "strict", "read_write_paths": ("srv",)}, "no absolute path"),
    ({"command": ("/tmp/x",)}, "which hides /tmp/"),
    ({"working_directory": "/var/tmp"}, "which hides /var/tmp/"),
    ({"sandbox": "strict", "command": ("/home/web/run",)}, "which hides /home/"),
    ({"sandbox": "strict", "working_directory": "/root"}, "which hides /root/"),
    ({"environment": (("A-B", "x"),)}, "no name of a variable"),
    ({"environment": (("A", "x\x07"),)}, "control characters"),
]


@pytest.mark.parametrize(("change", "why"), BAD)
def test_what_cannot_work_is_refused(change: dict[str, t.Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_pair(GOOD._replace(**change))


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        (Spans(on_unit_active_sec=0), "back to back"),
        (Spans(on_unit_inactive_sec=0), "back to back"),
        (Spans(timeout_start_sec=0), "no limit"),
        (Spans(timeout_start_sec=INFINITE), "a run that hangs"),
        (Spans(on_boot_sec=INFINITE), "never come"),
        (Spans(on_unit_active_sec=INFINITE), "never come"),
    ],
)
def test_time_spans_that_systemd_parses_and_nobody_means_are_refused(spans: Spans, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_spans(spans)


def test_a_first_run_at_once_is_meant() -> None:
    check_spans(Spans(on_boot_sec=0, on_unit_active_sec=1, timeout_start_sec=1))


def test_what_works_and_may_not_be_meant_is_told() -> None:
    assert find_warnings(Spans(on_unit_active_sec=10, timeout_start_sec=10)) == []
    (only,) = find_warnings(Spans(on_unit_active_sec=10, timeout_start_sec=11))
    assert only.startswith("timeout_start_sec is longer than the interval")
    assert len(find_warnings(Spans(on_unit_inactive_sec=10, randomized_delay_sec=10, accuracy_sec=20))) == 2


@pytest.mark.parametrize(
    ("script", "interpreter"),
    [("#!/bin/sh\n", "/bin/sh"), ("#! /usr/bin/env python3\n", "/usr/bin/env"), ("#!sh\n", None), ("", None), ("\n#!/bin/sh", None)],
)
def test_interpreters_are_read_as_the_kernel_does(script: str, interpreter: str | None) -> None:
    assert read_interpreter(script) == interpreter


SERVICE = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
TIMER = "[Timer]\nOnBootSec=1\nOnUnitActiveSec=6min\n"


@pytest.mark.parametrize(
    ("unit", "drop_in", "why"),
    [
        ("service", "[Service]\nMemoryMax=1G\n", None),
        ("service", "[Service]\nRestart=no\nRemainAfterExit=no\n", None),
        ("service", "[Service]\nRestart=always\n", "starts the service again after every run"),
        ("service", "[Service]\nRestart=on-failure\n", None),
        ("service", "[Service]\nType=simple\n", "takes the service for a daemon"),
        ("service", "[Service]\nRemainAfterExit=1\n", "RemainAfterExit"),
        ("service", "[Install]\nWantedBy=multi-user.target\n", "Install|enabled"),
        ("timer", "[Timer]\nUnit=other.service\n", "starts other.service"),
        ("timer", "[Timer]\nOnBootSec=\n", "never fires"),
        ("timer", "[Timer]\nOnCalendar=\nOnUnitActiveSec=1h\n", "never fires"),
        ("timer", "[Timer]\nOnUnitActiveSec=\nOnStartupSec=5\n", None),
    ],
)
def test_drop_ins_that_break_a_pair_are_found(unit: str, drop_in: str, why: str | None) -> None:
    place = f"{FOLDER}/job.{unit}.d"
    texts = {f"{FOLDER}/job.service": SERVICE, f"{FOLDER}/job.timer": TIMER, f"{place}/x.conf": drop_in}
    names = Names(UnitTree(texts, {}, {FOLDER: ("job.service", "job.timer"), place: ("x.conf",)}, {}, (FOLDER,)))
    faults = find_drop_in_faults(names.merge("job.service"), names.merge("job.timer"))
    if why is None:
        assert faults == []
    else:
        (fault,) = faults
        assert pytest.raises(BadInput, match=why).matches(BadInput(fault))
