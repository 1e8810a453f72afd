# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What ``docker run`` and ``podman run`` lines ask for: in units, in scripts, in tasks.

Sources: ``docker run --help`` of 20.10 and 26.1, ``podman run --help``, ``podman pod create --help`` of 5.4, with the
hidden aliases of both (``--net``, ``--dns-opt``). Both stop reading options at the first word that is none: that is
the image, and whatever stands behind it is the program's. ``-p 9999`` there publishes nothing.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._errors import Unparsable
from .._ports.arguments import PROGRAMS, find_ports
from .._ports.model import Declared, DeclaredPort
from .command_line import SHELLS, count_wrapping, find_script
from .publish import parse_publish
from .shell import find_commands, is_unknown

ENGINES = ("docker", "podman")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Options that take no value, and those that take one. One that stands in neither makes what follows unknown.
_FLAGS = _words(
    "detach disable-content-trust env-host help http-proxy init interactive no-healthcheck no-hostname no-hosts "
    "oom-kill-disable passwd privileged publish-all quiet read-only read-only-tmpfs replace rm rmi rootfs sig-proxy "
    "tls-verify tty unsetenv-all use-api-socket infra share-parent"
)
_VALUED = _words(
    "add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir cgroup-conf "
    "cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-count cpu-percent cpu-period cpu-quota "
    "cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach-keys device "
    "device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns dns-opt dns-option "
    "dns-search domainname entrypoint env env-file env-merge exit-policy expose gidmap gpus group-add group-entry "
    "health-cmd health-interval health-log-destination health-max-log-count health-max-log-size health-on-failure "
    "health-retries health-start-interval health-start-period health-startup-cmd health-startup-interval "
    "health-startup-retries health-startup-success health-startup-timeout health-timeout hostname hosts-file hostuser "
    "image-volume infra-command infra-conmon-pidfile infra-image infra-name init-ctr init-path io-maxbandwidth "
    "io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address "
    "memory memory-reservation memory-swap memory-swappiness mount name net net-alias network network-alias "
    "oom-score-adj os override-arch override-os override-variant passwd-entry personality pid pidfile pids-limit "
    "platform pod pod-id-file preserve-fd preserve-fds publish pull rdt-class requires restart retry retry-delay "
    "runtime sdnotify seccomp-policy secret security-opt share shm-size shm-size-systemd stop-signal stop-timeout "
    "storage-opt subgidname subuidname sysctl systemd timeout tmpfs tz uidmap ulimit umask unsetenv user userns uts "
    "variant volume volume-driver volumes-from workdir"
)
_SHORT_FLAGS = {"d": "detach", "i": "interactive", "t": "tty", "P": "publish-all", "q": "quiet"}
_SHORT_VALUED = {
    "a": "attach",
    "c": "cpu-shares",
    "e": "env",
    "h": "hostname",
    "l": "label",
    "m": "memory",
    "p": "publish",
    "u": "user",
    "v": "volume",
    "w": "workdir",
}
_SAME = {"net": "network"}

# Options that stand before the verb.
_GLOBAL_FLAGS = {
    "docker": frozenset(("-D", "--debug", "--tls", "--tlsverify", "-v", "--version")),
    "podman": frozenset(("-r", "--remote", "--syslog", "--transient-store", "--noout", "--trace", "-v", "--version")),
}
# Another engine than this host's: docker(1) -H and --context, podman(1) --connection and --url.
_ELSEWHERE = {"docker": ("-H", "--host", "-c", "--context"), "podman": ("-c", "--connection", "--url", "-r", "--remote")}
_HERE = ("unix://", "/", "default", "fd://")

# Names of images whose program has another name.
_IMAGE_PROGRAMS = {
    "blackbox-exporter": "blackbox_exporter",
    "mariadb": "mariadbd",
    "mongo": "mongod",
    "mysql": "mysqld",
    "node-exporter": "node_exporter",
    "redis": "redis-server",
    "valkey": "valkey-server",
    "varnish": "varnishd",
}
# A variable that stands where the image may: its name tells whether it has options or the image in it.
_OPTIONS_BY_NAME = re.compile(r"(?i)opt|arg|flag|param|extra|env|port|vol|mount|net|label")
_IMAGE_BY_NAME = re.compile(r"(?i)image|img|repo|registry|tag|version")
_EXPANSION_ONLY = re.compile(r"(?:\$\{?[A-Za-z_@*]\w*(?:\[@\])?[^}/:]*\}?)$")


class _Word(t.NamedTuple):
    text: str
    line: int


class _Option(t.NamedTuple):
    name: str
    value: str
    line: int
    conditional: bool  # between {% if %} and {% endif %}
    written: str  # as it stands in the text, for messages


class _Call(t.NamedTuple):
    """One call of an engine: ``verb`` is run, create, start, pod or kube."""

    engine: str
    verb: str
    rest: list[_Word]
    elsewhere: str | None  # the option that names another host's engine


class _Line(t.NamedTuple):
    options: list[_Option]
    image: str | None
    arguments: list[str]
    unknown: list[str]


class CreateLine(t.NamedTuple):
    """A line that creates a container, or a pod, in parts. ``options`` are long names and values, ``true`` for a flag, in
    their order; ``image`` is None where there is none (a pod), ``arguments`` are the program's. ``unknown`` says what could
    not be told apart; empty is a statement."""

    engine: str
    verb: str
    options: tuple[tuple[str, str], ...]
    image: str | None
    arguments: tuple[str, ...]
    unknown: tuple[str, ...]


def read_create_line(argv: t.Sequence[str]) -> CreateLine | None:
    """The parts of a line that was given to an engine, as Podman keeps it in ``CreateCommand``; None where it creates
    neither a container nor a pod."""
    call = _find_call([_Word(text, 0) for text in argv])
    if call is None or call.verb not in ("run", "create", "pod"):
        return None
    line = _read_line(call.rest)
    options = tuple((option.name, option.value) for option in line.options)
    return CreateLine(call.engine, call.verb, options, line.image, tuple(line.arguments), tuple(line.unknown))


def declare_run(argv: t.Sequence[str], file: str, line: int, unit: str | None = None, lines: t.Sequence[int] = ()) -> Declared | None:
    """What a command line that creates a container says of it; None where it creates none.

    ``argv`` may begin with what wraps a command (``sudo``, ``env``, ``exec``); a shell's ``-c`` is not looked into, see
    :func:`declare_runs`. ``unit`` is the unit that runs the line; ``lines`` has the line of every word, where known.
    Words that hold ``$NAME`` or ``{{ name }}`` are taken for unknown. A value that the engine refuses is no claim and is
    named in ``unknown``.

    Besides run and create, ``start`` (of a container whose ports stand elsewhere), ``podman pod create`` and
    ``podman kube play`` are read.
    """
    places = lines if len(lines) == len(argv) else [line] * len(argv)
    call = _find_call([_Word(*pair) for pair in zip(argv, places)])
    if call is None:
        return None
    if call.verb in ("start", "kube"):
        return _named_only(call, file, line, unit)
    return _Run(call, file, line, unit).declared()


def declare_runs(argv: t.Sequence[str], file: str, line: int, unit: str | None = None) -> tuple[Declared, ...]:
    """As :func:`declare_run`, for a command line that may be a shell with ``-c`` and any number of commands in it.

    :raises Unparsable: the script behind ``-c`` has a quote that is not closed; the text names file and line
    """
    words = _unwrapped([_Word(text, line) for text in argv])
    if words and _base(words[0].text) in SHELLS:
        script = find_script([word.text for word in words])
        return declare_script(script, file, line, unit) if script is not None else ()
    found = declare_run(argv, file, line, unit)
    return (found,) if found is not None else ()


def declare_script(text: str, file: str, line: int = 1, unit: str | None = None) -> tuple[Declared, ...]:
    """The containers that a shell script creates; ``line`` is that of the text's first character.

    :raises Unparsable: a quote or a substitution is not closed; the text names file and line
    """
    found = []
    for command in find_commands(text, file, line):
        declared = declare_run(command.words, file, command.lines[0], unit, command.lines)
        if declared is not None:
            found.append(declared)
    return tuple(found)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _unwrapped(words: list[_Word]) -> list[_Word]:
    """The command without shell keywords, assignments and programs that only start another."""
    return words[count_wrapping([word.text for word in words]) :]


def _find_call(words: list[_Word]) -> _Call | None:
    words = _unwrapped(words)
    engine = _base(words[0].text) if words else ""
    if engine not in ENGINES:
        return None
    rest, elsewhere = words[1:], None
    while rest and rest[0].text.startswith("-"):
        name, equals, value = rest[0].text.partition("=")
        flag = name in _GLOBAL_FLAGS[engine]
        if not equals and not flag:
            value = rest[1].text if len(rest) > 1 else ""
        if name in _ELSEWHERE[engine] and not value.startswith(_HERE):
            elsewhere = f"{name} {value}".strip()
        rest = rest[1 if equals or flag else 2 :]
    verb, rest = _verb(engine, rest)
    return _Call(engine, verb, rest, elsewhere) if verb else None


def _verb(engine: str, rest: list[_Word]) -> tuple[str, list[_Word]]:
    words = [word.text for word in rest[:2]] + ["", ""]
    if words[0] == "container":
        rest, words = rest[1:], [words[1], ""]
    if words[0] in ("run", "create", "start"):
        return words[0], rest[1:]
    if engine == "podman" and words[:2] == ["pod", "create"]:
        return "pod", rest[2:]
    if engine == "podman" and words[:2] in (["kube", "play"], ["play", "kube"]):
        return "kube", rest[2:]
    return "", []


def _named_only(call: _Call, file: str, line: int, unit: str | None) -> Declared | None:
    """``docker start NAME``: the container's ports stand where it was created. ``podman kube play FILE`` likewise."""
    names = [word.text for word in call.rest if not word.text.startswith("-")]
    if not names or any(word.text.startswith(("--all", "--filter")) for word in call.rest):
        # podman start --all --filter restart-policy=always: whichever there are.
        return None
    # The last word: options of theirs that take a value stand before it.
    name = names[-1]
    where = "the line that created it" if call.verb == "start" else name
    return Declared(
        kind="container",
        name=_base(name).rpartition(".")[0] or name if call.verb == "kube" else name,
        file=file,
        line=line,
        ports=(),
        unknown=(f"its ports stand in {where}",),
        at_boot="unknown",
        host_network=False,
        engine=call.engine,
        unit=unit,
    )


def _read_line(words: list[_Word]) -> _Line:
    line = _Line([], None, [], [])
    depth, at = 0, 0
    while at < len(words):
        text = words[at].text
        if text.startswith("{%"):
            depth += _nesting(text)
            at += 1
        elif text == "--":
            at += 1
            break
        elif text.startswith("-") and len(text) > 1:
            at += _read_option(words, at, depth > 0, line)
            if at < 0:
                return line
        elif _may_hold_options(text, last=at == len(words) - 1):
            line.unknown.append(f"{text} may hold options")
            if not _OPTIONS_BY_NAME.search(text):
                # Or the image: then all that follows is the program's.
                return line
            at += 1
        else:
            break
    if at < len(words):
        return line._replace(image=words[at].text, arguments=[word.text for word in words[at + 1 :]])
    return line


def _nesting(tag: str) -> int:
    """1 where a template's statement opens a part that may be left out, -1 where it closes one, else 0."""
    word = tag.strip("{%-+ }").split(" ")[0]
    return {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(word, 0)


def _may_hold_options(text: str, last: bool) -> bool:
    if last or not (_EXPANSION_ONLY.match(text) or text.startswith("{{")):
        return False
    return not _IMAGE_BY_NAME.search(text)


def _read_option(words: list[_Word], at: int, conditional: bool, line: _Line) -> int:
    """Put the option at ``at`` on the line; the number of words it takes, or a number that makes ``at`` negative where
    nothing behind it can be told."""
    text, place = words[at].text, words[at].line
    following = words[at + 1].text if at + 1 < len(words) else ""
    if text.startswith("--"):
        name, equals, value = text[2:].partition("=")
        if equals or name in _FLAGS:
            line.options.append(_Option(_SAME.get(name, name), value if equals else "true", place, conditional, text))
            return 1
        if name in _VALUED:
            line.options.append(_Option(_SAME.get(name, name), following, place, conditional, f"{text} {following}"))
            return 2
        return _lost(text, line)
    # Short options may be glued together, and the last to its value: -dit, -p80:80, -itp 80:80, -p=80:80
    for index, letter in enumerate(text[1:], 2):
        if letter in _SHORT_FLAGS:
            glued = text[index:]
            value = glued[1:] if glued.startswith("=") else "true"
            line.options.append(_Option(_SHORT_FLAGS[letter], value, place, conditional, text))
            if glued.startswith("="):
                return 1
        elif letter in _SHORT_VALUED:
            glued = text[index:]
            value = glued.removeprefix("=") or following
            written = text if glued else f"{text} {following}"
            line.options.append(_Option(_SHORT_VALUED[letter], value, place, conditional, written))
            return 1 if glued else 2
        else:
            return _lost(text, line)
    return 1


def _lost(text: str, line: _Line) -> int:
    line.unknown.append(f"option {text.partition('=')[0]} is not known, so what follows it cannot be told")
    return -1_000_000


class _Run:
    """Puts the model together from the options of one line."""

    def __init__(self, call: _Call, file: str, line: int, unit: str | None) -> None:
        self._call, self._file, self._place, self._unit = call, file, line, unit
        self._line = _read_line(call.rest)
        self._unknown = list(self._line.unknown)

    def _last(self, name: str) -> str | None:
        return next((option.value for option in reversed(self._line.options) if option.name == name), None)

    def _options(self, name: str) -> list[_Option]:
        return [option for option in self._line.options if option.name == name]

    def declared(self) -> Declared:
        networks = [option.value.partition(":")[0] for option in self._options("network")]
        # What stands behind the options of `podman pod create` is the pod's name.
        image = None if self._call.verb == "pod" else self._line.image
        program = name_program(image)
        host_network = "host" in networks and self._call.elsewhere is None
        return Declared(
            kind="container",
            name=self._last("name") or (self._line.image if self._call.verb == "pod" else program) or "container without a name",
            file=self._file,
            line=self._place,
            ports=self._ports(networks, program),
            # Filled by _ports, so it comes after it.
            unknown=tuple(dict.fromkeys(self._unknown)),
            at_boot=self._at_boot(),
            host_network=host_network,
            program=program,
            engine=self._call.engine,
            image=image,
            unit=self._unit,
            data=self._data(),
        )

    def _ports(self, networks: list[str], program: str | None) -> tuple[DeclaredPort, ...]:
        if self._call.elsewhere is not None:
            self._unknown.append(f"it runs on the engine that {self._call.elsewhere} names")
            return ()
        for network in networks:
            if is_unknown(network):
                self._unknown.append(f"its network is {network}")
            elif network == "pasta":
                self._unknown.append("pasta may forward ports by options of its own")
        if "host" in networks:
            return self._on_the_host(program)
        if "none" in networks or any(network in ("container", "ns") for network in networks):
            # Its ports are published by the container that it joins, or by nobody.
            return ()
        # Quadlet's generator writes --pod-id-file; `podman pod create` writes that file.
        pod = self._last("pod") or self._last("pod-id-file")
        if pod is not None and not pod.startswith("new:") and self._call.verb != "pod":
            return ()
        return self._published()

    def _on_the_host(self, program: str | None) -> tuple[DeclaredPort, ...]:
        """Both engines discard what is published on the host's network; the program's own arguments are a hint."""
        self._unknown.append("it uses the host's network, and what its program listens on is not all told here")
        arguments = self._line.arguments
        entrypoint = self._last("entrypoint")
        if entrypoint is not None:
            found = find_ports([entrypoint, *arguments])
        elif program in PROGRAMS and not (arguments and _base(arguments[0]) in (program, *SHELLS)):
            found = find_ports([str(program), *arguments])
        else:
            found = find_ports(arguments)
        place = self._place
        return tuple(DeclaredPort(port.proto, port.address, port.port, port.source, place, port.confidence) for port in found)

    def _published(self) -> tuple[DeclaredPort, ...]:
        found: list[DeclaredPort] = []
        if self._last("publish-all") in ("true", "1"):
            self._unknown.append("the engine chooses ports for all that the image exposes")
        for option in self._options("publish"):
            if is_unknown(option.value) or not option.value:
                self._unknown.append(f"{option.written} is not known")
            elif option.conditional:
                self._unknown.append(f"{option.written} stands between conditions of a template")
            else:
                found += declare_publish(option.value, self._call.engine, option.written, option.line, self._unknown)
        return tuple(dict.fromkeys(found))

    def _at_boot(self) -> str:
        policy = (self._last("restart") or "no").partition(":")[0]
        if is_unknown(policy):
            return "unknown"
        removed = self._last("rm") in ("true", "1")
        if policy in ("always", "unless-stopped", "on-failure") and not removed:
            # On-failure depends on how it ends; Podman needs podman-restart.service.
            return "yes" if self._call.engine == "docker" and policy != "on-failure" else "unknown"
        return "no" if self._unit is None else "unknown"

    def _data(self) -> tuple[str, ...]:
        found = [read_volume(option.value) for option in self._options("volume")]
        found += [read_mount(option.value) for option in self._options("mount")]
        return tuple(dict.fromkeys(source for source in found if source))


def declare_publish(value: str, engine: str, source: str, line: int, unknown: list[str]) -> list[DeclaredPort]:
    """The claims of one publish option. What it does not tell, or why the engine refuses it, is added to ``unknown``."""
    try:
        asked = parse_publish(value, engine)
    except Unparsable as error:
        unknown.append(str(error))
        return []
    found = []
    for one in asked:
        if one.chosen_from is not None:
            first, last = one.chosen_from
            unknown.append(f"{engine} takes a port from {first} to {last} for {value}")
        for port in one.ports:
            if port.host_port is not None:
                found.append(DeclaredPort(port.proto, port.address, port.host_port, source, line, "declared"))
    return found


def read_volume(value: str) -> str | None:
    """The host path, or ``volume:<name>``, of ``-v source:target[:options]``; None where it is anonymous, read-only,
    relative or unknown."""
    fields = value.split(":")
    if len(fields) < 2 or is_unknown(fields[0]) or "ro" in ",".join(fields[2:]).split(","):
        return None
    return _data_source(fields[0])


def read_mount(value: str) -> str | None:
    """As :func:`read_volume`, of ``--mount type=bind,source=/data,target=/data[,readonly]``."""
    fields = {}
    for pair in value.split(","):
        name, equals, text = pair.partition("=")
        fields[name.strip()] = text.strip() if equals else "true"
    if any(fields.get(name) in ("true", "1") for name in ("readonly", "ro")):
        return None
    source = fields.get("source", fields.get("src", ""))
    if fields.get("type", "volume") not in ("bind", "volume") or not source or is_unknown(source):
        return None
    return _data_source(source)


def _data_source(source: str) -> str | None:
    if source.startswith("/"):
        return posixpath.normpath(source)
    # ./data and ~/data depend on who runs the line and where.
    return f"volume:{source}" if re.match(r"[A-Za-z0-9][\w.-]*$", source) else None


def name_program(image: str | None) -> str | None:
    """``docker.io/prom/prometheus:v2.51.0@sha256:...`` is ``prometheus``; None where a variable hides it."""
    if image is None:
        return None
    name = re.sub(r":[^/]*$", "", image.partition("@")[0]).rpartition("/")[2]
    if not name or is_unknown(name):
        return None
    return _IMAGE_PROGRAMS.get(name, name)
