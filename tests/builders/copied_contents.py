# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents of a recorded tree, taken from a copy of it."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path


class CopiedContents:
    """A copy beside the tree, made by ``cp -a``; counts what is read of it."""

    def __init__(self, root: str, copy: Path) -> None:
        self.copy = os.fspath(copy)
        self.opened: list[str] = []
        subprocess.run(["cp", "-a", "--sparse=always", "--", root, self.copy], check=True)

    def open(self, path: str) -> t.BinaryIO:
        self.opened.append(path)
        return open(self.copy if path == "." else f"{self.copy}/{path}", "rb")
