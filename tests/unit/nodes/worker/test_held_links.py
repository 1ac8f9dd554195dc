"""A worker that the bus loses and that comes back: its links go on where they were, whatever got lost in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_world import World, chain, header

from hedgerow_idl import NodeState
from hedgerow_idl.serve import WorkerInfo, WorkerStatus
from hedgerow_nodes.core.bus import Kind, Received
from hedgerow_nodes.core.memory_bus import MemoryNetwork, MemoryReader
from hedgerow_nodes.worker_side.data_plane import STALL_S, DataPlane
from hedgerow_nodes.worker_side.item_chunks import CHUNK_BYTES
from hedgerow_nodes.worker_side.item_stream import Outgoing
from hedgerow_nodes.worker_side.peers import HELD_S, Change, Peers, What


class Ends:
    """Two workers' ends, over a bus that a test may cut in either direction."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.clock_s = 0.0
        self.arrived: list[int] = []
        self.delivered: list[int] = []
        self.dropped: list[int] = []
        self.planes = {name: self._plane(name) for name in ("one", "two")}

    def _plane(self, name: str) -> DataPlane:
        return DataPlane(
            self.network.bus(),
            name,
            lambda item: self.arrived.append(item.header["n"]),
            lambda _to, one: self.delivered.append(one.item.header["n"]),
            lambda _to, items, _why: self.dropped.extend(one.header["n"] for one in items),
            lambda: self.clock_s,
        )

    def lose(self, *names: str) -> None:
        """What is on its way to these never arrives."""
        for reader in self.network.readers:
            if isinstance(reader, MemoryReader) and reader.partition in names:
                reader.take_raw()

    def round(self, lost: Sequence[str] = (), seconds: float = 0.06) -> None:
        self.clock_s += seconds
        for name in ("one", "two"):
            self.lose(*lost)
            self.planes[name].step()

    def send(self, numbers: Sequence[int], size: int = 10) -> None:
        for number in numbers:
            self.planes["one"].send("two", Outgoing({"n": number, "type": "record"}, [bytes(size)]))


@given(
    st.lists(st.sampled_from(["", "one", "two", "both"]), max_size=12),
    st.lists(st.sampled_from(["", "one", "two"]), max_size=12),
    st.sampled_from([10, CHUNK_BYTES, 3 * CHUNK_BYTES + 1]),
)
def test_every_item_arrives_once_whatever_is_lost_while_one_of_them_is_gone(
    cuts: list[str], told: list[str], size: int
) -> None:
    ends = Ends()
    ends.send(range(3), size)
    for number, cut in enumerate(cuts):
        ends.send([3 + number], size)
        what = told[number] if number < len(told) else ""
        if what:  # one of the two may notice, or both in turn, or none
            other = "two" if what == "one" else "one"
            ends.planes[what].missing(other)
        ends.round({"both": ("one", "two"), "": ()}.get(cut, (cut,)))
        if what:
            ends.planes[what].back(other)
    for _ in range(200):
        ends.round()
    count = 3 + len(cuts)
    assert ends.arrived == list(range(count))
    assert sorted(ends.delivered) == list(range(count))
    assert ends.dropped == []


def test_one_that_noticed_nothing_asks_after_a_while() -> None:
    ends = Ends()
    ends.send([0])
    for _ in range(5):
        ends.round()
    ends.send([1, 2])
    ends.round(["two"])  # the receiver had lost the sender, which does not know
    for _ in range(3):
        ends.round()
    assert ends.arrived == [0]
    assert ends.planes["one"].next_due_at_s <= ends.clock_s + STALL_S
    ends.clock_s += STALL_S
    for _ in range(5):
        ends.round()
    assert ends.arrived == ends.delivered == [0, 1, 2]


def test_nothing_is_sent_while_it_is_missing_and_credits_are_never_given_up() -> None:
    ends = Ends()
    ends.send([0])
    for _ in range(5):
        ends.round()
    one = ends.planes["one"]
    one.missing("two")
    ends.send([1])
    one.send("two", Outgoing({"n": 2, "type": "credit"}, []))
    for _ in range(30):
        ends.round()
    assert ends.arrived == [0]
    assert one.next_due_at_s > ends.clock_s + 0.2
    one.gave_up("two", "missing for long")
    assert ends.dropped == [1]
    one.back("two")
    for _ in range(5):
        ends.round()
    assert ends.arrived == [0, 2]


def test_a_later_start_gets_nothing_of_what_was_for_the_one_before() -> None:
    ends = Ends()
    ends.send([0])
    for _ in range(5):
        ends.round()
    one = ends.planes["one"]
    one.missing("two")
    ends.send([1])
    ends.round()
    one.gone("two", "the worker has started anew")
    one.came("two")
    ends.planes["two"].gone("one", "so that it knows nothing, as a new process does")
    ends.send([2])
    for _ in range(5):
        ends.round()
    assert (ends.dropped, ends.arrived) == ([1], [0, 2])


def seen(kind: Kind, incarnation: int, sample: Any = WorkerInfo) -> Received[Any]:
    return Received(kind, sample(node_id="w", incarnation=incarnation), b"")


def test_the_same_start_comes_back_and_a_later_one_ends_it() -> None:
    peers = Peers()
    assert peers.see([seen(Kind.DATA, 5)], 0.0) == [Change("w", 5, What.CAME)]
    assert "w" in peers
    (missing,) = peers.see([seen(Kind.LOST, 5, WorkerStatus), seen(Kind.LOST, 5)], 1.0)
    assert (missing.what, "w" in peers, peers.misses_any) == (What.MISSING, False, True)
    assert peers.see([seen(Kind.DATA, 5, WorkerStatus)], 2.0) == [Change("w", 5, What.BACK)]
    assert peers.next_due_at_s == math.inf
    peers.see([seen(Kind.LOST, 5)], 3.0)
    assert peers.overdue(3.0 + HELD_S - 0.1) == []
    assert [change.what for change in peers.overdue(3.0 + HELD_S)] == [What.GIVEN_UP]
    assert peers.overdue(100.0) == []
    assert peers.see([seen(Kind.DATA, 5)], 200.0) == [Change("w", 5, What.BACK)]
    over, came = peers.see([seen(Kind.DATA, 6)], 201.0)
    assert (over.incarnation, over.what, came.incarnation, came.what) == (5, What.OVER, 6, What.CAME)
    assert peers.see([seen(Kind.DATA, 5), seen(Kind.LOST, 5)], 202.0) == []
    assert [change.what for change in peers.see([seen(Kind.DISPOSED, 6)], 203.0)] == [What.OVER]
    assert peers.see([seen(Kind.DATA, 6, WorkerStatus)], 204.0) == []


@pytest.mark.parametrize("losers", [("a",), ("b",), ("a", "b")])
def test_workers_that_lose_each_other_for_a_moment_go_on_with_the_item_in_hand(
    world: World, losers: Sequence[str]
) -> None:
    world.start("a")
    world.start("b")
    world.until(lambda: all(loop.state is NodeState.IDLE for loop in world.workers.values()))
    send, link = world.host("a").on_outgoing, chain(world.node_id("a"), world.node_id("b")).links[0]
    send(world.node_id("b"), header(1), [b"first"], "lossless", link)
    world.until(lambda: world.host("b").items)
    for loser in losers:
        world.lose("b" if loser == "a" else "a", by=loser)
    send(world.node_id("b"), header(2), [bytes(1 << 20)], "lossless", link)
    if "a" in losers:
        world.until(lambda: world.node_id("b") not in world.workers["a"]._peers, frozen=["b"])
    # Its next status, and no announcement, says that it is there.
    world.until(lambda: len(world.host("b").items) == 2)
    assert [item["seq"] for item, _ in world.host("b").items] == [1, 2]
    world.until(lambda: all(world.host(loser).back for loser in losers))
    assert [host.gone + host.given_up for host in (world.host("a"), world.host("b"))] == [[], []]
