# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Names of units, and the ``%`` specifiers that stand for parts of them (systemd.unit(5), "Specifiers")."""

from __future__ import annotations

import re
import typing as t

# The folders of the system manager; a user's manager has others, and its units are not read here.
_FOLDERS = {
    "C": "/var/cache",
    "D": "/usr/share",
    "E": "/etc",
    "L": "/var/log",
    "S": "/var/lib",
    "T": "/tmp",  # noqa: S108 - the word that systemd puts there
    "V": "/var/tmp",  # noqa: S108
    "h": "/root",
    "t": "/run",
}
# %h, %u and %U are those of the manager, whatever User= says.
_ROOT = {"u": "root", "g": "root", "U": "0", "G": "0"}
_SPECIFIER = re.compile(r"%(.)", re.DOTALL)


class Name(t.NamedTuple):
    """The parts of ``prefix@instance.suffix``; ``instance`` is None where there is no ``@`` and empty in a template."""

    full: str
    prefix: str
    instance: str | None
    suffix: str

    @property
    def is_template(self) -> bool:
        """Whether it is ``foo@.service``, which can only be started as an instance."""
        return self.instance == ""

    @property
    def template(self) -> str:
        """``foo@.service`` of ``foo@bar.service``; the name itself where it is no instance."""
        return f"{self.prefix}@.{self.suffix}" if self.instance else self.full


def parse_name(full: str) -> Name:
    """The parts of a unit's name; the instance reaches from the first ``@`` to the last dot."""
    stem, _dot, suffix = full.rpartition(".")
    prefix, at, instance = stem.partition("@")
    return Name(full, prefix, instance if at else None, suffix)


def unescape(text: str) -> str:
    r"""The text behind a unit name: ``-`` is a slash, ``\x2d`` a byte (``systemd-escape --unescape``)."""
    if "\\" not in text:
        return text.replace("-", "/")
    raw = text.replace("-", "/").encode("utf-8", "surrogateescape")
    plain = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda match: bytes((int(match[1], 16),)), raw)
    return plain.decode("utf-8", "surrogateescape")


class Expanded(t.NamedTuple):
    """A text with its specifiers replaced. ``unknown`` are those that stay in it: what only the host
    knows (``%H``), and letters that mean nothing."""

    text: str
    unknown: tuple[str, ...]


def expand_specifiers(text: str, name: str, fragment: str = "") -> Expanded:
    """A setting's text with its specifiers replaced by what the unit's name and the path of its file say."""
    if "%" not in text:
        return Expanded(text, ())
    parts = parse_name(name)
    unknown: list[str] = []

    def replace(match: t.Match[str]) -> str:
        letter = match[1]
        known = _value(letter, parts, fragment)
        if known is not None:
            return known
        # What only the host knows (%H, %m, %v ...), or a letter that means nothing: then systemd ignores the setting. A
        # sign that is no letter stays as it is (specifier_printf in src/shared/specifier.c).
        if letter.isalnum():
            unknown.append(match[0])
        return match[0]

    return Expanded(_SPECIFIER.sub(replace, text), tuple(dict.fromkeys(unknown)))


def _value(letter: str, name: Name, fragment: str) -> str | None:
    if letter in _FOLDERS:
        return _FOLDERS[letter]
    if letter in _ROOT:
        return _ROOT[letter]
    if letter in "iIf" and name.is_template:
        return None
    last = name.prefix.rpartition("-")[2]
    instance = name.instance or ""
    of_the_name = {
        "%": "%",
        "n": name.full,
        "N": name.full.rpartition(".")[0],
        "p": name.prefix,
        "P": unescape(name.prefix),
        "i": instance,
        "I": unescape(instance),
        "j": last,
        "J": unescape(last),
        "f": _path(instance or name.prefix),
        "d": f"/run/credentials/{name.full}",
        "y": fragment or None,
        "Y": fragment.rpartition("/")[0] or None,
    }
    return of_the_name.get(letter)


def _path(escaped: str) -> str:
    path = unescape(escaped)
    return path if path.startswith("/") else f"/{path}"
