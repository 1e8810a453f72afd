# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups: real ``/proc/PID/cgroup`` files, and paths in all their shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._sockets.cgroup import (
    CgroupMount,
    CgroupOwner,
    parse_cgroup_mount,
    parse_cgroup_path,
    parse_proc_cgroup,
)

CASES = Path(__file__).resolve().parents[4] / "cases" / "proc_cgroup"
NAMES = sorted(path.stem for path in CASES.glob("*.txt"))
ID = "9d94e3c27ec19f6c6763187e5c090445a568764c88caef100e4688b99274abf4"
OTHER = "e5b6eae316544a8919c2fdab4f8b6ce1d1f78a2ec59954f26e5e682af610bcf9"


def test_there_are_cases() -> None:
    assert len(NAMES) >= 10


@pytest.mark.feature("B1", "B2", "B3")
@pytest.mark.parametrize("name", NAMES)
def test_a_real_process_is_placed(name: str) -> None:
    expected = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    path = parse_proc_cgroup((CASES / f"{name}.txt").read_text(encoding="utf-8"))
    assert path == expected.pop("path")
    assert path is not None
    assert parse_cgroup_path(path)._asdict() == expected


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/", CgroupOwner()),
        ("/system.slice", CgroupOwner()),
        ("/init.scope", CgroupOwner("init.scope")),
        ("/system.slice/ssh.service", CgroupOwner("ssh.service")),
        ("/system.slice/docker.socket", CgroupOwner("docker.socket")),
        (r"/system.slice/system-foo.slice/foo@a\x2db.service/sub/deeper", CgroupOwner(r"foo@a\x2db.service")),
        ("/system.slice/_cpu.service", CgroupOwner("cpu.service")),
        ("/system.slice/__odd.service", CgroupOwner("_odd.service")),
        ("/a.slice/a-b.slice/a-b-c.slice/run-r12.scope", CgroupOwner("run-r12.scope")),
        # A slice below a unit is the unit's own business: a service with Delegate=yes that runs systemd inside.
        ("/machine.slice/systemd-nspawn@deb.service/payload/system.slice/nginx.service", CgroupOwner("systemd-nspawn@deb.service")),
        ("/lxc.payload.c1/system.slice/nginx.service", CgroupOwner()),
        # user managers and sessions
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", CgroupOwner("foo.service", 1000)),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.slice/x@1.service/sub", CgroupOwner("x@1.service", 1000)),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", CgroupOwner("init.scope", 1000)),
        ("/user.slice/user-1000.slice/user@1000.service", CgroupOwner("user@1000.service")),
        ("/user.slice/user-1000.slice/session-c3.scope", CgroupOwner()),
        ("/user.slice/user-1000.slice/session-3.scope/sub", CgroupOwner()),
        # Docker
        (f"/docker/{ID}", CgroupOwner(None, None, "docker", ID)),
        (f"/docker/{ID}/system.slice/nginx.service", CgroupOwner(None, None, "docker", ID)),
        (f"/system.slice/docker-{ID}.scope", CgroupOwner(None, None, "docker", ID)),
        (f"/shop.slice/docker-{ID}.scope/init.scope", CgroupOwner(None, None, "docker", ID)),
        (f"/docker/{ID}/system.slice/docker-{OTHER}.scope", CgroupOwner(None, None, "docker", ID)),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope", CgroupOwner(None, 1000, "docker", ID)),
        (f"/own_parent/{ID}", CgroupOwner(None, None, None, ID)),
        (f"/system.slice/docker-{ID[:-1]}.scope", CgroupOwner(f"docker-{ID[:-1]}.scope")),
        # Podman
        (f"/machine.slice/libpod-{ID}.scope/container", CgroupOwner(None, None, "podman", ID)),
        (f"/machine.slice/libpod-conmon-{ID}.scope", CgroupOwner(None, None, "podman", ID)),
        (f"/libpod_parent/libpod-{ID}", CgroupOwner(None, None, "podman", ID)),
        (f"/libpod_parent/libpod-{ID}/conmon", CgroupOwner(None, None, "podman", ID)),
        (f"/system.slice/web.service/libpod-payload-{ID}", CgroupOwner("web.service", None, "podman", ID)),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container", CgroupOwner(None, 1000, "podman", ID)),
        (
            f"/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-{ID}",
            CgroupOwner("web.service", 1000, "podman", ID),
        ),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/runtime", CgroupOwner("web.service", 1000)),
        # Kubernetes
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", CgroupOwner(None, None, "containerd", ID)),
        (f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope", CgroupOwner(None, None, "cri-o", ID)),
        (f"/kubepods/burstable/pod1/{ID}", CgroupOwner(None, None, None, ID)),
        # outside what this process may see
        ("/..", CgroupOwner()),
        (f"/../{ID}/system.slice/ssh.service", CgroupOwner()),
    ],
)
@pytest.mark.feature("B1", "B2", "B3")
def test_a_path_names_unit_and_container(path: str, owner: CgroupOwner) -> None:
    assert parse_cgroup_path(path) == owner


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("0::/system.slice/a.service\n", "/system.slice/a.service"),
        ("0::/system.slice/a.service (deleted)\n", "/system.slice/a.service"),
        # An engine that knows only the old hierarchies leaves its containers' unified group where the engine was.
        (f"4:memory:/docker/{ID}\n1:name=systemd:/docker/{ID}\n0::/system.slice/docker.service\n", f"/docker/{ID}"),
        (f"4:memory:/docker/{ID}\n1:name=systemd:/\n0::/\n", f"/docker/{ID}"),
        # v1 alone
        ("4:memory:/user.slice\n1:name=systemd:/system.slice/a.service\n", "/system.slice/a.service"),
        # A hybrid host whose unified hierarchy nobody manages.
        ("4:memory:/system.slice\n1:name=systemd:/system.slice/a.service\n0::/\n", "/system.slice/a.service"),
        # The unified hierarchy goes before the controllers of the old ones.
        ("4:memory:/system.slice/b.service\n1:name=systemd:/\n0::/system.slice/a.service\n", "/system.slice/a.service"),
    ],
)
def test_the_line_that_says_most_is_taken(text: str, path: str | None) -> None:
    assert parse_proc_cgroup(text) == path


V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot"
HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
BOUND = f"""\
50 31 0:38 /docker/{ID} /srv/a\\040b/cgroup rw,relatime - cgroup2 cgroup2 rw
51 31 0:38 /.. /srv/outside rw,relatime - cgroup2 cgroup2 rw
"""


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        (V2, CgroupMount("/sys/fs/cgroup", "/")),
        (HYBRID, CgroupMount("/sys/fs/cgroup/unified", "/")),
        (BOUND, CgroupMount("/srv/a b/cgroup", f"/docker/{ID}")),
        (BOUND + HYBRID, CgroupMount("/sys/fs/cgroup/unified", "/")),
        ("", None),
        ("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755", None),
    ],
)
def test_the_mount_that_shows_most_of_the_unified_hierarchy_is_found(text: str, mount: CgroupMount | None) -> None:
    assert parse_cgroup_mount(text) == mount
