"""The binding as its manual shows it: `write` and `take` of its own, no codec of Hedgerow's and no batching."""

from __future__ import annotations

import time
from typing import Any

from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState, WaitSet
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from benchmarks.bus_peers import MATCH_S, BusSilent
from benchmarks.message import Reading, reading
from hedgerow_nodes.core.discovery import domain_xml
from hedgerow_nodes.core.environment import Environment

QOS = Qos(Policy.Reliability.Reliable(duration(seconds=10)), Policy.History.KeepAll)
TAKEN_AT_ONCE = 512


def send_until_closed(pipe: Any, environment: Environment) -> None:
    """The sender's process: write readings, numbered from 0, until the pipe is closed."""
    _domain, participant = _join(environment)
    writer = DataWriter(participant, _topic(participant), QOS)
    give_up_at_s = time.monotonic() + MATCH_S
    while not writer.get_matched_subscriptions():
        if time.monotonic() > give_up_at_s:
            raise BusSilent(f"no reader within {MATCH_S:g} s")
        time.sleep(0.01)
    message = reading(0)
    message.values = message.values.tolist()
    while not pipe.poll():
        for _ in range(100):
            writer.write(message)
            message.number += 1


def receive(pipe: Any, environment: Environment, warm: int, for_s: float) -> None:
    """The receiver's process: take from the sender for a time, after some that do not count; tell how many a second."""
    _domain, participant = _join(environment)
    reader = DataReader(participant, _topic(participant), QOS)
    waitset = WaitSet(participant)
    waitset.attach(ReadCondition(reader, SampleState.Any | ViewState.Any | InstanceState.Any))
    received = 0

    def take() -> None:
        nonlocal received
        waitset.wait(duration(seconds=10))
        for sample in reader.take(TAKEN_AT_ONCE):
            if not isinstance(sample, Reading):
                continue  # the sender was silent for its lease, and comes back
            if sample.number != received:
                raise BusSilent(f"message {sample.number} came where {received} was due")
            received += 1

    while received < warm:
        take()
    began_s, counted_from = time.perf_counter(), received
    while (took_s := time.perf_counter() - began_s) < for_s:
        take()
    pipe.send((received - counted_from) / took_s)


def _join(environment: Environment) -> tuple[Domain, DomainParticipant]:
    domain = Domain(environment.domain, domain_xml(environment.discovery, environment.peers))
    return domain, DomainParticipant(environment.domain)


def _topic(participant: DomainParticipant) -> Topic[Reading]:
    return Topic(participant, "benchmarks/plain", Reading)
