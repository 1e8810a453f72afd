# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two looks at a time."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Denied
from builders.machine import this_machine


def test_both_go_on_at_once_and_the_answer_waits() -> None:
    meanwhile = threading.Event()
    answer = this_machine().beside(lambda: meanwhile.wait(10))
    meanwhile.set()
    assert answer() is True


def test_what_a_look_raises_is_raised_where_its_answer_is_asked() -> None:
    def look() -> None:
        raise Denied("no")

    answer = this_machine().beside(look)
    with pytest.raises(Denied, match="no"):
        answer()
