# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What files and folders on the controller say of a host: units, quadlets, Compose, Kubernetes, plays and roles.

The kind of a file is told by its name, its place and its content. What looks like a manifest and cannot be read is an
error; every other file is listed as not judged.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..module_utils._containers.compose import declare_project, find_project
from ..module_utils._containers.compose_interpolation import parse_env_file
from ..module_utils._containers.compose_names import DEFAULT_FILES, OVERRIDE_FILES
from ..module_utils._containers.kubernetes import declare_manifests, is_manifest
from ..module_utils._containers.quadlet import declare_quadlets, is_quadlet
from ..module_utils._containers.tasks import is_playbook, is_task_list
from ..module_utils._errors import BadInput, CouldNotLook, GuardError
from ..module_utils._units.merge import is_unit_name
from ._manifest_files import ManifestFiles
from ._plays import PlayReader
from ._unit_folders import declare_units

if t.TYPE_CHECKING:
    from ..module_utils._ports.model import Declared
    from ._variables import HostVariables

MOST_FILES = 20_000
# Folders that hold no manifests of this host.
_SKIPPED = frozenset(("__pycache__", "node_modules", "molecule", "venv"))
# Where plays keep what only they use.
_OF_PLAYS = frozenset(("roles", "files", "templates", "tasks", "handlers", "vars", "defaults", "meta", "group_vars", "host_vars"))
_YAML = (".yml", ".yaml", ".json")
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".erb")
_COMPOSE_NAME = re.compile(r"(?:docker-|podman-)?compose(?:[._-].*)?\.ya?ml$")
_QUADLET_SUFFIXES = (".container", ".pod", ".kube", ".volume", ".network", ".image", ".build")
_SECTION = re.compile(r"(?m)^\[(?:Container|Pod|Kube|Volume|Network|Image|Build)\]\s*$")
# What a text that is no YAML must have in it to be missed.
_LOOKS_LIKE = re.compile(r"(?m)^(?:apiVersion:\s*\S+|services:\s*$|- hosts:|\s*- hosts:|  hosts:)")


class Manifests(t.NamedTuple):
    """What manifests declare; ``unread`` are the files that were not judged, each with the reason."""

    declared: tuple[Declared, ...]
    unread: tuple[tuple[str, str], ...]


def load_manifests(
    paths: t.Sequence[str],
    plays_here: t.Callable[[str], bool] | None = None,
    host: HostVariables | None = None,
) -> Manifests:
    """What files and folders declare. ``plays_here`` says whether a play with this pattern of hosts is for the host in
    question; without it every play is. ``host`` is what the inventory says of it; without it no variable is known.

    :raises BadInput: a path does not exist, or a file that was named is no manifest
    :raises CouldNotLook: what looks like a manifest cannot be read; the text names every such file and line
    """
    loader = _Loader(plays_here or (lambda _pattern: True), host)
    for path in paths:
        loader.take(path)
    return loader.finish()


def is_drop_in(path: str) -> bool:
    """Whether a path is that of a drop-in of a unit: ``web.service.d/10-port.conf``."""
    folder = os.path.basename(os.path.dirname(path))
    return path.endswith(".conf") and folder.endswith(".d") and is_unit_name(f"x.{folder[:-2].rpartition('.')[2]}")


def is_compose(document: t.Any) -> bool:
    """Whether a loaded document is a Compose file."""
    if not isinstance(document, dict) or "apiVersion" in document:
        return False
    services = document.get("services")
    if isinstance(services, dict):
        return any(isinstance(one, dict) and {"image", "build", "extends", "ports", "network_mode"} & set(one) for one in services.values())
    return services is None and isinstance(document.get("include"), list)


class _Loader:
    """Takes paths one by one, and declares at the end, when it is known what belongs together."""

    def __init__(self, plays_here: t.Callable[[str], bool], host: HostVariables | None) -> None:
        self._files = ManifestFiles()
        self._plays = PlayReader(self._files, plays_here, host)
        self._units: dict[str, str] = {}
        self._quadlets: dict[str, str] = {}
        self._projects: set[str] = set()
        self._declared: list[Declared] = []
        self._unread: dict[str, str] = {}
        self._problems: list[str] = []
        self._seen: set[str] = set()

    def take(self, path: str) -> None:
        if os.path.isdir(path):
            self._folder(path)
        elif os.path.exists(path):
            self._file(path, named=True)
        else:
            raise BadInput(f"manifests: there is no file or folder {path}")

    def finish(self) -> Manifests:
        for folder in sorted({os.path.dirname(path) for path in self._units if not is_drop_in(path)}):
            mine = {path: text for path, text in self._units.items() if os.path.dirname(path) == folder or self._is_below(path, folder)}
            self._attempt(lambda mine=mine: declare_units(mine, {}))  # type: ignore[misc]
        self._attempt(lambda: declare_quadlets(self._quadlets))
        self._attempt(self._plays.declare)
        self._problems += self._plays.problems
        if self._problems:
            raise CouldNotLook("manifests that cannot be read: " + "; ".join(dict.fromkeys(self._problems)))
        unread = {path: why for path, why in self._unread.items() if path not in self._plays.reached}
        unread.update(self._plays.unread)
        return Manifests(tuple(dict.fromkeys(self._declared)), tuple(sorted(unread.items())))

    def _is_below(self, path: str, folder: str) -> bool:
        return is_drop_in(path) and os.path.dirname(os.path.dirname(path)) == folder

    def _attempt(self, declare: t.Callable[[], t.Iterable[Declared]]) -> None:
        try:
            self._declared += declare()
        except GuardError as error:
            self._problems.append(str(error))

    def _folder(self, root: str) -> None:
        paths = self._walk(root)
        playbooks = [path for path in paths if path.endswith((".yml", ".yaml")) and self._is_playbook(path, root)]
        for path in paths:
            inner = set(os.path.relpath(os.path.dirname(path), root).split(os.sep))
            if playbooks and inner & _OF_PLAYS:
                self._skip(path, "no play for this host reaches it")
            else:
                self._file(path, named=False)
        if not playbooks:
            self._plays.take_roles(root, paths)

    def _walk(self, root: str) -> list[str]:
        found: list[str] = []
        for folder, folders, names in os.walk(root, onerror=self._cannot_list):
            for name in list(folders):
                if name in _SKIPPED or (name.startswith(".") and name != ".config"):
                    folders.remove(name)
                    self._skip(os.path.join(folder, name), "a folder that is not looked into")
            folders.sort()
            found += (os.path.join(folder, name) for name in sorted(names))
            if len(found) > MOST_FILES:
                raise CouldNotLook(f"{root}: more than {MOST_FILES} files; name the folders that hold manifests")
        return found

    def _cannot_list(self, error: OSError) -> None:
        self._problems.append(f"{error.filename}: {error.strerror}")

    def _skip(self, path: str, why: str) -> None:
        self._unread.setdefault(path, why)

    def _is_playbook(self, path: str, root: str) -> bool:
        if set(os.path.relpath(os.path.dirname(path), root).split(os.sep)) & (_OF_PLAYS - {"roles"}):
            return False
        try:
            return any(is_playbook(document) for document in self._files.load(path, "1.1", strict_keys=False))
        except GuardError:
            return False

    def _file(self, path: str, named: bool) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        try:
            judged = self._judge(path, named)
        except GuardError as error:
            self._problems.append(str(error))
            return
        if judged is not None and named:
            raise BadInput(f"manifests: {path} is not judged: {judged}")
        if judged is not None:
            self._skip(path, judged)

    def _judge(self, path: str, named: bool) -> str | None:
        """Take a file up; the reason where it is not judged."""
        name = os.path.basename(path)
        if name.endswith(_TEMPLATES):
            return "a template, which counts where a task writes it"
        if is_unit_name(name) or is_drop_in(path):
            self._units[path] = self._files.read(path)
            return None
        if name.endswith(_QUADLET_SUFFIXES) or (path.endswith(".conf") and is_quadlet(os.path.dirname(path).removesuffix(".d"))):
            text = self._files.read(path)
            if _SECTION.search(text):
                self._quadlets[path] = text
                return None
        if name.endswith(_YAML):
            return self._yaml(path, named)
        return "no manifest"

    def _yaml(self, path: str, named: bool) -> str | None:
        text = self._files.read(path)
        if "{{" in text and os.path.isfile(os.path.join(os.path.dirname(os.path.dirname(path)), "Chart.yaml")):
            return "a template of a Helm chart, which is not rendered"
        try:
            documents = self._files.load(path, "1.1", strict_keys=False)
        except GuardError:
            if _COMPOSE_NAME.match(os.path.basename(path)) or _LOOKS_LIKE.search(text) or named:
                raise
            return "no YAML, and not like a manifest"
        if any(is_manifest(document) for document in documents):
            self._declared += declare_manifests(self._files.load(path, "core", strict_keys=False), path)
            return None
        if any(is_compose(document) for document in documents):
            return self._compose(path, named)
        if any(is_playbook(document) for document in documents):
            self._plays.take_playbook(path)
            return None
        if named and documents and all(is_task_list(document) for document in documents):
            self._plays.take_tasks(path)
            return None
        return "YAML that is no manifest"

    def _compose(self, path: str, named: bool) -> str | None:
        folder, name = os.path.split(path)
        siblings = self._files.names(folder or ".")
        environment = self._environment(folder)
        project = find_project(os.path.abspath(folder or "."), siblings, environment)
        belongs = [] if project is None else [os.path.basename(file) for file in project.files]
        if name in belongs or (not named and name in (*DEFAULT_FILES, *OVERRIDE_FILES) and belongs):
            if folder not in self._projects and project is not None:
                self._projects.add(folder)
                relative = tuple(os.path.join(folder, os.path.relpath(file, os.path.abspath(folder or "."))) for file in project.files)
                self._declared += declare_project(project._replace(files=relative), _Relative(self._files, project.directory, folder))
            return None if name in belongs else "`docker compose` takes another file of its folder"
        if belongs and not named:
            return "`docker compose` in its folder does not take it; name it to have it judged"
        alone = find_project(os.path.abspath(folder or "."), siblings, environment, files=[name])
        if alone is not None:
            self._declared += declare_project(alone._replace(files=(path,)), _Relative(self._files, alone.directory, folder))
        return None

    def _environment(self, folder: str) -> dict[str, str]:
        """Only what lies beside the project: the controller's own environment is not the host's."""
        path = os.path.join(folder, ".env")
        return parse_env_file(self._files.text(path) or "", path, {})


class _Relative:
    """Reads the files of a project by absolute paths, and names them as they were given."""

    def __init__(self, files: ManifestFiles, directory: str, folder: str) -> None:
        self._files, self._directory, self._folder = files, directory, folder

    def _path(self, path: str) -> str:
        if not os.path.isabs(path) or os.path.isabs(self._folder):
            return path
        return os.path.normpath(os.path.join(self._folder, os.path.relpath(path, self._directory)))

    def documents(self, path: str) -> list[t.Any]:
        return self._files.documents(self._path(path))

    def text(self, path: str) -> str | None:
        return self._files.text(self._path(path))
