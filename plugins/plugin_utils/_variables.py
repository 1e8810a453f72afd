# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The variables that tasks see: which of the places that name one wins, and when that cannot be told.

Order: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html#understanding-variable-precedence.
What is set while a play runs (``set_fact``, ``register``, ``include_vars``) is unknown, and so is what two places say
differently where their order is not known here.
"""

from __future__ import annotations

import os
import typing as t

from ..module_utils._containers.marks import Mark
from ..module_utils._errors import GuardError
from ._expressions import UNKNOWN, Expressions, NotWorkedOut, PartlyKnown, Value

if t.TYPE_CHECKING:
    from ._manifest_files import ManifestFiles

_VAULT = "$ANSIBLE_VAULT"
_YAML = (".yml", ".yaml", ".json")
# Ansible sets these itself, for each run, host and task anew.
_OF_ANSIBLE = frozenset(
    (
        *("environment", "group_names", "groups", "hostvars", "inventory_dir", "inventory_file", "inventory_hostname"),
        *("inventory_hostname_short", "item", "module_setup", "play_hosts", "playbook_dir", "role_name", "role_names", "role_path", "vars"),
    )
)
# They tell of the run that looks, not of the one that will deploy.
_OF_THIS_RUN = ("ansible_run_tags", "ansible_skip_tags", "ansible_limit", "ansible_diff_mode", "ansible_verbosity", "ansible_version")
# Facts that the deployment itself changes.
_CHANGING_FACTS = ("packages", "services")
_LOOPS = ("with_items", "with_list", "with_flattened")


class HostVariables(t.NamedTuple):
    """What the inventory says of the host in question. ``values`` are its variables and facts as they are written,
    ``extra`` those of the command line, and ``folders`` the folders whose ``group_vars`` and ``host_vars`` are in them."""

    name: str
    groups: tuple[str, ...] = ()
    values: t.Mapping[str, t.Any] = {}
    extra: t.Mapping[str, t.Any] = {}
    folders: tuple[str, ...] = ()


class Layer(t.NamedTuple):
    """Variables of one place. ``closed`` says that there may be more, which nobody here can read (a vault)."""

    values: t.Mapping[str, t.Any]
    closed: bool = False


class Told:
    """What is learnt of variables on the way through the plays, and holds from their beginning on."""

    def __init__(self) -> None:
        self.changing: set[str] = set()
        """Set while a play runs, to what nobody knows."""
        self.included: dict[str, list[t.Any]] = {}
        """Set while a play runs, to what a file says."""
        self.defaults: dict[str, frozenset[str]] = {}
        """The names in each role's defaults; a play's other roles see them too."""
        self.role_vars: dict[str, frozenset[str]] = {}
        self.closed = False
        """Whether something that cannot be read may set any variable while a play runs."""

    def size(self) -> int:
        """Grows with everything that is learnt."""
        included = sum(1 + len(values) for values in self.included.values())
        return len(self.changing) + included + len(self.defaults) + len(self.role_vars) + self.closed

    def include(self, variables: t.Mapping[str, t.Any]) -> None:
        """Learn of variables that a task sets."""
        for name, value in variables.items():
            values = self.included.setdefault(name, [])
            if value not in values:
                values.append(value)

    def others(self, names: t.Mapping[str, frozenset[str]], roles: t.Sequence[str], name: str) -> bool:
        """Whether a role other than these has a variable of this name."""
        return any(name in mine for path, mine in names.items() if path not in roles)


class Variables:
    """The variables at one place of a play; a scope for the tasks there."""

    def __init__(self, host: HostVariables | None, told: Told, files: ManifestFiles) -> None:
        self._host, self._told, self._files = host, told, files
        self._playbook: str | None = None
        self._folder = Layer({})  # group_vars and host_vars beside the playbook
        self._unclear: frozenset[str] = frozenset()  # named differently by two groups
        self._play: tuple[Layer, ...] = ()  # what wins comes first
        self._defaults = self._role_vars = Layer({})
        self._roles: tuple[str, ...] = ()  # the role, after those that take it in
        self._local: dict[str, t.Any] = {}
        self._loop: dict[str, t.Any] = {}
        self._expressions = Expressions(self)

    def _with(self, **changed: t.Any) -> Variables:
        other = Variables(self._host, self._told, self._files)
        other.__dict__.update(self.__dict__)
        other.__dict__.update({f"_{name}": value for name, value in changed.items()})
        other._expressions = Expressions(other)
        return other

    @property
    def key(self) -> str:
        """The same for two places where the same was handed in."""
        return repr((sorted(self._local.items()), sorted(self._loop.items())))

    # Where a task stands

    def in_folder(self, folder: str) -> Variables:
        """In a playbook of this folder."""
        if self._host is None:
            return self
        if os.path.realpath(folder) in [os.path.realpath(one) for one in self._host.folders]:
            return self._with(playbook=folder)
        groups = [self._vars_of(os.path.join(folder, "group_vars", group)) for group in self._host.groups if group != "all"]
        names = [name for layer in groups for name in layer.values]
        unclear = {name for name in names if len({repr(layer.values.get(name)) for layer in groups if name in layer.values}) > 1}
        layers = [self._vars_of(os.path.join(folder, "group_vars", "all")), *groups]
        mine = self._vars_of(os.path.join(folder, "host_vars", self._host.name))
        values = {name: value for layer in (*layers, mine) for name, value in layer.values.items()}
        closed = any(layer.closed for layer in (*layers, mine))
        return self._with(playbook=folder, folder=Layer(values, closed), unclear=frozenset(unclear - set(mine.values)))

    def in_play(self, play: t.Mapping[str, t.Any], folder: str) -> Variables:
        """In a play, with its ``vars`` and ``vars_files``."""
        if self._host is None:
            return self
        own = play.get("vars")
        inner = self._with(play=(Layer(own if isinstance(own, dict) else {}, own is not None and not isinstance(own, dict)),))
        prompts = play.get("vars_prompt")
        for prompt in prompts if isinstance(prompts, list) else []:
            if isinstance(prompt, dict) and isinstance(prompt.get("name"), str):
                self._told.changing.add(prompt["name"])
        listed = play.get("vars_files") or []
        files = listed if isinstance(listed, list) else [listed]
        read = [inner._vars_file(one, folder) for one in files]
        return inner._with(play=(*reversed(read), *inner._play))

    def _vars_file(self, entry: t.Any, folder: str) -> Layer:
        """One entry of ``vars_files``; of a list the first that is there."""
        for one in entry if isinstance(entry, list) else [entry]:
            name = self.fill(one, Mark("", 0))
            if not isinstance(name, str) or "{{" in name:
                return Layer({}, True)
            path = os.path.join(folder, name)
            if self._files.is_file(path):
                return self._read(path)
        return Layer({}, True)

    def in_role(self, path: str) -> Variables:
        """In a role, with its defaults and vars, and below them those of the roles that take it in."""
        if self._host is None:
            return self
        defaults, role_vars = (self._vars_of(os.path.join(path, folder, "main")) for folder in ("defaults", "vars"))
        self._told.defaults[path] = frozenset(defaults.values)
        self._told.role_vars[path] = frozenset(role_vars.values)
        if path in self._roles:
            return self
        return self._with(
            roles=(*self._roles, path),
            defaults=_over(self._defaults, defaults),
            role_vars=_over(self._role_vars, role_vars),
        )

    def _vars_of(self, path: str) -> Layer:
        """``path``, ``path.yml`` and the like, and what lies below the folder ``path``."""
        found = [one for one in (path, *(path + ending for ending in _YAML)) if self._files.is_file(one)]
        if not found and os.path.isdir(path):
            found = [
                os.path.join(folder, name)
                for folder, _folders, names in sorted(os.walk(path))
                for name in sorted(names)
                if name.endswith(_YAML) or "." not in name
            ]
        layers = [self._read(one) for one in found]
        values = {name: value for layer in layers for name, value in layer.values.items()}
        return Layer(values, any(layer.closed for layer in layers))

    def _read(self, path: str) -> Layer:
        try:
            text = self._files.read(path)
            if text.lstrip().startswith(_VAULT):
                return Layer({}, True)
            documents = self._files.load(path, "1.1", strict_keys=False)
        except GuardError:
            # Whoever plays it will be told; here it means only that its variables are not known.
            return Layer({}, True)
        mappings = [one for one in documents if isinstance(one, dict)]
        odd = any(one is not None and not isinstance(one, dict) for one in documents)
        return Layer({name: value for one in mappings for name, value in one.items()}, odd)

    def include(self, path: str) -> None:
        """Learn of what a file sets that a task includes."""
        layer = self._read(path)
        self._told.include(layer.values)
        self._told.closed = self._told.closed or layer.closed

    # What tasks ask (Scope)

    def inside(self, variables: t.Any) -> Variables:
        """With the ``vars`` of a block, a task or a role on top."""
        if self._host is None or not isinstance(variables, dict) or not variables:
            return self
        return self._with(local={**self._local, **variables})

    def rounds(self, task: t.Mapping[str, t.Any]) -> t.Sequence[Variables]:
        """One for each round of a task's loop; one whose item is unknown where the rounds cannot be told."""
        keyword = next((key for key in task if key == "loop" or key.startswith("with_")), None)
        if self._host is None or keyword is None:
            return (self,)
        control = task.get("loop_control")
        control = control if isinstance(control, dict) else {}
        name = str(control.get("loop_var") or "item")
        hidden = {str(control[key]): UNKNOWN for key in ("index_var",) if control.get(key)}
        entries = self._entries(keyword, task[keyword])
        if entries is None:
            return (self._with(loop={**self._loop, **hidden, name: UNKNOWN}),)
        return [self._with(loop={**self._loop, **hidden, name: one}) for one in entries]

    def _entries(self, keyword: str, value: t.Any) -> list[Value] | None:
        if keyword == "with_dict":
            return self._expressions.list_of(f"{{{{ {value[2:-2]} | dict2items }}}}" if _is_expression(value) else "")
        if keyword != "loop" and keyword not in _LOOPS:
            return None
        entries = self._expressions.list_of(value)
        if entries is None or keyword not in ("with_items", "with_flattened"):
            return entries
        flat: list[Value] = []
        for one in entries:
            # with_items takes the lists in its list apart, and an expression that stands for one too.
            settled = self._expressions.settled(one) if _is_expression(one.value) else one
            if settled is None:
                return None
            inner = settled.value if isinstance(settled.value, list) else [settled.value]
            flat += [Value(each, settled.private) for each in inner]
        return flat

    def fill(self, value: t.Any, mark: Mark) -> t.Any:
        """As :meth:`Expressions.fill`."""
        return value if self._host is None else self._expressions.fill(value, mark)

    def fill_template(self, text: str) -> str:
        """The text of a template, as far as it is known, line for line."""
        if self._host is None or text.startswith("#jinja2:"):
            # #jinja2: variable_start_string:'[%' makes other braces.
            return text
        return self._expressions.fill_template(text)

    def decide(self, condition: str) -> bool | None:
        """As :meth:`Expressions.decide`."""
        return None if self._host is None else self._expressions.decide(condition)

    # Where expressions ask (Names)

    def look_up(self, name: str) -> Value | None:
        """The variable as the place that wins writes it.

        :raises NotWorkedOut: there may be one, and nobody can tell its value
        """
        host = self._host
        if host is None:
            raise NotWorkedOut(name)
        if name in host.extra:
            return Value(host.extra[name], True)
        if name in self._loop:
            found = self._loop[name]
            return found if isinstance(found, Value) else Value(found)
        if name in _OF_ANSIBLE or name.startswith("ansible_"):
            return self._of_ansible(name)
        if name in self._told.changing or self._told.closed:
            raise NotWorkedOut(f"{name} is set while the play runs")
        found = self._written(name)
        if any(found is None or found.value != value for value in self._told.included.get(name, ())):
            raise NotWorkedOut(f"{name} is included while the play runs")
        return found

    def _of_ansible(self, name: str) -> Value:
        host = t.cast("HostVariables", self._host)
        role = self._roles[-1] if self._roles else None
        known: dict[str, t.Any] = {"role_path": role, "playbook_dir": self._playbook, "ansible_check_mode": False}
        if known.get(name) is not None:
            return Value(known[name])
        if name in known or name in _OF_THIS_RUN or name not in host.values:
            raise NotWorkedOut(name)
        value = host.values[name]
        if name == "ansible_facts" and isinstance(value, dict):
            return Value(PartlyKnown({key: one for key, one in value.items() if key not in _CHANGING_FACTS}), True)
        return Value(value, True)

    def _written(self, name: str) -> Value | None:
        for layer in (Layer(self._local), self._role_vars):
            if name in layer.values:
                return self._unless_set_elsewhere(name, layer.values[name])
            self._no_more_behind(layer, name)
        if self._told.others(self._told.role_vars, self._roles, name):
            raise NotWorkedOut(f"another role sets {name}")
        for layer in self._play:
            if name in layer.values:
                return self._unless_set_elsewhere(name, layer.values[name])
            self._no_more_behind(layer, name)
        return self._of_inventory(name)

    def _unless_set_elsewhere(self, name: str, value: t.Any, private: bool = False) -> Value:
        """A fact that an earlier task set lies among the host's variables, and would win."""
        host = t.cast("HostVariables", self._host)
        if name in host.values and host.values[name] != value:
            raise NotWorkedOut(f"the host has another {name}")
        return Value(value, private)

    def _no_more_behind(self, layer: Layer, name: str) -> None:
        if layer.closed:
            raise NotWorkedOut(f"{name} may be set where nobody can read")

    def _of_inventory(self, name: str) -> Value | None:
        host = t.cast("HostVariables", self._host)
        if name in self._folder.values:
            if name in self._unclear:
                raise NotWorkedOut(f"two groups name {name} differently")
            return self._unless_set_elsewhere(name, self._folder.values[name], private=True)
        self._no_more_behind(self._folder, name)
        if name in host.values:
            return Value(host.values[name], True)
        if name in self._defaults.values:
            return Value(self._defaults.values[name])
        self._no_more_behind(self._defaults, name)
        if self._told.others(self._told.defaults, self._roles, name):
            raise NotWorkedOut(f"another role's defaults have {name}")
        return None


def _over(below: Layer, above: Layer) -> Layer:
    return Layer({**below.values, **above.values}, below.closed or above.closed)


def _is_expression(value: t.Any) -> bool:
    return isinstance(value, str) and value.startswith("{{") and value.endswith("}}")
