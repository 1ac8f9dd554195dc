"""What an answer says: what was scaled and assumed, variants, instances, bounds and times."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from by_hand import Asked, chain
from typer.testing import Result

Ask = Callable[..., Result]
Answers = Callable[[list[Asked]], list[dict[str, Any]]]
NODES: list[Asked] = [{"name": name} for name in "abc"]


def answer(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_cost_that_was_not_measured_is_scaled_and_the_answer_says_so(ask: Ask) -> None:
    stages = [{"name": "x", "seconds": {"a": 0.1, "b": 0.2}}, {"name": "y", "seconds": {"a": 0.3}, "pin": "b"}]
    found = answer(ask({"nodes": NODES[:2], "stages": stages}, "--json"))
    assert found["scaled"] == [{"stage": "y", "node": "b", "from": "a"}]
    assert "the cost of y on b was not measured but scaled from a" in found["words"]
    assert found["value"] == pytest.approx(0.6)
    speeds = [{"name": "a", "cores": 2, "clock_hz": 3e9}, {"name": "b", "cores": 4, "clock_hz": 1e9}]
    by_speed = answer(ask({"nodes": speeds, "stages": [{"name": "y", "seconds": {"a": 0.3}, "pin": "b"}]}, "--json"))
    assert by_speed["value"] == pytest.approx(0.3 * 6 / 4)


def test_a_link_that_was_not_measured_is_never_free(ask: Ask) -> None:
    question: Asked = {
        "nodes": NODES[:2],
        "stages": [{"name": n, "pin": on, "seconds": {"a": 0.1, "b": 0.1}} for n, on in (("x", "a"), ("y", "b"))],
        "flows": [{"from": "x", "to": "y", "bytes": 2e5}],
        "objective": "latency",
    }
    unknown = answer(ask(question, "--json"))
    assert unknown["assumed_links"] == [{"from": "a", "to": "b"}]
    assert unknown["value"] == pytest.approx(0.2 + 0.2 + 0.05)
    assert "the link a to b was never measured; assumed are 1 MB/s and 50 ms" in unknown["words"]
    back = {"from": "b", "to": "a", "bandwidth_bytes_per_s": 1e7, "latency_s": 0.003}
    as_bad = answer(ask({**question, "links": [back]}, "--json"))
    assert as_bad["value"] == pytest.approx(0.2 + 0.02 + 0.003)
    given = {"bandwidth_bytes_per_s": 1e5, "latency_s": 1.0}
    assert answer(ask({**question, "unmeasured": given}, "--json"))["value"] == pytest.approx(0.2 + 2 + 1)
    measured = answer(ask({**question, "links": [{**back, "both_ways": True}]}, "--json"))
    assert measured["assumed_links"] == []


def test_variants_are_chosen_within_a_latency_or_an_accuracy(ask: Ask) -> None:
    ways = [
        {"name": "small", "accuracy": 0.8, "seconds": {"a": 0.1, "b": 0.05}},
        {"name": "large", "accuracy": 0.95, "seconds": {"a": 0.4}, "memory_bytes": 10},
    ]
    nodes = [{"name": "a"}, {"name": "b", "memory_bytes": 5}]
    stages = [{"name": "see", "variants": ways}, {"name": "tell", "seconds": {"a": 0.01, "b": 0.01}}]
    question = {"nodes": nodes, "stages": stages, "flows": [{"from": "see", "to": "tell", "bytes": 1}]}
    best = answer(ask(question, "--json"))
    assert (best["variants"], best["accuracy"]) == ({"see": "large", "tell": "tell"}, 0.95)
    assert (best["objective"], best["value"], best["is_exact"]) == ("latency", pytest.approx(0.41), True)
    assert [each["accuracy"] for each in best["front"]] == [0.8, 0.95]
    quick = answer(ask({**question, "latency_limit_s": 0.3}, "--json"))
    assert (quick["variants"]["see"], quick["placement"]) == ("small", {"see": "b", "tell": "b"})
    assert answer(ask({**question, "accuracy_limit": 0.7}, "--json"))["variants"]["see"] == "small"
    never = ask({**question, "latency_limit_s": 0.01})
    assert (never.exit_code, "the quickest takes 0.06 s" in never.stderr) == (1, True)
    assert " * 0.41 s, 0.95: large, tell" in ask(question).stdout


def test_variants_stay_with_their_stages_in_whatever_order_these_are_written(ask: Ask) -> None:
    def stage(name: str, *seconds: float) -> Asked:
        ways = [{"name": f"{name}{at}", "accuracy": 0.9, "seconds": {"a": each}} for at, each in enumerate(seconds)]
        return {"name": name, "variants": ways}

    stages = [stage("last", 0.4, 0.3), stage("first", 0.2, 0.9, 0.8)]
    flows = [{"from": "first", "to": "last", "bytes": 1}]
    found = answer(ask({"nodes": NODES[:1], "stages": stages, "flows": flows}, "--json"))
    assert found["variants"] == {"first": "first0", "last": "last1"}
    assert found["value"] == pytest.approx(0.5)


def test_several_instances_share_the_items_and_may_be_spread(ask: Ask) -> None:
    stages = [{"name": "work", "instances": 3, "spread": True, "seconds": dict.fromkeys("abc", 0.3)}]
    found = answer(ask({"nodes": NODES, "stages": stages}, "--json"))
    assert sorted(found["placement"].values()) == ["a", "b", "c"]
    assert found["predicted"]["throughput_hz"] == pytest.approx(10)


def test_a_time_too_short_to_find_any_has_a_code_of_its_own(ask: Ask) -> None:
    nodes = [{"name": "large", "memory_bytes": 97}, *({"name": name, "memory_bytes": 1} for name in "abc")]
    costs = {node["name"]: 0.1 for node in nodes}
    stages = [{"name": f"s{at}", "memory_bytes": 1, "seconds": costs} for at in range(100)]
    result = ask({"nodes": nodes, "stages": stages, "time_limit_s": 1e-9})
    assert result.exit_code == 4
    assert "no placement was found in 1e-09 s and none was proved impossible; give more time" in result.stderr


def test_what_is_not_proved_has_a_bound_and_a_gap(ask: Ask) -> None:
    rng = random.Random(1)
    nodes = [{"name": f"n{at}"} for at in range(12)]
    names = [f"s{at}" for at in range(40)]
    stages = [{"name": name, "seconds": {node["name"]: rng.uniform(0.01, 0.1) for node in nodes}} for name in names]
    flows = [{"from": one, "to": two, "bytes": 10} for one, two in zip(names, names[2:], strict=False)]
    found = answer(ask({"nodes": nodes, "stages": stages, "flows": flows, "time_limit_s": 0.05}, "--json"))
    assert not found["is_exact"]
    assert 0 < found["lower_bound"] < found["value"]
    assert found["gap"] == pytest.approx(found["value"] / found["lower_bound"] - 1)


def test_the_time_used_is_within_the_limit_and_exactness_is_told(answers: Answers) -> None:
    rng = random.Random(2)
    for found in answers([chain(rng) for _ in range(5)]):
        if found["error"] is None:
            assert 0 <= found["used_s"] < 60
            assert "nothing is better" in found["words"][0]
