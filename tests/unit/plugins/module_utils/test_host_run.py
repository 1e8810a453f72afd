# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands end when they end."""

from __future__ import annotations

import subprocess

from ansible_collections.guarded.deploy.plugins.module_utils import _host
from builders.rooted import whole_machine


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


def test_what_a_process_prints_at_its_very_end_is_read_first() -> None:
    """run_command stops reading at an end that it is told of, and would drop this."""
    with subprocess.Popen(["sh", "-c", "sleep 0.02; echo late"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _host._wait_for_its_end(process)
        assert process.poll() is None
        assert process.stdout is not None
        assert process.stdout.read() == b"late\n"
        assert process.poll() == 0


def test_output_after_a_second_of_silence_is_not_lost() -> None:
    """The second is that of run_command's own select."""
    assert [whole_machine().run(["sh", "-c", "sleep 1.01; echo late"], 30).out for _round in range(2)] == ["late\n"] * 2


def test_a_command_ends_although_another_process_keeps_one_of_its_pipes() -> None:
    assert whole_machine().run(["sh", "-c", "sleep 20 >/dev/null & echo done"], 5).out == "done\n"
