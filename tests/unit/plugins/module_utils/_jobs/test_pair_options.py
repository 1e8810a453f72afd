# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair out of the options of a task."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._errors import BadInput
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_model import Pair, Schedule
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.pair_options import read_pair
from ansible_collections.guarded.deploy.plugins.modules.oneshot_timer import ARGUMENT_SPEC

pytestmark = pytest.mark.feature("C6")


def options(**said: t.Any) -> dict[str, t.Any]:
    return {name: said.get(name, spec.get("default")) for name, spec in ARGUMENT_SPEC.items()}


def test_what_is_not_said_has_the_defaults_of_the_module() -> None:
    assert read_pair(options(name="job")) == Pair("job", Schedule())
    assert read_pair({"name": "job"}) == Pair("job", Schedule())


@pytest.mark.parametrize(("text", "expected"), [(None, ""), ("none", ""), ("None", ""), (" 64M ", "64M")])
def test_none_is_no_cap(text: str | None, expected: str) -> None:
    assert read_pair(options(name="job", memory_max=text)).memory_max == expected


def test_variables_are_texts_in_a_steady_order() -> None:
    assert read_pair(options(name="job", environment={"B": 2, "A": "x"})).environment == (("A", "x"), ("B", "2"))


@pytest.mark.parametrize("value", [True, None, ["x"], {"x": 1}])
def test_what_yaml_made_of_a_value_is_not_guessed(value: t.Any) -> None:
    with pytest.raises(BadInput, match="quote it"):
        read_pair(options(name="job", environment={"A": value}))


def test_every_option_of_a_pair_is_read() -> None:
    said = {
        "on_calendar": ["daily"],
        "on_boot_sec": "1min",
        "on_unit_active_sec": "6min",
        "on_unit_inactive_sec": "7min",
        "randomized_delay_sec": "1s",
        "accuracy_sec": "2s",
        "persistent": True,
    }
    pair = read_pair(options(name="job", **said))
    assert pair.schedule == Schedule(("daily",), "1min", "6min", "7min", "1s", "2s", True)
