"""A worker that is lost may come back as it was: what goes on there, what ended in the meantime, and who is told."""

from __future__ import annotations

import msgspec
import pytest
from farm import Farm, pinned
from simulated_worker import SimulatedWorker

from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import OrderKind
from hedgerow_orchestrator.serving.service import Service


def physical_ids(service: Service) -> dict[str, str]:
    """Of the epoch that works, by the handler's name."""
    return {each.name: each.physical_id for each in service.active.plan.instances}  # type: ignore[union-attr]


def plans(farm: Farm, worker: str) -> list[Plan]:
    """What a worker was told to prepare."""
    prepared = [order for order in farm.workers[worker].seen if order.kind is OrderKind.PREPARE]
    return [msgspec.json.decode(order.body, type=Plan) for order in prepared]


def lose(farm: Farm, name: str) -> None:
    """The bus loses a frozen worker."""
    farm.workers[name].is_frozen = True
    farm.lose(name)
    farm.quick()


def come_back(farm: Farm, name: str) -> None:
    """It goes on, and is heard."""
    worker = farm.workers[name]
    worker.is_frozen = False
    farm.do("on_worker_here", name, name, worker.incarnation)
    farm.settle(3)


@pytest.mark.parametrize("who", ["source", "middle", "sink"])
def test_the_same_start_goes_on_with_what_was_not_placed_anew(who: str) -> None:
    farm = Farm("w1", "w2")
    places = {each: "w2" if each == who else "w1" for each in ("source", "middle", "sink")}
    service = farm.deploy(pinned(**places))
    farm.settle(3)
    before = physical_ids(service)
    lose(farm, "w2")
    assert service.row.state == "DEGRADED"
    assert farm.row("InstanceRow", before[who]).ended_at_s is not None
    come_back(farm, "w2")
    assert (service.row.state, service.row.reason, service.row.epoch) == ("RUNNING", "", 1)
    assert physical_ids(service) == before
    row = farm.row("InstanceRow", before[who])
    assert (row.state, row.reason, row.ended_at_s) == ("RUNNING", "", None)
    assert "instance.back" in [kind for kind, _ in farm.events]
    assert [plan.epoch for plan in plans(farm, "w2")] == [1]


def test_another_start_has_nothing_of_the_one_before() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.settle(3)
    before = physical_ids(service)
    lose(farm, "w2")
    worker = farm.workers["w2"]
    worker.is_frozen = False
    worker.restart(2)
    farm.join(worker)
    farm.settle(3)
    assert (service.row.state, service.row.epoch) == ("RUNNING", 2)
    assert physical_ids(service)["middle"] != before["middle"]
    told = plans(farm, "w1")[-1]
    assert told.lost == (before["middle"],)
    assert {each.name: each.incarnation for each in told.instances} == {"source": 1, "middle": 2, "sink": 1}


def test_what_was_placed_elsewhere_is_told_to_the_others_and_ended_where_it_was() -> None:
    farm = Farm("w1", "w2", "w3")
    service = farm.deploy(pinned(source="w1", middle="w2 w3", sink="w1"))
    farm.settle(3)
    where, before = farm.places(service)["middle"], physical_ids(service)
    lose(farm, where)
    assert (service.row.state, service.row.epoch) == ("RUNNING", 2)
    assert [plan.lost for plan in plans(farm, "w1")] == [(), (before["middle"],)]
    farm.settle(15)
    assert list(service.epochs) == [2]
    come_back(farm, where)
    farm.settle(8)
    assert before["middle"] not in farm.workers[where].instances
    assert (service.row.state, service.row.epoch) == ("RUNNING", 2)


def test_a_plan_that_follows_does_not_name_what_goes_on_again() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1 w2"))
    farm.settle(3)
    lose(farm, "w2")
    come_back(farm, "w2")
    to = {"w1": "w2", "w2": "w1"}[farm.places(service)["sink"]]
    farm.do("migrate", service, ("sink", 0), farm.engine.core.workers[to])
    farm.settle(3)
    assert farm.places(service)["sink"] == to
    assert plans(farm, "w1")[-1].lost == ()


def test_two_that_are_lost_make_it_whole_when_both_are_back() -> None:
    farm = Farm("w1", "w2", "w3")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w3"))
    farm.settle(3)
    before = physical_ids(service)
    lose(farm, "w2")
    lose(farm, "w3")
    come_back(farm, "w3")
    assert service.row.state == "DEGRADED"
    come_back(farm, "w2")
    assert (service.row.state, physical_ids(service)) == ("RUNNING", before)


def test_one_that_may_have_missed_an_order_is_placed_anew() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1 w2"))
    farm.settle(3)
    before = physical_ids(service)
    to = {"w1": "w2", "w2": "w1"}[farm.places(service)["sink"]]
    farm.do("migrate", service, ("sink", 0), farm.engine.core.workers[to])
    farm.turn()
    assert service.procedure is not None
    lose(farm, "w2")
    come_back(farm, "w2")
    farm.settle(20)
    assert service.row.state == "RUNNING"
    assert physical_ids(service)["middle"] != before["middle"]
    assert set(farm.running(service).values()) == {"RUNNING"}
    assert len(farm.running(service)) == 3


def test_one_that_says_nothing_is_lost_by_its_own_deadline_and_taken_back_when_it_speaks() -> None:
    farm = Farm("w1", "w2")
    for name, deadline_s in (("w1", 1.0), ("w2", 6.0)):
        info = farm.workers[name].announce()
        info.refresh_deadline_s = deadline_s
        farm.do("on_worker_info", info)
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.settle(3)
    before = physical_ids(service)

    def stands_still(name: str) -> float:
        farm.workers[name].is_frozen = True
        began_s = farm.clock_s
        while farm.engine.core.is_here(name):
            farm.turn(0.1)
            assert farm.clock_s < began_s + 20
        return farm.clock_s - began_s

    assert stands_still("w2") == pytest.approx(7.0, abs=0.6)
    assert service.row.state == "DEGRADED"
    farm.workers["w2"].is_frozen = False
    farm.turn(0.1)
    assert (service.row.state, physical_ids(service)) == ("RUNNING", before)
    assert stands_still("w1") == pytest.approx(3.0, abs=0.6)
    reasons = [body for kind, body in farm.events if kind == "worker.lost"]
    assert all("has said nothing for" in body for body in reasons)


def test_the_time_in_which_the_orchestrator_stood_still_is_nobodys_silence() -> None:
    farm = Farm("w1")
    service = farm.deploy(pinned(source="w1", middle="w1", sink="w1"))
    farm.settle(3)
    farm.workers["w1"].is_frozen = True  # what it says is still to be taken
    farm.turn(60.0)
    farm.turn(0.1)
    assert service.row.state == "RUNNING"


def test_a_mute_one_that_the_bus_loses_too_needs_the_bus_to_come_back() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.settle(3)
    farm.workers["w2"].is_frozen = True
    for _ in range(30):
        farm.turn(0.1)
    assert not farm.engine.core.is_here("w2")
    farm.lose("w2")
    farm.do("on_worker_heard", "w2", 1)
    assert not farm.engine.core.is_here("w2")
    come_back(farm, "w2")
    assert service.row.state == "RUNNING"


def test_epochs_that_a_returned_worker_knows_are_ended_one_by_one() -> None:
    farm = Farm("w1", "w2", "w3")
    service = farm.deploy(pinned(source="w1", middle="w2 w3", sink="w1"))
    farm.settle(3)
    where = farm.places(service)["middle"]
    worker: SimulatedWorker = farm.workers[where]
    lose(farm, where)
    farm.settle(15)
    other = {"w2": "w3", "w3": "w2"}[where]
    come_back(farm, where)
    farm.settle(8)
    assert worker.instances == {}
    assert farm.places(service)["middle"] == other
