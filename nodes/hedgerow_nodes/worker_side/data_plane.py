"""Items between workers on the bus: a stream and a window for each receiver, so that a frozen one delays no other."""

from __future__ import annotations

import json
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hedgerow_idl.codec import CodecError
from hedgerow_idl.serve import ItemChunk, ItemCredit, ItemKind
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus, Writer
from hedgerow_nodes.worker_side.item_assembly import Arrived, ItemAssembly
from hedgerow_nodes.worker_side.item_chunks import encoded, opened
from hedgerow_nodes.worker_side.item_stream import WINDOW_BYTES, Delivered, ItemStream, Outgoing, SentChunk

CREDIT_BYTES = WINDOW_BYTES // 4
"""A receiver says how far it has come at least this often."""

HELLO_EVERY_S = 0.05
"""A volatile sample to a reader that is being discovered may get lost: nothing is sent before a hello was answered."""

REPEAT_EVERY_S, REPEAT_FOR_S = 0.25, 5.0
"""Credits are said again for a while: one that got lost, as during discovery, would leave the sender waiting."""

log = logging.getLogger("hedgerow.worker")


@dataclass(eq=False)
class _Receiver:
    chunks: Writer[ItemChunk]
    stream_id: int
    stream: ItemStream
    is_open: bool = False
    hello_at_s: float = -math.inf


@dataclass(eq=False)
class _Sender:
    credits: Writer[ItemCredit]
    positions: dict[int, int] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    heard_at_s: float = -math.inf


class DataPlane:
    """One worker's end of all links to others.

    `send` may be called in any thread; everything else belongs to the loop.

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
        self._on_arrived = on_arrived
        self._on_delivered = on_delivered
        self._on_dropped = on_dropped
        self._clock = clock
        self._chunks = bus.reader(BY_NAME["hedgerow/item"], partition=node_id)
        self._credits = bus.reader(BY_NAME["hedgerow/item_credit"], partition=node_id)
        self._assembly = ItemAssembly()
        self._lock = threading.Lock()
        self._queued: list[tuple[str, Outgoing]] = []
        self._receivers: dict[str, _Receiver] = {}
        self._senders: dict[str, _Sender] = {}
        self._dead: set[str] = set()
        self._uncredited_bytes = 0
        self._repeat_at_s = clock()
        self._bad_chunks = 0

    @property
    def malformed(self) -> int:
        """Chunks and credits left out because they are none, or contradict themselves."""
        return self._bad_chunks + self._assembly.malformed + self._chunks.malformed + self._credits.malformed

    def send(self, to_node_id: str, item: Outgoing) -> None:
        """Hand an item over; the loop has to be woken by the caller."""
        with self._lock:
            self._queued.append((to_node_id, item))

    def step(self) -> None:
        """Take what has come, say how far, and send what may go; never waits."""
        self._chunks.take_views(self._on_chunk)
        for received in self._credits.take():
            self._on_credit(received.sample)
        self._grant()
        self._queue_up()
        for to_node_id, receiver in self._receivers.items():
            self._pump(to_node_id, receiver)

    @property
    def next_due_at_s(self) -> float:
        """When `step` has something to do even if nothing arrives."""
        waiting = [r.hello_at_s + HELLO_EVERY_S for r in self._receivers.values() if not r.is_open]
        if any(self._repeats(sender) for sender in self._senders.values()):
            waiting.append(self._repeat_at_s)
        return min(waiting, default=math.inf)

    def open_to(self, node_ids: Iterable[str]) -> None:
        """Say hello to workers that items will go to, so that the first item need not wait for their answer."""
        for node_id in node_ids:
            if node_id not in self._dead:
                self._receiver(node_id)

    def came(self, node_id: str) -> None:
        """A worker is there, for the first time or again."""
        self._dead.discard(node_id)

    def gone(self, node_id: str, why: str) -> None:
        """A worker is dead or has left: what it has not taken never arrives, and what it began to send neither."""
        self._queue_up()
        self._dead.add(node_id)
        receiver = self._receivers.pop(node_id, None)
        dropped = [] if receiver is None else receiver.stream.give_up()
        if receiver is not None:
            receiver.chunks.close()
        if dropped:
            self._on_dropped(node_id, dropped, why)
        self._assembly.forget(node_id)
        sender = self._senders.pop(node_id, None)
        if sender is not None:
            sender.credits.close()

    def drop(self, unwanted: Callable[[Outgoing], bool], why: str) -> None:
        """Give up what waits and is unwanted, as items of an epoch that has ended."""
        self._queue_up()
        for to_node_id, receiver in self._receivers.items():
            dropped = receiver.stream.drop(unwanted)
            if dropped:
                self._on_dropped(to_node_id, dropped, why)

    # --- receiving ----------------------------------------------------------------------------------------------

    def _on_chunk(self, view: memoryview) -> None:
        try:
            chunk, data = opened(view)
        except CodecError as error:
            self._bad_chunks += 1
            if self._bad_chunks == 1:
                log.warning("worker: malformed chunk of an item ignored, more are only counted: %s", error)
            return
        with data:
            sender = self._sender(chunk.from_node_id)
            sender.heard_at_s = self._clock()
            sender.due.add(chunk.stream_id)
            arrived = self._assembly.add(chunk, data) if chunk.position else None
        # What is refused has been taken too: the sender shall not wait for it.
        before = sender.positions.get(chunk.stream_id, 0)
        sender.positions[chunk.stream_id] = max(before, chunk.position)
        self._uncredited_bytes += len(view)
        if arrived is not None and arrived.kind is not ItemKind.PROBE:
            self._on_arrived(arrived)
        if self._uncredited_bytes >= CREDIT_BYTES:
            self._grant()

    def _grant(self) -> None:
        clock_s = self._clock()
        repeat = clock_s >= self._repeat_at_s
        for sender in self._senders.values():
            if repeat and self._repeats(sender):
                sender.due |= sender.positions.keys()
            for stream_id in sender.due:
                position = sender.positions.get(stream_id, 0)
                sender.credits.write(ItemCredit(stream_id=stream_id, position=position, from_node_id=self._node_id))
            sender.due.clear()
        if repeat:
            self._repeat_at_s = clock_s + REPEAT_EVERY_S
        if self._uncredited_bytes:
            self._bus.flush()
        self._uncredited_bytes = 0

    def _repeats(self, sender: _Sender) -> bool:
        return self._clock() - sender.heard_at_s < REPEAT_FOR_S

    def _sender(self, node_id: str) -> _Sender:
        sender = self._senders.get(node_id)
        if sender is None:
            writer = self._bus.writer(BY_NAME["hedgerow/item_credit"], partition=node_id)
            sender = self._senders[node_id] = _Sender(writer)
        return sender

    # --- sending ------------------------------------------------------------------------------------------------

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
            writer = self._bus.writer(BY_NAME["hedgerow/item"], partition=node_id)
            stream = ItemStream()
            receiver = self._receivers[node_id] = _Receiver(writer, secrets.randbits(63), stream)
        return receiver

    def _pump(self, to_node_id: str, receiver: _Receiver) -> None:
        clock_s = self._clock()
        if not receiver.is_open:
            if clock_s >= receiver.hello_at_s + HELLO_EVERY_S and receiver.chunks.matched():
                hello = ItemChunk(kind=ItemKind.PROBE, stream_id=receiver.stream_id, from_node_id=self._node_id)
                receiver.chunks.write(hello)
            if clock_s >= receiver.hello_at_s + HELLO_EVERY_S:
                receiver.hello_at_s = clock_s
            return
        while True:
            sent = receiver.stream.next_chunk(clock_s)
            if sent is None:
                return
            receiver.chunks.write_parts(encoded(self._chunk(receiver, sent), sent.piece))

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
        if receiver is None:
            return
        if credit.stream_id != receiver.stream_id:
            return  # of a stream that was given up
        receiver.is_open = True
        delivered = receiver.stream.credit(credit.position, self._clock())
        for one in delivered:
            self._on_delivered(credit.from_node_id, one)
