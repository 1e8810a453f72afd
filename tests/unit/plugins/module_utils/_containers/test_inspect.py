# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine's inspect says, read from what real engines said (Docker 20.10 and 26.1, Podman 5.4)."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._containers.inspect import (
    parse_docker_inspect,
    parse_ids,
    parse_podman_inspect,
    parse_time,
)
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable

CASES = Path(__file__).resolve().parents[4] / "cases"
DOCKER = sorted((CASES / "docker_inspect").glob("*.txt"))
PODMAN = sorted((CASES / "podman_inspect").glob("*.txt"))
RUNNING = CASES / "docker_inspect" / "26.1_pub_ok.txt"


def as_json(value: t.Any) -> t.Any:
    return json.loads(json.dumps(value))


def test_there_are_cases_of_every_engine() -> None:
    assert {path.name.split("_")[0] for path in DOCKER} >= {"20.10", "26.1"}
    assert len(DOCKER) >= 10
    assert len(PODMAN) >= 8


@pytest.mark.feature("B2")
@pytest.mark.parametrize("path", DOCKER, ids=lambda path: path.stem)
def test_what_docker_said_is_read(path: Path) -> None:
    found = parse_docker_inspect(path.read_bytes())
    assert as_json(found._asdict()) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.feature("B3")
@pytest.mark.parametrize("path", PODMAN, ids=lambda path: path.stem)
def test_what_podman_said_is_read(path: Path) -> None:
    found = parse_podman_inspect(path.read_bytes())
    assert as_json([one._asdict() for one in found]) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.feature("B2")
def test_a_created_container_publishes_though_nothing_is_in_force() -> None:
    found = parse_docker_inspect((CASES / "docker_inspect" / "20.10_published_conflict.txt").read_bytes())
    assert [(one.proto, one.address, one.host_port) for one in found.published] == [("tcp", "*", 9090)]
    assert found.bound == ()
    assert "9090: bind: address already in use" in found.error


def test_a_port_that_the_engine_chooses_is_no_port_yet() -> None:
    found = parse_docker_inspect((CASES / "docker_inspect" / "26.1_ranges.txt").read_bytes())
    chosen = {one.container_port: one.host_port for one in found.published}
    assert chosen[60] is None, "-p 6000-6003:60 takes one of four"
    assert chosen[61] is None, "-p 61 takes any"
    assert chosen[7001] == 7001


@pytest.mark.feature("B3")
def test_in_a_pod_the_infra_container_alone_publishes() -> None:
    (member,) = parse_podman_inspect((CASES / "podman_inspect" / "5.4_shop_web.txt").read_bytes())
    (infra,) = parse_podman_inspect((CASES / "podman_inspect" / "5.4_shop_infra.txt").read_bytes())
    assert (member.published, member.bound, member.addresses) == ((), (), ())
    assert member.network_mode == f"container:{infra.id}"
    assert [one.host_port for one in infra.bound] == [18090]


def test_who_joins_another_containers_network_publishes_nothing() -> None:
    found = parse_docker_inspect(changed(HostConfig__NetworkMode="container:" + "a" * 64))
    assert (found.published, found.bound, found.addresses) == ((), (), ())


@pytest.mark.feature("B3")
def test_the_unit_of_a_quadlet_is_known() -> None:
    (found,) = parse_podman_inspect((CASES / "podman_inspect" / "5.4_systemd-quad.txt").read_bytes())
    assert found.unit == "quad.service"


def changed(**changes: t.Any) -> bytes:
    """A real answer with some dotted fields (``__`` for the dot) replaced; None removes one."""
    document = json.loads(RUNNING.read_text(encoding="utf-8"))
    for field, value in changes.items():
        *way, name = field.split("__")
        place = document
        for step in way:
            place = place[step]
        if value is None:
            del place[name]
        else:
            place[name] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Id": None}, "Id"),
        ({"Name": None}, "Name"),
        ({"State": None}, "State.Status"),
        ({"State": []}, "State.Status"),
        ({"State__Status": None}, "State.Status"),
        ({"State__ExitCode": "1"}, "State.ExitCode"),
        ({"State__ExitCode": True}, "State.ExitCode"),
        ({"State__StartedAt": "yesterday"}, "State.StartedAt"),
        ({"HostConfig": None}, "HostConfig"),
        ({"HostConfig__NetworkMode": None}, "HostConfig.NetworkMode"),
        ({"HostConfig__PortBindings": None}, "HostConfig.PortBindings"),
        ({"HostConfig__PortBindings": {"80/tcp": "8080"}}, r"HostConfig.PortBindings\[80/tcp\]"),
        ({"HostConfig__PortBindings": {"80/tcp": ["8080"]}}, r"HostConfig.PortBindings\[80/tcp\]"),
        ({"HostConfig__PortBindings": {"80/tcp": [{"HostIp": ""}]}}, r"HostConfig.PortBindings\[80/tcp\]"),
        ({"HostConfig__PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": 80}]}}, r"PortBindings\[80/tcp\]"),
        ({"HostConfig__PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "70000"}]}}, "70000"),
        ({"HostConfig__PortBindings": {"http/tcp": []}}, "http/tcp"),
        ({"HostConfig__PortBindings": {"99999/tcp": []}}, "99999/tcp"),
        ({"NetworkSettings": None}, "NetworkSettings"),
        ({"NetworkSettings__Ports": None}, "NetworkSettings.Ports"),
        ({"Config__Image": None}, "Config.Image"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_what_decides_and_cannot_be_read_is_an_error_that_names_it(changes: dict[str, t.Any], field: str) -> None:
    with pytest.raises(Unparsable, match=field) as failure:
        parse_docker_inspect(changed(**changes))
    if "Name" not in changes:
        assert "pub_ok" in str(failure.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'"x"'])
def test_what_is_no_container_is_an_error(text: bytes) -> None:
    with pytest.raises(Unparsable):
        parse_docker_inspect(text)
    if text != b"[]":
        with pytest.raises(Unparsable):
            parse_podman_inspect(text)


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"HostConfig__PortBindings": {}}, []),
        ({"HostConfig__PortBindings": {"80/tcp": []}}, []),
        ({"HostConfig__PortBindings": {"132/sctp": [{"HostIp": "", "HostPort": "132"}]}}, []),
        ({"HostConfig__PortBindings": {"80": [{"HostIp": "::", "HostPort": "8080"}]}}, [("tcp", "::", 8080, 80)]),
        ({"HostConfig__PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "0"}]}}, [("tcp", "*", None, 80)]),
    ],
)
def test_odd_but_valid_bindings(changes: dict[str, t.Any], read: list[tuple[t.Any, ...]]) -> None:
    assert [tuple(one) for one in parse_docker_inspect(changed(**changes)).published] == read


def test_what_does_not_decide_may_be_missing() -> None:
    found = parse_docker_inspect(changed(Config__Labels=None, Path=None, Args=None, RestartCount=None, HostConfig__RestartPolicy=None))
    assert (found.compose_project, found.argv, found.restarts, found.restart_policy) == (None, (), 0, "no")


def test_ids_of_lists() -> None:
    assert parse_ids(b'[{"Id": "a"}, {"Id": "b"}]', "docker") == ("a", "b")
    assert parse_ids("null", "podman") == parse_ids("[]", "podman") == ()
    for text in ("{}", '[{"ID": "a"}]', "[1]", "<html>"):
        with pytest.raises(Unparsable):
            parse_ids(text, "podman")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0001-01-01T00:00:00Z", 0.0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("2026-11-20T14:24:57.25+01:00", 1795181097.25),
        ("2026-11-20T08:54:57-0430", 1795181097.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@given(
    st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_any_time_is_read_as_python_reads_it(naive: datetime.datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes)))
    assert parse_time(moment.isoformat()) == pytest.approx(moment.timestamp(), abs=1e-5)


@pytest.mark.parametrize("text", ["", "now", "2026-11-20", "2026-11-20T13:24:57", "2026-11-20 13:24:57Z"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)
