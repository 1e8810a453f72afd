# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forwarding rules of a real kernel, in network namespaces of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.forwards import Forwards, collect_forwards
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook
from builders.machine import in_own_network
from builders.rooted import RootedHost, whole_machine

pytestmark = pytest.mark.feature("B2", "B5")
RULES = """*nat
-A PREROUTING -p tcp -m tcp --dport 9090 -j REDIRECT --to-ports 80
-A OUTPUT -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.1
-A PREROUTING -d 198.51.100.7/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 192.0.2.1
COMMIT
"""
RULES6 = """*nat
-A PREROUTING -d 2001:db8::1/128 -p tcp -m tcp --dport 91 -j REDIRECT --to-ports 80
-A PREROUTING -d 2001:db8::2/128 -p tcp -m tcp --dport 92 -j REDIRECT --to-ports 80
COMMIT
"""
TAKEN = {("tcp", "0.0.0.0", 9090), ("udp", "0.0.0.0", 53), ("tcp", "2001:db8::1", 91)}


def restore(tool: str, rules: str) -> None:
    done = subprocess.run([tool], input=rules, text=True, capture_output=True, check=False)
    if done.returncode:
        raise PermissionError(f"{tool}: {done.stderr.strip()}")


def look_with(tools: tuple[str, str], look: t.Callable[[], Forwards]) -> t.Callable[[], Forwards]:
    def work() -> Forwards:
        restore(tools[0], RULES)
        restore(tools[1], RULES6)
        return look()

    return work


def here() -> Forwards:
    return collect_forwards(whole_machine(), 5.0)


def ports(found: Forwards) -> set[tuple[str, str, int]]:
    return {(one.proto, one.address, one.port) for one in found.forwards}


def needs(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        pytest.skip("nat rules need root")


def test_a_host_without_rules_has_nothing() -> None:
    needs()
    assert in_own_network(here) == Forwards((), ())


@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_rules_that_iptables_made_are_read(kind: str) -> None:
    tools = (f"iptables-{kind}-restore", f"ip6tables-{kind}-restore")
    needs(*tools)
    found = in_own_network(look_with(tools, here))
    assert found.blind_spots == ()
    assert ports(found) == TAKEN, "and not what is meant for other hosts"


def test_rules_of_nft_are_read() -> None:
    needs("nft")

    def work() -> Forwards:
        rules = "table inet a { chain c { type nat hook prerouting priority -100\n tcp dport 9090 redirect to :80\n }\n}\n"
        rules += "table ip nat { chain c { type nat hook output priority -100\n udp dport 53 dnat to 192.0.2.1\n }\n}\n"
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, capture_output=True)
        return here()

    found = in_own_network(work)
    assert found.blind_spots == ()
    assert ports(found) == {("tcp", "*", 9090), ("udp", "0.0.0.0", 53)}


@pytest.mark.feature("B15")
def test_rules_without_a_tool_that_shows_them_are_a_blind_spot(tmp_path: Path) -> None:
    tools = ("iptables-nft-restore", "ip6tables-nft-restore")
    needs(*tools)

    class Bare(RootedHost):
        def at(self, path: str) -> str:
            return path

    found = in_own_network(look_with(tools, lambda: collect_forwards(Bare(tmp_path, own=()), 5.0)))
    assert found.forwards == ()
    assert [(spot.could_hide_planned, "not installed" in spot.why) for spot in found.blind_spots] == [(True, True)]


@pytest.mark.feature("B15")
def test_an_ordinary_user_is_told_that_he_cannot_see() -> None:
    needs("iptables-nft-restore", "ip6tables-nft-restore")

    def as_nobody() -> Forwards:
        host = whole_machine()
        os.seteuid(65534)
        return collect_forwards(host, 5.0)

    found = in_own_network(look_with(("iptables-nft-restore", "ip6tables-nft-restore"), as_nobody))
    assert found.forwards == ()
    assert {(spot.could_hide_planned, spot.remedy) for spot in found.blind_spots} == {(True, "Run as root.")}


class Untouched(RootedHost):
    """A host that may not be asked anything: by that the kernel could load a module."""

    def netlink(self, protocol: int, request: bytes, timeout: float) -> t.Iterator[bytes]:
        raise CouldNotLook("netlink was used")

    def run(self, argv: t.Sequence[str], timeout: float) -> t.Any:
        raise CouldNotLook("a command was run")


@pytest.mark.parametrize(
    ("modules", "builtin", "asked"),
    [
        (None, None, True),
        ("nf_conntrack 1 0 - Live 0x0\n", None, False),
        ("nf_conntrack 1 0 - Live 0x0\nnf_nat 1 0 - Live 0x0\n", "kernel/x/other.ko\n", False),
        ("nf_conntrack 1 0 - Live 0x0\nnf_nat 1 0 - Live 0x0\nnf_tables 1 0 - Live 0x0\n", "", True),
        ("other 1 0 - Live 0x0\n", "kernel/net/netfilter/nf_tables.ko\n", True),
        ("other 1 0 - Live 0x0\n", "kernel/x/other.ko\n", False),
    ],
    ids=["no modules at all", "no nat", "nat, no nf_tables", "all there", "built in", "not loaded"],
)
def test_looking_loads_nothing_into_the_kernel(tmp_path: Path, modules: str | None, builtin: str | None, asked: bool) -> None:
    host = Untouched(tmp_path)
    assert collect_forwards(host, 5.0) == Forwards((), ()), "without connection tracking there is no NAT"
    host.write("/proc/sys/net/netfilter/nf_conntrack_count", "0\n")
    host.write("/proc/sys/kernel/osrelease", "6.1.0\n")
    if modules is not None:
        host.write("/proc/modules", modules)
    if builtin is not None:
        host.write("/lib/modules/6.1.0/modules.builtin", builtin)
    found = collect_forwards(host, 5.0)
    assert [spot.why for spot in found.blind_spots] == (["netlink was used"] if asked else [])
