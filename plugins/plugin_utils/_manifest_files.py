# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Manifests as files on the controller: read once, and loaded by the rules of what reads them later."""

from __future__ import annotations

import os
import typing as t

from ..module_utils._errors import CouldNotLook, NothingThere, Unparsable
from ._yaml_lines import load_documents

# A manifest is written by people; what is larger is data.
MOST_BYTES = 4 * 1024 * 1024


class ManifestFiles:
    """Reads files and remembers them. Errors name the path as it was given."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._documents: dict[tuple[str, str, bool], list[t.Any]] = {}

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory, sorted; none where there is no such directory.

        :raises CouldNotLook: it cannot be read
        """
        try:
            return tuple(sorted(os.listdir(directory)))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise CouldNotLook(f"{directory}: {error.strerror}") from error

    def read(self, path: str) -> str:
        """The text of a file.

        :raises NothingThere: there is no such file
        :raises CouldNotLook: it cannot be read, or is no UTF-8
        """
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str:
        try:
            if not os.path.isfile(path):
                # Opening a pipe or a device would wait for it.
                raise NothingThere(f"{path}: no such file")
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise CouldNotLook(f"{path}: {error.strerror}") from error
        if len(content) > MOST_BYTES:
            raise CouldNotLook(f"{path}: larger than {MOST_BYTES // 1024 // 1024} MiB")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise Unparsable(f"{path}:{line}: no UTF-8") from error

    def text(self, path: str) -> str | None:
        """The text of a file, None where there is none.

        :raises CouldNotLook: it cannot be read
        """
        try:
            return self.read(path)
        except NothingThere:
            return None

    def load(self, path: str, dialect: str, strict_keys: bool) -> list[t.Any]:
        """The documents of a YAML file.

        :raises GuardError: as :meth:`read`, or it is no YAML
        """
        key = (path, dialect, strict_keys)
        if key not in self._documents:
            self._documents[key] = load_documents(self.read(path), path, dialect, strict_keys)
        return self._documents[key]

    def documents(self, path: str) -> list[t.Any]:
        """The documents of a Compose file, whose keys are texts and never repeated.

        :raises GuardError: as :meth:`load`
        """
        return self.load(path, "core", strict_keys=True)
