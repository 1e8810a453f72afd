# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What Compose's files and projects are called."""

from __future__ import annotations

import re

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The file of a project, in the order in which Compose looks for it."""

OVERRIDE_FILES = ("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml")

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]")
_NAME = re.compile(r"(?m)^name:[ \t]*[\"']?([a-z0-9][a-z0-9_-]*)[\"']?[ \t]*(?:#.*)?$")


def normalize_name(text: str) -> str:
    """What Compose makes of a folder's name: ``My.App`` becomes ``myapp``."""
    return _NOT_IN_NAMES.sub("", text.lower()).lstrip("_-")


def guess_name(text: str, folder: str) -> str:
    """The name of the project of a file, by its text (not read as YAML) and the name of its folder."""
    named = _NAME.search(text)
    return named[1] if named else normalize_name(folder)
