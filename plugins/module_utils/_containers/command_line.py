# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What stands around a program on a command line: shell keywords, assignments, programs that only start another."""

from __future__ import annotations

import re
import typing as t

SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")
# Words before a program: the options of theirs that take a value, and how many words of their own follow (their manual
# pages, or --help).
_WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "catatonit": ((), 0),
    "chronic": ((), 0),
    "command": ((), 0),
    "dumb-init": (("-r", "--rewrite"), 0),
    "env": (("-u", "--unset", "-C", "--chdir"), 0),
    "exec": (("-a",), 0),
    "gosu": ((), 1),
    "ionice": (("-c", "-n", "--class", "--classdata"), 0),
    "nice": (("-n", "--adjustment"), 0),
    "nohup": ((), 0),
    "setsid": ((), 0),
    "stdbuf": (("-i", "-o", "-e", "--input", "--output", "--error"), 0),
    "su-exec": ((), 1),
    "sudo": (("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "--user", "--group", "--chdir"), 0),
    "systemd-cat": (("-t", "-p", "--identifier", "--priority", "--stderr-priority"), 0),
    "time": (("-f", "-o"), 0),
    "timeout": (("-k", "-s", "--kill-after", "--signal"), 1),
    "tini": (("-p", "-e"), 0),
}
_KEYWORDS = frozenset(("if", "then", "elif", "else", "while", "until", "do", "!", "{"))
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# sh -c, bash -ec
_SCRIPT_OPTION = re.compile(r"-[a-z]*c$")


def count_wrapping(words: t.Sequence[str]) -> int:
    """How many words stand before the program; all of them where there is none."""
    index = 0
    while index < len(words):
        first = words[index]
        wrapper = _WRAPPERS.get(first.rpartition("/")[2])
        if first in _KEYWORDS or _ASSIGNMENT.match(first):
            index += 1
        elif wrapper is not None:
            valued, own = wrapper
            index += 1
            while index < len(words) and words[index].startswith("-"):
                index += 2 if words[index] in valued else 1
            index += own
        else:
            return index
    return len(words)


def find_script(words: t.Sequence[str]) -> str | None:
    """The script of ``sh -c 'script'``; None where the shell reads one from a file."""
    return next((words[index + 1] for index, word in enumerate(words[:-1]) if _SCRIPT_OPTION.match(word)), None)
