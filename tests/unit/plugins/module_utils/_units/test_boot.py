# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the next boot starts, compared with the transaction that systemd 252 and 257 print for the same files."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._units.boot import Boot, names_at_boot, simulate_boot
from ansible_collections.guarded.deploy.plugins.module_utils._units.merge import Names, Setting, UnitTree
from builders.unit_tree import folders_of, parse_listing

CASES = Path(__file__).resolve().parents[4] / "cases" / "unit_tree"
# What is on every host, and what all services, sockets and timers require.
BASE = """== /usr/lib/systemd/system/sysinit.target
[Unit]
Description=base
== /usr/lib/systemd/system/dbus.socket
[Socket]
ListenStream=/run/dbus
"""

pytestmark = pytest.mark.feature("B11")


def boot_of(text: str, target: str = "gd-boot.target", holds: t.Any = None) -> Boot:
    listing = parse_listing(BASE + text)
    links = {}
    for path, written in listing.links.items():
        target_path, folder = written, path.rpartition("/")[0]
        while target_path.startswith("../"):
            target_path, folder = target_path[3:], folder.rpartition("/")[0]
        links[path] = target_path if target_path.startswith("/") else f"{folder}/{target_path}"
    names = names_at_boot(Names(UnitTree(listing.files, links, folders_of(listing), {})))
    return simulate_boot(names, target, *([holds] if holds else []))


def started(boot: Boot) -> set[str]:
    return {name for name in boot.started if boot.starts(name) == "yes"}


@pytest.mark.parametrize("version", ["252", "257"])
def test_the_closure_is_that_of_systemd(version: str) -> None:
    boot = boot_of((CASES / "tree.txt").read_text(encoding="utf-8"))
    jobs = set(json.loads((CASES / f"systemd_{version}.json").read_text(encoding="utf-8"))["jobs"])
    ours = {name for name in boot.started if name.startswith("gd-")}
    sure = ours - boot.unsure.keys()
    assert sure <= jobs
    assert jobs <= ours
    # Either of two that conflict, where something requires the one that would give way; what 252 starts although a
    # requirement is missing; and a kind of link that 252 does not read.
    assert set(boot.unsure) == {
        "gd-c1.service",
        "gd-c2.service",
        "gd-c4.service",
        "gd-needs-masked.service",
        "gd-needs-missing.service",
        "gd-upheld-by-link.service",
    }
    assert boot.dropped == {"gd-c3.service": "it conflicts with gd-req.service, which the boot requires"}
    assert boot.triggered == {
        "gd-p.service": ("gd-p.path",),
        "gd-s.service": ("gd-s.socket",),
        "gd-timed.service": ("gd-t.timer",),
    }


def test_what_each_answer_means() -> None:
    boot = boot_of((CASES / "tree.txt").read_text(encoding="utf-8"))
    answers = {
        "gd-web.service": "yes",
        "gd-cond.service": "unknown",
        "gd-c1.service": "unknown",
        "gd-s.service": "unknown",
        "gd-s.socket": "yes",
        "gd-not-started.service": "no",
        "gd-masked.service": "no",
        "gd-only-by-the-broken.service": "no",
    }
    assert {name: boot.starts(name) for name in answers} == answers


def unit(name: str, unit_lines: str = "", more: str = "ExecStart=/bin/true") -> str:
    return f"== /etc/systemd/system/{name}\n[Unit]\n{unit_lines}\n[Service]\n{more}\n"


TARGET = "== /etc/systemd/system/gd-boot.target\n[Unit]\n"


def test_a_file_that_does_not_outlive_the_boot_is_not_there() -> None:
    volatile = unit("a.service").replace("/etc/", "/run/") + "== /run/systemd/system/gd-boot.target.wants/b.service -> ../b.service\n"
    boot = boot_of(TARGET + "Wants=a.service\n" + volatile + unit("b.service"))
    assert not started(boot) & {"a.service", "b.service"}


def test_what_a_generator_wrote_is_there() -> None:
    boot = boot_of(TARGET + "Wants=a.service\n" + unit("a.service").replace("/etc/systemd/system", "/run/systemd/generator"))
    assert "a.service" in started(boot)


def test_one_that_gives_way_takes_nothing_with_it_that_others_want() -> None:
    boot = boot_of(
        TARGET
        + "Wants=a.service b.service c.service\n"
        + unit("a.service", "Conflicts=b.service")
        + unit("b.service", "Wants=c.service d.service")
        + unit("c.service")
        + unit("d.service")
    )
    assert started(boot) & {"a.service", "b.service", "c.service", "d.service"} == {"a.service", "c.service"}
    assert boot.dropped == {"b.service": "a.service is started too, and conflicts with it"}


def test_two_that_name_each_other_are_both_unsure() -> None:
    boot = boot_of(
        TARGET + "Wants=a.service b.service\n" + unit("a.service", "Conflicts=b.service") + unit("b.service", "Conflicts=a.service")
    )
    assert {boot.starts("a.service"), boot.starts("b.service")} == {"unknown"}


def test_what_only_an_unsure_unit_pulls_in_is_unsure() -> None:
    boot = boot_of(
        TARGET
        + "Wants=a.service b.service\n"
        + unit("a.service", "Conflicts=b.service\nWants=c.service")
        + unit("b.service", "Conflicts=a.service")
        + unit("c.service")
    )
    assert boot.starts("c.service") == "unknown"


@pytest.mark.parametrize(("truth", "answer"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_conditions(truth: bool | None, answer: str) -> None:
    def holds(setting: Setting) -> bool | None:
        assert setting.value == "/etc/there"
        return truth

    boot = boot_of(
        TARGET + "Wants=a.service\n" + unit("a.service", "ConditionPathExists=/etc/there\nRequires=b.service") + unit("b.service"),
        holds=holds,
    )
    assert boot.starts("a.service") == answer
    assert boot.starts("b.service") == "yes"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ("ConditionPathExists=|/no\nConditionPathExists=|/yes", "yes"),
        ("ConditionPathExists=|/no\nConditionPathExists=|/unknown", "unknown"),
        ("ConditionPathExists=|/no\nConditionPathExists=|/no", "no"),
        ("ConditionPathExists=/yes\nConditionPathExists=|/no\nConditionPathExists=|/yes", "yes"),
        ("ConditionPathExists=/no\nConditionPathExists=\nConditionPathExists=/yes", "yes"),
        ("AssertPathExists=/no", "no"),
        ("ConditionPathExists=/unknown\nConditionPathExists=/no", "no"),
    ],
)
def test_several_conditions(lines: str, answer: str) -> None:
    def holds(setting: Setting) -> bool | None:
        return {"/yes": True, "/no": False, "/unknown": None}[setting.value.lstrip("|")]

    assert boot_of(TARGET + "Wants=a.service\n" + unit("a.service", lines), holds=holds).starts("a.service") == answer


def test_a_host_whose_default_target_is_missing() -> None:
    boot = boot_of("", "default.target")
    assert boot.started == {"default.target"}


def test_requirements_in_a_circle_end() -> None:
    boot = boot_of(TARGET + "Requires=a.service\n" + unit("a.service", "Requires=b.service") + unit("b.service", "Requires=a.service"))
    assert {"a.service", "b.service"} <= started(boot)
