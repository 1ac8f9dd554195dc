"""The node `ml_model_metadata` from input to output."""

from __future__ import annotations

import math
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
    assert limited.tasks[0].id == plain.tasks[0].id == "translation"
    assert limited.tasks[0].score == pytest.approx(plain.tasks[0].score, abs=0.01)


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


def _put(node: NodeHarness, name: str, content: str) -> None:
    path = node.node.environment.home / "datasets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _table(values: list[str]) -> str:
    return "age,fee,result\n" + "".join(f"{20 + n % 50},{n * 1.5},{value}\n" for n, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes" if n % 4 else "no" for n in range(80)], "tabular-classification"),
        ([f"{n * 17.25}" for n in range(80)], "tabular-regression"),
    ],
)
def test_a_data_set_decides_what_the_text_leaves_open(node: NodeHarness, values: list[str], task: str) -> None:
    _put(node, "club.csv", _table(values))
    problem = "Tell us the result for new members from what we know of them"
    output = node.process(UserInput(text=problem, inputs=["dataset:club.csv"]))
    assert output.tasks[0].id == task
    assert (output.modality, output.decided_by) == ("tabular", "data set and text")
    assert "club.csv (CSV) has 80 rows and 3 columns: age (integer), fee (number), result" in output.explanation
    assert f"It speaks for {task}." in output.explanation


def test_a_data_set_is_told_in_facts_as_well_as_in_words(node: NodeHarness) -> None:
    _put(node, "club.csv", _table(["yes" if n % 4 else "" if n % 8 else "no" for n in range(80)]))
    (facts,) = node.process(UserInput(text="Predict the result", inputs=["dataset:club.csv"])).dataset
    assert (facts.name, facts.format, facts.modality) == ("club.csv", "CSV", "tabular")
    assert (facts.rows, facts.rows_read, facts.columns_total) == (80.0, 80, 3)
    assert math.isnan(facts.rows_about)
    assert [(one.name, one.kind, one.missing, one.distinct) for one in facts.columns] == [
        ("age", "integer", 0, 50),
        ("fee", "number", 0, 80),
        ("result", "boolean", 10, 2),
    ]
    age = facts.columns[0]
    assert (age.minimum, age.maximum) == (20.0, 69.0)
    assert (facts.target, facts.target_why) == ("result", "the text speaks of it as what is to be predicted")
    assert [(one.value, one.rows) for one in facts.class_balance] == [("yes", 60), ("no", 10)]
    assert facts.tasks == ["tabular-classification"]
    assert node.process(UserInput(text="Translate letters into Dutch")).dataset == []


def test_a_data_set_needs_no_text(node: NodeHarness) -> None:
    _put(node, "club.csv", _table(["yes" if n % 4 else "no" for n in range(80)]))
    output = node.process(UserInput(inputs=["club.csv"]))
    assert (output.tasks[0].id, output.decided_by) == ("tabular-classification", "data set")
    assert not output.unsure


def test_accuracy_goes_last_where_one_class_outnumbers_the_others(node: NodeHarness) -> None:
    _put(node, "club.csv", _table(["no" if n % 20 else "yes" for n in range(80)]))
    output = node.process(UserInput(text="Predict the result from this table", inputs=["dataset:club.csv"]))
    assert output.metrics == ["f1", "recall", "precision", "accuracy"]
    assert "One class has 95%" in output.explanation
    plain = node.process(UserInput(text="Predict the result from this table", goal="tabular-classification"))
    assert plain.metrics[0] == "accuracy"


def test_a_folder_of_images_with_classes_is_image_classification(node: NodeHarness) -> None:
    folder = node.node.environment.home / "datasets" / "leaves"
    for n in range(12):
        path = folder / ("healthy", "blight")[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    output = node.process(UserInput(text="What do our plants have?", inputs=["dataset:leaves"]))
    assert output.tasks[0].id == "image-classification"
    assert output.modality == "cv"
    assert "Its classes: blight 50%, healthy 50%." in output.explanation


def test_text_and_data_set_that_disagree_are_both_shown(node: NodeHarness) -> None:
    _put(node, "club.csv", _table([f"{n * 17.25}" for n in range(80)]))
    text = "Translate letters from French into Dutch"
    output = node.process(UserInput(text=text, inputs=["dataset:club.csv"]))
    assert {"translation", "tabular-regression"} <= {one.id for one in output.tasks}
    first = output.tasks[0].id
    other = (
        "The text alone would give translation" if first != "translation" else "speaks for tabular-regression instead"
    )
    assert other in output.explanation
