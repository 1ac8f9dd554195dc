"""Both buses behave alike: the same tests run on Cyclone DDS and in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from hedgerow_idl import Command, Event, NodeState, NodeStatus, UserInput
from hedgerow_idl.topics import BY_NAME, RING_DEPTH
from hedgerow_nodes.core import cyclone_bus
from hedgerow_nodes.core.bus import Bus, Kind, Reader
from hedgerow_nodes.core.cyclone_bus import CycloneBus

STATUS = BY_NAME["hedgerow/node_status"]
EVENT = BY_NAME["hedgerow/event"]
COMMAND = BY_NAME["hedgerow/command"]
USER_INPUT = BY_NAME["hedgerow/user_input"]

NewBus = Callable[[], Bus]


def arrivals(bus: Bus, reader: Reader[object], count: int, timeout_s: float = 5.0) -> list[tuple[Kind, object]]:
    got: list[tuple[Kind, object]] = []
    give_up = time.monotonic() + timeout_s
    while len(got) < count and time.monotonic() < give_up:
        bus.wait(0.1)
        got += [(each.kind, each.sample) for each in reader.take()]
    return got


def matched(writer: object, timeout_s: float = 5.0) -> None:
    give_up = time.monotonic() + timeout_s
    while not writer.matched():  # type: ignore[attr-defined]
        assert time.monotonic() < give_up, "never matched"
        threading.Event().wait(0.01)


def test_samples_arrive_in_order_and_equal(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = ours.reader(EVENT), theirs.writer(EVENT)
    sent = [Event(event_id=i, kind=f"kind {i}", body="ä" * i) for i in range(1, 101)]
    for event in sent:
        writer.write(event)
    theirs.flush()
    assert arrivals(ours, reader, 100) == [(Kind.DATA, event) for event in sent]


def test_late_joiner_gets_the_newest_status_of_each_node(new_bus: NewBus) -> None:
    theirs = new_bus()
    writer = theirs.writer(STATUS)
    for state in (NodeState.INITIALIZING, NodeState.IDLE):
        for node_id in ("a", "b"):
            writer.write(NodeStatus(node_id=node_id, state=state))
    theirs.flush()
    ours = new_bus()
    got = arrivals(ours, ours.reader(STATUS), 2)
    assert sorted((s.node_id, s.state) for _, s in got) == [("a", NodeState.IDLE), ("b", NodeState.IDLE)]  # type: ignore[attr-defined]


def test_late_joiner_gets_the_ring_and_no_more(new_bus: NewBus) -> None:
    theirs = new_bus()
    writer = theirs.writer(USER_INPUT)
    for i in range(RING_DEPTH + 10):
        writer.write(UserInput(text=str(i)))
    theirs.flush()
    ours = new_bus()
    got = arrivals(ours, ours.reader(USER_INPUT), RING_DEPTH)
    assert [s.text for _, s in got] == [str(i) for i in range(10, RING_DEPTH + 10)]  # type: ignore[attr-defined]


def test_commands_reach_their_partition_only(new_bus: NewBus) -> None:
    ours, other, theirs = new_bus(), new_bus(), new_bus()
    reader, stranger = ours.reader(COMMAND, "me"), other.reader(COMMAND, "somebody-else")
    writer = theirs.writer(COMMAND, "me")
    matched(writer)
    writer.write(Command(command_id="1"))
    theirs.flush()
    assert [s.command_id for _, s in arrivals(ours, reader, 1)] == ["1"]  # type: ignore[attr-defined]
    assert arrivals(other, stranger, 1, timeout_s=0.3) == []


def test_commands_are_not_kept_for_late_joiners(new_bus: NewBus) -> None:
    theirs = new_bus()
    writer = theirs.writer(COMMAND, "me")
    writer.write(Command(command_id="too early"))
    theirs.flush()
    ours = new_bus()
    reader = ours.reader(COMMAND, "me")
    matched(writer)
    writer.write(Command(command_id="in time"))
    theirs.flush()
    assert [s.command_id for _, s in arrivals(ours, reader, 1)] == ["in time"]  # type: ignore[attr-defined]


def test_goodbye_reads_as_disposed_and_an_end_without_it_as_lost(new_bus: NewBus) -> None:
    ours, polite, rude = new_bus(), new_bus(), new_bus()
    reader = ours.reader(STATUS)
    goodbye, none = polite.writer(STATUS), rude.writer(STATUS)
    goodbye.write(NodeStatus(node_id="polite"))
    none.write(NodeStatus(node_id="rude"))
    polite.flush()
    rude.flush()
    assert len(arrivals(ours, reader, 2)) == 2
    goodbye.dispose(NodeStatus(node_id="polite"))
    polite.flush()
    assert [(k, s.node_id) for k, s in arrivals(ours, reader, 1)] == [(Kind.DISPOSED, "polite")]  # type: ignore[attr-defined]
    rude.close()
    assert [(k, s.node_id) for k, s in arrivals(ours, reader, 1)] == [(Kind.LOST, "rude")]  # type: ignore[attr-defined]


def test_an_end_is_seen_although_the_last_sample_was_not_taken_before(new_bus: NewBus) -> None:
    ours, polite, rude, other = new_bus(), new_bus(), new_bus(), new_bus()
    reader, marks = ours.reader(STATUS), ours.reader(EVENT)
    mark = other.writer(EVENT)
    for bus, node_id in ((polite, "polite"), (rude, "rude")):
        writer = bus.writer(STATUS)
        writer.write(NodeStatus(node_id=node_id, detail="last words"))
        bus.flush()
        if node_id == "polite":
            writer.dispose(NodeStatus(node_id=node_id))
        bus.close()
    mark.write(Event(kind="all said"))
    other.flush()
    assert arrivals(ours, marks, 1)
    got = sorted(((s.node_id, k.value) for k, s in arrivals(ours, reader, 4)), key=str)  # type: ignore[attr-defined]
    assert got == [
        ("polite", Kind.DATA.value),
        ("polite", Kind.DISPOSED.value),
        ("rude", Kind.DATA.value),
        ("rude", Kind.LOST.value),
    ]


def test_a_reader_does_not_hear_its_own_bus(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader = ours.reader(EVENT)
    ours.writer(EVENT).write(Event(kind="ours"))
    theirs.writer(EVENT).write(Event(kind="theirs"))
    ours.flush()
    theirs.flush()
    assert [s.kind for _, s in arrivals(ours, reader, 2, timeout_s=0.5)] == ["theirs"]  # type: ignore[attr-defined]


def test_malformed_samples_are_counted_and_left_out(new_bus: NewBus, caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = ours.reader(EVENT), theirs.writer(EVENT)
    good = Event(kind="good")
    no_text = writer.codec.encode(good).replace(b"good", b"\xff\xfe\xff\xfe")  # well-formed CDR, but not UTF-8
    for cdr in (no_text, no_text, writer.codec.encode(good)):
        writer.write_raw(cdr)
    theirs.flush()
    assert arrivals(ours, reader, 1) == [(Kind.DATA, good)]
    assert reader.malformed == 2
    assert len([r for r in caplog.records if "malformed" in r.message]) == 1


def test_wake_ends_a_wait_from_another_thread(new_bus: NewBus) -> None:
    bus = new_bus()
    threading.Timer(0.05, bus.wake).start()
    began = time.monotonic()
    bus.wait(10.0)
    assert time.monotonic() - began < 5.0


def test_a_closed_writer_keeps_nothing_for_late_joiners(new_bus: NewBus) -> None:
    theirs = new_bus()
    writer = theirs.writer(EVENT)
    writer.write(Event(kind="gone"))
    theirs.flush()
    writer.close()
    ours = new_bus()
    assert arrivals(ours, ours.reader(EVENT), 1, timeout_s=0.3) == []


def test_wake_ends_one_wait_and_no_more(new_bus: NewBus) -> None:
    bus = new_bus()
    wakes = [bus.wake]
    if isinstance(bus, CycloneBus):
        wakes.append(bus._wake_library)
    for wake in wakes:
        wake()
        began = time.monotonic()
        bus.wait(10.0)
        assert time.monotonic() - began < 5.0
        began = time.monotonic()
        bus.wait(0.1)
        assert time.monotonic() - began > 0.09


def test_a_wait_for_one_topic_sleeps_through_what_arrives_on_others(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    events, statuses = ours.reader(EVENT), ours.reader(STATUS)
    event, status = theirs.writer(EVENT), theirs.writer(STATUS)
    event.write(Event(kind="elsewhere"))
    theirs.flush()
    ours.wait(5.0)
    began = time.monotonic()
    statuses.wait(0.1)
    assert time.monotonic() - began > 0.09
    status.write(NodeStatus(node_id="here"))
    theirs.flush()
    statuses.wait(5.0)
    assert [received.sample.node_id for received in statuses.take()] == ["here"]
    assert [received.sample.kind for received in events.take()] == ["elsewhere"]


def test_a_wait_tells_where_something_has_arrived(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    events, statuses = ours.reader(EVENT), ours.reader(STATUS)
    event, status = theirs.writer(EVENT), theirs.writer(STATUS)
    assert list(ours.wait(0.01)) == []
    event.write(Event(kind="one"))
    theirs.flush()
    assert list(ours.wait(5.0)) == [events]
    assert list(ours.wait(0.0, awake_s=5.0)) == [events]
    status.write(NodeStatus(node_id="two"))
    theirs.flush()
    statuses.wait(5.0)
    assert set(ours.wait(5.0)) == {events, statuses}
    statuses.take()
    assert list(ours.wait(5.0)) == [events]
    events.take()
    ours.wake()
    assert list(ours.wait(5.0)) == []


def test_a_wait_for_some_readers_is_ended_by_them_and_by_wake(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    events, statuses = ours.reader(EVENT), ours.reader(STATUS)
    event, status = theirs.writer(EVENT), theirs.writer(STATUS)
    event.write(Event(kind="elsewhere"))
    theirs.flush()
    events.wait(5.0)
    began = time.monotonic()
    assert list(ours.wait(0.1, only=[statuses])) == []
    assert time.monotonic() - began > 0.09
    ours.wake()
    assert list(ours.wait(5.0, only=[statuses])) == []
    status.write(NodeStatus(node_id="here"))
    theirs.flush()
    assert list(ours.wait(5.0, only=[statuses])) == [statuses]
    assert time.monotonic() - began < 5.0
    assert set(ours.wait(5.0)) == {events, statuses}


def test_a_sample_in_parts_arrives_whole_and_can_be_looked_at_where_it_lies(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = ours.reader(EVENT), theirs.writer(EVENT)
    encoded = writer.codec.encode(Event(kind="in parts", body="ä" * 100))
    for _ in range(40):
        writer.write_parts([encoded[:4], b"", memoryview(encoded)[4:50], bytearray(encoded[50:])])
    theirs.flush()
    seen: list[bytes] = []
    give_up = time.monotonic() + 5.0
    while len(seen) < 40 and time.monotonic() < give_up:
        ours.wait(0.1)
        reader.take_views(lambda view: seen.append(bytes(view)))
    assert seen == [encoded] * 40


def test_an_error_while_looking_at_a_sample_leaves_the_reader_usable(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = ours.reader(EVENT), theirs.writer(EVENT)

    def refuse(view: memoryview) -> None:
        raise ValueError("not this one")

    for kind in ("first", "second"):
        writer.write(Event(kind=kind))
        theirs.flush()
        ours.wait(5.0)
        if kind == "first":
            with pytest.raises(ValueError, match="not this one"):
                reader.take_views(refuse)
    assert [received.sample.kind for received in reader.take()] == ["second"]


def test_bytes_that_are_no_sample_are_not_written(new_bus: NewBus) -> None:
    bus = new_bus()
    if isinstance(bus, CycloneBus):
        with pytest.raises(Exception, match="writing to hedgerow/event"):
            bus.writer(EVENT).write_parts([b"\0\1\0\0", b"\xff" * 12])


def test_a_malformed_last_sample_of_an_instance_is_counted_and_ends_nobody(
    new_bus: NewBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = new_bus()
    if isinstance(bus, CycloneBus):
        reader = bus.reader(STATUS)
        info = SimpleNamespace(valid_data=True, instance_state=64)
        monkeypatch.setattr(cyclone_bus, "ddspy_take", lambda *_: [(b"\0\1\0\0\xff", info)])
        assert reader.take() == []
        assert reader.malformed == 1
