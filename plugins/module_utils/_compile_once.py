# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.


"""Makes the imports of a module that Ansible has sent as a zip archive half as long.

``zipimport`` compiles every file twice: once to learn its name (``get_filename``, for the module's spec), once to run it.
Nothing on a target keeps the result, so with some fifty small files that is most of what a look at the ports takes.
Call :func:`compile_once` before the other imports; away from an archive it does nothing.
"""

from __future__ import annotations

import sys
import zipimport


class _CompileOnce(zipimport.zipimporter):
    """A zipimporter that knows the name of a file without compiling it."""

    def get_filename(self, fullname: str) -> str:
        stem = f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}"
        return f"{stem}/__init__.py" if self.is_package(fullname) else f"{stem}.py"


def compile_once() -> None:
    """Let the imports from here on be compiled once."""
    from_archive = __spec__ is not None and isinstance(__spec__.loader, zipimport.zipimporter)
    if from_archive and _CompileOnce not in sys.path_hooks:
        sys.path_hooks.insert(0, _CompileOnce)
        # Folders of the archive that were imported from already have a finder of the old kind.
        for path in [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimport.zipimporter)]:
            del sys.path_importer_cache[path]
