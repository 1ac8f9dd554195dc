"""The node `optimizer` without a bus: what it is given, what it decides, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from loop_world import DeviceFacts, LoopWorld, ModelFacts, wish

from hedgerow_idl import Baselines, HWConstraints, LoopRequest, Optimization, Outcome, UserInput
from hedgerow_idl.loop import read_decision
from hedgerow_idl.plain import from_plain, to_json
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.optimizer import Optimizer

WORLD = LoopWorld((ModelFacts("big", 0.4, 0.8), ModelFacts("small", 0.1, 0.7)), (DeviceFacts("board", 2.0, 5.0),))


@pytest.fixture
def harness() -> Iterator[NodeHarness]:
    plain = NodeHarness(Optimizer)
    yield plain
    plain.close()


def ask(harness: NodeHarness, asked: UserInput) -> Any:
    answers = WORLD.answer(asked, 1, [])
    assert answers is not None
    return harness.process(
        asked, answers.model, HWConstraints(), answers.hardware, answers.carbon, Baselines(), timeout_s=10.0
    )


def test_it_says_how_the_loop_goes_on(harness: NodeHarness) -> None:
    said: Optimization = ask(harness, wish(target="latency_ms", value=60.0))
    assert (said.header.outcome, said.decision) == (Outcome.SUCCEEDED, "continue")
    assert said.change[0].after == "small"
    assert said.next_input[0].required_model == "small"
    assert said.next_input[0].optimization.trials[0].chosen_model == "big"


def test_its_output_is_what_the_orchestrator_reads(harness: NodeHarness) -> None:
    said = ask(harness, wish(target="latency_ms", value=60.0))
    decision = read_decision(to_json(said))
    assert decision.goes_on
    [first, *_] = decision.proposals
    assert from_plain(UserInput, first).required_model == "small"
    assert {"header", "previous"} & first.keys() == set()


def test_a_problem_without_a_loop_is_answered_once(harness: NodeHarness) -> None:
    said = ask(harness, UserInput(text="x"))
    assert (said.decision, said.next_input) == ("off", [])
    assert not read_decision(to_json(said)).goes_on


def test_a_target_that_nobody_knows_is_refused(harness: NodeHarness) -> None:
    said = ask(harness, UserInput(text="x", optimization=LoopRequest(mode="auto", target="beauty")))
    assert (said.header.outcome, said.header.error_code) == (Outcome.FAILED, "UNKNOWN_TARGET")
    assert "known: gco2e, latency_ms, energy_j, memory_mb" in said.header.reason


def test_nothing_is_known_of_an_output_that_says_nothing_of_a_loop() -> None:
    assert not read_decision('{"name": "green"}').goes_on
    assert not read_decision('{"decision": "continue", "next_input": []}').goes_on
