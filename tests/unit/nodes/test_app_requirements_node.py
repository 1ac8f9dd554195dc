"""The node `app_requirements` from input to output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.app_requirements import ApplicationRequirements
from hedgerow_nodes.core.testing import NodeHarness


@pytest.fixture
def node() -> Iterator[NodeHarness]:
    harness = NodeHarness(ApplicationRequirements)
    yield harness
    harness.close()


def test_lists_what_the_problem_needs_and_where_it_says_so(node: NodeHarness) -> None:
    text = "Count bicycles in photos within 100 ms at 30 fps, offline"
    output = node.process(UserInput(text=text, max_carbon_gco2e=0.5))
    assert output.header.outcome is Outcome.SUCCEEDED
    assert [(one.name, one.comparison, one.value, one.unit, one.found_in) for one in output.limits] == [
        ("carbon_gco2e", "<=", 0.5, "g", "field:max_carbon_gco2e"),
        ("latency_s", "<=", 0.1, "s", "text"),
        ("throughput_per_s", ">=", 30.0, "1/s", "text"),
        ("offline", "==", 1.0, "flag", "text"),
    ]
    assert "latency at most 100 ms (text: “within 100 ms”)" in output.explanation


def test_a_wanted_quality_is_a_limit(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Tell ripe from unripe fruit with at least 95 % accuracy and a recall of 90%"))
    assert [(one.name, one.comparison, one.value) for one in output.limits] == [
        ("accuracy", ">=", 0.95),
        ("recall", ">=", 0.9),
    ]


def test_a_problem_without_limits_is_an_answer(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count bicycles"))
    assert output.header.outcome is Outcome.SUCCEEDED
    assert output.limits == []
    assert output.explanation == "No limit was found in the fields or in the text."


def test_refuses_a_field_that_is_no_limit(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count bicycles", max_latency_s=-1.0))
    assert output.header.outcome is Outcome.FAILED
    assert output.header.error_code == "BAD_LIMIT"
    assert "max_latency_s is -1" in output.header.reason
