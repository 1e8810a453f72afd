# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who owns a tree, and swaps its folders and files for ways out of it while another works there."""

from __future__ import annotations

import os
import random
import sys
import typing as t


def swap(path: str, outside: str, source: random.Random) -> None:
    """Put something that leads outside in place of an entry, and a moment later the entry back."""
    away = f"{path}~{source.random()}"
    os.rename(path, away)
    try:
        if os.path.isdir(away) or source.random() < 0.4:
            os.symlink(outside, path)
        else:
            os.link(outside, path)
        for _round in range(source.randrange(200)):
            pass
    finally:
        try:
            os.unlink(path)
        except OSError:
            pass
        os.rename(away, path)


def attack(root: str, victim: str, targets: t.Sequence[str], seed: int) -> None:
    """Swap ``targets``, which both trees have, without end."""
    source = random.Random(seed)
    while True:
        path = source.choice(targets)
        try:
            swap(f"{root}/{path}", f"{victim}/{path}", source)
        except OSError:
            pass  # the other one is at work there, or may not be linked to


if __name__ == "__main__":
    attack(sys.argv[1], sys.argv[2], sys.argv[4:], int(sys.argv[3]))
