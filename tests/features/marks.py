# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which feature ids the tests carry, as pytest collects them."""

from __future__ import annotations

import pytest

from .register import RegisterError


def marked_ids(item: pytest.Item) -> list[str]:
    """The feature ids of a test, of its class and of its file.

    :raises RegisterError: a mark without an id, or with something that is none
    """
    ids: list[str] = []
    for mark in item.iter_markers("feature"):
        if not mark.args or mark.kwargs or not all(isinstance(value, str) for value in mark.args):
            raise RegisterError(f'{item.nodeid}: write @pytest.mark.feature("B6"), one or more ids as text')
        ids.extend(value for value in mark.args if value not in ids)
    return ids


class Collected:
    """Remembers what pytest collected, when handed to ``pytest.main``."""

    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called once, when all tests are known."""
        self.ids = {item.nodeid: marked_ids(item) for item in session.items}
