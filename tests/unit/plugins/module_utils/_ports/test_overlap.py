# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overlap of addresses: every pair is really bound, and the kernel's answer is the expected one."""

from __future__ import annotations

import contextlib
import errno
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput
from ansible_collections.guarded.deploy.plugins.module_utils._ports import overlap
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Claim, Owner
from ansible_collections.guarded.deploy.plugins.module_utils._ports.overlap import OverlapIndex, canonical, overlaps
from builders.machine import Spec, in_own_network, open_socket

PORT = 9090


class Place(t.NamedTuple):
    """How somebody asks for an address; ``sockets`` are what that means to the kernel where it is not itself."""

    address: str
    v6only: bool | None = None
    device: str | None = None
    sockets: tuple[tuple[str, bool | None], ...] = ()

    def specs(self, proto: str, reuse: str | None) -> list[Spec]:
        return [Spec(proto, address, v6only, self.device, reuse) for address, v6only in self.sockets or ((self.address, self.v6only),)]


PLACES = (
    Place("0.0.0.0"),
    Place("127.0.0.1"),
    Place("127.0.0.2"),
    Place("::", False),
    Place("::", True),
    Place("::1", False),
    Place("::1", True),
    Place("2001:db8::1", False),
    Place("::ffff:127.0.0.1", False),
    Place("::ffff:0.0.0.0", False),
    Place("fe80::1%left", False),
    Place("fe80::1%right", False),
    Place("0.0.0.0", None, "left"),
    Place("0.0.0.0", None, "right"),
    Place("127.0.0.1", None, "left"),
    Place("::", False, "left"),
    Place("::", True, "right"),
    Place("*", sockets=(("0.0.0.0", None), ("::", True))),
)


def bind_pair(proto: str, one: Place, other: Place, reuse: str | None) -> bool:
    """Whether the kernel refuses the second."""
    with contextlib.ExitStack() as stack:
        for spec in one.specs(proto, reuse):
            stack.enter_context(open_socket(spec, PORT))
        try:
            for spec in other.specs(proto, reuse):
                stack.enter_context(open_socket(spec, PORT))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
        return False


def kernel_matrix(reuse: str | None) -> dict[tuple[str, int, int], bool]:
    """(protocol, index, index) of every ordered pair of places: whether the kernel refuses the second."""

    def work() -> dict[tuple[str, int, int], bool]:
        pairs = list(itertools.product(range(len(PLACES)), repeat=2))
        return {
            (proto, one, other): bind_pair(proto, PLACES[one], PLACES[other], reuse) for proto in ("tcp", "udp") for one, other in pairs
        }

    return in_own_network(work)


def ours(proto: str, one: Place, other: Place) -> bool:
    a, b = canonical(one.address), canonical(other.address)
    return overlaps(proto, a, one.v6only, one.device, b, other.v6only, other.device)


def differences(measured: dict[tuple[str, int, int], bool], expected: t.Callable[[str, Place, Place], bool]) -> list[str]:
    return [
        f"{proto}: {PLACES[one]} then {PLACES[other]}: the kernel {'refuses' if refused else 'allows'} it"
        for (proto, one, other), refused in measured.items()
        if expected(proto, PLACES[one], PLACES[other]) is not refused
    ]


@pytest.mark.feature("B6")
def test_overlap_is_what_the_kernel_refuses() -> None:
    measured = kernel_matrix(None)
    assert len(measured) == 2 * len(PLACES) ** 2
    assert 0.2 < sum(measured.values()) / len(measured) < 0.9
    assert differences(measured, ours) == []


@pytest.mark.feature("B6", "B7")
def test_with_reuseport_every_pair_coexists() -> None:
    assert not any(kernel_matrix("port").values())


@pytest.mark.feature("B6")
def test_reuseaddr_changes_nothing_between_listeners_and_everything_for_udp() -> None:
    measured = kernel_matrix("addr")
    assert differences({key: refused for key, refused in measured.items() if key[0] == "tcp"}, ours) == []
    assert not any(refused for key, refused in measured.items() if key[0] == "udp")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", "*"),
        (" 127.0.0.1 ", "127.0.0.1"),
        ("::FFFF:127.0.0.1", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[FE80::1%wlan-0.7]", "fe80::1%wlan-0.7"),
    ],
)
@pytest.mark.feature("B6")
def test_equal_addresses_are_equal_text(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.1", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "[127.0.0.1]", "::1::", "fe80::1%", "fe80::1%a/b", "fe80::1%%a",
     "127.0.0.1%eth0", "::1%lo", "10.0.0.0/8", "fe80::1%a b", "fe80::1%sixteencharacters", "0x7f.0.0.1", "[::1", "::1]", "\u0661.1.1.1"],
)  # fmt: skip
def test_garbage_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        canonical(text)
    assert repr(text) in str(caught.value)


ADDRESSES = st.sampled_from(
    ["*", "0.0.0.0", "::", "127.0.0.1", "127.0.0.2", "::1", "2001:db8::1", "fe80::1%left", "fe80::1%right", "fe80::1"]
)
CLAIMS = st.builds(
    Claim,
    proto=st.sampled_from(["tcp", "udp"]),
    address=ADDRESSES,
    port=st.integers(1, 3),
    state=st.just("listening"),
    owner=st.integers(0, 3).map(lambda number: Owner("process", str(number))),
    source=st.just(""),
    confidence=st.just("observed"),
    at_boot=st.just("unknown"),
    v6only=st.sampled_from([None, True, False]),
    device=st.sampled_from([None, "left", "right"]),
).map(lambda claim: claim._replace(device=None) if "%" in claim.address else claim)


def claims_overlap(one: Claim, other: Claim) -> bool:
    return overlaps(one.proto, one.address, one.v6only, one.device, other.address, other.v6only, other.device)


@given(CLAIMS, CLAIMS)
def test_overlap_is_symmetric(left: Claim, right: Claim) -> None:
    assert claims_overlap(left, right) == claims_overlap(right, left)


@given(CLAIMS)
def test_every_claim_overlaps_itself_and_everywhere(one: Claim) -> None:
    assert claims_overlap(one, one)
    assert overlaps(one.proto, "*", None, None, one.address, one.v6only, one.device)


@given(CLAIMS, CLAIMS)
def test_not_to_know_v6only_never_hides_an_overlap(one: Claim, other: Claim) -> None:
    if claims_overlap(one, other):
        assert claims_overlap(one._replace(v6only=None), other._replace(v6only=None))


@given(CLAIMS, CLAIMS)
def test_not_to_know_the_device_never_hides_an_overlap(one: Claim, other: Claim) -> None:
    if claims_overlap(one, other):
        assert claims_overlap(one._replace(device=None), other)


def unordered(pairs: t.Iterable[tuple[Claim, Claim]]) -> list[list[str]]:
    return sorted(sorted(map(repr, pair)) for pair in pairs)


@given(st.lists(CLAIMS, max_size=30))
def test_the_index_finds_the_pairs_that_comparing_all_with_all_finds(claims: list[Claim]) -> None:
    def same_port(one: Claim, other: Claim) -> bool:
        return (one.proto, one.port) == (other.proto, other.port)

    index = OverlapIndex(claims)
    expected = [(a, b) for a, b in itertools.combinations(claims, 2) if same_port(a, b) and claims_overlap(a, b)]
    assert unordered(index.pairs()) == unordered(expected)
    for claim in claims:
        assert sorted(index.colliding(claim), key=repr) == sorted(
            (one for one in claims if same_port(one, claim) and claims_overlap(one, claim)), key=repr
        )


def test_ten_thousand_claims_on_one_port_are_each_compared_with_the_wildcard_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with each would be 50 million comparisons."""
    compared = 0
    compare = overlap._overlap

    def count(one: overlap.Place, other: overlap.Place) -> bool:
        nonlocal compared
        compared += 1
        return compare(one, other)

    monkeypatch.setattr(overlap, "_overlap", count)
    owner = Owner("process", "a")
    claims = [
        Claim("tcp", f"127.{n >> 16}.{n >> 8 & 255}.{n & 255}", PORT, "listening", owner, "", "observed", "unknown") for n in range(10_000)
    ]
    claims.append(claims[0]._replace(address="0.0.0.0"))
    assert len(list(OverlapIndex(claims).pairs())) == compared == 10_000
