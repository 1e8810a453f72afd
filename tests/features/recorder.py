# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pytest plugin: writes down how the tests that carry feature ids ended."""

from __future__ import annotations

import subprocess

import pytest

from .marks import marked_ids
from .register import RegisterError
from .results import Result, tree_hash, write_unit_results

_PROPERTY = "features"


class _Recorder:
    """Gathers the outcomes of one run, in the process that the user started (not in a worker of it)."""

    def __init__(self, config: pytest.Config) -> None:
        self._root = config.rootpath
        self._outcomes: dict[str, str] = {}
        self._tree = self._tree_now()

    def _tree_now(self) -> str:
        try:
            return tree_hash(self._root)
        except (OSError, subprocess.CalledProcessError):
            return ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for set-up, call and tear-down of each test: the worst of the three counts."""
        if not any(name == _PROPERTY for name, _value in report.user_properties):
            return
        if report.failed:
            self._outcomes[report.nodeid] = "failed"
        elif report.skipped:  # an expected failure is reported so as well: it shows nothing
            self._outcomes.setdefault(report.nodeid, "skipped")
        elif report.when == "call":
            self._outcomes.setdefault(report.nodeid, "passed")

    def pytest_sessionfinish(self) -> None:
        """Called at the end, also of a run that was broken off."""
        if not self._outcomes:
            return
        # Files that changed meanwhile: nobody can say which of the two trees was tested.
        tree = self._tree if self._tree == self._tree_now() else ""
        write_unit_results(self._root, {name: Result(outcome, tree) for name, outcome in self._outcomes.items()})


def pytest_configure(config: pytest.Config) -> None:
    """Registers the recorder, where tests will run. (The mark is registered in pyproject.toml.)"""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(_Recorder(config), "feature-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sends the ids along with each report: a worker's marks do not reach the process that writes the file."""
    for item in items:
        try:
            ids = marked_ids(item)
        except RegisterError as error:
            raise pytest.UsageError(str(error)) from error
        if ids:
            item.user_properties.append((_PROPERTY, ids))
