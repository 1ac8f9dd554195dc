"""The planner: who can host what and why not, what is predicted from what, and boundaries that are those planned."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from farm import CHAIN, pinned
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_worker import SimulatedWorker

from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import Gpu
from hedgerow_orchestrator.serving.blueprint import parse
from hedgerow_orchestrator.serving.figures import Figures, cost_key, read_profile
from hedgerow_orchestrator.serving.network_place import boundaries_from, nodes_from
from hedgerow_orchestrator.serving.parts import boundaries_of
from hedgerow_orchestrator.serving.plan_build import build, key_of
from hedgerow_orchestrator.serving.planner import propose
from hedgerow_orchestrator.serving.proposal import NoPlace, Proposal, Request
from hedgerow_orchestrator.serving.workers import Worker, read_catalogue


def worker(name: str, links: dict[str, tuple[float, float]] | None = None, **what: Any) -> Worker:
    simulated = SimulatedWorker(name)
    changes = {
        key: what.pop(key)
        for key in ("gpus", "has_tee", "has_tpm", "host_id", "run_times", "usable_cores")
        if key in what
    }
    is_cordoned = what.pop("is_cordoned", False)
    info = simulated.announce(**what)
    for key, value in changes.items():
        setattr(info, key, value)
    for to, (bandwidth, latency) in (links or {}).items():
        simulated.link(to, bandwidth, latency)
    made = Worker(name, name, 1, True, info, simulated.tell(), read_catalogue(info.catalogue))
    made.is_cordoned = is_cordoned
    return made


def plan(
    blueprint: dict[str, Any], workers: list[Worker], figures: Figures | None = None, request: Request | None = None
) -> Proposal:
    return propose(parse(blueprint), workers, figures or Figures(), request or Request(), lambda: 0.0)


def wanting(**requires: Any) -> dict[str, Any]:
    handlers = [dict(each) for each in CHAIN["handlers"]]
    handlers[1]["requires"] = requires
    return {**CHAIN, "handlers": handlers}


@pytest.mark.parametrize(
    ("requires", "has", "why"),
    [
        ({"labels": ["site=roof"]}, {"labels": ["site=roof"]}, "has no label 'site=roof'"),
        ({"nodes": ["good"]}, {}, "is none of good"),
        ({"pin": "good"}, {}, "is not 'good', to which it is pinned"),
        ({"gpu": True}, {"gpus": [Gpu(name="g", memory_bytes=1)]}, "has no GPU"),
        ({"tee": "required"}, {"has_tee": True}, "has no trusted execution environment"),
        ({"tpm": "required"}, {"has_tpm": True}, "has no TPM"),
        ({"providers": ["cam-1"]}, {"providers": ["cam-1", "cam-2"]}, "has no provider 'cam-1'"),
        ({"run_time": "wasm"}, {"run_times": ["python", "wasm"]}, "has no run-time 'wasm'"),
    ],
)
def test_a_requirement_chooses_the_worker_and_says_why_not_the_others(
    requires: dict[str, Any], has: dict[str, Any], why: str
) -> None:
    proposal = plan(wanting(**requires), [worker("bad", clock_hz=9e9), worker("good", **has)])
    assert proposal.nodes["middle", 0] == "good"
    with pytest.raises(NoPlace, match=f"no worker can host 'middle': bad {why}"):
        plan(wanting(**requires), [worker("bad")])


def test_a_cordon_keeps_new_instances_off_and_leaves_those_that_are_there() -> None:
    workers = [worker("a", is_cordoned=True), worker("b")]
    assert set(plan(CHAIN, workers).nodes.values()) == {"b"}
    here = {("source", 0): "a", ("middle", 0): "a", ("sink", 0): "a"}
    stay = Request(current=here, stay=frozenset(here))
    assert set(plan(CHAIN, workers, request=stay).nodes.values()) == {"a"}


def test_a_class_is_placed_by_its_provider() -> None:
    blueprint = {
        "name": "x",
        "handlers": [{"name": "eye", "class": "camera"}, {"name": "out", "type": "folder"}],
        "links": [{"from": "eye.image", "to": "out.image"}],
    }
    proposal = plan(blueprint, [worker("a"), worker("b", providers=["front", "back"])])
    assert (proposal.nodes["eye", 0], proposal.handlers["eye", 0]) == ("b", "camera")
    assert proposal.providers["eye", 0] == "front"
    with pytest.raises(NoPlace, match="a has no provider of class 'camera'"):
        plan(blueprint, [worker("a")])
    blueprint["handlers"][0] = {"name": "eye", "provider": "back"}  # type: ignore[index]
    proposal = plan(blueprint, [worker("a"), worker("b", providers=["front", "back"])])
    assert proposal.providers["eye", 0] == "back"


def test_together_and_apart_hold_for_every_strategy() -> None:
    for strategy in ("optimal", "random", "round_robin", "load_aware"):
        handlers = [dict(each) for each in CHAIN["handlers"]]
        handlers[1]["requires"], handlers[2]["requires"] = {"with": "source"}, {"apart_from": "middle"}
        blueprint = {**CHAIN, "handlers": handlers, "placement": {"strategy": strategy}}
        for seed in range(5):
            nodes = plan(blueprint, [worker(name) for name in "abc"], request=Request(seed=seed)).nodes
            assert nodes["middle", 0] == nodes["source", 0] != nodes["sink", 0]


def test_round_robin_goes_round_and_load_aware_avoids_load() -> None:
    handlers = [dict(each) for each in CHAIN["handlers"]]
    handlers[1]["instances"] = 6
    blueprint: dict[str, Any] = {**CHAIN, "handlers": handlers, "placement": {"strategy": "round_robin"}}
    nodes = list(plan(blueprint, [worker(name) for name in "abc"]).nodes.values())
    assert sorted(nodes.count(name) for name in "abc") == [2, 3, 3]
    busy, idle = worker("a"), worker("b", cores=16)
    busy.status.cpu_percent, idle.status.cpu_percent = 95.0, 5.0
    blueprint["placement"] = {"strategy": "load_aware"}
    assert "a" not in plan(blueprint, [busy, idle]).nodes.values()


def test_a_worker_that_has_not_told_its_load_is_not_taken_for_idle() -> None:
    workers = [worker(name) for name in "abc"]
    for each, percent in zip(workers, (30.0, math.nan, 60.0), strict=True):
        each.status.cpu_percent = percent
    blueprint = {**CHAIN, "placement": {"strategy": "load_aware"}}
    assert set(plan(blueprint, workers).nodes.values()) == {"a"}
    for each in workers:
        each.status.cpu_percent = math.nan
    assert set(plan(blueprint, workers).nodes.values()) == {"a", "b", "c"}


def test_manual_needs_a_place_for_each() -> None:
    blueprint = {**CHAIN, "placement": {"strategy": "manual"}}
    with pytest.raises(NoPlace, match="source, middle, sink has no place"):
        plan(blueprint, [worker("a"), worker("b")])
    placed = {**pinned(source="a", middle="b", sink="a"), "placement": {"strategy": "manual"}}
    assert plan(placed, [worker("a"), worker("b")]).nodes["middle", 0] == "b"


def test_costs_are_measured_scaled_or_assumed_and_it_says_which() -> None:
    figures = Figures()
    figures.costs[cost_key("change", {}), "a"] = 0.2
    proposal = plan(pinned(source="b", middle="b", sink="b"), [worker("a"), worker("b", clock_hz=4e9)], figures)
    words = " ".join(proposal.words)
    assert "the cost of middle on b was not measured but scaled from a" in words
    assert "the cost of source, sink was never measured anywhere" in words
    assert proposal.predicted["stages"]["middle"] == pytest.approx(0.1)
    cells = proposal.predicted["costs"]
    assert cells["middle"] == {
        "a": {"seconds": 0.2, "source": "measured"},
        "b": {"seconds": pytest.approx(0.1), "source": "scaled", "from": "a"},
    }
    assert {each["source"] for name in ("source", "sink") for each in cells[name].values()} == {"assumed"}


def test_of_a_large_table_of_costs_only_the_workers_in_use_are_told() -> None:
    handlers = [dict(each) for each in CHAIN["handlers"]]
    handlers[1]["instances"] = 60
    workers = [worker(f"w{number}") for number in range(40)]
    told = plan({**CHAIN, "handlers": handlers, "placement": {"strategy": "random"}}, workers).predicted
    assert len(told["costs"]) == 62
    assert {tuple(row) for row in told["costs"].values()} == {
        tuple(each.name for each in sorted(workers, key=lambda one: one.name) if each.name in told["places"].values())
    }


def test_a_link_never_measured_is_as_bad_as_the_worst_and_it_says_so() -> None:
    apart = pinned(source="a", middle="b", sink="b")
    unknown = plan(apart, [worker("a"), worker("b")])
    assert unknown.predicted["assumed_links"] == [["a", "b"]]
    assert "the link a to b was never measured; assumed are 1 MB/s and 50 ms" in " ".join(unknown.words)
    slow = plan(apart, [worker("a", {"c": (2e3, 0.5)}), worker("b"), worker("c")])
    assert "assumed are 2 kB/s and 500 ms" in " ".join(slow.words)
    known = plan(apart, [worker("a", {"b": (1e6, 0.01)}), worker("b")])
    assert known.predicted["assumed_links"] == []
    assert known.predicted["links"] == [{"from": "a", "to": "b", "seconds": pytest.approx(0.001)}]


def test_the_prediction_is_the_slowest_of_stages_links_and_shared_cores() -> None:
    figures = Figures()
    for name, seconds in (("generator", 0.01), ("change", 0.04), ("lines", 0.03)):
        for on in "ab":
            figures.costs[cost_key(name, {}), on] = seconds
    blueprint = pinned(source="a", middle="b", sink="a")
    fast = {"a": (1e12, 0.0), "b": (1e12, 0.0)}
    apart = plan(blueprint, [worker("a", fast), worker("b", fast)], figures)
    assert apart.predicted["bottleneck_s"] == pytest.approx(0.04)
    shared = [worker("a", fast, host_id="h", cores=1), worker("b", fast, host_id="h", cores=1)]
    assert plan(blueprint, shared, figures).predicted["bottleneck_s"] == pytest.approx(0.08)
    thin = [worker("a", {"b": (1e4, 0.0)}), worker("b", fast)]
    assert plan(blueprint, thin, figures).predicted["bottleneck_s"] == pytest.approx(0.1)


def profile(seconds: list[float], cuts: list[float], **more: Any) -> Any:
    layers = [
        {"name": f"l{at}", "op": "x", "seconds_mean": each, "seconds_std": 0.0} for at, each in enumerate(seconds)
    ]
    return read_profile(json.dumps({"digest": "d", "layers": layers, "cut_bytes": cuts, **more}))


NETWORK: dict[str, Any] = {
    "name": "cut",
    "handlers": [{"name": "in", "type": "tensor_source"}, {"name": "out", "type": "tensor_sink"}],
    "networks": [{"name": "net", "model": "m.onnx"}],
    "links": [{"from": "in.tensors", "to": "net.tensors"}, {"from": "net.tensors", "to": "out.tensors"}],
}
LAYER = st.floats(1e-4, 1e-1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(LAYER, LAYER, LAYER, st.floats(1.0, 1e5)), min_size=1, max_size=9),
    st.integers(1, 3),
    st.sampled_from(["throughput", "latency"]),
)
def test_the_boundaries_that_are_deployed_are_those_that_were_planned(
    layers: list[tuple[float, float, float, float]], most: int, objective: str
) -> None:
    names = "abc"
    links = dict.fromkeys(names, (1000000.0, 0.001))
    workers = [worker(name, {to: figure for to, figure in links.items() if to != name}) for name in names]
    figures = Figures()
    figures.profiles["m.onnx", ""] = {
        name: profile([each[at] for each in layers], [each[3] for each in layers[:-1]]) for at, name in enumerate(names)
    }
    blueprint = {**NETWORK, "placement": {"max_partitions": most, "objective": objective}}
    proposal = plan(blueprint, workers, figures)
    planned = proposal.placed[0].plan.nodes
    deployed = as_plan(proposal)
    parts = {each.name: each.parameters for each in deployed.instances if each.name.startswith("net/")}
    bounds = boundaries_of(parts, "net")
    nodes = [each.node_id for each in deployed.instances if each.name.startswith("net/")]
    assert nodes_from(bounds, nodes) == planned
    assert len(nodes) <= most
    assert all(parts[f"net/{at}"]["first"] < parts[f"net/{at}"]["last"] for at in range(len(parts)))


def as_plan(proposal: Proposal, before: Plan | None = None, logical: dict[Any, str] | None = None) -> Plan:
    ids = itertools.count()
    return build(
        proposal,
        service_id="s",
        service_name="s",
        epoch=2 if before else 1,
        trace=True,
        logical_ids={} if logical is None else logical,
        before=before,
        usable={each.physical_id for each in before.instances} if before else set(),
        first_sequences={},
        new_id=lambda: f"{'b' if before else 'a'}{next(ids)}",
    )


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_boundaries_and_layers_say_the_same_both_ways(nodes: list[str]) -> None:
    bounds, parts = boundaries_from(nodes)
    assert nodes_from(bounds, parts) == tuple(nodes)
    assert boundaries_from(nodes_from(bounds, parts)) == (bounds, parts)
    parameters = {f"n/{at}": {"first": bounds[at], "last": bounds[at + 1]} for at in range(len(parts))}
    assert boundaries_of(parameters, "n") == bounds


def test_boundaries_and_workers_that_a_person_gives_are_kept() -> None:
    figures = Figures()
    workers = [worker("a", {"b": (1e9, 0.0)}), worker("b", {"a": (1e9, 0.0)})]
    figures.profiles["m.onnx", ""] = {"a": profile([0.1] * 4, [1.0] * 3)}
    by_hand = {**NETWORK, "networks": [{**NETWORK["networks"][0], "partitions": [3], "placement": ["b", "a"]}]}
    proposal = plan(by_hand, workers, figures)
    assert proposal.boundaries == {"net": (0, 3, 4)}
    assert (proposal.nodes["net/0", 0], proposal.nodes["net/1", 0]) == ("b", "a")
    too_far = {**NETWORK, "networks": [{**NETWORK["networks"][0], "partitions": [9]}]}
    with pytest.raises(NoPlace, match="ascend from 0 to 4"):
        plan(too_far, workers, figures)


def test_what_stays_keeps_its_physical_id_and_logical_ids_never_change() -> None:
    logical: dict[Any, str] = {}
    workers = [worker("a"), worker("b")]
    first = as_plan(plan(pinned(source="a", middle="a", sink="a"), workers), logical=logical)
    again = as_plan(plan(pinned(source="a", middle="b", sink="a"), workers), first, logical)
    before, after = ({key_of(each): each for each in one.instances} for one in (first, again))
    assert {key: each.logical_id for key, each in before.items()} == {
        key: each.logical_id for key, each in after.items()
    }
    kept = {key[0] for key in before if before[key].physical_id == after[key].physical_id}
    assert kept == {"source", "sink"}


@pytest.mark.parametrize("text", ["", "{}", '{"digest":"d","layers":[],"cut_bytes":[]}'])
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="profile"):
        read_profile(text)


def test_a_part_that_takes_longer_than_profiled_makes_its_worker_slower() -> None:
    figures = Figures()
    figures.profiles["m.onnx", ""] = {"a": profile([0.1] * 4, [1.0] * 3)}
    key = cost_key("onnx_partition", {"model": "m.onnx", "sha256": "", "first": 0, "last": 2})
    network = parse(NETWORK).networks[0]
    assert figures.drift(network, "a") == 1.0
    figures.costs[key, "a"] = 0.4
    assert figures.drift(network, "a") == pytest.approx(2.0)
    other = {"model": "m.onnx", "sha256": "", "first": 2, "last": 3}
    assert figures.cost_of("onnx_partition", other, "a") == pytest.approx(0.2)
    assert math.isnan(figures.cost_of("onnx_partition", {"model": "other", "first": 0, "last": 1}, "a"))


@pytest.mark.parametrize(("measured", "drift"), [(0.20, 1.0), (0.25, 1.0), (0.30, 1.0), (0.10, 0.5), (0.60, 2.0)])
def test_what_waiting_explains_is_no_drift(measured: float, drift: float) -> None:
    waking = profile([0.1] * 4, [1.0] * 3, waking_seconds=0.1)
    figures = Figures(profiles={("m.onnx", ""): {"a": waking}})
    key = cost_key("onnx_partition", {"model": "m.onnx", "sha256": "", "first": 0, "last": 2})
    figures.costs[key, "a"] = measured
    assert figures.drift(parse(NETWORK).networks[0], "a") == pytest.approx(drift)


def test_the_digest_that_was_profiled_is_in_the_plan_and_figures_of_parts_are_found_by_it() -> None:
    figures = Figures()
    known = json.dumps({"digest": "d", "layers": LAYERS, "cut_bytes": [1.0] * 3, "file_sha256": "f" * 64})
    figures.profiles["m.onnx", ""] = {"a": read_profile(known)}
    proposal = plan(NETWORK, [worker("a")], figures)
    (part,) = [each for each in proposal.parts if each.name == "net/0"]
    assert part.parameters == {"model": "m.onnx", "sha256": "f" * 64, "first": 0, "last": 4}
    assert figures.cost_of(part.handler, part.parameters, "a") == pytest.approx(0.4)
    figures.costs[cost_key("onnx_partition", part.parameters), "a"] = 0.8
    assert figures.drift(parse(NETWORK).networks[0], "a") == pytest.approx(2.0)
    assert math.isnan(figures.cost_of("onnx_partition", {**part.parameters, "sha256": "0" * 64}, "a"))


LAYERS = [{"name": f"l{at}", "op": "x", "seconds_mean": 0.1, "seconds_std": 0.0} for at in range(4)]


def test_a_number_of_parts_is_kept_though_fewer_were_better() -> None:
    links = dict.fromkeys("abc", (1e6, 0.001))
    workers = [worker(name, {to: each for to, each in links.items() if to != name}) for name in "abc"]
    figures = Figures()
    figures.profiles["m.onnx", ""] = {name: profile([0.001] * 6, [1e6] * 5) for name in "abc"}
    wish = {**NETWORK["networks"][0], "partitions": 3}
    assert len(plan(NETWORK, workers, figures).boundaries["net"]) == 2
    proposal = plan({**NETWORK, "networks": [wish]}, workers, figures)
    assert len(proposal.boundaries["net"]) == 4
    assert len({proposal.nodes[f"net/{at}", 0] for at in range(3)}) == 3
    given = plan({**NETWORK, "networks": [{**wish, "placement": ["c", "a", "b"]}]}, workers, figures)
    assert [given.nodes[f"net/{at}", 0] for at in range(3)] == ["c", "a", "b"]
    with pytest.raises(NoPlace, match="3 parts need 3 workers, each its own, and 2 can host one: a, b"):
        plan({**NETWORK, "networks": [wish]}, workers[:2], figures)


def long_profile(layers: int, **more: Any) -> Any:
    random = np.random.default_rng(5)
    names = [{"name": f"l{at}", "op": "x", "seconds_mean": float(random.uniform(1e-4, 1e-2))} for at in range(layers)]
    cuts = [float(each) for each in random.uniform(1e3, 1e6, layers)]
    return read_profile(json.dumps({"digest": "d", "layers": names, "cut_bytes": cuts, **more}))


def test_a_long_network_is_planned_in_pieces_and_cut_at_layers_of_the_model() -> None:
    links = {"a": {"b": (1e8, 0.0)}, "b": {"a": (1e8, 0.0)}}
    workers = [worker(name, links[name]) for name in "ab"]
    clean = [at % 2 == 0 for at in range(400)]
    long = long_profile(400, clean=clean)
    figures = Figures(profiles={("m.onnx", ""): {"a": long, "b": long}})
    proposal = plan(NETWORK, workers, figures)
    assert len(proposal.placed[0].problem.stages) == 150
    first, middle, last = proposal.boundaries["net"]
    assert (first, last) == (0, 400)
    assert clean[middle - 1]
    assert proposal.predicted["stages"]["net/0"] == pytest.approx(sum(long.seconds[:middle]))
    assert as_plan(proposal).instances[1].parameters["last"] in (middle, 400)


@pytest.mark.parametrize(
    ("link_s", "waits"),
    [(1e-6, (0.0, 0.25)), (0.03, (0.9, 1.0))],
    ids=["the first part always works", "the link is the slowest"],
)
def test_a_part_that_hardly_waits_takes_less_than_one_that_does(link_s: float, waits: tuple[float, float]) -> None:
    links = {"a": {"b": (1e6 / link_s, 0.0)}, "b": {"a": (1e6 / link_s, 0.0)}}
    workers = [worker(name, links[name]) for name in "ab"]
    seconds = (0.01, 0.005)
    layers = [{"name": f"l{at}", "seconds_mean": each} for at, each in enumerate(seconds)]
    told = {"digest": "d", "layers": layers, "cut_bytes": [1e6, 0.0], "waking_seconds": 0.002, "wait_seconds": 0.02}
    found = read_profile(json.dumps(told))
    figures = Figures(profiles={("m.onnx", ""): {"a": found, "b": found}})
    network = {**NETWORK["networks"][0], "partitions": [1], "placement": ["a", "b"]}
    blueprint = {**NETWORK, "networks": [network]}
    proposal = plan(blueprint, workers, figures)
    stages = proposal.predicted["stages"]
    for at in range(2):
        assert stages[f"net/{at}"] == pytest.approx(seconds[at] + 0.002 * waits[at], rel=1e-3)
    for instance in as_plan(proposal).instances:
        if instance.handler == "onnx_partition":
            figures.note(instance, instance.node_id, 0.01)
    measured = plan(blueprint, workers, figures).predicted["stages"]
    assert [measured[f"net/{at}"] for at in range(2)] == [0.01, 0.01]


def test_a_profile_of_layers_taken_together_is_cut_where_they_end() -> None:
    links = {"a": {"b": (1e9, 0.0)}, "b": {"a": (1e9, 0.0)}}
    workers = [worker(name, links[name]) for name in "ab"]
    together = long_profile(4, ends=[10, 25, 31, 50], crossing_seconds_per_byte=1e-8)
    figures = Figures(profiles={("m.onnx", ""): {"a": together, "b": together}})
    proposal = plan(NETWORK, workers, figures)
    bounds = proposal.boundaries["net"]
    assert set(bounds) <= {0, 10, 25, 31, 50}
    assert len(bounds) == 3
    at = (0, 10, 25, 31, 50).index(bounds[1])
    crossed = together.cut_bytes[at - 1] * 1e-8 / 2
    assert proposal.predicted["stages"]["net/0"] == pytest.approx(sum(together.seconds[:at]) + crossed)
    by_hand = {**NETWORK, "networks": [{**NETWORK["networks"][0], "partitions": [12]}]}
    with pytest.raises(NoPlace, match="boundary 12 is within layers that were profiled as one"):
        plan(by_hand, workers, figures)
    with pytest.raises(ValueError, match="do not ascend"):
        long_profile(4, ends=[10, 25, 25, 50])


def test_a_worker_with_a_limit_takes_longer_for_the_same_work() -> None:
    """It may use a fifth of a core: an item takes five times its processor time there, which the host has to give."""
    figures = Figures()
    figures.costs[cost_key("change", {}), "slow"] = 0.01
    blueprint = pinned(source="free", middle="slow", sink="free")
    workers = [worker("free", host_id="h"), worker("slow", host_id="h", usable_cores=0.2)]
    slow = plan(blueprint, workers, figures).predicted
    assert slow["stages"]["middle"] == pytest.approx(0.01)
    assert slow["bottleneck_s"] == slow["limited"]["slow"] == pytest.approx(0.05)
    workers[1].info.usable_cores = 4.0
    free = plan(blueprint, workers, figures).predicted
    assert free["hosts"]["h"] == pytest.approx(slow["hosts"]["h"])
    assert free["bottleneck_s"] < slow["bottleneck_s"]
    assert not free["limited"]
    assert slow["latency_s"] - free["latency_s"] == pytest.approx(0.04)


def test_what_it_takes_to_move_items_is_work_too() -> None:
    """Two links: the worker in the middle moves an item in and one out, the others one each."""
    workers = [worker(name, host_id="h", cores=1) for name in "abc"]
    before = plan(pinned(source="a", middle="b", sink="c"), workers).predicted
    for each in workers:
        each.status.item_cpu_s = 0.001
    after = plan(pinned(source="a", middle="b", sink="c"), workers).predicted
    assert after["moving"] == pytest.approx({"a": 0.001, "b": 0.002, "c": 0.001})
    assert after["hosts"]["h"] - before["hosts"]["h"] == pytest.approx(0.004)
    assert after["bottleneck_s"] == after["hosts"]["h"]
