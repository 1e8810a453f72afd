# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records as text: what is written is read again, and what is no record is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._retirement.model import FormerContainer, FormerUnit, Record
from ansible_collections.guarded.deploy.plugins.module_utils._retirement.record import FOLDER, parse_record, record_path, render_record

pytestmark = pytest.mark.feature("B16")

PAIRS = st.lists(st.tuples(st.text(), st.text())).map(tuple)
RECORDS = st.builds(
    Record,
    st.sampled_from(["unit", "container", "quadlet", "compose_project"]),
    st.text(),
    st.floats(0, 1e12),
    st.booleans(),
    st.lists(st.builds(FormerUnit, st.text(), st.text(), st.text())).map(tuple),
    PAIRS,
    st.lists(st.text()).map(tuple),
    PAIRS,
    st.lists(st.builds(FormerContainer, *[st.text()] * 5)).map(tuple),
)


@given(RECORDS)
def test_what_is_written_is_read_again(record: Record) -> None:
    assert parse_record(render_record(record), "x") == record


PLAIN = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_other_json_is_refused(value: object) -> None:
    with pytest.raises(Unparsable, match=r"record\.json"):
        parse_record(json.dumps(value), "record.json")


@pytest.mark.parametrize("field", ["kind", "units", "links", "containers", "complete"])
def test_a_record_that_lost_a_field_is_refused(field: str) -> None:
    fields = json.loads(render_record(Record("unit", "x.service", 1.0, True)))
    del fields[field]
    with pytest.raises(Unparsable, match="record"):
        parse_record(json.dumps(fields), "x")


def test_a_later_version_is_refused() -> None:
    fields = json.loads(render_record(Record("unit", "x.service", 1.0, True)))
    with pytest.raises(Unparsable, match="another version"):
        parse_record(json.dumps({**fields, "version": 2}), "x")


@given(st.text(), st.text())
def test_every_name_has_a_path_of_its_own_in_the_folder(one: str, other: str) -> None:
    path = record_path("unit", one)
    assert path.startswith(f"{FOLDER}/unit-")
    assert "/" not in path[len(FOLDER) + 1 :]
    assert (path == record_path("unit", other)) == (one == other)
