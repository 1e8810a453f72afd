# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with the test bed and is not a bug; the text says what to do."""

from __future__ import annotations


class TestbedError(Exception):
    """The test bed cannot do what was asked."""

    __test__ = False
