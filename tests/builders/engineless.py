# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as a host without container engines: those that it has are the test bed's."""

from __future__ import annotations

import typing as t

from ansible_collections.guarded.deploy.plugins.module_utils._errors import NothingThere
from ansible_collections.guarded.deploy.plugins.standalone.host import StandaloneHost


class EnginelessHost(StandaloneHost):
    """This machine but for its engines."""

    def has(self, program: str) -> bool:
        return program not in ("docker", "podman") and super().has(program)

    def exists(self, path: str) -> bool:
        return "docker" not in path and "podman" not in path and super().exists(path)

    def http_get(self, socket_path: str, targets: t.Sequence[str], timeout: float) -> t.Iterator[t.Any]:
        raise NothingThere(f"{socket_path} does not exist")
