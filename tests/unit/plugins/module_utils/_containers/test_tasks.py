# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of plays: containers, commands, files, services and what is taken in; nothing is rendered."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.marks import Mark
from ansible_collections.guarded.deploy.plugins.module_utils._containers.tasks import (
    is_playbook,
    is_task_list,
    read_plays,
    read_tasks,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError, Unparsable
from ansible_collections.guarded.deploy.plugins.plugin_utils._yaml_lines import load_documents

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._containers.tasks import Findings

CASES = sorted((Path(__file__).resolve().parents[4] / "cases" / "tasks").glob("*.txt"))


def loaded(text: str) -> t.Any:
    return load_documents(text, "main.yml", "1.1", strict_keys=False)[0]


def read(text: str) -> Findings:
    return read_tasks(loaded(text), Mark("main.yml", 0))


@pytest.mark.feature("B9", "B14")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_tasks_ask_for(path: Path) -> None:
    """A name with a question mark has something unknown."""
    found = {
        one.name + ("?" if one.unknown else ""): [[port.proto, port.address, port.port, port.line] for port in one.ports]
        for one in read(path.read_text(encoding="utf-8")).declared
    }
    assert found == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_a_container_is_told_whole() -> None:
    web = read((CASES[0].parent / "docker_container.txt").read_text(encoding="utf-8")).declared[0]
    assert (web.kind, web.engine, web.image, web.program, web.at_boot, web.file, web.line) == (
        "container", "docker", "ghcr.io/acme/web:1.2", "web", "yes", "main.yml", 2,
    )  # fmt: skip
    assert web.data == ("volume:web_data",)
    assert web.ports[0].source == "published port 8080:80"


def test_a_condition_names_the_ports_that_depend_on_it() -> None:
    (one,) = read("- docker_container: {name: a, image: a, published_ports: ['80:80']}\n  when: [x, not y]\n").declared
    assert one.unknown == ("its port 80/tcp depends on whether x and not y",)
    assert one.at_boot == "unknown"


def test_files_that_tasks_write_are_listed() -> None:
    found = read(
        "- copy:\n    dest: /etc/systemd/system/a.service\n    content: |\n      [Service]\n      ExecStart=/bin/a\n"
        "- template: src=b.service.j2 dest=/etc/systemd/system/b.service\n"
        "- ansible.builtin.copy:\n    src: x\n    dest: /y\n    remote_src: true\n"
        "- blockinfile: {path: /etc/containers/systemd/c.container, block: '[Container]'}\n"
        "- file: {path: /x, state: directory}\n"
    ).written
    assert [(one.dest, one.src, one.template, one.mark.line) for one in found] == [
        ("/etc/systemd/system/a.service", None, False, 4),
        ("/etc/systemd/system/b.service", "b.service.j2", True, 6),
        ("/etc/containers/systemd/c.container", None, False, 11),
    ]
    assert found[0].text == "[Service]\nExecStart=/bin/a\n"


def test_services_that_tasks_start_or_stop_are_listed() -> None:
    found = read(
        "- systemd_service: {name: web, enabled: true, state: started}\n"
        "- ansible.builtin.service: name=old.socket enabled=no state=stopped\n"
        "- systemd: {name: masked.service, masked: true, enabled: true}\n"
        "- systemd: {name: own, scope: user, enabled: true}\n"
        "- systemd: {daemon_reload: true}\n"
    ).states
    assert [(one.name, one.enabled, one.started) for one in found] == [
        ("web.service", True, True),
        ("old.socket", False, False),
        ("masked.service", False, None),
    ]


def test_what_is_taken_in_is_listed() -> None:
    found = read(
        "- include_tasks: a.yml\n- ansible.builtin.import_tasks: {file: b.yml}\n  when: x\n"
        "- include_role: {name: web, tasks_from: extra}\n- import_role: name=acme.site.db\n"
    ).references
    assert [(one.kind, one.name, one.tasks_from, one.condition.texts) for one in found] == [
        ("tasks", "a.yml", "", ()),
        ("tasks", "b.yml", "", ("x",)),
        ("role", "web", "extra", ()),
        ("role", "acme.site.db", "main", ()),
    ]


def test_compose_projects_that_tasks_start_are_listed() -> None:
    (use, _other) = read(
        "- community.docker.docker_compose_v2: {project_src: /srv/shop, files: [a.yml], project_name: shop, profiles: [x]}\n"
        "- docker_compose: {definition: {services: {}}}\n"
        "- docker_compose_v2: {project_src: /srv/gone, state: absent}\n"
    ).projects
    assert (use.source, use.files, use.name, use.profiles) == ("/srv/shop", ("a.yml",), "shop", ("x",))


def test_plays() -> None:
    document = loaded(
        "- hosts: [web, db]\n  roles:\n    - common\n    - {role: app, when: x}\n    - {name: dbg, tags: never}\n"
        "  pre_tasks:\n    - docker_container: {name: a, image: a, published_ports: ['1:1']}\n"
        "  handlers:\n    - docker_container: {name: h, image: a, published_ports: ['2:2']}\n"
        "- ansible.builtin.import_playbook: other.yml\n"
    )
    assert is_playbook(document)
    (first, second) = read_plays(document, "site.yml")
    assert first.hosts == "web:db"
    assert [(one.name, len(one.ports)) for one in first.findings.declared] == [("a", 1), ("h", 0)]
    assert [(one.name, one.condition.texts, one.mark) for one in first.findings.references] == [
        ("common", (), Mark("main.yml", 3)),
        ("app", ("x",), Mark("main.yml", 4)),
    ]
    assert second.imported is not None
    assert (second.imported.kind, second.imported.name) == ("playbook", "other.yml")


@pytest.mark.parametrize("text", ["{}", "text", "- text", "- block: text", "- block: [[]]"])
def test_what_is_no_list_of_tasks_is_an_error_that_names_the_place(text: str) -> None:
    with pytest.raises(Unparsable, match=r"main\.yml"):
        read(text)


@pytest.mark.parametrize("text", ["- a: b", "a: b", "[]", "- [hosts]", "~"])
def test_what_is_no_playbook(text: str) -> None:
    assert not is_playbook(loaded(text))


def test_lists_of_mappings_may_be_tasks() -> None:
    assert is_task_list(None)
    assert is_task_list(loaded("- a: b"))
    assert not is_task_list(loaded("- a"))
    assert not is_task_list(loaded("a: b"))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=8),
        st.sampled_from(["8080:80", "{{ x }}", "host", "a=b", "docker run -p"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["name", "published_ports", "publish", "network_mode", "state", "argv", "cmd", "dest", "content", "definition", "mounts"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
MODULES = [
    "docker_container",
    "podman_container",
    "podman_pod",
    "shell",
    "command",
    "copy",
    "systemd",
    "docker_compose_v2",
    "k8s",
    "include_role",
]
MODULES += ["docker_swarm_service", "podman_play", "block", "when", "tags", "action", "args", "delegate_to"]


@given(st.lists(st.dictionaries(st.sampled_from(MODULES), VALUES, max_size=3), max_size=3))
@settings(max_examples=200, deadline=None)
def test_any_tasks_are_read_or_refused(tasks: list[dict[str, t.Any]]) -> None:
    with contextlib.suppress(GuardError):
        read_tasks(tasks, Mark("main.yml", 0))
    with contextlib.suppress(GuardError):
        read_plays([{"hosts": "all", "roles": tasks, "tasks": tasks}], "site.yml")
