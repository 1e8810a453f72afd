# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result stays small, and never loses a conflict."""

from __future__ import annotations

import json

from ansible_collections.guarded.deploy.plugins.module_utils._ports.conflict import find_conflicts
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import Report
from ansible_collections.guarded.deploy.plugins.module_utils._ports.report import report_as_dict
from builders.ports import ID_TWO, claim, container_owner, look, unit_owner


def report(claims):
    return Report(tuple(claims), find_conflicts(look(claims=list(claims))), (), (), "clean", 0)


def test_a_result_is_plain_data_and_leaves_out_what_is_not_known():
    result = report_as_dict(report([claim(unit_owner())]), 10)
    assert json.loads(json.dumps(result)) == result
    assert set(result["claims"][0]["owner"]) == {"kind", "name", "pid"}


def test_a_short_list_keeps_the_claims_of_conflicts_and_counts_the_rest():
    many = [claim(unit_owner("many.service"), port) for port in range(1, 101)]
    shared = claim(container_owner(container_id=ID_TWO), 77)
    result = report_as_dict(report([*many, shared]), 5)
    assert (len(result["claims"]), result["claims_total"]) == (5, 101)
    assert [one["port"] for one in result["claims"]].count(77) == 2
    assert len(result["conflicts"][0]["parties"]) == 2
    assert result["owners"][0] == {"kind": "unit", "name": "many.service", "claims": 100}
