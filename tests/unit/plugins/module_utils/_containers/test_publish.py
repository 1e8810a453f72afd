# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publish options against what real engines took and refused (``create -p SPEC``, then inspect)."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.model import Publish
from ansible_collections.guarded.deploy.plugins.module_utils._containers.publish import parse_publish
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable

CASES = Path(__file__).resolve().parents[4] / "cases" / "publish"


def lines_of(name: str) -> list[tuple[str, str, str]]:
    rows = [line.split("|", 2) for line in (CASES / name).read_text(encoding="utf-8").splitlines()]
    return [(row[0], row[1], row[2]) for row in rows]


def real_cases() -> t.Iterator[t.Any]:
    for name in ("docker_20.10.txt", "docker_26.1.txt", "podman_5.4.txt"):
        for verdict, spec, answer in lines_of(name):
            yield pytest.param(name.partition("_")[0], verdict, spec, answer, id=f"{name[:-4]}:{spec}")


def bindings(engine: str, spec: str, answer: str) -> set[tuple[str, str, int | None, int]]:
    """What inspect says, in the words of the parser; a port that the engine chose (or may choose) is None."""
    found = set()
    for key, entries in json.loads(answer).items():
        port, _slash, proto = key.partition("/")
        for entry in entries:
            host = entry["HostPort"]
            chosen = host in ("", "0") or "-" in host or (engine == "podman" and host not in spec and not host_in_range(host, spec))
            address = entry["HostIp"] or "*"
            if proto != "sctp":
                found.add((proto, address, None if chosen else int(host), int(port)))
    return found


def host_in_range(host: str, spec: str) -> bool:
    """Podman's inspect shows the port that it chose; whether the spec names this one."""
    fields = spec.partition("/")[0].split(":")
    if len(fields) < 2 or not fields[-2]:
        return False
    low, _dash, high = fields[-2].partition("-")
    return int(low) <= int(host) <= int(high or low)


@pytest.mark.feature("B9", "B14")
@pytest.mark.parametrize(("engine", "verdict", "spec", "answer"), list(real_cases()))
def test_is_read_as_the_engine_reads_it(engine: str, verdict: str, spec: str, answer: str) -> None:
    if verdict == "NO":
        with pytest.raises(Unparsable) as caught:
            parse_publish(spec, engine)
        assert engine in str(caught.value)
        return
    ports = {tuple(port) for one in parse_publish(spec, engine) for port in one.ports}
    assert ports == bindings(engine, spec, answer)


def test_a_range_that_the_engine_chooses_from_is_named() -> None:
    (one,) = parse_publish("127.0.0.1:8000-8010:80", "docker")
    assert one.ports == (Publish("tcp", "127.0.0.1", None, 80),)
    assert one.chosen_from == (8000, 8010)


def test_podman_takes_several_with_commas() -> None:
    assert [port for one in parse_publish("80:80,81:81/udp", "podman") for port in one.ports] == [
        Publish("tcp", "0.0.0.0", 80, 80),
        Publish("udp", "0.0.0.0", 81, 81),
    ]


@given(text=st.text(alphabet="0123456789:-/[].,=tcpudsh*+ \n", max_size=30), engine=st.sampled_from(["docker", "podman"]))
def test_any_text_is_read_or_refused(text: str, engine: str) -> None:
    try:
        found = parse_publish(text, engine)
    except Unparsable:
        return
    assert all(port.proto in ("tcp", "udp") and (port.host_port or 1) in range(1, 65536) for one in found for port in one.ports)


@given(
    address=st.sampled_from(["", "0.0.0.0", "127.0.0.1", "[::1]", "[::]"]),
    host=st.integers(1, 65000),
    port=st.integers(1, 65000),
    count=st.integers(1, 20),
    proto=st.sampled_from(["", "tcp", "udp"]),
    engine=st.sampled_from(["docker", "podman"]),
)
def test_what_is_written_is_read_again(address: str, host: int, port: int, count: int, proto: str, engine: str) -> None:
    outside, inside = (f"{low}-{low + count - 1}" if count > 1 else str(low) for low in (host, port))
    spec = f"{address + ':' if address else ''}{outside}:{inside}{'/' + proto if proto else ''}"
    (one,) = parse_publish(spec, engine)
    expected = address.strip("[]") or {"docker": "*", "podman": "0.0.0.0"}[engine]
    assert one.ports == tuple(Publish(proto or "tcp", expected, host + step, port + step) for step in range(count))
