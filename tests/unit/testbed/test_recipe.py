# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from testbed.recipe import FILES, Recipe, find_mirror, find_recipe, render_command

RECIPE = Recipe("bookworm", ("systemd", "docker.io"), ("/usr/share/man/*",), (("boot", b"#!/bin/sh\n"),))


@pytest.mark.parametrize(
    "changed",
    [
        RECIPE._replace(suite="trixie"),
        RECIPE._replace(packages=("systemd",)),
        RECIPE._replace(left_out=()),
        RECIPE._replace(files=(("boot", b"#!/bin/sh\n\n"),)),
        RECIPE._replace(files=(("Boot", b"#!/bin/sh\n"),)),
    ],
)
def test_a_changed_recipe_is_another_image(changed: Recipe) -> None:
    assert changed.digest() != RECIPE.digest()


def test_an_equal_recipe_is_the_same_image() -> None:
    assert Recipe(*RECIPE).digest() == RECIPE.digest()
    assert len(RECIPE.digest()) == 12


def test_the_files_of_an_image_are_part_of_its_recipe() -> None:
    recipe = find_recipe("trixie")
    assert dict(recipe.files)["boot"] == (FILES / "boot").read_bytes()
    assert {"podman", "docker.io", "openssh-server"} <= set(recipe.packages)


def test_there_is_no_recipe_for_any_other_suite() -> None:
    with pytest.raises(KeyError):
        find_recipe("sarge")


def test_the_command_names_suite_packages_and_mirror() -> None:
    command = render_command(RECIPE, "http://mirror.example/debian")
    assert command[-3:] == ["bookworm", "-", "http://mirror.example/debian"]
    assert "--include=systemd,docker.io" in command
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in command
    assert render_command(RECIPE, None)[-2:] == ["bookworm", "-"]


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n", "http://mirror.example/debian"),
        ("deb http://mirror.example/debian/ bookworm main\n", "http://mirror.example/debian"),
        ("deb [signed-by=/k.gpg arch=amd64] https://mirror.example/debian trixie main\n", "https://mirror.example/debian"),
        ("deb http://security.example/debian-security bookworm-security main\n", None),
        ("# deb http://old.example/debian bookworm main\n", None),
        ("deb https://other.example/apt stable main\n", None),
        ("Types: deb\nURIs: http://s.example/debian-security\n\nTypes: deb\nURIs: http://m.example/debian\n", "http://m.example/debian"),
        ("", None),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(sources: str, mirror: str | None) -> None:
    assert find_mirror(sources) == mirror
