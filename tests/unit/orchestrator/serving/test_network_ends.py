"""Where a network is cut depends on where its source and its sink have to be."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_planner import NETWORK, plan, worker

from hedgerow_orchestrator.placement.replacement import Policy
from hedgerow_orchestrator.serving import network_place
from hedgerow_orchestrator.serving.comparing import compare
from hedgerow_orchestrator.serving.figures import Figures, Profile, read_profile
from hedgerow_orchestrator.serving.workers import Worker

BYTES_PER_S = 1e6


def profiled(seconds: list[float], cuts: list[float], input_bytes: float) -> Profile:
    layers = [{"name": f"l{at}", "op": "x", "seconds_mean": each} for at, each in enumerate(seconds)]
    return read_profile(json.dumps({"digest": "d", "layers": layers, "cut_bytes": cuts, "input_bytes": input_bytes}))


def three(**hosts: Any) -> list[Worker]:
    links = dict.fromkeys("abc", (BYTES_PER_S, 0.001))
    return [worker(name, {to: each for to, each in links.items() if to != name}, **hosts) for name in "abc"]


def between(source: str, sink: str, **placement: Any) -> dict[str, Any]:
    handlers = [
        {"name": "in", "type": "tensor_source", **({"requires": {"pin": source}} if source else {})},
        {"name": "out", "type": "tensor_sink", **({"requires": {"pin": sink}} if sink else {})},
    ]
    return {**NETWORK, "handlers": handlers, "placement": {"objective": "throughput", **placement}}


def least_interval_s(times: list[list[float]], cuts: list[float], input_bytes: float, ends: str, most: int) -> float:
    """By looking at every way to cut and to place: the slowest worker or link."""
    count, best = len(times), math.inf
    for parts in range(1, min(most, count, 3) + 1):
        for inner in itertools.combinations(range(1, count), parts - 1):
            bounds = (0, *inner, count)
            for nodes in itertools.permutations(range(3), parts):
                path = ["abc".index(ends[0]), *nodes, "abc".index(ends[1])]
                sizes = [input_bytes, *(cuts[at - 1] for at in inner), cuts[-1]]
                sent = zip(path, path[1:], sizes, strict=False)
                over = [size / BYTES_PER_S for one, two, size in sent if one != two]
                work = [
                    sum(times[layer][node] for layer in range(bounds[at], bounds[at + 1]))
                    for at, node in enumerate(nodes)
                ]
                best = min(best, max([*over, *work]))
    return best


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(1e-3, 1e-1)] * 3, st.floats(1.0, 1e5)), min_size=1, max_size=6),
    st.floats(1.0, 1e5),
    st.sampled_from(["aa", "ac", "bc"]),
    st.integers(1, 3),
)
def test_the_links_of_source_and_sink_count_as_the_networks_own(
    layers: list[tuple[float, float, float, float]], input_bytes: float, ends: str, most: int
) -> None:
    figures = Figures()
    cuts = [each[3] for each in layers]
    figures.profiles["m.onnx", ""] = {
        name: profiled([each[at] for each in layers], cuts, input_bytes) for at, name in enumerate("abc")
    }
    # Parts that are more alike may cost some of the rate, which is another test's: here it is the best there is.
    with patch.object(network_place, "EVENNESS", 0.0):
        proposal = plan(between(*ends, max_partitions=most), three(cores=64), figures)
    cut = proposal.placed[0].plan
    assert cut.is_exact
    best_s = least_interval_s([list(each[:3]) for each in layers], cuts, input_bytes, ends, most)
    assert cut.value == pytest.approx(best_s, rel=1e-5)
    parts = [key for key in proposal.nodes if key[0].startswith("net/")]
    assert len(parts) == len(proposal.boundaries["net"]) - 1 <= most


def test_the_first_part_is_beside_a_source_that_cannot_move() -> None:
    """600 kB to another worker take 0.6 s; what crosses the cut takes a millisecond."""
    figures = Figures()
    figures.profiles["m.onnx", ""] = {name: profiled([0.01, 0.01], [1e3, 1e3], 6e5) for name in "abc"}
    proposal = plan(between("c", ""), three(), figures)
    assert proposal.nodes["net/0", 0] == "c"
    assert proposal.predicted["bottleneck_s"] == pytest.approx(0.01, abs=1e-3)
    assert len(proposal.boundaries["net"]) == 3
    by_hand = {**NETWORK["networks"][0], "partitions": [1], "placement": ["a", "b"]}
    far = plan({**between("c", ""), "networks": [by_hand]}, three(), figures)
    assert far.predicted["bottleneck_s"] == pytest.approx(0.6, rel=1e-3)


def test_what_runs_is_compared_with_its_ends() -> None:
    """On a worker away from the source it is worse, beside it the same."""
    figures = Figures()
    figures.profiles["m.onnx", ""] = {name: profiled([0.01, 0.01], [1e3, 1e3], 6e5) for name in "abc"}
    workers = three()
    proposal = plan(between("c", "c"), workers, figures)
    policy = Policy()
    running = {**proposal.nodes}
    same = compare(proposal, running, proposal.boundaries, workers, math.inf, policy)
    assert (same.verdict, same.is_move) == ("same", False)
    # The workers a and b are alike, so what runs on the other one of them is as good, and stays.
    running = {key: {"a": "b", "b": "a"}.get(name, name) for key, name in running.items()}
    assert running != proposal.nodes
    alike = compare(proposal, running, proposal.boundaries, workers, math.inf, policy)
    assert (alike.is_move, alike.reason[:28]) == (False, "no: the plan is no better (1")
    other = next(name for name in "abc" if name not in running.values())
    running["net/0", 0] = other
    better = compare(proposal, running, proposal.boundaries, workers, math.inf, policy)
    assert (better.verdict, better.is_move) == ("better", True)
    assert "where in is" in proposal.explanation or "where in is" in " ".join(proposal.words)


def test_parts_get_alike_though_each_worker_measured_for_itself() -> None:
    """Six layers on one machine with a core and a half: a worker that measured 1 % more gets no less work for that."""
    figures = Figures()
    seconds = {"a": 0.01, "b": 0.0101, "c": 0.0101}
    figures.profiles["m.onnx", ""] = {name: profiled([each] * 6, [1e2] * 6, 1e2) for name, each in seconds.items()}
    proposal = plan(between("a", "a", max_partitions=2), three(host_id="h", cores=1.5), figures)
    assert proposal.boundaries["net"] == (0, 3, 6)
    placed = next(each for each in proposal.placed if each.what == "net")
    assert 0 < placed.plan.gap < 0.01
    assert "the slowest takes 30.3 ms and not 40 ms" in " ".join(proposal.words)


def test_a_cut_that_costs_more_to_move_items_than_it_gains_is_not_made() -> None:
    """On one machine with two cores: two parts of 10 ms gain nothing where an item takes 6 ms to be moved."""
    figures = Figures()
    figures.profiles["m.onnx", ""] = {name: profiled([0.01, 0.01], [1e2, 1e2], 1e2) for name in "abc"}
    workers = three(host_id="h", cores=2)
    assert len(plan(between("a", "a"), workers, figures).boundaries["net"]) == 3
    for each in workers:
        each.status.item_cpu_s = 0.012
    assert plan(between("a", "a"), workers, figures).boundaries["net"] == (0, 2)
