"""What the topic commands do on the bus: list topics, follow one, measure its rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hedgerow_idl import NodeInfo
from hedgerow_idl.errors import SchemaError
from hedgerow_idl.plain import to_plain
from hedgerow_idl.schema import build
from hedgerow_idl.topics import BY_NAME, TOPICS, Profile, Topic, topic_of
from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_nodes.core.bus import Bus, Kind, Reader

Clock = Callable[[], float]
_ALL_PARTITIONS = "*"
_KEEPERS = (Profile.STATE, Profile.RING)


@dataclass(frozen=True)
class Rate:
    """How often samples came."""

    samples: int
    seconds: float

    @property
    def hz(self) -> float:
        """Samples a second."""
        return self.samples / self.seconds if self.seconds else 0.0


class Announced:
    """The topics that living nodes write: those of the table, and those of types that only their authors know."""

    def __init__(self, bus: Bus, clock: Clock = time.monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._infos: Reader[NodeInfo] = bus.reader(topic_of(NodeInfo))
        self.writers: dict[str, set[str]] = {}
        self.foreign: dict[str, Topic] = {}

    def listen(self, seconds: float, until: str | None = None) -> None:
        """Take in announcements for some time, or until a topic is announced."""
        ends_at = self._clock() + seconds
        while until not in self.foreign and (left := ends_at - self._clock()) > 0:
            self._bus.wait(left)
            for received in self._infos.take():
                if received.kind is Kind.DATA and received.sample.output_topic:
                    self._add(received.sample)

    def find(self, name: str, seconds: float) -> Topic:
        """The topic of a name.

        Raises:
            CommandFailure: no topic is called so, and no node announces one within the time.
        """
        if name in BY_NAME:
            return BY_NAME[name]
        self.listen(seconds, until=name)
        if name not in self.foreign:
            known = ", ".join((*BY_NAME, *sorted(self.foreign)))
            raise CommandFailure(f"topic {name!r} unknown; known: {known}", FAILED)
        return self.foreign[name]

    def rows(self) -> list[dict[str, Any]]:
        """Every topic known, as plain data."""
        topics = (*TOPICS, *(self.foreign[name] for name in sorted(self.foreign)))
        return [
            {
                "name": topic.name,
                "type": topic.type.__idl_typename__,
                "profile": str(topic.profile),
                "writer": topic.writer,
                "readers": list(topic.readers),
                "announced_by": sorted(self.writers.get(topic.name, ())),
            }
            for topic in topics
        ]

    def _add(self, info: NodeInfo) -> None:
        self.writers.setdefault(info.output_topic, set()).add(info.name)
        if info.output_topic in BY_NAME or info.output_topic in self.foreign:
            return
        try:
            wire_type = build(info.output_schema)
        except SchemaError as error:
            raise CommandFailure(f"node {info.name!r} announces {info.output_topic!r} unreadably: {error}") from error
        ring = Topic(info.output_topic, wire_type, Profile.RING, info.name, ("orchestrator",))
        self.foreign[info.output_topic] = ring


def follow(
    bus: Bus,
    topic: Topic,
    *,
    history: bool = False,
    count: int | None = None,
    timeout_s: float | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[dict[str, Any]]:
    """Yield samples as plain data: new ones, for states and with `history` also what was written before.

    It ends after `count` samples, or when none has come for `timeout_s`; without both it goes on for ever.
    """
    reader = _reader(bus, topic, live=not history and topic.profile is not Profile.STATE)
    left = count
    quiet_until = None if timeout_s is None else clock() + timeout_s
    while left is None or left > 0:
        for received in reader.take():
            if received.kind is Kind.DATA and (left is None or left > 0):
                yield to_plain(received.sample)
                left = None if left is None else left - 1
                quiet_until = None if timeout_s is None else clock() + timeout_s
        if quiet_until is not None and clock() >= quiet_until:
            return
        if left is None or left > 0:
            bus.wait(1.0 if quiet_until is None else max(0.0, quiet_until - clock()))


def measure(bus: Bus, topic: Topic, seconds: float, clock: Clock = time.monotonic) -> Rate:
    """Count the samples that are written while it listens."""
    reader = _reader(bus, topic, live=True)
    began_at = clock()
    samples = 0
    while (left := began_at + seconds - clock()) > 0:
        bus.wait(left)
        samples += sum(kind is Kind.DATA for kind, _ in reader.take_raw())
    return Rate(samples, clock() - began_at)


def _reader(bus: Bus, topic: Topic, *, live: bool) -> Reader[Any]:
    # A volatile reader gets nothing of what transient-local writers keep for those who come late.
    wanted = replace(topic, profile=Profile.COMMAND) if live and topic.profile in _KEEPERS else topic
    return bus.reader(wanted, _ALL_PARTITIONS if topic.profile is Profile.COMMAND else "")
