# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quadlets against what Podman's own generator made of them.

``tests/cases/quadlet/<case>/generated.txt`` is what ``/usr/libexec/podman/quadlet -dryrun`` of Podman 5.4.2 printed for
the other files of the folder.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.quadlet import declare_quadlets, is_quadlet
from ansible_collections.guarded.deploy.plugins.module_utils._containers.run_line import declare_run
from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError, Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._units.specifiers import expand_specifiers
from ansible_collections.guarded.deploy.plugins.module_utils._units.unit_file import parse_unit_file
from ansible_collections.guarded.deploy.plugins.module_utils._units.words import split_unit_words, substitute

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

CASES = Path(__file__).resolve().parents[4] / "cases" / "quadlet"
FOLDER = "/etc/containers/systemd"


class Truth(t.NamedTuple):
    """What is compared of a service: its container's name, ports, data, network and image."""

    name: str
    ports: frozenset[tuple[str, str, int]]
    data: frozenset[str]
    host_network: bool
    image: str | None


def truth(declared: Declared) -> Truth:
    ports = frozenset((port.proto, port.address, port.port) for port in declared.ports)
    return Truth(declared.name, ports, frozenset(declared.data), declared.host_network, declared.image)


def read(case: str) -> dict[str, Declared]:
    """By service; the files as if they lay where root's quadlets do."""
    base = CASES / case
    files = {
        f"{FOLDER}/{path.relative_to(base)}": path.read_text(encoding="utf-8")
        for path in sorted(base.rglob("*"))
        if path.is_file() and path.name != "generated.txt"
    }
    return {str(one.unit): one for one in declare_quadlets(files)}


def generated(case: str) -> dict[str, Declared]:
    """What the lines say that the generator wrote, by service."""
    text = (CASES / case / "generated.txt").read_text(encoding="utf-8")
    found = {}
    for service, body in re.findall(r"^---(\S+)---\n(.*?)(?=^---|\Z)", text, re.MULTILINE | re.DOTALL):
        assignments = parse_unit_file(re.sub(r"^quadlet-generator.*\n", "", body, flags=re.MULTILINE), service)
        environment = dict(one.value.split("=", 1) for one in assignments if one.key == "Environment" and one.value.startswith("PORT="))
        for one in assignments:
            if one.key in ("ExecStart", "ExecStartPre"):
                value = expand_specifiers(one.value, service).text.replace("%i", "$%i")
                words = substitute([word.text for word in split_unit_words(value)], environment, others=True).words
                declared = declare_run(words, service, one.line, service)
                if declared is not None:
                    found[service] = declared
    return found


@pytest.mark.feature("B9", "B14")
@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_is_read_as_the_generator_reads_it(case: str) -> None:
    made = generated(case)
    declared = read(case)
    for service, one in declared.items():
        if service == "noimage.service":
            assert service not in made
            continue
        if case == "kube":
            continue
        expected = truth(made[service])
        assert truth(one) == expected._replace(name=expected.name.replace("$%i", "%i")), service
    assert set(made) <= set(declared)


def test_the_cases_have_what_they_are_there_for() -> None:
    ports = {case.name: {port.port for one in read(case.name).values() for port in one.ports} for case in CASES.iterdir()}
    assert ports["forms"] == {9001, 9002, 9003, 9010, 9011, 9012, 9013, 9020, 9030, 9031}
    assert ports["pod"] == {8443, 5432, 8081}
    assert ports["template"] == {9100, 6379}
    assert ports["host_network"] == {9101}
    assert ports["dropins"] == {8100, 8200, 8300, 8301}
    assert ports["arguments"] == {8600, 8601, 8603}
    assert ports["kube"] == {8500, 8501}


def test_ports_are_quoted_with_their_lines() -> None:
    (port,) = read("plain")["web.service"].ports
    assert (port.source, port.line, port.confidence) == ("PublishPort=8080:80", 7, "declared")
    first, second = read("dropins")["api.service"].ports
    assert (first.source, first.line) == (f"PublishPort=8100:80 in {FOLDER}/api.container.d/10-ports.conf", 0)
    assert second.source == "-p 8200:82"
    assert [port.line for port in read("names")["spaces.service"].ports] == [3, 4]


@pytest.mark.feature("B14", "B15")
def test_what_is_not_told_is_unknown() -> None:
    worker = read("template")["worker@.service"]
    assert worker.unknown == ("PublishPort=90%i:80 is not known",)
    assert (worker.name, worker.data) == ("worker-%i", ())
    assert read("user_variables")["vars.service"].unknown == ("PublishPort=${OTHER}:81 is not known",)
    assert read("kube")["app.service"].unknown == ("its ports stand in app.yaml",)
    assert "names no image" in read("names")["noimage.service"].unknown[0]
    assert "host's network" in read("host_network")["agent.service"].unknown[0]


@pytest.mark.feature("B10")
def test_the_boot_starts_what_is_installed_and_what_that_pulls_in() -> None:
    found = {service: one.at_boot for case in ("plain", "pod", "template", "boot") for service, one in read(case).items()}
    assert found == {
        "web.service": "yes",
        "shop-pod.service": "yes",
        "shop-db.service": "yes",
        "shop-web.service": "yes",
        "plain-pod.service": "no",
        "worker@.service": "unknown",
        "cache@.service": "yes",
        "first.service": "yes",
        "second.service": "yes",
        "third.service": "unknown",
        "fourth.service": "no",
    }


TEXT = "[Container]\nImage=x\nPublishPort={}:80\nVolume=%h/data:/data\n[Install]\nWantedBy=default.target\n"


def test_folders_have_their_order_and_users_their_own_manager() -> None:
    found = declare_quadlets({"/usr/share/containers/systemd/a.container": TEXT.format(1), f"{FOLDER}/a.container": TEXT.format(2)})
    assert [port.port for one in found for port in one.ports] == [2]
    (roots,) = found
    assert (roots.data, roots.at_boot) == (("/root/data",), "yes")
    (users,) = declare_quadlets({"/home/jo/.config/containers/systemd/a.container": TEXT.format(3)})
    assert (users.data, users.at_boot) == ((), "unknown")
    # Two hosts' folders of a repository do not hide one another.
    assert len(declare_quadlets({"one/a.container": TEXT.format(4), "two/a.container": TEXT.format(5)})) == 2


def test_names_of_quadlets() -> None:
    assert is_quadlet("/x/web.container")
    assert is_quadlet("web@.pod")
    assert not is_quadlet("web.volume")
    assert not is_quadlet(".container")
    assert not is_quadlet("container")


def test_what_systemd_refuses_whole_is_named_with_its_line() -> None:
    with pytest.raises(Unparsable, match=r"a\.container line 2"):
        declare_quadlets({"a.container": "[Container]\n[Broken\n"})


LINES = st.sampled_from(
    [
        "[Container]", "[Pod]", "[Kube]", "[Service]", "[Install]", "Image=x", "PublishPort=80:80", "PublishPort=", "PublishPort=%i:%",
        "PublishPort=${A}:$B", "Network=host", "Network=x.container", "Pod=x.pod", "Volume=:::", "Volume=./x:/y", "Mount=source,a==",
        'PodmanArgs="', "PodmanArgs=-p", "Exec=\\", "WantedBy=default.target", "ServiceName=%n", "ContainerName=$", "Environment=A=1",
        "\\", "=", "# x",
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(LINES, max_size=12), st.sampled_from(["x.container", "x.pod", "x.kube", "x@.container", "@.container", "-.pod"]))
def test_any_lines_are_read_or_refused(lines: list[str], name: str) -> None:
    try:
        found = declare_quadlets({name: "\n".join(lines), f"{name}.d/a.conf": "\n".join(reversed(lines))})
    except GuardError:
        return
    assert {port.port for one in found for port in one.ports} <= {80}


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        declare_quadlets({"x.container": text, "y.pod": "[Pod]\nPublishPort=" + text})
    except GuardError:
        return
