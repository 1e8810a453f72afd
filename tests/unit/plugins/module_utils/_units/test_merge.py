# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units out of their files, compared with what systemd 252 and 257 loaded out of the same files."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._units.listen import read_listen
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, UnitTree, find_names, parse_boolean
from ansible_collections.guarded.deploy.plugins.module_utils._units.show import parse_listen
from builders.unit_tree import folders_of, parse_listing

CASES = Path(__file__).resolve().parents[4] / "cases" / "unit_tree"
REAL = {version: json.loads((CASES / f"systemd_{version}.json").read_text(encoding="utf-8")) for version in ("252", "257")}

pytestmark = pytest.mark.feature("B10", "B11")


@pytest.fixture(scope="module")
def names() -> Names:
    return names_of((CASES / "tree.txt").read_text(encoding="utf-8"))


def names_of(text: str, **unread: str) -> Names:
    listing = parse_listing(text)
    folder = {path: path.rpartition("/")[0] for path in listing.links}
    links = {path: absolute(folder[path], target) for path, target in listing.links.items()}
    return Names(UnitTree(listing.files, links, folders_of(listing), unread))


def absolute(folder: str, target: str) -> str:
    if target.startswith("../"):
        return absolute(folder.rpartition("/")[0], target[3:])
    return target if target.startswith("/") else f"{folder}/{target}"


def test_the_cases_are_what_real_hosts_said() -> None:
    assert [REAL[version]["systemd"] for version in ("252", "257")] == ["252", "257"]
    assert REAL["252"]["show"].keys() == REAL["257"]["show"].keys()
    assert len(REAL["257"]["show"]) > 50


@pytest.mark.parametrize("version", ["252", "257"])
@pytest.mark.parametrize("name", sorted(REAL["257"]["show"]))
def test_a_unit_is_what_systemd_loads(names: Names, name: str, version: str) -> None:
    real = REAL[version]["show"][name]
    merged = names.merge(name)
    # A service without ExecStart= is merged all the same; whether it can start is the boot's business.
    load = "loaded" if real["LoadState"] == "bad-setting" else real["LoadState"]
    assert (merged.name, merged.load) == (real["Id"], load)
    assert set(merged.names) >= set(real["Names"])
    if load == "masked":
        return
    # 252 calls the folder of units by its old name.
    fragment = (
        real["FragmentPath"].replace("/lib/systemd", "/usr/lib/systemd")
        if real["FragmentPath"].startswith("/lib")
        else real["FragmentPath"]
    )
    assert (merged.fragment or "") == (fragment if load != "not-found" else "")
    if load == "loaded":
        shown = [path for path in real["DropInPaths"] if not names.is_masked(path)]
        assert list(merged.drop_ins) == shown


@pytest.mark.parametrize("name", [name for name, real in REAL["257"]["show"].items() if name.endswith(".socket")])
def test_a_socket_listens_where_systemd_says(names: Names, name: str) -> None:
    expected = [parse_listen(text) for text in REAL["257"]["show"][name]["Listen"]]
    ports = read_listen(names.merge(name)).ports
    # systemd prints a bare port as [::], which takes both families.
    got = [(port.proto, "::" if port.address == "*" else port.address, port.port) for port in ports]
    assert got == [tuple(one) for one in expected if one is not None]


def values(names: Names, unit: str, key: str) -> list[str]:
    return [one.value for one in names.merge(unit).listed("Service", key)]


def test_settings_come_in_the_order_in_which_they_apply(names: Names) -> None:
    assert values(names, "gd-web.service", "Environment") == ["FROM=etc", "PREFIX=1", "ALIAS=1"]
    assert values(names, "gd-inst@x.service", "Environment") == ["ALL=x", "X=1", "PREFIX=1"]
    # The folder counts more than how special the name is: /etc/.../gd-web-.service.d before /run/.../its own.
    assert values(names, "gd-web-deep-name.service", "Environment") == ["PREFIX=2"]


def test_a_setting_knows_its_file_and_line(names: Names) -> None:
    one = names.merge("gd-web.service").last("Service", "ExecStart")
    assert one is not None
    assert (one.file, one.line, one.value) == ("/etc/systemd/system/gd-web.service", 4, "/bin/sleep 2")


def test_a_broken_file_is_an_error_and_a_broken_drop_in_a_problem(names: Names) -> None:
    broken = names.merge("gd-broken.service")
    assert broken.load == "error"
    assert "gd-broken.service line 1" in broken.problem
    half = names.merge("gd-broken-drop-in.service")
    assert half.load == "loaded"
    assert "10.conf line 3" in half.problem


def test_what_nobody_could_read_is_an_error_and_not_absent() -> None:
    tree = UnitTree({}, {}, {"/etc/systemd/system": ("web.service",)}, {"/etc/systemd/system/web.service": "permission denied"})
    merged = Names(tree).merge("web.service")
    assert (merged.load, "permission denied" in merged.problem) == ("error", True)


@pytest.mark.parametrize(
    ("lines", "listed", "last", "flag"),
    [
        ("", [], None, False),
        ("K=a\nK=b", ["a", "b"], "b", False),
        ("K=a\nK=\nK=c", ["c"], "c", False),
        ("K=a\nK=", [], None, False),
        ("K=yes\nK=maybe", ["yes", "maybe"], "maybe", True),
        ("K=yes\nK=off", ["yes", "off"], "off", False),
    ],
)
def test_lists_resets_and_last_ones(lines: str, listed: list[str], last: str | None, flag: bool) -> None:
    merged = names_of(f"== /etc/systemd/system/a.service\n[Service]\n{lines}\n").merge("a.service")
    found = merged.last("Service", "K")
    assert [one.value for one in merged.listed("Service", "K")] == listed
    assert (found.value if found else None) == last
    assert merged.flag("Service", "K") is flag


def test_links_that_go_round_end() -> None:
    text = "== /etc/systemd/system/a.service -> b.service\n== /etc/systemd/system/b.service -> a.service\n"
    merged = names_of(text).merge("a.service")
    assert merged.load == "not-found"
    assert find_names(names_of(text).tree) == ["a.service", "b.service"]


@pytest.mark.parametrize(("text", "truth"), [("yes", True), ("ON", True), ("0", False), ("f", False), ("maybe", None), ("", None)])
def test_booleans(text: str, truth: t.Any) -> None:
    assert parse_boolean(text) is truth
