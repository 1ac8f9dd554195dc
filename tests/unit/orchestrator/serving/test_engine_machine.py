"""Anything in any order: services, workers that are lost, frozen and restarted, wishes, restarts; what must hold then.

At all times: of one logical id an epoch has one place; workers get no two orders with one id and another content; every
order is of a worker that is known. Once everything is well again and time has passed: every order was answered or given
up, services are in a state that fits what is wanted, workers run exactly what the epochs say, and nothing else.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from farm import CHAIN, Farm
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from simulated_worker import SimulatedWorker
from test_service_engine import restarted

from hedgerow_idl.serve import InstanceState
from hedgerow_orchestrator.serving.service_engine import Conflict

NAMES = ("w1", "w2", "w3")
SERVICES = ("one", "two")
HANDLERS = ("source", "middle", "sink")


class Serving(RuleBasedStateMachine):
    """Two services, three workers."""

    def __init__(self) -> None:
        super().__init__()
        self.farm = Farm("w1", "w2")
        self.incarnation = 10

    def service(self, name: str) -> Any:
        return self.farm.engine.core.service(name)

    # --- what people do -------------------------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(SERVICES),
        start=st.booleans(),
        apart=st.booleans(),
        strategy=st.sampled_from(["optimal", "round_robin"]),
    )
    def deploy(self, name: str, start: bool, apart: bool, strategy: str) -> None:
        handlers = [dict(each) for each in CHAIN["handlers"]]
        if apart:
            handlers[1]["requires"] = {"apart_from": "source"}
        wishes = {"strategy": strategy, "minimum_dwell_s": 5}
        try:
            self.farm.deploy({**CHAIN, "name": name, "handlers": handlers, "placement": wishes}, start=start)
        except Conflict:
            assert self.service(name) is not None

    @rule(name=st.sampled_from(SERVICES), method=st.sampled_from(["start", "stop", "delete"]))
    def order(self, name: str, method: str) -> None:
        if self.service(name) is not None:
            try:
                self.farm.do(method, self.service(name))
            except Conflict:
                assert self.service(name).row.wanted == "DELETED"

    @rule(
        name=st.sampled_from(SERVICES), handler=st.sampled_from(["source", "middle", "sink"]), to=st.sampled_from(NAMES)
    )
    def migrate(self, name: str, handler: str, to: str) -> None:
        service, worker = self.service(name), self.farm.engine.core.workers.get(to)
        if service is not None and worker is not None:
            try:
                self.farm.do("migrate", service, (handler, 0), worker)
            except Conflict:
                pass

    @rule(name=st.sampled_from(NAMES), cordoned=st.booleans())
    def cordon(self, name: str, cordoned: bool) -> None:
        worker = self.farm.engine.core.workers.get(name)
        if worker is not None:
            self.farm.do("set_policy", worker, cordoned=cordoned, draining=False, reason="")

    @rule(name=st.sampled_from(NAMES))
    def drain(self, name: str) -> None:
        worker = self.farm.engine.core.workers.get(name)
        if worker is not None:
            self.farm.do("drain", worker, "")

    # --- what happens ---------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.1, 3.0, 12.0, 61.0]))
    def turn(self, seconds: float) -> None:
        self.farm.turn(seconds)

    @rule()
    def tell(self) -> None:
        self.farm.statuses()

    @rule(name=st.sampled_from(NAMES))
    def come(self, name: str) -> None:
        if name not in self.farm.workers:
            self.incarnation += 1
            self.farm.join(SimulatedWorker(name, self.incarnation))

    @rule(name=st.sampled_from(NAMES))
    def end(self, name: str) -> None:
        if name in self.farm.workers:
            del self.farm.workers[name]
            self.farm.lose(name)

    @rule(name=st.sampled_from(NAMES))
    def begin_again(self, name: str) -> None:
        if name in self.farm.workers:
            self.incarnation += 1
            self.farm.workers[name].restart(self.incarnation)
            self.farm.join(self.farm.workers[name])

    @rule(name=st.sampled_from(NAMES), is_frozen=st.booleans(), refuses=st.sampled_from(["", "", "no room"]))
    def hinder(self, name: str, is_frozen: bool, refuses: str) -> None:
        if name in self.farm.workers:
            self.farm.workers[name].is_frozen, self.farm.workers[name].refuses = is_frozen, refuses

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def crash(self, name: str, data: st.DataObject) -> None:
        running = list(self.farm.workers[name].instances.values()) if name in self.farm.workers else []
        if running:
            broken = data.draw(st.sampled_from(running))
            broken.status.state, broken.status.reason = InstanceState.FAILED, "exit code -11"

    @precondition(lambda self: self.farm.engine.core.services)
    @rule()
    def restart_orchestrator(self) -> None:
        restarted(self.farm)
        for worker in self.farm.workers.values():
            self.farm.join(worker)

    # --- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def one_place_of_a_logical_id_in_an_epoch(self) -> None:
        for service in self.farm.engine.core.services.values():
            for epoch in service.epochs.values():
                logical = [each.logical_id for each in epoch.plan.instances]
                assert len(logical) == len(set(logical))
                keys = {key: service.logical_ids[key] for key in [(e.name, e.replica) for e in epoch.plan.instances]}
                assert set(keys.values()) == set(logical)

    @invariant()
    def nobody_waits_for_what_nobody_does(self) -> None:
        """A procedure waits for orders that are open, or it would wait for ever."""
        core = self.farm.engine.core
        still_open = {each.order.command_id for each in core.orders}
        for service in core.services.values():
            if service.procedure is not None:
                assert service.procedure.waiting
                assert service.procedure.waiting <= still_open
            for drain in service.drains.values():
                assert drain.waiting <= still_open
                assert drain.is_deleting == bool(drain.waiting)

    def teardown(self) -> None:
        """Let everything be well again and time pass."""
        farm = self.farm
        for worker in farm.workers.values():
            worker.is_frozen, worker.refuses = False, ""
        for name in NAMES:
            self.come(name)
        for worker in farm.engine.core.workers.values():
            if worker.is_cordoned or worker.is_draining:
                farm.do("set_policy", worker, cordoned=False, draining=False, reason="")
        for service in list(farm.engine.core.services.values()):
            if service.row.state == "FAILED":
                farm.do("start", service)
        farm.settle(200)
        core = farm.engine.core
        assert len(core.orders) == 0
        assert not core.intents, core.intents
        wanted = {}
        for service in core.services.values():
            fits = {"RUNNING": "RUNNING", "READY": "READY", "STOPPED": "STOPPED"}[service.row.wanted]
            assert service.row.state == fits, (service.row.state, service.row.reason, service.row.wanted)
            assert list(service.epochs) == [service.row.epoch]
            for each in service.epochs[service.row.epoch].plan.instances:
                wanted[each.physical_id] = each.node_id
        there = {pid: worker.node_id for worker in farm.workers.values() for pid in worker.instances}
        assert there == wanted


Serving.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestServing = Serving.TestCase
