"""Items between workers on the bus: a stream and a window for each receiver, so that a frozen one delays no other."""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hedgerow_idl.serve import ItemChunk, ItemCredit, ItemKind
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus, Writer
from hedgerow_nodes.worker_side.item_assembly import Arrived
from hedgerow_nodes.worker_side.item_chunks import encoded
from hedgerow_nodes.worker_side.item_inlet import Inlet, hello_header
from hedgerow_nodes.worker_side.item_stream import Delivered, ItemStream, Outgoing, SentChunk

HELLO_EVERY_S, HELLOS, LATER_HELLO_EVERY_S = 0.05, 20, 1.0
"""A volatile sample to a reader that is being discovered may get lost: nothing is sent before a hello was answered.
After so many without an answer it is said less often."""

STALL_S = 1.0
"""After so long without a credit the sender asks how far the receiver is: the bus may have lost one for the other, so
that chunks went nowhere, and only one of the two need have noticed."""

WHOLE = ("credit", "gap")
"""Types of items by which others go on; they are never given up for a receiver that may come back."""


@dataclass(eq=False)
class _Receiver:
    chunks: Writer[ItemChunk]
    stream: ItemStream = field(default_factory=ItemStream)
    stream_id: int = field(default_factory=lambda: secrets.randbits(63))
    goes_on_from: int = 0
    is_open: bool = False
    hellos: int = 0
    hello_at_s: float = -math.inf
    moved_at_s: float = -math.inf

    @property
    def next_hello_at_s(self) -> float:
        return self.hello_at_s + (HELLO_EVERY_S if self.hellos < HELLOS else LATER_HELLO_EVERY_S)

    def begin_again(self) -> None:
        """Ask how far the receiver is, under another id: only an answer to this question has it."""
        if self.is_open:
            self.goes_on_from, self.stream_id = self.stream_id, secrets.randbits(63)
            self.is_open = False
        self.hellos, self.hello_at_s = 0, -math.inf


class DataPlane:
    """One worker's end of all links to others.

    `send` may be called in any thread; everything else belongs to the loop. What was sent to a worker that the bus has
    lost, and not taken, waits: if the same start comes back, it goes on exactly where it was.

    Args:
        bus: the worker's place on the bus.
        node_id: who it is.
        on_arrived: called in the loop with every whole item, probes left out.
        on_delivered: called in the loop when a receiver has an item whole.
        on_dropped: called with the receiver, items that will never arrive, and why.
        clock: the monotonic clock.
    """

    def __init__(
        self,
        bus: Bus,
        node_id: str,
        on_arrived: Callable[[Arrived], None],
        on_delivered: Callable[[str, Delivered], None],
        on_dropped: Callable[[str, list[Outgoing], str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._node_id = node_id
        self._on_delivered = on_delivered
        self._on_dropped = on_dropped
        self._clock = clock
        self._inlet = Inlet(bus, node_id, on_arrived, clock)
        self._credits = bus.reader(BY_NAME["hedgerow/item_credit"], partition=node_id)
        self._lock = threading.Lock()
        self._queued: list[tuple[str, Outgoing]] = []
        self._receivers: dict[str, _Receiver] = {}
        self._missing: set[str] = set()
        self._dead: set[str] = set()

    @property
    def malformed(self) -> int:
        """Chunks and credits left out because they are none, or contradict themselves."""
        return self._inlet.malformed + self._credits.malformed

    def send(self, to_node_id: str, item: Outgoing) -> None:
        """Hand an item over; the loop has to be woken by the caller."""
        with self._lock:
            self._queued.append((to_node_id, item))

    def step(self) -> None:
        """Take what has come, say how far, and send what may go; never waits."""
        self._inlet.step()
        for received in self._credits.take():
            self._on_credit(received.sample)
        self._queue_up()
        for to_node_id, receiver in self._receivers.items():
            if to_node_id not in self._missing:
                self._pump(receiver)

    @property
    def next_due_at_s(self) -> float:
        """When `step` has something to do even if nothing arrives."""
        there = [receiver for node_id, receiver in self._receivers.items() if node_id not in self._missing]
        hellos = (receiver.next_hello_at_s for receiver in there if not receiver.is_open)
        stalls = (receiver.moved_at_s + STALL_S for receiver in there if receiver.is_open and receiver.stream.waits)
        return min(self._inlet.next_due_at_s, *hellos, *stalls, math.inf)

    def open_to(self, node_ids: Iterable[str]) -> None:
        """Say hello to workers that items will go to, so that the first item need not wait for their answer."""
        for node_id in node_ids:
            if node_id not in self._dead:
                self._receiver(node_id)

    def came(self, node_id: str) -> None:
        """A worker is there, for the first time or with a new start."""
        self._dead.discard(node_id)

    def missing(self, node_id: str) -> None:
        """The bus has lost a worker: what is for it waits."""
        self._missing.add(node_id)

    def back(self, node_id: str) -> None:
        """The same start is heard again: what was under way may have got lost, and goes again where it did."""
        self._missing.discard(node_id)
        receiver = self._receivers.get(node_id)
        if receiver is not None:
            receiver.begin_again()

    def gave_up(self, node_id: str, why: str) -> None:
        """A worker is missing for long: what waits for it is dropped, but for that by which it could go on one day."""
        self.drop(lambda item: item.kind is not ItemKind.END and item.header.get("type") not in WHOLE, why, node_id)

    def gone(self, node_id: str, why: str) -> None:
        """A start of a worker is over: what it has not taken never arrives, and what it began to send neither."""
        self._queue_up()
        self._missing.discard(node_id)
        self._dead.add(node_id)
        receiver = self._receivers.pop(node_id, None)
        dropped = [] if receiver is None else receiver.stream.give_up()
        if receiver is not None:
            receiver.chunks.close()
        if dropped:
            self._on_dropped(node_id, dropped, why)
        self._inlet.gone(node_id)

    def drop(self, unwanted: Callable[[Outgoing], bool], why: str, to: str = "") -> None:
        """Give up what waits and is unwanted, as items of an epoch that has ended; `to` one receiver or all."""
        self._queue_up()
        for to_node_id, receiver in self._receivers.items():
            dropped = receiver.stream.drop(unwanted) if to in ("", to_node_id) else []
            if dropped:
                self._on_dropped(to_node_id, dropped, why)

    def _queue_up(self) -> None:
        with self._lock:
            queued, self._queued = self._queued, []
        for to_node_id, item in queued:
            if to_node_id in self._dead:
                self._on_dropped(to_node_id, [item], "the worker is gone")
                continue
            replaced = self._receiver(to_node_id).stream.put(item)
            if replaced:
                self._on_dropped(to_node_id, replaced, "a newer one took its place")

    def _receiver(self, node_id: str) -> _Receiver:
        receiver = self._receivers.get(node_id)
        if receiver is None:
            receiver = _Receiver(self._bus.writer(BY_NAME["hedgerow/item"], partition=node_id))
            self._receivers[node_id] = receiver
        return receiver

    def _pump(self, receiver: _Receiver) -> None:
        clock_s = self._clock()
        if receiver.is_open and receiver.stream.waits and clock_s >= receiver.moved_at_s + STALL_S:
            receiver.begin_again()
        if not receiver.is_open:
            if clock_s >= receiver.next_hello_at_s:
                if receiver.chunks.matched():
                    receiver.chunks.write(self._hello(receiver))
                    receiver.hellos += 1
                receiver.hello_at_s = clock_s
            return
        while True:
            waited = receiver.stream.waits
            sent = receiver.stream.next_chunk(clock_s)
            if sent is None:
                return
            if not waited:
                receiver.moved_at_s = clock_s
            receiver.chunks.write_parts(encoded(self._chunk(receiver, sent), sent.piece))

    def _hello(self, receiver: _Receiver) -> ItemChunk:
        return ItemChunk(
            kind=ItemKind.PROBE,
            stream_id=receiver.stream_id,
            from_node_id=self._node_id,
            header=hello_header(receiver.goes_on_from),
        )

    def _chunk(self, receiver: _Receiver, sent: SentChunk) -> ItemChunk:
        return ItemChunk(
            kind=sent.item.kind,
            stream_id=receiver.stream_id,
            position=sent.position,
            index=sent.piece.index,
            size_bytes=sent.item.size_bytes,
            from_node_id=self._node_id,
            header=json.dumps(sent.item.header) if sent.is_first else "",
        )

    def _on_credit(self, credit: ItemCredit) -> None:
        receiver = self._receivers.get(credit.from_node_id)
        if receiver is None or credit.stream_id != receiver.stream_id:
            return  # of a stream that was given up, or that goes on under another id
        was_open, receiver.is_open = receiver.is_open, True
        before = receiver.stream.taken
        delivered = receiver.stream.credit(credit.position, self._clock())
        if not was_open:
            receiver.stream.rewind()
        if not was_open or receiver.stream.taken > before:
            receiver.moved_at_s = self._clock()
        for one in delivered:
            self._on_delivered(credit.from_node_id, one)
