# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Words and variables in unit files: quotes, escapes, ``Environment=``, environment files, ``$VAR`` in ``ExecStart=``.

The rules are those of ``extract_first_word`` (src/basic/extract-word.c), ``replace_env_argv`` (src/basic/env-util.c)
and ``parse_env_file`` (src/basic/env-file.c) in systemd.
"""

from __future__ import annotations

import re
import typing as t

_WHITESPACE = " \t\n\r"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " ", "\\": "\\", '"': '"', "'": "'"}
_HEX = {"x": 2, "u": 4, "U": 8}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# ${NAME:-default} is no variable here: a colon ends the search for a name.
_BRACES = re.compile(r"\$\$|\$\{([^}:]*)\}")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_FIRST = re.compile(r"\S")
_END_OF_LINE = re.compile(r"[\r\n]")
_LEFT_SIDE = re.compile(r"[^=\r\n]*")

Variables = t.Mapping[str, t.Optional[str]]
"""Values by name. None: there may be one, and nobody knows it."""


class Word(t.NamedTuple):
    """A word without its quotes; ``bare`` is how it was written."""

    text: str
    bare: str


def split_unit_words(text: str) -> list[Word]:
    """The words of a setting: quotes of both kinds are taken off wherever they stand, C escapes are resolved; an
    escape that means nothing stays as it was written.

    :raises ValueError: a quote is not closed, or a backslash ends the text
    """
    words: list[Word] = []
    index = 0
    while True:
        match = _FIRST.search(text, index)
        if match is None:
            return words
        word, end = _one_word(text, match.start())
        words.append(Word(word, text[match.start() : end]))
        index = end


def _one_word(text: str, index: int) -> tuple[str, int]:
    found: list[str] = []
    quote = ""
    while index < len(text):
        sign = text[index]
        if sign == "\\":
            piece, index = _escape(text, index)
            found.append(piece)
        elif quote and sign == quote:
            quote = ""
            index += 1
        elif not quote and sign in "'\"":
            quote = sign
            index += 1
        elif not quote and sign in _WHITESPACE:
            break
        else:
            found.append(sign)
            index += 1
    if quote:
        raise ValueError(f"the quote {quote} is not closed")
    word = "".join(found)
    # Escaped bytes may make up UTF-8 together: caf\xc3\xa9
    return (word if word.isascii() else word.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")), index


def _escape(text: str, index: int) -> tuple[str, int]:
    """What a backslash at ``index`` and what follows it stand for, and where the text goes on."""
    if index + 1 >= len(text):
        raise ValueError("a backslash ends the text")
    letter = text[index + 1]
    if letter in _ESCAPES:
        return _ESCAPES[letter], index + 2
    digits, base = "", 16
    if letter in _HEX:
        digits = text[index + 2 : index + 2 + _HEX[letter]]
        end, wanted = index + 2 + len(digits), _HEX[letter]
    else:
        digits, base = text[index + 1 : index + 4], 8
        end, wanted = index + 1 + len(digits), 3
    if len(digits) == wanted and re.fullmatch(r"[0-7]+" if base == 8 else r"[0-9A-Fa-f]+", digits):
        code = int(digits, base)
        # \x and octal escapes name bytes; those above 127 are kept as surrogates, as everywhere where UTF-8 is not sure.
        if 0 < code < 0x80 or (code > 0xFF and code < 0x110000 and not 0xD800 <= code < 0xE000):
            return chr(code), end
        if 0x80 <= code <= 0xFF:
            return (chr(code) if letter in "uU" else chr(0xDC00 + code)), end
    return "\\" + letter, index + 2


def parse_environment(words: t.Iterable[str]) -> dict[str, str]:
    """The variables of the words of ``Environment=``; what is no assignment is left out, as systemd does."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and _NAME.match(name):
            found[name] = value
    return found


def parse_environment_file(text: str) -> dict[str, str]:
    r"""The variables of an ``EnvironmentFile=``. It looks like shell and is none: no ``export``, no ``$``, a value may
    go on behind a closed quote, ``\`` joins lines, comments stand on lines of their own (``#`` and ``;``)."""
    found: dict[str, str] = {}
    index = 0
    while index < len(text):
        sign = text[index]
        if sign in _WHITESPACE:
            index += 1
        elif sign in "#;":
            index = _after_comment(text, index)
        else:
            index = _one_assignment(text, index, found)
    return found


def _after_comment(text: str, index: int) -> int:
    end = _END_OF_LINE.search(text, index)
    return end.end() if end else len(text)


def _one_assignment(text: str, index: int, found: dict[str, str]) -> int:
    """Reads one assignment into ``found`` and says where the next line begins. A line without ``=`` says nothing."""
    match = _LEFT_SIDE.match(text, index)
    end = match.end() if match else index
    name = text[index:end].rstrip(_WHITESPACE)
    if end >= len(text) or text[end] != "=":
        return end + 1
    value, end = _file_value(text, end + 1)
    if _NAME.match(name):
        found[name] = value
    return end


def _file_value(text: str, index: int) -> tuple[str, int]:
    found: list[str] = []
    keep = 0  # how many pieces stay whatever white space follows them
    started = False  # white space before a value, or before what follows a closed quote, says nothing
    while index < len(text) and text[index] not in "\r\n":
        sign = text[index]
        if sign in "'\"" and not started:
            piece, index = _quoted(text, index)
            found.append(piece)
            keep = len(found)
            continue
        if sign == "\\":
            # An escaped line break is eaten, and any other sign stands for itself.
            piece = text[index + 1 : index + 2]
            found.append("" if piece in "\r\n" else piece)
            keep, started = len(found), True
            index += 2
            continue
        if sign not in _WHITESPACE:
            found.append(sign)
            keep, started = len(found), True
        elif started:
            found.append(sign)
        index += 1
    return "".join(found[:keep]), index + 1


def _quoted(text: str, index: int) -> tuple[str, int]:
    r"""A quoted piece: single quotes know no escape, double quotes ``\"``, ``\\``, ``\```, ``\$`` and an escaped line break."""
    quote = text[index]
    found = []
    index += 1
    while index < len(text) and text[index] != quote:
        sign = text[index]
        index += 1
        if quote == '"' and sign == "\\" and index < len(text):
            sign = text[index]
            index += 1
            if sign == "\n":
                continue
            if sign not in '"\\`$':
                sign = "\\" + sign
        found.append(sign)
    return "".join(found), index + 1


class Substituted(t.NamedTuple):
    """Words with their variables replaced. ``unknown`` are the names that stay in them, as ``${NAME}``."""

    words: tuple[str, ...]
    unknown: tuple[str, ...]


def substitute(words: t.Sequence[str], variables: Variables, others: bool) -> Substituted:
    """``$NAME`` as a word of its own becomes as many words as its value has, ``${NAME}`` is replaced wherever it
    stands, ``$$`` is one ``$``; every other ``$`` stays (it may be a shell's). A name without a value is empty, or
    unknown where ``others`` says that variables may exist that ``variables`` does not have.
    """
    found: list[str] = []
    unknown: list[str] = []

    def known(name: str) -> str | None:
        value = variables.get(name, None if others else "") if _NAME.match(name) else ""
        if value is None:
            unknown.append(name)
        return value

    def braces(match: t.Match[str]) -> str:
        if match[1] is None:
            return "$"
        value = known(match[1])
        return match[0] if value is None else value

    for word in words:
        if word[:1] == "$" and word[1:2] not in ("{", "$"):
            value = known(word[1:])
            found += [word] if value is None else _relaxed_words(value)
        else:
            found.append(_BRACES.sub(braces, word) if "$" in word else word)
    return Substituted(tuple(found), tuple(dict.fromkeys(unknown)))


def _relaxed_words(value: str) -> list[str]:
    try:
        return [word.text for word in split_unit_words(value)]
    except ValueError:
        return value.split()


def substitute_in_script(script: str, variables: Variables) -> str:
    """A shell script with its plain ``$NAME`` and ``${NAME}`` replaced where the value is known and the script itself
    sets no variable of that name."""

    def replace(match: t.Match[str]) -> str:
        name = match[1] or match[2]
        value = variables.get(name)
        return match[0] if value is None or sets_variable(script, name) else value

    return _VARIABLE.sub(replace, script) if "$" in script else script


def sets_variable(script: str, name: str) -> bool:
    """Whether a shell script gives a variable a value of its own."""
    if name not in script:
        return False
    word = re.escape(name)
    return re.search(rf"\b{word}=|\bread\b[^;|&]*\b{word}\b|\bfor\s+{word}\b", script) is not None
