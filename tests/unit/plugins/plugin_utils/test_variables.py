# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the places that name a variable wins, told by the ports that tasks come to."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.plugin_utils._manifests import load_manifests
from ansible_collections.guarded.deploy.plugins.plugin_utils._variables import HostVariables

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

RUN = "- docker_container: {name: web, image: web, published_ports: ['{{ web_port }}:80']}\n"
# What each place says, from the weakest to the strongest; each has a port of its own.
PLACES = ["defaults", "group_all", "group_web", "host", "play", "vars_file", "role_vars", "role_parameter"]


def lay(folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(folder)]


def declare(folder: Path, files: dict[str, str], host: HostVariables | None = HostVariables("h1", ("all", "web"))) -> list[Declared]:  # noqa: B008
    return list(load_manifests(lay(folder, files), None, host).declared)


def ports(found: list[Declared]) -> dict[str, list[int]]:
    return {one.name: [port.port for port in one.ports] for one in found}


def role(tasks: str, defaults: str = "web_port: 1001\n", **more: str) -> dict[str, str]:
    return {
        "site.yml": "- hosts: all\n  roles: [web]\n",
        "roles/web/defaults/main.yml": defaults,
        "roles/web/tasks/main.yml": tasks,
        **{name.replace("__", "/") + ".yml": text for name, text in more.items()},
    }


@pytest.mark.feature("B9", "B13")
@pytest.mark.parametrize("strongest", range(len(PLACES)), ids=PLACES)
def test_the_strongest_place_wins(tmp_path: Path, strongest: int) -> None:
    def said(place: str) -> str:
        number = PLACES.index(place)
        return f"web_port: {1001 + number}\n" if number <= strongest else "other: 1\n"

    files = {
        "site.yml": "- hosts: all\n  vars:\n    " + said("play") + "  vars_files: [more.yml]\n  roles:\n    - role: web\n      "
        + said("role_parameter"),
        "more.yml": said("vars_file"),
        "group_vars/all.yml": said("group_all"),
        "group_vars/web/main.yml": said("group_web"),
        "host_vars/h1.yml": said("host"),
        "host_vars/h2.yml": "web_port: 7\n",
        "group_vars/db.yml": "web_port: 8\n",
        "roles/web/defaults/main.yml": said("defaults"),
        "roles/web/vars/main.yml": said("role_vars"),
        "roles/web/tasks/main.yml": RUN,
    }  # fmt: skip
    assert ports(declare(tmp_path, files)) == {"web": [1001 + strongest]}


@pytest.mark.feature("B9")
def test_the_command_line_wins_and_the_inventory_beats_defaults(tmp_path: Path) -> None:
    files = role(RUN)
    assert ports(declare(tmp_path, files, HostVariables("h1", values={"web_port": 9090}))) == {"web": [9090]}
    host = HostVariables("h1", values={"web_port": 9090}, extra={"web_port": "9091"})
    assert ports(declare(tmp_path, {**files, "roles/web/vars/main.yml": "web_port: 1\n"}, host)) == {"web": [9091]}


@pytest.mark.feature("B9")
@pytest.mark.parametrize(
    ("files", "host"),
    [
        (role(RUN), None),  # without the inventory nobody knows what overrides a default
        (role("- set_fact: {web_port: 2}\n" + RUN), HostVariables("h1")),
        (role(RUN + "- command: x\n  register: web_port\n"), HostVariables("h1")),
        (role(RUN + "- include_vars: '{{ ansible_os_family }}.yml'\n", roles__web__vars__Debian="web_port: 2\n"), HostVariables("h1")),
        (role(RUN + "- include_vars: /somewhere/else.yml\n"), HostVariables("h1")),
        (role(RUN, group_vars__all="$ANSIBLE_VAULT;1.1;AES256\n6162\n"), HostVariables("h1", ("all",))),
        (role(RUN, group_vars__a="web_port: 2\n", group_vars__b="web_port: 3\n"), HostVariables("h1", ("all", "a", "b"))),
        (role(RUN, group_vars__a="web_port: 2\n"), HostVariables("h1", ("all", "a"), {"web_port": 4})),
        (role(RUN, roles__web__vars__main="web_port: 2\n"), HostVariables("h1", values={"web_port": 4})),  # a fact of an earlier play?
        (role(RUN, defaults="web_port: !vault x\n"), HostVariables("h1")),
        (role(RUN, defaults="web_port: '{{ lookup(\"env\", \"PORT\") }}'\n"), HostVariables("h1")),
        (role(RUN, defaults="web_port: '{{ ansible_facts.x.port | default(1) }}'\n"), HostVariables("h1", values={"ansible_facts": {}})),
        ({**role(RUN), "site.yml": "- hosts: all\n  vars_files: ['{{ unknown }}.yml']\n  roles: [web]\n"}, HostVariables("h1")),
        ({**role(RUN), "site.yml": "- hosts: all\n  vars_prompt: [{name: web_port}]\n  roles: [web]\n"}, HostVariables("h1")),
        (
            {
                **role(RUN.replace("web_port", "web_port | default(1)"), defaults="a: 1\n"),
                "site.yml": "- hosts: all\n  roles: [web, b]\n",
                "roles/b/defaults/main.yml": "web_port: 2\n",
                "roles/b/tasks/main.yml": "[]\n",
            },
            HostVariables("h1"),
        ),
        (
            {
                **role(RUN),
                "site.yml": "- hosts: all\n  roles: [web, b]\n",
                "roles/b/vars/main.yml": "web_port: 2\n",
                "roles/b/tasks/main.yml": "[]\n",
            },
            HostVariables("h1"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_unknown_and_named(tmp_path: Path, files: dict[str, str], host: HostVariables | None) -> None:
    (found,) = declare(tmp_path, files, host)
    assert found.ports == ()
    assert "web_port" in found.unknown[0]


@pytest.mark.feature("B9")
def test_what_is_included_and_says_the_same_is_known(tmp_path: Path) -> None:
    files = role(RUN + "- include_vars: ../defaults/main.yml\n")
    assert ports(declare(tmp_path, files)) == {"web": [1001]}


@pytest.mark.feature("B9")
def test_conditions_that_are_known(tmp_path: Path) -> None:
    tasks = RUN.rstrip() + "\n  when: web_enabled | bool and web_port is defined\n"
    assert ports(declare(tmp_path / "on", role(tasks, "web_port: 1001\nweb_enabled: true\n"))) == {"web": [1001]}
    assert declare(tmp_path / "off", role(tasks, "web_port: 1001\nweb_enabled: false\n")) == []
    (unknown,) = declare(tmp_path / "unknown", role(tasks, "web_port: 1001\n"))
    assert unknown.unknown == ("its port 1001/tcp depends on whether web_enabled | bool and web_port is defined",)
    # The condition of a role is that of each of its tasks, which see its defaults.
    site = "- hosts: all\n  roles: [{role: web, when: web_on}]\n"
    assert declare(tmp_path / "role", {**role(RUN, "web_port: 1001\nweb_on: false\n"), "site.yml": site}) == []
    checked = RUN.rstrip() + "\n  when: not ansible_check_mode\n"
    host = HostVariables("h1", values={"ansible_check_mode": True})
    assert ports(declare(tmp_path / "check", role(checked), host)) == {"web": [1001]}


@pytest.mark.feature("B9")
@pytest.mark.parametrize(
    ("loop", "found"),
    [
        ("loop: [{name: a, port: 1}, {name: b, port: 2}]", {"a": [1], "b": [2]}),
        ("with_items: [[{name: a, port: 1}], {name: b, port: '{{ base }}'}]", {"a": [1], "b": [7001]}),
        ("loop: '{{ webs }}'", {"c": [3], "d": [7001]}),
        ("with_items: ['{{ webs }}']", {"c": [3], "d": [7001]}),
        ("loop: '{{ by_name | dict2items }}'", {"k": [5]}),
        ("with_dict: '{{ by_name }}'", {"k": [5]}),
        ("loop: []", {}),
        ("loop: '{{ webs_elsewhere }}'", {"{{ item.name | default(item.key) }}": []}),
        ("with_sequence: count=2", {"{{ item.name | default(item.key) }}": []}),
    ],
)
def test_loops(tmp_path: Path, loop: str, found: dict[str, list[int]]) -> None:
    tasks = (
        "- docker_container:\n    name: '{{ item.name | default(item.key) }}'\n    image: web\n"
        f"    published_ports: ['{{{{ item.port | default(item.value) }}}}:80']\n  {loop}\n"
    )
    defaults = "base: 7001\nwebs: [{name: c, port: 3}, {name: d, port: '{{ base }}'}]\nby_name: {k: 5}\n"
    assert ports(declare(tmp_path, role(tasks, defaults))) == found


def test_rounds_without_a_known_name_are_told_apart(tmp_path: Path) -> None:
    tasks = "- docker_container: {name: '{{ item.name }}', image: web, published_ports: ['{{ item.port }}:80']}\n  loop: '{{ webs }}'\n"
    webs = [{"name": "first", "port": 81}, {"name": "second", "port": 82}]
    found = declare(tmp_path, role(tasks), HostVariables("h1", values={"webs": webs}))
    assert ports(found) == {"{{ item.name }} (round 1)": [81], "{{ item.name }} (round 2)": [82]}
    assert "first" not in str(found)


@pytest.mark.feature("B9")
def test_tasks_that_are_taken_in_see_what_is_handed_to_them(tmp_path: Path) -> None:
    tasks = (
        "- include_tasks: one.yml\n  loop: [81, 82]\n  vars: {suffix: x}\n"
        "- include_role: {name: inner}\n  vars: {inner_port: '{{ web_port }}'}\n"
        "- block:\n  - docker_container: {name: block, image: web, published_ports: ['{{ p }}:80']}\n  vars: {p: 90}\n"
        "- import_tasks: again.yml\n  vars: {n: 1}\n"
    )
    more = {
        "roles/web/tasks/one.yml": "- docker_container: {name: 'c{{ item }}{{ suffix }}', image: c, published_ports: ['{{ item }}:80']}\n",
        "roles/web/tasks/again.yml": "- include_tasks: again.yml\n  vars: {n: '{{ n }}1'}\n  loop: [1, 2, 3]\n",
        "roles/inner/defaults/main.yml": "inner_port: 5\n",
        "roles/inner/tasks/main.yml": "- docker_container: {name: inner, image: c, published_ports: ['{{ inner_port }}:80']}\n",
    }
    assert ports(declare(tmp_path, {**role(tasks), **more})) == {"block": [90], "c81x": [81], "c82x": [82], "inner": [1001]}


@pytest.mark.feature("B9")
def test_templates_are_filled_and_secrets_are_not(tmp_path: Path) -> None:
    unit = "[Service]\n# {{ comment }}\nUser={{ secret }}\nExecStart=/usr/bin/prometheus --web.listen-address=:{{ web_port }}\n"
    compose = "services:\n  db:\n    image: db\n    ports:\n      - {{ web_port }}:80\n    environment:\n      KEY: {{ secret }}\n"
    tasks = (
        "- template: {src: web.service.j2, dest: '/etc/systemd/system/{{ unit_name }}.service'}\n"
        "- template: {src: odd.service.j2, dest: /etc/systemd/system/odd.service}\n"
        "- template: {src: db.yml.j2, dest: /srv/db/compose.yml}\n"
        "- copy: {dest: /etc/systemd/system/b.service, content: '{{ unit_text }}'}\n"
    )
    more = {
        "roles/web/templates/web.service.j2": unit,
        "roles/web/templates/odd.service.j2": "#jinja2: variable_start_string:'[['\n" + unit,
        "roles/web/templates/db.yml.j2": compose,
        "roles/web/defaults/main.yml": (
            'web_port: 1001\nunit_name: web\nunit_text: "[Service]\\nExecStart=/bin/prometheus --web.listen-address=:{{ web_port }}"\n'
        ),
    }
    found = declare(tmp_path, {**role(tasks), **more}, HostVariables("h1", values={"secret": "hunter2", "comment": "a\nb"}))
    assert ports(found)["web.service"] == [1001]
    (web,) = (one for one in found if one.name == "web.service")
    assert (web.ports[0].line, web.unknown) == (4, ())
    assert next(port.line for one in found if one.kind == "container" for port in one.ports) == 5
    assert ports(found)["odd.service"] == []
    assert "hunter2" not in str(found)
    assert ports(found)["b.service"] == [1001]


def test_what_stands_beside_the_playbook_for_hosts_may_be_a_secret_too(tmp_path: Path) -> None:
    run = "- docker_container: {name: 'a{{ password }}', image: web, published_ports: ['{{ web_port }}:80']}\n"
    files = {**role(run), "group_vars/all.yml": "password: hunter2\nweb_port: 90\n"}
    assert ports(declare(tmp_path, files)) == {"a{{ password }}": [90]}
