"""Serving through the whole orchestrator on a bus in memory: verbs, rows, events, workers that come and go."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from farm import CHAIN, pinned
from simulated_worker import SimulatedWorker

from hedgerow_idl import NodeInfo, NodeState, NodeStatus, ReplyStatus
from hedgerow_idl.serve import OrderKind
from hedgerow_idl.topics import BY_NAME

sys.path.insert(0, str(Path(__file__).parent.parent))
from garden import Garden


class BusWorker:
    """A simulated worker with its endpoints."""

    def __init__(self, garden: Garden, name: str) -> None:
        self.worker = SimulatedWorker(f"id-of-{name}", incarnation=time.time_ns())
        self.bus = garden.network.bus()
        self.infos = self.bus.writer(BY_NAME["hedgerow/node_info"])
        self.node_statuses = self.bus.writer(BY_NAME["hedgerow/node_status"])
        self.worker_infos = self.bus.writer(BY_NAME["hedgerow/worker_info"])
        self.statuses = self.bus.writer(BY_NAME["hedgerow/worker_status"])
        self.answers = self.bus.writer(BY_NAME["hedgerow/service_answer"])
        self.orders = self.bus.reader(BY_NAME["hedgerow/service_order"], partition=self.worker.node_id)
        what: dict[str, Any] = {"node_id": self.worker.node_id, "incarnation": self.worker.incarnation}
        self.info = NodeInfo(name=name, kind="worker", **what)
        self.infos.write(self.info)
        self.node_statuses.write(NodeStatus(state=NodeState.IDLE, **what))
        self.worker_infos.write(self.worker.announce())

    def step(self, timeout_s: float) -> None:
        self.worker.inbox += [received.sample for received in self.orders.take()]
        for answer in self.worker.work():
            self.answers.write(answer)
        if not self.worker.is_frozen:
            self.statuses.write(self.worker.tell())

    def leave(self) -> None:
        self.node_statuses.dispose(NodeStatus(node_id=self.worker.node_id, incarnation=self.worker.incarnation))
        self.infos.dispose(self.info)


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Garden]:
    garden = Garden(tmp_path / "home")
    yield garden
    garden.orchestrator.close()


def join(garden: Garden, name: str) -> BusWorker:
    worker = BusWorker(garden, name)
    garden.nodes[name] = worker  # type: ignore[assignment]
    garden.until(lambda: garden.reader.worker(name) is not None)
    return worker


def state(garden: Garden, name: str) -> str:
    service = garden.reader.service(name)
    return "" if service is None else service["state"]


def test_a_service_lives_through_the_verbs(garden: Garden) -> None:
    join(garden, "w1")
    status, deployed = garden.ask("service.deploy", {"blueprint": CHAIN})
    assert status is ReplyStatus.OK
    assert (deployed["name"], deployed["state"], deployed["epoch"]) == ("records", "PREPARING", 0)
    garden.until(lambda: state(garden, "records") == "RUNNING")
    service = garden.reader.service("records")
    assert service is not None
    assert sorted(each["name"] for each in service["instances"]) == ["middle", "sink", "source"]
    assert service["placement"]["predicted"]["throughput_hz"] > 0
    assert garden.ask("service.stop", {"service": "records"})[0] is ReplyStatus.OK
    garden.until(lambda: state(garden, "records") == "STOPPED")
    garden.ask("service.start", {"service": "records"})
    garden.until(lambda: state(garden, "records") == "RUNNING")
    garden.ask("service.delete", {"service": deployed["service_id"]})
    garden.until(lambda: state(garden, "records") == "DELETED")
    assert garden.reader.services() == []
    kinds = [event["kind"] for event in garden.reader.events()]
    wanted = ["worker.joined", "service.preparing", "service.placed", "service.running", "service.stopped"]
    assert [kind for kind in wanted if kind not in kinds] == []


def test_a_deploy_that_is_repeated_is_one_service(garden: Garden) -> None:
    join(garden, "w1")
    body = {"blueprint": CHAIN, "idempotency_key": "k"}
    assert garden.ask("service.deploy", body) == garden.ask("service.deploy", body)
    assert garden.ask("service.deploy", {"blueprint": CHAIN})[0] is ReplyStatus.CONFLICT
    assert len(garden.reader.services()) == 1


def test_a_worker_that_leaves_is_replaced_and_told_in_rows(garden: Garden) -> None:
    first, _ = join(garden, "w1"), join(garden, "w2")
    garden.ask("service.deploy", {"blueprint": pinned(source="w1 w2", middle="w1 w2", sink="w1 w2")})
    garden.until(lambda: state(garden, "records") == "RUNNING")
    service = garden.reader.service("records") or {}
    victim = next(name for name in ("w1", "w2") if service["instances"][0]["node_id"] == f"id-of-{name}")
    leaving: Any = garden.nodes.pop(victim)
    leaving.leave()
    garden.until(lambda: (garden.reader.service("records") or {})["epoch"] == 2)
    found = garden.reader.service("records") or {}
    assert found["state"] == "RUNNING"
    assert {each["node_id"] for each in found["plan"]["instances"]} == {f"id-of-{'w2' if victim == 'w1' else 'w1'}"}
    assert garden.reader.service_epochs(found["service_id"])[0]["cause"] == "failover"
    assert first.info.kind == "worker"


def test_wrong_blueprints_are_refused_with_the_field(garden: Garden) -> None:
    join(garden, "w1")
    status, told = garden.ask("service.deploy", {"blueprint": {**CHAIN, "colour": "red"}})
    assert (status, told["field"]) == (ReplyStatus.INVALID, "colour")
    links = [*CHAIN["links"], {"from": "sink.x", "to": "middle.record"}]
    status, told = garden.ask("service.check", {"blueprint": {**CHAIN, "links": links}})
    assert (status, told["ok"], told["problems"][0]["field"]) == (ReplyStatus.OK, False, "links[2].from")
    assert garden.ask("service.check", {"blueprint": CHAIN})[1]["ok"] is True
    assert garden.reader.services() == []


@pytest.mark.parametrize(
    ("verb", "body", "status", "says"),
    [
        ("service.start", {"service": "x"}, ReplyStatus.NOT_FOUND, "service 'x' unknown; known: records"),
        ("worker.drain", {"worker": "x"}, ReplyStatus.NOT_FOUND, "worker 'x' unknown; known: w1"),
        ("service.infer", {"service": "records", "input": {}}, ReplyStatus.CONFLICT, "has no source of type request"),
        ("service.migrate", {"service": "records", "handler": "x", "to": "w1"}, ReplyStatus.NOT_FOUND, "no instance"),
        ("service.place", {"service": "records", "boundaries": {"n": [1]}}, ReplyStatus.NOT_FOUND, "no network"),
    ],
)
def test_bad_wishes_are_told_what_is_wrong(
    garden: Garden, verb: str, body: dict[str, Any], status: ReplyStatus, says: str
) -> None:
    join(garden, "w1")
    garden.ask("service.deploy", {"blueprint": CHAIN})
    garden.until(lambda: state(garden, "records") == "RUNNING")
    answered, told = garden.ask(verb, body)
    assert (answered, says in told["message"]) == (status, True), told


def test_a_placement_by_hand_that_revisits_a_worker_is_refused(garden: Garden) -> None:
    layers = [{"name": f"l{at}", "op": "x", "seconds_mean": 0.1} for at in range(3)]
    for name in ("w1", "w2"):
        join(garden, name).worker.profile = json.dumps({"digest": "d", "layers": layers, "cut_bytes": [1.0] * 3})
    network: dict[str, Any] = {"name": "net", "model": "m.onnx", "partitions": [1, 2], "placement": ["w1", "w2", "w2"]}
    blueprint: dict[str, Any] = {
        "name": "cut",
        "handlers": [{"name": "in", "type": "tensor_source"}, {"name": "out", "type": "tensor_sink"}],
        "networks": [network],
        "links": [{"from": "in.tensors", "to": "net.tensors"}, {"from": "net.tensors", "to": "out.tensors"}],
    }
    to_and_fro = {**blueprint, "networks": [{**network, "placement": ["w1", "w2", "w1"]}]}
    status, told = garden.ask("service.deploy", {"blueprint": to_and_fro})
    assert (status, told["field"]) == (ReplyStatus.INVALID, "networks[0].placement")
    assert "worker 'w1' would have the parts net/0 and net/2 with another worker's between them" in told["message"]
    for may_revisit in (False, True):
        name = f"cut-{may_revisit}"
        wanted = {**blueprint, "name": name, "placement": {"may_revisit": may_revisit, "replace": "never"}}
        assert garden.ask("service.deploy", {"blueprint": wanted})[0] is ReplyStatus.OK
        garden.until(lambda name=name: state(garden, name) == "RUNNING")
        status, told = garden.ask("service.place", {"service": name, "placement": {"net/2": "w1"}})
        assert (status, told["changed"], told["verdict"]) == (
            (ReplyStatus.OK, True, "applied") if may_revisit else (ReplyStatus.OK, False, "infeasible")
        )
        assert ("and may_revisit is false" in told["reason"]) is not may_revisit


def test_one_input_gives_one_result(garden: Garden) -> None:
    join(garden, "w1")
    handlers = [{"name": "ask", "type": "request"}, *CHAIN["handlers"][1:]]
    links = [{"from": "ask.record", "to": "middle.record"}, CHAIN["links"][1]]
    garden.ask("service.deploy", {"blueprint": {"name": "asked", "handlers": handlers, "links": links}})
    garden.until(lambda: state(garden, "asked") == "RUNNING")
    status, told = garden.ask("service.infer", {"service": "asked", "input": {"n": 3}})
    assert (status, told["output"], told["sequence"]) == (ReplyStatus.OK, {"n": 3}, 7)
    assert told["took_s"] >= 0


def test_workers_are_cordoned_drained_and_measured(garden: Garden) -> None:
    join(garden, "w1")
    join(garden, "w2")
    status, told = garden.ask("worker.measure", {})
    assert status is ReplyStatus.OK
    assert sorted((link["from"], link["to"]) for link in told["links"]) == [("w1", "w2"), ("w2", "w1")]
    assert garden.ask("worker.cordon", {"worker": "w1", "reason": "old"})[1]["is_cordoned"] is True
    assert (garden.reader.worker("w1") or {})["reason"] == "old"
    assert garden.ask("worker.uncordon", {"worker": "w1"})[1]["is_cordoned"] is False
    status, told = garden.ask("worker.drain", {"worker": "w1"})
    assert (told["is_draining"], told["state"]) == (True, "DONE")


def test_an_orchestrator_that_is_restarted_adopts_what_runs(garden: Garden) -> None:
    worker = join(garden, "w1")
    garden.ask("service.deploy", {"blueprint": CHAIN})
    garden.until(lambda: state(garden, "records") == "RUNNING")
    seen = len(worker.worker.seen)
    garden.orchestrator.close()
    garden.orchestrator = garden.new_orchestrator()
    garden.meet()
    garden.turn(30)
    service = garden.reader.service("records") or {}
    assert (service["state"], service["epoch"], len(worker.worker.seen)) == ("RUNNING", 1, seen)
    assert garden.ask("service.stop", {"service": "records"})[0] is ReplyStatus.OK
    garden.until(lambda: state(garden, "records") == "STOPPED")


def test_settings_fill_blueprints_and_switch_the_log_of_predictions_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEDGEROW_MAX_PARTITIONS", "2")
    monkeypatch.setenv("HEDGEROW_PROFILE_ITERATIONS", "3")
    monkeypatch.setenv("HEDGEROW_PREDICTION_LOG", "1")
    caplog.set_level("INFO", "hedgerow.predictions")
    garden = Garden(tmp_path / "home")
    first = join(garden, "w1")
    first.worker.profile = json.dumps(
        {"digest": "d", "layers": [{"name": "l", "op": "x", "seconds_mean": 0.1}] * 2, "cut_bytes": [1.0, 1.0]}
    )
    network = {
        "name": "cut",
        "handlers": [{"name": "in", "type": "tensor_source"}, {"name": "out", "type": "tensor_sink"}],
        "networks": [{"name": "net", "model": "m.onnx"}],
        "links": [{"from": "in.tensors", "to": "net.tensors"}, {"from": "net.tensors", "to": "out.tensors"}],
    }
    assert garden.ask("service.check", {"blueprint": json.dumps(network)})[1]["ok"] is True
    garden.ask("service.deploy", {"blueprint": network})
    garden.until(lambda: state(garden, "cut") == "RUNNING")
    orders = [json.loads(each.body) for each in first.worker.seen if each.kind is OrderKind.PROFILE]
    assert [each["iterations"] for each in orders] == [3]
    assert (garden.reader.service("cut") or {})["blueprint"]["placement"]["max_partitions"] == 2
    time.sleep(1.0)  # a line a second
    for each in first.worker.instances.values():
        each.status.compute_s = 0.25
    garden.until(lambda: any("net/0 0.250000(0.200000)" in each for each in caplog.messages))
    garden.orchestrator.close()
