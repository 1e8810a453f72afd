# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A script that does its work once."""

from __future__ import annotations

import difflib
import re
import typing as t

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class OnePass(t.NamedTuple):
    """The text of a script that does one round. ``waits_first`` is whether the loop waited before it worked; ``notes`` say
    what is different in a way that cannot be avoided."""

    text: str
    waits_first: bool
    notes: tuple[str, ...] = ()


def split_lines(text: str) -> list[str]:
    """The lines of a script with their ends, as interpreters count them (a form feed ends none)."""
    return _LINE.findall(text)


def render_patch(old: str, new: str, old_path: str, new_path: str) -> str:
    """A unified diff from one script to the other."""
    lines = difflib.unified_diff(split_lines(old), split_lines(new), old_path, new_path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
