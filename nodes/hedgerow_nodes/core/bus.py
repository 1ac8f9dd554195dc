"""The bus as nodes see it: typed readers and writers, one wait, one flush. Two implementations cannot be told apart."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec
from cyclonedds.idl import IdlStruct

from hedgerow_idl.codec import CodecError, codec_of
from hedgerow_idl.topics import Profile, Topic

S = TypeVar("S", bound=IdlStruct)

log = logging.getLogger("hedgerow.bus")


class Kind(Enum):
    """What arrived: a sample, the clean goodbye of a keyed instance, or the loss of its last writer."""

    DATA = 0
    DISPOSED = 1
    LOST = 2


class Received(msgspec.Struct, Generic[S], gc=False):
    """One arrival: of DISPOSED and LOST only the key fields of `sample` are set. `raw` is the CDR encoding."""

    kind: Kind
    sample: S
    raw: bytes


class Writer(ABC, Generic[S]):
    """Writes one topic into one partition. Samples may wait for the next `Bus.flush`."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.codec = codec_of(topic.type)

    def write(self, sample: S) -> None:
        """Encode and send.

        Raises:
            CodecError: a value does not fit its field; nothing was sent.
        """
        self.write_raw(self.codec.encode(sample))

    @abstractmethod
    def write_raw(self, cdr: bytes) -> None:
        """Send an encoded sample."""

    def write_parts(self, parts: Sequence[bytes | memoryview]) -> None:
        """Send an encoded sample that lies in several places; it is copied once."""
        self.write_raw(b"".join(parts))

    @abstractmethod
    def dispose(self, sample: S) -> None:
        """Say goodbye to the instance that the sample's key names."""

    @abstractmethod
    def matched(self) -> int:
        """How many readers are there now."""

    @abstractmethod
    def close(self) -> None:
        """Take the writer away, with what it kept for late joiners."""


class Reader(ABC, Generic[S]):
    """Reads one topic from one partition. A sample that cannot be decoded is counted, logged once, and left out."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self._malformed = 0
        self._kept: list[Received[S]] = []
        self.codec = codec_of(topic.type)

    @property
    def malformed(self) -> int:
        """How many samples were left out because they are none of the topic's type."""
        return self._malformed

    @abstractmethod
    def take_raw(self) -> Sequence[tuple[Kind, bytes]]:
        """All that has arrived, encoded, oldest first."""

    def take_views(self, handle: Callable[[memoryview], None]) -> None:
        """Show all samples that have arrived, encoded, oldest first; each view ends when `handle` returns."""
        for kind, raw in self.take_raw():
            if kind is Kind.DATA:
                with memoryview(raw) as view:
                    handle(view)

    @abstractmethod
    def wait(self, timeout_s: float) -> None:
        """Sleep until something has arrived on this topic or the time is over, whatever arrives elsewhere."""

    def take(self) -> list[Received[S]]:
        """All that has arrived, decoded, oldest first; never blocks."""
        return self.decoded(self.take_raw())

    def decoded(self, taken: Iterable[tuple[Kind, bytes]]) -> list[Received[S]]:
        """What was taken, decoded; what cannot be is counted and left out."""
        received: list[Received[S]] = []
        decode, data = self.codec.decode, Kind.DATA
        for kind, raw in taken:
            try:
                if kind is data:
                    sample = decode(raw)
                elif self.topic.profile is Profile.STATE:
                    sample = self.codec.decode_key(raw)
                else:
                    continue  # an unkeyed topic has one instance for all writers: its end tells nothing
            except CodecError as error:
                self._count_malformed(error)
                continue
            received.append(Received(kind, sample, raw))
        return received

    def key_of(self, cdr: bytes) -> bytes:
        """The encoded key of an encoded sample."""
        return self.codec.encode_key(self.codec.decode(cdr))

    def take_one(self) -> Received[S] | None:
        """The oldest that has arrived and was not taken, or None; the rest is kept for the next call."""
        if not self._kept:
            self._kept = self.take()[::-1]
        return self._kept.pop() if self._kept else None

    def _count_malformed(self, error: CodecError) -> None:
        self._malformed += 1
        if self._malformed == 1:
            log.warning("bus: malformed sample on %s ignored, more are only counted: %s", self.topic.name, error)


class Bus(ABC):
    """A process's place on the bus. All calls but `wake` belong to the thread that runs the loop.

    Readers do not hear the writers of their own bus.
    """

    @abstractmethod
    def writer(self, topic: Topic, partition: str = "") -> Writer[Any]:
        """Make a writer."""

    @abstractmethod
    def reader(self, topic: Topic, partition: str = "") -> Reader[Any]:
        """Make a reader; on state and ring topics it first gets what was written before it came."""

    @abstractmethod
    def wait(
        self, timeout_s: float, awake_s: float = 0.0, only: Collection[Reader[Any]] | None = None
    ) -> Collection[Reader[Any]]:
        """Sleep until something has arrived, `wake` was called, or the time is over; the readers on which it has.

        For the first `awake_s` the caller looks again instead of sleeping, for what is about to come: to be woken was
        seen to cost 50 us and more. With `only`, some of this bus's readers, what arrives on the others ends no sleep.
        """

    @abstractmethod
    def wake(self) -> None:
        """End a `wait` from any thread, or the next one."""

    @abstractmethod
    def flush(self) -> None:
        """Send what the writers hold back; call it before every wait."""

    @abstractmethod
    def close(self) -> None:
        """Leave the bus. Instances that were not disposed read as LOST at the others."""

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
