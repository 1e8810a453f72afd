# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What units declare, what they do not tell, and nothing that is not there."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Declared, DeclaredPort
from ansible_collections.guarded.deploy.plugins.module_utils._units.declared import declare_unit
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, UnitTree
from builders.unit_tree import folders_of, parse_listing

CASES = Path(__file__).resolve().parents[4] / "cases" / "unit"
FILES = sorted(path.stem for path in CASES.glob("*.txt"))
EXPECTED = {stem: json.loads((CASES / f"{stem}.json").read_text(encoding="utf-8")) for stem in FILES}

pytestmark = pytest.mark.feature("B9", "B10", "B14", "B15")


def declare(text: str, name: str) -> Declared:
    """Of a listing; environment files in it are known, ``/etc/default/secret`` is not, and others do not exist."""
    listing = parse_listing(text)
    links = {path: f"{path.rpartition('/')[0]}/{target}" if "/" not in target else target for path, target in listing.links.items()}
    environment: dict[str, str | None] = {path: body for path, body in listing.files.items() if path.startswith("/etc/default/")}
    environment["/etc/default/missing"] = None
    return declare_unit(name, Names(UnitTree(listing.files, links, folders_of(listing), {})).merge(name), environment)


def in_words(port: DeclaredPort) -> str:
    family = {None: "", True: " v6only", False: " dual"}[port.v6only]
    device = f" on {port.device}" if port.device else ""
    return f"{port.proto} {port.address} {port.port} {port.confidence} line {port.line}{family}{device}"


@pytest.mark.parametrize(("stem", "name"), [(stem, name) for stem in FILES for name in EXPECTED[stem]])
def test_what_a_unit_declares(stem: str, name: str) -> None:
    expected: dict[str, t.Any] = EXPECTED[stem][name]
    found = declare((CASES / f"{stem}.txt").read_text(encoding="utf-8"), name)
    assert [in_words(port) for port in found.ports] == expected["ports"]
    for words in expected.get("unknown", []):
        assert any(words in why for why in found.unknown), found.unknown
    if expected.get("whole"):
        assert found.unknown == ()
    defaults = {"kind": "socket" if name.endswith(".socket") else "unit", "name": name, "host_network": True}
    for key, value in {**defaults, **expected}.items():
        if key == "data":
            assert sorted(found.data) == sorted(value)
        elif key == "source":
            assert value in found.ports[0].source
        elif key not in ("ports", "unknown", "whole"):
            assert getattr(found, key) == value, key


def test_every_unit_of_the_cases_is_asked_for() -> None:
    for stem in FILES:
        listing = parse_listing((CASES / f"{stem}.txt").read_text(encoding="utf-8"))
        units = {path.rpartition("/")[2] for path in (*listing.files, *listing.links) if "/system/" in path and not path.endswith(".conf")}
        assert units <= EXPECTED[stem].keys()


def test_a_service_that_its_socket_starts_may_not_open_its_own_port() -> None:
    text = "== /etc/systemd/system/a.service\n[Service]\nExecStart=/usr/bin/prometheus\n"
    merged = Names(UnitTree(parse_listing(text).files, {}, folders_of(parse_listing(text)), {})).merge("a.service")
    assert [port.port for port in declare_unit("a.service", merged, {}).ports] == [9090]
    passed = declare_unit("a.service", merged, {}, sockets=["a.socket"])
    assert passed.ports == ()
    assert "a.socket" in passed.unknown[0]


def test_the_boot_is_told_by_whoever_knows() -> None:
    text = "== /etc/systemd/system/a.service\n[Service]\nExecStart=/usr/bin/docker run -p 80:80 web\n"
    merged = Names(UnitTree(parse_listing(text).files, {}, folders_of(parse_listing(text)), {})).merge("a.service")
    assert [declare_unit("a.service", merged, {}, answer).at_boot for answer in ("yes", "no", "unknown")] == ["yes", "no", "unknown"]


LINE = st.one_of(
    st.sampled_from(
        (
            "[Service]",
            "[Socket]",
            "[Unit]",
            "Environment=A=1 'B",
            "EnvironmentFile=-/etc/default/missing",
            "Type=oneshot",
            "PrivateNetwork=yes",
        )
    ),
    st.builds(
        "{}={}".format, st.sampled_from(("ExecStart", "ListenStream", "Environment", "WorkingDirectory", "PIDFile")), st.text(max_size=20)
    ),
    st.builds(
        "ExecStart={} {}".format,
        st.sampled_from(("/bin/sh -c", "docker run", "/usr/bin/prometheus", "slapd -h", "podman start")),
        st.text(alphabet="-p:80$ {}%i'\"\\;/x", max_size=20),
    ),
)


@given(st.lists(LINE, max_size=8), st.sampled_from(("a.service", "a@.service", "a@b.service", "a.socket")))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_it(lines: list[str], name: str) -> None:
    path = f"/etc/systemd/system/{name}"
    tree = UnitTree({path: "[Service]\n" + "\n".join(lines)}, {}, {"/etc/systemd/system": (name,)}, {})
    found = declare_unit(name, Names(tree).merge(name), {})
    assert all(0 < port.port <= 65535 for port in found.ports)
