"""Strategies that place one stage after another, through the command: by load, in turn, at random by weight."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from by_hand import Asked
from typer.testing import Result

Ask = Callable[..., Result]
Answers = Callable[[list[Asked]], list[dict[str, Any]]]
NODES: list[Asked] = [{"name": name} for name in "abc"]


def answer(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def plain(strategy: str, nodes: list[Asked], instances: int = 1, **more: Any) -> Asked:
    """Instances of one handler of which no cost is known."""
    return {"strategy": strategy, "nodes": nodes, "stages": [{"name": "work", "instances": instances}], **more}


def test_load_aware_avoids_the_loaded_node(ask: Ask) -> None:
    for loaded in "abc":
        nodes = [{**node, "cores": 4, "busy_cores": 3.6 if node["name"] == loaded else 0.4} for node in NODES]
        found = answer(ask(plain("load_aware", nodes, 6), "--json"))
        counts = Counter(found["placement"].values())
        assert counts == {name: 3 for name in "abc" if name != loaded}
        assert f"{loaded} 90%" in found["words"][0]
    even = [{**node, "cores": 4, "busy_cores": 3.6} for node in NODES]
    assert set(Counter(answer(ask(plain("load_aware", even, 6), "--json"))["placement"].values()).values()) == {2}


def test_load_aware_takes_the_least_loaded_of_random_nodes(answers: Answers) -> None:
    rng = random.Random(17)
    asked = []
    for _ in range(200):
        nodes = [{"name": f"n{at}", "cores": rng.choice([1, 2, 8]), "busy_cores": rng.random()} for at in range(4)]
        nodes[rng.randrange(4)]["cordoned"] = rng.random() < 0.5
        stages = [{"name": f"s{at}", "needs_cores": rng.choice([0.2, 0.5, 2.0])} for at in range(rng.randrange(1, 6))]
        asked.append({"strategy": "load_aware", "nodes": nodes, "stages": stages})
    for question, found in zip(asked, answers(asked), strict=True):
        busy = {node["name"]: node["busy_cores"] for node in question["nodes"] if not node.get("cordoned")}
        cores = {node["name"]: node["cores"] for node in question["nodes"]}
        for stage in question["stages"]:
            load = {name: (busy[name] + stage["needs_cores"]) / cores[name] for name in busy}
            chosen = found["placement"][stage["name"]]
            assert load[chosen] == pytest.approx(min(load.values()))
            busy[chosen] += stage["needs_cores"]


def test_round_robin_goes_round_from_its_turn(ask: Ask) -> None:
    found = answer(ask(plain("round_robin", NODES, 5, turn=1), "--json"))
    assert list(found["placement"].values()) == ["b", "c", "a", "b", "c"]
    nodes = [NODES[0], {**NODES[1], "cordoned": True}, NODES[2]]
    assert list(answer(ask(plain("round_robin", nodes, 4), "--json"))["placement"].values()) == ["a", "c", "a", "c"]


def test_random_weighted_follows_cores_and_clock_and_its_seed(ask: Ask) -> None:
    nodes = [{"name": name, "cores": cores, "clock_hz": hz} for name, cores, hz in (("a", 6, 2e9), ("b", 2, 2e9))]
    placed = [answer(ask(plain("random_weighted", nodes, 250, seed=seed), "--json"))["placement"] for seed in (1, 1, 2)]
    assert placed[0] == placed[1] != placed[2]
    # 3 of 4 by weight: 187.5 of 250 on average, and ±30 is more than four times the spread.
    assert all(157 < list(each.values()).count("a") < 218 for each in placed)


def test_simple_strategies_keep_rules_and_predict_where_costs_are_known(ask: Ask) -> None:
    for strategy in ("random_weighted", "round_robin", "load_aware"):
        stages = [
            {"name": "x", "seconds": {"a": 0.1, "b": 0.2, "c": 0.4}, "forbid": ["a"]},
            {"name": "y", "seconds": {"a": 0.1, "b": 0.2, "c": 0.4}, "with": ["x"]},
            {"name": "z", "seconds": {"a": 0.1, "b": 0.2, "c": 0.4}, "apart_from": ["y"]},
        ]
        for seed in range(5):
            question = {"strategy": strategy, "nodes": NODES, "stages": stages, "seed": seed}
            found = answer(ask(question, "--json"))
            at = found["placement"]
            assert at["x"] in "bc"
            assert at["x"] == at["y"] != at["z"]
            costs = {"a": 0.1, "b": 0.2, "c": 0.4}
            assert found["predicted"]["bottleneck_s"] == pytest.approx(max(2 * costs[at["x"]], costs[at["z"]]))
            assert (found["is_exact"], found["lower_bound"], found["gap"]) == (False, None, None)
    unknown = answer(ask(plain("load_aware", NODES), "--json"))
    assert (unknown["predicted"], unknown["value"]) == (None, None)
    assert "nothing is predicted: the cost of work is known for no node" in unknown["words"]
    full = plain("round_robin", [{"name": "a", "memory_bytes": 5}])
    full["stages"][0]["memory_bytes"] = 6
    assert ask(full).exit_code == 1
