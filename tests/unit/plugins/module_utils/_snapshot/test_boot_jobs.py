# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of a boot that nothing wants any more; what systemctl printed is of systemd 252 and 257, which print the same."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.boot_jobs import Job, find_unwanted_jobs, parse_start_jobs
from builders.unit_states import unit_state

pytestmark = pytest.mark.feature("A3")

LISTED = """2103 gdwait.service start waiting
2053 gdslow.service start running
2104 gdgone.service stop waiting
2105 gdagain.service restart waiting
2106 gdverify.service verify-active waiting
"""


def shown(name, load="loaded", **wanting):
    relations = "".join(
        f"{key}={wanting.get(key, '')}\n" for key in ("RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy", "TriggeredBy")
    )
    return f"Id={name}\n{relations}LoadState={load}\n"


def unwanted(name, text, *before):
    return [job.unit for job in find_unwanted_jobs([Job("1", name)], text, before)]


RESTS = unit_state("web.service", active="inactive")


def test_only_jobs_that_wait_to_start_something_count():
    assert parse_start_jobs(LISTED) == (Job("2103", "gdwait.service"), Job("2105", "gdagain.service"))
    assert parse_start_jobs("") == ()


def test_what_the_change_had_enabled_is_not_started():
    assert unwanted("web.service", shown("web.service"), RESTS) == ["web.service"]


def test_what_the_change_has_added_is_not_started_whose_file_is_gone():
    assert unwanted("web.service", shown("web.service", load="not-found")) == ["web.service"]
    assert unwanted("web.service", shown("web.service", load="not-found", WantedBy="multi-user.target")) == ["web.service"]
    assert unwanted("web.service", "", RESTS) == ["web.service"]


def test_what_was_masked_is_not_started_whoever_wants_it():
    assert unwanted("web.service", shown("web.service", load="masked", WantedBy="multi-user.target"), RESTS) == ["web.service"]


@pytest.mark.parametrize("relation", ["RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy", "TriggeredBy"])
def test_what_something_wants_is_started_although_it_was_at_rest(relation):
    assert unwanted("web.service", shown("web.service", **{relation: "other.service"}), RESTS) == []


def test_what_was_up_is_started():
    assert unwanted("web.service", shown("web.service"), unit_state("web.service")) == []
    assert unwanted("web.service", shown("web.service", load="not-found"), unit_state("web.service")) == []


@pytest.mark.parametrize("name", ["ssh.service", "guarded-deploy-late.service", "systemd-logind.service", "run-x.mount", "other.target"])
def test_what_the_host_stands_on_is_started(name):
    assert unwanted(name, shown(name)) == []


def test_a_users_unit_of_the_same_name_is_another():
    assert unwanted("web.service", shown("web.service"), RESTS._replace(user="deploy", active="active")) == ["web.service"]
