# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restores leave beside a snapshot, on a real file system."""

from __future__ import annotations

import stat

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.settlement import Beside
from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.restored import Progress, Settlement
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.unit_plan import Settled, Span
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost

pytestmark = pytest.mark.feature("A15")

SETTLEMENT = Settlement("boot", {(None, "a.service"): Settled("x", 1.5), ("deploy", "b.service"): Settled("y", 2.5)})
PROGRESS = Progress("boot", {"/etc/a\nb\udcff": Span(1.0, None)})


@pytest.fixture
def beside(tmp_path):
    return Beside(StandaloneHost(), "one", str(tmp_path))


def test_nothing_was_left_by_no_restore(beside):
    assert beside.read_settlement("boot") is None
    assert beside.read_progress("boot") is None
    beside.end()


def test_what_was_left_is_found_in_the_same_boot_only(beside):
    beside.settle(SETTLEMENT)
    beside.begin(PROGRESS)
    assert beside.read_settlement("boot") == SETTLEMENT
    assert beside.read_progress("boot") == PROGRESS
    assert beside.read_settlement("next") is None
    assert beside.read_progress("next") is None


def test_a_restore_that_has_ended_was_not_cut_off(beside, tmp_path):
    beside.begin(PROGRESS)
    beside.end()
    assert beside.read_progress("boot") is None
    assert list(tmp_path.iterdir()) == []


def test_only_root_may_read_which_files_there_are(beside, tmp_path):
    beside.settle(SETTLEMENT)
    beside.begin(PROGRESS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_what_is_damaged_is_no_empty_answer(beside, tmp_path):
    (tmp_path / "one.settled.json").write_text("{")
    (tmp_path / "one.restoring.json").write_text("[]")
    with pytest.raises(Unparsable, match=r"one\.settled\.json"):
        beside.read_settlement("boot")
    with pytest.raises(Unparsable, match=r"one\.restoring\.json"):
        beside.read_progress("boot")
