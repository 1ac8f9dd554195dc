"""Every mistake in a file is one error with field, bad value and way out, and exit code 2; 1 where nothing fits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from asking import GONE, PLAIN, changed, refused
from typer.testing import Result

Ask = Callable[..., Result]
VARIANTS = [{"name": "small", "accuracy": 0.9, "seconds": {"a": 0.1}}]


def test_the_plain_question_has_an_answer(ask: Ask) -> None:
    assert ask(PLAIN).exit_code == 0


MISTAKES = [
    ("colour", "red", "colour: 'colour' is unknown; known: name, objective, strategy"),
    ("name", 1, "name: 1 is no text; give a name"),
    ("nodes.0.ram", 1, "nodes[0].ram: 'ram' is unknown; known: name, host, cores"),
    ("nodes", [], "nodes: there is none; give one at least"),
    ("nodes", {"a": 1}, "nodes: {'a': 1} is no list of tables; write each as [[nodes]]"),
    ("nodes.0", "a", "nodes[0]: 'a' is no table"),
    ("nodes.0.name", GONE, "nodes[0].name: is missing; give a text"),
    ("nodes.0.name", " ", "nodes[0].name: ' ' is no text; give a name"),
    ("nodes.1.name", "a", "nodes: node 'a' stands twice"),
    ("nodes.0.memory_bytes", -1, "nodes[0].memory_bytes: -1 is no number of 0 or more; give one"),
    ("nodes.0.cordoned", "yes", "nodes[0].cordoned: 'yes' is neither true nor false"),
    ("nodes.0.host", "h", "nodes[0].cores: is missing, and host 'h' may be shared"),
    (
        "nodes",
        [{"name": n, "host": "h", "cores": c} for n, c in (("a", 2), ("b", 4))],
        "nodes[1].cores: 4 are not the 2",
    ),
    ("stages", [], "stages: there is none; give one at least"),
    ("stages.0.seconds.a", -0.1, "stages[0].seconds.a: -0.1 is no number above 0; give one"),
    ("stages.0.seconds.a", float("nan"), "stages[0].seconds.a: nan is no number above 0"),
    ("stages.0.seconds.a", 10**400, "stages[0].seconds.a: 1000"),
    ("stages.0.seconds.a", float("inf"), "stages[0].seconds.a: inf is not within 1e-30 to 1e+30"),
    ("links.0.bandwidth_bytes_per_s", 1e-300, "links[0].bandwidth_bytes_per_s: 1e-300 is not within 1e-30 to 1e+30"),
    ("stages.0.seconds.a", True, "stages[0].seconds.a: True is no number above 0"),
    ("stages.0.seconds.c", 0.1, "stages[0].seconds.c: node 'c' is unknown; known: a, b"),
    ("stages.0.seconds", [0.1], "stages[0].seconds: [0.1] is no table"),
    ("stages.0.seconds", GONE, "stages[0].seconds: is known for no node; measure the stage on one at least"),
    ("stages.0.pin", "c", "stages[0].pin: node 'c' is unknown; known: a, b"),
    ("stages.0.forbid", ["c"], "stages[0].forbid: node 'c' is unknown; known: a, b"),
    ("stages.0.forbid", "a", "stages[0].forbid: 'a' is no list of names"),
    ("stages.0.with", ["four"], "stages[0].with: 'four' is no other stage; known: two, three"),
    ("stages.0.apart_from", ["one"], "stages[0].apart_from: 'one' is no other stage"),
    ("stages.1.name", "one", "stages: stage 'one' stands twice"),
    ("stages.0.instances", 0, "stages[0].instances: 0 is no whole number of 1 or more"),
    ("stages.0.instances", 1000, "stages[0].instances: 1000 are more than 256"),
    ("flows.0.to", "four", "flows[0].to: stage 'four' is unknown; known: one, two, three"),
    ("flows.0.to", "one", "flows[0].to: 'one' would send to itself"),
    ("flows.0.bytes", "much", "flows[0].bytes: 'much' is no number of 0 or more"),
    ("flows.1", {"from": "one", "to": "two", "bytes": 1}, "flows: flow 'one to two' stands twice"),
    ("flows.2", {"from": "three", "to": "one", "bytes": 1}, "flows: the flows among one, two, three make a cycle"),
    ("links.0.to", "c", "links[0].to: node 'c' is unknown; known: a, b"),
    ("links.0.to", "a", "links[0].to: 'a' needs no link to itself"),
    ("links.0.bandwidth_bytes_per_s", 0, "links[0].bandwidth_bytes_per_s: 0 is no number above 0"),
    ("links.0.latency_s", GONE, "links[0].latency_s: is missing; give a number"),
    ("links.1", {**PLAIN["links"][0], "both_ways": True}, "links: link 'a to b' stands twice"),
    ("objective", "speed", "objective: 'speed' is unknown; known: throughput, latency, energy"),
    ("objective", {"latency": 0}, "objective: all weights of the objective are 0"),
    ("objective", {"pace": 1}, "objective.pace: 'pace' is unknown; known: throughput, latency, energy"),
    ("objective", "energy", "nodes[0].power_w: is missing for 'a', and energy is an objective"),
    ("strategy", "best", "strategy: 'best' is unknown; known: optimal, random_weighted, round_robin, load_aware"),
    ("max_partitions", 0, "max_partitions: 0 is no whole number of 1 or more"),
    ("max_cuts", -1, "max_cuts: -1 is no whole number of 0 or more"),
    ("may_revisit", 1, "may_revisit: 1 is neither true nor false"),
    ("time_limit_s", 0, "time_limit_s: 0 is no number above 0 and at most 3600"),
    ("turn", 1, "turn: 1 belongs to strategy 'round_robin'"),
    ("unmeasured", "free", "unmeasured: 'free' is unknown; known: unusable"),
    ("unmeasured", {"latency_s": 0}, "unmeasured.bandwidth_bytes_per_s: is missing; give a number"),
    ("latency_limit_s", 1, "latency_limit_s: belongs to variants, and no stage has any"),
    ("stages.0.variants", VARIANTS, "stages[0].seconds: {'a': 0.1, 'b': 0.2} stands beside variants"),
    (
        "stages.2",
        {"name": "three", "variants": [{**VARIANTS[0], "accuracy": 1.5}]},
        "stages[2].variants[0].accuracy: 1.5",
    ),
    ("stages.2", {"name": "three", "variants": VARIANTS * 2}, "stages[2].variants[1].name: 'small' stands twice"),
]


@pytest.mark.parametrize(
    ("path", "value", "told"), MISTAKES, ids=[f"{at}-{each[0]}" for at, each in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_field_and_value(ask: Ask, path: str, value: Any, told: str) -> None:
    assert refused(ask(changed(path, value)), 2).startswith(told)


def test_rules_of_chains_are_refused_for_graphs(ask: Ask) -> None:
    for key, value in (("max_cuts", 1), ("max_partitions", 2), ("may_revisit", False)):
        question = {**changed("flows.1", {"from": "one", "to": "three", "bytes": 1}), key: value}
        assert refused(ask(question), 2).startswith(f"{key}: {value} belongs to a chain")
    question = {**changed("flows", []), "may_revisit": True}
    assert ask(question).exit_code == 0


def test_keys_that_a_strategy_does_not_look_at_are_refused(ask: Ask) -> None:
    for key, value in (("objective", "latency"), ("max_cuts", 1), ("may_revisit", False), ("time_limit_s", 1.0)):
        told = refused(ask({**PLAIN, "strategy": "load_aware", key: value}), 2)
        assert told.startswith(f"{key}: means nothing to strategy 'load_aware'")
    clocks = {**changed("nodes.0.clock_hz", 1e9), "strategy": "random_weighted"}
    assert refused(ask(clocks), 2).startswith("nodes[1].clock_hz: is missing and others have one")


def test_a_cost_that_can_be_told_from_nothing_is_named(ask: Ask) -> None:
    question = copy.deepcopy(PLAIN)
    for stage in question["stages"]:
        del stage["seconds"]["b"]
    told = refused(ask(question), 2)
    assert told.startswith("stages[0].seconds.b: is missing and cannot be scaled: no stage was measured both on 'b'")
    for stage in question["stages"]:
        stage["forbid"] = ["b"]
    question["nodes"][0]["memory_bytes"] = 1000
    assert ask(question).exit_code == 0


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("nodes.0.cordoned", True, "memory: all stages need 150 bytes and the nodes that may be used have 100"),
        ("stages.0.memory_bytes", 101, "memory: stage 'one' needs 101 bytes and the largest node"),
        ("max_cuts", 0, "memory and max_partitions: all stages need 150 bytes and the 1 largest nodes have 100"),
        ("stages.0.forbid", ["a", "b"], "stage 'one' can run nowhere: it is forbidden on"),
        ("unmeasured", "unusable", "no placement keeps all rules together; there is one without the limits of memory"),
    ],
)
def test_where_nothing_fits_the_rule_is_named_and_the_code_is_1(ask: Ask, path: str, value: Any, told: str) -> None:
    question = changed(path, value)
    if path == "unmeasured":
        # Only the way from b to a would do, and that was never measured.
        question["stages"][0]["pin"] = "b"
        assert "or without leaving out links that were never measured" in refused(ask(question), 1)
    assert refused(ask(question), 1).startswith(told)
    assert refused(ask(question, "--json"), 1).startswith(told)
