# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.guarded.deploy.plugins.module_utils._errors import GuardError
from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import declared_as_dict
from ansible_collections.guarded.deploy.plugins.plugin_utils._manifests import Manifests, load_manifests
from ansible_collections.guarded.deploy.plugins.plugin_utils._variables import HostVariables


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads the manifests on the controller, and sends what they declare along with the module."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        paths = arguments.get("manifests") or []
        found = Manifests((), ())
        if paths:
            found = self._load([paths] if isinstance(paths, str) else list(paths), variables)
            arguments["declared"] = [declared_as_dict(one) for one in found.declared]
        result: dict[str, t.Any] = self._execute_module(module_args=arguments, task_vars=variables)
        if paths:
            result["manifests_unread"] = [{"path": path, "why": why} for path, why in found.unread]
        return result

    def _load(self, paths: list[str], variables: dict[str, t.Any]) -> Manifests:
        groups = {"all", variables.get("inventory_hostname", ""), *variables.get("group_names", ())}
        base = self._loader.get_basedir()
        absolute = [self._loader.path_dwim(path) for path in paths]
        try:
            found = load_manifests(absolute, lambda pattern: _is_here(pattern, groups), self._host_variables(variables))
        except GuardError as error:
            raise AnsibleActionFail(str(error)) from error
        # As the user wrote them: a message with three absolute paths is read by nobody.
        declared = tuple(one._replace(file=_shorten(one.file, base)) for one in found.declared)
        return Manifests(declared, tuple((_shorten(path, base), why) for path, why in found.unread))

    def _host_variables(self, variables: dict[str, t.Any]) -> HostVariables | None:
        """What the inventory says of the host, without what the play that looks says itself; None where Ansible does not
        tell. Nothing of it is rendered, and what is encrypted stays so."""
        name = variables.get("inventory_hostname", "")
        values = variables["hostvars"].raw_get(name) if "hostvars" in variables else None
        if not isinstance(values, dict):
            return None
        folders = (variables.get("playbook_dir"), variables.get("inventory_dir"))
        return HostVariables(
            name=str(name),
            groups=("all", *variables.get("group_names", ())),
            values=values,
            extra=load_extra_vars(self._loader),
            folders=tuple(str(folder) for folder in folders if folder),
        )


def _shorten(path: str, base: str) -> str:
    return os.path.relpath(path, base) if path.startswith(base.rstrip("/") + "/") else path


def _is_here(pattern: str, groups: set[str]) -> bool:
    """Whether a play's hosts may be this one: a plain name decides, and what needs Ansible's own matching counts."""
    names = [name.strip() for name in pattern.replace(";", ",").replace(":", ",").split(",") if name.strip()]
    if any(sign in pattern for sign in "!&*?[~{"):
        return True
    return any(name in groups for name in names)
