# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the checkout where Python finds it as ``ansible_collections.guarded.deploy``, and the test bed as ``testbed``."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

from testbed.collection import link_collection  # noqa: E402

sys.path.insert(0, str(link_collection(CHECKOUT)))

# How long something takes says nothing on a machine that does other things as well.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("untimed"), max_examples=15)
hypothesis.settings.load_profile("untimed")

# Writes down how the tests that show a feature ended, for `make features`.
pytest_plugins = ["features.recorder"]
