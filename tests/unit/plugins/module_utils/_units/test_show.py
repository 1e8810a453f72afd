# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemctl show printed on real hosts, and what was read from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._units.model import ListenAddress
from ansible_collections.guarded.deploy.plugins.module_utils._units.show import (
    parse_argv,
    parse_listen,
    parse_show,
    returns_at_boot,
)
from builders.ports import unit

CASES = sorted((Path(__file__).parents[4] / "cases" / "systemctl_show").glob("*.txt"))


def test_there_are_cases():
    assert len(CASES) >= 2


@pytest.mark.feature("B1", "B4", "B12")
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_case(case):
    expected = json.loads(case.with_suffix(".json").read_text())
    read = json.loads(json.dumps([one._asdict() for one in parse_show(case.read_text())]))
    assert read == expected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[::]:22 (Stream)", ListenAddress("tcp", "::", 22)),
        ("0.0.0.0:68 (Datagram)", ListenAddress("udp", "0.0.0.0", 68)),
        ("[fe80::1%eth0]:80 (Stream)", ListenAddress("tcp", "fe80::1", 80)),
        ("/run/docker.sock (Stream)", None),
        ("/run/a:80 (Stream)", None),
        ("@abstract:80 (Stream)", None),
        ("kobject-uevent 1 (Netlink)", None),
        ("[::]:132 (SequentialPacket)", None),
        ("", None),
    ],
)
def test_listen(text, address):
    assert parse_listen(text) == address


def test_a_name_with_an_escape_is_quoted_in_a_list():
    (read,) = parse_show('Id=web@a\\x2db.socket\nTriggers=plain.service "web@a\\\\x2db.service"\n')
    assert (read.name, read.triggers) == ("web@a\\x2db.socket", ("plain.service", "web@a\\x2db.service"))


def test_a_block_without_a_name_is_an_error_not_an_empty_list():
    with pytest.raises(Unparsable):
        parse_show("ActiveState=active\n\nId=a.service\n")
    assert parse_show("") == parse_show("\n\n") == ()


def test_the_words_of_a_command():
    assert parse_argv("{ path=/bin/a ; argv[]=/bin/a --b c ; ignore_errors=no ; pid=1 }") == ("/bin/a", "--b", "c")
    assert parse_argv("") == ()


@pytest.mark.feature("B11")
@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ({"enabled": "enabled"}, "yes"),
        ({"enabled": "static", "wanted_by": ("multi-user.target",)}, "yes"),
        ({"enabled": "generated", "wanted_by": ("default.target",)}, "yes"),
        ({"enabled": "disabled", "wanted_by": ()}, "no"),
        ({"enabled": "masked", "wanted_by": ("multi-user.target",)}, "no"),
        ({"enabled": "enabled-runtime", "wanted_by": ("multi-user.target",)}, "no"),
        # What systemd-run makes lies below /run.
        ({"enabled": "transient", "wanted_by": ()}, "no"),
        ({"enabled": "static", "wanted_by": ()}, "unknown"),
        ({"enabled": "disabled", "wanted_by": (), "triggered_by": ("a.socket",)}, "unknown"),
    ],
)
def test_who_comes_back_at_boot(known, answer):
    assert returns_at_boot(unit(**known)) == answer
