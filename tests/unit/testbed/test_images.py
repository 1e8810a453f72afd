# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import engine, images, packages
from testbed.errors import TestbedError


def test_an_unknown_suite_is_named() -> None:
    with pytest.raises(TestbedError, match="no recipe for sarge"):
        images.ensure_images(None, ["bookworm", "sarge"])  # type: ignore[arg-type]


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "SEARCH_PATH", "/nowhere")
    with pytest.raises(TestbedError, match=r"mmdebstrap, ssh missing\. Get it by: apt-get install mmdebstrap openssh-client"):
        packages.require("mmdebstrap", "ssh")


def test_an_engine_that_was_named_and_does_not_answer_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(TestbedError, match=r"DOCKER_HOST=unix:///nowhere/docker\.sock"):
        engine.connect()
    assert engine.find() is None


def test_without_an_engine_and_without_root_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "MACHINES_OWN", "unix:///nowhere/docker.sock")
    monkeypatch.setattr(engine, "SOCKET", Path("/nowhere/docker.sock"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(TestbedError, match="only root can start one: start Docker"):
        engine.connect()
