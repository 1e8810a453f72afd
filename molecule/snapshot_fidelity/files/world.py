#!/usr/bin/env python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On a host: build a tree, or blow a storm over it; print its extended attributes, which no tool on the host reads."""

from __future__ import annotations

import os
import sys

from storm import Storm


def print_attributes(root: bytes) -> None:
    for folder, folders, files in sorted(os.walk(root)):
        for name in (b".", *sorted(folders + files)):
            path = os.path.join(folder, name)
            for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
                print(repr(path), attribute, os.getxattr(path, attribute, follow_symlinks=False).hex())


if __name__ == "__main__":
    what, root, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "build":
        Storm(root, seed).build()
    elif what == "blow":
        Storm(root, seed + 1).blow(40)
    else:
        print_attributes(os.fsencode(root))
