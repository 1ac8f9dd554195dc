"""Typed throughput: the 11-field message in a batched stream, beside the binding's plain write and take."""

from __future__ import annotations

import statistics
import time

from benchmarks import binding, stream
from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.figures import Figure, at_least, at_least_times
from benchmarks.garbage import collecting_as_in_a_node
from benchmarks.peers import peer, system_of_its_own
from hedgerow_nodes.core.cyclone_bus import CycloneBus

TRIALS = 3
WARM = 20_000
BINDING_WARM = 2_000
TRIAL_S = 2.0


def measure() -> list[Figure]:
    """Trials over the bus and by the binding, by turns; every message is decoded, and none may be missing."""
    ours, costs, theirs = [], [], []
    for _ in range(TRIALS):
        rate, cost_us = _over_bus_per_s()
        ours.append(rate)
        costs.append(cost_us)
        theirs.append(_by_binding_per_s())
    plain = statistics.median(theirs)
    return [
        Figure(
            "throughput",
            statistics.median(ours),
            "msg/s",
            (at_least(100_000), at_least_times(10, plain, "the binding's write and take")),
            {"binding_per_s": theirs, "receiver_cpu_us_a_message": costs},
            tuple(ours),
        )
    ]


def _over_bus_per_s() -> tuple[float, float]:
    with (
        on_core(OURS),
        system_of_its_own() as environment,
        peer(stream.send_until_closed, environment, core=THE_PEERS),
        CycloneBus(environment) as bus,
        collecting_as_in_a_node(),
    ):
        receiving = stream.Receiving(bus)
        while receiving.received < WARM:
            receiving.next()
        began_s, used_s, counted_from = time.perf_counter(), time.process_time(), receiving.received
        while (took_s := time.perf_counter() - began_s) < TRIAL_S:
            receiving.next()
        received = receiving.received - counted_from
        return received / took_s, 1e6 * (time.process_time() - used_s) / received


def _by_binding_per_s() -> float:
    with (
        system_of_its_own() as environment,
        peer(binding.send_until_closed, environment, core=THE_PEERS),
        peer(binding.receive, environment, BINDING_WARM, TRIAL_S, core=OURS) as receiver,
    ):
        rate: float = receiver.receive()
        return rate
