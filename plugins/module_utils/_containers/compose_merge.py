# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""How Compose makes one model out of several files: merging, ``extends``, ``include``, ``!reset`` and ``!override``.

Sources: https://docs.docker.com/reference/compose-file/ (Merge, Extend, Include), and what ``docker compose config``
2.26 makes of tests/cases/compose. Of a service only what decides about ports, data and the next boot is kept.
"""

from __future__ import annotations

import posixpath
import typing as t

from .._errors import Unparsable
from .compose_interpolation import fill_data, parse_env_file
from .marks import Items, Mark, Table, Tagged, entries, mark_of

if t.TYPE_CHECKING:
    Environment = t.Mapping[str, str]
    Path = tuple[str, ...]

_KEPT = (
    "command",
    "container_name",
    "depends_on",
    "deploy",
    "entrypoint",
    "extends",
    "image",
    "network_mode",
    "networks",
    "ports",
    "profiles",
    "restart",
    "scale",
    "volumes",
)
# What a second file replaces instead of adding to it.
_REPLACED = ("command", "entrypoint")
# What may be written as a list of names and is merged as a mapping.
_NAMED = ("depends_on", "networks")
_MOST_STEPS = 100
_RESOURCES = ("services", "volumes", "networks")


class Reader(t.Protocol):
    """Reads what a Compose file names, relative to nothing: paths are joined before."""

    def documents(self, path: str) -> t.Sequence[t.Any]:
        """The loaded documents of a YAML file.

        :raises GuardError: it is not there or cannot be read; the text names it
        """

    def text(self, path: str) -> str | None:
        """The text of a file, None where there is none."""


class Place(t.NamedTuple):
    """What stays the same while the files of one project, or of one inclusion, are read."""

    directory: str  # relative paths start here
    environment: Environment
    reader: Reader
    included: tuple[str, ...] = ()  # the files that led here


def load_model(files: t.Sequence[str], place: Place) -> Table:
    """One model out of files, the later ones over the earlier: services, volumes, networks.

    :raises GuardError: a file cannot be read, or Compose would refuse it
    """
    model = Table(Mark(files[0], 0))
    for file in files:
        for document in place.reader.documents(file):
            if not isinstance(document, dict):
                raise Unparsable(f"{file}: a Compose file is a mapping with services")
            data, resets = _clean(_kept(fill_data(document, place.environment, Mark(file, 0)), file))
            _extend_services(data, file, place, resets)
            for path in resets:
                _remove(model, path)
            _include(data, file, place)
            _merge_into(model, data, ())
    _resolve_paths(model, place.directory)
    return model


def join(directory: str, path: str) -> str:
    """A path that is relative to a directory, without ``.`` and ``..``; ``~`` and variables stay as they are."""
    if path.startswith(("/", "~", "$")):
        return path
    return posixpath.normpath(posixpath.join(directory, path))


def _kept(data: t.Any, file: str) -> Table:
    """The parts of a file that are read."""
    kept = Table(data.mark if isinstance(data, Table) else Mark(file, 0))
    for key in (*_RESOURCES, "include"):
        if key in data:
            kept.put(key, data[key], mark_of(data, key, kept.mark))
    services = kept.get("services")
    if isinstance(services, dict):
        place = services.mark if isinstance(services, Table) else kept.mark
        pruned = Table(place)
        for name, service in services.items():
            where = mark_of(services, name, place)
            pruned.put(name, _pruned(service, where), where)
        kept["services"] = pruned
    return kept


def _pruned(service: t.Any, mark: Mark) -> t.Any:
    if not isinstance(service, dict):
        return service
    table = Table(mark)
    for key in _KEPT:
        if key in service:
            table.put(key, service[key], mark_of(service, key, mark))
    return table


def _clean(data: Table) -> tuple[Table, tuple[Path, ...]]:
    """A file without its tags, and the paths that it resets: what ``!reset`` and ``!override`` stood at."""
    resets: list[Path] = []
    return _without_tags(data, (), resets), tuple(resets)


_GONE = object()


def _without_tags(value: t.Any, path: Path, resets: list[Path]) -> t.Any:
    if isinstance(value, Tagged):
        if value.tag in ("!reset", "!override"):
            resets.append(path)
        return _GONE if value.tag == "!reset" else _without_tags(value.value, path, resets)
    if isinstance(value, Table):
        table = Table(value.mark)
        for key, entry in value.items():
            cleaned = _without_tags(entry, (*path, key), resets)
            if cleaned is not _GONE:
                table.put(key, cleaned, value.marks[key])
        return table
    if isinstance(value, Items):
        items = Items(value.mark)
        for index, entry in enumerate(value):
            cleaned = _without_tags(entry, (*path, str(index)), resets)
            if cleaned is not _GONE:
                items.add(cleaned, value.marks[index])
        return items
    return value


def _remove(model: t.Any, path: Path) -> None:
    for key in path[:-1]:
        if not isinstance(model, dict) or key not in model:
            return
        model = model[key]
    if isinstance(model, dict) and path:
        model.pop(path[-1], None)


def _copy(value: t.Any) -> t.Any:
    if isinstance(value, Table):
        table = Table(value.mark)
        for key, entry in value.items():
            table.put(key, _copy(entry), value.marks[key])
        return table
    if isinstance(value, Items):
        items = Items(value.mark)
        for entry, mark in zip(value, value.marks):
            items.add(_copy(entry), mark)
        return items
    return value


def _merge_into(base: Table, other: Table, path: Path) -> None:
    """Put a later file (or an extending service) over an earlier one."""
    for key, value in other.items():
        mark = other.marks[key]
        if key in base:
            merged = _merged(base[key], value, (*path, key), mark)
            # An entry that grew keeps the place where it was begun.
            base.put(key, merged, base.marks[key] if merged is base[key] else mark)
        else:
            base.put(key, _copy(value), mark)


def _merged(base: t.Any, value: t.Any, path: Path, mark: Mark) -> t.Any:
    key = path[2] if path[0] == "services" and len(path) == 3 else ""
    if key in _REPLACED:
        return _copy(value)
    if value is None or base is None:
        return base if value is None else _copy(value)
    if key in _NAMED:
        base, value = named(base, mark), named(value, mark)
    if isinstance(base, Table):
        if not isinstance(value, Table):
            raise Unparsable(f"{mark}: {'.'.join(path)} is a mapping elsewhere and none here")
        _merge_into(base, value, path)
        return base
    if isinstance(base, Items):
        if not isinstance(value, Items):
            raise Unparsable(f"{mark}: {'.'.join(path)} is a list elsewhere and none here")
        for entry, place in zip(value, value.marks):
            base.add(_copy(entry), place)
        return base
    return _copy(value)


def named(value: t.Any, mark: Mark) -> t.Any:
    """A list of names as a mapping of nothing to them: ``[a, b]`` and ``{a: , b: }`` mean the same."""
    if not isinstance(value, Items):
        return value
    table = Table(value.mark)
    for entry, place in entries(value, mark):
        table.put(str(entry), None, place)
    return table


def _services(data: Table, file: str) -> Table:
    services = data.get("services")
    if services is None:
        return Table(Mark(file, 0))
    if not isinstance(services, Table):
        raise Unparsable(f"{mark_of(data, 'services', data.mark)}: services is no mapping")
    return services


def _extend_services(data: Table, file: str, place: Place, resets: tuple[Path, ...]) -> None:
    services = _services(data, file)
    for name in list(services):
        services[name] = _extended(name, services, file, place, resets, ())


def _extended(name: str, services: Table, file: str, place: Place, resets: tuple[Path, ...], way: tuple[str, ...]) -> t.Any:
    """A service with what it extends below it."""
    service = services[name]
    if not isinstance(service, Table) or "extends" not in service:
        return service
    mark = service.marks["extends"]
    step = f"{file}: {name}"
    if step in way or len(way) > _MOST_STEPS:
        raise Unparsable(f"{mark}: a circle of extends: {', '.join((*way, step))}")
    extends = service["extends"]
    wanted = extends.get("service") if isinstance(extends, dict) else extends
    base_file = extends.get("file") if isinstance(extends, dict) else None
    if not isinstance(wanted, str):
        raise Unparsable(f"{mark}: extends names no service")
    base_services, base_path, base_place = services, file, place
    if base_file is not None:
        base_path = join(place.directory, str(base_file))
        base_place = place._replace(directory=posixpath.dirname(base_path) or ".")
        base_services = _raw_services(base_path, base_place)
    if wanted not in base_services:
        raise Unparsable(f"{mark}: extends: there is no service {wanted} in {base_path}")
    base = _copy(_extended(wanted, base_services, base_path, base_place, resets, (*way, step)))
    if not isinstance(base, Table):
        return service
    if base_file is not None:
        _resolve_volumes(base, base_place.directory)
    for path in resets:
        if path[:2] == ("services", name):
            _remove(base, path[2:])
    # Which profiles and dependencies somebody else has is taken over as well.
    _merge_into(base, service, ("services", name))
    base.pop("extends", None)
    return base


def _raw_services(file: str, place: Place) -> Table:
    """The services of a file that is extended: merged over its documents, their own ``extends`` still in them."""
    model = Table(Mark(file, 0))
    for document in place.reader.documents(file):
        if not isinstance(document, dict):
            raise Unparsable(f"{file}: a Compose file is a mapping with services")
        data, resets = _clean(_kept(fill_data(document, place.environment, Mark(file, 0)), file))
        for path in resets:
            _remove(model, path)
        data.pop("include", None)
        _merge_into(model, data, ())
    return _services(model, file)


def _include(data: Table, file: str, place: Place) -> None:
    """Add the services, volumes and networks of included files; each name may come from one of them only."""
    mark = mark_of(data, "include", data.mark)
    listed = data.pop("include", None)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise Unparsable(f"{mark}: include is no list")
    for entry, where in entries(listed, mark):
        imported = _included(entry, where, file, place)
        for kind in _RESOURCES:
            resources = imported.get(kind)
            if not isinstance(resources, Table):
                continue
            target = data.get(kind)
            if not isinstance(target, Table):
                target = Table(resources.mark)
                data.put(kind, target, where)
            for name, resource in resources.items():
                if name in target and target[name] != resource:
                    raise Unparsable(f"{where}: {kind}.{name} is defined both here and in what is included")
                target.put(name, resource, resources.marks[name])


def _texts(value: t.Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _included(entry: t.Any, where: Mark, file: str, place: Place) -> Table:
    options = entry if isinstance(entry, dict) else {"path": entry}
    paths = [join(place.directory, path) for path in _texts(options.get("path"))]
    if not paths:
        raise Unparsable(f"{where}: include names no path")
    way = (*place.included, file)
    if paths[0] in way or len(way) > _MOST_STEPS:
        raise Unparsable(f"{where}: a circle of include: {', '.join((*way, paths[0]))}")
    project = options.get("project_directory")
    directory = join(place.directory, str(project)) if project else posixpath.dirname(paths[0]) or "."
    named_files = [join(place.directory, path) for path in _texts(options.get("env_file"))]
    environment = dict(place.environment)
    for path in named_files or [join(directory, ".env")]:
        text = place.reader.text(path)
        if text is None and named_files:
            raise Unparsable(f"{where}: there is no env_file {path}")
        # What is set already wins.
        environment = {**parse_env_file(text or "", path, environment), **environment}
    return load_model(paths, Place(directory, environment, place.reader, way))


def _resolve_paths(model: Table, directory: str) -> None:
    services = model.get("services")
    if isinstance(services, Table):
        for service in services.values():
            if isinstance(service, Table):
                _resolve_volumes(service, directory)


def _resolve_volumes(service: Table, directory: str) -> None:
    """Make the relative host paths of volumes start where their own file says."""
    volumes = service.get("volumes")
    if not isinstance(volumes, Items):
        return
    for index, volume in enumerate(volumes):
        if isinstance(volume, str) and volume.startswith("."):
            source, colon, rest = volume.partition(":")
            volumes[index] = join(directory, source) + colon + rest
        elif isinstance(volume, Table) and volume.get("type") == "bind" and isinstance(volume.get("source"), str):
            volume["source"] = join(directory, volume["source"])
