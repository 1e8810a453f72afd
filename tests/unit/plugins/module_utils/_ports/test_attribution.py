# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a socket is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._firewall.model import Forward
from ansible_collections.guarded.deploy.plugins.module_utils._ports.attribution import (
    Inventory,
    find_claims,
    find_installed,
    find_services,
    find_silent,
)
from ansible_collections.guarded.deploy.plugins.module_utils._ports.memory import Sighting
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import UNIT_IS_NOT_HERE, Declared, DeclaredPort
from ansible_collections.guarded.deploy.plugins.module_utils._sockets.model import Holder, Listener
from ansible_collections.guarded.deploy.plugins.module_utils._units.model import ListenAddress
from builders.ports import ID_ONE, container, publish, unit


def listener(port: int = 80, cgroup: str | None = "/system.slice/web.service", **known: t.Any) -> Listener:
    values: dict[str, t.Any] = {
        "proto": "tcp",
        "address": "0.0.0.0",
        "state": "listening",
        "v6only": None,
        "device": None,
        "inode": port,
        "uid": 0,
        **known,
    }
    return Listener(port=port, cgroup=cgroup, **values)


def holder(comm: str, cgroup: str, pid: int = 700, argv: tuple[str, ...] = ()) -> Holder:
    return Holder(pid, comm, f"/usr/bin/{comm}", argv, cgroup)


def claims(listeners=(), holders=None, units=(), containers=(), forwards=(), unheld=()):
    inventory = Inventory(
        listeners=tuple(listeners),
        holders={inode: tuple(many) for inode, many in (holders or {}).items()},
        unheld=frozenset(unheld),
        units={(one.user, one.name): one for one in units},
        containers=tuple(containers),
        forwards=tuple(forwards),
        user_name={0: "root", 1000: "joe"}.__getitem__,
    )
    return find_claims(inventory)


@pytest.mark.feature("B1")
class TestAUnit:
    def test_is_known_by_the_cgroup_of_the_holder(self):
        (claim,) = claims([listener()], {80: [holder("nginx", "/system.slice/web.service")]}, [unit("web.service")])
        assert (claim.owner.kind, claim.owner.name, claim.owner.pid, claim.at_boot) == ("unit", "web.service", 700, "yes")
        assert claim.confidence == "observed"

    def test_is_where_the_holder_is_now_not_where_the_socket_was_made(self):
        made, now = "/system.slice/old.service", "/system.slice/new.service"
        (claim,) = claims([listener(cgroup=made)], {80: [holder("nginx", now)]})
        assert claim.owner.name == "new.service"

    def test_is_inferred_where_the_holder_may_not_be_seen(self):
        (claim,) = claims([listener()], {}, [unit("web.service")])
        assert (claim.owner.name, claim.confidence) == ("web.service", "inferred")

    def test_of_a_user_carries_the_users_name(self):
        group = "/user.slice/user-1000.slice/user@1000.service/app.slice/my.service"
        (claim,) = claims([listener(cgroup=group)], {80: [holder("python3", group)]})
        assert (claim.owner.name, claim.owner.user) == ("my.service", "joe")

    def test_in_a_session_there_is_none_but_the_process(self):
        group = "/user.slice/user-0.slice/session-3.scope"
        (claim,) = claims([listener(cgroup=group)], {80: [holder("python3", group)]})
        assert (claim.owner.kind, claim.owner.name, claim.owner.pid) == ("process", "python3", 700)


@pytest.mark.feature("B4")
def test_a_socket_activated_port_belongs_to_the_socket_unit():
    socket = unit("web.socket", listen=(ListenAddress("tcp", "0.0.0.0", 80),), triggers=("web.service",))
    both = [holder("web", "/system.slice/web.service", 700), holder("systemd", "/init.scope", 1)]
    (claim,) = claims([listener(cgroup="/init.scope")], {80: both}, [socket, unit("web.service")])
    assert (claim.owner.kind, claim.owner.name, claim.owner.unit) == ("socket", "web.socket", "web.service")


@pytest.mark.feature("B7")
class TestSeveralSockets:
    def test_of_prefork_are_one(self):
        workers = [holder("nginx", "/system.slice/web.service", pid) for pid in (700, 701, 702)]
        (claim,) = claims([listener()], {80: workers}, [unit("web.service")])
        assert claim.sockets == 1

    def test_of_reuseport_are_counted(self):
        group = "/system.slice/web.service"
        many = [listener(inode=inode) for inode in (1, 2, 3)]
        (claim,) = claims(many, {inode: [holder("nginx", group)] for inode in (1, 2, 3)}, [unit("web.service")])
        assert claim.sockets == 3

    def test_of_two_processes_of_one_unit_are_one_claim(self):
        group = "/system.slice/web.service"
        holders = {1: [holder("a", group, 700)], 2: [holder("a", group, 701)]}
        found = claims([listener(inode=1), listener(inode=2)], holders, [unit("web.service")])
        assert [(claim.owner.name, claim.sockets) for claim in found] == [("web.service", 2)]


@pytest.mark.feature("B2")
class TestADockerPort:
    WEB = container(bound=(publish(8080, "0.0.0.0"), publish(8080, "::")), addresses=("172.17.0.2",))

    @pytest.mark.parametrize("comm", ["docker-proxy", "dockerd"])
    def test_belongs_to_the_container_not_to_the_engine(self, comm):
        there = listener(8080, "/system.slice/docker.service")
        (claim, _other) = claims([there, listener(8080, address="::", inode=2)], {8080: [holder(comm, "/system.slice/docker.service")]},
                                 [unit("docker.service")], [self.WEB])
        assert (claim.owner.kind, claim.owner.name, claim.owner.id) == ("container", "web", ID_ONE)

    def test_is_no_unit_even_where_the_engine_cannot_be_asked(self):
        proxy = ("/usr/sbin/docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "8080",
                 "-container-ip", "172.17.0.9", "-container-port", "80")
        group = "/system.slice/docker.service"
        (claim,) = claims([listener(8080, group)], {8080: [holder("docker-proxy", group, argv=proxy)]}, [unit("docker.service")])
        assert (claim.owner.kind, claim.owner.name) == ("container", "at 172.17.0.9")

    def test_on_the_hosts_network_is_known_by_the_cgroup(self):
        group = f"/system.slice/docker-{ID_ONE}.scope"
        (claim,) = claims([listener(9090, group)], {9090: [holder("prometheus", group)]}, (), [container(network_mode="host")])
        assert (claim.owner.kind, claim.owner.name) == ("container", "web")

    def test_without_any_socket_is_forwarded(self):
        (one, _other) = claims(containers=[self.WEB])
        assert (one.state, one.owner.name, one.port) == ("forwarded", "web", 8080)

    def test_of_one_that_waits_is_wanted_and_of_a_stopped_one_latent(self):
        waiting = container(status="created", published=(publish(80),), started=0.0)
        stopped = container("old", "2" * 64, status="exited", published=(publish(81),))
        assert [(claim.port, claim.state, claim.address) for claim in claims(containers=[waiting, stopped])] == [
            (80, "wanted", "*"),
            (81, "latent", "*"),
        ]


@pytest.mark.feature("B2")
class TestAForwardedPort:
    def test_of_a_published_one_is_not_told_twice(self):
        web = container(bound=(publish(8080, "0.0.0.0"),), addresses=("172.17.0.2",))
        rule = Forward("tcp", "*", 8080, "172.17.0.2:80", "-A DOCKER ...")
        assert len(claims(containers=[web], forwards=[rule])) == 1

    def test_is_not_told_twice_either_where_the_engine_cannot_be_asked(self):
        proxy = ("docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "8080",
                 "-container-ip", "172.17.0.2", "-container-port", "80")
        group = "/system.slice/docker.service"
        holders = {8080: [holder("docker-proxy", group, argv=proxy)]}
        rules = [Forward("tcp", "*", 8080, f"172.17.0.{last}:80", "-A DOCKER ...") for last in (2, 3)]
        found = claims([listener(8080, group)], holders, [unit("docker.service")], forwards=rules)
        assert [(claim.state, claim.owner.kind) for claim in found] == [("forwarded", "firewall"), ("listening", "container")]

    def test_leads_to_the_container_with_that_address(self):
        web = container(addresses=("10.88.0.2",), engine="podman")
        (claim,) = claims(containers=[web], forwards=[Forward("tcp", "*", 8080, "10.88.0.2:80", "CNI-HOSTPORT-DNAT")])
        assert (claim.owner.name, claim.state) == ("web", "forwarded")

    def test_of_nobody_known_belongs_to_the_rule(self):
        (claim,) = claims(forwards=[Forward("udp", "0.0.0.0", 53, "10.9.9.9:53", "-A PREROUTING ... DNAT")])
        assert (claim.owner.kind, claim.owner.name) == ("firewall", "-A PREROUTING ... DNAT")


@pytest.mark.feature("B3")
def test_a_rootless_port_belongs_to_the_users_container():
    web = container(engine="podman", user="joe", bound=(publish(8080, "*"),))
    group = "/user.slice/user-1000.slice/user@1000.service/user.slice/podman-1.scope"
    (claim,) = claims([listener(8080, group, address="::", v6only=False)], {8080: [holder("rootlessport", group)]}, (), [web])
    assert (claim.owner.kind, claim.owner.name, claim.owner.user) == ("container", "web", "joe")


class TestASocketThatNoProcessHolds:
    @pytest.mark.parametrize("unheld", [{"inode": 0}, {"inode": 51820}])
    def test_is_the_kernels(self, unheld):
        (claim,) = claims([listener(51820, None, proto="udp", **unheld)], unheld=[51820])
        assert claim.owner.kind == "kernel"

    def test_is_of_the_service_that_made_it(self):
        (claim,) = claims([listener(2049, "/system.slice/nfs-server.service")], unheld=[2049])
        assert (claim.owner.name, claim.confidence) == ("nfs-server.service", "inferred")


def text(name: str = "web.service", *ports: int, unknown: tuple[str, ...] = (), **known: t.Any) -> Declared:
    listed = tuple(DeclaredPort("tcp", "*", port, f"--port {port}", 3, "declared") for port in ports)
    values: dict[str, t.Any] = {"at_boot": "yes", "host_network": True, "kind": "unit", **known}
    return Declared(name=name, file=f"/etc/systemd/system/{name}", line=2, ports=listed, unknown=unknown, **values)


def inventory(declared=(), units=(), containers=(), memory=None) -> Inventory:
    return Inventory((), {}, frozenset(), {(one.user, one.name): one for one in units}, tuple(containers), (), str,
                     tuple(declared), None, memory or {})  # fmt: skip


SEEN = Sighting("tcp", "0.0.0.0", 81, 1_700_000_000.0)


@pytest.mark.feature("B10", "B16")
class TestTextsOfUnits:
    def test_are_latent_claims_of_what_does_not_run(self) -> None:
        (claim,) = find_claims(inventory([text("web.service", 80)]))
        assert (claim.state, claim.port, claim.owner.name, claim.at_boot) == ("latent", 80, "web.service", "yes")
        assert claim.source == "/etc/systemd/system/web.service:3: --port 80"

    @pytest.mark.parametrize("active", ["active", "reloading", "activating", "deactivating"])
    def test_say_nothing_of_what_runs(self, active: str) -> None:
        assert find_claims(inventory([text("web.service", 80)], [unit("web.service", active=active)])) == ()

    def test_say_what_has_failed(self) -> None:
        assert len(find_claims(inventory([text("web.service", 80)], [unit("web.service", active="failed")]))) == 1

    def test_are_one_with_the_container_that_they_run(self) -> None:
        runs = text("web", 80, kind="container", engine="docker", unit="web.service")
        exited = container("web", ID_ONE, status="exited", published=(publish(80),))
        (claim,) = find_claims(inventory([runs], containers=[exited]))
        assert (claim.owner.kind, claim.owner.id) == ("container", ID_ONE)
        assert find_services(inventory([runs], containers=[exited]), ())[0].owner.unit == "web.service"


@pytest.mark.feature("B16")
class TestMemory:
    def test_tells_what_no_text_does(self) -> None:
        (claim,) = find_claims(inventory([text(unknown=("?",))], memory={"unit///web.service": (SEEN,)}))
        assert (claim.state, claim.port, claim.confidence) == ("latent", 81, "observed_earlier")
        assert claim.source == "observed earlier, 2023-11-14 22:13 UTC"

    def test_gives_way_to_a_text(self) -> None:
        assert [one.port for one in find_claims(inventory([text("web.service", 80)], memory={"unit///web.service": (SEEN,)}))] == [80]

    def test_is_of_no_use_for_what_runs(self) -> None:
        assert find_claims(inventory([text()], [unit("web.service")], memory={"unit///web.service": (SEEN,)})) == ()

    def test_knows_containers(self) -> None:
        exited = container("web", ID_ONE, status="exited", network_mode="host")
        (claim,) = find_claims(inventory(containers=[exited], memory={"container/docker//web": (SEEN,)}))
        assert (claim.port, claim.owner.id) == (81, ID_ONE)


@pytest.mark.feature("B15")
@pytest.mark.parametrize(
    ("declared", "units", "memory", "silent"),
    [
        (text(unknown=("?",)), (), {}, True),
        (text("web.service", 80), (), {}, False),
        (text(unknown=("?",), at_boot="no"), (), {}, False),
        (text(unknown=("?",), at_boot="unknown"), (), {}, False),
        (text(unknown=("?",), host_network=False), (), {}, False),
        (text(unknown=("?",)), (unit("web.service"),), {}, False),
        (text(unknown=("?",)), (), {"unit///web.service": (SEEN,)}, False),
    ],
)
def test_what_boots_and_says_nothing_is_silent(declared, units, memory, silent: bool) -> None:
    assert bool(find_silent(inventory([declared], units, memory=memory))) is silent


BARE = Declared("unit", "web.service", "site.yml", 5, (), (UNIT_IS_NOT_HERE,), "yes", True)


@pytest.mark.feature("B9", "B15")
class TestAUnitThatAPlayStarts:
    def test_is_unknown_where_the_host_does_not_have_it(self) -> None:
        assert find_installed([BARE], inventory([text("other.service", 80)]), ()) == (BARE,)

    def test_is_seen_where_it_runs(self) -> None:
        runs = inventory([text(unknown=("?",))], [unit("web.service")])
        assert find_installed([BARE], runs, ()) == (BARE._replace(unknown=()),)

    def test_is_not_seen_while_it_only_tries(self) -> None:
        tries = inventory([text(unknown=("?",))], [unit("web.service", active="activating")])
        assert find_installed([BARE], tries, ())[0].unknown == ("?",)

    def test_has_the_ports_of_its_text_at_the_place_of_the_play(self) -> None:
        listens = text("web.socket", 81, kind="socket", unit="web.service")
        (found,) = find_installed([BARE], inventory([text("web.service", 80), listens]), ())
        assert [(port.port, port.line) for port in found.ports] == [(80, 0), (81, 0)]
        assert (found.file, found.line, found.unknown) == ("site.yml", 5, ())

    def test_has_the_doubts_of_its_text_unless_it_was_seen_earlier(self) -> None:
        doubts = text(unknown=("its arguments tell nothing",))
        assert find_installed([BARE], inventory([doubts]), ())[0].unknown == ("its arguments tell nothing",)
        (found,) = find_installed([BARE], inventory([doubts], memory={"unit///web.service": (SEEN,)}), ())
        assert ([port.port for port in found.ports], found.ports[0].confidence, found.unknown) == ([81], "observed_earlier", ())

    def test_under_a_condition_has_no_certain_port(self) -> None:
        depends = BARE._replace(unknown=(UNIT_IS_NOT_HERE, "its ports depend on whether x"))
        (found,) = find_installed([depends], inventory([text("web.service", 80)]), ())
        assert (found.ports, found.unknown) == ((), ("its ports depend on whether x",))
        (found,) = find_installed([depends], inventory([text("web.service")]), ())
        assert (found.ports, found.unknown) == ((), ())

    def test_is_unsure_about_a_port_that_was_left_out_of_the_look(self) -> None:
        udp = text()._replace(ports=(DeclaredPort("udp", "*", 40000, "x", 3, "declared"),))
        assert find_installed([BARE], inventory([udp]), {40000})[0].unknown == ("who has 40000/udp now was not seen",)
        assert find_installed([BARE], inventory([udp]), {40001})[0].unknown == ()

    def test_leaves_everything_else_alone(self) -> None:
        other = BARE._replace(unknown=("its network is {{ x }}",))
        assert find_installed([other], inventory([text("web.service", 80)]), ()) == (other,)
