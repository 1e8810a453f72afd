# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The text of a oneshot service and of its timer, out of what is wanted of them.

Quoting is that of systemd.service(5), "Command lines", and systemd.syntax(7), "Quoting".
"""

from __future__ import annotations

import typing as t

from .._errors import BadInput
from .._units.unit_file import Assignment, render_unit_file
from .pair_model import PairFiles, PairSettings

if t.TYPE_CHECKING:
    from .pair_model import Pair, Spans

MARK = "# Made by guarded.deploy.oneshot_timer, which replaces this file. Changes belong into a drop-in (systemctl edit)."
SCRIPT_FOLDER = "/usr/local/lib/guarded-deploy"
SHORT = 10 * 60 * 1_000_000
"""Microseconds. Below ten minutes the minute within which a timer may fire by default is no small part of the interval."""
_START_LIMIT_WINDOW = 10 * 1_000_000
_START_LIMIT_BURST = 5

# What each level adds to the one before it. Sources: systemd.exec(5), "Sandboxing", "Security", "Capabilities".
STANDARD = (
    ("NoNewPrivileges", "yes"),
    ("PrivateTmp", "yes"),
    ("ProtectSystem", "full"),
    ("ProtectControlGroups", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("LockPersonality", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
)
STRICT = (
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
    ("MemoryDenyWriteExecute", "yes"),
    ("CapabilityBoundingSet", ""),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("UMask", "0077"),
)
# What a user's manager can do without a user namespace.
STANDARD_OF_USERS = (("NoNewPrivileges", "yes"), ("LockPersonality", "yes"), ("RestrictRealtime", "yes"), ("RestrictSUIDSGID", "yes"))

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:,+@%$^~#*?&|<>()[]{}!")


def quote_word(word: str, is_command: bool = True) -> str:
    """A word as it must be written so that systemd reads just it. ``%`` is doubled, and ``$`` where the setting is a
    command line.

    :raises BadInput: it has a NUL, or bytes that are not UTF-8; no unit file can say those
    """
    if "\0" in word or any("\ud800" <= sign <= "\udfff" for sign in word):
        raise BadInput(f"{word!r} has a NUL or is not UTF-8, and no unit file can say it; give the work to a script")
    word = word.replace("%", "%%")
    if is_command:
        word = word.replace("$", "$$")
    if word and all(sign in _PLAIN or sign > "\x9f" for sign in word) and word[0] not in "#;" and not any(map(str.isspace, word)):
        return word
    return '"' + "".join(_escaped(sign) for sign in word) + '"'


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    return f"\\x{ord(sign):02x}" if sign < " " or sign == "\x7f" else sign


def quote_command(argv: t.Sequence[str]) -> str:
    """A command line of ``ExecStart=``. The program's own name knows specifiers, and no variables."""
    return " ".join((quote_word(argv[0], is_command=False), *(quote_word(word) for word in argv[1:])))


def name_script(pair: Pair, folder: str = SCRIPT_FOLDER) -> str:
    """Where the script of a pair lies."""
    return f"{folder}/{pair.name}"


def write_pair(pair: Pair, spans: Spans, script_path: str) -> PairSettings:
    """The settings of both files. ``script_path`` is where the script will lie, if the pair has one."""
    argv = pair.command or (script_path,)
    comments = (f"No MemoryMax=: {' '.join(pair.memory_max_reason.split())}",) if not pair.memory_max else ()
    service = [*_service_head(pair, spans), *_service_body(pair, argv)]
    timer = [
        Assignment("Unit", "Description", f"When {pair.name}.service runs", 0),
        *write_schedule(pair, spans),
        Assignment("Install", "WantedBy", "timers.target", 0),
    ]
    return PairSettings(tuple(service), tuple(timer), comments)


def _service_head(pair: Pair, spans: Spans) -> list[Assignment]:
    description = " ".join((pair.description or f"One run of {pair.name}").split()).replace("%", "%%")
    found = [Assignment("Unit", "Description", description, 0)]
    if pair.on_failure:
        found.append(Assignment("Unit", "OnFailure", " ".join(pair.on_failure), 0))
    return found + limit_starts(spans.repeats_after)


def limit_starts(repeats_after: int | None) -> list[Assignment]:
    """What a service needs that is started more often than the five times in ten seconds that systemd allows by
    default (systemd-system.conf(5)): it would be refused as one that restarts in a loop."""
    if repeats_after is None or repeats_after * _START_LIMIT_BURST > _START_LIMIT_WINDOW:
        return []
    return [Assignment("Unit", "StartLimitIntervalSec", "0", 0)]


def _service_body(pair: Pair, argv: t.Sequence[str]) -> list[Assignment]:
    found = [("Type", "oneshot"), ("ExecStart", quote_command(argv))]
    if pair.user:
        found.append(("User", pair.user))
    if pair.working_directory:
        found.append(("WorkingDirectory", pair.working_directory.replace("%", "%%")))
    found += [("Environment", quote_word(f"{name}={value}", is_command=False)) for name, value in pair.environment]
    found += [("TimeoutStartSec", pair.timeout_start_sec)]
    limits = (("MemoryMax", pair.memory_max), ("CPUQuota", pair.cpu_quota), ("IOWeight", pair.io_weight), ("Nice", pair.nice))
    found += [(key, str(value)) for key, value in limits if value not in ("", None)]
    found += write_sandbox(pair.sandbox, pair.scope)
    if pair.read_write_paths:
        found.append(("ReadWritePaths", " ".join(quote_word(path, is_command=False) for path in pair.read_write_paths)))
    return [Assignment("Service", key, value, 0) for key, value in found]


def write_sandbox(level: str, scope: str) -> list[tuple[str, str]]:
    """The settings of a sandbox, in their order."""
    if level == "none":
        return []
    if scope == "user":
        return list(STANDARD_OF_USERS)
    return list((dict(STANDARD) | dict(STRICT)).items()) if level == "strict" else list(STANDARD)


def write_schedule(pair: Pair, spans: Spans) -> list[Assignment]:
    """The ``[Timer]`` section. Where nothing is said of the accuracy, an interval below ten minutes gets one of a second:
    systemd's own is a minute."""
    when = pair.schedule
    found = [("OnCalendar", text) for text in when.on_calendar]
    texts = (
        ("OnBootSec", when.on_boot_sec),
        ("OnUnitActiveSec", when.on_unit_active_sec),
        ("OnUnitInactiveSec", when.on_unit_inactive_sec),
        ("RandomizedDelaySec", when.randomized_delay_sec),
        ("AccuracySec", when.accuracy_sec or default_accuracy(spans.repeats_after)),
        ("Persistent", "yes" if when.persistent else ""),
    )
    found += [(key, text) for key, text in texts if text]
    return [Assignment("Timer", key, value, 0) for key, value in found]


def default_accuracy(repeats_after: int | None) -> str:
    """``AccuracySec=`` for a time span in microseconds, empty where systemd's own minute will do."""
    if repeats_after is None or repeats_after >= SHORT:
        return ""
    return "1s" if repeats_after >= 20_000_000 else "50ms"


def render_pair(settings: PairSettings, name: str, folder: str, script: str | None = None, script_path: str = "") -> PairFiles:
    """Both files as texts.

    :raises BadInput: a setting that no unit file can say
    """
    comments = "".join(f"# {line}\n" for line in settings.comments)
    service = f"{MARK}\n{comments}{render_unit_file(settings.service)}"
    return PairFiles(name, folder, service, f"{MARK}\n{render_unit_file(settings.timer)}", script, script_path)
