# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What an armed guard lays on a host: its units, and the script that starts its program."""

from __future__ import annotations

import typing as t

FOLDER = "/var/lib/guarded-deploy/guard"

TIMER = "guarded-deploy-guard.timer"
FIRE = "guarded-deploy-guard.service"
EARLY = "guarded-deploy-early.service"
LATE = "guarded-deploy-late.service"
UNITS = (TIMER, FIRE, EARLY, LATE)
# A second timer that lies nowhere but in /run and in systemd's memory: for a change that stops or removes the first.
BACKSTOP = "guarded-deploy-backstop"

# A change may replace all of /etc/systemd/system, so the units lie elsewhere; where /usr/local is mounted only after
# systemd has read its units, they have to lie there all the same.
LOCAL_FOLDER = "/usr/local/lib/systemd/system"
ADMIN_FOLDER = "/etc/systemd/system"
_WANTS = ((TIMER, "timers.target"), (EARLY, "sysinit.target"), (LATE, "multi-user.target"))


def unit_files(folder: str) -> tuple[str, ...]:
    """The paths of our unit files in a folder of units."""
    return tuple(f"{folder}/{name}" for name in UNITS)


def unit_links(folder: str) -> tuple[tuple[str, str], ...]:
    """The links (path, target) that make a boot start our units."""
    return tuple((f"{folder}/{target}.wants/{name}", f"../{name}") for name, target in _WANTS)


_HEAD = "# Of guarded.deploy's armed guard; see {folder}/record.json. Removed when the deployment ends.\n"

_UNIT = """\
[Unit]
Description=guarded.deploy: {what}
Documentation=file:{folder}/README.txt
DefaultDependencies=no
IgnoreOnIsolate=yes
RequiresMountsFor={folder}
Conflicts=shutdown.target
Before=shutdown.target
{unit}
"""

# Not below system.slice, which somebody may stop or starve; the last to be killed when memory is short. A rollback that is
# killed begins again; one that has failed (3) and one that cannot be started (4, 5) do not.
_SERVICE = """\
[Service]
ExecStart=/bin/sh {start} {command}
Type={type}
Slice=-.slice
OOMScoreAdjust=-900
Nice=-5
UMask=0077
WorkingDirectory=/
SyslogIdentifier=guarded-deploy
{service}
"""

_AGAIN = "Restart=on-failure\nRestartSec=1\nRestartPreventExitStatus=3 4 5"
_LIMITS = "StartLimitIntervalSec=300\nStartLimitBurst=10"

# After what runs containers, and after what the changed host wanted at boot was asked for. It waits for no start of an
# engine that hangs: where one does, the timer fires all the same.
_AFTER_ENGINES = (
    "After=local-fs.target sysinit.target basic.target network.target dbus.service docker.socket docker.service containerd.service "
    "podman.socket podman.service podman-restart.service multi-user.target\n" + _LIMITS
)
# Units are read again before the jobs of this boot that need them are run: sockets, timers and services come after.
_BEFORE_ALL = "After=local-fs.target systemd-remount-fs.service systemd-journald.socket\nBefore=sysinit.target"

_TIMER_TEXT = """\
[Unit]
Description=guarded.deploy: rolls the host back unless the deployment is confirmed in time
DefaultDependencies=no
IgnoreOnIsolate=yes
Conflicts=shutdown.target
Before=shutdown.target

[Timer]
OnActiveSec={seconds}s
AccuracySec=100ms
Unit={fire}
"""


class Paths(t.NamedTuple):
    """Where a guard's things lie: ``program`` and ``start`` in a folder that is named by the program's digest."""

    folder: str
    program: str
    start: str


def guard_paths(digest: str, folder: str = FOLDER) -> Paths:
    """Where the program with this SHA-256 lies."""
    own = f"{folder}/{digest}"
    return Paths(own, f"{own}/guard.pyz", f"{own}/start")


def _render_service(what: str, command: str, start: str, kind: str, unit: str, service: str) -> str:
    head = _UNIT.format(what=what, folder=FOLDER, unit=unit)
    return _HEAD.format(folder=FOLDER) + head + "\n" + _SERVICE.format(start=start, command=command, type=kind, service=service)


def render_timer(seconds: float) -> str:
    """The timer, which elapses so many seconds after it was started."""
    return _HEAD.format(folder=FOLDER) + _TIMER_TEXT.format(seconds=f"{max(seconds, 0.1):.3f}", fire=FIRE)


def render_units(start: str, seconds: float, boot_timeout: float = 180) -> dict[str, str]:
    """The text of each unit. ``boot_timeout`` is how many seconds a boot may be held up by the early stage."""
    early = f"TimeoutStartSec={boot_timeout:g}"
    return {
        TIMER: render_timer(seconds),
        FIRE: _render_service("rolls the host back", "fire", start, "simple", _LIMITS, _AGAIN),
        EARLY: _render_service("takes an unconfirmed deployment back at boot", "early", start, "oneshot", _BEFORE_ALL, early),
        LATE: _render_service("ends the rollback at boot", "late", start, "simple", _AFTER_ENGINES, _AGAIN),
    }


# The program is checked before each start. `python3` may be a link that the change has turned, and PATH whatever it likes:
# the interpreter that was found when the guard was armed is taken, and where that is gone, any other that will do.
_START = """\
#!/bin/sh
# Starts the program of guarded.deploy's guard. By hand: sh {start} fire|restore SNAPSHOT|status
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset LD_PRELOAD LD_LIBRARY_PATH
say() {{ echo "$1" >&2; logger -t guarded-deploy -p daemon.crit -- "$1" 2>/dev/null; }}
program={program}
if ! echo "{digest}  $program" | sha256sum -c --status 2>/dev/null; then
    say "the guard cannot roll back: $program is not what was armed (its SHA-256 is another)"
    exit 4
fi
for python in {interpreter} /usr/bin/python3.* /usr/local/bin/python3.* /usr/libexec/platform-python /usr/bin/python3; do
    case $python in *-config) continue ;; esac
    if [ -x "$python" ] && "$python" -I -c 'import sys, json, zlib, subprocess; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
        exec env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/root "$python" -I "$program" "$@"
    fi
done
say "the guard cannot roll back: no Python 3.9 or newer works here (tried {interpreter}, /usr/bin/python3.*); install one, then: sh $0 fire"
exit 5
"""


def render_start(paths: Paths, digest: str, interpreter: str) -> str:
    """The script that starts the program."""
    return _START.format(start=paths.start, program=paths.program, digest=digest, interpreter=interpreter)


README = f"""\
This host is guarded by guarded.deploy (Ansible collection). A deployment that is not confirmed in time is rolled back.

record.json    the guard: its state, whose deployment it is, the snapshot to go back to
history/       how earlier deployments ended
DIGEST/start   starts the program of the guard; needs nothing but a shell and any Python 3.9 or newer

  sh {FOLDER}/*/start status            how it stands
  sh {FOLDER}/*/start trigger           roll back now
  sh {FOLDER}/*/start confirm           keep the host as it is now, and end the deployment
  journalctl -t guarded-deploy          what has happened

Snapshots lie in /var/lib/guarded-deploy/snapshots; each has a README.txt that tells how to read it without any program.
"""
