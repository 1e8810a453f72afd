# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default paths of a host, with real folders."""

from __future__ import annotations

import fnmatch
import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect import snapshot_paths
from ansible_collections.guarded.deploy.plugins.module_utils._collect.snapshot_paths import collect_default_paths
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines
from builders.host_state import container_state
from builders.rooted import RootedHost

pytestmark = pytest.mark.feature("A6")

_LABEL = "com.docker.compose.project"


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path)
    found.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\njo:x:1000:1000::/home/jo:/bin/sh\nsys:x:9:9::/nonexistent:/bin/false\n")
    return found


def project(name: str, folder: str, files: str = "", mounts=(), user: str | None = None):
    labels = {_LABEL: name, f"{_LABEL}.working_dir": folder, f"{_LABEL}.config_files": files or f"{folder}/compose.yaml"}
    binds = [{"Type": "bind", "Source": source, "Destination": "/x", "RW": writable} for source, writable in mounts]
    return container_state(name, labels=labels, mounts=binds, user=user)


def plan(host: RootedHost, *containers):
    return collect_default_paths(host, Engines(containers))


def test_the_folders_of_users_who_linger_are_recorded_whether_there_or_not(host):
    host.write("/var/lib/systemd/linger/jo", "")
    host.write("/var/lib/systemd/linger/sys", "")
    paths = plan(host).paths
    assert "/home/jo/.config/systemd/user" in paths
    assert "/home/jo/.config/containers/systemd" in paths
    assert not any("nonexistent" in path for path in paths)


def test_whoever_has_a_manager_counts_too(host):
    (host.root / "run/user/0/systemd").mkdir(parents=True)
    assert pwd.getpwuid(0).pw_dir == "/root"
    assert "/root/.config/systemd/user" in plan(host).paths
    assert "/run/user/0/systemd/user" in plan(host).paths
    assert "/run/user/0" not in plan(host).paths


def test_a_link_of_a_users_is_not_followed_and_is_said(host):
    host.write("/var/lib/systemd/linger/jo", "")
    (host.root / "home/jo").mkdir(parents=True)
    os.symlink("/etc", host.root / "home/jo/.config")
    found = plan(host)
    assert not any(path.startswith("/home/jo") for path in found.paths)
    assert [path for path, _why in found.notes] == ["/home/jo/.config/containers/systemd", "/home/jo/.config/systemd/user"]


def test_a_link_of_the_systems_is(host):
    (host.root / "var/local").mkdir(parents=True)
    (host.root / "usr").mkdir()
    os.symlink("../var/local", host.root / "usr/local")
    paths = plan(host).paths
    assert "/var/local/bin" in paths
    assert "/usr/local/bin" not in paths


def test_a_project_that_is_up_is_recorded_without_the_data_of_its_containers(host):
    host.write("/opt/shop/compose.yaml", "services: {}\n")
    host.write("/opt/shop/data[1]/rows", "x")
    host.write("/opt/shop/conf/app.conf", "x")
    found = plan(host, project("shop", "/opt/shop", mounts=[("/opt/shop/data[1]", True), ("/opt/shop/conf", False), ("/srv/x", True)]))
    assert "/opt/shop" in found.paths
    matching = [pattern for pattern in found.excluded if fnmatch.fnmatchcase("/opt/shop/data[1]", pattern)]
    assert len(matching) == 1
    assert not any(fnmatch.fnmatchcase("/opt/shop/conf", pattern) for pattern in found.excluded)
    assert [path for path, _why in found.notes] == ["/opt/shop/data[1]"]


def test_a_file_that_a_container_writes_to_is_recorded(host):
    host.write("/opt/shop/app.conf", "x")
    found = plan(host, project("shop", "/opt/shop", mounts=[("/opt/shop/app.conf", True), ("/opt/shop", True)]))
    assert "/opt/shop" in found.paths
    assert found.notes == ()


def test_compose_files_elsewhere_are_recorded_by_themselves(host):
    host.write("/opt/shop/compose.yaml", "x")
    found = plan(host, project("shop", "/opt/shop", "/opt/shop/compose.yaml,/srv/prod.yaml"))
    assert {"/opt/shop", "/srv/prod.yaml"} <= set(found.paths)


def test_of_a_project_that_is_down_only_its_own_files_are(host):
    for name in ("compose.yaml", "compose.override.yaml", ".env", "notes.txt", "data/rows"):
        host.write(f"/srv/shop/{name}", "x")
    found = plan(host)
    assert [path for path in found.paths if path.startswith("/srv")] == [
        "/srv/shop/.env",
        "/srv/shop/compose.override.yaml",
        "/srv/shop/compose.yaml",
    ]
    assert "no containers" in dict(found.notes)["/srv/shop"]


def test_of_a_folder_that_is_too_large_only_files_are(host, monkeypatch):
    monkeypatch.setattr(snapshot_paths, "MOST_BYTES", 1000)
    host.write("/opt/shop/compose.yaml", "x")
    host.write("/opt/shop/run.sh", "x")
    host.write("/opt/shop/cache/a", "x" * 2000)
    found = plan(host, project("shop", "/opt/shop"))
    assert [path for path in found.paths if path.startswith("/opt")] == ["/opt/shop/compose.yaml", "/opt/shop/run.sh"]
    assert "run.sh" in dict(found.notes)["/opt/shop"]
    excluded = plan(host, project("shop", "/opt/shop", mounts=[("/opt/shop/cache", True)]))
    assert "/opt/shop" in excluded.paths


@pytest.mark.parametrize("folder", ["/opt", "/root", "/home/jo", "/"])
def test_of_a_folder_in_which_more_lives_only_compose_files_are(host, folder):
    for name in ("compose.yaml", "thesis.odt"):
        host.write(f"{folder}/{name}", "x")
    paths = plan(host, project("shop", folder)).paths
    assert f"{folder.rstrip('/')}/compose.yaml" in paths
    assert not any(path.endswith("thesis.odt") for path in paths)
    assert folder not in paths


def test_a_label_gives_a_user_no_right_to_anothers_files(host):
    host.write("/var/lib/systemd/linger/jo", "")
    for folder in ("/home/jo/shop", "/opt/other", "/etc/cron.secret"):
        host.write(f"{folder}/x", "x")
    found = plan(host, project("a", "/home/jo/shop", user="jo"), project("b", "/etc/cron.secret", user="jo"))
    assert "/home/jo/shop" in found.paths
    assert not any("secret" in path for path in found.paths)
    files = plan(host, project("a", "/home/jo/shop", "/home/jo/shop/compose.yaml,/etc/shadow", user="jo"))
    assert "/etc/shadow" not in files.paths


def test_a_project_that_must_not_be_recorded_is_said_and_stops_nothing(host):
    found = plan(host, project("shop", "/var/lib/docker/x"), project("odd", "/srv/../etc"))
    assert [path for path, _why in found.notes] == ["/srv/../etc", "/var/lib/docker/x"]
    assert "/etc/systemd" in found.paths
