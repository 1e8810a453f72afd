# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Quadlets: the unit-like files out of which Podman's generator makes services (podman-systemd.unit(5)).

A quadlet is read as what it is to become: the ``podman run`` line is put together as the generator does it
(pkg/systemd/quadlet/quadlet.go, seen with 5.4.2) and then read like any other. Whatever another quadlet of the same set
decides (the name of a pod, volume or image) is looked up there, and else is the generator's default.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._ports.model import Declared, DeclaredPort
from .._units.specifiers import expand_specifiers, parse_name
from .._units.unit_file import parse_unit_file
from .._units.words import parse_environment, split_unit_words, substitute
from .run_line import declare_publish, declare_run
from .shell import is_unknown

if t.TYPE_CHECKING:
    from .._units.unit_file import Assignment

FOLDERS = ("/run/containers/systemd", "/etc/containers/systemd", "/usr/share/containers/systemd")
"""Where root's quadlets lie; of one name the first folder's counts."""

_SERVICES = {"container": "{}.service", "kube": "{}.service", "pod": "{}-pod.service"}
_SECTIONS = {"container": "Container", "kube": "Kube", "pod": "Pod", "volume": "Volume", "image": "Image", "build": "Build"}
_BOOT_TARGETS = frozenset(("default.target", "multi-user.target", "graphical.target", "basic.target", "sysinit.target"))
_PULLS = ("Wants", "Requires", "BindsTo", "Upholds")
# Specifiers that depend on whose quadlet it is: %h is /root only for root's.
_OF_THE_USER = re.compile(r"%(?=[htCLSETVuUgGsd])")
_MARKED = re.compile(r"\$(%\w)")


class _Value(t.NamedTuple):
    value: str
    line: int  # 0 where it stands in a drop-in
    where: str  # " in <drop-in>", else empty


class _Quadlet:
    """One quadlet with its drop-ins. Values have their specifiers replaced; one that cannot be known becomes
    ``$%x``, so that whoever reads the word takes it for unknown."""

    def __init__(self, path: str, text: str, drop_ins: t.Sequence[tuple[str, str]]) -> None:
        self.path = path
        self.stem, _dot, self.kind = posixpath.basename(path).rpartition(".")
        self.section = _SECTIONS[self.kind]
        self._assignments: list[tuple[Assignment, str]] = [(one, "") for one in parse_unit_file(text, path)]
        for place, more in drop_ins:
            self._assignments += ((one, f" in {place}") for one in parse_unit_file(more, place))
        own = self._raw(self.section, "ServiceName")
        self.service = f"{own[-1].value}.service" if own else _SERVICES.get(self.kind, "{}.service").format(self.stem)
        self._known = self._environment()

    def _raw(self, section: str, key: str) -> list[_Value]:
        found = []
        for one, where in self._assignments:
            if (one.section, one.key) == (section, key):
                found.append(_Value(one.value, 0 if where else one.line, where))
        return found

    def _environment(self) -> dict[str, str | None]:
        """The variables that the service itself sets; a file may set them anew."""
        found: dict[str, str] = {}
        for one in self._raw("Service", "Environment"):
            try:
                found.update(parse_environment(word.text for word in split_unit_words(one.value)))
            except ValueError:
                continue
        return {} if self._raw("Service", "EnvironmentFile") else dict(found)

    def _expand(self, text: str) -> str:
        if not self.is_roots:
            text = _OF_THE_USER.sub("\0", text)
        expanded = expand_specifiers(text, self.service, self.path)
        text = expanded.text
        for specifier in expanded.unknown:
            text = text.replace(specifier, f"${specifier}")
        text = text.replace("\0", "$%")
        if "${" not in text:
            return text
        # systemd puts variables into the words of ExecStart=; what the unit does not set may come from elsewhere.
        return substitute([text], self._known, others=True).words[0]

    @property
    def is_roots(self) -> bool:
        """Whether it lies where root's quadlets do."""
        return self.path.startswith(FOLDERS) and "/users/" not in self.path

    @property
    def is_users(self) -> bool:
        """Whether it lies where a user's quadlets do, whose manager starts with the user (or by lingering)."""
        return "/.config/containers/systemd/" in self.path or "/containers/systemd/users/" in self.path

    @property
    def line(self) -> int:
        """Of the section that makes it one."""
        return next((one.line for one, where in self._assignments if one.section == self.section and not where), 1)

    def all(self, key: str, section: str | None = None) -> list[_Value]:
        """The values of a key that adds up: an empty one forgets those before it."""
        found: list[_Value] = []
        for one in self._raw(section or self.section, key):
            if one.value:
                found.append(one._replace(value=self._expand(one.value)))
            else:
                found.clear()
        return found

    def last(self, key: str) -> str | None:
        """The value of a key of which the last counts."""
        found = self._raw(self.section, key)
        return self._expand(found[-1].value) if found and found[-1].value else None

    def words(self, key: str) -> list[tuple[str, int]]:
        """The words of a key that holds arguments, with their lines; a value with an open quote is left out, as the
        generator does."""
        found = []
        for one in self.all(key):
            try:
                found += [(word.text, one.line) for word in split_unit_words(one.value)]
            except ValueError:
                continue
        return found

    def names(self, section: str, *keys: str) -> list[str]:
        """The words of all these keys."""
        return [word for key in keys for one in self.all(key, section) for word in one.value.split()]


def is_quadlet(path: str) -> bool:
    """Whether a file's name is that of a quadlet that becomes a service with ports."""
    stem, _dot, kind = posixpath.basename(path).rpartition(".")
    return bool(stem) and kind in _SERVICES


def name_service(path: str, text: str) -> str:
    """The service that Podman's generator makes of a quadlet.

    :raises Unparsable: systemd would refuse the file whole
    """
    return _Quadlet(path, text, ()).service


def declare_quadlets(files: t.Mapping[str, str]) -> tuple[Declared, ...]:
    """What a set of quadlets says, by path: text of ``.container``, ``.pod`` and ``.kube`` files, of the ``.volume``,
    ``.image`` and ``.build`` files that they name, and of drop-ins (``web.container.d/10-port.conf``).

    A template (``web@.container``) is declared once, under its template's name; what depends on the instance is unknown.

    :raises Unparsable: systemd would refuse a file whole; the text names file and line
    """
    quadlets = _read(files)
    at_boot = _at_boot(quadlets)
    found = []
    for one in quadlets:
        if one.kind in _SERVICES:
            declared = _declare(one, _Set(quadlets, one))
            found.append(declared._replace(at_boot=at_boot[one.path]))
    return tuple(found)


def _read(files: t.Mapping[str, str]) -> list[_Quadlet]:
    best: dict[str, str] = {}
    for path in files:
        folder, base = posixpath.split(path)
        if base.rpartition(".")[2] not in _SECTIONS or not base.rpartition(".")[0]:
            continue
        # Files of one name shadow one another only in the folders that the generator reads.
        key = base if folder in FOLDERS else path
        if key not in best or FOLDERS.index(folder) < FOLDERS.index(posixpath.dirname(best[key])):
            best[key] = path
    return [_Quadlet(path, files[path], _drop_ins(path, files)) for path in sorted(best.values())]


def _drop_ins(path: str, files: t.Mapping[str, str]) -> list[tuple[str, str]]:
    """``web.container.d/*.conf``, for ``web@one.container`` also ``web@.container.d``, for ``a-b.container`` also
    ``a-.container.d``, and ``container.d`` for all; by file name, the most special folder first."""
    folder, base = posixpath.split(path)
    stem, _dot, kind = base.rpartition(".")
    stems = [stem]
    if "@" in stem and not stem.endswith("@"):
        stems.append(stem.partition("@")[0] + "@")
    parts = stem.split("-")
    stems += ["-".join(parts[:count]) + "-" for count in range(len(parts) - 1, 0, -1)]
    places = [f"{one}.{kind}.d" for one in stems] + [f"{kind}.d"]
    found: dict[str, str] = {}
    for place in places:
        for other in files:
            where, name = posixpath.split(other)
            if where == posixpath.join(folder, place) and name.endswith(".conf"):
                found.setdefault(name, other)
    return [(found[name], files[found[name]]) for name in sorted(found)]


class _Set:
    """Looks names up among the quadlets beside one."""

    def __init__(self, quadlets: t.Sequence[_Quadlet], asking: _Quadlet) -> None:
        folder = posixpath.dirname(asking.path)
        near = [one for one in quadlets if posixpath.dirname(one.path) == folder]
        self._by_name = {f"{one.stem}.{one.kind}": one for one in [*quadlets, *near]}

    def find(self, name: str) -> _Quadlet | None:
        return self._by_name.get(name)

    def own_name(self, name: str, key: str) -> str:
        """What a quadlet calls the thing that it makes; the generator's default is ``systemd-<name>``."""
        one = self.find(name)
        if one is not None and key == "ContainerName":
            return _container_name(one)
        return (one.last(key) if one else None) or f"systemd-{name.rpartition('.')[0]}"

    def image(self, name: str) -> str | None:
        """The image that an ``.image`` or ``.build`` quadlet makes."""
        one = self.find(name)
        return one.last("Image" if name.endswith(".image") else "ImageTag") if one else None


def _declare(one: _Quadlet, others: _Set) -> Declared:
    if one.kind == "kube":
        return _declare_kube(one)
    if one.kind == "pod":
        name = one.last("PodName") or f"systemd-{one.stem}"
        declared = _declare_line(one, ["pod", "create", "--name", name], others, "")
    else:
        declared = _declare_container(one, others)
    return declared._replace(file=one.path, line=one.line, unit=one.service, kind="container")


def _declare_container(one: _Quadlet, others: _Set) -> Declared:
    argv = ["run", "--name", _container_name(one)]
    pod = one.last("Pod")
    if pod is not None:
        argv += ["--pod", others.own_name(pod, "PodName") if pod.endswith(".pod") else pod]
    image = one.last("Image")
    if image is not None and image.endswith((".image", ".build")):
        image = others.image(image) or "$IMAGE"
    declared = _declare_line(one, argv, others, image or one.last("Rootfs") or "")
    if image is None:
        is_rootfs = one.last("Rootfs") is not None
        why = () if is_rootfs else ("Podman makes no unit of it, as it names no image",)
        return declared._replace(image=None, program=None, unknown=(*declared.unknown, *why))
    if image == "$IMAGE":
        return declared._replace(image=None)
    return declared


def _container_name(one: _Quadlet) -> str:
    """ContainerName=, or what the generator writes: ``systemd-%N`` of the service, of a template ``systemd-%p_%i``."""
    parts = parse_name(one.service)
    if parts.instance is None:
        return one.last("ContainerName") or f"systemd-{parts.prefix}"
    return one.last("ContainerName") or f"systemd-{parts.prefix}_{parts.instance or '$%i'}"


def _declare_line(one: _Quadlet, verb: list[str], others: _Set, image: str) -> Declared:
    """The line that the generator writes, read like one that somebody wrote."""
    line: list[tuple[str, int]] = [(word, one.line) for word in ["podman", *verb]]
    published: dict[str, _Value] = {}
    for value in one.all("Network"):
        line.append((f"--network={_network(value.value, others)}", value.line))
    for value in one.all("PublishPort"):
        published[f"--publish={value.value}"] = value
        line.append((f"--publish={value.value}", value.line))
    for value in one.all("Volume"):
        line.append((f"--volume={_volume(value.value, one, others)}", value.line))
    for value in one.all("Mount"):
        line.append((f"--mount={_mount(value.value, one, others)}", value.line))
    entrypoint = one.last("Entrypoint")
    if entrypoint is not None:
        line.append((f"--entrypoint={entrypoint}", one.line))
    line += one.words("PodmanArgs")
    if image:
        line += [(image, one.line), *one.words("Exec")]
    declared = declare_run([word for word, _at in line], one.path, one.line, one.service, [at for _word, at in line])
    if declared is None:
        # Cannot be: the line begins with "podman run" or "podman pod create".
        raise AssertionError(line)
    return declared._replace(
        ports=tuple(_in_own_words(port, published) for port in declared.ports),
        unknown=tuple(_reason(text) for text in declared.unknown),
        name=_MARKED.sub(r"\1", declared.name),
    )


def _in_own_words(port: DeclaredPort, published: t.Mapping[str, _Value]) -> DeclaredPort:
    value = published.get(port.source)
    return port._replace(source=f"PublishPort={value.value}{value.where}") if value is not None else port


def _reason(text: str) -> str:
    return _MARKED.sub(r"\1", text).replace("--publish=", "PublishPort=")


def _network(value: str, others: _Set) -> str:
    name, colon, options = value.partition(":")
    if name.endswith(".container"):
        return f"container:{others.own_name(name, 'ContainerName')}"
    return f"{name}{colon}{options}"


def _volume(value: str, one: _Quadlet, others: _Set) -> str:
    source, colon, rest = value.partition(":")
    return f"{_source(source, one, others)}{colon}{rest}"


def _mount(value: str, one: _Quadlet, others: _Set) -> str:
    fields = []
    for pair in value.split(","):
        name, equals, source = pair.partition("=")
        fields.append(f"{name}={_source(source, one, others)}" if name in ("source", "src") else f"{name}{equals}{source}")
    return ",".join(fields)


def _source(source: str, one: _Quadlet, others: _Set) -> str:
    if source.endswith(".volume"):
        return others.own_name(source, "VolumeName")
    if source.startswith(".") and one.path.startswith("/"):
        # Relative to the quadlet, not to who starts it.
        return posixpath.normpath(posixpath.join(posixpath.dirname(one.path), source))
    return source


def _declare_kube(one: _Quadlet) -> Declared:
    unknown = [f"its ports stand in {one.last('Yaml') or 'a file that it does not name'}"]
    ports: list[DeclaredPort] = []
    for value in one.all("PublishPort"):
        source = f"PublishPort={value.value}{value.where}"
        if is_unknown(value.value):
            unknown.append(_reason(f"{source} is not known"))
        else:
            ports += declare_publish(value.value, "podman", source, value.line, unknown)
    on_host = any(value.value.partition(":")[0] == "host" for value in one.all("Network"))
    return Declared(
        kind="container",
        name=one.stem,
        file=one.path,
        line=one.line,
        ports=() if on_host else tuple(ports),
        unknown=tuple(unknown),
        at_boot="unknown",
        host_network=on_host,
        engine="podman",
        unit=one.service,
    )


def _at_boot(quadlets: t.Sequence[_Quadlet]) -> dict[str, str]:
    """Whether the next boot starts each, by path: what ``[Install]`` says (the generator makes those links itself), what
    others of the set pull in, and for a container its pod."""
    found = {one.path: _installed(one) for one in quadlets}
    by_service = {one.service: one for one in quadlets}
    by_file = {f"{one.stem}.{one.kind}": one for one in quadlets}
    pending = [one for one in quadlets if found[one.path] == "yes"]
    while pending:
        one = pending.pop()
        names = one.names("Unit", *_PULLS)
        pulled = [by_service.get(name) for name in names]
        for other in (by_file.get(name) for name in names):
            # Podman 5.4 leaves "Requires=db.container" as it is, which systemd ignores; later ones write db.service.
            if other is not None and found[other.path] == "no":
                found[other.path] = "unknown"
        if one.kind == "pod":
            # The pod's service wants the services of its containers (StartWithPod=, which is on by default).
            pulled += [other for other in quadlets if other.last("Pod") == f"{one.stem}.pod" and other.last("StartWithPod") != "false"]
        for other in pulled:
            if other is not None and found[other.path] != "yes":
                found[other.path] = "yes"
                pending.append(other)
    for one in quadlets:
        if one.is_users and found[one.path] == "yes":
            # The user's manager starts at the login, or at the boot where somebody has enabled lingering.
            found[one.path] = "unknown"
    return found


def _installed(one: _Quadlet) -> str:
    targets = one.names("Install", "WantedBy", "RequiredBy", "UpheldBy")
    is_template = one.stem.endswith("@")
    if not targets:
        return "unknown" if is_template else "no"
    if is_template and not one.names("Install", "DefaultInstance"):
        return "unknown"
    return "yes" if _BOOT_TARGETS.intersection(targets) else "unknown"
