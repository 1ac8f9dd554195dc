"""The same six-step graph on Dask distributed, on Ray, and on bare pipes: trivial work, no store, no heartbeats kept.

Each rival gives tasks a second with many in flight, and how long one task alone takes.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

IN_FLIGHT = 64
WARM = 10
ALONE = 30

INPUTS: dict[str, tuple[str, ...]] = {
    "a": ("input",),
    "b": ("input",),
    "c": ("input",),
    "d": ("a", "b", "c"),
    "e": ("d", "a", "c"),
    "f": ("d", "e"),
}
"""The graph of the advice pipeline."""


def work(name: str, *values: str) -> str:
    """What each step does."""
    return f"{name}({len(values)} {values[0][:20]})"


@dataclass(frozen=True)
class Rate:
    """What a rival reached."""

    tasks_per_s: float
    alone_p50_ms: float


class Graph(Protocol):
    """A rival that is up."""

    def begin(self, text: str) -> None:
        """Send off one task."""

    def finish_some(self) -> int:
        """Wait; how many tasks have ended."""
        ...


def measure(graph: Graph, duration_s: float) -> Rate:
    """First one at a time, then many."""
    for number in range(WARM):
        _alone_s(graph, number)
    alone_s = [_alone_s(graph, number) for number in range(ALONE)]
    began_s = time.perf_counter()
    begun = done = 0
    while True:
        while begun - done < IN_FLIGHT and time.perf_counter() - began_s < duration_s:
            graph.begin(f"task {begun}")
            begun += 1
        if begun == done:
            break
        done += graph.finish_some()
    return Rate(done / (time.perf_counter() - began_s), statistics.median(alone_s) * 1e3)


def _alone_s(graph: Graph, number: int) -> float:
    began_s = time.perf_counter()
    graph.begin(f"task {number}")
    while not graph.finish_some():
        pass
    return time.perf_counter() - began_s


# --- bare pipes -----------------------------------------------------------------------------------------------------


class PipeGraph:
    """Six processes, a pipe to each; the parent joins the inputs. The least that Python can do."""

    def __init__(self, connections: dict[str, Any]) -> None:
        self._connections = connections
        self._names = {id(connection): name for name, connection in connections.items()}
        self._values: dict[int, dict[str, str]] = {}
        self._next = 0

    def begin(self, text: str) -> None:
        self._next += 1
        self._values[self._next] = {"input": text}
        for name in ("a", "b", "c"):
            self._connections[name].send((self._next, (text,)))

    def finish_some(self) -> int:
        done = 0
        ready: list[Any] = multiprocessing.connection.wait(list(self._connections.values()))
        for connection in ready:
            name = self._names[id(connection)]
            number, value = connection.recv()
            values = self._values[number]
            values[name] = value
            if name == "f":
                del self._values[number]
                done += 1
                continue
            for follower, inputs in INPUTS.items():
                if name in inputs and all(each in values for each in inputs):
                    self._connections[follower].send((number, tuple(values[each] for each in inputs)))
        return done


def _pipe_worker(name: str, connection: Any) -> None:
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            number, values = connection.recv()
            connection.send((number, work(name, *values)))


@contextlib.contextmanager
def pipes() -> Iterator[Graph]:
    """Six spawned processes."""
    context = multiprocessing.get_context("spawn")
    ours, processes = {}, []
    for name in INPUTS:
        ours[name], theirs = context.Pipe()
        processes.append(context.Process(target=_pipe_worker, args=(name, theirs), daemon=True))
        processes[-1].start()
        theirs.close()
    yield PipeGraph(ours)
    for connection in ours.values():
        connection.close()
    for process in processes:
        process.join()


# --- Dask -----------------------------------------------------------------------------------------------------------


class DaskGraph:
    """Six futures a task; the scheduler sees the graph."""

    def __init__(self, client: Any) -> None:
        from distributed import as_completed

        self._client = client
        self._completed = as_completed()
        self._next = 0

    def begin(self, text: str) -> None:
        self._next += 1
        made: dict[str, Any] = {"input": text}
        for name, inputs in INPUTS.items():
            key = f"{name}-{self._next}"
            made[name] = self._client.submit(work, name, *[made[each] for each in inputs], key=key)
        self._completed.add(made["f"])

    def finish_some(self) -> int:
        future = next(self._completed)
        assert future.result().startswith("f(")
        return 1


@contextlib.contextmanager
def dask() -> Iterator[Graph]:
    """A local cluster of six worker processes."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=6,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield DaskGraph(client)


# --- Ray ------------------------------------------------------------------------------------------------------------


class RayGraph:
    """Six remote calls a task, each given the references of its inputs."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._work = ray.remote(num_cpus=1)(work)
        self._open: list[Any] = []

    def begin(self, text: str) -> None:
        made: dict[str, Any] = {"input": text}
        for name, inputs in INPUTS.items():
            made[name] = self._work.remote(name, *[made[each] for each in inputs])
        self._open.append(made["f"])

    def finish_some(self) -> int:
        ready, self._open = self._ray.wait(self._open, num_returns=1)
        for reference in ready:
            assert self._ray.get(reference).startswith("f(")
        return len(ready)


@contextlib.contextmanager
def ray() -> Iterator[Graph]:
    """A local Ray of six worker processes."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray as library

    library.init(
        num_cpus=6,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
        object_store_memory=100_000_000,
    )
    try:
        yield RayGraph(library)
    finally:
        library.shutdown()


RIVALS: dict[str, Callable[[], contextlib.AbstractContextManager[Graph]]] = {"dask": dask, "ray": ray, "pipes": pipes}


def measure_all(duration_s: float) -> dict[str, Rate]:
    """Every rival, one after another."""
    rates = {}
    for name, start in RIVALS.items():
        with start() as graph:
            rates[name] = measure(graph, duration_s)
    return rates
