"""Octets and tensors: numpy arrays of 64 KiB and 1 MiB from one process to another, beside raw TCP in the same run.

Over the bus by `TensorWriter` and `TensorReader`, flow control included: what counts is what has arrived, and none may
be missing or changed. On either side Hedgerow copies a payload once: into the sample that the library keeps, and out of
it. By TCP the array's memory goes to `sendall`, and `recv_into` fills a new array.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bus_peers import PATIENCE_S, BusSilent
from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.figures import Figure, at_least
from benchmarks.peers import Pipe, peer, system_of_its_own
from hedgerow_nodes.core.bulk import TensorReader, TensorWriter
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

SIZES = {"64 KiB": 64 << 10, "1 MiB": 1 << 20}
KINDS = {"octets": "u1", "tensors": "<f4"}
TRIALS = 5
TRIAL_S = 0.5
WARM_S = 0.1
NAME = "benchmarks/stream"
NUMBERS = 251
LAST = 255
"""The first element of the array that ends a trial; in all others it counts modulo NUMBERS."""

Array = NDArray[Any]


def measure() -> list[Figure]:
    """For each size and kind, trials over the bus and by TCP, by turns."""
    figures = []
    with on_core(OURS), _over_bus() as over_bus, _by_tcp() as by_tcp:
        for size_name, size in SIZES.items():
            for kind, dtype in KINDS.items():
                ours, theirs = [], []
                for _ in range(TRIALS):
                    ours.append(_mb_per_s(over_bus, size, dtype))
                    theirs.append(_mb_per_s(by_tcp, size, dtype))
                rate = statistics.median(ours)
                details = {"raw_tcp_mb_per_s": theirs, "of_raw_tcp": rate / statistics.median(theirs)}
                figures.append(Figure(f"{kind} {size_name}", rate, "MB/s", (at_least(500),), details, tuple(ours)))
    return figures


class _Link:
    """A sender in a second process, and what arrives from it."""

    def __init__(self, pipe: Pipe, arrivals: Callable[[int, str], Iterator[Array]]) -> None:
        self.pipe = pipe
        self.arrivals = arrivals


def _mb_per_s(link: _Link, size: int, dtype: str) -> float:
    """Count what arrives for a time, after some that does not count; every array is looked at."""
    link.pipe.send((size, dtype))
    number, stopped = 0, False
    began_s = counted_from_s = time.perf_counter()
    counted_from, rate = 0, 0.0
    for array in link.arrivals(size, dtype):
        if array[0] == LAST and stopped:
            return rate
        if array.nbytes != size or array[0] != number % NUMBERS or array[-1] != number % NUMBERS:
            raise BusSilent(f"array {number} is not what was sent: {array[:1]}, {array.nbytes} bytes")
        number += 1
        now_s = time.perf_counter()
        if counted_from == 0 and now_s - began_s > WARM_S:
            counted_from_s, counted_from = now_s, number
        elif counted_from and not stopped and now_s - counted_from_s > TRIAL_S:
            rate = (number - counted_from) * size / 1e6 / (now_s - counted_from_s)
            stopped = True
            link.pipe.send("stop")
    raise BusSilent("nothing more came")


def _send(pipe: Any, write: Callable[[Array], object]) -> None:
    """The sender's process: for each trial asked for, arrays without a pause until it is stopped."""
    while True:
        size, dtype = pipe.recv()
        array = np.zeros(size // np.dtype(dtype).itemsize, dtype)
        number = 0
        while number % 32 or not pipe.poll():
            array[0] = array[-1] = number % NUMBERS
            write(array)
            number += 1
        pipe.recv()
        array[0] = array[-1] = LAST
        write(array)


@contextlib.contextmanager
def _over_bus() -> Iterator[_Link]:
    with (
        system_of_its_own() as environment,
        CycloneBus(environment) as bus,
        peer(_send_over_bus, environment, core=THE_PEERS) as pipe,
    ):
        reader = TensorReader(bus, NAME)
        yield _Link(pipe, lambda size, dtype: _arrivals(bus, reader))
        refused = reader.malformed + reader.incomplete + reader.duplicates
        assert not refused, f"{refused} chunks or tensors were refused"


def _arrivals(bus: Bus, reader: TensorReader) -> Iterator[Array]:
    silent_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < silent_at_s:
        bus.wait(0.2)
        arrived = reader.take()
        yield from arrived
        if arrived:
            silent_at_s = time.monotonic() + PATIENCE_S


def _send_over_bus(pipe: Any, environment: Environment) -> None:
    with CycloneBus(environment) as bus:
        writer = TensorWriter(bus, NAME)
        while not writer.matched():
            bus.wait(0.01)
        _send(pipe, writer.write)


@contextlib.contextmanager
def _by_tcp() -> Iterator[_Link]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        peer(_send_by_tcp, listening.getsockname(), core=THE_PEERS) as pipe,
    ):
        connection, _ = listening.accept()

        def arrivals(size: int, dtype: str) -> Iterator[Array]:
            while True:
                array = np.empty(size // np.dtype(dtype).itemsize, dtype)
                left = array.view("u1").data
                while left:
                    left = left[connection.recv_into(left) :]
                yield array

        with connection:
            yield _Link(pipe, arrivals)


def _send_by_tcp(pipe: Any, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        _send(pipe, lambda array: connection.sendall(array.view("u1").data))
