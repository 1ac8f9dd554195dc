"""Items from other workers: each stream is taken in order, without a gap, nothing twice, and credits say how far."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hedgerow_idl.codec import CodecError
from hedgerow_idl.serve import ItemChunk, ItemCredit, ItemKind
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus, Writer
from hedgerow_nodes.worker_side.item_assembly import Arrived, ItemAssembly
from hedgerow_nodes.worker_side.item_chunks import opened
from hedgerow_nodes.worker_side.item_stream import WINDOW_BYTES

CREDIT_BYTES = WINDOW_BYTES // 4
"""A receiver says how far it has come at least this often."""

REPEAT_EVERY_S, REPEAT_FOR_S = 0.25, 5.0
"""Credits are said again for a while: one that got lost, as during discovery, would leave the sender waiting."""

log = logging.getLogger("hedgerow.worker")


@dataclass(eq=False)
class _Sender:
    credits: Writer[ItemCredit]
    positions: dict[int, int] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    heard_at_s: float = -math.inf


class Inlet:
    """The receiving end of all links from other workers.

    A hello may say that its stream goes on from an earlier one: then what was taken of that counts, and the credit that
    answers tells the sender from where on to send again. A chunk out of order is left out: it comes again after that.

    Args:
        bus: the worker's place on the bus.
        node_id: who it is.
        on_arrived: called with every whole item, probes left out.
        clock: the monotonic clock.
    """

    def __init__(
        self, bus: Bus, node_id: str, on_arrived: Callable[[Arrived], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus, self._node_id, self._on_arrived, self._clock = bus, node_id, on_arrived, clock
        self._chunks = bus.reader(BY_NAME["hedgerow/item"], partition=node_id)
        self._assembly = ItemAssembly()
        self._senders: dict[str, _Sender] = {}
        self._uncredited_bytes = 0
        self._repeat_at_s = clock()
        self._bad_chunks = 0

    @property
    def malformed(self) -> int:
        """Chunks left out because they are none, or contradict themselves."""
        return self._bad_chunks + self._assembly.malformed + self._chunks.malformed

    def step(self) -> None:
        """Take what has come, and say how far."""
        self._chunks.take_views(self._on_chunk)
        self._grant()

    @property
    def next_due_at_s(self) -> float:
        """When credits are said again."""
        return self._repeat_at_s if any(map(self._repeats, self._senders.values())) else math.inf

    def gone(self, node_id: str) -> None:
        """A start of a worker is over: what it began to send never arrives."""
        self._assembly.forget(node_id)
        sender = self._senders.pop(node_id, None)
        if sender is not None:
            sender.credits.close()

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
            arrived = None
            if not chunk.position:
                self._on_hello(sender, chunk)
            elif chunk.position == sender.positions.get(chunk.stream_id, 0) + 1:
                # What is refused has been taken too: the sender shall not wait for it.
                sender.positions[chunk.stream_id] = chunk.position
                arrived = self._assembly.add(chunk, data)
        self._uncredited_bytes += len(view)
        if arrived is not None and arrived.kind is not ItemKind.PROBE:
            self._on_arrived(arrived)
        if self._uncredited_bytes >= CREDIT_BYTES:
            self._grant()

    def _on_hello(self, sender: _Sender, chunk: ItemChunk) -> None:
        stream_id = chunk.stream_id
        if stream_id in sender.positions:
            return
        earlier = _goes_on_from(chunk)
        sender.positions[stream_id] = sender.positions.pop(earlier, 0)
        self._assembly.go_on(chunk.from_node_id, earlier, stream_id)
        # A sender has one stream at a time, and its hellos come in their order.
        for over in sender.positions.keys() - {stream_id}:
            del sender.positions[over]
        sender.due &= {stream_id}

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


def hello_header(goes_on_from: int) -> str:
    """The header of a hello; an empty one for a stream that is new."""
    return json.dumps({"goes_on_from": goes_on_from}) if goes_on_from else ""


def _goes_on_from(chunk: ItemChunk) -> int:
    try:
        header = json.loads(chunk.header) if chunk.header else {}
    except json.JSONDecodeError:
        return 0
    earlier = header.get("goes_on_from", 0) if isinstance(header, dict) else 0
    return earlier if isinstance(earlier, int) else 0
