# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that bring engines back: carried out on a small engine they lead to what was recorded."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.container_match import differing_fields
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.engine_plan import (
    EnginePlan,
    describe_step,
    find_run_verbs,
    plan_engines,
    rank,
)
from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.model import ContainerState, Engines
from builders.engines import ModelEngine, container, image, network, volume

STATUSES = ("created", "running", "paused", "restarting", "exited")
ALIVE = ("running", "paused", "restarting")
NAMES = ("web", "db", "cache", "job")


def state(*containers: ContainerState, networks: t.Sequence[t.Any] = (), volumes: t.Sequence[t.Any] = (), images: t.Any = None) -> Engines:
    return Engines(containers, tuple(networks), tuple(volumes), images or (image(1, "app:1"), image(2, "app:2")))


def verbs(plan: EnginePlan) -> list[tuple[str, str]]:
    return [(step.verb, step.name) for step in plan.steps]


def carry_out(before: Engines, now: Engines) -> ModelEngine:
    engine = ModelEngine(now)
    for step in plan_engines(before, now).steps:
        engine.do(step)
    return engine


@st.composite
def worlds(draw: st.DrawFn, again: bool = False) -> Engines:
    """A world that an engine can be in. ``again`` draws other ids, as what was made again has."""
    ids = ("net2" if draw(st.booleans()) else "net") if again else "net"
    names = draw(st.lists(st.sampled_from(["front", "back"]), unique=True))
    networks = [network(name, f"{ids}-{name}", draw(_subnet(name))) for name in names]
    volumes = [volume(name) for name in draw(st.lists(st.sampled_from(["data", "more"]), unique=True))]
    found: list[ContainerState] = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        runs = [one.name for one in found if one.status in ("running", "paused")]
        joins = draw(st.sampled_from(["", *runs]))
        found.append(
            container(
                name,
                f"again-{name}" if again else f"id-{name}",
                status=draw(st.sampled_from(STATUSES)),
                image_id=f"sha256:{draw(st.integers(1, 2))}",
                policy=draw(st.sampled_from(["no", "always"])),
                networks=draw(st.lists(st.sampled_from(names), unique=True)) if names and not joins else (),
                joins=joins,
                port=0 if joins else draw(st.sampled_from([0, 8000 + NAMES.index(name), 9000 + len(found)])),
                volumes=[one.name for one in volumes if draw(st.booleans())],
            )
        )
    tags = draw(st.permutations([1, 2]))
    return Engines(tuple(found), tuple(networks), tuple(volumes), (image(tags[0], "app:1"), image(tags[1], "app:2")))


@st.composite
def changes(draw: st.DrawFn) -> tuple[Engines, Engines]:
    """A world, and what was made of it: some containers are still the same ones, with other names, states, policies and
    networks; others were made again, or are gone, or new."""
    before, other = draw(worlds()), draw(worlds(again=True))
    names = [one.name for one in other.networks]
    kept = [one for one in before.containers if draw(st.booleans()) and _may_stay(one, before, other)]
    taken = {one.name for one in kept}
    found = [one for one in other.containers if one.name not in taken and not _joins(one) & taken]
    targets = {name for one in found for name in _joins(one)}
    found = [one for one in found if _joins(one) <= {other.name for other in found}]
    new_names = draw(st.permutations([one.name for one in kept])) if not targets else [one.name for one in kept]
    for one, name in zip(kept, new_names):
        spec = dict(one.spec)
        if spec["Networks"] and "bridge" not in spec["Networks"]:
            spec["Networks"] = {each: {} for each in draw(st.lists(st.sampled_from(names), unique=True))} if names else {}
        status = draw(st.sampled_from(STATUSES))
        found.append(one._replace(name=name, status=status, restart_policy=draw(st.sampled_from(["no", "always"])), spec=spec))
    return before, other._replace(containers=tuple(found))


def _joins(one: ContainerState) -> set[str]:
    mode = str(one.spec["HostConfig"]["NetworkMode"])
    return {mode[10:]} if mode.startswith("container:") else set()


def _may_stay(one: ContainerState, before: Engines, other: Engines) -> bool:
    """An engine keeps a container only with its volumes, and whose namespace it shares is told by that one's id."""
    volumes = {mount["Name"] for mount in one.spec["Mounts"]} <= {each.name for each in other.volumes}
    return volumes and not _joins(one) and not any(one.name in _joins(each) for each in before.containers)


def _subnet(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"10.{len(name)}.0.0/24", f"10.1{len(name)}.0.0/24"])


@pytest.mark.feature("A9", "A10")
@settings(max_examples=300)
@given(worlds())
def test_nothing_is_planned_where_nothing_has_changed(world: Engines) -> None:
    assert plan_engines(world, world) == EnginePlan((), ())


@pytest.mark.feature("A9", "A10")
@settings(max_examples=600)
@given(changes())
def test_the_steps_lead_to_what_was_recorded(change: tuple[Engines, Engines]) -> None:
    before, now = change
    engine = carry_out(before, now)
    after = engine.engines()
    there = {one.name: one for one in after.containers}
    assert sorted(there) == sorted(one.name for one in before.containers)
    assert {one.name: differing_fields(one, there[one.name]) for one in before.containers if differing_fields(one, there[one.name])} == {}
    assert sorted((one.name, str(one.spec)) for one in after.networks) == sorted((one.name, str(one.spec)) for one in before.networks)
    assert {one.name for one in after.volumes} == {one.name for one in (*before.volumes, *now.volumes)}
    assert engine.tags == {tag: one.id for one in before.images for tag in one.tags}
    assert plan_engines(before, after).steps == ()


@pytest.mark.feature("A9")
@settings(max_examples=200)
@given(worlds(), st.data())
def test_what_is_right_is_not_touched(before: Engines, data: st.DataObject) -> None:
    added = container("added", "id-added", port=7)
    fate = data.draw(st.sampled_from(["added", "stopped"]))
    if fate == "stopped" and before.containers:
        victim = data.draw(st.sampled_from(before.containers))
        now = before._replace(containers=tuple(one._replace(status="exited") if one == victim else one for one in before.containers))
    else:
        victim, now = added, before._replace(containers=(*before.containers, added))
    allowed = {victim.id} | {one.id for one in before.containers if victim.name in str(one.spec["HostConfig"]["NetworkMode"])}
    assert carry_out(before, now).touched <= allowed


@pytest.mark.feature("A9")
@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_every_run_state_is_reached_from_every_other(wanted: str, present: str) -> None:
    one = container("web", status=wanted)
    after = carry_out(state(one), state(one._replace(status=present))).engines().containers
    assert [differing_fields(one, there) for there in after] == [()]
    assert find_run_verbs(wanted, wanted) == ()


@pytest.mark.feature("A10")
def test_a_removed_container_is_made_again_and_started() -> None:
    before = state(container("web", port=80), container("gone", status="exited"))
    assert verbs(plan_engines(before, state())) == [("create", "web"), ("create", "gone"), ("start", "web")]


@pytest.mark.feature("A9")
def test_what_the_change_added_goes_and_its_volume_stays() -> None:
    now = state(container("new", port=80, volumes=["new-data"]), volumes=[volume("new-data")])
    plan = plan_engines(state(container("web", port=80)), now)
    assert verbs(plan) == [("remove", "new"), ("create", "web"), ("start", "web")]
    assert [(one.kind, one.name) for one in plan.unrestored] == [("volume", "docker: new-data")]


@pytest.mark.feature("A10")
def test_who_shares_a_network_is_made_again_with_the_one_that_it_shares() -> None:
    web, side, link = container("web"), container("side", joins="web"), container("third", joins="side")
    plan = plan_engines(state(web, side, link), state(side, link))
    assert verbs(plan) == [
        ("remove", "third"),
        ("remove", "side"),
        ("create", "web"),
        ("create", "side"),
        ("create", "third"),
        ("start", "web"),
        ("start", "side"),
        ("start", "third"),
    ]


@pytest.mark.feature("A9")
def test_two_that_have_changed_names_get_them_back() -> None:
    before = state(container("a", "1"), container("b", "2"))
    engine = carry_out(before, state(container("b", "1"), container("a", "2")))
    assert {one.id: one.name for one in engine.engines().containers} == {"1": "a", "2": "b"}


@pytest.mark.feature("A9")
def test_a_chain_of_names_is_untangled() -> None:
    before = state(container("a", "1"), container("b", "2"), container("c", "3", status="created"))
    engine = carry_out(before, state(container("z", "1"), container("a", "2"), container("b", "3")))
    assert {one.name: one.id for one in engine.engines().containers} == {"a": "1", "b": "2", "c": "new-1"}


@pytest.mark.feature("A10")
def test_a_name_that_another_recorded_container_has_taken_is_free_again() -> None:
    before = state(container("a", "1"), container("b", "2"))
    engine = carry_out(before, state(container("a", "2")))
    assert {one.name: one.id for one in engine.engines().containers} == {"a": "new-1", "b": "2"}


@pytest.mark.feature("A10")
def test_who_shared_the_network_of_a_removed_container_is_made_again() -> None:
    before = state(container("web"), container("side", joins="web"))
    # The web of now is exactly what it was; the side still has the network of the one that is gone.
    orphan = container("side", joins="id-web")
    assert verbs(plan_engines(before, state(container("web", "again"), orphan))) == [
        ("remove", "side"),
        ("create", "side"),
        ("start", "side"),
    ]


def bound(name: str, source: str, **fields: t.Any) -> ContainerState:
    one = container(name, **fields)
    return one._replace(spec={**one.spec, "Mounts": [{"Type": "bind", "Source": source, "Destination": "/x", "RW": True}]})


@pytest.mark.feature("A9")
def test_what_has_read_a_file_as_the_change_left_it_is_restarted() -> None:
    page = bound("page", "/srv/page", started=10.0)
    config = bound("config", "/srv/page/site.conf", started=10.0)
    before, later = state(page, config), state(page._replace(started=20.0), config)
    files = ["/srv/page", "/srv/page/site.conf"]
    assert plan_engines(before, before).steps == ()
    # The folder's files are seen as they are, but for one that is mounted by itself.
    assert verbs(plan_engines(before, before, files)) == [("restart", "config")]
    assert verbs(plan_engines(before, later, files)) == [("restart", "config"), ("restart", "page")]
    assert plan_engines(before, later, ["/srv/other", "/srv/pages/x"]).steps == ()
    assert plan_engines(state(page._replace(status="exited")), state(page._replace(status="exited", started=5.0)), files).steps == ()


@pytest.mark.feature("A9")
def test_who_shares_the_network_of_a_container_that_was_started_again_is_restarted() -> None:
    web, side = container("web", started=10.0), container("side", joins="web", started=11.0)
    before = state(web, side)
    assert verbs(plan_engines(before, state(web._replace(status="exited"), side))) == [("start", "web"), ("restart", "side")]
    assert verbs(plan_engines(before, state(web._replace(started=20.0), side))) == [("restart", "side")]
    assert plan_engines(before, state(web._replace(started=20.0), side._replace(started=21.0))).steps == ()
    # It was so when it was recorded.
    left = state(web._replace(started=12.0), side)
    assert plan_engines(left, left).steps == ()


@pytest.mark.feature("A10")
def test_a_network_that_was_made_otherwise_is_made_again_under_its_containers() -> None:
    web = container("web", networks=["front"])
    before = state(web, networks=[network("front")])
    now = state(web, networks=[network("front", "other", "10.9.0.0/24")])
    plan = plan_engines(before, now)
    assert verbs(plan) == [("disconnect", "web"), ("remove_network", "front"), ("make_network", "front"), ("connect", "web")]


@pytest.mark.feature("A9")
def test_a_stopped_container_is_joined_again_to_a_network_that_was_made_again() -> None:
    web = container("web", status="exited", networks=["front"])
    web.spec["Networks"]["front"]["NetworkID"] = "net-front"
    before = state(web, networks=[network("front")])
    now = state(web, networks=[network("front", "net2-front")])
    assert verbs(plan_engines(before, now)) == [("disconnect", "web"), ("connect", "web")]


@pytest.mark.feature("A10")
def test_a_container_whose_image_is_gone_is_left_and_named() -> None:
    before = state(container("web", image_id="sha256:9"), images=(image(9, "app:1"),))
    now = state(container("web", "other", image_id="sha256:1"))
    plan = plan_engines(before, now)
    assert [one for one in verbs(plan) if one[0] in ("remove", "create")] == []
    assert ["app:1" in one.why or "app:1" in one.name for one in plan.unrestored] == [True, True]


@pytest.mark.feature("A14")
def test_a_lost_volume_comes_back_empty_and_is_told() -> None:
    before = state(container("db", volumes=["data"]), volumes=[volume("data")])
    plan = plan_engines(before, state())
    assert verbs(plan)[0] == ("make_volume", "data")
    assert [(one.kind, one.name) for one in plan.unrestored] == [("volume", "docker: data")]
    (again,) = plan_engines(before, before._replace(volumes=(volume("data", created="now"),))).unrestored
    assert "removed and made again" in again.why


@pytest.mark.feature("A9")
def test_what_a_unit_runs_is_left_to_its_unit() -> None:
    quadlet = container("app", unit="app.service")
    assert plan_engines(state(quadlet), state()).steps == ()
    assert plan_engines(state(quadlet), state(quadlet._replace(status="exited"))).steps == ()
    retagged = container("app", "other", image_id="sha256:2", unit="app.service")
    (step,) = plan_engines(state(quadlet), state(retagged)).steps
    assert (step.verb, step.detail) == ("restart_unit", "app.service")


@pytest.mark.feature("A9")
def test_an_engine_that_could_not_be_asked_is_left_alone_and_told() -> None:
    before = state(container("web"))
    plan = plan_engines(before, Engines(unseen=(("docker", "it hangs"),)))
    assert plan.steps == ()
    assert [(one.kind, one.name) for one in plan.unrestored] == [("engine", "docker")]
    assert plan_engines(Engines(unseen=(("docker", "it hung"),)), before).steps == ()
    # Another user's engine, which was seen both times, is not hidden by it.
    theirs = container("web", user="deploy")
    assert verbs(plan_engines(state(theirs), Engines(unseen=(("docker", "no"),), images=(image(1)._replace(user="deploy"),)))) != []


def test_compose_services_are_started_after_what_they_need() -> None:
    labels = {"com.docker.compose.project": "shop"}
    db = container("shop-db-1", labels={**labels, "com.docker.compose.service": "db"})
    needs = {**labels, "com.docker.compose.service": "app", "com.docker.compose.depends_on": "db:service_healthy:false"}
    app = container("a-shop-app-1", labels=needs)
    assert rank([app, db]) == {"shop-db-1": 0, "a-shop-app-1": 1}
    circle = [container("a", joins="b"), container("b", joins="a")]
    assert set(rank(circle)) == {"a", "b"}


def test_every_step_has_words() -> None:
    before = state(container("web", networks=["front"]), networks=[network("front")], volumes=[volume("v")])
    for step in (*plan_engines(before, state()).steps, *plan_engines(state(), before).steps):
        assert describe_step(step).startswith("docker: ")
        assert "{" not in describe_step(step)
