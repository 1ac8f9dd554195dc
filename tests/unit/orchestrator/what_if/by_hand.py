"""Random small questions, and their best placement by looking at all; nothing here comes from the placement engine."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

Asked = dict[str, Any]
SLACK = 1 + 1e-9


def chain(rng: random.Random, **more: Any) -> Asked:
    """A chain of four to six stages for two or three nodes, with links that differ by direction.

    Costs differ from node to node by more than the nodes' speeds do, so that it may pay to go to and fro.
    """
    nodes = [f"n{at}" for at in range(rng.choice([2, 3]))]
    stages = [f"s{at}" for at in range(rng.choice([4, 5, 6] if len(nodes) == 2 else [4, 5]))]
    return {
        "nodes": [{"name": name, "memory_bytes": rng.choice([3, 5, 100]) * 1e6, "power_w": 5.0} for name in nodes],
        "stages": [
            {
                "name": name,
                "memory_bytes": rng.choice([0, 1e6, 2e6]),
                "seconds": {node: rng.uniform(0.5, 20) * 1e-3 for node in nodes},
            }
            for name in stages
        ],
        "flows": [
            {"from": one, "to": two, "bytes": rng.choice([1e3, 1e4, 1e5])} for one, two in itertools.pairwise(stages)
        ],
        "links": [
            {
                "from": one,
                "to": two,
                "bandwidth_bytes_per_s": rng.choice([1e6, 1e7, 1e8]),
                "latency_s": rng.choice([0.0, 1e-3, 5e-3]),
                "energy_j_per_byte": rng.choice([1e-8, 1e-7]),
            }
            for one, two in itertools.permutations(nodes, 2)
            # Of some links nothing is known.
            if rng.random() < 0.9
        ]
        or [{"from": "n0", "to": "n1", "bandwidth_bytes_per_s": 1e7, "latency_s": 0.0, "energy_j_per_byte": 1e-8}],
        "time_limit_s": 60.0,
        **more,
    }


def with_rules(rng: random.Random, asked: Asked) -> Asked:
    """The same with pins, stages that must not run somewhere, cores of a host, and limits, each sometimes."""
    names = [node["name"] for node in asked["nodes"]]
    for stage in asked["stages"]:
        if rng.random() < 0.1:
            stage["pin"] = rng.choice(names)
        elif rng.random() < 0.1:
            stage["forbid"] = [rng.choice(names)]
    if rng.random() < 0.3:
        cores = rng.choice([1, 1.5])
        for node in asked["nodes"][:2]:
            node |= {"host": "h", "cores": cores}
    for key, values in (("max_cuts", [0, 1, 2]), ("max_partitions", [1, 2, 3])):
        if rng.random() < 0.5:
            asked[key] = rng.choice(values)
    if rng.random() < 0.4:
        asked["may_revisit"] = rng.random() < 0.8
    return asked


def cuts(nodes: Sequence[str]) -> int:
    """Places at which a chain goes from one node to another."""
    return sum(one != two for one, two in itertools.pairwise(nodes))


def runs(nodes: Sequence[str]) -> list[str]:
    """The node of each run of stages."""
    return [node for at, node in enumerate(nodes) if at == 0 or nodes[at - 1] != node]


def kept(asked: Asked, nodes: Sequence[str]) -> bool:
    """Whether a placement keeps memory, pins, what is forbidden, and the rules of a chain."""
    for stage, node in zip(asked["stages"], nodes, strict=True):
        if stage.get("pin", node) != node or node in stage.get("forbid", ()):
            return False
    for node in asked["nodes"]:
        held = sum(s["memory_bytes"] for s, on in zip(asked["stages"], nodes, strict=True) if on == node["name"])
        if held > node["memory_bytes"]:
            return False
    if not asked.get("may_revisit", False) and len(runs(nodes)) > len(set(nodes)):
        return False
    return cuts(nodes) <= asked.get("max_cuts", math.inf) and cuts(nodes) < asked.get("max_partitions", math.inf)


def link(asked: Asked, one: str, two: str) -> Asked:
    """What was measured of a link, else the worst of what was measured of any."""
    known = [each for each in asked["links"] if (each["from"], each["to"]) == (one, two)]
    keys = ("latency_s", "energy_j_per_byte")
    worst = {key: max(each[key] for each in asked["links"]) for key in keys}
    slowest = min(each["bandwidth_bytes_per_s"] for each in asked["links"])
    return known[0] if known else {"bandwidth_bytes_per_s": slowest, **worst}


def figures(asked: Asked, nodes: Sequence[str]) -> tuple[float, float, float]:
    """Seconds between two items in a full pipeline, seconds of one item alone, joules of one item."""
    on = dict(zip((stage["name"] for stage in asked["stages"]), nodes, strict=True))
    cost = {stage["name"]: stage["seconds"][on[stage["name"]]] for stage in asked["stages"]}
    busy: dict[Any, float] = {}
    joules = 0.0
    for name, seconds in cost.items():
        busy[on[name]] = busy.get(on[name], 0.0) + seconds
        joules += seconds * 5.0
    ready = {stage["name"]: 0.0 for stage in asked["stages"]}
    for stage in asked["stages"]:
        for flow in (each for each in asked["flows"] if each["to"] == stage["name"]):
            sender, there = on[flow["from"]], ready[flow["from"]]
            if sender != on[stage["name"]]:
                way = link(asked, sender, on[stage["name"]])
                over = flow["bytes"] / way["bandwidth_bytes_per_s"]
                busy[sender, on[stage["name"]]] = busy.get((sender, on[stage["name"]]), 0.0) + over
                there += over + way["latency_s"]
                joules += flow["bytes"] * way["energy_j_per_byte"]
            ready[stage["name"]] = max(ready[stage["name"]], there)
        ready[stage["name"]] += cost[stage["name"]]
    shared = [node for node in asked["nodes"] if node.get("host")]
    if shared:
        busy["cores"] = sum(busy.get(node["name"], 0.0) for node in shared) / shared[0]["cores"]
    return max(busy.values()), max(ready.values()), joules


def value(asked: Asked, nodes: Sequence[str]) -> float:
    """What the question's objective makes of a placement."""
    wanted = asked.get("objective", "throughput")
    weights = wanted if isinstance(wanted, dict) else {wanted: 1.0}
    return sum(
        weights.get(name, 0.0) * figure
        for name, figure in zip(("throughput", "latency", "energy"), figures(asked, nodes), strict=True)
    )


def every(asked: Asked) -> Iterator[tuple[str, ...]]:
    """All placements that keep the rules."""
    names = [node["name"] for node in asked["nodes"]]
    return (nodes for nodes in itertools.product(names, repeat=len(asked["stages"])) if kept(asked, nodes))


def best(asked: Asked) -> float:
    """The least value of all placements; infinite where none keeps the rules."""
    return min((value(asked, nodes) for nodes in every(asked)), default=math.inf)
