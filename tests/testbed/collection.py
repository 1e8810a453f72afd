# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkout as a collection: the tree that Ansible, Python and mypy look for ``guarded.deploy`` in."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


def link_collection(checkout: Path) -> Path:
    """Make ``.cache/collections/ansible_collections/guarded/deploy`` point at the checkout.

    :returns: the folder to put on ``sys.path`` or ``ANSIBLE_COLLECTIONS_PATH``
    """
    root = checkout / ".cache" / "collections"
    link = root / "ansible_collections" / "guarded" / "deploy"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not (link.is_symlink() and link.resolve() == checkout.resolve()):
        # Also a link that points elsewhere: a moved or copied checkout takes its .cache along.
        link.unlink(missing_ok=True)
        try:
            link.symlink_to(checkout, target_is_directory=True)
        except FileExistsError:
            pass  # another run was faster
    return root
