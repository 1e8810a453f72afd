# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.benchmarks.peer import pinned_release
from ansible_collections.guarded.deploy.benchmarks.table import Row, render_table


def test_ratios_are_of_medians_and_what_did_not_end_has_no_number() -> None:
    rows = [
        Row("ping", [0.2, 0.1, 9.0], 40),
        Row("ours", [0.3, 0.2, 0.25], 12_345),
        Row("peer", [], note="not ended: timed out"),
    ]
    lines = render_table("title", rows, "ping").splitlines()
    assert lines[0] == "title"
    assert lines[2].split() == ["ping", "0.200", "0.100", "9.000", "3", "1.00", "40", "B"]
    assert lines[3].split() == ["ours", "0.250", "0.200", "0.300", "3", "1.25", "12,345", "B"]
    assert lines[4].split() == ["peer", "not", "ended:", "timed", "out"]


def test_a_table_without_its_yardstick_is_an_error() -> None:
    with pytest.raises(ValueError):
        render_table("title", [Row("ours", [0.3])], "ping")


def test_the_peers_release_is_read_from_the_pin() -> None:
    assert pinned_release("# a comment\nansible==12.3.0\n") == "12.3.0"
    with pytest.raises(ValueError, match="pin"):
        pinned_release("ansible>=12\n")
