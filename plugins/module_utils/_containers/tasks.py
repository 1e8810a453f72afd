# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the tasks of a play ask of the hosts that it is for.

Tasks that create containers are put into the run line that would do the same, and that is read. What a task writes,
includes or enables is listed, for whoever can read files to follow. Nothing is rendered: a value with ``{{ }}`` is
unknown, and what runs only under a condition is named as unknown with its ports.

Sources: the documentation of the modules in :data:`CONTAINERS` (community.docker 4, containers.podman 1), and
https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html.
"""

from __future__ import annotations

import re
import shlex
import typing as t

from .._errors import Unparsable
from .._ports.model import Declared, DeclaredPort
from .kubernetes import declare_manifests
from .marks import Mark, Table, Tagged, entries, mark_of
from .run_line import declare_run, declare_runs, declare_script
from .shell import is_unknown

_COLLECTIONS = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.docker.", "community.general.", "containers.podman.")
_MORE_COLLECTIONS = ("kubernetes.core.", "community.kubernetes.", "community.okd.")
# Keywords of tasks and blocks that are no module. Anything else is the name of one.
_KEYWORDS = frozenset(
    (
        *("action", "any_errors_fatal", "args", "async", "become", "become_exe", "become_flags", "become_method", "become_user"),
        *("changed_when", "check_mode", "collections", "connection", "debugger", "delay", "delegate_facts", "delegate_to", "diff"),
        *("environment", "failed_when", "ignore_errors", "ignore_unreachable", "listen", "local_action", "loop", "loop_control"),
        *("module_defaults", "name", "no_log", "notify", "poll", "port", "register", "remote_user", "retries", "run_once", "tags"),
        *("throttle", "timeout", "until", "vars", "when", "block", "rescue", "always"),
    )
)
HANDLER = "a handler is notified"
_MOST_DEPTH = 50


class Condition(t.NamedTuple):
    """Why a task may not run: the texts of ``when``, or that it is a handler or a rescue."""

    texts: tuple[str, ...] = ()

    def and_(self, *texts: str) -> Condition:
        return Condition((*self.texts, *texts))


class Written(t.NamedTuple):
    """A file that a task writes on the host: its ``text``, or ``src`` as the task names it. ``line`` is that of the
    text's first line in ``file``."""

    dest: str
    text: str | None
    src: str | None
    template: bool
    mark: Mark
    condition: Condition


class Reference(t.NamedTuple):
    """Something that a task or play takes in: ``kind`` is ``tasks``, ``role`` or ``playbook``."""

    kind: str
    name: str
    tasks_from: str
    mark: Mark
    condition: Condition


class ServiceState(t.NamedTuple):
    """What a task makes of a unit; None where it leaves that as it is."""

    name: str
    enabled: bool | None
    started: bool | None
    mark: Mark
    condition: Condition


class ComposeUse(t.NamedTuple):
    """A Compose project that a task starts: from a folder of the host, or from data that stands in the task."""

    source: str
    files: tuple[str, ...]
    definition: t.Any
    name: str | None
    profiles: tuple[str, ...]
    mark: Mark
    condition: Condition


class Findings(t.NamedTuple):
    """What tasks say, each in their order."""

    declared: tuple[Declared, ...] = ()
    written: tuple[Written, ...] = ()
    references: tuple[Reference, ...] = ()
    states: tuple[ServiceState, ...] = ()
    projects: tuple[ComposeUse, ...] = ()

    def plus(self, other: Findings) -> Findings:
        """These, and then the other's."""
        return Findings(
            self.declared + other.declared,
            self.written + other.written,
            self.references + other.references,
            self.states + other.states,
            self.projects + other.projects,
        )


class Play(t.NamedTuple):
    """A play: the pattern of its hosts and what its own tasks say. ``imported`` is set for ``import_playbook``."""

    hosts: str
    findings: Findings
    imported: Reference | None = None


def is_playbook(document: t.Any) -> bool:
    """Whether a loaded document is a list of plays."""
    plays = [entry for entry in document if isinstance(entry, dict)] if isinstance(document, list) else []
    return bool(plays) and len(plays) == len(document) and all(_is_play(play) for play in plays)


def _is_play(play: dict[str, t.Any]) -> bool:
    return "hosts" in play or any(_short(key) == "import_playbook" for key in play)


def is_task_list(document: t.Any) -> bool:
    """Whether a loaded document is a list of mappings, as a file of tasks is; an empty one is."""
    return document is None or (isinstance(document, list) and all(isinstance(entry, dict) for entry in document))


def read_plays(document: t.Any, file: str) -> tuple[Play, ...]:
    """The plays of a playbook.

    :raises Unparsable: tasks are not built as tasks are; the text names file and line
    """
    found = []
    for play, mark in entries(document, Mark(file, 0)):
        imported = next((key for key in play if _short(key) == "import_playbook"), None)
        condition = _when(play, Condition())
        if imported is not None:
            where = mark_of(play, imported, mark)
            found.append(Play("", Findings(), Reference("playbook", _text(play[imported]), "", where, condition)))
            continue
        findings = _read_section(play, "pre_tasks", mark, condition).plus(_roles(play, mark, condition))
        for section in ("tasks", "post_tasks"):
            findings = findings.plus(_read_section(play, section, mark, condition))
        findings = findings.plus(_read_section(play, "handlers", mark, condition.and_(HANDLER)))
        found.append(Play(_hosts(play.get("hosts")), findings))
    return tuple(found)


def _hosts(value: t.Any) -> str:
    return ":".join(_text(one) for one in value) if isinstance(value, list) else _text(value)


def _read_section(play: dict[str, t.Any], section: str, mark: Mark, condition: Condition) -> Findings:
    return read_tasks(play.get(section), mark_of(play, section, mark), condition)


def _roles(play: dict[str, t.Any], mark: Mark, condition: Condition) -> Findings:
    found = []
    for role, where in entries(play.get("roles"), mark):
        name = role.get("role") or role.get("name") if isinstance(role, dict) else role
        if isinstance(role, dict) and "never" in _tags(role):
            continue
        when = _when(role, condition) if isinstance(role, dict) else condition
        found.append(Reference("role", _text(name), "main", where, when))
    return Findings(references=tuple(found))


def read_tasks(tasks: t.Any, mark: Mark, condition: Condition = Condition(), depth: int = 0) -> Findings:  # noqa: B008
    """What a list of tasks says; ``mark`` is where the list stands.

    :raises Unparsable: it is no list of tasks; the text names file and line
    """
    if tasks is None:
        return Findings()
    if not isinstance(tasks, list) or depth > _MOST_DEPTH:
        raise Unparsable(f"{mark}: tasks are no list")
    found = Findings()
    for task, where in entries(tasks, mark):
        if not isinstance(task, dict):
            raise Unparsable(f"{where}: a task is no mapping")
        found = found.plus(_read_task(task, where, condition, depth))
    return found


def _read_task(task: dict[str, t.Any], mark: Mark, condition: Condition, depth: int) -> Findings:
    if "never" in _tags(task) or _is_elsewhere(task):
        return Findings()
    when = _when(task, condition)
    if "block" in task:
        found = Findings()
        for section in ("block", "always"):
            found = found.plus(read_tasks(task.get(section), mark_of(task, section, mark), when, depth + 1))
        return found.plus(read_tasks(task.get("rescue"), mark_of(task, "rescue", mark), when.and_("its block fails"), depth + 1))
    module = _module(task, mark)
    return _READERS[module.name](module, when) if module is not None and module.name in _READERS else Findings()


def _is_elsewhere(task: dict[str, t.Any]) -> bool:
    """Whether a task acts on another host than the play's."""
    target = task.get("delegate_to")
    if target is not None and _text(target).replace(" ", "") != "{{inventory_hostname}}":
        return True
    return "local_action" in task or task.get("connection") == "local"


def _tags(task: dict[str, t.Any]) -> tuple[str, ...]:
    tags = task.get("tags")
    listed = tags if isinstance(tags, list) else _text(tags).split(",")
    return tuple(_text(tag).strip() for tag in listed)


def _when(task: dict[str, t.Any], condition: Condition) -> Condition:
    value = task.get("when")
    texts = value if isinstance(value, list) else [value]
    return condition.and_(*(_text(one) for one in texts if one is not None and one is not True and _text(one) not in ("", "true")))


def _text(value: t.Any) -> str:
    if isinstance(value, Tagged):
        # !unsafe is a text as it stands, !vault one that nobody here reads.
        return _text(value.value) if value.tag == "!unsafe" else "{{ vault }}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _texts(value: t.Any) -> list[str]:
    """A list option: a list, or a text with commas in it."""
    if value is None:
        return []
    if isinstance(value, list):
        return [_text(one) for one in value]
    text = _text(value)
    return [text] if "{{" in text else [one.strip() for one in text.split(",") if one.strip()]


def _short(name: str) -> str:
    for collection in (*_COLLECTIONS, *_MORE_COLLECTIONS):
        if name.startswith(collection):
            return name[len(collection) :]
    return name


class _Module(t.NamedTuple):
    """The module of a task: its short name, its options, and the text of a free form."""

    name: str
    options: dict[str, t.Any]
    free: str
    mark: Mark

    def get(self, *names: str) -> t.Any:
        """The value of an option by any of its names."""
        return next((self.options[name] for name in names if self.options.get(name) is not None), None)

    def text(self, *names: str) -> str:
        return _text(self.get(*names))

    def at(self, *names: str) -> Mark:
        return next((mark_of(self.options, name, self.mark) for name in names if name in self.options), self.mark)


def _module(task: dict[str, t.Any], mark: Mark) -> _Module | None:
    name, value = next(((key, value) for key, value in task.items() if key not in _KEYWORDS and not key.startswith("with_")), ("", None))
    where = mark_of(task, name, mark)
    if not name and "action" in task:
        where, value = mark_of(task, "action", mark), task["action"]
        if isinstance(value, dict):
            name = _text(value.get("module"))
        else:
            name, _space, value = _text(value).partition(" ")
    if not name:
        return None
    options = Table(where)
    args = task.get("args")
    for source in (value, args):
        if isinstance(source, dict):
            for key, option in source.items():
                options.put(key, option, mark_of(source, key, where))
    free = _text(value) if not isinstance(value, dict) else ""
    short = _short(name)
    if free and short not in ("command", "shell", "raw"):
        for key, option in _pairs(free).items():
            options.put(key, option, where)
    return _Module(short, options, free, where)


def _pairs(text: str) -> dict[str, str]:
    """``name=nginx state=started``"""
    try:
        words = shlex.split(text)
    except ValueError:
        return {}
    return {key: value for key, equals, value in (word.partition("=") for word in words) if equals}


def _limited(declared: t.Iterable[Declared], condition: Condition) -> tuple[Declared, ...]:
    """What is declared under a condition: its ports are not certain, so they become what is unknown."""
    return tuple(limit(one, condition) for one in declared)


def limit(declared: Declared, condition: Condition) -> Declared:
    """The same where it is certain, and with its ports as unknown where it depends on something."""
    if not condition.texts:
        return declared
    if not declared.ports:
        return declared._replace(at_boot="unknown")
    ports = ", ".join(f"{port.port}/{port.proto}" for port in declared.ports)
    why = f"its port {ports} depends on whether {' and '.join(condition.texts)}"
    return declared._replace(ports=(), unknown=(*declared.unknown, why), at_boot="unknown")


# Containers


class _Words:
    """A run line that is put together, each word with the line that it comes from."""

    def __init__(self, module: _Module, engine: str, verb: tuple[str, ...]) -> None:
        self._module = module
        self.words = [engine, *verb]
        self.lines = [module.mark.line] * len(self.words)

    def put(self, option: str, *names: str) -> None:
        """An option for each value that the task gives under one of these names."""
        for name in names:
            value = self._module.options.get(name)
            place = mark_of(self._module.options, name, self._module.mark)
            pairs = entries(value, place) if isinstance(value, list) else [(one, place) for one in _texts(value)]
            for one, mark in pairs:
                self.words.append(f"--{option}={_text(one)}")
                self.lines.append(mark.line)

    def add(self, *words: str) -> None:
        self.words += words
        self.lines += [self._module.mark.line] * (len(self.words) - len(self.lines))

    def put_text(self, option: str, *names: str) -> None:
        """An option with one value, which may hold commas."""
        for name in names:
            value = self._module.options.get(name)
            if value is not None:
                self.words.append(f"--{option}={_text(value)}")
                self.lines.append(mark_of(self._module.options, name, self._module.mark).line)

    def declared(self) -> list[Declared]:
        found = declare_run(self.words, self._module.mark.file, self._module.mark.line, lines=self.lines)
        return [] if found is None else [found._replace(ports=tuple(_named_source(port) for port in found.ports))]


def _named_source(port: DeclaredPort) -> DeclaredPort:
    return port._replace(source=port.source.replace("--publish=", "published port ", 1))


def _is_absent(module: _Module) -> bool:
    return module.text("state") in ("absent", "removed")


def _command_words(module: _Module) -> list[str]:
    value = module.get("command")
    if isinstance(value, list):
        return [_text(word) for word in value]
    try:
        return shlex.split(_text(value))
    except ValueError:
        return [_text(value)]


def _mounts(module: _Module, line: _Words) -> None:
    for mount, _mark in entries(module.get("mounts"), module.mark):
        if isinstance(mount, dict):
            kind, source = _text(mount.get("type")) or "volume", _text(mount.get("source"))
            line.add(f"--mount=type={kind},source={source},target=/x{',readonly' if mount.get('read_only') is True else ''}")


def _docker_container(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module):
        return Findings()
    line = _Words(module, "docker", ("run",))
    line.put_text("name", "name")
    line.put_text("network", "network_mode")
    line.put_text("restart", "restart_policy")
    line.put("publish", "published_ports", "ports")
    line.put("volume", "volumes")
    _mounts(module, line)
    entrypoint = _texts(module.get("entrypoint"))
    line.add(*([f"--entrypoint={entrypoint[0]}"] if entrypoint else []))
    line.add(module.text("image") or module.text("name") or "image", *entrypoint[1:], *_command_words(module))
    found = line.declared()
    if module.text("default_host_ip"):
        found = [_with_address(one, module.text("default_host_ip")) for one in found]
    if module.text("image") == "":
        found = [one._replace(image=None, program=None) for one in found]
    return Findings(declared=_limited(found, condition))


def _with_address(declared: Declared, address: str) -> Declared:
    """``default_host_ip`` is where ports without an address go."""
    if is_unknown(address):
        return declared._replace(unknown=(*declared.unknown, f"its ports are published on {address}"))
    ports = (port._replace(address=address) if port.address == "*" else port for port in declared.ports)
    return declared._replace(ports=tuple(ports))


def _swarm_service(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module):
        return Findings()
    unknown, ports = [], []
    for entry, mark in entries(module.get("publish"), module.mark):
        published = entry.get("published_port") if isinstance(entry, dict) else None
        text, protocol = _text(published), _text(entry.get("protocol") or "tcp") if isinstance(entry, dict) else "tcp"
        if text.isdigit() and 0 < int(text) < 65536 and protocol in ("tcp", "udp"):
            ports.append(DeclaredPort(protocol, "*", int(text), f"published_port: {text}", mark.line, "declared"))
        elif published is not None:
            unknown.append(f"its published_port is {text}")
    host = "host" in [_text(one.get("name") if isinstance(one, dict) else one) for one, _m in entries(module.get("networks"), module.mark)]
    name, image = module.text("name"), module.text("image")
    declared = Declared(
        "container", name or "service without a name", module.mark.file, module.mark.line, tuple(ports), tuple(unknown),
        at_boot="unknown", host_network=host, engine="docker", image=image or None,
    )  # fmt: skip
    return Findings(declared=_limited([declared], condition))


def _podman_container(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module):
        return Findings()
    line = _Words(module, "podman", ("run",))
    line.put_text("name", "name")
    line.put("network", "network", "net", "network_mode")
    line.put_text("restart", "restart_policy")
    line.put_text("pod", "pod")
    line.put("publish", "publish", "ports", "published", "published_ports")
    line.put_text("publish-all", "publish_all")
    line.put("volume", "volume", "volumes")
    line.put_text("entrypoint", "entrypoint")
    line.add(module.text("image") or "image", *_command_words(module))
    return Findings(declared=_limited(line.declared(), condition))


def _podman_pod(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module):
        return Findings()
    line = _Words(module, "podman", ("pod", "create"))
    line.put_text("name", "name")
    line.put("network", "network", "net", "network_mode")
    line.put("publish", "publish", "ports", "published", "published_ports")
    return Findings(declared=_limited(line.declared(), condition))


def _podman_play(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module):
        return Findings()
    content = module.get("kube_file_content")
    if content is not None:
        return Findings(written=(Written("kube.yaml", _text(content), None, False, _text_mark(module, "kube_file_content"), condition),))
    source = module.text("kube_file")
    declared = _elsewhere("podman", source, module.mark)
    return Findings(declared=_limited([declared], condition))


def _elsewhere(engine: str | None, source: str, mark: Mark) -> Declared:
    return Declared(
        "container", source or "unnamed", mark.file, mark.line, (), (f"its ports stand in {source}",), "unknown", False, engine=engine
    )


def _kubernetes(module: _Module, condition: Condition) -> Findings:
    definition = module.get("definition", "resource_definition", "inline")
    if _is_absent(module) or definition is None:
        return Findings()
    if isinstance(definition, str):
        mark = _text_mark(module, "definition", "resource_definition", "inline")
        return Findings(written=(Written("definition.yaml", definition, None, False, mark, condition),))
    documents = definition if isinstance(definition, list) else [definition]
    return Findings(declared=_limited(declare_manifests(documents, module.mark.file), condition))


def _compose(module: _Module, condition: Condition) -> Findings:
    if _is_absent(module) or module.text("state") == "stopped":
        return Findings()
    use = ComposeUse(
        source=module.text("project_src"),
        files=tuple(_texts(module.get("files"))),
        definition=module.get("definition"),
        name=module.text("project_name") or None,
        profiles=tuple(_texts(module.get("profiles"))),
        mark=module.mark,
        condition=condition,
    )
    return Findings(projects=(use,))


# Commands


def _text_mark(module: _Module, *names: str) -> Mark:
    """Where a text begins: behind ``key: |`` on the next line."""
    mark = module.at(*names)
    text = module.text(*names) or module.free
    return mark._replace(line=mark.line + 1) if "\n" in text else mark


def _command(module: _Module, condition: Condition) -> Findings:
    file = module.mark.file
    argv = module.get("argv")
    if isinstance(argv, list):
        found: tuple[Declared, ...] = declare_runs([_text(word) for word in argv], file, module.at("argv").line)
    else:
        text = module.text("cmd", "_raw_params") or module.free
        place = _text_mark(module, "cmd", "_raw_params")
        try:
            found = declare_script(text, file, place.line)
        except Unparsable as error:
            if re.search(r"\b(?:docker|podman)\b", text) is None:
                return Findings()
            found = (_elsewhere(None, "a command", module.mark)._replace(unknown=(f"its command cannot be read: {error}",)),)
    return Findings(declared=_limited(found, condition))


# Files, services, and what is taken in


def _copy(module: _Module, condition: Condition) -> Findings:
    dest, content, src = module.text("dest", "path"), module.get("content", "block"), module.text("src")
    if module.text("state") == "absent" or not dest or (content is None and not src) or module.get("remote_src") is True:
        return Findings()
    text = None if content is None else _text(content)
    mark = _text_mark(module, "content", "block")
    if content is None or isinstance(content, (dict, list)):
        # A mapping is written as JSON, whatever for.
        text, mark = None, module.mark
    return Findings(written=(Written(dest, text, src or None, module.name == "template", mark, condition),)) if text or src else Findings()


def _boolean(value: t.Any) -> bool | None:
    text = _text(value).lower()
    return True if text in ("true", "yes", "on", "1") else False if text in ("false", "no", "off", "0") else None


def _service(module: _Module, condition: Condition) -> Findings:
    name = module.text("name", "service", "unit")
    if not name or module.text("scope") in ("user", "global"):
        return Findings()
    masked = _boolean(module.get("masked"))
    enabled = False if masked else _boolean(module.get("enabled"))
    state = module.text("state")
    started = True if state in ("started", "restarted", "reloaded") else False if state == "stopped" else None
    unit = name if re.search(r"\.(?:service|socket|timer|path|target|mount|slice)$", name) else f"{name}.service"
    return Findings(states=(ServiceState(unit, enabled, started, module.mark, condition),))


def _tasks_reference(module: _Module, condition: Condition) -> Findings:
    name = module.text("file") or module.free.split(" ")[0]
    return Findings(references=(Reference("tasks", name, "", module.mark, condition),))


def _role_reference(module: _Module, condition: Condition) -> Findings:
    name = module.text("name", "role")
    return Findings(references=(Reference("role", name, module.text("tasks_from") or "main", module.mark, condition),))


_READERS: dict[str, t.Callable[[_Module, Condition], Findings]] = {
    "blockinfile": _copy,
    "command": _command,
    "copy": _copy,
    "docker_compose": _compose,
    "docker_compose_v2": _compose,
    "docker_container": _docker_container,
    "docker_swarm_service": _swarm_service,
    "import_role": _role_reference,
    "import_tasks": _tasks_reference,
    "include_role": _role_reference,
    "include_tasks": _tasks_reference,
    "k8s": _kubernetes,
    "podman_container": _podman_container,
    "podman_play": _podman_play,
    "podman_pod": _podman_pod,
    "raw": _command,
    "service": _service,
    "shell": _command,
    "systemd": _service,
    "systemd_service": _service,
    "template": _copy,
}
CONTAINERS = tuple(sorted(name for name in _READERS if name.startswith(("docker_", "podman_"))))
"""Modules whose tasks create containers."""
