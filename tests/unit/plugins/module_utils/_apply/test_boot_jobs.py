# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of a boot taken back by a systemctl that writes down what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._apply.boot_jobs import cancel_unwanted_jobs
from builders.rooted import RootedHost
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A3")

BEFORE = [unit_state("web.service", active="inactive"), unit_state("kept.service")]
ANSWERS = """case "$1" in
list-jobs) printf '7 web.service start waiting\\n8 kept.service start waiting\\n';;
show) printf 'Id=web.service\\nLoadState=loaded\\n\\nId=kept.service\\nLoadState=loaded\\n';;
cancel) [ "$2" = 7 ] && exit $STATUS;;
esac"""


def host(root: Path, script: str) -> RootedHost:
    path = root / "bin" / "systemctl"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return RootedHost(root)


def test_only_what_nothing_wants_is_canceled(tmp_path):
    found = host(tmp_path, f"STATUS=0\n{ANSWERS}")
    assert cancel_unwanted_jobs(found, BEFORE) == (["do not start web.service"], [])
    assert found.asked[-1] == "systemctl cancel 7"


def test_a_job_that_could_not_be_canceled_is_a_failure(tmp_path):
    _steps, failures = cancel_unwanted_jobs(host(tmp_path, f"STATUS=1\n{ANSWERS}"), BEFORE)
    assert len(failures) == 1
    assert failures[0].startswith("web.service may be started by the boot: ")


def test_jobs_that_cannot_be_looked_at_are_a_failure_and_no_empty_list(tmp_path):
    steps, failures = cancel_unwanted_jobs(host(tmp_path, "echo broken >&2; exit 1"), BEFORE)
    assert steps == []
    assert "exited 1: broken" in failures[0]


def test_a_boot_without_jobs_is_asked_nothing_more(tmp_path):
    found = host(tmp_path, "true")
    assert cancel_unwanted_jobs(found, BEFORE) == ([], [])
    assert len(found.asked) == 1
