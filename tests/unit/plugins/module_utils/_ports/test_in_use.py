# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of real programs that found their address in use. The cases called ``read_*`` are from the programs' sources and
issue trackers; all others were printed by the program itself, with its port taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._ports.in_use import parse_in_use

pytestmark = pytest.mark.feature("B12")
CASES = Path(__file__).resolve().parents[4] / "cases" / "in_use"
NAMES = sorted(path.stem for path in CASES.glob("*.txt"))


def test_there_are_cases() -> None:
    assert len([name for name in NAMES if not name.startswith("read_")]) >= 25
    assert len(NAMES) >= 50


@pytest.mark.parametrize("name", NAMES)
def test_what_a_program_said(name: str) -> None:
    expected = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    found = parse_in_use((CASES / f"{name}.txt").read_text(encoding="utf-8"))
    assert found.seen is expected["seen"]
    assert [[one.proto, one.address, one.port] for one in found.ports] == expected["ports"]
    assert {one.confidence for one in found.ports} <= {"observed"}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("uwsgi", "mosquitto"))])
def test_what_stands_around_it_changes_nothing(name: str) -> None:
    """Prefixes of the journal, and other lines that name ports."""
    expected = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    text = (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    around = ["listening on 0.0.0.0:1111", "GET http://10.0.0.1:2222/ 200", *text, "metrics at :3333", "connect to 10.0.0.1:4444 failed"]
    found = parse_in_use("\n".join(f"Nov 20 13:39:45 host prog[4711]: {line}" for line in around))
    assert [[one.proto, one.address, one.port] for one in found.ports] == expected["ports"]


@pytest.mark.parametrize(
    "line",
    [
        "2026/11/20 13:39:45 main.go:802: address already in use",
        'ts=2026-11-20T13:39:10.593Z caller=main.go:802 level=error err="address already in use"',
        "[4711] (98)Address already in use",
        "E1120 13:39:45.123456    4711 server.go:99] address already in use",
        "bind(): Address already in use [core/socket.c line 769]",
        '{"pid":4711,"line":93,"error":"listen failed: address already in use"}',
        "OSError: [Errno 98] Address already in use",
        "prog[4711]: bind: Address already in use",
        "10.0.0.1 connected; Address already in use",
        "remote port 4711: Address already in use",
        "listen tcp 0.0.0.0:99999: bind: address already in use",
        "listen tcp 0.0.0.0:0: bind: address already in use",
        "cannot map 0.0.0.0:7148:172.18.0.2:80/tcp: address already in use",
        "app-1.2.10.0.0.1:80: address already in use",
        "dial tcp 10.0.0.1:443: bind: address already in use",
    ],
)
def test_no_other_number_is_a_port(line: str) -> None:
    assert parse_in_use(line).ports == ()


@pytest.mark.parametrize(
    "line",
    ["", "started", "port 80 opened", 'The container name "/web" is already in use', "dpkg: lock is already in use", "98"],
)
def test_what_says_nothing_of_it(line: str) -> None:
    assert not parse_in_use(line).seen


@given(st.text(), st.text())
def test_no_text_breaks_it(before: str, after: str) -> None:
    assert parse_in_use(f"{before}address already in use{after}").seen or "unix" in before + after


@given(
    st.sampled_from(["0.0.0.0", "127.0.0.1", "[::]", "[2001:db8::1]", ""]),
    st.integers(1, 65535),
    st.sampled_from(["listen tcp {0}:{1}: bind: address already in use", "bind() to {0}:{1} failed (98: Address already in use)"]),
)
def test_every_port_is_read(address: str, port: int, line: str) -> None:
    (found,) = parse_in_use(line.format(address, port)).ports
    assert (found.address, found.port) == (address.strip("[]") or "*", port)


def test_a_long_line_is_quoted_by_its_end() -> None:
    (found,) = parse_in_use("x" * 500 + " listen tcp :80: bind: address already in use").ports
    assert found.source.endswith("listen tcp :80: bind: address already in use")
    assert len(found.source) < 200
