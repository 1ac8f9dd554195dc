"""Tensors over the bus: numpy arrays in, numpy arrays out, copied once on either side.

writer = TensorWriter(bus, "camera/front")        reader = TensorReader(bus, "camera/front")
writer.write(image)                               bus.wait(0.2)
                                                  for image in reader.take(): ...
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from hedgerow_idl.bulk import CHUNK_BYTES, Credit
from hedgerow_idl.codec import CodecError
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.tensor_chunks import Assembly, Tensor, chunks, opened

SENT_CHUNK_BYTES = CHUNK_BYTES // 4
"""Smaller than a chunk may be: a reader copies one while the next is on its way."""

WINDOW_BYTES = 2 * CHUNK_BYTES
"""So much may be on its way, or lie with a reader that has not taken it: less than a socket's buffer holds."""

WINDOW_CHUNKS = 48
"""And so many chunks: fewer than a `bulk` writer keeps for sending again."""

CREDIT_BYTES = WINDOW_BYTES // 4
"""A reader says how far it has come at least this often."""

PATIENCE_S = 1.0
MOST_BYTES = 256 * CHUNK_BYTES

log = logging.getLogger("hedgerow.bulk")


class TensorWriter:
    """Sends arrays to every `TensorReader` of the same name.

    A reader that keeps taking gets every tensor. One that has stopped is waited for once, for the patience given; then
    it is left behind, and may miss tensors, until it says that it goes on.

    Args:
        bus: the process's place; calls belong to the thread that runs its loop.
        name: what the tensors are called.
        patience_s: how long a `write` may wait; other threads run meanwhile.
    """

    def __init__(self, bus: Bus, name: str, patience_s: float = PATIENCE_S) -> None:
        self._bus = bus
        self._patience_s = patience_s
        self._chunks = bus.writer(BY_NAME["hedgerow/tensor"], partition=name)
        self._credits = bus.reader(BY_NAME["hedgerow/tensor_credit"], partition=name)
        self._stream_id = secrets.randbits(64)
        self._position = 0
        # How far each reader has come that has said so, and how many are not waited for.
        self._taken: dict[int, int] = {}
        self._left_behind = 0
        # Where the stream stood when a reader came of whom nothing has been heard.
        self._newcomer_at: int | None = None

    def write(self, array: Any) -> None:
        """Send an array; on return it may be changed.

        Raises:
            TypeError: its elements are no numbers or truth values.
        """
        for parts in chunks(array, self._stream_id, self._position + 1, SENT_CHUNK_BYTES):
            self._make_room(len(parts[1]))
            self._chunks.write_parts(parts)
            self._position += 1
        self._bus.flush()

    def matched(self) -> int:
        """How many readers there are."""
        return self._chunks.matched()

    def close(self) -> None:
        """Take the writer away."""
        self._chunks.close()

    def _make_room(self, size: int) -> None:
        """Wait until the readers have taken so much that `size` bytes more fit into the window."""
        most_ahead = min(WINDOW_CHUNKS, max(1, WINDOW_BYTES // max(1, size)))
        self._hear()
        if self._position - self._furthest_behind() < most_ahead:
            return
        self._bus.flush()
        give_up_at_s = time.monotonic() + self._patience_s
        while self._position - self._furthest_behind() >= most_ahead:
            remaining_s = give_up_at_s - time.monotonic()
            if remaining_s <= 0:
                self._leave_behind(most_ahead)
                return
            self._credits.wait(remaining_s)
            self._hear()

    def _hear(self) -> None:
        for received in self._credits.take():
            credit = received.sample
            if credit.stream_id == self._stream_id and credit.position <= self._position:
                before = self._taken.get(credit.reader_id, 0)
                self._taken[credit.reader_id] = max(before, credit.position)

    def _furthest_behind(self) -> int:
        readers = self._chunks.matched()
        if readers < len(self._taken):
            self._taken.clear()  # one has gone, it is not known which: each will be heard of again
        self._left_behind = min(self._left_behind, readers - len(self._taken))
        if readers - len(self._taken) - self._left_behind == 0:
            self._newcomer_at = None
        elif self._newcomer_at is None:
            self._newcomer_at = self._position
        newcomers = () if self._newcomer_at is None else (self._newcomer_at,)
        return min((*self._taken.values(), *newcomers), default=self._position)

    def _leave_behind(self, most_ahead: int) -> None:
        readers = self._chunks.matched()
        self._taken = {who: at for who, at in self._taken.items() if self._position - at < most_ahead}
        self._left_behind, self._newcomer_at = max(0, readers - len(self._taken)), None
        log.warning("bulk: %d readers have not taken for %g s; not waited for", self._left_behind, self._patience_s)


class TensorReader:
    """Receives the arrays of every `TensorWriter` of the same name.

    Args:
        bus: the process's place; calls belong to the thread that runs its loop.
        name: what the tensors are called.
        most_bytes: a larger tensor is refused.
    """

    def __init__(self, bus: Bus, name: str, most_bytes: int = MOST_BYTES) -> None:
        self._bus = bus
        self._chunks = bus.reader(BY_NAME["hedgerow/tensor"], partition=name)
        self._credits = bus.writer(BY_NAME["hedgerow/tensor_credit"], partition=name)
        self._reader_id = secrets.randbits(64)
        self._assembly = Assembly(most_bytes)
        self._tensors: list[Tensor] = []
        self._due: dict[int, int] = {}
        self._uncredited_bytes = 0
        self._malformed = 0

    def take(self) -> list[Tensor]:
        """All tensors that are complete, oldest first; never blocks."""
        self._chunks.take_views(self._on_chunk)
        self._grant()
        tensors, self._tensors = self._tensors, []
        return tensors

    @property
    def malformed(self) -> int:
        """Chunks refused: not encoded as one, contradicting themselves or their tensor, or of a tensor too large."""
        return self._malformed

    @property
    def incomplete(self) -> int:
        """Tensors given up because chunks of a newer one came."""
        return self._assembly.incomplete

    @property
    def duplicates(self) -> int:
        """Chunks ignored because they had been seen."""
        return self._assembly.duplicates

    def _on_chunk(self, encoded: memoryview) -> None:
        try:
            chunk, data = opened(encoded)
            with data:
                # What is refused has been taken too: the writer shall not wait for it.
                self._due[chunk.stream_id] = max(chunk.position, self._due.get(chunk.stream_id, 0))
                tensor = self._assembly.add(chunk, data)
        except CodecError as error:
            self._malformed += 1
            if self._malformed == 1:
                log.warning("bulk: malformed chunk ignored, more are only counted: %s", error)
            return
        if tensor is not None:
            self._tensors.append(tensor)
        self._uncredited_bytes += len(encoded)
        if self._uncredited_bytes >= CREDIT_BYTES:
            self._grant()

    def _grant(self) -> None:
        if not self._due:
            return
        for stream_id, position in self._due.items():
            self._credits.write(Credit(stream_id=stream_id, reader_id=self._reader_id, position=position))
        self._bus.flush()
        self._due.clear()
        self._uncredited_bytes = 0
