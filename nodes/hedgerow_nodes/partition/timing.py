"""Time a model as a whole and node by node: processor time of the runs, split by ONNX Runtime's own record of nodes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray

from hedgerow_nodes.partition.attribution import clean_cuts, groups, layer_shares, node_layers
from hedgerow_nodes.partition.graph import Model
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.runtime import CPU, Optimisation, open_session, run_session
from hedgerow_nodes.partition.tensors import made_up

T = TypeVar("T")
Times = NDArray[np.float64]

WAIT_S = 0.015
"""Before one of two runs. A stage may wait for its items, and a processor that has waited begins slower: a run was seen
to take a quarter of a millisecond more after a wait of 15 ms, whatever it runs, and hardly more after one of 2 ms."""

_WARM_RUNS = 2
_MOST_INTERRUPTED = 1.1
"""A run of which wall time is more than this many times processor time was interrupted; its record is of no use."""


@dataclass(frozen=True)
class Timed:
    """Seconds of runs.

    Attributes:
        whole: `[iteration]`, of the model as it is served, right after another run of it.
        waking: `[iteration]`, by how much the run before, after a wait of WAIT_S, took longer.
        layers: `[iteration, layer]`, summing to `whole`.
        clean: of the cut behind each layer, whether it goes through nothing that runs as one.
    """

    whole: Times
    waking: Times
    layers: Times
    clean: tuple[bool, ...]


def clock(providers: Sequence[str], threads: int) -> Callable[[], float]:
    """What a run costs: the thread's processor time; with more threads the process's; on a device the time it takes."""
    if providers[0] != CPU:
        return time.perf_counter
    return time.thread_time if threads == 1 else time.process_time


def steady(times: Times) -> float:
    """The mean of the middle half: what most runs take, whatever interrupted the others."""
    ordered = np.sort(times)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def time_waiting(run: Callable[[], T], now: Callable[[], float]) -> tuple[float, float, T]:
    """Run after a wait, and once more at once.

    Returns:
        Seconds of the second run, by how much the first took longer, and what it gave.
    """
    time.sleep(WAIT_S)
    begin = now()
    found = run()
    between = now()
    run()
    at_once_s = now() - between
    return at_once_s, between - begin - at_once_s, found


def time_layers(
    model: Model, path: Path, folder: Path, iterations: int, providers: Sequence[str], threads: int
) -> Timed:
    """Runs of the whole model, interleaved with runs that record every node.

    Args:
        path: the whole model as a part, which is what workers run.
        folder: for files that are needed meanwhile.

    Raises:
        ModelError: the model cannot be run.
    """
    feed = {name: value for name, value in made_up(model.inputs).items() if _is_fed(model, name)}
    plain = open_session(path, path.name, providers, threads)
    alone = _Recorder(path, folder / "alone", providers, threads, "exact")
    try:
        optimised_file = _optimised(path, folder, providers, threads)
        optimised = _Recorder(optimised_file, folder / "optimised", providers, threads, "exact")
    except ModelError:
        # Some providers compile nodes that cannot be written; then the layers alone have to tell the shares.
        optimised = alone
    now = clock(providers, threads)
    outputs = [one.name for one in plain.get_outputs()]
    timed: list[tuple[float, float]] = []
    for index in range(_WARM_RUNS + iterations):
        timed.append(time_waiting(lambda: run_session(plain, outputs, feed, path.name), now)[:2])
        optimised.run(feed)
        if optimised is not alone and index < _WARM_RUNS + 3:
            alone.run(feed)
    seconds, waking = np.array(timed[_WARM_RUNS:]).T
    stands_for = node_layers(model.layers, optimised.nodes)
    of_nodes = optimised.records()
    by_itself = of_nodes if optimised is alone else alone.records()
    in_layers = np.zeros(len(model.layers))
    for node, layer in enumerate(node_layers(model.layers, alone.nodes)):
        if layer is not None:
            in_layers[layer] += np.median(by_itself[:, node])
    shares = layer_shares(model.layers, stands_for, of_nodes, np.maximum(in_layers, 1e-9))
    chosen = shares[np.arange(iterations) % len(shares)]
    return Timed(seconds, waking, seconds[:, None] * chosen, clean_cuts(groups(model.layers, stands_for)))


def _is_fed(model: Model, name: str) -> bool:
    return any(name in layer.inputs for layer in model.layers)


def _optimised(path: Path, folder: Path, providers: Sequence[str], threads: int) -> Path:
    """The graph as it is really run, with the layouts of this processor, as a file."""
    target = folder / "optimised.onnx"
    open_session(path, path.name, providers, threads, optimised_to=str(target))
    if not target.is_file():
        raise ModelError("the optimised graph was not written")
    return target


class _Recorder:
    """A session that records how long every node takes.

    Nodes are told apart by names of ours, not by an index, whose key ONNX Runtime has renamed between versions, and
    which counts otherwise than the file does. Times are what a node took on the thread that runs the graph, and so are
    never missing where no helper thread took part.
    """

    def __init__(
        self, path: Path, begin: Path, providers: Sequence[str], threads: int, optimisation: Optimisation
    ) -> None:
        named = onnx.load(str(path))
        self.nodes: list[onnx.NodeProto] = []
        for index, node in enumerate(named.graph.node):
            kept = onnx.NodeProto()
            kept.CopyFrom(node)
            self.nodes.append(kept)
            node.name = f"node:{index}:"
        del named.graph.value_info[:]
        renamed = begin.with_suffix(".named.onnx")
        renamed.write_bytes(named.SerializeToString())
        self._name = path.name
        self._session: Any = open_session(renamed, path.name, providers, threads, optimisation, str(begin))
        self._outputs = [one.name for one in self._session.get_outputs()]
        self._interrupted: list[bool] = []

    def run(self, feed: dict[str, Any]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        run_session(self._session, self._outputs, feed, self._name)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self._interrupted.append(wall > _MOST_INTERRUPTED * cpu)

    def records(self) -> Times:
        """Microseconds, `[run, node]`, without the warm-up, and without interrupted runs where others are left."""
        found: dict[int, list[float]] = {}
        for event in json.loads(Path(self._session.end_profiling()).read_text()):
            name = event.get("name", "")
            if event.get("cat") == "Node" and name.startswith("node:") and name.endswith(":_kernel_time"):
                # Whole microseconds, cut off: half a one is lost on average.
                found.setdefault(int(name.split(":")[1]), []).append(float(event["dur"]) + 0.5)
        runs = len(self._interrupted)
        times = np.zeros((runs, len(self.nodes)))
        for index, each in found.items():
            if len(each) == runs:
                times[:, index] = each
        usable = [index for index in range(_WARM_RUNS, runs) if not self._interrupted[index]]
        return times[usable or list(range(_WARM_RUNS, runs))]
