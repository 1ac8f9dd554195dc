"""Through the command: answers are the best that there is, told by looking at every placement."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from by_hand import Asked, best, chain, cuts, figures, kept, runs, value, with_rules

Answers = Callable[[list[Asked]], list[dict[str, Any]]]
OBJECTIVES: tuple[Any, ...] = ("throughput", "latency", "energy", {"throughput": 1.0, "latency": 0.3, "energy": 0.05})


def nodes_of(asked: Asked, answer: dict[str, Any]) -> list[str]:
    return [answer["placement"][stage["name"]] for stage in asked["stages"]]


def check(asked: Asked, answer: dict[str, Any]) -> None:
    """The answer is a placement that keeps the rules, nothing is better, and its figures are right."""
    optimum = best(asked)
    if math.isinf(optimum):
        assert answer["error"], asked
        assert answer["placement"] is None
        return
    assert answer["error"] is None, asked
    nodes = nodes_of(asked, answer)
    assert kept(asked, nodes)
    assert answer["value"] == pytest.approx(optimum, rel=1e-9)
    assert value(asked, nodes) == pytest.approx(optimum, rel=1e-9)
    assert (answer["is_exact"], answer["gap"], answer["cuts"]) == (True, 0, cuts(nodes))
    assert answer["lower_bound"] == pytest.approx(optimum, rel=1e-9)
    bottleneck_s, latency_s, energy_j = figures(asked, nodes)
    predicted = answer["predicted"]
    assert (predicted["bottleneck_s"], predicted["latency_s"]) == pytest.approx((bottleneck_s, latency_s))
    assert predicted["throughput_hz"] == pytest.approx(1 / bottleneck_s)
    assert predicted["energy_j"] == pytest.approx(energy_j)


def test_the_best_for_throughput_with_limits_on_cuts_equals_brute_force(answers: Answers) -> None:
    rng = random.Random(8)
    asked = [with_rules(rng, chain(rng)) for _ in range(300)]
    found = answers(asked)
    bites, impossible = 0, 0
    for question, answer in zip(asked, found, strict=True):
        check(question, answer)
        free = {key: each for key, each in question.items() if key not in ("max_cuts", "max_partitions")}
        impossible += answer["error"] is not None
        bites += answer["error"] is None and value(question, nodes_of(question, answer)) > best(free) * (1 + 1e-9)
    # The limits are what made some of the answers what they are, and some have none.
    assert bites > 30
    assert 10 < impossible < 200


@pytest.mark.parametrize("objective", OBJECTIVES[1:], ids=["latency", "energy", "weighted"])
def test_the_best_for_another_objective_equals_brute_force(answers: Answers, objective: Any) -> None:
    rng = random.Random(5)
    asked = [with_rules(rng, chain(rng, objective=objective)) for _ in range(60)]
    for question, answer in zip(asked, answers(asked), strict=True):
        check(question, answer)


def test_a_node_has_one_run_of_stages_unless_it_may_be_revisited(answers: Answers) -> None:
    rng = random.Random(10)
    once = [chain(rng) for _ in range(300)]
    found = answers([*once, *({**question, "may_revisit": True} for question in once)])
    better = 0
    for question, single, several in zip(once, found[:300], found[300:], strict=True):
        if single["error"]:
            continue
        order = runs(nodes_of(question, single))
        assert len(order) == len(set(order))
        assert [each["node"] for each in single["partitions"]] == order
        assert several["value"] <= single["value"] * (1 + 1e-9)
        again = runs(nodes_of(question, several))
        assert [each["node"] for each in several["partitions"]] == again
        better += len(again) > len(set(again)) and several["value"] < single["value"] * 0.999
    assert better > 30


def diamond(rng: random.Random) -> Asked:
    """A source, two branches and a join; its stages stand in another order than items go."""
    asked = chain(rng)
    asked["stages"] = asked["stages"][:4]
    asked["flows"] = [
        {"from": one, "to": two, "bytes": rng.choice([1e3, 1e5])}
        for one, two in (("s2", "s3"), ("s0", "s1"), ("s0", "s2"), ("s1", "s3"))
    ]
    return asked


@pytest.mark.parametrize("objective", ["throughput", "latency"])
def test_a_graph_that_is_no_chain_equals_brute_force(answers: Answers, objective: str) -> None:
    rng = random.Random(3)
    asked = [{**diamond(rng), "objective": objective} for _ in range(60)]
    mixed = [{**question, "stages": question["stages"][::-1]} for question in asked]
    for question, answer in zip(asked, answers(mixed), strict=True):
        free = {**question, "may_revisit": True}
        optimum = best(free)
        if math.isinf(optimum):
            assert answer["error"]
            continue
        assert answer["value"] == pytest.approx(optimum, rel=1e-9)
        assert value(free, nodes_of(question, answer)) == pytest.approx(optimum, rel=1e-9)
