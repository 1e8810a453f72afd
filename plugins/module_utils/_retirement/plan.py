# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How to take a side out of service for good, and how to bring it back: now and wanted in, steps out.

The one planner: the audit prints its steps as commands (``_ports/remedy.py``), ``service_retirement`` runs them. A plan
made again after its steps have been run is empty.

Why a quadlet is retired by masking the service that Podman's generator makes of it, and its file is left alone: a file
that is renamed or changed comes back with the next run of whatever deploys it, and drop-ins are unknown to Podman before
5.0. The mask lies in /etc/systemd/system, which comes before the generator's folder, so it outlives daemon-reload and
reboot; and ``systemctl unmask`` brings back just what was.
"""

from __future__ import annotations

import re
import typing as t

from .model import Step

if t.TYPE_CHECKING:
    from .._units.model import Unit
    from .model import FormerContainer, Member, Record

ADMIN_FOLDER = "/etc/systemd/system"
ASIDE = ".retired"
"""What is appended to the name of a unit file that lies where its mask must be. systemd knows no such suffix."""

_PROTECTED = re.compile(
    r"(docker|containerd|podman|ssh|sshd|dbus|dbus-broker|NetworkManager.*|networking|ifup|ifupdown-.*|dhcpcd|wpa_supplicant|connman|netplan-.*"
    r"|firewalld|nftables|netfilter-persistent|ufw|iptables|ip6tables|user|getty|serial-getty|systemd-.*|init|libvirtd|virtqemud|polkit"
    r"|qemu-guest-agent|cloud-init.*|amazon-ssm-agent|google-guest-agent)(@.*)?\.(service|socket|scope|timer|path)"
)
"""Units whose end takes more with it than a port: the engines, the way in, the network, the ground the host stands on."""

_ON = frozenset(("enabled", "indirect"))
_ONLY_A_MASK_HELPS = frozenset(("generated", "transient", "indirect", ""))
_MASKED = frozenset(("masked",))
_DOWN = frozenset(("inactive", "failed"))
_STOPPED = frozenset(("created", "configured", "initialized", "exited", "stopped", "dead", "removing"))
_WAS_UP = frozenset(("active", "activating", "reloading", "refreshing"))
_RAN = frozenset(("running", "restarting", "paused"))


def is_protected_unit(name: str) -> bool:
    """Whether nothing may be done to a unit: engines, sshd, dbus, the network, systemd's own."""
    return _PROTECTED.fullmatch(name) is not None


def plan_unit_retirement(members: t.Sequence[Member], masked: bool, systemctl: tuple[str, ...] = ("systemctl",)) -> tuple[Step, ...]:
    """Stop and disable units, in the order in which they are given; ``masked`` also keeps everybody from starting them.
    What has no enablement to take away (generated, or static and pulled in by others) is masked in any case."""
    if all(_is_retired(member, masked) for member in members):
        return ()
    to_mask = [member for member in members if _needs_mask(member, masked)]
    steps = []
    disabled = [member.name for member in members if member not in to_mask or _is_on(member)]
    if disabled:
        steps.append(Step("command", (*systemctl, "disable", "--now", *disabled)))
    # A mask hides how a unit wants to be stopped (ExecStop=, ExecStopPost=, TimeoutStopSec=): "mask --now" on a quadlet's
    # service sends a SIGTERM that its container ignores, and waits 90 s. So it is stopped while it still is known.
    up = [member.name for member in to_mask if member.name not in disabled and not _is_down(member)]
    if up:
        steps.append(Step("command", (*systemctl, "stop", *up)))
    for member in to_mask:
        path = f"{ADMIN_FOLDER}/{member.name}"
        if member.unit is not None and member.unit.fragment == path and member.unit.enabled not in _MASKED:
            steps.append(Step("rename", (path, path + ASIDE)))
    if to_mask:
        steps.append(Step("command", (*systemctl, "mask", *(member.name for member in to_mask))))
    for member in members:
        if member.unit is not None and _may_end_failed(member.unit):
            # As a pattern, which matches just this name: it may be unloaded by then, and to name it would be an error.
            pattern = member.name.replace("\\", "\\\\") + "*"
            steps.append(Step("command", (*systemctl, "reset-failed", pattern)))
    return tuple(steps)


def _is_on(member: Member) -> bool:
    return member.unit is not None and member.unit.enabled in _ON


def _is_down(member: Member) -> bool:
    return member.unit is not None and member.unit.active in _DOWN


def _needs_mask(member: Member, masked: bool) -> bool:
    unit = member.unit
    if masked:
        return unit is None or unit.enabled not in _MASKED
    if unit is None:
        return member.is_target
    if unit.enabled == "static":
        # What starts a static unit is disabled with it where it is a socket or a timer; anything else needs the mask.
        return member.is_target and (bool(unit.wanted_by) or not unit.triggered_by)
    return member.is_target and unit.enabled in _ONLY_A_MASK_HELPS


def _is_retired(member: Member, masked: bool) -> bool:
    unit = member.unit
    if unit is None:
        return False
    if unit.active != "inactive":
        return False
    if unit.load == "not-found":
        return True
    # Its socket or timer is unloaded once it is at rest, and then systemd does not name it any more.
    unattended = unit.enabled == "static" and not unit.wanted_by and not unit.triggered_by and not masked
    return unattended or not (_is_on(member) or _needs_mask(member, masked))


def _may_end_failed(unit: Unit) -> bool:
    """Whether the unit is left in the state ``failed``, and so looks like a claimant, after it has been stopped."""
    return unit.active == "failed" or (unit.active != "inactive" and (unit.restarts > 0 or unit.sub.startswith("auto-restart")))


def find_links_of_others(links: t.Iterable[tuple[str, str]], names: t.Collection[str]) -> list[tuple[str, str]]:
    """The enablement links (path, target) that belong to none of the units: neither the link nor what it points to has
    the name of one."""
    return [link for link in links if not any(path.rpartition("/")[2] in names for path in link)]


def plan_container_retirement(engine: tuple[str, ...], name: str, status: str, restart_policy: str) -> tuple[Step, ...]:
    """Stop a container and keep it down. ``engine`` are the words that call it, ``status`` is its own word for it."""
    steps = []
    if restart_policy not in ("", "no"):
        steps.append(Step("command", (*engine, "update", "--restart=no", name)))
    if status not in _STOPPED:
        steps.append(Step("command", (*engine, "stop", name)))
    return tuple(steps)


def plan_unit_return(
    record: Record, units: t.Mapping[str, Unit], links: t.Mapping[str, str], aside: t.Collection[str]
) -> tuple[Step, ...]:
    """Bring units back to what a record says of them. ``units`` are those of now by name, ``links`` all enablement
    links of now, ``aside`` the files set aside that are still there."""
    steps = []
    unmasked = [name for name in record.masked if name in units and units[name].enabled in _MASKED]
    if unmasked:
        steps.append(Step("command", ("systemctl", "unmask", *unmasked)))
    steps += [Step("rename", (now, path)) for path, now in record.set_aside if now in aside]
    lost = [Step("link", (path, target)) for path, target in record.links if path not in links]
    steps += lost
    if steps:
        steps.append(Step("command", ("systemctl", "daemon-reload")))
    wanted = [unit.name for unit in record.units if unit.active in _WAS_UP]
    down = [name for name in wanted if name not in units or units[name].active in _DOWN]
    if down:
        steps.append(Step("command", ("systemctl", "start", *down)))
    return tuple(steps)


def plan_container_return(former: FormerContainer, status: str, restart_policy: str) -> tuple[Step, ...]:
    """Bring a container back to what is recorded of it; ``restart_policy`` as ``--restart`` takes it."""
    steps = []
    if restart_policy != former.restart_policy:
        steps.append(Step("command", (former.engine, "update", f"--restart={former.restart_policy}", former.name)))
    if former.status in _RAN and status not in _RAN:
        steps.append(Step("command", (former.engine, "start", former.name)))
    if former.status == "paused" and status != "paused":
        steps.append(Step("command", (former.engine, "pause", former.name)))
    return tuple(steps)
