"""Typed round trip: the 11-field message to a second process and back, beside a unix socket, by turns in one run.

Each process keeps to a core of its own, over the bus and over the socket alike.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.bus_peers import next_arrivals, wait_matched
from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.figures import Figure, at_most, at_most_times
from benchmarks.message import ECHOES, READINGS, Reading, reading
from benchmarks.peers import peer, system_of_its_own
from benchmarks.unix_socket import MESSAGE_BYTES, unix_echo
from hedgerow_idl.codec import Codec, codec_of
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.node_loop import LONGEST_WAIT_S

ROUND_TRIPS = 12_000
MOST_S = 12.0
BLOCK = 400
WARM = 40
NUMBERS = itertools.count()
"""At the begin of each block, not counted: the other transport's processes have had the cores."""


def measure() -> list[Figure]:
    """Blocks of round trips over the bus and over the socket, by turns."""
    codec: Codec[Reading] = codec_of(Reading)
    with (
        on_core(OURS),
        system_of_its_own() as environment,
        peer(_echo, environment, core=THE_PEERS) as echo,
        CycloneBus(environment) as bus,
        unix_echo() as connection,
    ):
        writer, reader = bus.writer(READINGS), bus.reader(ECHOES)
        echo.receive()
        wait_matched(bus, writer)

        def over_bus(message: Reading) -> Reading:
            writer.write(message)
            while True:
                for arrived in next_arrivals(bus, reader):
                    # A peer that was silent for its lease sends its whole ring again: only the answer counts.
                    back: Reading = arrived.sample
                    if back.number == message.number:
                        return back

        def over_socket(message: Reading) -> Reading:
            connection.send(codec.encode(message))
            decoded: Reading = codec.decode(connection.recv(MESSAGE_BYTES))
            return decoded

        bus_us: list[float] = []
        socket_us: list[float] = []
        give_up_at_s = time.monotonic() + MOST_S
        while len(bus_us) < ROUND_TRIPS and time.monotonic() < give_up_at_s:
            bus_us += _block_us(over_bus)
            socket_us += _block_us(over_socket)
    bus_p50, bus_p99 = _percentiles(bus_us)
    socket_p50, socket_p99 = _percentiles(socket_us)
    details = {
        "bus_p50_us": bus_p50,
        "bus_p99_us": bus_p99,
        "unix_socket_p50_us": socket_p50,
        "unix_socket_p99_us": socket_p99,
        "round_trips": len(bus_us),
    }
    counted = BLOCK - WARM
    p50s = tuple(statistics.median(bus_us[at : at + counted]) for at in range(0, len(bus_us), counted))
    return [
        Figure("round trip p50", bus_p50, "us", (at_most_times(2, socket_p50, "a unix socket"),), details, p50s),
        Figure(
            "round trip p99", bus_p99, "us", (at_most(1000), at_most_times(3, socket_p99, "a unix socket")), details
        ),
    ]


def _block_us(round_trip: Callable[[Reading], Reading]) -> list[float]:
    taken = []
    for _ in range(BLOCK):
        message = reading(next(NUMBERS))
        began = time.perf_counter_ns()
        back = round_trip(message)
        taken.append((time.perf_counter_ns() - began) / 1e3)
        assert back == message, "what came back is not what was sent"
    return taken[WARM:]


def _percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


def _echo(pipe: Any, environment: Environment) -> None:
    with CycloneBus(environment) as bus:
        reader, writer = bus.reader(READINGS), bus.writer(ECHOES)
        wait_matched(bus, writer)
        pipe.send("ready")
        while True:
            bus.flush()
            bus.wait(LONGEST_WAIT_S)
            for received in reader.take():
                writer.write(received.sample)
