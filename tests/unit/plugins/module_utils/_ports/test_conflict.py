# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which claims collide, and which only look as if they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._ports.conflict import (
    add_wanted,
    find_conflicts,
    find_expired,
    judge,
)
from ansible_collections.guarded.deploy.plugins.module_utils._ports.model import BlindSpot, Owner
from ansible_collections.guarded.deploy.plugins.module_utils._ports.options import parse_accepted, parse_planned
from builders.ports import ID_TWO, claim, container_owner, look, loop, unit_owner, wanted

UNIT, CONTAINER = unit_owner(), container_owner()


def kinds(**known):
    return [conflict.kind for conflict in find_conflicts(look(**known))]


@pytest.mark.feature("B12")
class TestACrashLoop:
    def test_names_both_sides_and_the_port(self):
        (conflict,) = find_conflicts(look(claims=[claim(UNIT)], loops=[loop(CONTAINER, ports=[wanted()])]))
        assert (conflict.kind, conflict.proto, conflict.port) == ("crash_loop", "tcp", 9090)
        assert [party.owner for party in conflict.parties] == [UNIT, CONTAINER]
        assert "prometheus.service" in conflict.explanation
        assert "container web" in conflict.explanation

    def test_is_a_claim_like_any_other(self):
        conflicts = find_conflicts(look(claims=[claim(UNIT)], loops=[loop(CONTAINER, ports=[wanted()])]))
        claims = add_wanted([claim(UNIT)], conflicts)
        assert [(one.port, one.state, one.owner.name) for one in claims] == [
            (9090, "wanted", "web"),
            (9090, "listening", "prometheus.service"),
        ]
        assert add_wanted(claims, conflicts) == claims

    def test_with_a_guessed_port_counts_only_where_another_holds_it(self):
        guessed = loop(CONTAINER, ports=[wanted(confidence="inferred")], in_use_seen=False)
        (conflict,) = find_conflicts(look(claims=[claim(UNIT)], loops=[guessed]))
        assert (conflict.port, conflict.confidence) == (9090, "inferred")
        (unknown,) = find_conflicts(look(claims=[claim(UNIT, port=80)], loops=[guessed]))
        assert unknown.port is None

    def test_without_a_port_is_reported_all_the_same_and_never_clean(self):
        conflicts = find_conflicts(look(loops=[loop(UNIT, in_use_seen=False)]))
        assert [(conflict.kind, conflict.port) for conflict in conflicts] == [("crash_loop", None)]
        assert judge(conflicts, ()) == "unsure"

    def test_on_a_port_that_it_holds_itself_is_no_port_conflict(self):
        mine = loop(CONTAINER, ports=[wanted(confidence="declared")], in_use_seen=False)
        conflicts = find_conflicts(look(claims=[claim(CONTAINER)], loops=[mine]))
        assert [conflict.port for conflict in conflicts] == [None]

    def test_is_over_once_it_has_the_port_that_its_log_still_calls_taken(self):
        assert kinds(claims=[claim(CONTAINER)], loops=[loop(CONTAINER, ports=[wanted()])]) == []

    def test_on_another_address_does_not_collide(self):
        mine = loop(CONTAINER, ports=[wanted(address="127.0.0.2", confidence="declared")], in_use_seen=False)
        conflicts = find_conflicts(look(claims=[claim(UNIT, address="127.0.0.1")], loops=[mine]))
        assert [conflict.port for conflict in conflicts] == [None]

    def test_the_first_two_sentences_are_all(self):
        (conflict,) = find_conflicts(look(claims=[claim(UNIT)], loops=[loop(CONTAINER, ports=[wanted()])]))
        assert conflict.explanation.count(". ") <= 2


@pytest.mark.feature("B10")
class TestBlocked:
    def test_a_created_container_names_the_holder(self):
        created = loop(CONTAINER, state="created", ports=[wanted(confidence="declared")], restarts=0)
        waiting = claim(CONTAINER, state="wanted", address="*", confidence="declared")
        (conflict,) = find_conflicts(look(claims=[claim(UNIT), waiting], loops=[created]))
        assert conflict.kind == "blocked"
        assert "does not try again" in conflict.explanation

    def test_a_created_container_whose_port_is_free_and_that_never_failed_is_at_peace(self):
        created = loop(CONTAINER, state="created", ports=[wanted(confidence="declared")], in_use_seen=False)
        assert kinds(loops=[created]) == []

    def test_a_failed_unit_that_found_its_port_taken_is_told_even_when_the_port_is_free_again(self):
        (conflict,) = find_conflicts(look(loops=[loop(UNIT, state="failed", ports=[wanted()])]))
        assert conflict.kind == "blocked"
        assert "nobody holds the port now" in conflict.explanation

    def test_a_unit_that_failed_for_another_reason_is_none_of_our_business(self):
        assert kinds(claims=[claim(CONTAINER)], loops=[loop(UNIT, state="failed", in_use_seen=False)]) == []


@pytest.mark.feature("B10")
def test_two_created_containers_for_one_port_are_latent_until_one_is_started():
    # What was only created does not come back at boot.
    one = claim(CONTAINER, state="wanted", address="*", at_boot="no")
    other = claim(container_owner("web2", ID_TWO), state="wanted", address="*", at_boot="no")
    assert kinds(claims=[one, other]) == ["latent"]


@pytest.mark.feature("B10")
class TestLatent:
    def test_an_inactive_unit_whose_port_another_holds(self):
        asleep = claim(UNIT, state="latent", at_boot="yes", confidence="declared")
        (conflict,) = find_conflicts(look(claims=[claim(CONTAINER, at_boot="no"), asleep]))
        assert (conflict.kind, conflict.confidence) == ("latent", "declared")
        assert "would want tcp port 9090, which is held by container web" in conflict.explanation

    def test_one_that_only_a_person_starts_is_at_peace(self):
        assert kinds(claims=[claim(CONTAINER, at_boot="no"), claim(UNIT, state="latent", at_boot="no")]) == []

    def test_on_another_address_is_at_peace(self):
        asleep = claim(UNIT, state="latent", at_boot="unknown", address="127.0.0.2")
        assert kinds(claims=[claim(CONTAINER, address="127.0.0.1"), asleep]) == []


@pytest.mark.feature("B11")
class TestNextBoot:
    def test_an_enabled_unit_that_was_stopped_and_a_container_that_comes_back(self):
        (conflict,) = find_conflicts(look(claims=[claim(CONTAINER), claim(UNIT, state="latent")]))
        assert conflict.kind == "next_boot"
        assert "Today container web" in conflict.explanation

    def test_two_that_both_sleep(self):
        both = [claim(CONTAINER, state="latent"), claim(UNIT, state="latent")]
        assert kinds(claims=both) == ["next_boot"]

    @pytest.mark.parametrize("at_boot", ["no", "unknown"])
    def test_only_where_both_are_sure_to_come(self, at_boot):
        assert "next_boot" not in kinds(claims=[claim(CONTAINER, at_boot=at_boot), claim(UNIT, state="latent")])

    def test_two_that_share_the_port_today_are_shared(self):
        assert kinds(claims=[claim(CONTAINER), claim(UNIT)]) == ["shared"]

    @pytest.mark.feature("B12")
    def test_a_conflict_of_today_is_not_told_twice(self):
        waiting = claim(CONTAINER, state="wanted", address="*")
        looping = loop(CONTAINER, ports=[wanted()])
        assert kinds(claims=[claim(UNIT), waiting], loops=[looping]) == ["crash_loop"]

    def test_a_third_party_is_told_beside_the_conflict_of_today(self):
        third = claim(unit_owner("third.service"), state="latent")
        found = kinds(claims=[claim(UNIT), claim(CONTAINER, state="wanted")], loops=[loop(CONTAINER, ports=[wanted()])])
        assert found == ["crash_loop"]
        found = kinds(claims=[claim(UNIT), third, claim(CONTAINER, state="wanted")], loops=[loop(CONTAINER, ports=[wanted()])])
        assert sorted(found) == ["crash_loop", "next_boot"]


@pytest.mark.feature("B7")
class TestShared:
    def test_two_owners_on_one_port(self):
        (conflict,) = find_conflicts(look(claims=[claim(UNIT), claim(unit_owner("other.service"))]))
        assert (conflict.kind, len(conflict.parties)) == ("shared", 2)

    def test_one_owner_with_many_sockets_is_no_conflict(self):
        assert kinds(claims=[claim(UNIT, sockets=8), claim(UNIT, address="127.0.0.1")]) == []

    def test_v6only_beside_ipv4_is_no_conflict(self):
        assert kinds(claims=[claim(UNIT), claim(CONTAINER, address="::", v6only=True)]) == []

    def test_where_v6only_is_not_known_living_side_by_side_proves_it(self):
        assert kinds(claims=[claim(UNIT), claim(CONTAINER, address="::", v6only=None)]) == []

    def test_mdns_is_shared_by_design_and_dns_is_not(self):
        assert kinds(claims=[claim(UNIT, 5353, proto="udp"), claim(CONTAINER, 5353, proto="udp")]) == []
        assert kinds(claims=[claim(UNIT, 53, proto="udp"), claim(CONTAINER, 53, proto="udp")]) == ["shared"]

    def test_tcp_and_udp_do_not_meet(self):
        assert kinds(claims=[claim(UNIT, proto="udp"), claim(CONTAINER, proto="tcp")]) == []

    def test_a_container_and_the_unit_that_runs_it_are_one(self):
        quadlet = container_owner(unit="web.service")
        assert kinds(claims=[claim(quadlet), claim(unit_owner("web.service"))]) == []


@pytest.mark.feature("B8")
class TestPlanned:
    def planned(self, *entries):
        return list(parse_planned(entries))

    def test_a_taken_port_is_refused(self):
        (conflict,) = find_conflicts(look(claims=[claim(UNIT)], planned=self.planned({"port": "9090"})))
        assert conflict.kind == "planned"
        assert "prometheus.service" in conflict.explanation

    def test_a_port_that_a_rule_takes_is_refused_though_a_server_would_start_there(self):
        rule = claim(Owner("firewall", "-A PREROUTING ..."), state="forwarded")
        (conflict,) = find_conflicts(look(claims=[rule], planned=self.planned({"port": "9090"})))
        assert "may start without a word and yet serve nobody" in conflict.explanation
        (both,) = find_conflicts(look(claims=[rule, claim(UNIT)], planned=self.planned({"port": "9090"})))
        assert "is already held by" in both.explanation

    def test_who_holds_the_port_and_who_waits_for_it_are_told_apart(self):
        waiting = claim(CONTAINER, state="wanted", address="*", confidence="declared", at_boot="no")
        (conflict,) = find_conflicts(look(claims=[waiting, claim(UNIT)], planned=self.planned({"port": "9090"})))
        assert [party.state for party in conflict.parties] == ["listening", "wanted", "planned"]
        assert "is already held by prometheus.service (pid 812) and wanted by container web" in conflict.explanation
        assert conflict.confidence == "observed"

    def test_its_own_earlier_deployment_is_known_again(self):
        mine = {"port": "9090", "owner": {"kind": "container", "name": "web"}}
        assert kinds(claims=[claim(CONTAINER)], planned=self.planned(mine)) == []

    def test_a_container_is_not_the_unit_of_the_same_name(self):
        other = {"port": "9090", "owner": {"kind": "container", "name": "prometheus.service"}}
        assert kinds(claims=[claim(UNIT)], planned=self.planned(other)) == ["planned"]

    @pytest.mark.parametrize(("engine", "found"), [("docker", []), (None, []), ("podman", ["planned"])])
    def test_a_container_is_not_that_of_another_engine(self, engine, found):
        (planned,) = self.planned({"port": "9090", "owner": {"kind": "container", "name": "web"}})
        planned = planned._replace(owner=Owner("container", "web", engine=engine))
        assert kinds(claims=[claim(CONTAINER)], planned=(planned,)) == found

    def test_a_compose_project_knows_its_containers(self):
        mine = {"port": "9090", "owner": {"kind": "compose", "name": "shop"}}
        assert kinds(claims=[claim(container_owner(compose_project="shop"))], planned=self.planned(mine)) == []

    def test_a_unit_knows_the_container_that_it_runs(self):
        mine = {"port": "9090", "owner": {"kind": "unit", "name": "web.service"}}
        assert kinds(claims=[claim(container_owner(unit="web.service"))], planned=self.planned(mine)) == []

    def test_a_port_that_a_created_container_waits_for_is_taken(self):
        waiting = claim(CONTAINER, state="wanted", address="*")
        assert kinds(claims=[waiting], planned=self.planned({"port": "9090"})) == ["planned"]

    @pytest.mark.feature("B10")
    @pytest.mark.parametrize("at_boot", ["yes", "unknown"])
    def test_a_stopped_claimant_that_comes_back_is_in_the_way(self, at_boot):
        stopped = claim(CONTAINER, state="latent", at_boot=at_boot)
        assert kinds(claims=[stopped], planned=self.planned({"port": "9090"})) == ["planned"]

    def test_a_stopped_claimant_that_only_a_person_starts_is_not(self):
        stopped = claim(CONTAINER, state="latent", at_boot="no")
        assert kinds(claims=[stopped], planned=self.planned({"port": "9090"})) == []

    @pytest.mark.feature("B9")
    def test_two_entries_for_one_port(self):
        plan = self.planned({"port": "80", "owner": {"name": "a"}}, {"port": "80", "owner": {"name": "b"}})
        assert kinds(planned=plan) == ["planned"]

    def test_another_address_is_free(self):
        plan = self.planned({"port": "9090", "address": "127.0.0.2"})
        assert kinds(claims=[claim(UNIT, address="127.0.0.1")], planned=plan) == []

    @given(st.integers(1, 65535), st.sampled_from(["tcp", "udp"]), st.sampled_from(["0.0.0.0", "::", "127.0.0.1", "::1"]))
    def test_on_every_address_collides_with_every_listener_of_its_port(self, port, proto, address):
        plan = self.planned({"port": str(port), "proto": proto})
        there = claim(UNIT, port, proto=proto, address=address, v6only=True if ":" in address else None)
        assert kinds(claims=[there], planned=plan) == ["planned"]


ACCEPTED = {"port": "9090", "reason": "blue and green", "by": "jo", "expires": "2026-11-20"}


@pytest.mark.feature("B19")
class TestAccepted:
    def conflicts(self, today="2026-11-20", **accepted):
        asked = look(
            claims=[claim(UNIT), claim(unit_owner("other.service"))],
            accepted=list(parse_accepted([{**ACCEPTED, **accepted}])),
            today=today,
        )
        return asked, find_conflicts(asked)

    def test_it_stays_in_the_list_and_does_not_count(self):
        _asked, conflicts = self.conflicts()
        assert conflicts[0].accepted.by == "jo"
        assert judge(conflicts, ()) == "clean"

    def test_it_ends_the_day_after_its_last_and_that_is_told(self):
        asked, conflicts = self.conflicts(today="2026-11-21")
        assert judge(conflicts, ()) == "conflict"
        assert [one.reason for one in find_expired(asked, conflicts)] == ["blue and green"]

    @pytest.mark.parametrize("other", [{"port": "9091"}, {"proto": "udp"}, {"kinds": ["planned"]}, {"owners": ["prometheus.service"]}])
    def test_it_covers_nothing_else(self, other):
        _asked, conflicts = self.conflicts(**other)
        assert judge(conflicts, ()) == "conflict"

    def test_named_owners_must_be_all_of_them(self):
        _asked, conflicts = self.conflicts(owners=["prometheus.service", "other.service"])
        assert judge(conflicts, ()) == "clean"


@pytest.mark.feature("B15")
class TestTheVerdict:
    @pytest.mark.parametrize(
        ("hides_planned", "hides_conflict", "verdict"),
        [(True, True, "unsure"), (True, False, "unsure"), (False, True, "unsure"), (False, False, "clean")],
    )
    def test_a_look_that_failed_is_never_clean(self, hides_planned, hides_conflict, verdict):
        assert judge((), [BlindSpot("Docker", "dead", hides_planned, "start it", hides_conflict)]) == verdict

    def test_a_conflict_outweighs_a_blind_spot(self):
        conflicts = find_conflicts(look(claims=[claim(UNIT), claim(CONTAINER)]))
        assert judge(conflicts, [BlindSpot("Docker", "dead", True, "start it")]) == "conflict"


def test_five_thousand_claims_of_five_thousand_owners_are_compared_in_no_time():
    """All on one port, each on an address of its own: comparing all with all would be 12 million looks."""
    claims = [claim(unit_owner(f"u{n}.service"), address=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(5000)]
    assert kinds(claims=claims) == []
    assert len(find_conflicts(look(claims=[*claims, claim(CONTAINER)]))[0].parties) == 5001
