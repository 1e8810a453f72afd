# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.jobs import LARGEST_SCRIPT, HostFiles, Jobs, Wanted, collect_jobs
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.model import Finding
from builders.rooted import RootedHost

LOOP = "import time\nwhile True:\n    work()\n    time.sleep(360)\n"
UNIT = "[Service]\nExecStart=/usr/bin/python3 {path}\nRestart=always\n[Install]\nWantedBy=multi-user.target\n"
QUIET = Wanted(evidence=False)


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path)
    found.write(
        "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n"
    )
    return found


def unit(host: RootedHost, name: str, path: str, script: str | bytes | None) -> None:
    host.write(f"/etc/systemd/system/{name}", UNIT.format(path=path))
    if script is not None:
        place = host.write(path, "")
        place.write_bytes(script if isinstance(script, bytes) else script.encode())


def only(jobs: Jobs) -> Finding:
    assert len(jobs.findings) == 1
    return jobs.findings[0]


@pytest.mark.feature("C1")
def test_a_loop_on_the_host_is_found_with_its_place(host: RootedHost) -> None:
    unit(host, "report.service", "/opt/report.py", LOOP)
    found = only(collect_jobs(host, QUIET))
    assert (found.unit, found.verdict, found.file, found.line, found.interval) == ("report.service", "sleep_loop", "/opt/report.py", 2, 360)
    assert "/opt/report.py line 2" in found.explanation
    assert "oneshot_timer_conversion" in found.remedy[1]


@pytest.mark.feature("C1")
def test_a_script_of_50_megabytes_is_refused_and_told(host: RootedHost) -> None:
    unit(host, "x.service", "/opt/x.py", None)
    place = host.write("/opt/x.py", "#!/usr/bin/python3\n")
    with place.open("r+b") as file:
        file.truncate(50 << 20)
    jobs = collect_jobs(host, QUIET)
    assert only(jobs).verdict == "cannot_tell"
    assert f"more than {LARGEST_SCRIPT} bytes" in only(jobs).why
    assert [spot.what for spot in jobs.blind_spots] == ["/opt/x.py"]


@pytest.mark.feature("C1")
def test_a_script_that_is_no_utf_8_is_read_all_the_same(host: RootedHost) -> None:
    unit(host, "x.service", "/opt/x.py", b"# -*- coding: latin-1 -*-\n# gr\xfc\xdfe\n" + LOOP.encode())
    assert only(collect_jobs(host, QUIET)).line == 4


def test_a_fifo_in_place_of_a_script_holds_nothing_up(host: RootedHost) -> None:
    import os

    unit(host, "x.service", "/opt/x.py", None)
    (host.root / "opt").mkdir()
    os.mkfifo(host.at("/opt/x.py"))
    jobs = collect_jobs(host, QUIET)
    assert only(jobs).verdict == "cannot_tell"
    assert "no regular file" in jobs.blind_spots[0].why


def test_drop_ins_that_lead_in_a_circle_end(host: RootedHost) -> None:
    unit(host, "x.service", "/opt/x.py", LOOP)
    folder = host.root / "etc/systemd/system/x.service.d"
    folder.mkdir()
    (folder / "a.conf").symlink_to("b.conf")
    (folder / "b.conf").symlink_to("a.conf")
    (host.root / "etc/systemd/system/y.service").symlink_to("/etc/systemd/system/z.service")
    (host.root / "etc/systemd/system/z.service").symlink_to("/etc/systemd/system/y.service")
    found = {one.unit: one.verdict for one in collect_jobs(host, QUIET).findings}
    assert found["x.service"] == "sleep_loop"


@pytest.mark.parametrize("name", ["back@up.service", "a\\x2db.service", "strange\nname.service"])
def test_strange_names_are_only_names(host: RootedHost, name: str) -> None:
    unit(host, name, "/opt/x.py", LOOP)
    assert only(collect_jobs(host, QUIET)).unit == name


def test_a_template_is_judged_by_its_enabled_instances(host: RootedHost) -> None:
    unit(host, "poll@.service", "/opt/%i.py", None)
    host.write("/opt/lamp.py", LOOP)
    wants = host.root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "poll@lamp.service").symlink_to("../poll@.service")
    found = only(collect_jobs(host, QUIET))
    assert (found.unit, found.verdict, found.file) == ("poll@lamp.service", "sleep_loop", "/opt/lamp.py")


@pytest.mark.feature("C1")
def test_units_of_users_are_found_in_their_homes(host: RootedHost) -> None:
    host.write("/home/ann/.config/systemd/user/sync.service", "[Service]\nExecStart=/home/ann/sync.sh\n")
    host.write("/home/ann/sync.sh", "#!/bin/sh\nwhile true; do rsync a b; sleep 60; done\n")
    found = only(collect_jobs(host, QUIET))
    assert (found.unit, found.user, found.verdict, found.line) == ("sync.service", "ann", "sleep_loop", 2)
    assert collect_jobs(host, QUIET._replace(users=False)).findings == ()


@pytest.mark.feature("C1")
def test_files_that_are_planned_count_as_if_they_were_there(host: RootedHost) -> None:
    unit(host, "x.service", "/opt/x.py", "print(1)\n")
    planned = (("/opt/x.py", LOOP), ("/etc/systemd/system/y.service", UNIT.format(path="/opt/x.py")))
    found = collect_jobs(host, QUIET._replace(planned=planned)).findings
    assert {one.unit: one.verdict for one in found} == {"x.service": "sleep_loop", "y.service": "sleep_loop"}
    assert only(collect_jobs(host, QUIET)).verdict == "oneshot"


@pytest.mark.feature("C4")
def test_a_timer_that_nobody_enabled_and_a_service_that_is_enabled_too(host: RootedHost) -> None:
    host.write("/run/systemd/system/.keep", "")
    host.write("/bin/systemctl", "#!/bin/sh\necho 'other.timer loaded active waiting x'\n", 0o755)
    host.write("/etc/systemd/system/a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
    host.write("/etc/systemd/system/a.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
    found = only(collect_jobs(host, QUIET))
    assert [one.id for one in found.problems if one.severity == "broken"] == ["timer-not-enabled"]
    for target, name in (("multi-user", "a.service"), ("timers", "a.timer")):
        folder = host.root / f"etc/systemd/system/{target}.target.wants"
        folder.mkdir()
        (folder / name).symlink_to(f"../{name}")
    found = only(collect_jobs(host, QUIET))
    assert [one.id for one in found.problems if one.severity == "broken"] == ["service-also-enabled"]
    (host.root / "etc/systemd/system/multi-user.target.wants/a.service").unlink()
    assert only(collect_jobs(host, QUIET)).verdict == "sound_pair"


@pytest.mark.feature("C1")
def test_each_file_is_read_once_however_many_units_name_it(host: RootedHost) -> None:
    reads: list[str] = []

    class Counting(RootedHost):
        def read_regular(self, path: str, most: int) -> bytes:
            reads.append(path)
            return super().read_regular(path, most)

    counting = Counting(host.root)
    for number in range(20):
        unit(host, f"u{number}.service", "/opt/x.py", LOOP)
    assert len(collect_jobs(counting, QUIET).findings) == 20
    assert reads.count("/opt/x.py") == 1


def test_what_may_not_be_read_is_a_blind_spot_and_no_empty_answer(host: RootedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.guarded.deploy.plugins.module_utils._errors import Denied

    unit(host, "x.service", "/opt/x.py", LOOP)
    read = RootedHost.read_start
    listing = RootedHost.list_dir

    def denied(self: RootedHost, path: str, size: int) -> bytes:
        if path == "/opt/x.py":
            raise Denied("/opt/x.py: Permission denied")
        return read(self, path, size)

    def closed(self: RootedHost, path: str) -> list[str]:
        if path.startswith("/home/ann"):
            raise Denied(f"{path}: Permission denied")
        return listing(self, path)

    monkeypatch.setattr(RootedHost, "read_start", denied)
    monkeypatch.setattr(RootedHost, "list_dir", closed)
    jobs = collect_jobs(host, QUIET)
    assert only(jobs).verdict == "cannot_tell"
    assert {spot.what for spot in jobs.blind_spots} == {"/opt/x.py", "units of the user ann"}


def test_a_program_is_found_on_the_path_and_binaries_are_no_text(host: RootedHost) -> None:
    host.write("/usr/bin/tool", "x").write_bytes(b"\x7fELF\x02\x01")
    files = HostFiles(host)
    assert files.find("tool") == "/usr/bin/tool"
    assert files.find("other") == ""
    assert (files.read("/usr/bin/tool").kind, files.read("/gone").kind, files.read("a\0b").kind) == ("binary", "missing", "missing")
