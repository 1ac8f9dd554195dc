"""Growth: pipeline throughput with many nodes registered, and with many tasks stored, against few in the same run."""

from __future__ import annotations

import contextlib
import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, fixed_at_most
from benchmarks.filled_store import fill
from benchmarks.peers import peer
from benchmarks.pipeline_system import PipelineSystem, pipeline_system
from hedgerow_idl import NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import topic_of
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

NODES = (10, 50, 100)
STORED = (1_000, 100_000, 1_000_000)
ROUNDS = 3
PART_S = 4.0
WARM_S = 2.0
IN_FLIGHT = 128
HEARTBEAT_S = 1.0
ALLOWED_FALL_PERCENT = 20.0


def measure() -> list[Figure]:
    """Each size is measured beside the small one, by turns, so that a slow minute of the machine slows both."""
    return [_figure("growth nodes", _with_nodes()), _figure("growth stored tasks", _with_stored_tasks())]


def _figure(name: str, falls: dict[int, tuple[float, float]]) -> Figure:
    """The largest fall, in percent of the rate beside it."""
    percent = {size: (1 - rate / small) * 100 for size, (small, rate) in falls.items()}
    details = {"tasks_per_s_small_and_large": falls, "fall_percent": percent}
    return Figure(
        name, max(percent.values()), "% fall", (fixed_at_most(ALLOWED_FALL_PERCENT),), details, tuple(percent.values())
    )


def _with_nodes() -> dict[int, tuple[float, float]]:
    falls = {}
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder, pipeline_system(Path(folder)) as system:
        system.client.run_for(WARM_S, IN_FLIGHT)
        for count in NODES:
            without, among = [], []
            for _ in range(ROUNDS):
                without.append(system.client.run_for(PART_S, IN_FLIGHT))
                with peer(_announce, system.environment, count) as crowd:
                    crowd.receive()
                    _warm(system)
                    among.append(system.client.run_for(PART_S, IN_FLIGHT))
            falls[count] = statistics.median(without), statistics.median(among)
    return falls


def _announce(pipe: Any, environment: Environment, count: int) -> None:
    """Announce so many nodes of a kind that no pipeline asks for, and keep their heartbeats up."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    incarnation = time.time_ns()
    with CycloneBus(environment) as bus:
        infos, statuses = bus.writer(topic_of(NodeInfo)), bus.writer(topic_of(NodeStatus))
        for number, node_id in enumerate(ids):
            name = f"crowd-{number}"
            infos.write(NodeInfo(node_id=node_id, incarnation=incarnation, name=name, kind="crowd", host="bench"))
        pipe.send("announced")
        while not pipe.poll():
            for node_id in ids:
                status = NodeStatus(node_id=node_id, incarnation=incarnation, state=NodeState.IDLE)
                statuses.write(status)
            bus.flush()
            bus.wait(HEARTBEAT_S)


def _with_stored_tasks() -> dict[int, tuple[float, float]]:
    falls = {}
    few, *many = STORED
    for count in many:
        with _filled(few) as small, _filled(count) as large:
            rates: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                for home, found in zip((small, large), rates, strict=True):
                    with pipeline_system(home) as system:
                        _warm(system)
                        found.append(system.client.run_for(PART_S, IN_FLIGHT))
            falls[count] = statistics.median(rates[0]), statistics.median(rates[1])
    return falls


def _warm(system: PipelineSystem) -> None:
    system.client.run_for(WARM_S, IN_FLIGHT)


@contextlib.contextmanager
def _filled(tasks: int) -> Iterator[Path]:
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        fill(Environment.read({"HEDGEROW_HOME": folder}), tasks)
        yield Path(folder)
