# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands end when they end."""

from __future__ import annotations

import subprocess

from ansible_collections.guarded.deploy.plugins.module_utils import _host


def test_a_process_that_is_about_to_end_is_waited_for() -> None:
    """run_command asks twice, and sleeps for a second where the end comes between: so the first time has to tell."""
    with subprocess.Popen(["sleep", "0.01"]) as process:
        _host._wait_for_its_end(process)
        assert process.poll() == 0


def test_a_process_that_goes_on_is_not() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        _host._wait_for_its_end(process)
        assert process.poll() is None
        process.kill()


def test_the_exit_code_is_kept() -> None:
    with subprocess.Popen(["sh", "-c", "exit 7"]) as process:
        _host._wait_for_its_end(process)
        assert process.poll() == 7
