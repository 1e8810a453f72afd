# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package managers print, read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.packages import (
    differing_packages,
    parse_dpkg,
    parse_owned_files,
    parse_rpm,
)

pytestmark = pytest.mark.feature("A12")

CASES = Path(__file__).resolve().parents[4] / "cases"


@pytest.mark.parametrize("path", sorted((CASES / "dpkg_query").glob("*.txt")), ids=lambda path: path.stem)
def test_dpkg(path: Path):
    assert parse_dpkg(path.read_text()) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", sorted((CASES / "rpm_query").glob("*.txt")), ids=lambda path: path.stem)
def test_rpm(path: Path):
    assert parse_rpm(path.read_text()) == json.loads(path.with_suffix(".json").read_text())


def test_a_package_that_left_its_configuration_is_gone_and_one_half_there_says_so():
    found = parse_dpkg((CASES / "dpkg_query/trixie.txt").read_text())
    assert "gd-one:all" not in found
    assert found["gd-two:all"] == "1:2.0-1~b (unpacked)"


@pytest.mark.parametrize("line", ["dpkg-query: error", "installed\tname", "broken\tname:all\t1", "installed\ta:all\t1\tx"])
def test_what_dpkg_never_prints_is_not_read_as_something(line):
    with pytest.raises(Unparsable, match="line 2"):
        parse_dpkg(f"installed\tlibc6:amd64\t2.36\n{line}\n")


@pytest.mark.parametrize("line", ["error: rpmdb open failed", "name\t", "\t1-1", "a\tb\tc"])
def test_what_rpm_never_prints_is_not_read_as_something(line):
    with pytest.raises(Unparsable, match="line 1"):
        parse_rpm(f"{line}\n")


def test_remarks_are_no_files():
    text = "/.\n/etc\n/etc/default/x\ndiverted by dash to: /bin/sh.distrib\n(contains no files)\n"
    assert parse_owned_files(text) == ("/etc", "/etc/default/x")


def test_what_came_went_and_changed():
    assert differing_packages({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1"}) == ["a", "b", "d"]
