#!/usr/bin/python
# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_conflict_info
short_description: Find out who claims which port of a host, and which claims collide
version_added: 0.1.0
description:
  - Lists every claim on a port of the host with its owner, be it a systemd unit, a socket unit, a container or a process.
  - Finds conflicts that a list of listeners does not show, such as a container that restarts over and over because a
    unit holds its port, or one that was never started for the same reason.
  - Checks planned ports against all of these before anything is applied.
  - Says what it could not see. A look that failed never reads as "the port is free".
  - Needs nothing on the host but Python 3.9. The tools C(ss), C(lsof) and the Docker SDK are not used.
extends_documentation_fragment:
  - guarded.deploy.attributes
  - guarded.deploy.attributes.info_module
attributes:
  platform:
    platforms: posix
    support: full
    description: Linux with systemd; looks at Docker and Podman where they are installed.
options:
  planned:
    description:
      - Ports that a deployment is about to use.
      - An entry collides with every claim on an overlapping address, but not with what an earlier run of the same
        deployment left. That is recognised by O(planned[].owner).
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port, as V(9090), or a range of at most 4096 ports, as V(8000-8010).
        type: str
        required: true
      proto:
        description: The protocol, V(tcp) or V(udp).
        type: str
        default: tcp
      address:
        description:
          - The IP address that will be bound. A zone, as in V(fe80::1%eth0), names the interface.
          - V(*) is every address of IPv4 and IPv6, which is what a published port without an address asks for.
        type: str
        default: "*"
      owner:
        description: Who will hold the port.
        type: dict
        suboptions:
          kind:
            description: What it is. V(compose) is a Compose project, whose containers all count as its own.
            type: str
            choices: [unit, socket, container, compose, process]
          name:
            description: Its name, as in V(prometheus.service) or the name of a container.
            type: str
  manifests:
    description:
      - Files and folders on the controller that are about to be applied. These may be unit files, sockets, drop-ins,
        quadlets, Compose files, Kubernetes manifests, playbooks, roles and files of tasks.
      - Every host port that they ask for is treated like an entry of O(planned), with the file and line that ask for it.
      - They are read on the controller, so the host needs no YAML library. A port that cannot be known, such as that of a
        service on the host's network, becomes one of RV(blind_spots).
      - Plain variables in tasks and templates (a name, C(name.key), literals, conditions, literal loops, and the filters
        P(ansible.builtin.bool#filter), P(ansible.builtin.dict2items#filter), C(default), C(int), C(join), C(lower), C(string),
        C(trim) and C(upper)) are worked out from the roles' defaults and vars, the plays, C(group_vars) and C(host_vars), the
        inventory and the command line. Nothing of the project is run for it - no lookup, no filter, no test. What a play sets
        with P(ansible.builtin.set_fact#module) or C(register), and what two places say differently, is not known.
      - Of the inventory's values, only ports, addresses, protocols and a few words such as V(host) are put in, so that
        no secret is shown. A task whose condition surely does not hold is left out.
      - A unit that a play starts without bringing it is looked up on the host.
      - Relative paths begin at the playbook.
    type: list
    elements: str
    default: []
  declared:
    description: What O(manifests) say. Filled in on the controller; not for use by hand.
    type: list
    elements: dict
    default: []
  on_unsure:
    description:
      - What to do when RV(verdict) is V(unsure). V(fail) fails the task, with the whole result, V(warn) warns, and
        V(ignore) does nothing.
      - Without it, the task fails where something is planned, by O(planned) or O(manifests), and warns elsewhere.
    type: str
    choices: [fail, warn, ignore]
  accepted:
    description:
      - Conflicts that are meant to be, such as a pair of hosts that share an address, or a blue and a green deployment.
      - They stay in the result with RV(conflicts[].accepted) set, and do not count for RV(verdict).
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: str
        required: true
      proto:
        description: The protocol, V(tcp) or V(udp).
        type: str
        default: tcp
      kinds:
        description: The kinds of conflict that are accepted. Every kind where it is empty.
        type: list
        elements: str
        default: []
      owners:
        description: The names of the parties. Every party must be among them; whoever it is where it is empty.
        type: list
        elements: str
        default: []
      reason:
        description: Why it is meant to be.
        type: str
        required: true
      by:
        description: Who answers for it.
        type: str
        required: true
      expires:
        description: The last day on which it is accepted, as V(YYYY-MM-DD) on the host's own calendar.
        type: str
        required: true
  timeout:
    description: Seconds that one look (at the units, at one engine, at the firewall, at one log) may take.
    type: float
    default: 10
  docker_socket:
    description: The socket of Docker's API, where it is not in its usual place.
    type: path
  max_claims:
    description:
      - The number of claims in the result at most; those that take part in a conflict come first.
      - Every claim is compared, whatever this says. RV(claims_total) tells how many there are.
    type: int
    default: 500
author:
  - guarded.deploy maintainers (@guarded)
"""

EXAMPLES = r"""
- name: See who claims which port
  guarded.deploy.port_conflict_info:
  register: ports

- name: Refuse to deploy where another holds the port
  guarded.deploy.port_conflict_info:
    planned:
      - port: "9090"
        owner:
          kind: container
          name: prometheus
  register: ports
  failed_when: ports.verdict != 'clean'

- name: Refuse what a repository would bring, before anything of it is applied
  guarded.deploy.port_conflict_info:
    manifests:
      - site.yml
      - files/units
      - compose.yaml
  register: ports
  failed_when: ports.verdict != 'clean'

- name: Two load balancers share a port on purpose until the migration is done
  guarded.deploy.port_conflict_info:
    accepted:
      - port: "443"
        kinds: [shared]
        reason: blue and green run side by side (OPS-812)
        by: jo@example.com
        expires: "2027-01-31"
"""

RETURN = r"""
claims:
  description: Every claim on a port of the host, by port; at most O(max_claims).
  returned: success
  type: list
  elements: dict
  contains:
    proto:
      description: V(tcp) or V(udp).
      type: str
      sample: tcp
    address:
      description: The IP address, or V(*) for every address of both families.
      type: str
      sample: 0.0.0.0
    port:
      description: The port.
      type: int
      sample: 9090
    state:
      description:
        - V(listening) for a socket that takes connections or packets.
        - V(bound) for a TCP socket that has the port and does not listen.
        - V(forwarded) where a rule of the firewall takes the traffic and there is no socket.
        - V(wanted) for a claimant that has asked for the port and does not have it.
        - V(latent) for a claimant that does not run now, such as a stopped container or an inactive unit.
        - V(running) for a party of V(duplicate_service) that has no port.
        - V(planned) for an entry of O(planned); only among the parties of a conflict.
      type: str
      sample: listening
    owner:
      description: Who has the claim. What is not known is left out.
      type: dict
      contains:
        kind:
          description: V(unit), V(socket), V(container), V(process), V(kernel) or V(firewall).
          type: str
          sample: unit
        name:
          description: The name of the unit, container or process, or the text of the rule.
          type: str
          sample: prometheus.service
        engine:
          description: The container's engine, V(docker) or V(podman).
          type: str
          returned: for containers
        id:
          description: The container's id.
          type: str
          returned: for containers
        image:
          description: The container's image.
          type: str
          returned: for containers
        compose_project:
          description: The Compose project that the container belongs to.
          type: str
          returned: for containers of a project
        unit:
          description: The unit that runs the container, or that the socket unit starts.
          type: str
          returned: when there is one
        user:
          description: The login name of the user whose manager or rootless engine it is.
          type: str
          returned: for user units and rootless containers
        pid:
          description: The process that holds the socket, or the main process.
          type: int
          returned: when it is known
        exe:
          description: The program of that process.
          type: str
          returned: when it may be read
    source:
      description: Where this is known from.
      type: str
      sample: socket table, held by pid 812 (prometheus)
    confidence:
      description: >-
        V(observed), V(declared) in a configuration, V(observed_earlier) for what a service was seen to listen on before
        it was stopped, or V(inferred).
      type: str
      sample: observed
    at_boot:
      description: Whether the next boot brings the owner back, V(yes), V(no) or V(unknown).
      type: str
      sample: "yes"
    v6only:
      description: Whether a socket on V(::) leaves IPv4 alone.
      type: bool
      returned: for IPv6, where the kernel says it
    device:
      description: The network interface that the socket is bound to.
      type: str
      returned: when it is bound to one
    sockets:
      description: The number of sockets behind the claim, where it is more than one (SO_REUSEPORT).
      type: int
      returned: when there are several
claims_total:
  description: The number of claims on the host, listed or not.
  returned: success
  type: int
  sample: 12
owners:
  description: How many claims each owner has, most first.
  returned: success
  type: list
  elements: dict
  sample: [{"kind": "unit", "name": "nginx.service", "claims": 4}]
conflicts:
  description: Every conflict, by port.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(shared) where two owners listen on overlapping addresses at once.
        - V(blocked) where a container was never started, or a unit failed, because its port was in use.
        - V(crash_loop) where a claimant restarts over and over without a socket.
        - V(latent) where a claimant that does not run now could not have its port if something started it.
        - V(next_boot) where the next boot starts two claimants of one port.
        - V(duplicate_service) where one program runs under two managers and shares data or a name.
        - V(planned) where an entry of O(planned) collides with a claim, or with another entry.
      type: str
      sample: crash_loop
    proto:
      description: V(tcp) or V(udp); V(null) where nothing names the port of a claimant that restarts over and over.
      type: str
      sample: tcp
    port:
      description: The port, or V(null) as above.
      type: int
      sample: 9090
    parties:
      description: The claims of all claimants, as in RV(claims).
      type: list
      elements: dict
    explanation:
      description: What is wrong, in two sentences.
      type: str
    remedy:
      description: >-
        For each side that may stay, the commands that end the others for good and bring this one up. Empty where
        nothing safe can be said, or where it would mean to end Docker, sshd or the like.
      type: list
      elements: dict
      contains:
        keep:
          description: The side that stays.
          type: str
          sample: container prometheus
        commands:
          description: The commands, in order.
          type: list
          elements: str
          sample: ["systemctl disable --now prometheus.service"]
        retire:
          description: >-
            Options of M(guarded.deploy.service_retirement) that end the others as well, and can bring them back. Empty
            where that module cannot do it.
          type: list
          elements: dict
          sample: [{"unit": "prometheus.service"}]
    confidence:
      description: V(observed), V(declared) or V(inferred).
      type: str
      sample: observed
    accepted:
      description: The entry of O(accepted) that covers the conflict, or V(null).
      type: dict
blind_spots:
  description: What could not be seen.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: What it is.
      type: str
      sample: containers of Docker
    why:
      description: Why it could not be seen.
      type: str
      sample: "/run/docker.sock: Permission denied"
    could_hide_planned:
      description: Whether the holder of a planned port could be hidden there.
      type: bool
    could_hide_conflict:
      description: Whether a conflict that exists already could be hidden there.
      type: bool
    remedy:
      description: How to see it.
      type: str
ephemeral_udp:
  description:
    - The number of UDP sockets that were left out because the kernel chose their port, which is what clients have.
    - Where the kernel does not tell, the range C(net.ipv4.ip_local_port_range) decides. One on a planned port is never left out.
  returned: success
  type: int
  sample: 3
info:
  description: Services that run one program under two managers and share nothing else that is known. No conflict.
  returned: success
  type: list
  elements: str
manifests_unread:
  description: Files below O(manifests) that were not judged, each with the reason.
  returned: when O(manifests) is given
  type: list
  elements: dict
  contains:
    path:
      description: The path on the controller.
      type: str
    why:
      description: The reason.
      type: str
expired:
  description: Entries of O(accepted) that have run out while there is still a conflict on their port.
  returned: success
  type: list
  elements: dict
verdict:
  description:
    - V(conflict) if there is a conflict that nobody accepted.
    - V(unsure) if there is none, but a blind spot could hide one, or a claimant restarts over and over for an unknown port.
    - V(clean) otherwise.
  returned: success
  type: str
  sample: clean
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._collect.inventory import Wanted, collect_report
from ..module_utils._errors import GuardError
from ..module_utils._host import AnsibleHost
from ..module_utils._ports.options import (
    parse_accepted,
    parse_declared,
    parse_max_claims,
    parse_planned,
    parse_timeout,
)
from ..module_utils._ports.report import explain_doubts, report_as_dict

ARGUMENT_SPEC: dict[str, t.Any] = {
    "planned": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "str", "required": True},
            "proto": {"type": "str", "default": "tcp"},
            "address": {"type": "str", "default": "*"},
            "owner": {
                "type": "dict",
                "options": {
                    "kind": {"type": "str", "choices": ["unit", "socket", "container", "compose", "process"]},
                    "name": {"type": "str"},
                },
            },
        },
    },
    "accepted": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "str", "required": True},
            "proto": {"type": "str", "default": "tcp"},
            "kinds": {"type": "list", "elements": "str", "default": []},
            "owners": {"type": "list", "elements": "str", "default": []},
            "reason": {"type": "str", "required": True},
            "by": {"type": "str", "required": True},
            "expires": {"type": "str", "required": True},
        },
    },
    "manifests": {"type": "list", "elements": "str", "default": []},
    "declared": {"type": "list", "elements": "dict", "default": []},
    "on_unsure": {"type": "str", "choices": ["fail", "warn", "ignore"]},
    "timeout": {"type": "float", "default": 10},
    "docker_socket": {"type": "path"},
    "max_claims": {"type": "int", "default": 500},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        wanted = Wanted(
            planned=parse_planned(module.params["planned"]),
            accepted=parse_accepted(module.params["accepted"]),
            timeout=parse_timeout(module.params["timeout"]),
            docker_socket=module.params["docker_socket"],
            declared=parse_declared(module.params["declared"]),
        )
        most = parse_max_claims(module.params["max_claims"])
        report = collect_report(AnsibleHost(module), wanted)
    except GuardError as error:
        module.fail_json(msg=str(error))
    result = report_as_dict(report, most)
    is_gate = bool(module.params["planned"] or module.params["manifests"])
    action = module.params["on_unsure"] or ("fail" if is_gate else "warn")
    doubts = explain_doubts(report) if report.verdict == "unsure" else ""
    if doubts and action == "fail":
        module.fail_json(msg=doubts, **result)
    if doubts and action == "warn":
        module.warn(doubts)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
