# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the guard's program: one zip archive of exactly those files of ours that it imports, which any Python can run."""

from __future__ import annotations

import ast
import hashlib
import io
import typing as t
import zipfile
from pathlib import Path

PLUGINS = Path(__file__).resolve().parent.parent
ENTRY = "standalone.main"
_PACKAGE = "guarded_deploy"
# The first moment that a zip archive knows; the same content gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Everything is loaded at the start, also what is imported only when it is needed: the program removes itself at its end.
_MAIN = """\
from {package}.module_utils._compile_once import compile_once

compile_once()
{imports}
from {package}.{entry} import main

raise SystemExit(main())
"""


class Program(t.NamedTuple):
    """The archive's bytes and their SHA-256 in hex."""

    content: bytes
    digest: str


def _is_for_types(node: ast.AST) -> bool:
    """Whether this is ``if t.TYPE_CHECKING:``, whose body never runs."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _statements(node: ast.AST) -> t.Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if _is_for_types(child):
            for other in t.cast("ast.If", child).orelse:
                yield other
                yield from _statements(other)
        else:
            yield child
            yield from _statements(child)


def _imported(source: str, dotted: str) -> t.Iterator[str]:
    """The dotted names below ``plugins/`` that a file imports when it runs; all imports among ours are relative."""
    package = dotted.split(".")[:-1]
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
            whole = ".".join(base)
            if (PLUGINS / Path(*base)).with_suffix(".py").is_file():
                yield whole
            else:
                yield from (f"{whole}.{alias.name}" for alias in node.names)


def find_files(entry: str = ENTRY) -> dict[str, str]:
    """Dotted name to source of a file and of all of ours that it imports, and those in turn.

    :raises FileNotFoundError: one imports what is not there
    """
    found: dict[str, str] = {}
    pending = [entry]
    while pending:
        dotted = pending.pop()
        if dotted not in found:
            found[dotted] = (PLUGINS / Path(*dotted.split("."))).with_suffix(".py").read_text(encoding="utf-8")
            pending += _imported(found[dotted], dotted)
    return found


def _members(files: t.Mapping[str, str]) -> dict[str, str]:
    imports = "\n".join(f"import {_PACKAGE}.{dotted}" for dotted in sorted(files))
    members = {"__main__.py": _MAIN.format(package=_PACKAGE, imports=imports, entry=ENTRY)}
    for dotted, source in files.items():
        parts = (_PACKAGE, *dotted.split("."))
        members["/".join(parts) + ".py"] = source
        for count in range(1, len(parts)):
            members["/".join((*parts[:count], "__init__.py"))] = ""
    return members


def build_program() -> Program:
    """The program, the same bytes for the same sources."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in sorted(_members(find_files()).items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, source)
    content = buffer.getvalue()
    return Program(content, hashlib.sha256(content).hexdigest())
