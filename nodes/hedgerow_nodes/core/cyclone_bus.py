"""The bus over Eclipse Cyclone DDS. Every private call into the binding stands in this module."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from cyclonedds._clayer import ddspy_dispose, ddspy_take, ddspy_write
from cyclonedds.core import DDSException, GuardCondition, InstanceState, ReadCondition, SampleState, ViewState, WaitSet
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.internal import DDS
from cyclonedds.pub import DataWriter, Publisher
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader, Subscriber
from cyclonedds.topic import Topic as DdsTopic

from hedgerow_idl.topics import Profile, Topic
from hedgerow_nodes.core import qos
from hedgerow_nodes.core.bus import Bus, Kind, Reader, Writer
from hedgerow_nodes.core.clock_watch import ClockWatch
from hedgerow_nodes.core.discovery import domain_xml
from hedgerow_nodes.core.environment import ConfigurationError, Environment

TAKE_AT_ONCE = 512
_ANY = SampleState.Any | ViewState.Any | InstanceState.Any
_UNREAD = SampleState.NotRead | ViewState.Any | InstanceState.Any
_ENDS = {32: Kind.DISPOSED, 64: Kind.LOST}
_DATA = Kind.DATA
_library = DDS._dll_handle


def _function(name: str, *argument_types: Any) -> Any:
    """A function of the C library that returns a code; called by `ctypes`, it runs without the interpreter's lock."""
    function = _library[name]  # indexing makes an object of its own: the binding sets other types on the shared one
    function.restype, function.argtypes = ctypes.c_int32, argument_types
    return function


_write_flush = _function("dds_write_flush", ctypes.c_int32)
_waitset_wait = _function("dds_waitset_wait", ctypes.c_int32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64)
_delete = _function("dds_delete", ctypes.c_int32)


class CycloneWriter(Writer[Any]):
    """A DDS writer that hands encoded samples to the C library."""

    def __init__(self, topic: Topic, entity: DataWriter[Any], holding: set[CycloneWriter]) -> None:
        super().__init__(topic)
        self._entity = entity
        self._ref = entity._ref
        self._holding = holding

    def flush(self) -> None:
        """Send what is held back."""
        _write_flush(self._ref)

    def close(self) -> None:
        self.flush()
        self._holding.discard(self)
        _delete(self._ref)

    def write_raw(self, cdr: bytes) -> None:
        code = ddspy_write(self._ref, cdr)
        self._holding.add(self)
        if code < 0:
            raise DDSException(code, f"Occurred while writing to {self.topic.name}")

    def dispose(self, sample: Any) -> None:
        code = ddspy_dispose(self._ref, self.codec.encode_key(sample))
        self._holding.add(self)
        if code < 0:
            raise DDSException(code, f"Occurred while disposing on {self.topic.name}")

    def matched(self) -> int:
        # Without the binding, whose own call leaves a cycle for the collector each time.
        return int(_library.dds_get_matched_subscriptions(ctypes.c_int32(self._ref), None, ctypes.c_size_t(0)))


class CycloneReader(Reader[Any]):
    """A DDS reader that takes encoded samples from the C library."""

    def __init__(self, topic: Topic, entity: DataReader[Any], condition: ReadCondition) -> None:
        super().__init__(topic)
        self._entity = entity
        self._condition = condition
        self._ref = entity._ref
        # An unkeyed topic has one instance for all writers: its end tells nothing.
        self._has_ends = topic.profile is Profile.STATE

    def take_raw(self) -> Sequence[tuple[Kind, bytes]]:
        taken: list[tuple[Kind, bytes]] = []
        while True:
            batch = ddspy_take(self._ref, _ANY, TAKE_AT_ONCE)
            if isinstance(batch, int):
                raise DDSException(batch, f"Occurred while taking from {self.topic.name}")
            if self._has_ends:
                self._add_with_ends(taken, batch)
            else:
                taken += [(_DATA, raw) for raw, info in batch if info.valid_data]
            if len(batch) < TAKE_AT_ONCE:
                return taken

    def _add_with_ends(self, taken: list[tuple[Kind, bytes]], batch: list[tuple[bytes, Any]]) -> None:
        for raw, info in batch:
            end = _ENDS.get(info.instance_state)
            if info.valid_data:
                taken.append((_DATA, raw))
                if end is not None:
                    # A sample that was not taken before the end carries the end itself: no other sample follows.
                    taken.append((end, self.key_of(raw)))
            elif end is not None:
                taken.append((end, raw))


class CycloneBus(Bus):
    """One participant in one domain, made from the environment's settings.

    Raises:
        ConfigurationError: the domain cannot be joined with these settings.
    """

    def __init__(self, environment: Environment) -> None:
        xml = domain_xml(environment.discovery, environment.peers)
        try:
            _domain(environment.domain, xml)
            self._participant = DomainParticipant(environment.domain)
        except DDSException as error:
            raise ConfigurationError(
                f"cannot join DDS domain {environment.domain} (discovery {environment.discovery!r}): {error.msg}"
            ) from error
        # Writers made from now on hold samples back until `flush`: one datagram then carries many (measured 1.3-1.9x).
        _library.dds_write_set_batch(ctypes.c_bool(True))
        self._waitset = WaitSet(self._participant)
        self._guard = GuardCondition(self._participant)
        self._waitset.attach(self._guard)
        # `wake` may come from another thread while the bus is being closed.
        self._guard_lock = threading.Lock()
        self._woken = False
        self._closed = False
        self._clock_watch = ClockWatch(self._wake_library)
        self._clock_watch.start()
        self._topics: dict[str, DdsTopic[Any]] = {}
        self._publishers: dict[str, Publisher] = {}
        self._subscribers: dict[str, Subscriber] = {}
        # The writers that have written since the last flush.
        self._holding: set[CycloneWriter] = set()

    def writer(self, topic: Topic, partition: str = "") -> CycloneWriter:
        publisher = self._publishers.get(partition)
        if publisher is None:
            publisher = self._publishers[partition] = Publisher(self._participant, _partition(partition))
        entity = DataWriter(publisher, self._topic(topic), qos.writer_qos(topic.profile))
        return CycloneWriter(topic, entity, self._holding)

    def reader(self, topic: Topic, partition: str = "") -> CycloneReader:
        subscriber = self._subscribers.get(partition)
        if subscriber is None:
            subscriber = self._subscribers[partition] = Subscriber(self._participant, _partition(partition))
        entity = DataReader(subscriber, self._topic(topic), qos.reader_qos(topic.profile))
        condition = ReadCondition(entity, _UNREAD)
        self._waitset.attach(condition)
        return CycloneReader(topic, entity, condition)

    def wait(self, timeout_s: float) -> None:
        code = _waitset_wait(self._waitset._ref, None, 0, max(0, int(timeout_s * 1e9)))
        if code < 0:
            raise DDSException(code, "Occurred while waiting")
        if self._woken:
            with self._guard_lock:
                self._woken = False
                if not self._closed:
                    self._guard.set(False)

    def wake(self) -> None:
        with self._guard_lock:
            if not self._closed:
                self._woken = True
                self._guard.set(True)

    def _wake_library(self) -> None:
        """Have the library's waits begin anew, by the wall clock as it is now."""
        with self._guard_lock:
            if not self._closed:
                self._guard.set(True)
                # "Neither deaf nor mute, and that again at once" changes nothing but puts an event at the head of the
                # line of the library's event thread, which wakes it.
                ref, no = ctypes.c_int32(self._participant._ref), ctypes.c_bool(False)
                _library.dds_domain_set_deafmute(ref, no, no, ctypes.c_int64(0))

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
        _delete(self._participant._ref)

    def _topic(self, topic: Topic) -> DdsTopic[Any]:
        entity = self._topics.get(topic.name)
        if entity is None:
            entity = self._topics[topic.name] = DdsTopic(
                self._participant, topic.name, topic.type, qos.topic_qos(topic.profile)
            )
        return entity


@cache
def _domain(domain: int, xml: str) -> Domain:
    # The C library keeps a domain's settings for the life of the process, so this is made once.
    return Domain(domain, xml)


def _partition(name: str) -> Qos:
    return Qos(Policy.Partition([name])) if name else Qos()
