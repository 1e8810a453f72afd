# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and folders of manifests on the controller."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput, CouldNotLook
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import UNIT_IS_NOT_HERE
from ansible_collections.guarded.deploy.plugins.plugin_utils._manifests import load_manifests

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.guarded.deploy.plugins.plugin_utils._manifests import Manifests

UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart=/usr/bin/prometheus --web.listen-address=:9090\n[Install]\nWantedBy=multi-user.target\n"
# The published case: one role installs a service, the other runs it in a container.
REPOSITORY = {
    "site.yml": (
        "- name: Service\n  hosts: monitoring\n  roles: [metrics]\n- name: Container\n  hosts: monitoring\n  roles: [metrics_container]\n"
    ),
    "roles/metrics/files/prometheus.service": UNIT,
    "roles/metrics/tasks/main.yml": (
        "- name: Unit\n  ansible.builtin.copy:\n    src: prometheus.service\n    dest: /etc/systemd/system/\n    mode: '0644'\n"
        "- name: Start\n  ansible.builtin.systemd_service: {name: prometheus, enabled: true, state: started}\n"
    ),
    "roles/metrics_container/tasks/main.yml": (
        "- name: Run\n  community.docker.docker_container:\n    name: prometheus\n    image: prom/prometheus:v2.51.0\n"
        "    restart_policy: always\n    published_ports:\n      - '9090:9090'\n"
    ),
    "roles/metrics/defaults/main.yml": "a: b\n",
    "README.md": "# Hello\n",
}


def lay(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder)


def ports(found: Manifests) -> dict[str, list[tuple[str, str, int]]]:
    return {one.name: [(port.proto, port.address, port.port) for port in one.ports] for one in found.declared}


def unknown(found: Manifests) -> dict[str, tuple[str, ...]]:
    return {one.name: one.unknown for one in found.declared if one.unknown}


@pytest.mark.feature("B9", "B13", "D2")
def test_the_published_case_is_seen_in_the_repository(tmp_path: Path) -> None:
    root = lay(tmp_path, REPOSITORY)
    found = load_manifests([root])
    places = {(one.kind, one.name, os.path.relpath(one.file, root), port.line, port.port) for one in found.declared for port in one.ports}
    assert places == {
        ("unit", "prometheus.service", "roles/metrics/files/prometheus.service", 4, 9090),
        ("container", "prometheus", "roles/metrics_container/tasks/main.yml", 7, 9090),
    }
    assert {one.at_boot for one in found.declared} == {"yes"}
    assert {one.program for one in found.declared} == {"prometheus"}
    assert dict(found.unread)[f"{root}/README.md"] == "no manifest"


@pytest.mark.feature("B9")
def test_only_plays_for_the_host_count(tmp_path: Path) -> None:
    root = lay(tmp_path, {**REPOSITORY, "site.yml": REPOSITORY["site.yml"].replace("hosts: monitoring", "hosts: other", 1)})
    found = load_manifests([root], lambda pattern: pattern == "monitoring")
    assert set(ports(found)) == {"prometheus"}
    assert dict(found.unread)[f"{root}/roles/metrics/files/prometheus.service"] == "no play for this host reaches it"


@pytest.mark.feature("B9")
def test_every_kind_of_manifest_in_a_folder(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        {
            "units/web.service": UNIT,
            "units/web.service.d/port.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/prometheus --web.listen-address=:9191\n",
            "units/app.socket": "[Socket]\nListenStream=127.0.0.1:8001\n",
            "quadlets/db.container": "[Container]\nImage=docker.io/library/redis:7\nPublishPort=6379:6379\n",
            "shop/compose.yaml": "services:\n  web:\n    image: a\n    ports: ['${PORT}:80']\n",
            "shop/compose.override.yaml": "services:\n  web:\n    ports: ['8443:443']\n",
            "shop/.env": "PORT=8080\n",
            "shop/compose.prod.yaml": "services:\n  web:\n    ports: ['80:80']\n",
            "kube/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{ports: [{hostPort: 7000}]}]}\n",
            "chart/Chart.yaml": "name: x\n",
            "chart/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n",
            "vars.yml": "a: b\n",
            "notes.yml": "a: [b\n",
            "docs/manual.pod": "=head1 NAME\n",
            ".git/config.yml": "services: {}\n",
        },
    )
    found = load_manifests([root])
    assert ports(found) == {
        "Pod/p": [("tcp", "*", 7000)],
        "app.socket": [("tcp", "127.0.0.1", 8001)],
        "web.service": [("tcp", "*", 9191)],
        "systemd-db": [("tcp", "0.0.0.0", 6379)],
        "shop-web-1": [("tcp", "*", 8080), ("tcp", "*", 8443)],
    }
    unread = {os.path.relpath(path, root) for path, _why in found.unread}
    assert unread == {
        "shop/.env",
        "shop/compose.prod.yaml", "chart/Chart.yaml", "chart/templates/pod.yaml", "vars.yml", "notes.yml", "docs/manual.pod", ".git",
    }  # fmt: skip


@pytest.mark.feature("B15")
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("compose.yaml", "services:\n  web:\n    image: a\n    ports: ['http:80']\n", "compose.yaml:4"),
        ("compose.yaml", "services:\n  web: [\n", "compose.yaml:3"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - ports: 80\n", "pod.yaml:5"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n", "pod.yaml:4"),
        ("site.yml", "- hosts: all\n  tasks:\n    - text\n", "site.yml:3"),
        ("site.yml", "- hosts: all\n  tasks: [\n", "site.yml:3"),
        ("a.service", "[Service\n", "a.service:1"),
        ("a.container", "[Container]\n[Bad\n", "a.container:2"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_an_error_with_its_place(tmp_path: Path, name: str, text: str, place: str) -> None:
    root = lay(tmp_path, {name: text, "good.service": UNIT})
    try:
        found = load_manifests([root])
    except CouldNotLook as error:
        said = str(error)
    else:
        # systemd drops a unit that it cannot read, and so the unit says why its ports are not known.
        said = str(unknown(found)[name])
    assert place in said.replace(" line ", ":")


def test_all_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    root = lay(tmp_path, {"a/compose.yaml": "services: [\n", "b/compose.yaml": "services: [\n"})
    with pytest.raises(CouldNotLook, match=r"a/compose.yaml:2.*b/compose.yaml:2"):
        load_manifests([root])


def test_a_file_that_was_named_must_be_a_manifest(tmp_path: Path) -> None:
    root = lay(tmp_path, {"README.md": "x", "vars.yml": "a: b\n"})
    for name in ("README.md", "vars.yml"):
        with pytest.raises(BadInput, match=name):
            load_manifests([f"{root}/{name}"])
    with pytest.raises(BadInput, match="nowhere"):
        load_manifests([f"{root}/nowhere"])


def test_files_that_are_named_are_judged_alone(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        {
            "compose.yaml": "services:\n  web:\n    image: a\n    ports: ['8080:80']\n",
            "compose.prod.yaml": "services:\n  web:\n    image: a\n    ports: ['80:80']\n",
            "tasks.yml": "- docker_container: {name: t, image: a, published_ports: ['81:80']}\n",
            "web.service": UNIT,
        },
    )
    assert [list(ports(load_manifests([f"{root}/{name}"])).values()) for name in ("compose.prod.yaml", "tasks.yml", "web.service")] == [
        [[("tcp", "*", 80)]],
        [[("tcp", "*", 81)]],
        [[("tcp", "*", 9090)]],
    ]


def test_paths_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(
        tmp_path / "shop",
        {"compose.yaml": "services:\n  web:\n    image: a\n    ports: ['80:80']\n    volumes: ['./d:/d']\n", "a.service": UNIT},
    )
    monkeypatch.chdir(tmp_path / "shop")
    for path in (".", "compose.yaml"):
        found = next(one for one in load_manifests([path]).declared if one.compose_project)
        assert (found.name, os.path.normpath(found.file), found.data) == ("shop-web-1", "compose.yaml", (f"{tmp_path}/shop/d",))
    (unit,) = load_manifests(["a.service"]).declared
    assert unit.file == "a.service"


@pytest.mark.feature("B9")
def test_what_tasks_write_is_read_where_it_will_lie(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        {
            "site.yml": "- hosts: all\n  roles: [{role: app, when: here}, app]\n",
            "roles/app/meta/main.yml": "dependencies:\n  - role: base\n",
            "roles/base/tasks/main.yml": (
                "- ansible.builtin.copy:\n    dest: /etc/default/base\n    content: |\n      PORT=8001\n"
                "- ansible.builtin.copy:\n    dest: /etc/systemd/system/base.service\n    content: |\n"
                "      [Service]\n      EnvironmentFile=/etc/default/base\n      ExecStart=/usr/bin/gunicorn --bind 127.0.0.1:${PORT} app\n"
            ),
            "roles/app/tasks/main.yml": "- include_tasks: more.yml\n",
            "roles/app/tasks/more.yml": (
                "- template: {src: docker-compose.yml.j2, dest: '{{ dir }}/docker-compose.yml'}\n"
                "- docker_compose_v2: {project_src: '{{ dir }}', project_name: apps}\n"
                "- template: {src: web.container.j2, dest: /etc/containers/systemd/web.container}\n"
                "- template: {src: cond.service.j2, dest: /etc/systemd/system/cond.service}\n"
                "- systemd: {name: elsewhere, state: started}\n"
                "- docker_compose_v2: {definition: {services: {in: {image: a, ports: ['8005:80']}}}, project_name: defined}\n"
                "- docker_compose_v2: {project_src: /srv/unseen}\n"
            ),
            "roles/app/templates/docker-compose.yml.j2": (
                "{# written by hand #}\nservices:\n  web:\n    image: a:{{ tag }}\n    ports:\n      - 8002:80\n      - {{ port }}:81\n"
                "  flow:\n    image: a\n    ports: [8003:80, {{ port }}:81]\n"
            ),
            "roles/app/templates/web.container.j2": "[Container]\nImage=a\nPublishPort=8004:80\nPublishPort={{ port }}:81\n",
            "roles/app/templates/cond.service.j2": (
                "[Service]\n{% if x %}\nExecStart=/usr/bin/prometheus --web.listen-address=:9\n{% endif %}\n"
            ),
        },
    )
    found = load_manifests([root])
    certain = {name: listed for name, listed in ports(found).items() if listed}
    assert certain.pop("base.service") == [("tcp", "127.0.0.1", 8001)]
    assert certain.pop("apps-web-1") == [("tcp", "*", 8002)]
    assert certain.pop("apps-flow-1") == [("tcp", "*", 8003)]
    assert certain.pop("defined-in-1") == [("tcp", "*", 8005)]
    (quadlet,) = certain.values()
    assert quadlet == [("tcp", "0.0.0.0", 8004)]
    why = unknown(found)
    assert why["elsewhere.service"] == (UNIT_IS_NOT_HERE,)
    assert "depends on whether" in why["cond.service"][-1]
    assert "/srv/unseen" in why["unseen"][0]
    assert "apps-web-1" in why
    lines = {one.name: [port.line for port in one.ports] for one in found.declared}
    assert lines["base.service"] == [10]
    assert lines["apps-web-1"] == [6]


def test_roles_without_a_play_are_read(tmp_path: Path) -> None:
    root = lay(tmp_path, {name: text for name, text in REPOSITORY.items() if name != "site.yml"})
    assert {name for name, listed in ports(load_manifests([root])).items() if listed} == {"prometheus.service", "prometheus"}


def test_what_cannot_be_followed_is_told(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        {
            "site.yml": (
                "- hosts: all\n  roles: [acme.docker]\n  tasks:\n    - include_tasks: '{{ os }}.yml'\n    - include_tasks: gone.yml\n"
                "    - copy: {src: gone.service, dest: /etc/systemd/system/gone.service}\n- import_playbook: gone.yml\n"
            )
        },
    )
    why = {path.removeprefix(root): text for path, text in load_manifests([root]).unread}
    assert set(why) == {"/site.yml:2", "/site.yml:4", "/site.yml:5", "/site.yml:6", "/site.yml:7"}


def test_playbooks_and_tasks_that_take_in_themselves_end(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        {
            "site.yml": "- import_playbook: site.yml\n- hosts: all\n  tasks:\n    - include_tasks: loop.yml\n",
            "loop.yml": "- include_tasks: loop.yml\n  when: again\n- docker_container: {name: a, image: a, published_ports: ['80:80']}\n",
        },
    )
    assert ports(load_manifests([root]))["a"] == [("tcp", "*", 80)]
