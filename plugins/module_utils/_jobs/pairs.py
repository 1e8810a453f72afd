# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What is wrong with a timer and its service that systemd itself lets through.

Each rule was seen on systemd 252: a timer with ``OnUnitActiveSec=`` alone never fires, an invalid ``OnCalendar=`` beside a
valid trigger is ignored without a word, ``RemainAfterExit=yes`` lets a repeating timer run once.
"""

from __future__ import annotations

import typing as t

from .._units.merge import parse_boolean
from .._units.specifiers import expand_specifiers, parse_name
from .model import Problem
from .timespan import calendar_fault, parse_span

if t.TYPE_CHECKING:
    from .._units.merge import MergedUnit, Setting

FIRST = ("OnCalendar", "OnBootSec", "OnStartupSec", "OnActiveSec", "OnClockChange", "OnTimezoneChange")
REPEATING = ("OnUnitActiveSec", "OnUnitInactiveSec")
_SPANS = ("OnBootSec", "OnStartupSec", "OnActiveSec", *REPEATING)
# systemd.timer(5) of 257.
_KEYS = frozenset(
    (
        *FIRST,
        *REPEATING,
        "AccuracySec",
        "RandomizedDelaySec",
        "RandomizedOffsetSec",
        "FixedRandomDelay",
        "DeferReactivation",
        "Unit",
        "Persistent",
        "WakeSystem",
        "RemainAfterElapse",
    )
)
_BOOT_TARGETS = frozenset(
    (
        "multi-user.target",
        "default.target",
        "graphical.target",
        "basic.target",
        "sysinit.target",
        "network-online.target",
        "timers.target",
        "rescue.target",
        "local-fs.target",
    )
)
_ENDLESS = ("always", "on-success")


class Standing(t.NamedTuple):
    """What is known of a pair besides its texts. ``enabled`` are units that boot targets want by a link, None where only
    texts are known; ``wanted`` those that any other unit pulls in; ``service_is_known`` is whether a service that has no
    file is missing for sure."""

    enabled: frozenset[str] | None
    wanted: frozenset[str]
    active: frozenset[str] | None = None
    service_is_known: bool = True


def service_of(timer: MergedUnit) -> str:
    """The unit that a timer starts."""
    named = timer.last("Timer", "Unit")
    if named is not None:
        return expand_specifiers(named.value, timer.name, timer.fragment or "").text
    return f"{timer.name.removesuffix('.timer')}.service"


def triggers_of(timer: MergedUnit) -> list[Setting]:
    """The triggers that count, in their order: an empty assignment of any of them forgets all before it of every kind."""
    found: list[Setting] = []
    for one in timer.settings:
        if one.section == "Timer" and one.key in (*FIRST, *REPEATING):
            if not one.value:
                found.clear()
            else:
                found.append(one)
    return [one for one in found if one.key not in ("OnClockChange", "OnTimezoneChange") or parse_boolean(one.value)]


def find_problems(timer: MergedUnit, service: MergedUnit | None, standing: Standing, runs_on: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with a pair. ``runs_on`` says why the service's program goes on for ever, where it does."""
    triggers = triggers_of(timer)
    found = [*_triggers(timer, triggers, standing), *_keys(timer), *_accumulated(timer), *_standing_of_timer(timer, standing)]
    if service is None or service.load == "not-found":
        if standing.service_is_known and not (parse_name(timer.name).is_template):
            found.append(
                _problem(
                    "service-missing",
                    "broken",
                    f"{service_of(timer)} does not exist, so the timer cannot start",
                    timer,
                    None,
                    f"write {service_of(timer)}, or name another in Unit=",
                )
            )
    elif service.load == "masked":
        found.append(
            _problem(
                "service-masked",
                "broken",
                f"{service.name} is masked: the timer fires and nothing runs",
                timer,
                None,
                f"systemctl unmask {service.name}, or disable the timer",
            )
        )
    elif service.load == "loaded" and service.name.endswith(".service"):
        found += _service(timer, service, triggers, standing, runs_on)
    return tuple(found)


def _problem(name: str, severity: str, text: str, unit: MergedUnit, setting: Setting | None, remedy: str) -> Problem:
    file = setting.file if setting is not None else unit.fragment or (unit.drop_ins[0] if unit.drop_ins else unit.name)
    return Problem(name, severity, text, file, setting.line if setting is not None else 0, remedy)


def _triggers(timer: MergedUnit, triggers: list[Setting], standing: Standing) -> list[Problem]:
    found = []
    for one in triggers:
        fault = calendar_fault(one.value) if one.key == "OnCalendar" else ""
        if fault:
            found.append(
                _problem(
                    "oncalendar-invalid",
                    "broken",
                    f"OnCalendar={one.value} is ignored: {fault}",
                    timer,
                    one,
                    "check it with: systemd-analyze calendar",
                )
            )
        span = parse_span(one.value) if one.key in _SPANS and "%" not in one.value and "{{" not in one.value else 1.0
        if span is None:
            found.append(
                _problem(
                    "timespan-invalid",
                    "broken",
                    f"{one.key}={one.value} is no time span, and is ignored",
                    timer,
                    one,
                    "check it with: systemd-analyze timespan",
                )
            )
    if timer.load == "loaded" and not triggers:
        if not any(one.section == "Timer" and one.key in (*FIRST, *REPEATING) for one in timer.settings):
            found.append(
                _problem(
                    "no-trigger",
                    "broken",
                    "the timer has no trigger, so systemd refuses it",
                    timer,
                    None,
                    "add OnCalendar=, or OnBootSec= and OnUnitActiveSec=",
                )
            )
    elif triggers and all(one.key in REPEATING for one in triggers) and not _started_otherwise(timer, standing):
        first = triggers[0]
        text = f"{first.key}= counts from the last run of the service, and nothing starts it a first time: the timer never fires"
        found.append(_problem("no-first-trigger", "broken", text, timer, first, "add OnActiveSec= or OnBootSec= beside it"))
    calendar = [one for one in triggers if one.key == "OnCalendar"]
    if timer.flag("Timer", "Persistent") and triggers and not calendar:
        found.append(
            _problem(
                "persistent-without-calendar",
                "harmless",
                "Persistent= acts on OnCalendar= only",
                timer,
                timer.last("Timer", "Persistent"),
                "leave it away, or use OnCalendar=",
            )
        )
    return found


def _started_otherwise(timer: MergedUnit, standing: Standing) -> bool:
    service = service_of(timer)
    pulled = {word for key in ("Requires", "Wants", "BindsTo") for one in timer.all("Unit", key) for word in one.value.split()}
    return service in standing.wanted or service in pulled or (standing.enabled is not None and service in standing.enabled)


def _keys(timer: MergedUnit) -> list[Problem]:
    """Keys that systemd does not have: it warns once in the journal, and goes on without them."""
    found = []
    for one in timer.settings:
        known = one.section != "Timer" or one.key in _KEYS or one.key.startswith("X-")
        misplaced = one.section in ("Unit", "Install") and one.key in _KEYS - {"Unit"}
        if not known or misplaced:
            where = f"there is no {one.key}= in [{one.section}]"
            hint = next((key for key in _KEYS if one.key.lower().rstrip("sec") == key.lower().rstrip("sec")), "")
            remedy = (
                f"move it to [Timer]: {one.key}=" if misplaced else f"write {hint}=" if hint else "see systemd.timer(5) for what there is"
            )
            found.append(_problem("unknown-key", "broken", f"{where}: systemd ignores it", timer, one, remedy))
    return found


def _accumulated(timer: MergedUnit) -> list[Problem]:
    """A drop-in that adds a schedule to the one it was meant to replace."""
    base = [
        one for one in timer.settings if one.section == "Timer" and one.key == "OnCalendar" and one.file == timer.fragment and one.value
    ]
    for one in timer.settings:
        if one.section != "Timer" or one.file == timer.fragment or one.key not in (*FIRST, *REPEATING):
            continue
        if not one.value:
            return []
        if one.key == "OnCalendar" and (base or timer.fragment is None) and not calendar_fault(one.value):
            text = f"OnCalendar={one.value} in a drop-in adds to the schedule of the timer and does not replace it"
            return [_problem("dropin-oncalendar-accumulates", "broken", text, timer, one, "write an empty OnCalendar= in front of it")]
    return []


def _standing_of_timer(timer: MergedUnit, standing: Standing) -> list[Problem]:
    """A timer of the administrator's own that nothing starts."""
    own = (timer.fragment or "").startswith("/etc/systemd/")
    if not own or standing.enabled is None or standing.active is None or parse_name(timer.name).is_template:
        return []
    if any(name in standing.enabled or name in standing.active or name in standing.wanted for name in timer.names):
        return []
    return [
        _problem(
            "timer-not-enabled",
            "broken",
            "the timer is neither enabled nor running, so nothing ever starts its service",
            timer,
            None,
            f"systemctl enable --now {timer.name}",
        )
    ]


def _service(timer: MergedUnit, service: MergedUnit, triggers: list[Setting], standing: Standing, runs_on: str) -> list[Problem]:
    found = []
    repeats = any(one.key == "OnCalendar" or (one.key in REPEATING and parse_span(one.value) != 0) for one in triggers)
    kind = service.last("Service", "Type")
    restart = service.last("Service", "Restart")
    oneshot = (kind is not None and kind.value == "oneshot") or (kind is None and not service.all("Service", "ExecStart"))
    endless = restart is not None and restart.value in _ENDLESS
    if repeats and not oneshot and runs_on:
        text = f"the timer starts a service that goes on running ({runs_on}): every start after the first does nothing"
        found.append(
            _problem(
                "timer-drives-daemon",
                "broken",
                text,
                timer,
                None,
                "let the service do its work once and end (Type=oneshot), or drop the timer",
            )
        )
    if repeats and not oneshot:
        is_now = kind.value if kind else "simple"
        text = f"Type={is_now}: systemd takes the service for a daemon; how a run ends, how long it may take and what waits for it is lost"
        found.append(_problem("type-not-oneshot", _severity(service), text, service, kind, "Type=oneshot"))
    if repeats and endless and restart is not None:
        found.append(
            _problem(
                "restart-policy",
                "broken",
                f"Restart={restart.value} starts the service again after every run, whatever the timer says",
                service,
                restart,
                "Restart=no, or Restart=on-failure",
            )
        )
    if repeats and service.flag("Service", "RemainAfterExit"):
        text = "RemainAfterExit=yes: the service stays active after its first run, and the timer never starts it again"
        found.append(
            _problem(
                "remain-after-exit", "broken", text, service, service.last("Service", "RemainAfterExit"), "leave RemainAfterExit= away"
            )
        )
    zero = next((one for one in triggers if one.key in REPEATING and parse_span(one.value) == 0), None)
    if zero is not None and oneshot and not service.flag("Service", "RemainAfterExit"):
        # Of a service that stays active nothing is started again: so some write a late start.
        text = f"{zero.key}={zero.value} starts the service again at once, for ever"
        found.append(_problem("interval-zero", "broken", text, timer, zero, "name the interval that is meant"))
    found += _enabled(timer, service, standing)
    pulled = next(
        (one for key in ("Requires", "Wants", "BindsTo") for one in timer.all("Unit", key) if service.name in one.value.split()), None
    )
    if pulled is not None:
        found.append(
            _problem(
                "timer-requires-service",
                "risky",
                f"{pulled.key}={service.name} runs the service whenever the timer itself is started",
                timer,
                pulled,
                "leave it away: a timer needs no dependency on its service",
            )
        )
    return [*found, *_limits(service, oneshot and repeats)]


def _enabled(timer: MergedUnit, service: MergedUnit, standing: Standing) -> list[Problem]:
    if standing.enabled is not None:
        if not any(name in standing.enabled for name in service.names):
            return []
        text = "the service is enabled besides its timer, so every boot runs it, whatever the schedule says"
        return [
            _problem(
                "service-also-enabled",
                "broken",
                text,
                service,
                service.last("Install", "WantedBy"),
                f"systemctl disable {service.name}, and leave [Install] away",
            )
        ]
    wanted = next(
        (
            one
            for key in ("WantedBy", "RequiredBy", "UpheldBy")
            for one in service.all("Install", key)
            if _BOOT_TARGETS & set(one.value.split())
        ),
        None,
    )
    if wanted is None or "Also" in {one.key for one in service.settings if timer.name in one.value}:
        return []
    text = f"{wanted.key}={wanted.value}: enabled like this the service runs at every boot, whatever the timer says"
    return [
        _problem(
            "service-also-enabled",
            _severity(service),
            text,
            service,
            wanted,
            "leave [Install] away from the service; enable the timer only",
        )
    ]


def _severity(service: MergedUnit) -> str:
    """A package's own pair mostly works as it is; what an administrator wrote is theirs to mend."""
    return "risky" if (service.fragment or "").startswith(("/usr/lib/", "/lib/")) else "broken"


def _limits(service: MergedUnit, timed: bool) -> list[Problem]:
    """What will hurt one day: no end to a run, no cap on its memory."""
    if not timed:
        return []
    found = []
    timeout = (
        service.last("Service", "TimeoutStartSec") or service.last("Service", "TimeoutSec") or service.last("Service", "RuntimeMaxSec")
    )
    if timeout is None or parse_span(timeout.value) in (0.0, float("inf")):
        found.append(
            _problem(
                "no-timeout",
                "advice",
                "a run that hangs is never ended (a oneshot service has no timeout of its own), and the timer waits for it for ever",
                service,
                timeout,
                "TimeoutStartSec= of a few times a normal run",
            )
        )
    if not any(service.last("Service", key) for key in ("MemoryMax", "MemoryHigh", "MemoryLimit", "Slice")):
        found.append(
            _problem("no-memory-cap", "advice", "nothing keeps a run from taking all memory of the host", service, None, "MemoryMax=")
        )
    return found
