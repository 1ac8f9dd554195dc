"""A worker seen from the bus: what it announces, takes, refuses, passes on and reports."""

from __future__ import annotations

import json
import os

import msgspec
import pytest
from worker_world import Result, World, chain, header, running

from hedgerow_idl import AnswerCode, CommandKind, NodeState
from hedgerow_idl.serve import OrderCode, OrderKind, WorkerInfo, WorkerStatus
from hedgerow_idl.telemetry import PacketRow, TelemetryBatch, TraceEvent
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.worker_side import peers


def info_of(world: World, name: str) -> WorkerInfo:
    """The next announcement of a worker."""

    def found() -> WorkerInfo | None:
        arrived = world.infos.take_one()
        return arrived.sample if arrived and arrived.sample.node_id == world.node_id(name) else None

    return world.until(found)


def status_when(world: World, matches) -> WorkerStatus:  # type: ignore[no-untyped-def]
    """The first status that matches."""

    def found() -> WorkerStatus | None:
        arrived = world.statuses.take_one()
        return arrived.sample if arrived and arrived.kind is Kind.DATA and matches(arrived.sample) else None

    return world.until(found)


def test_it_announces_what_it_is_and_can(world: World) -> None:
    table = {"provider_id": "cam-1", "class_type": "camera", "outputs": ["image"], "configuration": {"index": 0}}
    loop = world.start("w", labels=["site=roof"], resources=[table])
    info = info_of(world, "w")
    node = world.until(world.nodes.take_one).sample
    assert (node.kind, node.output_topic, node.output_type, node.inputs) == ("worker", "", "", [])
    assert (node.pid, node.incarnation) == (os.getpid(), loop.identity.incarnation)
    assert (info.cores, info.clock_hz, info.memory_bytes, info.has_tpm, info.has_tee) == (4, 2e9, 8 << 30, True, False)
    assert info.labels == [f"hostname={os.uname().nodename}", "site=roof"]
    assert info.resources[0].provider_id == "cam-1"
    assert json.loads(info.resources[0].configuration) == {"index": 0}
    assert json.loads(info.catalogue)[0]["name"] == "generator"
    assert loop.state is NodeState.IDLE


def test_a_change_is_announced_at_once_and_a_wrong_one_is_refused(world: World) -> None:
    world.start("w")
    info_of(world, "w")
    told = world.command("w", CommandKind.CONFIGURE, '{"labels": ["gpu"], "refresh_deadline_s": 1}')
    assert told.code is AnswerCode.ACCEPTED
    info = info_of(world, "w")
    assert (info.labels[1:], info.refresh_deadline_s) == (["gpu"], 1.0)
    for body, says in (
        ('{"labels": ["hostname=other"]}', "hostname="),
        ('{"execution_providers": ["NoSuchProvider"]}', "known here: CPUExecutionProvider"),
        ('{"handler_modules": ["no_such_module_here"]}', "PYTHONPATH"),
        ('{"report_period_s": 0}', "report_period_s"),
        ('{"refresh_deadline_s": 3}', "restart the worker with it"),
        ('{"refresh_deadline_s": 0.4}', "refresh_deadline_s"),
        ('{"colour": 1}', "unknown; known: labels"),
    ):
        refused = world.command("w", CommandKind.CONFIGURE, body)
        assert refused.code is AnswerCode.REFUSED
        assert says in refused.reason
    assert world.workers["w"].configuration.labels == ("gpu",)


def test_an_order_is_done_once_and_answered_each_time(world: World) -> None:
    world.start("w")
    world.until(lambda: world.workers["w"].state is NodeState.IDLE)
    plan = chain(world.node_id("w"), "other")
    body = msgspec.json.encode(plan).decode()
    for _ in range(2):
        world.order("w", OrderKind.PREPARE, service_id="s", epoch=1, body=body, command_id="c")
        answer = world.answer("c")
        assert (answer.code, answer.kind, answer.epoch) == (OrderCode.DONE, OrderKind.PREPARE, 1)
    assert world.host("w").calls == [("prepare", plan, world.node_id("w"))]


def test_orders_reach_the_host_and_carry_its_answers(world: World) -> None:
    world.start("w")
    world.until(lambda: world.workers["w"].state is NodeState.IDLE)
    host = world.host("w")
    host.answers_at_once = False
    ids = [
        world.order("w", OrderKind.START, service_id="s", epoch=2),
        world.order("w", OrderKind.SWITCH_EPOCH, service_id="s", epoch=2, at_sequence=9),
        world.order("w", OrderKind.STOP, service_id="s"),
        world.order("w", OrderKind.INFER, service_id="s", body='{"input": {"a": 1}}'),
    ]
    world.until(lambda: len(host.calls) == 4)
    calls = [("start", "s", 2), ("switch", "s", 2, 9), ("stop", "s"), ("infer", "s", {"input": {"a": 1}})]
    assert host.calls == calls
    host.results = [Result(ids[1], at_sequence=11), Result(ids[0], OrderCode.NOT_DONE, "no such epoch")]
    answer = world.answer(ids[1])
    assert (answer.code, answer.at_sequence) == (OrderCode.DONE, 11)
    host.results = [Result(ids[3], body='{"output": 2}')]
    assert json.loads(world.answer(ids[3]).body) == {"output": 2}


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (OrderKind.PREPARE, "{", "cannot be read"),
        (OrderKind.PREPARE, msgspec.json.encode(chain("a", "b", epoch=5)).decode(), "its plan for s 5"),
        (OrderKind.MEASURE, '{"workers": 1}', "workers"),
        (OrderKind.PROFILE, '{"model": "", "iterations": 0}', "model"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(world: World, kind: OrderKind, body: str, says: str) -> None:
    world.start("w")
    answer = world.answer(world.order("w", kind, service_id="s", epoch=1, body=body))
    assert answer.code is OrderCode.REFUSED
    assert says in answer.reason


def test_orders_for_another_start_are_left_to_it(world: World) -> None:
    loop = world.start("w")
    world.until(lambda: loop.state is NodeState.IDLE)
    world.order("w", OrderKind.STOP, service_id="s", incarnation=loop.identity.incarnation + 1)
    world.answer(world.order("w", OrderKind.STOP, service_id="t", incarnation=loop.identity.incarnation))
    assert world.host("w").calls == [("stop", "t")]


def test_stop_ends_the_instances_and_start_brings_it_back(world: World) -> None:
    loop = world.start("w")
    world.until(lambda: loop.state is NodeState.IDLE)
    world.host("w").instances = [running("p")]
    world.until(lambda: loop.state is NodeState.RUNNING)
    status_when(world, lambda status: [one.physical_id for one in status.instances] == ["p"])
    assert world.command("w", CommandKind.STOP).code is AnswerCode.ACCEPTED
    assert world.hosts["w"][0].is_closed
    assert loop.state is NodeState.INITIALIZING
    refused = world.answer(world.order("w", OrderKind.START, service_id="s", epoch=1))
    assert (refused.code, "STOP" in refused.reason) == (OrderCode.REFUSED, True)
    assert world.command("w", CommandKind.START).code is AnswerCode.ACCEPTED
    world.until(lambda: loop.state is NodeState.IDLE)
    assert world.command("w", CommandKind.RESET).code is AnswerCode.ACCEPTED
    world.until(lambda: loop.state is NodeState.IDLE)
    assert [host.is_closed for host in world.hosts["w"]] == [True, True, False]
    assert world.command("w", CommandKind.RUN).code is AnswerCode.REFUSED


def test_the_status_tells_health_and_comes_on_every_change(world: World) -> None:
    loop = world.start("w")
    status = status_when(world, lambda status: True)
    assert status.memory_used_bytes > 0
    assert status.disk_free_bytes > 0
    assert 0 < status.process_memory_bytes < status.process_virtual_bytes
    world.until(lambda: loop.state is NodeState.IDLE)
    world.host("w").instances = [running("p")]
    first = status_when(world, lambda status: bool(status.instances))
    world.host("w").instances = [running("q")]
    second = status_when(world, lambda status: status.instances[0].physical_id == "q")
    assert 0.02 <= second.stamped_at_s - first.stamped_at_s < 0.9


def test_an_item_crosses_and_credits_come_back(world: World) -> None:
    world.start("a")
    world.start("b")
    world.until(lambda: all(loop.state is NodeState.IDLE for loop in world.workers.values()))
    plan = chain(world.node_id("a"), world.node_id("b"))
    payload = os.urandom(3_000_001)
    world.host("a").on_outgoing(world.node_id("b"), header(1), [payload], "lossless", plan.links[0])
    world.until(lambda: world.host("b").items)
    assert world.host("b").items == [(header(1), payload)]
    credit = header(1, type="credit")
    world.host("b").on_outgoing(world.node_id("a"), credit, [], "newest", plan.links[0])
    world.until(lambda: world.host("a").items)
    assert world.host("a").items == [(credit, b"")]
    links = status_when(world, lambda s: any(link.sent_items for link in s.links)).links
    assert links[0].sent_items == 1


def test_no_credit_is_replaced_by_a_newer_one(world: World) -> None:
    world.start("a")
    world.start("b")
    link = chain("a", "b").links[0]
    for sequence in range(5):
        world.host("b").on_outgoing(world.node_id("a"), header(sequence, type="credit"), [], "newest", link)
    world.until(lambda: len(world.host("a").items) == 5)
    assert [item["seq"] for item, _ in world.host("a").items] == list(range(5))


def test_a_receiver_that_is_lost_is_held_then_given_up_and_the_host_hears_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "HELD_S", 0.5)
    world.start("a")
    dead = world.start("b")
    world.start("c")
    world.until(lambda: all(loop.state is NodeState.IDLE for loop in world.workers.values()))
    batches = world.bus.reader(BY_NAME["hedgerow/telemetry"])
    plan = chain(world.node_id("a"), world.node_id("b"))
    body = msgspec.json.encode(plan).decode()
    world.answer(world.order("a", OrderKind.PREPARE, service_id="s", epoch=1, body=body))
    send, link = world.host("a").on_outgoing, plan.links[0]
    send(world.node_id("b"), header(1), [b"taken"], "lossless", link)
    world.until(lambda: world.host("b").items)
    # From here on it is frozen: what it had has no credit, what follows waits.
    send(world.node_id("b"), header(2), [bytes(4 << 20)], "lossless", link)
    send(world.node_id("c"), header(1, to="else"), [b"other"], "lossless", link)
    world.until(lambda: world.host("c").items, frozen=["b"])
    assert world.host("a").items == []
    del world.workers["b"]
    dead._bus.close()
    world.until(lambda: dead.identity.node_id not in world.workers["a"]._peers)
    send(dead.identity.node_id, header(3), [b"late"], "lossless", link)
    assert world.host("a").given_up == []
    world.until(lambda: world.host("a").given_up)
    assert world.host("a").given_up == [dead.identity.node_id]
    dropped: list[PacketRow] = []

    def told() -> bool:
        for received in batches.take():
            dropped.extend(row for row in received.sample.packets if row.event is TraceEvent.DROP)
        return len(dropped) >= wanted

    wanted = 1
    world.until(told)
    # A later start ends it for good: what the one before had begun to get never arrives.
    world.start("b", node_id=dead.identity.node_id)
    wanted = 2
    world.until(told)
    assert world.host("a").gone == [dead.identity.node_id]
    assert [(row.sequence_number, row.physical_id) for row in dropped] == [(3, "numbers-1"), (2, "numbers-1")]


def test_links_are_measured_per_receiver(world: World) -> None:
    world.start("a")
    world.start("b")
    world.until(lambda: len(world.workers["a"]._peers._starts) == 1)
    body = json.dumps({"workers": [world.node_id("b"), "nobody"]})
    answer = world.answer(world.order("a", OrderKind.MEASURE, body=body), 60)
    there, nobody = json.loads(answer.body)["links"]
    assert there["bandwidth_bytes_per_s"] > 1e6
    assert 0 < there["latency_s"] < 1
    assert there["reason"] == ""
    assert (nobody["bandwidth_bytes_per_s"], nobody["latency_s"]) == (None, None)
    assert "not there" in nobody["reason"]


def test_rows_are_numbered_without_gaps_and_wait_for_a_reader(world: World) -> None:
    loop = world.start("w", report_period_s=0.1, collect_period_s=0.1)
    world.until(lambda: loop.state is NodeState.IDLE)
    world.host("w").rows = [PacketRow(sequence_number=n, service_id="s") for n in range(1500)]
    world.until(lambda: not world.host("w").rows)
    batches = world.bus.reader(BY_NAME["hedgerow/telemetry"])
    seen: list[TelemetryBatch] = []

    def all_seen() -> bool:
        seen.extend(received.sample for received in batches.take())
        return sum(len(batch.packets) for batch in seen) == 1500 and any(batch.systems for batch in seen)

    world.until(all_seen)
    next_row = 1
    for number, batch in enumerate(seen, 1):
        assert (batch.batch, batch.first_row, batch.lost) == (number, next_row, 0)
        next_row += len(batch.systems) + len(batch.processes) + len(batch.packets)
    assert [row.sequence_number for batch in seen for row in batch.packets] == list(range(1500))


def test_it_says_goodbye(world: World) -> None:
    loop = world.start("w")
    world.until(lambda: loop.state is NodeState.IDLE)
    loop.leave()
    loop.close()
    ends = [received.kind for received in world.infos.take()]
    assert ends[-1] is Kind.DISPOSED
    assert world.host("w").is_closed
    del world.workers["w"]
