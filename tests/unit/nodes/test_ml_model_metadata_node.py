"""The node `ml_model_metadata` from input to output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.ml_model_metadata import ModelMetadata


@pytest.fixture
def node() -> Iterator[NodeHarness]:
    harness = NodeHarness(ModelMetadata)
    yield harness
    harness.close()


def test_ranks_the_tasks_of_a_described_problem(node: NodeHarness) -> None:
    text = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"
    output = node.process(UserInput(text=text))
    assert output.header.outcome is Outcome.SUCCEEDED
    assert output.tasks[0].id == "object-detection"
    assert output.margin == pytest.approx(output.tasks[0].score - output.tasks[1].score, abs=2e-4)
    assert (output.modality, output.decided_by, output.unsure) == ("cv", "text", False)
    assert "Average Precision" in output.metrics


def test_words_of_a_limit_do_not_speak_of_the_problem(node: NodeHarness) -> None:
    plain = node.process(UserInput(text="Translate letters into Dutch"))
    limited = node.process(UserInput(text="Translate letters into Dutch at 30 frames per second"))
    assert [(one.id, one.score) for one in limited.tasks] == [(one.id, one.score) for one in plain.tasks]


def test_a_goal_is_taken_as_it_is(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count people in photos", goal="Image Segmentation"))
    assert [(one.id, one.score) for one in output.tasks] == [("image-segmentation", 1.0)]
    assert output.decided_by == "goal"


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (UserInput(text=" \n"), "NO_TEXT"),
        (UserInput(modality="cv"), "NO_TEXT"),
        (UserInput(text="Count cows", goal="cow-counting"), "UNKNOWN_GOAL"),
        (UserInput(text="Count cows", modality="smell"), "UNKNOWN_MODALITY"),
    ],
)
def test_refuses_what_it_cannot_read(node: NodeHarness, problem: UserInput, code: str) -> None:
    output = node.process(problem)
    assert output.header.outcome is Outcome.FAILED
    assert output.header.error_code == code
