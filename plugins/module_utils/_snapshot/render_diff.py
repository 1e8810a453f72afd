# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A difference as text that reads well in Ansible's ``--diff``: lines of before, lines of after, same heads."""

from __future__ import annotations

import typing as t

from .diff import SECTIONS
from .redact import redact_pair, why_unreadable

if t.TYPE_CHECKING:
    from .model import Difference


class TextDiff(t.NamedTuple):
    """The text of a file before and after, or in ``withheld`` why it is not shown."""

    path: str
    before: str
    after: str
    withheld: str = ""


def render_difference(difference: Difference) -> tuple[str, str]:
    """The text before and after. A head for each section, and a line for what is on one side only; what is on both and is
    not the same has its name on both, so that in a diff its two states stand below each other."""
    before: list[str] = []
    after: list[str] = []
    for section in SECTIONS:
        changes = [change for change in difference.changes if change.section == section]
        if changes:
            before.append(f"{section}:")
            after.append(f"{section}:")
        for change in changes:
            before += _side(change.name, change.before, change.after)
            after += _side(change.name, change.after, change.before)
    return _lines(before), _lines(after)


def _side(name: str, own: str, other: str) -> list[str]:
    if not own:
        return []
    return [f"  {printable(name)}:", f"    {printable(own)}"] if other else [f"  {printable(name)}: {printable(own)}"]


def printable(name: str) -> str:
    """A name on one line that any terminal can show, and JSON hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\n", "\\n")


def _lines(lines: t.Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def make_text_diff(path: str, before: bytes, after: bytes) -> TextDiff:
    """Two contents of a file that may be shown, without their secrets."""
    why = why_unreadable(before) or why_unreadable(after)
    if why:
        return TextDiff(path, "", "", why)
    first, second = redact_pair(before.decode("utf-8"), after.decode("utf-8"))
    return TextDiff(path, first, second)


def render_ansible_diff(difference: Difference, texts: t.Iterable[TextDiff], before_header: str, after_header: str) -> list[dict[str, str]]:
    """What a module returns as ``diff``: the difference, and then each file's text."""
    before, after = render_difference(difference)
    found = [{"before_header": before_header, "after_header": after_header, "before": before, "after": after}]
    for text in texts:
        if text.withheld:
            found.append({"prepared": f"{printable(text.path)}: its text is not shown: {text.withheld}\n"})
        else:
            headers = {
                "before_header": f"{printable(text.path)} ({before_header})",
                "after_header": f"{printable(text.path)} ({after_header})",
            }
            found.append({**headers, "before": text.before, "after": text.after})
    return found
