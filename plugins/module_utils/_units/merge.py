# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A unit out of its files: which file counts, which drop-ins change it, what it is called, and what it pulls in.

The rules are those of systemd.unit(5), "Unit File Load Path", and of ``unit_file_build_name_map``
(src/shared/unit-file.c), ``unit_file_find_dropin_paths`` (src/shared/dropin.c) and ``conf_files_list_strv`` in systemd.
"""

from __future__ import annotations

import typing as t

from .._errors import Unparsable
from .specifiers import parse_name
from .unit_file import parse_unit_file

SEARCH_PATH = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",  # where it is not /usr/lib
    "/run/systemd/generator.late",
)
"""Folders of the system manager's units; the first that has a name wins."""

VOLATILE = ("/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/system", "/run/systemd/system.attached")
"""Those that do not outlive a reboot. Generators write theirs anew at every boot."""

_TYPES = frozenset(("service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope"))
_LONGEST_CHAIN = 10  # of links; systemd gives up as well


class UnitTree(t.NamedTuple):
    """What the folders of units hold, by path. ``files`` are texts, ``links`` where symbolic links point (an absolute
    path, its links not followed), ``folders`` the names in each folder that has any. ``unread`` are files that exist
    and could not be read, with the reason."""

    files: t.Mapping[str, str]
    links: t.Mapping[str, str]
    folders: t.Mapping[str, tuple[str, ...]]
    unread: t.Mapping[str, str]
    search: tuple[str, ...] = SEARCH_PATH


class Setting(t.NamedTuple):
    """An assignment and the file that it stands in."""

    section: str
    key: str
    value: str
    line: int
    file: str


class MergedUnit(t.NamedTuple):
    """A unit as systemd would load it. ``fragment`` is None where only drop-ins exist; ``load`` is ``loaded``,
    ``masked``, ``not-found`` or ``error`` (then ``problem`` says what is wrong). ``names`` are its own first, then its
    aliases. ``by_key`` has the settings by section and key, for each is asked for often."""

    name: str
    names: tuple[str, ...]
    fragment: str | None
    drop_ins: tuple[str, ...]
    load: str
    settings: tuple[Setting, ...]
    by_key: t.Mapping[tuple[str, str], t.Sequence[Setting]]
    problem: str = ""

    def all(self, section: str, key: str) -> t.Sequence[Setting]:
        """Every assignment of a key, empty ones too."""
        return self.by_key.get((section, key), ())

    def listed(self, section: str, key: str) -> list[Setting]:
        """The assignments of a key that adds up: an empty one forgets those before it."""
        return reset(self.all(section, key))

    def last(self, section: str, key: str) -> Setting | None:
        """The assignment of a key of which the last counts; None where there is none or the last is empty."""
        found = self.all(section, key)
        return found[-1] if found and found[-1].value else None

    def flag(self, section: str, key: str, default: bool = False) -> bool:
        """A boolean; what is none is ignored, as systemd does."""
        for one in reversed(self.all(section, key)):
            truth = parse_boolean(one.value)
            if truth is not None:
                return truth
        return default


def _by_key(settings: t.Iterable[Setting]) -> dict[tuple[str, str], list[Setting]]:
    found: dict[tuple[str, str], list[Setting]] = {}
    for one in settings:
        found.setdefault((one.section, one.key), []).append(one)
    return found


def reset(settings: t.Iterable[Setting]) -> list[Setting]:
    """The settings behind the last empty one."""
    found: list[Setting] = []
    for one in settings:
        if one.value:
            found.append(one)
        else:
            found.clear()
    return found


def parse_boolean(text: str) -> bool | None:
    """``yes``, ``on``, ``1``, ``t`` ...; None for what is neither (``parse_boolean`` in src/basic/parse-util.c)."""
    plain = text.lower()
    if plain in ("1", "yes", "y", "true", "t", "on"):
        return True
    return False if plain in ("0", "no", "n", "false", "f", "off") else None


def is_unit_name(name: str) -> bool:
    """Whether a file's name is that of a unit."""
    stem, _dot, suffix = name.rpartition(".")
    return bool(stem) and suffix in _TYPES


def find_names(tree: UnitTree) -> list[str]:
    """Every name that has a file or a link in the folders, sorted; templates and aliases among them."""
    return sorted({name for folder in tree.search for name in tree.folders.get(folder, ()) if is_unit_name(name)})


class Names:
    """Which file each name leads to. Built once for a tree; every look-up is cheap."""

    def __init__(self, tree: UnitTree, others: Names | None = None) -> None:
        """``others`` are names of the same files, whose texts need not be parsed again."""
        self.tree = tree
        self._paths: dict[str, str] = {}
        for folder in tree.search:
            for name in tree.folders.get(folder, ()):
                if name not in self._paths and is_unit_name(name):
                    self._paths[name] = f"{folder}/{name}"
        self._aliases: dict[str, list[str]] = {}
        for name in self._paths:
            own, _path = self._follow(name)
            if own != name:
                self._aliases.setdefault(own, []).append(name)
        # Few units have a folder of drop-ins or links; the rest need no look at every place where one might be.
        self._special = {path.rpartition("/")[2] for path in tree.folders}
        self._parsed: dict[str, tuple[Setting, ...] | Unparsable] = {} if others is None else others._parsed
        self._merged: dict[str, MergedUnit] = {}

    def resolve(self, name: str) -> tuple[str, str | None]:
        """The name that a name stands for, and the path of its file: None where there is none, ``/dev/null`` where it
        is masked. An instance without a file of its own has its template's."""
        own, path = self._follow(name)
        if path is not None:
            return own, path
        parts = parse_name(own)
        if not parts.instance:
            return own, None
        template, path = self._follow(parts.template)
        if path is not None and template != parts.template:
            # autovt@.service -> getty@.service: autovt@tty2.service is getty@tty2.service.
            target = parse_name(template)
            own = f"{target.prefix}@{parts.instance}.{target.suffix}" if target.is_template else template
        return own, path

    def aliases(self, name: str) -> list[str]:
        """The other names of a unit, sorted."""
        parts = parse_name(name)
        found = list(self._aliases.get(name, ()))
        if parts.instance:
            for alias in self._aliases.get(parts.template, ()):
                other = parse_name(alias)
                if other.is_template:
                    found.append(f"{other.prefix}@{parts.instance}.{other.suffix}")
        return sorted(found)

    def _follow(self, name: str) -> tuple[str, str | None]:
        """Follows links from name to name within the folders; a link that leaves them is a linked unit."""
        tree = self.tree
        for _step in range(_LONGEST_CHAIN):
            path = self._paths.get(name)
            if path is None:
                return name, None
            target = tree.links.get(path)
            if target is None:
                return name, "/dev/null" if tree.files.get(path) == "" else path
            if target == "/dev/null" or tree.files.get(target) == "":
                return name, "/dev/null"
            folder, _slash, base = target.rpartition("/")
            if not is_unit_name(base) or folder not in tree.search:
                # Linked from elsewhere (systemctl link): known by the path of the link.
                return name, path if self._end(target) else None
            if base == name or (parse_name(name).instance and parse_name(base).is_template):
                # A link for one instance: foo@bar.service -> foo@.service has the template's text and its own name.
                return name, self._end(target)
            if base not in self._paths:
                return name, None
            name = base
        return name, None

    def _end(self, path: str) -> str | None:
        for _step in range(_LONGEST_CHAIN):
            target = self.tree.links.get(path)
            if target is None:
                return path if path in self.tree.files or path in self.tree.unread or path == "/dev/null" else None
            path = target
        return None

    def drop_in_files(self, names: t.Sequence[str], suffix: str, file_suffix: str) -> list[str]:
        """The files in ``<name><suffix>/`` of all names and their prefixes, in the order in which they apply: by file
        name, whatever folder they are in. Of one file name the first folder's counts."""
        found: dict[str, str] = {}
        folders = self.tree.folders
        search = self.tree.search
        types = dict.fromkeys(parse_name(name).suffix for name in names)
        kinds = [_with_prefixes(one) for one in names] + [[one] for one in types if suffix == ".d"]
        for variants in kinds:
            special = [one for one in (f"{variant}{suffix}" for variant in variants) if one in self._special]
            for folder in search if special else ():
                for variant in special:
                    place = f"{folder}/{variant}"
                    for file in folders.get(place, ()):
                        if file.endswith(file_suffix):
                            found.setdefault(file, f"{place}/{file}")
        return [found[file] for file in sorted(found)]

    def is_masked(self, path: str) -> bool:
        """Whether a file is empty or a link to ``/dev/null``: then it only hides those of its name."""
        end = self._end(path)
        return end == "/dev/null" or self.tree.files.get(end or path) == ""

    def merge(self, name: str) -> MergedUnit:
        """The unit of a name, out of its file and drop-ins. Never raises: ``load`` is ``error`` where its file cannot be
        read; a drop-in that cannot be read leaves a ``problem`` only, as systemd goes on without it."""
        found = self._merged.get(name)
        if found is None:
            found = self._merged[name] = self._merge(name)
        return found

    def _merge(self, name: str) -> MergedUnit:
        own, path = self.resolve(name)
        names = (own, *self.aliases(own))
        if path == "/dev/null":
            return MergedUnit(own, names, None, (), "masked", (), {})
        drop_ins = [file for file in self.drop_in_files(names, ".d", ".conf") if not self.is_masked(file)]
        settings: list[Setting] = []
        load = "loaded" if path else "not-found"
        problem = ""
        for file in [*([path] if path else []), *drop_ins]:
            try:
                settings += self._parse(file)
            except Unparsable as error:
                problem = problem or str(error)
                load = "error" if file == path else load
        return MergedUnit(own, names, path, tuple(drop_ins), load, tuple(settings), _by_key(settings), problem)

    def _parse(self, path: str) -> tuple[Setting, ...]:
        known = self._parsed.get(path)
        if known is None:
            end = self._end(path) or path
            text = self.tree.files.get(end)
            try:
                if text is None:
                    raise Unparsable(f"{path}: {self.tree.unread.get(end, 'the file does not exist')}")
                known = tuple(Setting(*one, path) for one in parse_unit_file(text, path))
            except Unparsable as error:
                known = error
            self._parsed[path] = known
        if isinstance(known, Unparsable):
            raise known
        return known


def _with_prefixes(name: str) -> list[str]:
    """``foo-bar@x.service``, ``foo-bar@.service``, ``foo-.service``, ``foo-@x.service`` ...: whose folders apply, the most
    special first."""
    found = [name]
    parts = parse_name(name)
    if parts.instance:
        found += _with_prefixes(parts.template)
    prefix = parts.prefix.removesuffix("-")
    head, dash, _tail = prefix.rpartition("-")
    if dash and head:
        middle = f"@{parts.instance}" if parts.instance else ""
        found += _with_prefixes(f"{head}-{middle}.{parts.suffix}")
    return list(dict.fromkeys(found))
