# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which paths a snapshot records: the default ones, the user's own, and those that it must never hold."""

from __future__ import annotations

import re
import typing as t

from .._errors import BadInput, Refused

DEFAULT_PATHS = (
    "/etc/containers",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/crontab",
    "/etc/default",
    "/etc/docker",
    "/etc/logrotate.d",
    "/etc/sysconfig",
    "/etc/systemd",
    "/etc/tmpfiles.d",
    "/run/containers/systemd",
    "/run/systemd/system",
    "/run/systemd/system.control",
    "/run/systemd/user",
    "/usr/local/bin",
    "/usr/local/lib/systemd",
    "/usr/local/sbin",
    "/var/lib/systemd/linger",
    "/var/spool/cron",
)
"""What a deployment may touch on any host, whether it is there or not: what the change makes there is removed again."""

USER_PATHS = (".config/containers/systemd", ".config/systemd/user")
"""The same below the home of a user who has a service manager."""

RUNTIME_PATHS = ("systemd/user", "systemd/user.control")
"""The same below the folder in /run/user of a user whose manager runs: what lasts until it ends."""

OUR_FOLDER = "/var/lib/guarded-deploy"
_OUR_UNITS = tuple(
    f"{folder}/{below}guarded-deploy-*"
    for folder in ("/usr/local/lib/systemd/system", "/etc/systemd/system", "/run/systemd/system")
    for below in ("", "*.wants/")
)
"""What the guard keeps among the units, as patterns: no snapshot holds it, and no restore removes it."""

NEVER = {
    "/proc": "it is no file system with content",
    "/sys": "it is no file system with content",
    "/dev": "devices are made by the kernel",
    OUR_FOLDER: "a snapshot cannot hold itself",
    "/var/lib/docker": "a running engine's store must not be replaced behind its back; containers are recorded by their specification",
    "/var/lib/containers": "a running engine's store must not be replaced behind its back; containers are recorded by their specification",
    "/var/lib/dpkg": "versions of packages are not brought back, so neither may be what says which are installed",
    "/var/lib/rpm": "versions of packages are not brought back, so neither may be what says which are installed",
    "/usr/lib/sysimage": "versions of packages are not brought back, so neither may be what says which are installed",
    "/run/user": "it is what runs of users who are logged in, no configuration",
}
"""Paths that are never recorded, nor anything below them, and why."""

# A folder that holds nearly everything, so that "bring it back" would undo what nobody meant.
_TOO_WIDE = ("/", "/run", "/usr", "/var", "/home")

_UNITS_OF_USERS = re.compile(rf"/run/user/[0-9]+/(?:{'|'.join(map(re.escape, RUNTIME_PATHS))})(?:/|$)")

# Jobs of at(1) that are done are gone: to bring one back would run it again.
_DEFAULT_EXCLUDED = ("/var/spool/cron/atjobs", "/var/spool/cron/atspool")


class PathPlan(t.NamedTuple):
    """What is to be recorded: ``paths`` none of which lies in another, sorted, and what is left out below them, as patterns
    (``compile_exclusion`` of ``_tree/exclusion.py``). ``notes`` say what is not recorded although one could expect it
    (path, why)."""

    paths: tuple[str, ...]
    excluded: tuple[str, ...]
    notes: tuple[tuple[str, str], ...] = ()


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies somewhere in it."""
    return path == folder or folder == "/" or path.startswith(f"{folder}/")


def parse_path(text: str) -> str:
    """A path of the user's, normalised: ``/srv//app/`` is ``/srv/app``.

    :raises BadInput: it is not absolute, or has a part ``..``, whose meaning depends on links
    """
    if not text.startswith("/") or "\0" in text:
        raise BadInput(f"{text!r} is no absolute path; write it in full, as /srv/app")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadInput(f"{text!r} has '..' in it, which means another place where a folder is a link; write the path in full")
    return "/" + "/".join(parts)


def check_path(path: str) -> None:
    """Whether a path may be recorded.

    :raises Refused: it may not, and why
    """
    if path in _TOO_WIDE:
        raise Refused(
            f"{path} is not recorded as a whole: a restore would undo what others do there; name the folders that the change touches"
        )
    for folder, why in NEVER.items():
        if is_below(path, folder) and not _UNITS_OF_USERS.match(path):
            raise Refused(f"{path} is not recorded: {why}")


def collapse(paths: t.Iterable[str]) -> tuple[str, ...]:
    """Sorted, each once, and none that lies in another of them."""
    kept: list[str] = []
    # "/" sorts after "-" and ".", so that /a/b does not follow /a at once where there is /a-b: by parts it does.
    for path in sorted(set(paths), key=lambda one: one.split("/")):
        if not kept or not is_below(path, kept[-1]):
            kept.append(path)
    return tuple(sorted(kept))


def literal(path: str) -> str:
    """A pattern that only the path itself matches."""
    return re.sub(r"([*?[])", r"[\1]", path)


def is_ours(path: str) -> bool:
    """Whether a path is the guard's or the store's, which nobody misses in a snapshot."""
    return is_below(path, OUR_FOLDER) or path.rpartition("/")[2].startswith("guarded-deploy-")


def plan_paths(paths: t.Iterable[str], excluded: t.Iterable[str] = (), notes: t.Iterable[tuple[str, str]] = ()) -> PathPlan:
    """What to record of what was asked for. Nested and repeated paths become one; what may never be recorded is left out
    where it lies below one of them. ``excluded`` are patterns.

    :raises BadInput: a path is not absolute
    :raises Refused: a path may not be recorded
    """
    roots = collapse(parse_path(path) for path in paths)
    for root in roots:
        check_path(root)
    wanted = list(excluded)
    for pattern in wanted:
        if pattern.rstrip("/") in roots or not pattern.strip("/"):
            raise BadInput(f"{pattern!r} is to be left out and to be recorded; take it out of one of the lists")
    never = [literal(path) for path in (*NEVER, *_DEFAULT_EXCLUDED) if _lies_in(path, roots)]
    ours = [pattern for pattern in _OUR_UNITS if _lies_in(pattern, roots)]
    return PathPlan(roots, tuple(dict.fromkeys((*never, *ours, *wanted))), tuple(notes))


def _lies_in(path: str, roots: t.Iterable[str]) -> bool:
    return any(path != root and is_below(path, root) for root in roots)
