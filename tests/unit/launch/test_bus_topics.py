"""Listing, following and measuring topics, on a bus in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from cyclonedds.idl import IdlStruct

from hedgerow_idl import Event, Header, NodeInfo, NodeStatus, TaskId
from hedgerow_idl.schema import describe
from hedgerow_idl.topics import BY_NAME, TOPICS, topic_of
from hedgerow_launch.bus_topics import Announced, follow, measure
from hedgerow_launch.failures import CommandFailure
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.memory_bus import MemoryNetwork

EVENT = topic_of(Event)
PATIENCE_S = 10.0


@pytest.fixture
def network() -> MemoryNetwork:
    return MemoryNetwork()


@pytest.fixture
def author(network: MemoryNetwork) -> Iterator[Bus]:
    with network.bus() as bus:
        yield bus


def write_events(author: Bus, *numbers: int) -> None:
    writer = author.writer(EVENT)
    for number in numbers:
        writer.write(Event(event_id=number, kind="task.running", task=TaskId(problem_id=3, iteration_id=1)))


def announce(author: Bus, name: str, topic: str, wire_type: type[IdlStruct]) -> None:
    sample = NodeInfo(node_id=name, name=name, output_topic=topic, output_schema=describe(wire_type))
    author.writer(topic_of(NodeInfo)).write(sample)


def test_the_list_is_the_table_and_who_is_there(network: MemoryNetwork, author: Bus) -> None:
    announce(author, "mine", "hedgerow/hw_resources", BY_NAME["hedgerow/hw_resources"].type)
    announced = Announced(network.bus())
    announced.listen(0.2)
    rows = {row["name"]: row for row in announced.rows()}
    assert list(rows) == [topic.name for topic in TOPICS]
    assert rows["hedgerow/hw_resources"]["announced_by"] == ["mine"]
    assert rows["hedgerow/event"]["announced_by"] == []
    assert rows["hedgerow/event"]["profile"] == "ring"
    assert rows["hedgerow/event"]["type"] == "hedgerow.control.Event"


def test_a_topic_that_only_its_author_knows_is_found(network: MemoryNetwork, author: Bus) -> None:
    announce(author, "gardener", "garden/Colour", Header)
    announced = Announced(network.bus())
    topic = announced.find("garden/Colour", PATIENCE_S)
    assert (topic.name, topic.type.__idl_typename__) == ("garden/Colour", "hedgerow.Header")
    assert announced.rows()[-1]["announced_by"] == ["gardener"]


def test_an_unknown_topic_names_the_known_ones(network: MemoryNetwork, author: Bus) -> None:
    announce(author, "gardener", "garden/Colour", Header)
    with pytest.raises(CommandFailure, match=r"topic 'garden/Color' unknown; known: .*hedgerow/event.*garden/Colour"):
        Announced(network.bus()).find("garden/Color", 0.2)


def test_an_unreadable_schema_names_its_node(network: MemoryNetwork, author: Bus) -> None:
    author.writer(topic_of(NodeInfo)).write(NodeInfo(node_id="x", name="x", output_topic="a/B", output_schema="{"))
    with pytest.raises(CommandFailure, match="node 'x' announces 'a/B' unreadably"):
        Announced(network.bus()).find("a/B", PATIENCE_S)


def test_follow_gives_new_samples_and_ends_after_the_count(network: MemoryNetwork, author: Bus) -> None:
    write_events(author, 1, 2)
    samples = follow(network.bus(), EVENT, count=3, timeout_s=PATIENCE_S)
    later = threading.Thread(target=lambda: _when_somebody_reads(network, author))
    later.start()
    got = list(samples)
    later.join()
    assert [sample["event_id"] for sample in got] == [3, 4, 5]
    assert got[0]["task"] == {"problem_id": 3, "iteration_id": 1}
    assert got[0]["at_s"] is None


def _when_somebody_reads(network: MemoryNetwork, author: Bus) -> None:
    writer = author.writer(EVENT)
    while not writer.matched():
        author.wait(0.001)
    write_events(author, 3, 4, 5, 6)


def test_history_begins_with_what_was_written_before(network: MemoryNetwork, author: Bus) -> None:
    write_events(author, 1, 2)
    got = follow(network.bus(), EVENT, history=True, count=2, timeout_s=PATIENCE_S)
    assert [sample["event_id"] for sample in got] == [1, 2]


def test_states_are_shown_as_they_are_now(network: MemoryNetwork, author: Bus) -> None:
    author.writer(topic_of(NodeStatus)).write(NodeStatus(node_id="n", completed=7))
    (sample,) = follow(network.bus(), topic_of(NodeStatus), count=1, timeout_s=PATIENCE_S)
    assert (sample["node_id"], sample["completed"], sample["state"]) == ("n", 7, "INITIALIZING")


def test_silence_ends_it(network: MemoryNetwork) -> None:
    assert list(follow(network.bus(), EVENT, timeout_s=0.0)) == []


def test_the_rate_counts_only_what_is_written_meanwhile(network: MemoryNetwork, author: Bus) -> None:
    write_events(author, *range(100))
    bus = network.bus()
    later = threading.Thread(target=lambda: _when_somebody_reads(network, author))
    later.start()
    rate = measure(bus, EVENT, 0.5)
    later.join()
    assert rate.samples == 4
    assert rate.seconds >= 0.5
    assert rate.hz == pytest.approx(4 / rate.seconds)
