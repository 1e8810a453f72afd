# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What the tasks of a play ask of the hosts that it is for.

Tasks that create containers are put into the run line that would do the same, and that is read. What a task writes,
includes or enables is listed, for whoever can read files to follow. What stands in ``{{ }}`` is told by the caller's
:class:`Scope`, as far as that can; the rest is unknown, and what runs only under a condition is named as unknown with
its ports.

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
# Of an entry of a play's roles; every other key is a variable.
_ROLE_KEYWORDS = _KEYWORDS | {"role", "tasks_from", "vars_from", "defaults_from", "public"}
HANDLER = "a handler is notified"
_MOST_DEPTH = 50


class Condition(t.NamedTuple):
    """Why a task may not run: the texts of ``when``, or that it is a handler or a rescue."""

    texts: tuple[str, ...] = ()

    def and_(self, *texts: str) -> Condition:
        return Condition((*self.texts, *texts))


class Scope(t.Protocol):
    """The variables that a task sees. Here nothing is worked out; the controller has Jinja's parser."""

    def inside(self, variables: t.Any, /) -> Scope:
        """The scope with the ``vars`` of a block, a task or a role on top."""

    def rounds(self, task: t.Mapping[str, t.Any], /) -> t.Sequence[Scope]:
        """A scope for each round of a task's loop; one where there is no loop, or where it cannot be told."""

    def fill(self, value: t.Any, mark: Mark, /) -> t.Any:
        """A loaded value with its expressions worked out; what cannot be told stays as it is written."""

    def decide(self, condition: str, /) -> bool | None:
        """Whether a ``when`` holds; None where that cannot be told."""


class _Unrendered:
    """The scope of whoever knows no variables."""

    def inside(self, _variables: t.Any) -> Scope:
        return self

    def rounds(self, _task: t.Mapping[str, t.Any]) -> t.Sequence[Scope]:
        return (self,)

    def fill(self, value: t.Any, _mark: Mark) -> t.Any:
        return value

    def decide(self, _condition: str) -> bool | None:
        return None


UNRENDERED: Scope = _Unrendered()


class Written(t.NamedTuple):
    """A file that a task writes on the host: its ``text``, or ``src`` as the task names it. ``line`` is that of the
    text's first line in ``file``."""

    dest: str
    text: str | None
    src: str | None
    template: bool
    mark: Mark
    condition: Condition
    scope: Scope = UNRENDERED


class Reference(t.NamedTuple):
    """Something that a task or play takes in: ``kind`` is ``tasks``, ``role``, ``playbook`` or ``variables``. ``inherited``
    says that what it takes in is under the condition task by task, each with its own variables."""

    kind: str
    name: str
    tasks_from: str
    mark: Mark
    condition: Condition
    scope: Scope = UNRENDERED
    inherited: bool = False


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
    """What tasks say, each in their order. ``variables`` are the names of those that they set while the play runs."""

    declared: tuple[Declared, ...] = ()
    written: tuple[Written, ...] = ()
    references: tuple[Reference, ...] = ()
    states: tuple[ServiceState, ...] = ()
    projects: tuple[ComposeUse, ...] = ()
    variables: tuple[str, ...] = ()

    def plus(self, other: Findings) -> Findings:
        """These, and then the other's."""
        return Findings(
            self.declared + other.declared,
            self.written + other.written,
            self.references + other.references,
            self.states + other.states,
            self.projects + other.projects,
            self.variables + other.variables,
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


def _no_variables(_play: t.Mapping[str, t.Any]) -> Scope:
    return UNRENDERED


def read_plays(document: t.Any, file: str, scope_of: t.Callable[[t.Mapping[str, t.Any]], Scope] = _no_variables) -> tuple[Play, ...]:
    """The plays of a playbook; ``scope_of`` tells the variables of a play.

    :raises Unparsable: tasks are not built as tasks are; the text names file and line
    """
    found = []
    for play, mark in entries(document, Mark(file, 0)):
        imported = next((key for key in play if _short(key) == "import_playbook"), None)
        if imported is not None:
            where, when = mark_of(play, imported, mark), _when(play, Condition(), UNRENDERED)
            if when is not None:
                found.append(Play("", Findings(), Reference("playbook", _text(play[imported]), "", where, when)))
            continue
        scope = scope_of(play)
        findings = _read_section(play, "pre_tasks", mark, Condition(), scope).plus(_roles(play, mark, scope))
        for section in ("tasks", "post_tasks"):
            findings = findings.plus(_read_section(play, section, mark, Condition(), scope))
        findings = findings.plus(_read_section(play, "handlers", mark, Condition((HANDLER,)), scope))
        found.append(Play(_hosts(play.get("hosts")), findings))
    return tuple(found)


def _hosts(value: t.Any) -> str:
    return ":".join(_text(one) for one in value) if isinstance(value, list) else _text(value)


def _read_section(play: dict[str, t.Any], section: str, mark: Mark, condition: Condition, scope: Scope) -> Findings:
    return read_tasks(play.get(section), mark_of(play, section, mark), condition, scope)


def _roles(play: dict[str, t.Any], mark: Mark, scope: Scope) -> Findings:
    found = []
    for role, where in entries(play.get("roles"), mark):
        if not isinstance(role, dict):
            found.append(Reference("role", _text(scope.fill(role, where)), "main", where, Condition(), scope, True))
            continue
        parameters = {key: value for key, value in role.items() if key not in _ROLE_KEYWORDS}
        inner = scope.inside(role.get("vars")).inside(parameters)
        when = _when(role, Condition(), inner)
        if "never" not in _tags(role) and when is not None:
            name = _text(inner.fill(role.get("role") or role.get("name"), where))
            found.append(Reference("role", name, _text(role.get("tasks_from")) or "main", where, when, inner, True))
    return Findings(references=tuple(found))


def read_tasks(tasks: t.Any, mark: Mark, condition: Condition = Condition(), scope: Scope = UNRENDERED, depth: int = 0) -> Findings:  # noqa: B008
    """What a list of tasks says; ``mark`` is where the list stands, ``scope`` what it knows of variables.

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
        found = found.plus(_read_task(task, where, condition, scope, depth))
    return found


def _read_task(task: dict[str, t.Any], mark: Mark, condition: Condition, scope: Scope, depth: int) -> Findings:
    if "never" in _tags(task) or _is_elsewhere(task):
        return Findings(variables=_set_by(task, mark))
    inner = scope.inside(task.get("vars"))
    if "block" in task:
        return _read_block(task, mark, condition, inner, depth)
    module = _module(task, mark)
    reader = _READERS.get(module.name) if module is not None else None
    found = Findings(variables=_set_by(task, mark))
    if module is None or reader is None:
        return found
    rounds = inner.rounds(task)
    for number, one in enumerate(rounds, 1):
        when = _when(task, condition, one)
        if when is not None:
            read = reader(module.filled(one), when)
            found = found.plus(read if len(rounds) == 1 else _told_apart(read, number))
    return found


def _read_block(task: dict[str, t.Any], mark: Mark, condition: Condition, scope: Scope, depth: int) -> Findings:
    found = Findings()
    when = _when(task, condition, scope)
    if when is None:
        return found
    for section in ("block", "always"):
        found = found.plus(read_tasks(task.get(section), mark_of(task, section, mark), when, scope, depth + 1))
    failed = when.and_("its block fails")
    return found.plus(read_tasks(task.get("rescue"), mark_of(task, "rescue", mark), failed, scope, depth + 1))


def _told_apart(read: Findings, number: int) -> Findings:
    """What one round of a loop says: two containers whose names nobody knows are two."""
    return read._replace(
        declared=tuple(one._replace(name=f"{one.name} (round {number})") if is_unknown(one.name) else one for one in read.declared)
    )


def _set_by(task: dict[str, t.Any], mark: Mark) -> tuple[str, ...]:
    """The variables that a task sets."""
    names = [_text(task["register"])] if "register" in task else []
    module = _module(task, mark)
    if module is not None and module.name == "set_fact":
        names += [name for name in module.options if name != "cacheable"]
    return tuple(names)


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


def _when(task: dict[str, t.Any], condition: Condition, scope: Scope) -> Condition | None:
    """The condition with what ``when`` adds to it; None where it is known not to hold."""
    value = task.get("when")
    open_ones = []
    for one in value if isinstance(value, list) else [value]:
        if one is False:
            return None
        if one is None or one is True or _text(one) in ("", "true"):
            continue
        decided = scope.decide(_text(one))
        if decided is False:
            return None
        if decided is None:
            open_ones.append(_text(one))
    return condition.and_(*open_ones)


def decide_again(condition: Condition, scope: Scope) -> Condition | None:
    """The condition where more is known; None where it does not hold."""
    return _when({"when": list(condition.texts)}, Condition(), scope)


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
    scope: Scope = UNRENDERED

    def filled(self, scope: Scope) -> _Module:
        """The same with what the scope knows."""
        if scope is UNRENDERED:
            return self
        return self._replace(options=scope.fill(self.options, self.mark), free=scope.fill(self.free, self.mark), scope=scope)

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
    if not text and not src:
        return Findings()
    return Findings(written=(Written(dest, text, src or None, module.name == "template", mark, condition, module.scope),))


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
    return Findings(references=(Reference("tasks", name, "", module.mark, condition, module.scope),))


def _role_reference(module: _Module, condition: Condition) -> Findings:
    name = module.text("name", "role")
    tasks_from, inherited = module.text("tasks_from") or "main", module.name == "import_role"
    reference = Reference("role", name, tasks_from, module.mark, condition, module.scope, inherited)
    return Findings(references=(reference,))


def _variables_reference(module: _Module, condition: Condition) -> Findings:
    if module.text("name"):
        return Findings(variables=(module.text("name"),))
    name = module.text("file", "dir") or module.free.split(" ")[0]
    return Findings(references=(Reference("variables", name, "", module.mark, condition, module.scope),))


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
    "include_vars": _variables_reference,
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
