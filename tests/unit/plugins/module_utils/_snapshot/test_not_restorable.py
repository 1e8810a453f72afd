# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore will not bring back is told before the change."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines, Entry, Tree, VolumeState
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.not_restorable import KINDS, find_unrestorable
from builders.host_state import container_state, host_state
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A14")


def entry(path: str, kind: str = "file") -> Entry:
    return Entry(path, kind, 0o644, 0, 0, 1, 1, 1, 1, 1, 8)


def lost(state=None, trees=(), changed=(), notes=()):
    found = find_unrestorable(state or host_state(), trees, changed, notes)
    assert [KINDS.index(one.kind) for one in found] == sorted(KINDS.index(one.kind) for one in found)
    return {(one.kind, one.name) for one in found}


def test_it_always_says_that_packages_and_everything_else_stay():
    found = find_unrestorable(host_state(packages={"a": "1"}), [Tree("/etc/systemd", ())])
    assert [(one.kind, one.name) for one in found] == [("path", "everything else"), ("package", "1 packages")]
    assert "/etc/systemd" in found[0].why


@pytest.mark.parametrize(
    "name", ["postgresql@15-main.service", "mariadb.service", "mysql.service", "redis-server.service", "mongod.service"]
)
def test_databases_in_units(name):
    assert ("database", name) in lost(host_state(units=(unit_state(name),)))
    assert ("database", name) in lost(host_state(units=(unit_state(name, "inactive"),)))
    assert ("database", name) not in lost(host_state(units=(unit_state(name, "inactive", "disabled"),)))


@pytest.mark.parametrize(
    "image", ["postgres:16", "docker.io/library/mysql", "ghcr.io/x/mariadb:11@sha256:1", "redis", "bitnami/postgresql-repmgr:1"]
)
def test_databases_in_containers(image):
    state = host_state(engines=Engines((container_state("db", image=image),)))
    assert ("database", "db (docker)") in lost(state)


@pytest.mark.parametrize("image", ["nginx", "shop/postgrest:1", "prom/prometheus", "adminer"])
def test_other_containers_are_none(image):
    assert not any(kind == "database" for kind, _name in lost(host_state(engines=Engines((container_state("x", image=image),)))))


def test_what_containers_write_to_outside_the_recorded_paths():
    mounts = [
        {"Type": "bind", "Source": source, "Destination": "/x", "RW": writable}
        for source, writable in (
            ("/srv/shop/conf", True),
            ("/srv/data", True),
            ("/srv/shop/db", True),
            ("/etc/x", False),
            ("/run/x.sock", True),
        )
    ]
    state = host_state(engines=Engines((container_state("shop", mounts=mounts), container_state("two", mounts=mounts))))
    found = lost(state, [Tree("/srv/shop", (entry("."),), left_out=(("db", "excluded"),))])
    assert {name for kind, name in found if kind == "path"} == {"everything else", "/srv/data", "/srv/shop/db"}


def test_what_the_engines_cannot_bring_back_and_what_was_not_asked():
    engines = Engines((container_state("shop"),), volumes=(VolumeState("docker", None, "data", {}),), unseen=(("podman", "it hangs"),))
    kinds = {kind for kind, _name in lost(host_state(engines=engines))}
    assert {"volume", "writable_layer", "engine"} <= kinds


def test_sockets_devices_and_what_was_left_out_are_grouped():
    entries = (entry("."), *(entry(f"s{number:02}", "socket") for number in range(30)), entry("dev", "device"))
    tree = Tree("/srv", entries, left_out=(("a", "mounted"), ("b", "mounted"), ("c", "excluded")))
    found = find_unrestorable(host_state(), [tree])
    sockets = [one for one in found if one.kind == "socket"]
    assert len(sockets) == 1
    assert sockets[0].name.endswith("/srv/s09 and 20 more")
    assert ("device", "/srv/dev") in {(one.kind, one.name) for one in found}
    assert {one.name for one in found if one.why.startswith("not recorded")} == {"/srv/a, /srv/b", "/srv/c"}


def test_what_the_guard_keeps_is_nobodys_loss():
    tree = Tree("/etc/systemd", (), left_out=(("system/guarded-deploy-guard.timer", "excluded"),))
    assert lost(trees=[tree]) == lost(trees=[Tree("/etc/systemd", ())])


def test_what_the_plan_noted_is_told_once_with_its_own_reason():
    tree = Tree("/opt/shop", (), left_out=(("data", "excluded"),))
    found = find_unrestorable(host_state(), [tree], (), [("/opt/shop/data", "a container writes to it")])
    assert [one.why for one in found if one.name == "/opt/shop/data"] == ["a container writes to it"]


def test_files_that_never_stood_still():
    assert ("unstable_file", "/srv/log") in lost(changed=["/srv/log"])
