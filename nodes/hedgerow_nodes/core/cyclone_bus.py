"""The bus over Eclipse Cyclone DDS. Every private call into the binding stands here or in `cyclone_library`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any

from cyclonedds._clayer import ddspy_dispose, ddspy_take, ddspy_write
from cyclonedds.core import DDSException, GuardCondition, InstanceState, ReadCondition, SampleState, ViewState, WaitSet
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter, Publisher
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader, Subscriber
from cyclonedds.topic import Topic as DdsTopic

from hedgerow_idl.errors import CodecError
from hedgerow_idl.topics import Profile, Topic
from hedgerow_nodes.core import cyclone_library, qos
from hedgerow_nodes.core.bus import Bus, Kind, Reader, Received, Writer
from hedgerow_nodes.core.clock_watch import ClockWatch
from hedgerow_nodes.core.discovery import domain_xml
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.library_log import library_log

TAKE_AT_ONCE = 512
_ANY = SampleState.Any | ViewState.Any | InstanceState.Any
_UNREAD = SampleState.NotRead | ViewState.Any | InstanceState.Any
_ENDS = {32: Kind.DISPOSED, 64: Kind.LOST}
_DATA = Kind.DATA
_LONG_AGO_NS = 3600 * 10**9


class CycloneWriter(Writer[Any]):
    """A DDS writer that hands encoded samples to the C library."""

    def __init__(self, topic: Topic, entity: DataWriter[Any], holding: dict[CycloneWriter, None]) -> None:
        super().__init__(topic)
        self._entity = entity
        self._ref = entity._ref
        self._holding = holding

    def flush(self) -> None:
        """Send what is held back."""
        cyclone_library.write_flush(self._ref)

    def close(self) -> None:
        self.flush()
        self._holding.pop(self, None)
        cyclone_library.delete(self._ref)

    def write_raw(self, cdr: bytes) -> None:
        code = ddspy_write(self._ref, cdr)
        self._holding[self] = None
        if code < 0:
            raise DDSException(code, f"Occurred while writing to {self.topic.name}")

    def write_parts(self, parts: Sequence[bytes | memoryview]) -> None:
        code = cyclone_library.write_parts(self._ref, parts)
        self._holding[self] = None
        if code < 0:
            raise DDSException(code, f"Occurred while writing to {self.topic.name}")

    def dispose(self, sample: Any) -> None:
        code = ddspy_dispose(self._ref, self.codec.encode_key(sample))
        self._holding[self] = None
        if code < 0:
            raise DDSException(code, f"Occurred while disposing on {self.topic.name}")

    def matched(self) -> int:
        # Without the binding, whose own call leaves a cycle for the collector each time.
        return int(cyclone_library.matched_subscriptions(self._ref, None, 0))


class CycloneReader(Reader[Any]):
    """A DDS reader that takes encoded samples from the C library."""

    def __init__(
        self, topic: Topic, entity: DataReader[Any], participant: DomainParticipant, refused: Callable[[], int]
    ) -> None:
        super().__init__(topic)
        self._refused = refused
        self._refused_before = refused()
        self._entity = entity
        self.condition = ReadCondition(entity, _UNREAD)
        self._participant = participant
        self._waitset: WaitSet | None = None
        self._ref = entity._ref
        # An unkeyed topic has one instance for all writers: its end tells nothing.
        self._has_ends = topic.profile is Profile.STATE

    @property
    def malformed(self) -> int:
        return self._malformed + self._refused() - self._refused_before

    def take(self) -> list[Received[Any]]:
        if self._has_ends:
            return super().take()
        received: list[Received[Any]] = []
        decode = self.codec.decode
        while True:
            batch = self._take_batch()
            try:
                # In one go: a tuple for each sample in between was seen to cost a tenth of a receiver's time.
                received += [Received(_DATA, decode(raw), raw) for raw, info in batch if info.valid_data]
            except CodecError:
                received += self.decoded((_DATA, raw) for raw, info in batch if info.valid_data)
            if len(batch) < TAKE_AT_ONCE:
                return received

    def take_raw(self) -> Sequence[tuple[Kind, bytes]]:
        taken: list[tuple[Kind, bytes]] = []
        while True:
            batch = self._take_batch()
            if self._has_ends:
                self._add_with_ends(taken, batch)
            else:
                taken += [(_DATA, raw) for raw, info in batch if info.valid_data]
            if len(batch) < TAKE_AT_ONCE:
                return taken

    def take_views(self, handle: Callable[[memoryview], None]) -> None:
        code = cyclone_library.take_views(self._ref, _ANY, handle)
        if code < 0:
            raise DDSException(code, f"Occurred while taking from {self.topic.name}")

    def wait(self, timeout_s: float) -> None:
        if self._waitset is None:
            self._waitset = WaitSet(self._participant)
            self._waitset.attach(self.condition)
        _wait(self._waitset, timeout_s)

    def _take_batch(self) -> list[tuple[bytes, Any]]:
        batch = ddspy_take(self._ref, _ANY, TAKE_AT_ONCE)
        if isinstance(batch, int):
            raise DDSException(batch, f"Occurred while taking from {self.topic.name}")
        return batch  # type: ignore[no-any-return]

    def _add_with_ends(self, taken: list[tuple[Kind, bytes]], batch: list[tuple[bytes, Any]]) -> None:
        for raw, info in batch:
            end = _ENDS.get(info.instance_state)
            if info.valid_data:
                taken.append((_DATA, raw))
                if end is not None:
                    # A sample that was not taken before the end carries the end itself: no other sample follows.
                    with suppress(CodecError):  # what cannot be decoded is counted as a sample, and has no key
                        taken.append((end, self.key_of(raw)))
            elif end is not None:
                taken.append((end, raw))


class ReaderWaitSet:
    """Waits for a guard and any number of readers, and tells on which of them something has arrived."""

    def __init__(self, participant: DomainParticipant, guard: GuardCondition) -> None:
        self._entity = WaitSet(participant)
        self._entity.attach(guard)
        self._ref = self._entity._ref
        self._readers: dict[int, CycloneReader] = {}
        self._triggered = cyclone_library.triggers(1)

    def add(self, reader: CycloneReader) -> None:
        """Wait for this one too."""
        number = len(self._readers) + 1
        code = cyclone_library.waitset_attach(self._ref, reader.condition._ref, number)
        if code < 0:
            raise DDSException(code, f"Occurred when waiting for {reader.topic.name}")
        self._readers[number] = reader
        self._triggered = cyclone_library.triggers(number + 1)

    def wait(self, timeout_s: float, awake_s: float) -> list[Reader[Any]]:
        """Wait, at first without sleep; see `Bus.wait`."""
        count = (self._came_within(awake_s) if awake_s else 0) or self._ask(max(0, int(timeout_s * 1e9)))
        if count < 0:
            raise DDSException(count, "Occurred while waiting")
        # The guard has a number of the binding's, which is the address of something.
        return [self._readers[number] for number in self._triggered[:count] if number in self._readers]

    def _came_within(self, awake_s: float) -> int:
        until_s = time.perf_counter() + awake_s
        while time.perf_counter() < until_s:
            if count := self._ask(0):
                return count
            os.sched_yield()  # who has work on this core goes first
        return 0

    def _ask(self, timeout_ns: int) -> int:
        triggered = self._triggered
        count: int = cyclone_library.waitset_wait(self._ref, triggered, len(triggered), timeout_ns)
        return count


class CycloneBus(Bus):
    """One participant in one domain, made from the environment's settings.

    Args:
        environment: the settings.
        lease_s: how long it may be silent before the others, each by its own clock, take it for dead. It holds as long
            as this place on the bus.

    Raises:
        ConfigurationError: the domain cannot be joined with these settings.
    """

    def __init__(self, environment: Environment, lease_s: float = qos.LEASE_S) -> None:
        xml = domain_xml(environment.discovery, environment.peers)
        self._domain = environment.domain
        self._lease_s = lease_s
        try:
            _make_domain(environment.domain, xml)
            self._participant = DomainParticipant(environment.domain, qos.participant_qos(lease_s))
        except DDSException as error:
            raise ConfigurationError(
                f"cannot join DDS domain {environment.domain} (discovery {environment.discovery!r}): {error.msg}"
            ) from error
        # Writers made from now on hold samples back until `flush`: one datagram then carries many (measured 1.3-1.9x).
        cyclone_library.write_set_batch(True)
        self._guard = GuardCondition(self._participant)
        self._waitset = ReaderWaitSet(self._participant, self._guard)
        self._waitsets: dict[tuple[Reader[Any], ...], ReaderWaitSet] = {}
        # `wake` may come from another thread while the bus is being closed.
        self._guard_lock = threading.Lock()
        self._woken = False
        self._closed = False
        self._clock_watch = ClockWatch(self._wake_library)
        self._clock_watch.start()
        self._topics: dict[str, DdsTopic[Any]] = {}
        self._publishers: dict[str, Publisher] = {}
        self._subscribers: dict[str, Subscriber] = {}
        # The writers that have written since the last flush; who wrote first is sent first.
        self._holding: dict[CycloneWriter, None] = {}

    def writer(self, topic: Topic, partition: str = "") -> CycloneWriter:
        publisher = self._publishers.get(partition)
        if publisher is None:
            publisher = self._publishers[partition] = Publisher(self._participant, _partition(partition))
        entity = DataWriter(publisher, self._topic(topic), qos.writer_qos(topic.profile, self._lease_s))
        return CycloneWriter(topic, entity, self._holding)

    def reader(self, topic: Topic, partition: str = "") -> CycloneReader:
        subscriber = self._subscribers.get(partition)
        if subscriber is None:
            subscriber = self._subscribers[partition] = Subscriber(self._participant, _partition(partition))
        entity = DataReader(subscriber, self._topic(topic), qos.reader_qos(topic.profile))
        refused = partial(library_log().refused, self._domain, topic.name)
        reader = CycloneReader(topic, entity, self._participant, refused)
        self._waitset.add(reader)
        return reader

    def wait(
        self, timeout_s: float, awake_s: float = 0.0, only: Collection[Reader[Any]] | None = None
    ) -> list[Reader[Any]]:
        waitset = self._waitset if only is None else self._waitset_of(tuple(only))
        arrived = waitset.wait(timeout_s, awake_s)
        if self._woken:
            with self._guard_lock:
                self._woken = False
                if not self._closed:
                    self._guard.set(False)
        return arrived

    def wake(self) -> None:
        with self._guard_lock:
            if not self._closed:
                self._woken = True
                self._guard.set(True)

    def _wake_library(self) -> None:
        """Have the library's waits begin anew, by the wall clock as it is now."""
        with self._guard_lock:
            if not self._closed:
                self._woken = True
                self._guard.set(True)
                # "Neither deaf nor mute, as before" changes nothing, but when to go back to it is an event. One that is
                # due before all others wakes the library's event thread; those that it has slept over are due as well.
                cyclone_library.set_deafmute(self._participant._ref, False, False, -_LONG_AGO_NS)

    def flush(self) -> None:
        for writer in self._holding:
            writer.flush()
        self._holding.clear()

    def close(self) -> None:
        with self._guard_lock:
            if self._closed:
                return
            self._closed = True
        self._clock_watch.close()
        self.flush()
        cyclone_library.delete(self._participant._ref)

    def _waitset_of(self, readers: tuple[Reader[Any], ...]) -> ReaderWaitSet:
        waitset = self._waitsets.get(readers)
        if waitset is None:
            waitset = self._waitsets[readers] = ReaderWaitSet(self._participant, self._guard)
            for reader in readers:
                assert isinstance(reader, CycloneReader)
                waitset.add(reader)
        return waitset

    def _topic(self, topic: Topic) -> DdsTopic[Any]:
        entity = self._topics.get(topic.name)
        if entity is None:
            entity = self._topics[topic.name] = DdsTopic(
                self._participant, topic.name, topic.type, qos.topic_qos(topic.profile)
            )
        return entity


def _wait(waitset: WaitSet, timeout_s: float) -> None:
    code = cyclone_library.waitset_wait(waitset._ref, None, 0, max(0, int(timeout_s * 1e9)))
    if code < 0:
        raise DDSException(code, "Occurred while waiting")


@cache
def _make_domain(domain: int, xml: str) -> None:
    """Make a domain with these settings, once: the C library keeps them for the life of the process.

    It is never taken down. The library would wait for its receiving threads, which it wakes by a datagram to its own
    address: where that address went with its network, the process would not end.
    """
    with cyclone_library.logging_to(library_log().stream):
        code = cyclone_library.create_domain(domain, xml.encode())
    if code < 0:
        raise DDSException(code, f"Occurred when making domain {domain}")


def _partition(name: str) -> Qos:
    return Qos(Policy.Partition([name])) if name else Qos()
