# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The user's own commands around a snapshot and a restore."""

from __future__ import annotations

import typing as t

from .._errors import CouldNotLook, StepFailed

if t.TYPE_CHECKING:
    from .._host import WritableHost
    from .._snapshot.model import Hook

_MOST_LINES = 20
_MOST_LETTERS = 2000


def run_hooks(host: WritableHost, hooks: t.Sequence[Hook], environment: t.Mapping[str, str]) -> None:
    """Run commands one after the other; the first that fails ends it.

    :raises StepFailed: one failed, did not end in time or could not be started; the text ends with the tail of its output
    """
    for hook in hooks:
        name = f"the hook '{_shown(hook)}'"
        try:
            result = host.run(hook.command, hook.timeout, environment)
        except CouldNotLook as error:
            raise StepFailed(f"{name} did not succeed: {error}") from error
        if result.rc != 0:
            raise StepFailed(f"{name} failed with exit code {result.rc}{_tail(result.out + result.err)}")


def _shown(hook: Hook) -> str:
    """What a person recognises it by, but no more of it: a command may hold a password."""
    text = hook.command[-1] if hook.command[0] == "/bin/sh" else hook.command[0]
    first = next((word for word in text.split() if "=" not in word), "sh")
    return first if first == text else f"{first} ..."


def _tail(output: str) -> str:
    lines = output.rstrip().splitlines()[-_MOST_LINES:]
    text = "\n".join(lines)[-_MOST_LETTERS:]
    return f"; the end of its output:\n{text}" if text else " and without a word"
