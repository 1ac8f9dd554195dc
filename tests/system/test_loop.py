"""The loop with the real nodes, as a user asks for it: to a target, to different models, with consent; over a kill."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from running import System, wait_for
from user import User

from hedgerow_nodes.core.environment import Environment

ASK = ("problem", "submit", "Classify photos of leaves", "--goal", "image-classification", "--wait")

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture
def user(hedgerow_environment: Environment, tmp_path: Path) -> Iterator[User]:
    """A user whose system is up, and is taken down at the end."""
    user = User(hedgerow_environment, tmp_path)
    user.types("up", "--detach")
    yield user
    user.run("down")
    assert user.processes() == []


def test_a_target_is_reached_or_it_is_said_why_not(user: User) -> None:
    """The first answer sets the mark: seven tenths of its latency, then what no device and model can reach."""
    once = user.json(*ASK, "--location", "PL")
    assert once["stages"]["optimizer"]["output"]["decision"] == "off"
    target = 700 * once["stages"]["hw_resources"]["output"]["latency_s"]["value"]
    loop = ("--optimize", "auto", "--location", "PL", "--max-iterations", "4")
    met = user.json(*ASK, *loop, "--target", f"latency_ms={target!r}")
    said = [task["stages"]["optimizer"]["output"] for task in met["iterations"]]
    values = [one["value"]["value"] for one in said]
    print([(one["change"], one["explanation"]) for one in said])
    assert (met["decision"], met["reached"]) == ("target_met", True)
    assert values[-1] <= target < values[0]
    assert said[-1]["previous"]["iteration_id"] == len(said) - 1
    assert {one["verdict"] for one in said[-1]["comparison"]} <= {"better", "worse", "no difference", "unknown"}
    missed = user.json(*ASK, *loop, "--target", "gco2e=1e-15", code=1)
    assert missed["decision"] in ("nothing_better", "budget_spent")
    last = missed["iterations"][-1]["stages"]["optimizer"]["output"]
    print([task["stages"]["optimizer"]["output"]["explanation"] for task in missed["iterations"]])
    assert "times the target" in last["explanation"]
    carbon = [task["stages"]["carbon_footprint"]["output"]["carbon_gco2e"]["value"] for task in missed["iterations"]]
    assert last["best"][0]["value"] == min(carbon)


@pytest.mark.long
def test_different_models_and_a_loop_with_consent(user: User) -> None:
    found = user.json(*ASK, "--candidates", "3")
    models = [task["stages"]["ml_model_provider"]["output"]["chosen"] for task in found["iterations"]]
    assert (found["decision"], len(set(models))) == ("delivered", 3)
    asked = user.json(*ASK, "--optimize", "manual", "--target", "gco2e=1e-15")
    proposal = asked["iterations"][0]["stages"]["optimizer"]["output"]
    assert (len(asked["iterations"]), proposal["decision"]) == (1, "waits_for_user")
    number = asked["problem_id"]
    taken = user.json("problem", "iterate", str(number), "--accept", "--wait")
    assert taken["iterations"][0]["task"]["iteration_id"] == 2
    # The first problem was one of candidates, which has nothing to consent to.
    assert "proposes nothing to accept" in user.types("problem", "iterate", "1", "--accept", code=1)


def test_a_kill_of_the_orchestrator_neither_loses_nor_doubles_an_iteration(system: System) -> None:
    """Trivial nodes that go on forty times, while the orchestrator is killed again and again."""
    system.start_all()
    key = system.submit("loop 40")
    store = system.reader

    def asked() -> list[str]:
        return [task["request"]["text"] for task in (store.problem(key[0]) or {"iterations": []})["iterations"]]

    def reached(count: int) -> bool:
        return len(asked()) >= count

    for count in (5, 12, 20, 30):
        wait_for(partial(reached, count), 60, system.logs)
        system.kill("orchestrator")
        system.start_orchestrator()
    wait_for(partial(reached, 41), 60, system.logs)
    system.finish((key[0], 41))
    assert asked() == [f"loop {left}" for left in range(40, -1, -1)]
    store.close()
    assert system.projection_differences() == []
