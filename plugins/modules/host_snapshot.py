#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_snapshot
short_description: Snapshot a host before a change, and bring it back as it was
version_added: 0.2.0
description:
  - Records files, units, timers, sockets, containers, networks, listeners and package versions of a host before a change.
  - O(state=restored) brings files, units and containers back, looks again, and fails unless the host is as it was.
  - Says beforehand, in RV(not_restorable), what a restore will not bring back, such as the content of volumes and databases.
extends_documentation_fragment:
  - guarded.deploy.attributes
attributes:
  check_mode:
    support: full
    details:
      - With O(state=present) hooks are not run. With O(state=restored) the steps are told and none is done.
  diff_mode:
    support: partial
    details:
      - With O(state=restored) only, which shows how the host differs from the snapshot.
  platform:
    platforms: posix
    support: full
    description: Linux with systemd, GNU tar 1.29 or newer, Python 3.9 or newer. Needs root.
options:
  state:
    description:
      - With V(present) a snapshot is taken. Where one of the O(name) is there already and whole, nothing is done.
      - With V(restored) the host is brought back to it. What is right already is not touched, so that a second time nothing
        is done; one that was cut off can be run again.
      - With V(absent) it is removed.
    type: str
    choices: [present, restored, absent]
    default: present
  name:
    description:
      - The name of the snapshot; letters, digits, C(-), C(_) and C(.). It is unique on the host.
      - Without it O(state=present) takes one that is named after the time, and returns the name as RV(name).
    type: str
    aliases: [id]
  paths:
    description:
      - The files and folders to record, each with all that is below it on its file system. Links are recorded, never followed.
      - Without it they are what a deployment may touch - the folders of units, drop-ins and quadlets of the system and of its
        users, C(/etc/containers), C(/etc/docker), C(/etc/default), cron's and logrotate's, C(/usr/local/bin) and C(sbin), and
        the folders of Compose projects without the data in them. RV(paths) says exactly which.
      - A path that is not there is recorded as such; what the change makes there is removed again.
    type: list
    elements: str
  exclude:
    description:
      - What below the O(paths) is neither recorded nor touched by a restore, as shell patterns. One that begins with C(/) is
        compared with the whole path, any other with the last name alone.
    type: list
    elements: str
    default: []
  before_snapshot:
    description:
      - Commands to run on the host before it is looked at, to dump a database for one. If one fails, so does the snapshot,
        and nothing of it is left.
      - They find the name of the snapshot in C(GUARDED_DEPLOY_SNAPSHOT), and in C(GUARDED_DEPLOY_HOOKS) a folder. Files that
        they leave there are part of the snapshot and of its digests.
      - They are kept in the snapshot, for root only. Let them read passwords from files of the host.
    type: list
    elements: dict
    default: []
    suboptions: &hook
      command:
        description: Text for C(/bin/sh -e -c).
        type: str
        required: true
      timeout:
        description: Seconds that it may take.
        type: float
        default: 300
  after_restore:
    description:
      - Commands to run on the host when all the rest is restored, to load the dump for one. They are kept in the snapshot, and
        find the same variables.
      - If one fails, so does the restore.
    type: list
    elements: dict
    default: []
    suboptions: *hook
  keep:
    description:
      - After a snapshot was taken, remove the oldest ones so that this many good ones remain.
      - The newest good one is never removed, nor one that an armed guard may go back to.
    type: int
    default: 10
  max_age:
    description: After a snapshot was taken, remove those that are older than so many days, with the same exceptions.
    type: float
  accept_loss:
    description:
      - With O(state=restored), also restore a snapshot that is not the newest, or where someone else has changed since what
        would be undone with it. Without it that is refused, and named.
    type: bool
    default: false
  accept_unseen:
    description:
      - Take the snapshot although the units of a service manager or the containers of an engine could not be looked at.
        A restore will then neither bring them back nor verify them. Without it no snapshot is taken.
      - For a host with a Docker that is out of order, for one.
    type: bool
    default: false
  comment:
    description: A line for whoever finds the snapshot later.
    type: str
    default: ""
  timeout:
    description: Seconds that one command may take, and that another snapshot that is being taken is waited for.
    type: float
    default: 300
notes:
  - Snapshots lie in C(/var/lib/guarded-deploy/snapshots), for root only, with a C(README.txt) that tells how to get files out of
    them with nothing but C(tar). They hold what the recorded files hold, secrets included; results and logs do not.
  - A path that has not changed since the newest snapshot takes no more room; it is shared by hard links.
  - The services that are never started or stopped by a restore, and what else its scope is, says the guide on snapshots.
seealso:
  - module: guarded.deploy.host_snapshot_info
  - module: guarded.deploy.deployment_guard
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: Take a snapshot of what a deployment may touch
  guarded.deploy.host_snapshot:
    comment: before release 42
  register: before

- name: Read what a restore would not bring back
  ansible.builtin.debug:
    var: before.not_restorable

- name: Bring the host back
  guarded.deploy.host_snapshot:
    name: "{{ before.name }}"
    state: restored

- name: Take one with a dump of a database
  guarded.deploy.host_snapshot:
    name: before-release-42
    paths: [/etc/systemd, /srv/app]
    exclude: [/srv/app/cache]
    before_snapshot:
      - command: runuser -u postgres -- pg_dump --format=custom app > "$GUARDED_DEPLOY_HOOKS/app.dump"
    after_restore:
      - command: runuser -u postgres -- pg_restore --clean --if-exists --dbname=app < "$GUARDED_DEPLOY_HOOKS/app.dump"
        timeout: 1800

- name: Remove it
  guarded.deploy.host_snapshot:
    name: before-release-42
    state: absent
"""

RETURN = r"""
name:
  description: The name of the snapshot.
  returned: success
  type: str
  sample: 20261120T093000Z-1f2e3d
folder:
  description: The folder that it lies in.
  returned: success, O(state=present)
  type: str
  sample: /var/lib/guarded-deploy/snapshots/20261120T093000Z-1f2e3d
size_bytes:
  description: The size of its files in bytes, what it shares with others included; 0 in check mode.
  returned: success, O(state=present)
  type: int
paths:
  description: The paths that are recorded.
  returned: success, O(state=present)
  type: list
  elements: str
reused:
  description: Those of them that have not changed since the newest snapshot and are shared with it.
  returned: success, O(state=present)
  type: list
  elements: str
changed_while_read:
  description: Files that changed each time they were read, so that their recorded content may be a mixture.
  returned: success, O(state=present)
  type: list
  elements: str
removed:
  description: The names of older snapshots that were removed.
  returned: success, O(state=present)
  type: list
  elements: str
not_restorable:
  description: What a restore does not bring back; known before the change.
  returned: success, O(state=present) or O(state=restored)
  type: list
  elements: dict
  contains:
    kind:
      description: Of what kind it is, such as V(volume), V(database), V(writable_layer), V(package), V(path).
      type: str
    name:
      description: What it is.
      type: str
    why:
      description: Why, as a sentence.
      type: str
  sample: [{"kind": "volume", "name": "shop_db", "why": "only its name and options are recorded, never its content"}]
unseen:
  description: What could not be looked at, and why, so that a restore cannot bring it back or compare it.
  returned: success, O(state=present)
  type: list
  elements: str
steps:
  description: What was done, or would be in check mode, in its order.
  returned: O(state=restored)
  type: list
  elements: str
verified:
  description:
    - Whether the host is as it was, found by a look after the last step; V(null) in check mode.
    - The module fails where it is V(false).
  returned: O(state=restored)
  type: bool
remaining:
  description: How the host still differs from the snapshot.
  returned: O(state=restored)
  type: list
  elements: dict
  contains:
    section:
      description: What it belongs to, such as V(units) or V(files).
      type: str
    name:
      description: What differs.
      type: str
    before:
      description: How it was, empty where it was not there.
      type: str
    after:
      description: How it is, empty where it is not there.
      type: str
failures:
  description: Steps that did not succeed.
  returned: O(state=restored)
  type: list
  elements: str
notes:
  description: What else is worth knowing.
  returned: success, O(state=present) or O(state=restored)
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.restore import RestoreOutcome, RestoreRequest, describe_failure, restore
from ..module_utils._apply.snapshot import TakeOutcome, TakeRequest, drop_snapshot, take_snapshot
from ..module_utils._errors import BadInput, GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._snapshot.model import Difference, Hook, Hooks, Unrestorable
from ..module_utils._snapshot.render_diff import printable, render_difference

HOOK: dict[str, t.Any] = {"command": {"type": "str", "required": True}, "timeout": {"type": "float", "default": 300}}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "restored", "absent"], "default": "present"},
    "name": {"type": "str", "aliases": ["id"]},
    "paths": {"type": "list", "elements": "str"},
    "exclude": {"type": "list", "elements": "str", "default": []},
    "before_snapshot": {"type": "list", "elements": "dict", "default": [], "options": HOOK},
    "after_restore": {"type": "list", "elements": "dict", "default": [], "options": HOOK},
    "keep": {"type": "int", "default": 10},
    "max_age": {"type": "float"},
    "accept_loss": {"type": "bool", "default": False},
    "accept_unseen": {"type": "bool", "default": False},
    "comment": {"type": "str", "default": ""},
    "timeout": {"type": "float", "default": 300},
}


def _positive(params: t.Mapping[str, t.Any], name: str) -> t.Any:
    if params[name] is not None and not params[name] > 0:
        raise BadInput(f"{name}: {params[name]:g} is not more than 0")
    return params[name]


def _hooks(found: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Hook, ...]:
    return tuple(Hook(("/bin/sh", "-e", "-c", one["command"]), float(_positive(one, "timeout"))) for one in found)


def _take(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    request = TakeRequest(
        id=params["name"],
        paths=None if params["paths"] is None else tuple(params["paths"]),
        excluded=tuple(params["exclude"]),
        hooks=Hooks(_hooks(params["before_snapshot"]), _hooks(params["after_restore"])),
        keep=_positive(params, "keep"),
        max_age_days=_positive(params, "max_age"),
        comment=params["comment"],
        timeout=_positive(params, "timeout"),
        check=module.check_mode,
        accept_unseen=params["accept_unseen"],
    )
    return _report_taken(take_snapshot(AnsibleHost(module), request))


def _report_taken(outcome: TakeOutcome) -> dict[str, t.Any]:
    return {
        "changed": outcome.changed,
        "name": outcome.id,
        "folder": outcome.path,  # "path" would make Ansible add the folder's owner, size and so on
        "size_bytes": outcome.size_bytes,
        "paths": list(map(printable, outcome.paths)),
        "reused": list(map(printable, outcome.reused)),
        "changed_while_read": list(map(printable, outcome.changed_while_read)),
        "not_restorable": _report_lost(outcome.not_restorable),
        "unseen": [printable(f"{what}: {why}") for what, why in outcome.unseen],
        "removed": list(outcome.removed),
        "notes": list(outcome.notes),
    }


def _report_lost(lost: t.Iterable[Unrestorable]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "name": printable(one.name), "why": printable(one.why)} for one in lost]


def _restore(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    request = RestoreRequest(
        id=params["name"], accept_loss=params["accept_loss"], check=module.check_mode, timeout=_positive(params, "timeout")
    )
    outcome = restore(AnsibleHost(module), request)
    result = _report_restored(params["name"], outcome)
    if outcome.verified is False:
        module.fail_json(msg=_message(describe_failure(outcome)), **result)
    return result


def _report_restored(name: str, outcome: RestoreOutcome) -> dict[str, t.Any]:
    was, stands = render_difference(outcome.difference)
    return {
        "changed": outcome.changed,
        "name": name,
        "steps": list(map(printable, outcome.steps)),
        "verified": outcome.verified,
        "remaining": _report_changes(outcome.remaining),
        "failures": list(map(printable, outcome.failures)),
        "not_restorable": _report_lost(outcome.unrestored),
        "notes": list(map(printable, outcome.notes)),
        # What the module changes is the way back: from how the host stands to how it was.
        "diff": {"before_header": "the host", "after_header": f"snapshot {name}", "before": stands, "after": was},
    }


def _report_changes(difference: Difference) -> list[dict[str, str]]:
    return [{field: printable(text) for field, text in change._asdict().items()} for change in difference.changes]


def _message(text: str) -> str:
    """The tail of a hook's output has lines."""
    return "\n".join(map(printable, text.split("\n")))


def _remove(module: AnsibleModule) -> dict[str, t.Any]:
    name = module.params["name"]
    changed = drop_snapshot(AnsibleHost(module), name, _positive(module.params, "timeout"), module.check_mode)
    return {"changed": changed, "name": name}


WORK: dict[str, t.Callable[[AnsibleModule], dict[str, t.Any]]] = {"present": _take, "restored": _restore, "absent": _remove}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[("state", "restored", ["name"]), ("state", "absent", ["name"])],
    )
    try:
        result = WORK[module.params["state"]](module)
    except GuardError as error:
        module.fail_json(msg=_message(str(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
