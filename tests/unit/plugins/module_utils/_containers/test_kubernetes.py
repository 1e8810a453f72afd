# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes manifests: host ports of every workload kind, node ports, the host's network, kind clusters."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.kubernetes import declare_manifests
from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError, Unparsable
from ansible_collections.guarded.deploy.plugins.plugin_utils._yaml_lines import load_documents

if t.TYPE_CHECKING:
    from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared

CASES = sorted((Path(__file__).resolve().parents[4] / "cases" / "kubernetes").glob("*.txt"))


def declared(text: str) -> tuple[Declared, ...]:
    return declare_manifests(load_documents(text, "web.yaml", strict_keys=False), "web.yaml")


@pytest.mark.feature("B9", "B14")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_a_manifest_asks_for(path: Path) -> None:
    found = {
        one.name: {
            "line": one.line,
            "ports": [[port.proto, port.address, port.port, port.line] for port in one.ports],
            "unknown": len(one.unknown),
            "host": one.host_network,
            "data": list(one.data),
        }
        for one in declared(path.read_text(encoding="utf-8"))
    }
    assert found == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_a_workload_tells_its_image() -> None:
    (web,) = declared((CASES[0].parent / "pod_host_port.txt").read_text(encoding="utf-8"))
    assert (web.program, web.image, web.kind, web.engine, web.at_boot) == (
        "nginx", "docker.io/library/nginx:1.27", "container", None, "unknown",
    )  # fmt: skip
    assert web.ports[0].source == "hostPort: 8080 (container nginx)"


@pytest.mark.parametrize(
    ("port", "why"),
    [
        ("{hostPort: '8080'}", "which is no port"),
        ("{hostPort: 70000}", "70000"),
        ("{hostPort: -1}", "-1"),
        ("{hostPort: true}", "True"),
        ("{hostPort: 80, protocol: tcp}", "there is no protocol 'tcp'"),
        ("{hostPort: 80, hostIP: localhost}", "no IP address"),
        ("80", "no mapping"),
    ],
)
def test_what_the_api_would_refuse_is_an_error_that_names_the_line(port: str, why: str) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n    - ports:\n        - {port}\n"
    with pytest.raises(Unparsable, match=rf"web.yaml:7: Pod/p: .*{why}"):
        declared(text)


@pytest.mark.parametrize("ports", ["{}", "text", "8080"])
def test_ports_that_are_no_list_are_an_error(ports: str) -> None:
    with pytest.raises(Unparsable, match=r"web.yaml:4: Pod/p: ports is no list"):
        declared(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{ports: {ports}}}]}}\n")


@pytest.mark.parametrize("text", ["", "---", "a: b", "- a", "kind: Pod", "apiVersion: [v1]\nkind: Pod", "kind: List\napiVersion: v1"])
def test_what_is_no_object_asks_for_nothing(text: str) -> None:
    assert declared(text) == ()


KEYS = ["spec", "containers", "ports", "hostPort", "containerPort", "hostNetwork", "type", "nodePort", "items", "volumes", "template"]
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=15,
)


@given(st.sampled_from(["Pod", "Deployment", "CronJob", "Service", "List", "Cluster"]), DATA)
@settings(max_examples=150, deadline=None)
def test_any_data_is_read_or_refused(kind: str, data: t.Any) -> None:
    document = {"kind": kind, "spec": data, "items": data, "nodes": data, "networking": data}
    for version in ("v1", "kind.x-k8s.io/v1alpha4"):
        with contextlib.suppress(GuardError):
            assert isinstance(declare_manifests([{"apiVersion": version, **document}], "x"), tuple)


@given(st.lists(st.tuples(st.integers(1, 65535), st.sampled_from(["TCP", "UDP"])), max_size=5))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(ports: list[tuple[int, str]]) -> None:
    written = [{"containerPort": 80, "hostPort": port, "protocol": protocol} for port, protocol in ports]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"ports": written}]}}
    found = declared(json.dumps(pod))
    assert {(port.port, port.proto) for one in found for port in one.ports} == {(port, protocol.lower()) for port, protocol in ports}
