# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``/proc/net/*``, read from what a kernel really printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.procnet import parse_procnet

CASES = Path(__file__).resolve().parents[4] / "cases" / "procnet"
NAMES = sorted(path.stem for path in CASES.glob("*.txt"))


def test_there_are_cases() -> None:
    assert len(NAMES) >= 4


@pytest.mark.feature("B5")
@pytest.mark.parametrize("name", NAMES)
def test_what_a_kernel_printed_is_read(name: str) -> None:
    expected = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    text = (CASES / f"{name}.txt").read_text(encoding="utf-8")
    found = parse_procnet(text, expected["proto"], expected["state"], "little")
    read = [{"address": one.address, "port": one.port, "uid": one.uid, "inode": one.inode} for one in found]
    assert read == expected["sockets"]
    assert {(one.v6only, one.interface, one.cgroup_id, one.state) for one in found} == {(None, 0, None, expected["state"])}


def test_a_big_endian_machine_prints_the_bytes_in_their_order() -> None:
    text = (CASES / "linux_6.18_tcp.txt").read_text(encoding="utf-8").replace("0100007F:18EB", "7F000001:18EB")
    assert "127.0.0.1" in [one.address for one in parse_procnet(text, "tcp", 10, "big") if one.port == 0x18EB]


def test_this_kernels_own_file_is_read() -> None:
    parse_procnet(Path("/proc/net/tcp").read_text(encoding="utf-8"), "tcp", 10, sys.byteorder)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", "nothing"),
        ("tcp: access denied\n", "access denied"),
        ("  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A\n", "00000000:0016"),
        ("  sl  local_address rem_address   st\n   0: 000000:0016 00000000:0000 0A 0:0 00:0 0 0 0 1587\n", "000000:0016"),
        ("  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 XY 0:0 00:0 0 0 0 1587\n", "XY"),
        ("  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A 0:0 00:0 0 root 0 1587\n", "root"),
    ],
)
def test_a_file_that_is_none_is_an_error_that_quotes_it(text: str, quoted: str) -> None:
    with pytest.raises(Unparsable, match=quoted):
        parse_procnet(text, "tcp", 10, "little")
