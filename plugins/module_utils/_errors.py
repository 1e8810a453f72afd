# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The one tree of expected failures. Whatever is not in it is a bug and may crash."""

from __future__ import annotations


class GuardError(Exception):
    """Something expected went wrong, and the text says what, where, and what to do."""


class BadInput(GuardError):
    """An option of the user's is wrong; the text names the entry."""


class NothingThere(GuardError):
    """The thing asked for does not exist. An answer, not a failed look."""


class CouldNotLook(GuardError):
    """A look at the host failed, so nothing may be concluded from it."""


class Denied(CouldNotLook):
    """The permission to look is missing."""


class TimedOut(CouldNotLook):
    """The look did not end within its time."""


class ToolMissing(CouldNotLook):
    """The program that would look is not installed."""


class Unparsable(CouldNotLook):
    """What came back cannot be read; the text quotes the place."""


class Refused(GuardError):
    """It could be done and must not be, or it is not clear what is meant; the text says why and what to do instead."""


class LinkInPath(Refused):
    """A symbolic link stands in the middle of a path that must be what it says; the text names the link."""


class StepFailed(GuardError):
    """A change of the host did not succeed; the text says which, and what state that leaves."""


class Damaged(GuardError):
    """What was kept is not what was written; the text names the file. Nothing of it may be used."""
