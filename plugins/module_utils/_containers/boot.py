# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Whether a container comes back when the host boots."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .model import Container


def returns_at_boot(container: Container, starter_at_boot: str) -> str:
    """``yes``, ``no`` or ``unknown``: whether the container runs again after a boot.

    ``starter_at_boot`` says the same (``yes``, ``no``, ``unknown``) of what would start it: ``docker.service``; for
    Podman the unit that runs the container, and where it has none ``podman-restart.service``.
    """
    if container.engine == "podman" and container.unit is not None:
        return starter_at_boot
    wanted = _podman_restarts(container) if container.engine == "podman" else _docker_restarts(container)
    if "no" in (wanted, starter_at_boot):
        return "no"
    return "yes" if wanted == starter_at_boot == "yes" else "unknown"


def _docker_restarts(container: Container) -> str:
    """What dockerd does with it when it starts (measured on 20.10 and 26.1)."""
    if container.restart_policy in ("", "no") or container.status in ("removing", "dead"):
        return "no"
    # dockerd restarts only what has run before: one that was created, or could not get its port, stays as it is.
    if container.status == "created" or container.started == 0.0:
        return "no"
    if container.restart_policy == "always":
        return "yes"
    alive = container.status in ("running", "restarting", "paused")
    if container.restart_policy == "unless-stopped":
        # Stopped by somebody, as it would have been restarted otherwise; or its last start failed, and inspect does
        # not tell whether somebody had stopped it before.
        return "yes" if alive else "unknown" if container.error else "no"
    if container.restart_policy == "on-failure":
        # Decided by the code that it will have exited with when the host goes down, unless it has exited already.
        # After restarts its tries may be used up, and then it stays down.
        if container.exit_code == 0 and not alive:
            return "no"
        return "unknown" if alive or container.restarts else "yes"
    return "unknown"


def _podman_restarts(container: Container) -> str:
    """What ``podman-restart.service`` does with it.

    Up to 5.4 at least that is ``podman start --all --filter restart-policy=always``; since December 2025
    ``--filter should-start-on-boot=true``: always, and unless-stopped where nobody stopped it, but nothing that has
    never run (libpod ``ShouldStartOnBoot``). Which of the two is not known here.
    """
    never_ran = container.status in ("created", "configured", "initialized")
    if container.restart_policy == "always":
        return "unknown" if never_ran else "yes"
    if container.restart_policy == "unless-stopped" and not never_ran:
        return "unknown"
    return "no"
