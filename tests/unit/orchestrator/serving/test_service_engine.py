"""The life of services: two phases, roll-back, failover, migration, drain, swap, end, restart of the orchestrator."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from farm import CHAIN, Farm, pinned
from simulated_worker import SimulatedWorker

from hedgerow_idl.serve import InstanceState, OrderKind
from hedgerow_orchestrator.serving import lifecycle
from hedgerow_orchestrator.serving.link_measuring import Job
from hedgerow_orchestrator.serving.service_engine import Conflict, ServiceEngine
from hedgerow_orchestrator.store.serving_recovery import StoredService, StoredServing


def test_a_service_is_prepared_everywhere_and_started_sources_last() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w2"))
    assert service.row.state == "PREPARING"
    farm.quick()
    assert service.row.state == "RUNNING"
    assert farm.running() == {"w1/source": "RUNNING", "w2/middle": "RUNNING", "w2/sink": "RUNNING"}
    kinds = [(worker, order.kind.name) for worker in ("w1", "w2") for order in farm.workers[worker].seen]
    assert kinds == [("w1", "PREPARE"), ("w1", "START"), ("w2", "PREPARE"), ("w2", "START")]
    told = json.loads(next(body for kind, body in farm.events if kind == "service.placed"))
    assert told["places"] == {"source#0": "w1", "middle#0": "w2", "sink#0": "w2"}


def test_the_source_waits_for_those_that_it_feeds() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w2"))
    farm.turn()
    farm.workers["w2"].is_frozen = True
    farm.quick()
    assert not any(order.kind is OrderKind.START for order in farm.workers["w1"].seen)
    farm.workers["w2"].is_frozen = False
    farm.quick()
    assert service.row.state == "RUNNING"


def test_without_start_it_is_ready_and_stop_and_start_go_to_and_fro() -> None:
    farm = Farm("w1")
    service = farm.deploy(CHAIN, start=False)
    farm.quick()
    assert (service.row.state, set(farm.running().values())) == ("READY", {"READY"})
    for method, state in (("start", "RUNNING"), ("stop", "STOPPED"), ("start", "RUNNING")):
        farm.do(method, service)
        farm.quick()
        assert (service.row.state, set(farm.running().values())) == (state, {state})


def test_one_that_cannot_prepare_has_all_others_take_it_back() -> None:
    farm = Farm("w1", "w2")
    farm.workers["w2"].refuses = "middle: no such file 'model.onnx'"
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.quick()
    assert service.row.state == "FAILED"
    assert service.row.reason == "w2 middle: no such file 'model.onnx'"
    assert farm.running() == {}
    assert len(farm.engine.core.orders) == 0
    farm.workers["w2"].refuses = ""
    farm.do("start", service)
    farm.quick()
    assert service.row.state == "RUNNING"


def test_delete_leaves_nothing() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(CHAIN)
    farm.quick()
    farm.do("delete", service)
    farm.quick()
    assert farm.running() == {}
    assert farm.engine.core.services == {}
    assert farm.row("ServiceRow", service.service_id).state == "DELETED"
    assert all(row.ended_at_s for key, row in farm.rows.items() if key[0] == "InstanceRow")
    assert farm.engine.is_idle


def test_what_has_failed_of_a_service_that_is_gone_is_forgotten_by_its_worker_too() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.quick()
    (broken,) = farm.workers["w2"].instances.values()
    broken.status.state = InstanceState.FAILED
    farm.do("delete", service)
    restarted(farm)  # before the workers are heard of again: nobody is there to be told
    for worker in farm.workers.values():
        farm.join(worker)
    farm.settle(20)
    assert farm.engine.core.services == {}
    assert farm.running() == {}


def test_a_frozen_worker_delays_nobody_else() -> None:
    farm = Farm("w1", "w2")
    farm.workers["w1"].is_frozen = True
    stuck = farm.deploy({**pinned(source="w1", middle="w1", sink="w1"), "name": "stuck"})
    other = farm.deploy({**pinned(source="w2", middle="w2", sink="w2"), "name": "other"})
    farm.quick()
    assert (stuck.row.state, other.row.state) == ("PREPARING", "RUNNING")
    farm.turn(61)
    farm.turn()
    assert (stuck.row.state, "did not work lately" in stuck.row.reason) == ("DEGRADED", True)
    farm.workers["w1"].is_frozen = False
    farm.settle(35)
    assert stuck.row.state == "RUNNING"
    assert set(farm.running(stuck).values()) == {"RUNNING"}


def test_a_silent_worker_is_replaced_by_one_that_answers() -> None:
    farm = Farm("w1", "w2")
    farm.workers["w1"].is_frozen = True
    service = farm.deploy(pinned(source="w1 w2", middle="w1 w2", sink="w1 w2"))
    farm.quick()
    farm.turn(61)
    farm.quick()
    assert (service.row.state, set(farm.places(service).values())) == ("RUNNING", {"w2"})


def test_a_lost_worker_is_replaced_at_once_and_what_is_well_stays() -> None:
    farm = Farm("w1", "w2", "w3")
    service = farm.deploy(pinned(source="w1", middle="w2 w3", sink="w1"))
    other = farm.deploy({**pinned(source="w1", middle="w1", sink="w1"), "name": "other"})
    farm.quick()
    farm.settle(3)
    where = farm.places(service)["middle"]
    before = {each.name: each.physical_id for each in service.active.plan.instances}  # type: ignore[union-attr]
    logical = dict(service.logical_ids)
    farm.lose(where)
    farm.quick()
    assert (service.row.state, service.row.epoch, other.row.epoch) == ("RUNNING", 2, 1)
    after = {each.name: each.physical_id for each in service.active.plan.instances}  # type: ignore[union-attr]
    assert {name for name in after if after[name] != before[name]} == {"middle"}
    assert service.logical_ids == logical
    assert farm.places(service)["middle"] not in (where, "w1")
    farm.settle(15)
    assert list(service.epochs) == [2]
    assert farm.row("ServiceEpochRow", service.service_id, "1").state == "RETIRED"
    assert farm.row("ServiceEpochRow", service.service_id, "2").cause == "failover"


def test_what_has_no_place_is_degraded_and_tried_on_every_change() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2 w3", sink="w1"))
    farm.quick()
    farm.lose("w2")
    farm.quick()
    assert service.row.state == "DEGRADED"
    assert "no worker can host 'middle': w1 is none of w2, w3" in service.row.reason
    farm.join(SimulatedWorker("w3"))
    farm.quick()
    assert (service.row.state, farm.places(service)["middle"]) == ("RUNNING", "w3")


def test_no_worker_at_all_is_told_and_waited_out() -> None:
    farm = Farm()
    service = farm.deploy(CHAIN)
    assert (service.row.state, service.row.reason) == ("DEGRADED", "no worker is here; start one")
    farm.join(SimulatedWorker("w1"))
    farm.quick()
    assert service.row.state == "RUNNING"


def test_a_lost_source_counts_on_elsewhere() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1 w2", middle="w2", sink="w2"))
    farm.quick()
    farm.settle(5)
    where = farm.places(service)["source"]
    if where != "w1":
        farm.do("migrate", service, ("source", 0), farm.engine.core.workers["w1"])
        farm.settle(15)
    last = service.sources[service.logical_ids["source", 0]].last_sequence
    farm.lose("w1")
    farm.quick()
    placed = next(each for each in service.active.plan.instances if each.name == "source")  # type: ignore[union-attr]
    assert placed.node_id == "w2"
    assert placed.first_sequence > last > 0


def test_a_source_that_is_lost_before_it_has_told_how_far_it_is_counts_on_too_and_again_if_lost_twice() -> None:
    farm = Farm("w1", "w2", "w3", "w4")
    service = farm.deploy(pinned(source="w1 w2 w3", middle="w4", sink="w4"))
    firsts = []
    for _ in range(3):
        farm.quick()
        assert service.row.state == "RUNNING"
        source = next(each for each in service.active.plan.instances if each.name == "source")  # type: ignore[union-attr]
        firsts.append(source.first_sequence)
        farm.lose(source.node_id)
    assert firsts[0] == 0
    assert firsts[1] >= 1_000
    assert firsts[2] >= firsts[1] + 1_000


def test_a_worker_that_is_restarted_is_one_leave_and_one_join() -> None:
    farm = Farm("w1")
    service = farm.deploy(CHAIN)
    farm.quick()
    worker = farm.workers["w1"]
    worker.restart(2)
    farm.join(worker)
    farm.quick()
    kinds = [kind for kind, _ in farm.events if kind.startswith("worker.")]
    assert kinds == ["worker.joined", "worker.lost", "worker.joined"]
    assert (service.row.state, set(farm.running().values())) == ("RUNNING", {"RUNNING"})


def test_a_crashed_instance_is_replaced_by_policy() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w1 w2", sink="w1"))
    farm.quick()
    farm.settle(2)
    where = farm.places(service)["middle"]
    broken = next(each for each in farm.workers[where].instances.values() if each.status.name == "middle")
    broken.status.state, broken.status.reason = InstanceState.FAILED, "exit code -11"
    farm.settle(1)
    assert farm.places(service)["middle"] != where
    assert (service.row.state, service.row.epoch) == ("RUNNING", 2)
    assert farm.row("InstanceRow", broken.status.physical_id).reason == "exit code -11"
    farm.settle(15)
    assert len(farm.running(service)) == 3


def test_an_instance_whose_policy_is_never_stays_ended() -> None:
    farm = Farm("w1")
    handlers = [{**each, "restart": "never"} for each in CHAIN["handlers"]]
    service = farm.deploy({**CHAIN, "handlers": handlers})
    farm.quick()
    broken = next(each for each in farm.workers["w1"].instances.values() if each.status.name == "middle")
    broken.status.state, broken.status.reason = InstanceState.FAILED, "exit code 1"
    farm.settle(3)
    assert (service.row.state, service.row.epoch) == ("DEGRADED", 1)
    assert "restart policy is never" in service.row.reason


def test_an_instance_that_is_silently_gone_is_replaced() -> None:
    farm = Farm("w1")
    service = farm.deploy(CHAIN)
    farm.settle(2)
    gone = next(each for each in farm.workers["w1"].instances.values() if each.status.name == "sink")
    del farm.workers["w1"].instances[gone.status.physical_id]
    farm.settle(15)
    assert (service.row.state, service.row.epoch) == ("RUNNING", 2)
    assert set(farm.running().values()) == {"RUNNING"}
    assert len(farm.running()) == 3


def test_migration_starts_new_rewires_and_stops_old() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w1 w2", sink="w1"))
    farm.settle(2)
    origin = farm.places(service)["middle"]
    target = farm.engine.core.workers["w2" if origin == "w1" else "w1"]
    intent = farm.do("migrate", service, ("middle", 0), target)
    assert intent.state == "ACCEPTED"
    farm.quick()
    assert (service.row.epoch, farm.places(service)["middle"]) == (2, target.node_id)
    assert f"{origin}/middle" in farm.running()
    assert farm.row("IntentRow", intent.intent_id).state == "DONE"
    farm.settle(5)
    assert f"{origin}/middle" not in farm.running()
    assert farm.row("ServiceEpochRow", service.service_id, "2").cause == "migrate"
    orders = [order.kind.name for order in farm.workers["w1"].seen]
    assert orders.index("SWITCH_EPOCH") < orders.index("DELETE")


def test_migrating_a_source_ends_it_at_the_sequence_at_which_the_new_one_begins() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1 w2", middle="w1", sink="w1"))
    farm.settle(3)
    origin = farm.places(service)["source"]
    target = "w2" if origin == "w1" else "w1"
    farm.do("migrate", service, ("source", 0), farm.engine.core.workers[target])
    farm.quick()
    switch = next(answer for answer in farm.workers[origin].done.values() if answer.kind is OrderKind.SWITCH_EPOCH)
    told = [order for order in farm.workers[target].seen if order.epoch == 2]
    wanted = [(OrderKind.SWITCH_EPOCH, switch.at_sequence), (OrderKind.START, switch.at_sequence)]
    assert [(order.kind, order.at_sequence) for order in told if order.kind is not OrderKind.PREPARE][-2:] == wanted
    assert switch.at_sequence > 0


@pytest.mark.parametrize(("to", "says"), [("w2", "none of w1"), ("w1", "already")])
def test_a_migration_that_cannot_be_is_declined_and_nothing_moves(to: str, says: str) -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w1", sink="w1"))
    farm.quick()
    before = farm.running()
    intent = farm.do("migrate", service, ("middle", 0), farm.engine.core.workers[to])
    farm.settle(2)
    assert (intent.state, says in intent.reason) == ("DECLINED", True)
    assert (service.row.state, service.row.epoch, farm.running()) == ("RUNNING", 1, before)


def test_while_it_is_being_changed_further_wishes_are_refused() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w1 w2", sink="w1"))
    with pytest.raises(Conflict, match="has no place yet"):
        farm.do("place", service, {}, {}, dry_run=True)
    farm.quick()
    other = next(name for name in ("w1", "w2") if name != farm.places(service)["middle"])
    farm.do("migrate", service, ("middle", 0), farm.engine.core.workers[other])
    with pytest.raises(Conflict, match="being changed"):
        farm.do("migrate", service, ("middle", 0), farm.engine.core.workers[other])


def test_a_drain_empties_a_worker_and_then_is_done() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(CHAIN)
    farm.settle(2)
    full = farm.engine.core.workers[farm.places(service)["source"]]
    intent = farm.do("drain", full, "new disk")
    farm.settle(20)
    assert farm.row("IntentRow", intent.intent_id).state == "DONE"
    assert not farm.workers[full.node_id].instances
    assert (service.row.state, full.node_id in farm.places(service).values()) == ("RUNNING", False)
    policy = farm.row("WorkerPolicyRow", full.node_id)
    assert (policy.is_cordoned, policy.is_draining, policy.reason) == (True, True, "new disk")


def test_a_drain_without_another_place_waits_and_nothing_is_lost() -> None:
    farm = Farm("w1")
    service = farm.deploy(CHAIN)
    farm.quick()
    intent = farm.do("drain", farm.engine.core.workers["w1"], "")
    farm.settle(3)
    assert (service.row.state, len(farm.running())) == ("RUNNING", 3)
    farm.join(SimulatedWorker("w2"))
    farm.settle(20)
    assert farm.row("IntentRow", intent.intent_id).state == "DONE"
    assert set(farm.places(service).values()) == {"w2"}


def test_cordoned_workers_get_nothing_new_and_keep_what_they_have() -> None:
    farm = Farm("w1")
    first = farm.deploy(CHAIN)
    farm.quick()
    worker = farm.engine.core.workers["w1"]
    farm.do("set_policy", worker, cordoned=True, draining=False, reason="old")
    second = farm.deploy({**CHAIN, "name": "second"})
    farm.settle(2)
    assert (first.row.state, second.row.state) == ("RUNNING", "DEGRADED")
    assert "w1 is cordoned (old)" in second.row.reason
    farm.do("set_policy", worker, cordoned=False, draining=False, reason="")
    farm.quick()
    assert second.row.state == "RUNNING"


def test_a_source_that_ends_ends_the_service_and_it_can_begin_anew() -> None:
    farm = Farm("w1")
    service = farm.deploy(CHAIN)
    farm.settle(2)
    for each in farm.workers["w1"].instances.values():
        if each.is_source:
            each.status.state = InstanceState.ENDED
    farm.settle(6)
    assert (service.row.state, service.row.reason) == ("ENDED", "all its sources have ended")
    farm.do("start", service)
    farm.settle(15)
    assert (service.row.state, set(farm.running().values())) == ("RUNNING", {"RUNNING"})


def test_what_nobody_wants_is_told_to_end() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2", sink="w1"))
    farm.settle(2)
    farm.workers["w2"].is_frozen = True
    farm.lose("w2")
    farm.do("delete", service)
    farm.quick()
    assert farm.engine.core.services == {}
    farm.workers["w2"].is_frozen = False
    farm.join(farm.workers["w2"])
    farm.settle(2)
    assert farm.running() == {}


def restarted(farm: Farm) -> ServiceEngine:
    """A new engine with what the old one had stored."""

    def rows(kind: str) -> list[Any]:
        return [row for key, row in farm.rows.items() if key[0] == kind]

    live = ("PREPARING", "ACTIVE", "DRAINING")
    services = [
        StoredService(
            row,
            [each for each in rows("ServiceEpochRow") if each.service_id == row.service_id and each.state in live],
            [each for each in rows("InstanceRow") if each.service_id == row.service_id],
            max([each.epoch for each in rows("ServiceEpochRow") if each.service_id == row.service_id], default=0),
        )
        for row in rows("ServiceRow")
        if row.state != "DELETED"
    ]
    open_intents = [row for row in rows("IntentRow") if row.state in ("PENDING", "ACCEPTED")]
    stored = StoredServing(services, rows("WorkerPolicyRow"), open_intents, {name: name for name in farm.workers})
    old = farm.engine
    farm.engine = ServiceEngine(old.core.propose, old.core.new_id)
    step = farm.step()
    farm.engine.recover(step, stored)
    farm.end(step)
    return farm.engine


def test_after_a_restart_what_runs_is_adopted_and_nothing_is_begun_again() -> None:
    farm = Farm("w1", "w2")
    farm.deploy(pinned(source="w1", middle="w2", sink="w2"))
    farm.settle(3)
    farm.do("set_policy", farm.engine.core.workers["w2"], cordoned=True, draining=False, reason="x")
    seen = sum(len(worker.seen) for worker in farm.workers.values())
    engine = restarted(farm)
    farm.quick()
    for worker in farm.workers.values():
        farm.join(worker)
    farm.settle(12)
    (service,) = engine.core.services.values()
    assert (service.row.state, service.row.epoch) == ("RUNNING", 1)
    assert sum(len(worker.seen) for worker in farm.workers.values()) == seen
    assert engine.core.workers["w2"].is_cordoned


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4])
def test_a_restart_in_the_middle_of_a_swap_goes_on_with_it(turns: int) -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w1 w2", sink="w1"))
    farm.settle(3)
    target = next(name for name in ("w1", "w2") if name != farm.places(service)["middle"])
    farm.do("migrate", service, ("middle", 0), farm.engine.core.workers[target])
    for _ in range(turns):
        farm.turn()
    engine = restarted(farm)
    for worker in farm.workers.values():
        farm.join(worker)
    farm.settle(15)
    (found,) = engine.core.services.values()
    assert (found.row.state, found.row.epoch, farm.places(found)["middle"]) == ("RUNNING", 2, target)
    assert set(farm.running().values()) == {"RUNNING"}
    assert len(farm.running()) == 3


def test_a_worker_that_is_lost_while_the_orchestrator_is_away_is_missed_after_a_while() -> None:
    farm = Farm("w1", "w2")
    farm.deploy(pinned(source="w1", middle="w1 w2", sink="w1"))
    farm.settle(2)
    restarted(farm)
    farm.quick()
    lost = "w2"
    farm.join(farm.workers["w1"])
    del farm.workers[lost]
    farm.settle(20)
    (service,) = farm.engine.core.services.values()
    assert (service.row.state, set(farm.places(service).values())) == ("RUNNING", {"w1"})


def test_placing_by_hand_dry_and_for_good() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(CHAIN)
    farm.settle(2)
    target = next(name for name in ("w1", "w2") if name != farm.places(service)["middle"])
    dry = farm.do("place", service, {("middle", 0): target}, {}, dry_run=True)
    assert (dry.verdict, dry.is_changed, dry.predicted["places"]["middle"]) == ("applied", False, target)
    farm.settle(1)
    assert farm.places(service)["middle"] != target
    answer = farm.do("place", service, {("middle", 0): target}, {}, dry_run=False)
    assert (answer.verdict, answer.is_changed, answer.epoch) == ("applied", True, 2)
    farm.settle(8)
    assert farm.places(service)["middle"] == target
    same = farm.do("place", service, {("middle", 0): "nowhere"}, {}, dry_run=False)
    assert (same.verdict, same.is_changed) == ("infeasible", False)


def test_a_better_place_is_taken_by_command_and_the_same_is_not() -> None:
    farm = Farm("w1")
    blueprint = {**CHAIN, "placement": {"replace": "never", "objective": "latency"}}
    service = farm.deploy(blueprint)
    farm.settle(2)
    same = farm.do("place", service, {}, {}, dry_run=False)
    assert (same.verdict, same.is_changed) == ("same", False)
    assert same.reason.startswith("no: the running placement is the one planned")
    for each in farm.workers["w1"].instances.values():
        each.status.compute_s = 0.1
    farm.join(SimulatedWorker("fast"), clock_hz=2e11)
    farm.settle(2)
    better = farm.do("place", service, {}, {}, dry_run=False)
    assert (better.verdict, better.is_changed) == ("better", True), better
    farm.settle(5)
    assert set(farm.places(service).values()) == {"fast"}


def test_drift_moves_a_service_by_itself_after_its_dwell_and_not_before() -> None:
    farm = Farm("w1")
    wishes = {"objective": "latency", "minimum_gain": 0.2, "minimum_dwell_s": 60}
    service = farm.deploy({**CHAIN, "placement": wishes})
    farm.settle(2)
    for each in farm.workers["w1"].instances.values():
        each.status.compute_s = 0.1
    farm.join(SimulatedWorker("fast"), clock_hz=2e11)
    farm.settle(40)
    assert service.row.epoch == 1
    farm.settle(40)
    assert (service.row.epoch, set(farm.places(service).values())) == (2, {"fast"})
    row = farm.row("ServiceEpochRow", service.service_id, "2")
    assert (row.cause, row.reason.startswith("yes:")) == ("drift", True)


def test_where_memory_is_short_the_old_one_makes_room_first() -> None:
    farm = Farm("w1", "w2")
    wish = pinned(source="w1", middle="w1 w2", sink="w1")
    wish["handlers"][1]["requires"]["memory_bytes"] = 5e9
    wish["handlers"][1]["parameters"] = {}
    service = farm.deploy(wish)
    farm.settle(2)
    where = farm.places(service)["middle"]
    worker = farm.workers[where]
    worker.status.memory_available_bytes = 1e9
    broken = next(each for each in worker.instances.values() if each.status.name == "middle")
    other = next(each for name, each in farm.workers.items() if name != where)
    other.status.memory_available_bytes = 1e9
    broken.status.state, broken.status.reason = InstanceState.FAILED, "exit code -9"
    # The other has no room either, and where it was one cannot stand beside the other.
    farm.settle(60)
    assert (service.row.state, farm.places(service)["middle"]) == ("RUNNING", where)
    kinds = [order.kind.name for order in worker.seen]
    assert "STOP" in kinds
    assert len([key for key in farm.running() if key.endswith("/middle")]) == 1


PROFILE = {
    "digest": "d",
    "layers": [{"name": f"l{at}", "op": "Conv", "seconds_mean": 0.01, "seconds_std": 0.0} for at in range(6)],
    "cut_bytes": [1000.0, 1000.0, 1000.0, 1000.0, 1000.0],
}
NETWORK: dict[str, Any] = {
    "name": "cut",
    "handlers": [{"name": "in", "type": "tensor_source"}, {"name": "out", "type": "tensor_sink"}],
    "networks": [{"name": "net", "model": "m.onnx"}],
    "links": [{"from": "in.tensors", "to": "net.tensors"}, {"from": "net.tensors", "to": "out.tensors"}],
    "placement": {"max_partitions": 3},
}


def network_farm() -> Farm:
    farm = Farm("w1", "w2", "w3")
    for name, worker in farm.workers.items():
        worker.profile = json.dumps(PROFILE)
        for other in farm.workers:
            if other != name:
                worker.link(other)
    farm.statuses()
    return farm


def test_a_network_is_profiled_then_cut_and_the_parts_follow_each_other() -> None:
    farm = network_farm()
    service = farm.deploy(NETWORK)
    assert service.row.reason == "3 workers profile its networks"
    farm.quick()
    assert service.row.state == "RUNNING"
    active = service.active
    assert active is not None
    parts = [each for each in active.plan.instances if each.name.startswith("net/")]
    spans = [(each.parameters["first"], each.parameters["last"]) for each in parts]
    assert spans == [(0, 2), (2, 4), (4, 6)]
    assert len({each.node_id for each in parts}) == 3
    names = {each.logical_id: each.name for each in active.plan.instances}
    links = [(names[link.sender], names[link.receiver]) for link in active.plan.links]
    assert links == [("in", "net/0"), ("net/2", "out"), ("net/0", "net/1"), ("net/1", "net/2")]
    assert active.plan.predicted["bottleneck_s"] == pytest.approx(0.02)


def test_a_network_is_cut_anew_when_a_worker_is_lost_and_by_hand() -> None:
    farm = network_farm()
    service = farm.deploy(NETWORK)
    farm.settle(3)
    farm.lose("w3")
    farm.settle(10)
    assert service.row.state == "RUNNING"
    assert "w3" not in farm.places(service).values()
    answer = farm.do("place", service, {}, {"net": (0, 1, 6)}, dry_run=False)
    assert (answer.verdict, answer.is_changed) == ("applied", True)
    farm.settle(10)
    spans = [each.parameters for each in service.active.plan.instances if each.name.startswith("net/")]  # type: ignore[union-attr]
    assert [(each["first"], each["last"]) for each in spans] == [(0, 1), (1, 6)]


def test_a_network_that_cannot_be_profiled_fails_with_the_reason() -> None:
    farm = Farm("w1")
    service = farm.deploy(NETWORK)
    farm.quick()
    assert service.row.state == "FAILED"
    assert "w1 the model is no model" in service.row.reason


def test_a_failover_that_cannot_be_prepared_is_tried_again_with_back_off_and_tells_why() -> None:
    farm = Farm("w1", "w2")
    service = farm.deploy(pinned(source="w1", middle="w2 w3", sink="w1"))
    farm.quick()
    third = SimulatedWorker("w3", refuses="middle: no such file 'model.onnx'")
    farm.join(third)
    farm.lose("w2")
    farm.quick()
    tries = [farm.clock_s]
    assert service.row.state == "DEGRADED"
    assert "w3 middle: no such file 'model.onnx'" in service.row.reason
    seen = len(third.seen)
    for _ in range(2 * 130):
        farm.clock_s += 0.5
        farm.quick()
        if len(third.seen) > seen:
            tries.append(farm.clock_s)
            seen = len(third.seen)
            assert "no such file" in service.row.reason
    waits = [after - before for before, after in itertools.pairwise(tries)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    third.refuses = ""
    farm.clock_s += 30
    farm.quick()
    assert (service.row.state, service.row.reason) == ("RUNNING", "")
    assert farm.places(service)["middle"] == "w3"


def measured(farm: Farm) -> list[tuple[str, Any]]:
    """Who has measured, in order of the orders' ids, and whom."""
    orders = [order for each in farm.workers.values() for order in each.seen if order.kind is OrderKind.MEASURE]
    orders.sort(key=lambda order: int(order.command_id.removeprefix("id-")))
    return [(order.node_id, json.loads(order.body)["workers"]) for order in orders]


def test_links_that_never_were_are_measured_one_worker_after_the_other_before_a_network_is_cut() -> None:
    farm = network_farm()
    farm.workers["w1"].status.links = farm.workers["w2"].status.links = []
    farm.statuses()
    service = farm.deploy(NETWORK)
    farm.workers["w1"].is_frozen = True
    farm.turn()
    for each in list(farm.engine.core.orders):  # its profile is not what is looked at here
        if each.order.node_id == "w1":
            each.give_up_at_s = farm.clock_s
    farm.quick()
    assert (service.row.state, service.row.reason) == ("PREPARING", "4 links are measured that never were")
    assert measured(farm) == []
    assert [each.order.node_id for each in farm.engine.core.orders] == ["w1"]
    farm.turn(16)
    farm.quick()
    assert measured(farm) == [("w2", ["w1", "w3"])]
    assert service.row.state in ("RUNNING", "SWITCHING", "PREPARING")
    told = farm.engine.core.workers["w2"].link_to("w3")
    assert told is not None
    assert told.bandwidth_bytes_per_s == 2e7


def test_a_person_has_links_measured_one_worker_after_the_other() -> None:
    farm = Farm("w1", "w2", "w3")
    jobs = [Job(name, tuple({"w1", "w2", "w3"} - {name}), "t") for name in ("w1", "w2", "w3", "gone")]
    step = farm.step()
    lifecycle.measure(farm.engine.core, step, jobs)
    farm.end(step)
    for at in range(1, 5):
        assert len(farm.engine.core.orders) == (1 if at < 4 else 0)
        farm.turn()
        assert len(measured(farm)) == min(at, 3)
    assert [name for name, _ in measured(farm)] == ["w1", "w2", "w3"]
    told = [(answer.node_id, answer.code.name) for _, answer in farm.engine.core.told]
    assert told == [("w1", "DONE"), ("w2", "DONE"), ("w3", "DONE"), ("gone", "NOT_DONE")]


def test_an_epoch_explains_its_placement_whatever_it_was_made_for() -> None:
    farm = network_farm()
    service = farm.deploy(NETWORK)
    farm.settle(3)
    farm.do("place", service, {}, {"net": (0, 1, 6)}, dry_run=False)
    farm.settle(10)
    farm.lose(farm.places(service)["net/1"])
    farm.settle(10)
    told = {row.cause: row.reason for key, row in farm.rows.items() if key[0] == "ServiceEpochRow"}
    assert {cause: reason.split(";")[0] for cause, reason in told.items()} == {
        "deploy": "deployed",
        "manual": "as asked for",
        "failover": next(reason for reason in told.values() if "was lost" in reason).split(";")[0],
    }
    for reason in told.values():
        assert "network net: " in reason
        assert reason.count("the slowest part is") == 2
        assert "is not used" not in reason
        assert "the cost of in, out was never measured anywhere" in reason


@pytest.mark.parametrize("wish", [{"class": "camera"}, {"class": "camera", "requires": {"labels": []}}])
def test_a_source_by_class_is_failed_over_with_the_parameters_of_its_provider(wish: dict[str, Any]) -> None:
    farm = Farm()
    for name in ("w1", "w2"):
        farm.join(SimulatedWorker(name), providers=[f"cam-{name}"])
    source = {"name": "eye", **wish, "parameters": {"fps": 5}}
    links = [{"from": "eye.image", "to": "files.image"}]
    blueprint = {"name": "eyes", "handlers": [source, {"name": "files", "type": "folder"}], "links": links}
    service = farm.deploy(blueprint)
    farm.quick()
    first = farm.places(service)["eye"]

    def eye() -> tuple[str, str, dict[str, Any]]:
        assert service.active is not None
        placed = next(each for each in service.active.plan.instances if each.name == "eye")
        return placed.handler, placed.provider_id, placed.parameters

    assert eye() == ("camera", f"cam-{first}", {"index": f"cam-{first}", "fps": 5})
    other = "w2" if first == "w1" else "w1"
    farm.lose(first)
    farm.quick()
    assert service.row.state == "RUNNING"
    assert eye() == ("camera", f"cam-{other}", {"index": f"cam-{other}", "fps": 5})


def test_a_provider_is_asked_for_by_its_id_and_the_blueprint_counts_more_than_its_configuration() -> None:
    farm = Farm()
    farm.join(SimulatedWorker("w1"), providers=["front", "back"])
    source = {"name": "eye", "provider": "back", "parameters": {"index": 7}}
    links = [{"from": "eye.image", "to": "files.image"}]
    blueprint = {"name": "eyes", "handlers": [source, {"name": "files", "type": "folder"}], "links": links}
    service = farm.deploy(blueprint)
    farm.quick()
    assert service.active is not None
    placed = service.active.plan.instances[0]
    assert (placed.provider_id, placed.parameters) == ("back", {"index": 7})
    farm.lose("w1")
    farm.quick()
    assert service.row.state == "DEGRADED"
    farm.join(SimulatedWorker("w2"), providers=["back"])
    farm.quick()
    assert (service.row.state, farm.places(service)["eye"]) == ("RUNNING", "w2")
