# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration tells a story in which every sentence is checked: it is a test as well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.feature("B8", "B12", "B16")
def test_the_demonstration_goes_as_it_is_told() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=CHECKOUT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300
    )
    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
    assert "The published incident took 45 minutes" in " ".join(told.stdout.split())
