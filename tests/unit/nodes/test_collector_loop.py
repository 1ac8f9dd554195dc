"""The collector on a bus in memory: what it says, what it does at each command, and that restarts cost no row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from telemetry_batches import KeepingStore, a_batch

from hedgerow_idl import AnswerCode, Command, CommandAnswer, CommandKind, NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.collecting.configuration import CollectorConfiguration
from hedgerow_nodes.collecting.loop import CollectorLoop
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.memory_bus import MemoryNetwork


class World:
    """A worker, an orchestrator's part that a test lets answer, and the collector."""

    def __init__(self) -> None:
        self.clock_s = 1000.0
        self.network = MemoryNetwork()
        bus = self.network.bus()
        self.identity = Identity.fresh("collector")
        self.telemetry = bus.writer(BY_NAME["hedgerow/telemetry"])
        self.commands = bus.writer(BY_NAME["hedgerow/command"], partition=self.identity.node_id)
        self.command_answers = bus.reader(BY_NAME["hedgerow/command_answer"])
        self.infos = bus.reader(BY_NAME["hedgerow/node_info"])
        self.statuses = bus.reader(BY_NAME["hedgerow/node_status"])
        self.requests = bus.reader(BY_NAME["hedgerow/request"])
        self.bus = bus
        self.store = KeepingStore()
        self.there = True
        self.start()

    def start(self) -> None:
        settings = CollectorConfiguration(report_period_s=0.1)
        self.loop = CollectorLoop(
            self.network.bus(), self.identity, settings, lambda: self.clock_s, lambda: self.clock_s
        )

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock_s += 0.3
            self.loop.step(0.0)
            for received in self.requests.take():
                if self.there:
                    reply = self.store.answer(received.sample)
                    self.bus.writer(BY_NAME["hedgerow/reply"], partition=received.sample.client_id).write(reply)

    def until(self, seen: Callable[[], Any]) -> Any:
        for _ in range(100):
            self.turn()
            if found := seen():
                return found
        raise AssertionError(f"not seen in 100 turns; last status: {self.status()}")

    def status(self) -> NodeStatus:
        self.turn(2)
        status: NodeStatus = self.statuses.take()[-1].sample
        return status

    def order(self, kind: CommandKind, **fields: Any) -> CommandAnswer:
        command = Command(kind=kind, node_id=self.identity.node_id, command_id=f"{kind.name}-{self.clock_s}", **fields)
        self.commands.write(command)
        answer: CommandAnswer = self.until(self.command_answers.take)[0].sample
        return answer

    def rows(self, source: str = "s") -> list[int]:
        assert all(count == 1 for count in self.store.rows.values())
        return sorted(number for name, number in self.store.rows if name == source)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.loop.close()


def test_it_says_what_it_is(world: World) -> None:
    info: NodeInfo = world.infos.take()[0].sample
    assert (info.kind, info.output_topic, list(info.inputs)) == ("collector", "", [])
    assert json.loads(info.configuration)["report_period_s"] == 0.1
    assert "held_bytes" in info.configuration_schema
    status = world.status()
    assert (status.state, status.detail) == (NodeState.IDLE, "0 rows held, 0 rows stored")


def test_rows_are_stored_and_counted(world: World) -> None:
    for first in (1, 11, 21):
        world.telemetry.write(a_batch("s", first, 10))
    world.until(lambda: world.rows() == list(range(1, 31)))
    status = world.status()
    assert (status.completed, status.queued, status.error) == (30, 0, "")


def test_while_nobody_answers_rows_are_held_and_that_is_said(world: World) -> None:
    world.there = False
    world.telemetry.write(a_batch("s", 1, 10, lost=4))
    world.turn(10)
    status = world.status()
    assert (status.queued, status.error) == (10, "the orchestrator does not answer; rows are held")
    assert status.detail == "10 rows held, 0 rows stored, 4 rows lost by sources"
    world.there = True
    world.until(lambda: world.rows() == list(range(1, 11)))
    assert world.status().error == ""


def test_a_new_start_gets_what_the_last_one_held(world: World) -> None:
    world.telemetry.write(a_batch("s", 1, 10))
    world.until(lambda: len(world.rows()) == 10)
    world.there = False
    world.telemetry.write(a_batch("s", 11, 10))
    world.turn(5)
    world.loop.close()
    world.telemetry.write(a_batch("s", 21, 10))
    world.there = True
    world.start()
    world.until(lambda: world.rows() == list(range(1, 31)))


def test_stop_holds_and_start_goes_on(world: World) -> None:
    answer = world.order(CommandKind.STOP)
    assert (answer.code, answer.state, answer.incarnation) == (
        AnswerCode.ACCEPTED,
        NodeState.INITIALIZING,
        world.identity.incarnation,
    )
    world.telemetry.write(a_batch("s", 1, 10))
    world.turn(10)
    assert world.rows() == []
    assert world.status().detail == "stopped; START brings it back; 10 rows held, 0 rows stored"
    assert world.order(CommandKind.START).state is NodeState.IDLE
    world.until(lambda: len(world.rows()) == 10)
    assert world.order(CommandKind.RESET).state is NodeState.IDLE


def test_it_is_configured_while_it_runs(world: World) -> None:
    world.infos.take()
    answer = world.order(CommandKind.CONFIGURE, body='{"held_bytes": 100000}')
    assert json.loads(answer.body)["held_bytes"] == 100000
    assert world.loop.buffer.limit_bytes == 100000
    assert json.loads(world.infos.take()[0].sample.configuration)["held_bytes"] == 100000
    answer = world.order(CommandKind.CONFIGURE, body='{"held_bytes": 1}')
    assert (answer.code, "held_bytes" in answer.reason) == (AnswerCode.REFUSED, True)


def test_it_takes_no_task_and_no_order_for_another_start(world: World) -> None:
    assert world.order(CommandKind.RUN).code is AnswerCode.REFUSED
    world.commands.write(Command(kind=CommandKind.TERMINATE, node_id=world.identity.node_id, incarnation=5))
    world.turn(3)
    assert not world.loop.left


def test_it_leaves_cleanly(world: World) -> None:
    assert world.order(CommandKind.TERMINATE).state is NodeState.TERMINATING
    world.statuses.take()
    world.loop.close()
    assert [received.kind for received in world.statuses.take()] == [Kind.DISPOSED]
    world.start()
    world.loop.ask_to_leave()
    world.loop.run()
    assert world.loop.left


def test_a_post_is_done_when_it_is_stored(world: World) -> None:
    world.there = False
    future = world.loop.post(a_batch("post", 1, 2))
    world.turn(5)
    assert not future.done()
    world.there = True
    world.until(future.done)
    assert world.rows("post") == [1, 2]
    bad = a_batch("post", 3, 1)
    bad.packets[0].port_name = "a\0b"
    broken = world.loop.post(bad)
    world.until(broken.done)
    assert "zero byte" in str(broken.exception())
