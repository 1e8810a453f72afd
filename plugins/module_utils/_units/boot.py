# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Which units the next boot starts, out of the files that are there.

The rules are those of the transaction that systemd builds for ``default.target`` (src/core/transaction.c): what is
required or wanted is started, a unit whose requirement cannot be loaded is not, and of two that conflict one gives way.
``systemd --test --system`` prints that transaction, and the tests compare with it.
"""

from __future__ import annotations

import typing as t

from .merge import VOLATILE, Names, reset
from .specifiers import expand_specifiers, parse_name

if t.TYPE_CHECKING:
    from .merge import MergedUnit, Setting

# Units of these types need no file.
_WITHOUT_FILE = frozenset(("device", "mount", "scope", "slice", "swap"))
_NEED_SYSINIT = frozenset(("service", "socket", "timer", "path"))
_TRIGGERS = {"socket": "Service", "timer": "Unit", "path": "Unit"}
_SECTIONS = {"service": "Service", "socket": "Socket", "mount": "Mount", "swap": "Swap"}


class Boot(t.NamedTuple):
    """What the next boot does. ``started`` are the units that it starts, by their own names. ``unsure`` are those among
    them that it may leave out, with the reason: systemd's answer depends on its version or on the order of a hash
    table. ``conditions`` are those of started units: where one does not hold, its unit is passed over. ``triggered`` are
    services that are not started but may be by a socket, timer or path of ``started``, by name, with what triggers them.
    ``dropped`` are units that give way to another, or whose condition surely does not hold, with the reason."""

    started: frozenset[str]
    conditions: t.Mapping[str, tuple[Setting, ...]]
    triggered: t.Mapping[str, tuple[str, ...]]
    unsure: t.Mapping[str, str]
    dropped: t.Mapping[str, str]

    def starts(self, name: str) -> str:
        """``yes``, ``no`` or ``unknown``; the name is a unit's own, no alias."""
        if name in self.unsure or name in self.triggered:
            return "unknown"
        if name not in self.started:
            return "no"
        return "unknown" if self.conditions.get(name) else "yes"


def names_at_boot(names: Names) -> Names:
    """The names as the next boot finds them: without the folders that do not outlive it."""
    tree = names.tree
    if not any(tree.folders.get(folder) for folder in VOLATILE):
        return names
    return Names(tree._replace(search=tuple(folder for folder in tree.search if folder not in VOLATILE)), names)


def simulate_boot(names: Names, target: str = "default.target", holds: t.Callable[[Setting], bool | None] = lambda _setting: None) -> Boot:
    """What the start of a target starts. ``holds`` tells of a ``Condition...=`` or ``Assert...=`` whether it holds, None
    where that is not known; a unit whose conditions surely do not hold is dropped."""
    graph = _Graph(names, holds)
    root = graph.own(target)
    dropped: dict[str, str] = {}
    unsure: dict[str, str] = {}
    # Everything that the boot may start, what conflicts taken out until nothing does.
    while True:
        reached = graph.reach(root, dropped)
        unsure.update(graph.failures(reached, dropped))
        gives_way = graph.conflict(reached - unsure.keys(), graph.matters(root, reached), unsure)
        if gives_way is None:
            break
        dropped.update(gives_way)
    sure = graph.reach(root, {**dropped, **unsure}, upheld_by_link=False) if root not in unsure else set()
    for name in reached - sure:
        unsure.setdefault(name, "only units of which it is not sure pull it in, or a link in .upholds/, which systemd reads from 254 on")
    conditions, skipped = graph.conditions(reached)
    dropped.update(skipped)
    # A unit whose condition fails is passed over; what it requires is started all the same.
    started = frozenset(reached - skipped.keys())
    return Boot(started, conditions, graph.triggered(started), {name: why for name, why in unsure.items() if name in started}, dropped)


class _Graph:
    """The units and what they pull in, read as they are reached."""

    def __init__(self, names: Names, holds: t.Callable[[Setting], bool | None]) -> None:
        self._names = names
        self._holds = holds
        self._units: dict[str, MergedUnit] = {}
        self._own: dict[str, str] = {}
        self._strong: dict[str, list[str]] = {}
        self._weak: dict[str, list[str]] = {}

    def own(self, name: str) -> str:
        """The name that a name stands for."""
        found = self._own.get(name)
        if found is None:
            found = self._own[name] = self.unit(name).name
        return found

    def unit(self, name: str) -> MergedUnit:
        found = self._units.get(name)
        if found is None:
            found = self._names.merge(name)
            self._units[name] = self._units[found.name] = found
        return found

    def reach(self, root: str, dropped: t.Container[str], upheld_by_link: bool = True) -> set[str]:
        """Everything that is pulled in, and not dropped."""
        found = {root}
        pending = [root]
        while pending:
            name = pending.pop()
            # Requirements come first, and where one fails, systemd looks no further.
            fails = name != root and any(one in dropped or self._problem(one) is not None for one in self.strong(name))
            links = self._linked(self.unit(name), ".upholds") if upheld_by_link else []
            for other in self.strong(name) if fails else (*self.strong(name), *self.weak(name), *links):
                if other not in found and other not in dropped and self._problem(other) is None:
                    found.add(other)
                    pending.append(other)
        return found

    def matters(self, root: str, started: t.Container[str]) -> set[str]:
        """What is required all the way from the root; it stays where something else conflicts with it."""
        found = {root}
        pending = [root]
        while pending:
            for other in self.strong(pending.pop()):
                if other in started and other not in found:
                    found.add(other)
                    pending.append(other)
        return found

    def failures(self, reached: t.Iterable[str], dropped: t.Container[str]) -> dict[str, str]:
        """Units of which a requirement is not started, with the reason, and those that require them.

        systemd 257 leaves them out, and 252 starts them all the same (both seen); what they want is started by neither.
        """
        found: dict[str, str] = {}
        more = True
        while more:
            more = False
            for name in sorted(set(reached) - found.keys()):
                for other in self.strong(name):
                    problem = "is not started" if other in dropped or other in found else self._problem(other)
                    if problem is not None:
                        found[name] = f"it requires {other}, which {problem}"
                        more = True
                        break
        return found

    def _problem(self, name: str) -> str | None:
        """Why a unit cannot be started, or None."""
        unit = self.unit(name)
        suffix = parse_name(name).suffix
        if unit.load == "masked":
            return "is masked"
        if unit.load == "not-found":
            return None if suffix in _WITHOUT_FILE else "does not exist"
        if unit.load == "error":
            return f"cannot be read: {unit.problem}"
        starts_something = any(unit.all("Service", key) for key in ("ExecStart", "ExecStop", "SuccessAction", "FailureAction"))
        if suffix == "service" and not starts_something:
            return "has no ExecStart="
        return None

    def conflict(self, started: set[str], matters: set[str], unsure: dict[str, str]) -> dict[str, str] | None:
        """A unit that surely gives way to another that it conflicts with, or None; conflicts of which nobody can tell
        who gives way are added to ``unsure``.

        The unit that another names in ``Conflicts=`` gives way, unless the boot requires it and not the other. Where each
        names the other, or where something else that is started requires the one that would give way, it depends on the
        order of a hash table that differs from boot to boot (``delete_one_unmergeable_job``; seen).
        """
        for name in sorted(started):
            for other in self._named(name, "Conflicts"):
                if other == name or other not in started or other in unsure or name in unsure:
                    continue
                if name in matters and other in matters:
                    why = f"{name} and {other} conflict, and the boot requires both"
                elif other in matters:
                    return {name: f"it conflicts with {other}, which the boot requires"}
                elif name in matters or not (name in self._named(other, "Conflicts") or self._depends_on(other, started)):
                    return {other: f"{name} is started too, and conflicts with it"}
                else:
                    why = f"{name} and {other} conflict, and either may give way"
                for one in (name, other, *self._depends_on(other, started), *self._depends_on(name, started)):
                    unsure[one] = why
        return None

    def _depends_on(self, name: str, started: t.Iterable[str]) -> list[str]:
        """The started units that are stopped with a unit."""
        return [
            one
            for one in started
            if name in self.strong(one) or name in self._named(one, "PartOf") or name in self._named(one, "Requisite")
        ]

    def strong(self, name: str) -> list[str]:
        """The units that it cannot be started without."""
        found = self._strong.get(name)
        if found is None:
            unit = self.unit(name)
            words = [*self._named(name, "Requires"), *self._named(name, "BindsTo"), *self._linked(unit, ".requires")]
            words += (self.own(one) for one in _implied(unit))
            found = self._strong[name] = list(dict.fromkeys(one for one in words if one != name))
        return found

    def weak(self, name: str) -> list[str]:
        """The units that are started with it, if they can be."""
        found = self._weak.get(name)
        if found is None:
            unit = self.unit(name)
            words = [*self._named(name, "Wants"), *self._named(name, "Upholds"), *self._named(name, "Sockets", "Service")]
            words += self._linked(unit, ".wants")
            found = self._weak[name] = list(dict.fromkeys(one for one in words if one != name))
        return found

    def _named(self, name: str, key: str, section: str = "Unit") -> list[str]:
        # Dependencies cannot be taken back by an empty assignment (systemd.unit(5)).
        unit = self.unit(name)
        return [self.own(word) for one in unit.all(section, key) for word in _unit_words(unit, one.value)]

    def _linked(self, unit: MergedUnit, suffix: str) -> list[str]:
        """The units that have a link in a folder of the unit: ``multi-user.target.wants/web.service``."""
        found = []
        for path in self._names.drop_in_files(unit.names, suffix, ""):
            name = path.rpartition("/")[2]
            if self._names.is_masked(path) or "." not in name:
                continue
            parts = parse_name(name)
            instance = parse_name(unit.name).instance
            if parts.is_template and instance:
                name = f"{parts.prefix}@{instance}.{parts.suffix}"
            found.append(self.own(name))
        return found

    def conditions(self, started: t.Iterable[str]) -> tuple[dict[str, tuple[Setting, ...]], dict[str, str]]:
        """The conditions of units that may fail, and units of which one surely does."""
        open_ones: dict[str, tuple[Setting, ...]] = {}
        failed = {}
        for name in started:
            unit = self.unit(name)
            all_of_it = [one for one in unit.settings if one.section == "Unit" and one.key.startswith(("Condition", "Assert"))]
            for kind in ("Condition", "Assert"):
                settings = reset([one for one in all_of_it if one.key.startswith(kind)])
                truth, doubtful = _evaluate(settings, self._holds)
                if truth is False:
                    failed[name] = f"its {kind.lower()} {doubtful[0].key}={doubtful[0].value} does not hold"
                elif doubtful:
                    open_ones[name] = (*open_ones.get(name, ()), *doubtful)
        return open_ones, failed

    def triggered(self, started: t.Iterable[str]) -> dict[str, tuple[str, ...]]:
        """What sockets, timers and paths may start later, by name."""
        found: dict[str, list[str]] = {}
        for name in sorted(started):
            suffix = parse_name(name).suffix
            if suffix not in _TRIGGERS:
                continue
            unit = self.unit(name)
            stem = name.rpartition(".")[0]
            named = unit.last(suffix.capitalize(), _TRIGGERS[suffix])
            template = suffix == "socket" and unit.flag("Socket", "Accept") and named is None
            target = f"{stem}@.service" if template else f"{stem}.service"
            if named is not None:
                target = next(iter(_unit_words(unit, named.value)), target)
            other = self.own(target)
            if other not in started:
                found.setdefault(other, []).append(name)
        return {name: tuple(by) for name, by in found.items()}


def _unit_words(unit: MergedUnit, text: str) -> list[str]:
    return [expand_specifiers(word, unit.name, unit.fragment or "").text for word in text.split()]


def _implied(unit: MergedUnit) -> list[str]:
    """Requirements that no file names (systemd.special(7), "Automatic Dependencies" of each type's manual page)."""
    suffix = parse_name(unit.name).suffix
    found = []
    if suffix in _NEED_SYSINIT and unit.flag("Unit", "DefaultDependencies", default=True):
        found.append("sysinit.target")
    section = _SECTIONS.get(suffix)
    if section is not None:
        slice_ = unit.last(section, "Slice")
        found.append("system.slice" if slice_ is None else expand_specifiers(slice_.value, unit.name).text)
    kind = unit.last("Service", "Type")
    if suffix == "service" and kind is not None and kind.value == "dbus":
        found.append("dbus.socket")
    return found


def _evaluate(settings: t.Sequence[Setting], holds: t.Callable[[Setting], bool | None]) -> tuple[bool | None, list[Setting]]:
    """Whether a unit's conditions hold, and those that decide it: all without ``|`` must, and one of those with it."""
    needed = [one for one in settings if not one.value.startswith("|")]
    optional = [one for one in settings if one.value.startswith("|")]
    answers = [(one, holds(one)) for one in needed]
    failed = [one for one, truth in answers if truth is False]
    if failed:
        return False, failed
    doubtful = [one for one, truth in answers if truth is None]
    if optional:
        any_of = [(one, holds(one)) for one in optional]
        if all(truth is False for _one, truth in any_of):
            return False, optional
        if not any(truth for _one, truth in any_of):
            doubtful += [one for one, truth in any_of if truth is None]
    return (None if doubtful else True), doubtful
