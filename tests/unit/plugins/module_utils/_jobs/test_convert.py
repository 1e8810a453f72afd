# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a loop service to a pair: what is kept, what goes, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Refused
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.convert import (
    Conversion,
    Wanted,
    convert_unit,
    find_inline,
    measure_schedule,
    plan_schedule,
    render_span,
    replace_inline,
    replace_module,
    replace_program,
)
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_model import PairFiles, Schedule, Spans
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_text import render_pair
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.timespan import parse_span
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, UnitTree

pytestmark = pytest.mark.feature("C5")

FOLDER = "/etc/systemd/system"
LOOP = """[Unit]
Description=Maintenance
After=network-online.target postgresql.service
StartLimitIntervalSec=0
OnFailure=alert@%n.service
[Service]
Type=simple
User=maint
Environment=A=1 "B=two words"
EnvironmentFile=-/etc/default/maint
StateDirectory=%p
ExecStart=/usr/bin/python3 /opt/maint/loop.py --unit %n
ExecStartPre=/bin/mkdir -p /run/maint
ExecStop=/bin/true
Restart=always
RestartSec=1
MemoryMax=64M
ProtectSystem=strict
WatchdogSec=10
[Install]
WantedBy=multi-user.target
"""
WANTED = Wanted("maint-job", 360.0, waits_first=False)


def names_of(files: dict[str, str]) -> Names:
    folders: dict[str, list[str]] = {}
    for path in files:
        folder, _slash, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return Names(UnitTree(files, {}, {folder: tuple(sorted(found)) for folder, found in folders.items()}, {}, (FOLDER,)))


def convert(text: str = LOOP, others: dict[str, str] | None = None, wanted: Wanted = WANTED, script: str = "") -> Conversion:
    files = {f"{FOLDER}/maint.service": text, **{f"{FOLDER}/{name}": content for name, content in (others or {}).items()}}
    names = names_of(files)
    unit = names.merge("maint.service")
    return convert_unit(unit, names, wanted, "/usr/bin/python3 /opt/maint/loop_once.py --unit %n", script)


def rendered(conversion: Conversion) -> PairFiles:
    return render_pair(conversion.settings, "maint-job", FOLDER)


def service(conversion: Conversion) -> list[tuple[str, str]]:
    return [(one.key, one.value) for one in conversion.settings.service]


def test_what_the_work_needs_is_kept_and_what_keeps_it_up_goes() -> None:
    found = service(convert())
    kept = dict(found)
    assert kept["User"] == "maint"
    assert kept["Environment"] == 'A=1 "B=two words"'
    assert kept["EnvironmentFile"] == "-/etc/default/maint"
    assert kept["ExecStartPre"] == "/bin/mkdir -p /run/maint"
    assert kept["MemoryMax"] == "64M"
    assert kept["ProtectSystem"] == "strict"
    assert kept["After"] == "network-online.target postgresql.service"
    assert kept["Type"] == "oneshot"
    assert kept["TimeoutStartSec"] == "1h"
    gone = {"Restart", "RestartSec", "WatchdogSec", "ExecStop", "StartLimitIntervalSec", "WantedBy"}
    assert not gone & set(kept)
    assert [value for key, value in found if key == "ExecStart"] == ["/usr/bin/python3 /opt/maint/loop_once.py --unit maint.service"]


def test_specifiers_go_on_to_mean_the_old_name_but_for_the_one_that_tells_of_failures() -> None:
    kept = dict(service(convert(LOOP.replace("Description=Maintenance", "Description=100%% of %N"))))
    assert kept["StateDirectory"] == "maint"
    assert kept["Description"] == "100%% of maint"
    assert kept["OnFailure"] == "alert@%n.service"


def test_what_changes_is_told() -> None:
    notes = convert().notes
    assert "ExecStartPre= run with every run now" in notes
    assert any(note.startswith("ExecStop= is left out") for note in notes)
    assert any(note.startswith("WatchdogSec= is left out") for note in notes)


def test_drop_ins_are_taken_over() -> None:
    others = {
        "maint.service.d/limits.conf": "[Service]\nMemoryMax=128M\nEnvironment=\nEnvironment=C=3\n",
        "service.d/all.conf": "[Service]\nNice=5\n",
    }
    conversion = convert(others=others)
    files = rendered(conversion)
    new = names_of({files.service_path: files.service, **{f"{FOLDER}/{name}": text for name, text in others.items()}})
    merged = new.merge("maint-job.service")
    limit = merged.last("Service", "MemoryMax")
    assert limit is not None
    assert limit.value == "128M"
    assert [one.value for one in merged.listed("Service", "Environment")] == ["C=3"]
    # What applies to all services applies to the new one anyway, and only once.
    assert [one.value for one in merged.all("Service", "Nice")] == ["5"]


def test_the_timer_repeats_what_the_loop_did() -> None:
    text = rendered(convert()).timer
    assert "OnBootSec=0\n" in text
    assert "OnUnitInactiveSec=6min\n" in text
    assert "AccuracySec=1s\n" in text
    assert "WantedBy=timers.target\n" in text
    text = rendered(convert(wanted=WANTED._replace(waits_first=True, from_start=True))).timer
    assert "OnBootSec=6min\n" in text
    assert "OnUnitActiveSec=6min\n" in text


@given(st.integers(1, 10**9))
def test_an_interval_is_the_same_in_words_and_in_microseconds(milliseconds: int) -> None:
    wanted = WANTED._replace(interval=milliseconds / 1000)
    seconds = parse_span(plan_schedule(wanted).on_unit_inactive_sec)
    assert seconds is not None
    assert round(seconds * 1e6) == measure_schedule(wanted).on_unit_inactive_sec == milliseconds * 1000


@pytest.mark.parametrize(
    ("seconds", "text"), [(360.0, "6min"), (1.0, "1s"), (3600.0, "1h"), (90.0, "90s"), (0.25, "250ms"), (86400.0, "24h"), (2.5, "2500ms")]
)
def test_intervals_are_written_as_people_do(seconds: float, text: str) -> None:
    assert render_span(seconds) == text


def test_an_interval_from_the_start_is_one() -> None:
    wanted = WANTED._replace(from_start=True)
    assert plan_schedule(wanted) == Schedule(on_boot_sec="0", on_unit_active_sec="6min", accuracy_sec="1s")
    assert measure_schedule(wanted) == Spans(on_boot_sec=0, on_unit_active_sec=360_000_000)


def test_the_files_say_where_they_come_from() -> None:
    head = rendered(convert(script="/opt/maint/loop_once.py")).service.splitlines()[:3]
    assert head[1:] == ["# Converted from maint.service", "# It runs the one-pass script /opt/maint/loop_once.py"]


def test_a_unit_without_a_cap_needs_one_or_a_reason() -> None:
    text = LOOP.replace("MemoryMax=64M\n", "")
    with pytest.raises(Refused, match="has no memory cap"):
        convert(text)
    assert dict(service(convert(text, wanted=WANTED._replace(memory_max="1G"))))["MemoryMax"] == "1G"
    reasoned = convert(text, wanted=WANTED._replace(memory_max_reason="it sorts"))
    assert "# No MemoryMax=: it sorts" in rendered(reasoned).service
    with pytest.raises(Refused, match="has no memory cap"):
        convert(text.replace("[Install]", "MemoryMax=infinity\n[Install]"))


def test_a_cap_that_is_said_goes_before_the_old_one() -> None:
    found = [value for key, value in service(convert(wanted=WANTED._replace(memory_max="1G"))) if key == "MemoryMax"]
    assert found[-1] == "1G"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Type=simple", "Type=forking", "into the background"),
        ("Type=simple", "Type=dbus", "a name on the bus"),
        ("User=maint", "Sockets=x.socket", "passed sockets"),
        ("User=maint", "StandardInput=socket", "passed sockets"),
        ("ExecStart=/usr", "ExecStart=/bin/true\nExecStart=/usr", "has 2 ExecStart="),
    ],
)
def test_what_is_no_periodic_job_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        convert(LOOP.replace(old, new, 1))


def test_an_instance_is_refused() -> None:
    names = names_of({f"{FOLDER}/maint@.service": LOOP})
    with pytest.raises(Refused, match="instance of a template"):
        convert_unit(names.merge("maint@a.service"), names, WANTED, "/bin/true", "")


def test_others_that_need_it_are_a_reason_to_refuse() -> None:
    with pytest.raises(Refused, match=r"web.service has Requires=maint.service"):
        convert(others={"web.service": "[Unit]\nRequires=maint.service\n"})


@pytest.mark.parametrize("key", ["Wants", "After", "PartOf", "OnFailure"])
def test_others_that_name_it_are_told(key: str) -> None:
    found = convert(others={"web.service": f"[Unit]\n{key}=maint.service\n"})
    assert f"web.service has {key}=maint.service, which means nothing any more" in found.notes


@pytest.mark.parametrize(
    ("value", "old", "expected"),
    [
        ("/usr/bin/python3 /opt/l.py --x 1", "/opt/l.py", "/usr/bin/python3 /opt/l_once.py --x 1"),
        ("-/opt/l.py --x", "/opt/l.py", "-/opt/l_once.py --x"),
        ("/bin/x -/opt/l.py", "/opt/l.py", None),
        ('/usr/bin/python3 "/opt/a b.py" $ARGS', "/opt/a b.py", "/usr/bin/python3 /opt/l_once.py $ARGS"),
        ("/usr/bin/env /opt/l.py %i 'a b'", "/opt/l.py", "/usr/bin/env /opt/l_once.py %i 'a b'"),
        ("/opt/wrapper.sh", "/opt/l.py", None),
    ],
)
def test_the_script_is_replaced_and_nothing_else(value: str, old: str, expected: str | None) -> None:
    assert replace_program(value, [old], "/opt/l_once.py") == expected


def test_a_module_is_replaced_behind_its_option() -> None:
    assert replace_module("/usr/bin/python3 -m pkg.loop loop", "pkg.loop", "pkg.loop_once") == "/usr/bin/python3 -m pkg.loop_once loop"
    assert replace_module("/usr/bin/python3 pkg.loop", "pkg.loop", "pkg.loop_once") is None


def test_a_script_in_the_unit_keeps_its_doubled_signs() -> None:
    value = "/bin/sh -c 'while true; do n=$$(date +%%s); echo $$n; sleep 5; done'"
    script = find_inline(value)
    assert script == "while true; do n=$$(date +%%s); echo $$n; sleep 5; done"
    assert replace_inline(value, script, "n=$$(date +%%s); echo $$n") == '/bin/sh -c "n=$$(date +%%s); echo $$n"'
    assert find_inline("/opt/x --config y") is None
