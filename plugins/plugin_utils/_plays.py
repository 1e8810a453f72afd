# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Plays and roles as files: what their tasks ask of a host, and what the files say that they write there.

Roles, task files, copied files and templates are followed where they exist. Of templates, plain variables are put in as
far as :mod:`._variables` knows them; every other ``{{ }}`` is unknown, and what depends on ``{% %}`` is no certain claim.
"""

from __future__ import annotations

import os
import posixpath
import re
import typing as t

from ..module_utils._containers.compose import Project, declare_project, find_project
from ..module_utils._containers.compose_interpolation import parse_env_file
from ..module_utils._containers.kubernetes import declare_manifests, is_manifest
from ..module_utils._containers.marks import Mark
from ..module_utils._containers.quadlet import declare_quadlets
from ..module_utils._containers.tasks import HANDLER, Condition, Findings, decide_again, limit, read_plays, read_tasks
from ..module_utils._errors import CouldNotLook, GuardError, NothingThere
from ..module_utils._ports.model import UNIT_IS_NOT_HERE, Declared
from ..module_utils._units.merge import is_unit_name
from ._unit_folders import declare_units
from ._variables import HostVariables, Told, Variables
from ._yaml_lines import load_documents

if t.TYPE_CHECKING:
    from ..module_utils._containers.tasks import ComposeUse, Reference, ServiceState, Written
    from ._manifest_files import ManifestFiles

_MOST_DEPTH = 30
_MOST_FILES = 5_000
_MOST_ROUNDS = 10
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
# ExecStart=/usr/bin/web --port {{ port }}
_OPEN_SETTING = re.compile(r"(?m)^\s*(?:Exec\w+|Environment|Listen\w+|EnvironmentFile)\s*=(?:.*\\\n)*.*\{\{")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_QUADLETS = (".container", ".pod", ".kube", ".volume", ".network", ".image", ".build")
_YAML = (".yml", ".yaml")
_DROP_IN = re.compile(r"\.(?:service|socket|container|pod|kube)\.d/[^/]+\.conf$")


class _Place(t.NamedTuple):
    """Where names in tasks are looked up: the playbook's folder, the role's, and that of the file with the task."""

    playbook: str
    role: str | None
    here: str
    depth: int = 0


class _Placed(t.NamedTuple):
    """A file as it will lie on the host. ``text`` has as many empty lines in front as make its lines those of
    ``origin``."""

    text: str
    origin: str
    condition: Condition


class PlayReader:
    """Takes playbooks, roles and files of tasks; :meth:`declare` tells what they come to.

    A task may set a variable that another one, read before it, uses. So all is read again until nothing new is learnt
    of variables.
    """

    def __init__(self, files: ManifestFiles, plays_here: t.Callable[[str], bool], host: HostVariables | None = None) -> None:
        self._files, self._plays_here, self._host = files, plays_here, host
        self._takes: list[t.Callable[[], None]] = []
        self._told = Told()
        self._begin()

    def _begin(self) -> None:
        self._declared: list[Declared] = []
        self._written: dict[str, _Placed] = {}
        self._states: list[ServiceState] = []
        self._projects: list[ComposeUse] = []
        self._done: set[t.Any] = set()
        self.reached: set[str] = set()
        self.unread: dict[str, str] = {}
        self.problems: list[str] = []

    # What is taken in

    def take_playbook(self, path: str) -> None:
        """Read a playbook, and what it takes in."""
        self._takes.append(lambda: self._playbook_at(path, Condition(), 0))

    def take_roles(self, root: str, paths: t.Sequence[str]) -> None:
        """Read the roles below a folder that has no play."""
        for path in paths:
            if re.search(r"(?:^|/)tasks/main\.ya?ml$", path):
                role = os.path.dirname(os.path.dirname(path))
                place = _Place(root, None, root)
                self._takes.append(lambda role=role, place=place: self._role_at(role, "main", Condition(), place, self._variables()))  # type: ignore[misc]

    def take_tasks(self, path: str) -> None:
        """Read a file of tasks that stands for itself."""
        folder = os.path.dirname(path)
        role = os.path.dirname(folder) if os.path.basename(folder) == "tasks" else None
        place = _Place(folder, role, folder)

        def take() -> None:
            self._tasks_at(path, Condition(), place, self._variables() if role is None else self._variables().in_role(role))

        self._takes.append(take)

    def _variables(self) -> Variables:
        return Variables(self._host, self._told, self._files)

    def _read_all(self) -> None:
        for _round in range(_MOST_ROUNDS):
            known = self._told.size()
            self._begin()
            for take in self._takes:
                self._attempt(take)
            if self._told.size() == known:
                return
        raise CouldNotLook(f"variables that depend on one another more than {_MOST_ROUNDS} deep")

    def _playbook_at(self, path: str, condition: Condition, depth: int) -> None:
        if (path, condition) in self._done or depth > _MOST_DEPTH:
            return
        self._done.add((path, condition))
        self.reached.add(path)
        folder = os.path.dirname(path)
        variables = self._variables().in_folder(folder)
        for document in self._documents(path):
            for play in read_plays(document, path, lambda play: variables.in_play(play, folder)):
                if play.imported is not None:
                    self._playbook(play.imported, folder, condition, depth)
                elif self._plays_here(play.hosts):
                    self._take(_under(play.findings, condition), _Place(folder, None, folder))

    def _attempt(self, read: t.Callable[[], None]) -> None:
        try:
            read()
        except GuardError as error:
            self.problems.append(str(error))

    def _documents(self, path: str) -> list[t.Any]:
        return self._files.load(path, "1.1", strict_keys=False)

    def _playbook(self, reference: Reference, folder: str, condition: Condition, depth: int) -> None:
        path = os.path.normpath(os.path.join(folder, reference.name))
        if "{{" in reference.name or not self._files.is_file(path):
            self._not_followed(reference.mark, f"there is no playbook {reference.name} here")
            return
        self._playbook_at(path, condition.and_(*reference.condition.texts), depth + 1)

    def _not_followed(self, mark: Mark, why: str) -> None:
        self.unread.setdefault(str(mark), why)

    def _take(self, findings: Findings, place: _Place) -> None:
        self._declared += findings.declared
        self._states += findings.states
        self._projects += findings.projects
        self._told.changing.update(findings.variables)
        for written in findings.written:
            self._write(written, place)
        for reference in findings.references:
            self._follow(reference, place)

    def _follow(self, reference: Reference, place: _Place) -> None:
        if reference.kind == "variables":
            self._variables_file(reference, place)
        elif place.depth > _MOST_DEPTH:
            self._not_followed(reference.mark, f"{reference.name}: taken in more than {_MOST_DEPTH} deep")
        elif "{{" in reference.name or not reference.name:
            self._not_followed(reference.mark, f"the {reference.kind} {reference.name} are named by a variable")
        elif reference.kind == "role":
            self._role(reference, place)
        else:
            self._tasks(reference, place)

    def _role(self, reference: Reference, place: _Place) -> None:
        name = reference.name.rpartition(".")[2] if reference.name.count(".") == 2 else reference.name
        beside = [os.path.dirname(place.role)] if place.role else []
        collection = os.path.join(os.path.dirname(place.playbook or "."), "roles")
        folders = [os.path.join(place.playbook, "roles"), *beside, place.playbook, collection]
        path = next((found for found in (os.path.normpath(os.path.join(one, name)) for one in folders) if os.path.isdir(found)), None)
        if path is None or not os.path.isdir(os.path.join(path, "tasks")):
            self._not_followed(reference.mark, f"the role {reference.name} is not here")
            return
        condition: Condition | None = reference.condition
        if reference.inherited:
            condition = decide_again(reference.condition, _scope(reference).in_role(path))
        if condition is not None:
            self._role_at(path, reference.tasks_from, condition, place, _scope(reference))

    def _role_at(self, path: str, tasks_from: str, condition: Condition, place: _Place, variables: Variables) -> None:
        if self._is_done(path, tasks_from, condition, variables):
            return
        inner = _Place(place.playbook, path, os.path.join(path, "tasks"), place.depth + 1)
        variables = variables.in_role(path)
        self._dependencies(path, condition, inner, variables)
        for folder, name, more in (("tasks", tasks_from, ()), ("handlers", "main", (HANDLER,))):
            found = self._yaml_file(os.path.join(path, folder, name))
            if found is not None:
                self._tasks_at(found, condition.and_(*more), inner, variables)

    def _is_done(self, path: str, tasks_from: str, condition: Condition, variables: Variables) -> bool:
        key = (path, tasks_from, condition, variables.key)
        if key in self._done:
            return True
        self._done.add(key)
        if len(self._done) > _MOST_FILES:
            raise CouldNotLook(f"{path}: tasks are taken in more than {_MOST_FILES} times")
        return False

    def _variables_file(self, reference: Reference, place: _Place) -> None:
        """``include_vars``: which variables it may set. Before it they have another value, so only what stays the same is known."""
        role = os.path.join(place.role, "vars") if place.role else None
        folders = [*([role] if role else []), place.here, os.path.join(place.playbook, "vars"), place.playbook]
        candidates = [os.path.normpath(os.path.join(folder, reference.name)) for folder in folders]
        paths = [path for path in candidates if self._files.is_file(path)][:1]
        folder = next((path for path in candidates if os.path.isdir(path)), role)
        if not paths and folder is not None and os.path.isdir(folder):
            paths = [file for _inner, file in self._tree(folder) if file.endswith(_YAML)]
        for path in paths:
            _scope(reference).include(path)
        self._told.closed = self._told.closed or not paths

    def _dependencies(self, role: str, condition: Condition, place: _Place, variables: Variables) -> None:
        found = self._yaml_file(os.path.join(role, "meta", "main"))
        for document in self._documents(found) if found else []:
            depends = document.get("dependencies") if isinstance(document, dict) else None
            if isinstance(depends, list) and depends:
                for play in read_plays([{"hosts": "all", "roles": depends}], str(found), lambda _play: variables):
                    self._take(_under(play.findings, condition), place)

    def _yaml_file(self, path: str) -> str | None:
        return next((one for one in (path, f"{path}.yml", f"{path}.yaml") if self._files.is_file(one)), None)

    def _tasks(self, reference: Reference, place: _Place) -> None:
        folders = [place.here, *([os.path.join(place.role, "tasks")] if place.role else []), place.playbook]
        paths = (os.path.normpath(os.path.join(folder, reference.name)) for folder in folders)
        path = next((found for found in paths if self._files.is_file(found)), None)
        if path is None:
            self._not_followed(reference.mark, f"the tasks {reference.name} are not here")
            return
        self._tasks_at(path, reference.condition, place._replace(depth=place.depth + 1), _scope(reference))

    def _tasks_at(self, path: str, condition: Condition, place: _Place, variables: Variables) -> None:
        if self._is_done(path, "", condition, variables):
            return
        self.reached.add(path)
        for document in self._documents(path):
            self._take(read_tasks(document, Mark(path, 0), condition, variables), place._replace(here=os.path.dirname(path)))

    # Files that tasks write

    def _write(self, written: Written, place: _Place) -> None:
        dest = _EXPRESSION.sub(lambda match: re.sub(r"\s", "", match[0]), written.dest)
        if written.text is not None:
            self._put(dest, written.text, written.mark.file, written.mark.line, written.condition)
            return
        source = str(written.src)
        if not (_is_kept(dest) or _is_kept(source) or dest.endswith("/") or source.endswith("/")):
            return
        path = None if "{{" in source else self._find(source, "templates" if written.template else "files", place)
        if path is None:
            if _is_kept(dest) or _is_kept(source):
                self._not_followed(written.mark, f"the file {source} that the task writes is not here")
            return
        for inner, file in self._tree(path):
            target = posixpath.join(dest, inner) if inner else dest
            if not inner and (dest.endswith("/") or (not _is_kept(dest) and _is_kept(source))):
                target = posixpath.join(dest, _without_suffix(os.path.basename(file)))
            if _is_kept(target):
                self.reached.add(file)
                text = self._files.read(file)
                if written.template and isinstance(written.scope, Variables):
                    text = written.scope.fill_template(text)
                self._put(target, text, file, 1, written.condition)

    def _find(self, source: str, kind: str, place: _Place) -> str | None:
        folders = [os.path.join(place.role, kind), place.role, os.path.join(place.role, "tasks")] if place.role else []
        folders += [os.path.join(place.here, kind), os.path.join(place.playbook, kind), place.playbook]
        paths = (os.path.normpath(os.path.join(folder, source)) for folder in folders)
        return next((path for path in paths if os.path.exists(path)), None)

    def _tree(self, path: str) -> list[tuple[str, str]]:
        if not os.path.isdir(path):
            return [("", path)]
        return [
            (os.path.relpath(os.path.join(folder, name), path), os.path.join(folder, name))
            for folder, _folders, names in os.walk(path)
            for name in sorted(names)
        ]

    def _put(self, dest: str, text: str, origin: str, line: int, condition: Condition) -> None:
        if not _is_kept(dest):
            return
        text = _COMMENT.sub(_line_breaks, text)
        if _STATEMENT.search(text):
            condition = condition.and_(f"the template {origin} is rendered so")
        # Without blanks an expression is one word of a command line.
        plain = _EXPRESSION.sub(lambda match: re.sub(r"[^\S\n]", "", match[0]), _STATEMENT.sub(_line_breaks, text))
        self._written[dest] = _Placed("\n" * max(line - 1, 0) + plain, origin, condition)

    # What it comes to

    def declare(self) -> tuple[Declared, ...]:
        """All that the plays declare, with what the files say that they write.

        :raises GuardError: a file that is written is a manifest that cannot be read; the text names file and line
        """
        self._read_all()
        units = self._units()
        found = [*self._declared, *units, *self._quadlets(), *self._compose(), *self._kubernetes()]
        known = {one.name for one in units} | {one.unit for one in found if one.unit}
        for state in self._states:
            # A handler restarts what is there.
            if state.name not in known and (state.enabled or state.started) and HANDLER not in state.condition.texts:
                at_boot = "yes" if state.enabled else "unknown"
                found.append(_not_shown(state, at_boot))
        return tuple(_once(found))

    def _of(self, dest: str, declared: Declared) -> Declared:
        placed = self._written.get(dest)
        if placed is None:
            return declared
        unknown = tuple(text.replace(dest, placed.origin) for text in declared.unknown)
        return limit(declared._replace(file=placed.origin, unknown=unknown), placed.condition)

    def _units(self) -> list[Declared]:
        texts = {dest: placed.text for dest, placed in self._written.items()}
        units = {dest: text for dest, text in texts.items() if is_unit_name(posixpath.basename(dest)) or _DROP_IN.search(dest)}
        return [self._of(one.file, _not_rendered(one, texts)) for one in declare_units(units, texts, self._at_boot)]

    def _at_boot(self, name: str) -> str:
        states = [one for one in self._states if one.name == name and one.enabled is not None]
        if not states or states[-1].condition.texts:
            return "unknown"
        return "yes" if states[-1].enabled else "no"

    def _quadlets(self) -> list[Declared]:
        texts = {dest: placed.text for dest, placed in self._written.items() if dest.endswith(_QUADLETS) or _DROP_IN.search(dest)}
        return [self._of(one.file, one) for one in declare_quadlets(texts)]

    def _kubernetes(self) -> list[Declared]:
        found = []
        for dest, placed in self._written.items():
            if dest.endswith(_YAML):
                documents = self._load(dest)
                if any(is_manifest(document) for document in documents):
                    found += [limit(one, placed.condition) for one in declare_manifests(documents, placed.origin)]
        return found

    def _load(self, dest: str) -> list[t.Any]:
        placed = self._written[dest]
        try:
            try:
                return load_documents(_plain_expressions(placed.text, "jinja{{%s}}"), placed.origin, "core", strict_keys=False)
            except GuardError:
                # Braces without quotes are no text inside of [ ].
                return load_documents(_plain_expressions(placed.text, "$TEMPLATE_%s"), placed.origin, "core", strict_keys=False)
        except GuardError:
            if posixpath.basename(dest) in ("definition.yaml", "kube.yaml") or re.search(r"compose|(?m:^apiVersion:)", dest + placed.text):
                raise
            return []

    # Compose

    def documents(self, path: str) -> list[t.Any]:
        """The documents of a Compose file on the host."""
        if path not in self._written:
            raise NothingThere(f"{path}: no task writes it")
        return self._load(path)

    def text(self, path: str) -> str | None:
        return self._written[path].text if path in self._written else None

    def _compose(self) -> list[Declared]:
        found: list[Declared] = []
        folders, used = self._compose_folders(), set()
        for use in self._projects:
            if isinstance(use.definition, dict):
                found += self._defined(use)
                continue
            folder = _EXPRESSION.sub(lambda match: re.sub(r"\s", "", match[0]), use.source).rstrip("/")
            if folder in folders:
                found += self._project(folder, use.files, use.name, use.profiles, use.condition)
                used.add(folder)
            else:
                why = f"its ports stand in the Compose file in {use.source}, which no manifest shows"
                name = use.name or posixpath.basename(use.source.rstrip("/")) or "compose project"
                bare = Declared("container", name, use.mark.file, use.mark.line, (), (why,), "unknown", False, engine="docker")
                found.append(limit(bare, use.condition))
        for folder in sorted(folders - used):
            found += self._project(folder, (), None, (), Condition())
        return found

    def _compose_folders(self) -> set[str]:
        folders = set()
        for dest in self._written:
            if dest.endswith(_YAML) and any(isinstance(one, dict) and isinstance(one.get("services"), dict) for one in self._load(dest)):
                folders.add(posixpath.dirname(dest))
        return folders

    def _project(
        self, folder: str, files: t.Sequence[str], name: str | None, profiles: t.Sequence[str], condition: Condition
    ) -> list[Declared]:
        names = {posixpath.basename(dest) for dest in self._written if posixpath.dirname(dest) == folder}
        environment = parse_env_file(self.text(posixpath.join(folder, ".env")) or "", folder, {})
        project = find_project(folder, names, environment, files, name, profiles)
        if project is None:
            project = find_project(folder, names, environment, sorted(one for one in names if one.endswith(_YAML)), name, profiles)
        if project is None:
            return []
        found = []
        for one in declare_project(project, self):
            written = [self._written[file] for file in project.files if file in self._written]
            found.append(limit(one, condition.and_(*(text for placed in written for text in placed.condition.texts))))
        return found

    def _defined(self, use: ComposeUse) -> list[Declared]:
        file = use.mark.file
        project = Project((file,), use.source or "/", {}, use.name or "defined", use.profiles)
        return [limit(one, use.condition) for one in declare_project(project, _Definition(file, use.definition))]


class _Definition:
    """A Compose file that stands in a task."""

    def __init__(self, file: str, definition: t.Any) -> None:
        self._documents = {file: [definition]}

    def documents(self, path: str) -> list[t.Any]:
        if path not in self._documents:
            raise NothingThere(f"{path}: a file of the host, which no manifest shows")
        return self._documents[path]

    def text(self, path: str) -> str | None:
        """What it names lies on the host and cannot be read here."""
        if path in self._documents:
            raise NothingThere(f"{path}: no text of its own")
        return None


def _under(findings: Findings, condition: Condition) -> Findings:
    """The same, where all of it runs only under a condition."""
    if not condition.texts:
        return findings
    return Findings(
        tuple(limit(one, condition) for one in findings.declared),
        tuple(one._replace(condition=condition.and_(*one.condition.texts)) for one in findings.written),
        tuple(one._replace(condition=condition.and_(*one.condition.texts)) for one in findings.references),
        tuple(one._replace(condition=condition.and_(*one.condition.texts)) for one in findings.states),
        tuple(one._replace(condition=condition.and_(*one.condition.texts)) for one in findings.projects),
    )


def _once(found: t.Iterable[Declared]) -> list[Declared]:
    """What is taken in twice, once under a condition and once without, is certain."""
    best: dict[t.Any, Declared] = {}
    for one in found:
        key = (one.kind, one.name, one.file, one.line)
        if key not in best or len(one.unknown) < len(best[key].unknown):
            best[key] = one
    return list(best.values())


def _not_rendered(unit: Declared, texts: t.Mapping[str, str]) -> Declared:
    """A unit's command line or environment that was not rendered may name any port."""
    if unit.unknown or _OPEN_SETTING.search(texts.get(unit.file, "")) is None:
        return unit
    return unit._replace(unknown=("its settings depend on variables of a template that was not rendered",))


def _not_shown(state: ServiceState, at_boot: str) -> Declared:
    """A unit that a task starts, and of which only the host may know more."""
    unknown = [UNIT_IS_NOT_HERE]
    if state.condition.texts:
        unknown.append(f"its ports depend on whether {' and '.join(state.condition.texts)}")
    bare = Declared("unit", state.name, state.mark.file, state.mark.line, (), tuple(unknown), at_boot, True)
    return limit(bare, state.condition)


def _scope(reference: Reference) -> Variables:
    return t.cast("Variables", reference.scope)


def _line_breaks(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _without_suffix(name: str) -> str:
    return re.sub(r"\.(?:j2|jinja2?)$", "", name)


def _is_kept(path: str) -> bool:
    """Whether a file on the host may decide about ports: units, quadlets, drop-ins, YAML, ``.env``, ``/etc/default``."""
    name = _without_suffix(posixpath.basename(path))
    if is_unit_name(name) or name.endswith((*_QUADLETS, *_YAML, ".env")) or _DROP_IN.search(_without_suffix(path)):
        return True
    return path.startswith(("/etc/default/", "/etc/sysconfig/", "/etc/conf.d/"))


def _plain_expressions(text: str, written: str) -> str:
    """``{{ port | int }}`` as a word that YAML takes for a text and everybody for unknown; lines stay as they are."""
    return _EXPRESSION.sub(lambda match: written % re.sub(r"[^A-Za-z0-9_]", "_", match[0][2:-2].strip()), text)
