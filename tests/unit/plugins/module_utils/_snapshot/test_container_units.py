# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units whose containers are not what they were."""

from __future__ import annotations

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.container_units import find_units_of_others
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import Engines
from builders.engines import container

pytestmark = pytest.mark.feature("A9")

WEB = container("web", unit="web.service")
KEY = (None, "web.service")


def found(before, now, **unseen):
    return find_units_of_others(Engines((before,)), Engines(now, **unseen))


def test_what_is_as_it_was_is_left_alone_whatever_its_id():
    assert found(WEB, (WEB._replace(id="2"),)) == frozenset()


def test_one_that_is_gone_or_of_another_image_is_made_again_by_its_unit():
    assert found(WEB, ()) == {KEY}
    assert found(WEB, (WEB._replace(image_id="sha256:2"),)) == {KEY}


def test_one_that_no_unit_runs_is_the_engines_business():
    assert found(WEB._replace(unit=None), ()) == frozenset()


def test_of_an_engine_that_could_not_be_asked_nothing_is_concluded():
    assert found(WEB, (), unseen=(("docker", "it hangs"),)) == frozenset()


def test_a_users_container_of_the_same_name_is_another():
    assert found(WEB._replace(user="deploy"), (WEB,)) == {("deploy", "web.service")}
