# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit files on a real file system below another root."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect import unit_files
from ansible_collections.guarded.deploy.plugins.module_utils._collect.unit_files import (
    collect_declared_units,
    collect_unit_files,
    read_condition,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook, Denied, NothingThere
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Setting
from builders.rooted import RootedHost
from builders.unit_tree import parse_listing

TREE = Path(__file__).resolve().parents[4] / "cases" / "unit_tree" / "tree.txt"
SYSTEM = "/etc/systemd/system"

pytestmark = pytest.mark.feature("B10", "B11", "B15")


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    return RootedHost(tmp_path, own=())


def link(host: RootedHost, path: str, target: str) -> None:
    place = Path(host.at(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def put(host: RootedHost, text: str) -> None:
    listing = parse_listing(text)
    for path, body in listing.files.items():
        host.write(path, body)
    for path, target in listing.links.items():
        link(host, path, target)


class Refusing(RootedHost):
    """Some paths may not be read, as for an unprivileged login."""

    refused: t.ClassVar[set[str]] = set()

    def entries(self, path: str) -> list[tuple[str, str]]:
        if path in self.refused:
            raise Denied(f"{path}: Permission denied")
        return super().entries(path)

    def read_regular(self, path: str, most: int) -> bytes:
        if path in self.refused:
            raise Denied(f"{path}: Permission denied")
        return super().read_regular(path, most)


def test_a_host_without_systemd_has_nothing(host: RootedHost) -> None:
    found = collect_unit_files(host)
    assert (found.names.tree.files, found.environment_files, found.blind_spots) == ({}, {}, ())


def test_all_of_a_tree_is_read(host: RootedHost) -> None:
    text = TREE.read_text(encoding="utf-8")
    put(host, text)
    found = collect_unit_files(host)
    expected = parse_listing(text)
    # All but what is no drop-in.
    assert found.names.tree.files == {path: body for path, body in expected.files.items() if not path.endswith(".txt")}
    assert found.names.tree.links.keys() == expected.links.keys()
    assert found.names.tree.links[f"{SYSTEM}/gd-second.service"] == f"{SYSTEM}/gd-alias.service"
    assert (
        found.names.tree.links["/usr/lib/systemd/system/gd-boot.target.wants/gd-local.service"]
        == "/usr/lib/systemd/system/gd-local.service"
    )
    assert found.blind_spots == ()
    assert found.names.merge("gd-linked.service").load == "loaded"


def test_the_old_name_of_the_folder_is_the_new_one(host: RootedHost) -> None:
    host.write("/usr/lib/systemd/system/web.service", "[Service]\nExecStart=/usr/bin/prometheus\n")
    link(host, "/lib", "usr/lib")
    link(host, f"{SYSTEM}/alias.service", "/lib/systemd/system/web.service")
    host.write("/usr/lib/systemd/system/app@.service", "[Service]\nExecStart=/usr/bin/prometheus\n")
    link(host, f"{SYSTEM}/app@1.service", "/lib/systemd/system/app@.service")
    names = collect_unit_files(host).names
    assert names.merge("app@1.service").fragment == "/usr/lib/systemd/system/app@.service"
    assert names.merge("alias.service").names == ("web.service", "alias.service")
    assert names.merge("web.service").fragment == "/usr/lib/systemd/system/web.service"


def test_what_is_declared_and_what_the_boot_starts(host: RootedHost) -> None:
    put(
        host,
        f"""== /usr/lib/systemd/system/sysinit.target
[Unit]
Description=base
== {SYSTEM}/default.target -> /usr/lib/systemd/system/multi-user.target
== /usr/lib/systemd/system/multi-user.target
[Unit]
Wants=by-bus.service
== {SYSTEM}/multi-user.target.wants/on.service -> {SYSTEM}/on.service
== {SYSTEM}/on.service
[Service]
EnvironmentFile=/etc/default/on
ExecStart=/usr/bin/prometheus --web.listen-address=:${{PORT}}
== /etc/default/on
PORT=9191
== {SYSTEM}/off.service
[Service]
ExecStart=/usr/bin/prometheus
== {SYSTEM}/app@.service
[Service]
ExecStart=/usr/bin/memcached -p 80%i
== {SYSTEM}/multi-user.target.wants/app@11.service -> {SYSTEM}/app@.service
== {SYSTEM}/multi-user.target.wants/s.socket -> {SYSTEM}/s.socket
== {SYSTEM}/s.socket
[Socket]
ListenStream=81
== {SYSTEM}/s.service
[Service]
ExecStart=/usr/bin/memcached -p 82
== {SYSTEM}/other-bus.service
[Service]
Type=dbus
BusName=a.b
ExecStart=/bin/sleep 1
== {SYSTEM}/masked.service -> /dev/null
== /run/systemd/system/volatile.service
[Service]
ExecStart=/bin/sleep 1
== /run/systemd/system/multi-user.target.wants/volatile.service -> ../volatile.service
""",
    )
    found = collect_declared_units(host)
    assert {one.name: (one.at_boot, [port.port for port in one.ports]) for one in found.declared} == {
        "app@11.service": ("yes", [8011]),
        "masked.service": ("no", []),
        "off.service": ("no", [9090]),
        "on.service": ("yes", [9191]),
        "other-bus.service": ("unknown", []),
        "s.service": ("unknown", []),  # its socket passes it 81
        "s.socket": ("yes", [81]),
        "volatile.service": ("no", []),
    }
    assert found.blind_spots == ()


def test_environment_files(host: RootedHost) -> None:
    host.write(
        f"{SYSTEM}/a.service",
        "[Service]\nEnvironmentFile=/etc/a\nEnvironmentFile=-/etc/missing\nEnvironmentFile=-/etc/a.d/*.env\nEnvironmentFile=-/etc/b.d/*.env\n",
    )
    host.write("/etc/a", "A=1\n")
    host.write("/etc/a.d/2.env", "B=2\n")
    host.write("/etc/a.d/1.env", "B=1\n")
    host.write("/etc/a.d/3.txt", "B=3\n")
    assert collect_unit_files(host).environment_files == {
        "/etc/a": "A=1\n",
        "/etc/missing": None,
        "/etc/a.d/*.env": "B=1\n\nB=2\n",
        "/etc/b.d/*.env": None,
    }


def test_what_may_not_be_read_is_a_blind_spot_and_not_absent(tmp_path: Path) -> None:
    host = Refusing(tmp_path, own=())
    host.write(f"{SYSTEM}/a.service", "[Service]\nEnvironmentFile=-/etc/secret\nExecStart=/usr/bin/uvicorn a --port $PORT\n")
    host.write(f"{SYSTEM}/b.service", "[Service]\nExecStart=/usr/bin/prometheus\n")
    host.write("/etc/secret", "PORT=80\n")
    host.refused = {"/etc/secret", f"{SYSTEM}/b.service", "/usr/local/lib/systemd/system"}
    files = collect_unit_files(host)
    assert files.environment_files == {}
    assert sorted(spot.what for spot in files.blind_spots) == [
        "/etc/secret, the environment of a.service",
        f"{SYSTEM}/b.service",
        "/usr/local/lib/systemd/system",
    ]
    assert all("Permission denied" in spot.why and spot.could_hide_planned for spot in files.blind_spots)
    declared = {one.name: one for one in collect_declared_units(host).declared}
    assert declared["a.service"].ports == declared["b.service"].ports == ()
    assert "/etc/secret" in declared["a.service"].unknown[0]
    assert "Permission denied" in declared["b.service"].unknown[0]
    # A link to it may be where nobody could look.
    assert declared["a.service"].at_boot == "unknown"


def test_a_pipe_in_the_place_of_a_file_does_not_hang(host: RootedHost) -> None:
    Path(host.at(SYSTEM)).mkdir(parents=True)
    os.mkfifo(host.at(f"{SYSTEM}/pipe"))
    link(host, f"{SYSTEM}/a.service", host.at(f"{SYSTEM}/pipe"))
    host.write(f"{SYSTEM}/b.service", "[Service]\nEnvironmentFile=/etc/pipe\n")
    Path(host.at("/etc")).mkdir(exist_ok=True)
    os.mkfifo(host.at("/etc/pipe"))
    found = collect_unit_files(host)
    assert "no regular file" in found.blind_spots[0].why
    assert found.environment_files == {}


def test_a_folder_of_rubbish_does_not_hold_it_up(host: RootedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_files, "_MOST_FILES", 5)
    for number in range(10):
        host.write(f"{SYSTEM}/a{number}.service", "[Service]\n")
    found = collect_unit_files(host)
    assert len(found.names.tree.files) == 5
    assert "more than 5 files" in found.blind_spots[0].why


def test_links_that_go_round_end(host: RootedHost) -> None:
    link(host, f"{SYSTEM}/a.service", "/opt/b.service")
    link(host, "/opt/b.service", "/opt/a.service")
    link(host, "/opt/a.service", "/opt/b.service")
    assert collect_unit_files(host).names.merge("a.service").load == "not-found"


@pytest.mark.parametrize(
    ("key", "value", "truth"),
    [
        ("ConditionPathExists", "/etc/there", True),
        ("ConditionPathExists", "!/etc/there", False),
        ("ConditionPathExists", "/etc/not-there", False),
        ("ConditionPathExists", "|!/etc/not-there", True),
        ("AssertPathExists", "/etc/there", True),
        ("ConditionFileIsExecutable", "/usr/sbin/nginx", True),
        ("ConditionFileIsExecutable", "/etc/there", False),
        ("ConditionFileIsExecutable", "/usr/sbin", False),
        ("ConditionFileIsExecutable", "/usr/sbin/not-there", False),
        ("ConditionFileIsExecutable", "!/usr/sbin/not-there", True),
        ("ConditionFileNotEmpty", "/usr/sbin/nginx", True),
        ("ConditionFileNotEmpty", "/etc/there", False),
        ("AssertPathIsDirectory", "/usr/sbin", True),
        ("AssertPathIsDirectory", "/etc/there", False),
        # What is below /run at the next boot, nobody knows.
        ("ConditionPathExists", "/run/there", None),
        ("ConditionPathExists", "/etc/%H", None),
        ("ConditionVirtualization", "container", None),
        ("ConditionPathExistsGlob", "/etc/th*", None),
    ],
)
def test_conditions_that_files_can_tell(host: RootedHost, key: str, value: str, truth: bool | None) -> None:
    host.write("/etc/there", "")
    host.write("/usr/sbin/nginx", "#!/bin/sh", mode=0o755)
    assert read_condition(host, Setting("Unit", key, value, 1, "/x")) is truth


def test_the_door_tells_what_is_there_from_what_is_not(host: RootedHost) -> None:
    host.write("/folder/file", "text")
    link(host, "/folder/link", "file")
    Path(host.at("/folder/below")).mkdir()
    os.mkfifo(host.at("/folder/pipe"))
    assert host.entries("/folder") == [("below", "folder"), ("file", "file"), ("link", "link"), ("pipe", "other")]
    assert host.read_regular("/folder/link", 4) == b"text"
    assert host.exists("/folder/link")
    assert not host.exists("/folder/file/x")
    for look in (lambda: host.entries("/none"), lambda: host.read_regular("/none", 1)):
        with pytest.raises(NothingThere):
            look()
    for path, most in (("/folder/file", 3), ("/folder", 9), ("/folder/pipe", 9)):
        with pytest.raises(CouldNotLook):
            host.read_regular(path, most)


def test_five_hundred_units_are_all_read(host: RootedHost) -> None:
    for number in range(500):
        host.write(
            f"/usr/lib/systemd/system/app{number}.service",
            "[Unit]\nDescription=An application\nAfter=network.target\n\n[Service]\nUser=app\nRestart=always\nProtectSystem=strict\n"
            f"# comment\nExecStart=/usr/bin/uvicorn app:app \\\n  --port {8000 + number}\n\n[Install]\nWantedBy=multi-user.target\n",
        )
        link(host, f"{SYSTEM}/multi-user.target.wants/app{number}.service", f"/usr/lib/systemd/system/app{number}.service")
    assert len(collect_declared_units(host).declared) == 500
