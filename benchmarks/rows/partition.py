"""Partition: three parts against the whole on one machine, part times against the profile, plans against what runs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, fixed_at_most
from hedgerow_nodes.estimators.models.bundled_weights import folder as weights_folder
from hedgerow_nodes.partition import Model, Part, Profile, extract, load, profile, super_layers
from hedgerow_nodes.partition.plan import of_layers, of_super_layers
from hedgerow_nodes.partition.tensors import made_up
from hedgerow_nodes.partition.timing import time_waiting
from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.problem import Costs, Node, Problem, Rules, chain
from hedgerow_orchestrator.placement.solve import solve

NAMES = ("efficientnet-lite0", "nanodet-g-416", "minilm-l6-v2")
ITERATIONS = 8
ROUNDS = 3
"""Profiles and what they predict take turns, and the middle ones count: a machine may be slower for some seconds."""

TURNS = 9
"""Of each round."""

PAIRS = 25
WORKERS = 3
LIMIT = 15.0
"""Percent, of the overhead and of predictions."""


def measure() -> list[Figure]:
    """All figures; the clock is the thread's own processor time, and parts and whole run in turn.

    What is predicted is a part's time right after another run of it, and after a wait; each is held against its own.
    """
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            figures += _one(name, Path(folder))
    return figures


def _one(name: str, folder: Path) -> list[Figure]:
    model = load(weights_folder() / f"{name}.onnx")
    found = profile(model, ITERATIONS, folder=folder)
    planned, cuts = _planned(found)
    parts = [Part(extract(model, *ends, folder)) for ends in zip((0, *cuts), (*cuts, -1), strict=True)]
    whole = Part(extract(model, 0, -1, folder))
    alone, apart = _in_turn(model, whole, parts)
    overheads = tuple(100 * (sum(pair) / one - 1) for one, pair in zip(alone, apart, strict=True))
    profiles, turns = [found], []
    for _ in range(ROUNDS):
        turns += [_at_once_and_waited(model, whole, parts) for _ in range(TURNS)]
        profiles.append(profile(model, ITERATIONS, folder=folder))
    measured = np.median(turns, axis=0)
    predicted = np.median([_predicted(each, parts) for each in profiles], axis=0)
    errors = 100 * (predicted / measured[1:] - 1)
    summed = statistics.median(sum(one.seconds_mean for one in each.layers) for each in profiles)
    off = float(100 * (summed / measured[0, 0] - 1))
    details = {"cuts": list(cuts), "parts_s": np.median(apart, axis=0).tolist(), "whole_s": statistics.median(alone)}
    return [
        Figure(
            f"partition overhead: {name}",
            statistics.median(overheads),
            "%",
            (fixed_at_most(LIMIT),),
            details,
            overheads,
        ),
        Figure(
            f"partition prediction: {name}",
            float(np.abs(errors).max()),
            "%",
            (fixed_at_most(LIMIT),),
            {"predicted_s": predicted.tolist(), "of each part, at once and after a wait": errors.tolist()},
        ),
        Figure(f"partition layers to whole: {name}", abs(off), "%", (fixed_at_most(LIMIT),), {"signed": off}),
        Figure(
            f"partition difference: {name}",
            _difference(model, whole, parts),
            "of the largest",
            (fixed_at_most(2e-5),),
        ),
        Figure(f"partition deployed as planned: {name}", _moved(planned, parts), "layers", (fixed_at_most(0),)),
    ]


def _predicted(found: Profile, parts: list[Part]) -> NDArray[np.float64]:
    """Seconds, `[part, (right after a run, after a wait)]`."""
    at_once = np.array([found.seconds(part.first, part.last) for part in parts])
    return np.stack([at_once, at_once + found.waking_seconds], axis=1)


def _planned(found: Profile) -> tuple[list[str], tuple[int, ...]]:
    """The worker of each layer, and the boundaries deployed, for three workers alike with links of 10 Gbit/s."""
    chosen = super_layers(found)
    stages, edges = chain(tuple(one.name for one in chosen.layers), chosen.cut_bytes[:-1], chosen.memory_bytes)
    seconds = np.array([one.seconds_mean for one in chosen.layers])
    problem = Problem(
        stages=stages,
        edges=edges,
        nodes=tuple(Node(f"worker {index}") for index in range(WORKERS)),
        costs=Costs.measured(np.repeat(seconds[:, None], WORKERS, axis=1)),
        links=Links(np.full((WORKERS, WORKERS), 1.25e9), np.full((WORKERS, WORKERS), 2e-4)),
        rules=Rules(max_partitions=WORKERS),
    )
    plan = solve(problem, time.thread_time, 1.0)
    begins = (0, *chosen.ends)
    planned = [node for index, node in enumerate(plan.nodes) for _ in range(begins[index], begins[index + 1])]
    return planned, of_super_layers(of_layers(plan.nodes)[0], chosen.ends)


def _in_turn(model: Model, whole: Part, parts: list[Part]) -> tuple[list[float], list[list[float]]]:
    feed = made_up(model.inputs)
    for part in (whole, *parts):
        part.warm()
    alone: list[float] = []
    apart: list[list[float]] = []
    for turn in range(PAIRS):
        for is_whole in (True, False) if turn % 2 else (False, True):
            if is_whole:
                alone.append(_timed(whole, feed)[0])
                continue
            tensors: Mapping[str, Any] = feed
            times = []
            for part in parts:
                used, tensors = _timed(part, tensors)
                times.append(used)
            apart.append(times)
    return alone, apart


def _at_once_and_waited(model: Model, whole: Part, parts: list[Part]) -> NDArray[np.float64]:
    """Seconds, `[whole and each part, (right after a run, after a wait)]`: what the profile predicts."""
    feed = made_up(model.inputs)
    at_once_s, longer_s, _ = time_waiting(partial(whole.run, feed), time.thread_time)
    times = [(at_once_s, at_once_s + longer_s)]
    tensors: Mapping[str, Any] = feed
    for part in parts:
        at_once_s, longer_s, tensors = time_waiting(partial(part.run, tensors), time.thread_time)
        times.append((at_once_s, at_once_s + longer_s))
    return np.array(times)


def _timed(part: Part, tensors: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    begin = time.thread_time()
    found = part.run(tensors)
    return time.thread_time() - begin, found


def _difference(model: Model, whole: Part, parts: list[Part]) -> float:
    feed: Mapping[str, Any] = made_up(model.inputs)
    wanted = whole.run(feed)
    for part in parts:
        feed = part.run(feed)
    return max(float(np.abs(feed[name] - wanted[name]).max() / np.abs(wanted[name]).max()) for name in wanted)


def _moved(planned: list[str], parts: list[Part]) -> int:
    """Layers that run elsewhere than planned, by the ranges that the files of the parts state of themselves."""
    deployed = [(index, planned[part.first]) for part in parts for index in range(part.first, part.last)]
    return sum(planned[index] != node for index, node in deployed) + abs(len(planned) - len(deployed))
