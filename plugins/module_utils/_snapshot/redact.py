# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What may be shown of a file's text: secrets are taken out before anybody sees it.

A file that others on the host may not read, or whose name says that it holds secrets, is not shown at all. In what is
shown, the values of settings that sound secret are withheld, and all values of environment variables.
"""

from __future__ import annotations

import re
import typing as t

MOST_BYTES = 64 << 10
"""A larger file is not shown."""

WITHHELD = "<withheld>"
_OTHER = "<withheld, another one>"
_WORDS = r"pass(?:wor[dt]|wd|phrase)?|pwd|secret|token|credential|api[-_]?key|access[-_]?key|auth|private|cookie|salt|dsn|\bkey"
_SECRET_NAME = re.compile(
    rf"(^|/)(\.?[^/]*\.env(\.[^/]*)?|\.env[^/]*|env|environment|id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(key|pem|p12|pfx|jks|kdbx|keytab|gpg|age|asc|tfstate)"
    rf"|\.?(htpasswd|netrc|pgpass|my\.cnf|git-credentials|dockercfg|npmrc|pypirc)|(g?shadow|sudoers|config\.json)-?|[^/]*({_WORDS})[^/]*)$",
    re.IGNORECASE,
)
# Settings of services and shells lie here, passwords among them, readable for all on many hosts.
_SECRET_FOLDERS = ("/etc/default/", "/etc/sysconfig/", "/etc/docker/certs.d/", "/etc/containers/auth", "/var/spool/cron/")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")

# Environment=A=b "C=d e"; PassEnvironment= has names alone. SetCredential=NAME:VALUE
_ENVIRONMENT_KEY = re.compile(r"^(\s*)(Environment|SetCredential|SetCredentialEncrypted|ENV|export)(\s*=\s*|\s+)(.*)$")
_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'\\]|\\.|["'\\])+""")
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*[=:])(.*)", re.DOTALL)
_SETTING = re.compile(rf"""^(\s*[-*]?\s*["']?[\w.-]*(?:{_WORDS})[\w.-]*["']?\s*[:=]\s*)(\S.*)$""", re.IGNORECASE)
_ARGUMENT = re.compile(rf"""(--?[\w-]*(?:{_WORDS})[\w-]*(?:=|\s+))("[^"]*"|'[^']*'|[^\s"']+)""", re.IGNORECASE)
_VARIABLE = re.compile(r"""((?:[\s=]|^)(?:-e|--env)(?:=|\s*)["']?[A-Za-z_]\w*=)("[^"]*"|'[^']*'|[^\s"']*)""")
_INLINE = re.compile(rf"""(\b\w*(?:{_WORDS})\w*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"',}}\]]+)""", re.IGNORECASE)
_IN_URL = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)([^\s@/]+)(?=@)")
_BLOCK = re.compile(r"^(\s*)(?:-\s+)?[\"']?(environment|secrets?|env|args|labels)[\"']?\s*:\s*$")
_FLOW = re.compile(r"^(\s*(?:-\s+)?[\"']?(?:environment|secrets?|env|args|labels)[\"']?\s*:\s*)([\[{].*)$")
_KEY_ALONE = re.compile(r"""^\s*(?:-\s+)?["']?[\w./-]+["']?\s*:\s*(?:[|>][0-9+-]*)?\s*(?:#.*)?$""")
_ITEM = re.compile(r"""^(\s*(?:-\s+)?["']?[A-Za-z_][\w.-]*["']?\s*[:=]\s*)(\S.*)$""")


def why_hidden(path: str, mode: int) -> str:
    """Why the text of a file is not shown, empty where it is; ``mode`` are its permission bits."""
    if not mode & 0o004:
        return "it is not readable for everybody on the host"
    if _SECRET_NAME.search(path) or path.startswith(_SECRET_FOLDERS):
        return "files of this name or place hold secrets"
    return ""


def why_unreadable(content: bytes) -> str:
    """Why a content cannot be shown as text, empty where it can."""
    if len(content) > MOST_BYTES:
        return f"it has more than {MOST_BYTES >> 10} KiB"
    if b"\0" in content:
        return "it is binary"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is binary"
    return "it holds a private key" if _PRIVATE_KEY.search(text) else ""


class Redaction:
    """Takes secrets out of texts. Values that were met in the texts before stand as the same word, another value as
    another, so that a difference shows without the values."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._is_first = True

    def next_text(self) -> None:
        """What comes now is compared with what came so far."""
        self._is_first = False

    def _mask(self, value: str) -> str:
        plain = value.strip().strip("\"'")
        if plain in ("", WITHHELD, _OTHER):
            return value
        if self._is_first:
            self._known.add(plain)
        return WITHHELD if plain in self._known else _OTHER

    def text(self, text: str) -> str:
        """A text without its secrets."""
        found: list[str] = []
        continued, block = False, -1
        for line in text.splitlines():
            indent = len(line) - len(line.lstrip())
            if block >= 0 and line.strip() and (indent < block or (indent == block and not line.lstrip().startswith("-"))):
                block = -1
            shown = self._line(line, continued, block >= 0)
            opened = _BLOCK.match(line)
            if opened and block < 0:
                block = indent
            is_environment = continued or _ENVIRONMENT_KEY.match(line) is not None
            continued = is_environment and line.rstrip().endswith("\\")
            found.append(shown)
        return "".join(f"{line}\n" for line in found)

    def _line(self, line: str, is_environment: bool, in_block: bool) -> str:
        variables = _ENVIRONMENT_KEY.match(line)
        if variables:
            return "".join(variables.group(1, 2, 3)) + self._variables(variables[4])
        if is_environment:
            return self._variables(line)
        if in_block and line.strip() and not _KEY_ALONE.match(line):
            item = _ITEM.match(line)
            start = item[1] if item else line[: len(line) - len(line.lstrip())]
            return start + self._mask(line[len(start) :])
        flow = _FLOW.match(line)
        if flow:
            return flow[1] + self._mask(flow[2])
        setting = _SETTING.match(line)
        if setting:
            return setting[1] + self._mask(setting[2])
        for pattern in (_IN_URL, _VARIABLE, _ARGUMENT, _INLINE):
            line = pattern.sub(lambda match: match[1] + self._mask(match[2]), line)
        return line

    def _variables(self, text: str) -> str:
        return _WORD.sub(lambda match: self._variable(match[0]), text)

    def _variable(self, word: str) -> str:
        """One of ``A=b``, ``"A=b c"`` and ``A="b c"``; what names no variable may be the rest of a value."""
        if word == "\\":
            return word
        assigned = _ASSIGNED.match(word.strip("\"'"))
        return assigned[1] + self._mask(assigned[2]) if assigned else self._mask(word)


def redact_pair(before: str, after: str) -> tuple[str, str]:
    """Two versions of a text without their secrets; where a secret differs, it stands as another word."""
    redaction = Redaction()
    first = redaction.text(before)
    redaction.next_text()
    return first, redaction.text(after)


def list_names(pairs: t.Iterable[str]) -> list[str]:
    """The names of ``NAME=value`` texts, sorted."""
    return sorted({pair.partition("=")[0] for pair in pairs})
