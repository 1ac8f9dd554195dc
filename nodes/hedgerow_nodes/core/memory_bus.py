"""The bus in memory, for tests: same codec, same histories, same goodbyes, no sockets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any

from hedgerow_idl.codec import codec_of
from hedgerow_idl.topics import Profile, Topic
from hedgerow_nodes.core.bus import Bus, Kind, Reader, Writer
from hedgerow_nodes.core.qos import DEPTHS

_LATE_JOINERS_GET = (Profile.STATE, Profile.RING)


class MemoryNetwork:
    """What the processes of one test share: every endpoint, under one lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.writers: list[MemoryWriter] = []
        self.readers: list[MemoryReader] = []

    def bus(self) -> MemoryBus:
        """Another process's place on this network."""
        return MemoryBus(self)


class MemoryWriter(Writer[Any]):
    """Keeps its own history, as a DDS writer does: it dies with the writer."""

    def __init__(self, topic: Topic, partition: str, bus: MemoryBus) -> None:
        super().__init__(topic)
        self.partition = partition
        self.bus = bus
        self.history: dict[bytes, deque[bytes]] = {}

    def write_raw(self, cdr: bytes) -> None:
        with self.bus.network.lock:
            depth = DEPTHS[self.topic.profile]
            self.history.setdefault(self._key(cdr), deque(maxlen=depth)).append(cdr)
            self._deliver(Kind.DATA, cdr)

    def dispose(self, sample: Any) -> None:
        cdr = self.codec.encode(sample)
        with self.bus.network.lock:
            if self.history.pop(self._key(cdr), None) is not None:
                self._deliver(Kind.DISPOSED, self._key(cdr))

    def matched(self) -> int:
        with self.bus.network.lock:
            return sum(reader.hears(self) for reader in self.bus.network.readers)

    def close(self) -> None:
        network = self.bus.network
        with network.lock:
            network.writers.remove(self)
            held = {key for writer in network.writers if writer.topic.name == self.topic.name for key in writer.history}
            for key in self.history:
                if self.topic.profile is Profile.STATE and key not in held:
                    self._deliver(Kind.LOST, key)

    def _key(self, cdr: bytes) -> bytes:
        if self.topic.profile is not Profile.STATE:
            return b""
        return self.codec.encode_key(self.codec.decode(cdr))

    def _deliver(self, kind: Kind, cdr: bytes) -> None:
        for reader in self.bus.network.readers:
            if reader.hears(self):
                reader.put(kind, cdr)


class MemoryReader(Reader[Any]):
    """A queue of arrivals."""

    def __init__(self, topic: Topic, partition: str, bus: MemoryBus) -> None:
        super().__init__(topic)
        self.partition = partition
        self.bus = bus
        self._queue: deque[tuple[Kind, bytes]] = deque()

    def hears(self, writer: MemoryWriter) -> bool:
        same_place = writer.topic.name == self.topic.name and writer.partition == self.partition
        return same_place and writer.bus is not self.bus

    def put(self, kind: Kind, cdr: bytes) -> None:
        self._queue.append((kind, cdr))
        self.bus.arrived()

    def take_raw(self) -> Sequence[tuple[Kind, bytes]]:
        with self.bus.network.lock:
            taken = list(self._queue)
            self._queue.clear()
            return taken

    def wait(self, timeout_s: float) -> None:
        self.bus.wait_for(lambda: self.waiting, timeout_s)

    @property
    def waiting(self) -> bool:
        """Something has arrived and was not taken."""
        return bool(self._queue)


class MemoryBus(Bus):
    """A place on a `MemoryNetwork`."""

    def __init__(self, network: MemoryNetwork) -> None:
        self.network = network
        self._condition = threading.Condition(network.lock)
        self._woken = False
        self._readers: list[MemoryReader] = []

    def writer(self, topic: Topic, partition: str = "") -> MemoryWriter:
        codec_of(topic.type)
        writer = MemoryWriter(topic, partition, self)
        with self.network.lock:
            self.network.writers.append(writer)
        return writer

    def reader(self, topic: Topic, partition: str = "") -> MemoryReader:
        reader = MemoryReader(topic, partition, self)
        with self.network.lock:
            self.network.readers.append(reader)
            self._readers.append(reader)
            if topic.profile in _LATE_JOINERS_GET:
                for writer in self.network.writers:
                    if reader.hears(writer):
                        for samples in writer.history.values():
                            for cdr in samples:
                                reader.put(Kind.DATA, cdr)
        return reader

    def wait(
        self, timeout_s: float, awake_s: float = 0.0, only: Collection[Reader[Any]] | None = None
    ) -> list[Reader[Any]]:
        readers = [reader for reader in self._readers if only is None or reader in only]
        with self._condition:
            self._condition.wait_for(lambda: self._woken or any(reader.waiting for reader in readers), timeout_s)
            self._woken = False
            return [reader for reader in readers if reader.waiting]

    def wait_for(self, what: Callable[[], bool], timeout_s: float) -> None:
        """Sleep until something that arrivals bring about."""
        with self._condition:
            self._condition.wait_for(what, timeout_s)

    def wake(self) -> None:
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def arrived(self) -> None:
        """A reader got something; the network's lock is held."""
        self._condition.notify_all()

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        with self.network.lock:
            for reader in self._readers:
                self.network.readers.remove(reader)
            self._readers = []
            for writer in [w for w in self.network.writers if w.bus is self]:
                writer.close()
