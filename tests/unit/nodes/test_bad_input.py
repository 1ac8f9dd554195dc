"""Bad input for the nodes that read a problem: a clear outcome each time, and the node answers the next task."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.app_requirements import ApplicationRequirements
from hedgerow_nodes.core.module_node import ModuleNode
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.datasets.location import FOLDER
from hedgerow_nodes.hw_constraints import HardwareConstraints
from hedgerow_nodes.ml_model_metadata import ModelMetadata

NODES = (ApplicationRequirements, ModelMetadata, HardwareConstraints)
MEGABYTE = 1_000_000
MEGABYTE_CPU_S = 5.0
DEADLINE_S = 10.0
GERMAN = "Finde Kühe auf Fotos einer Wiese und zähle sie, höchstens 50 ms je Bild"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.fixture(params=NODES, ids=lambda node: node.kind)
def node(request: pytest.FixtureRequest) -> Iterator[NodeHarness]:
    harness = NodeHarness(request.param)
    yield harness
    assert harness.process(UserInput(text="Count cows in photos")).header.outcome is Outcome.SUCCEEDED
    harness.close()


@pytest.fixture
def metadata() -> Iterator[NodeHarness]:
    harness = NodeHarness(ModelMetadata)
    (harness.node.environment.home / FOLDER).mkdir(parents=True)
    yield harness
    assert harness.process(UserInput(text="Count cows in photos")).header.outcome is Outcome.SUCCEEDED
    harness.close()


def _kind(node: NodeHarness) -> type[ModuleNode]:
    return type(node.node)


@pytest.mark.parametrize("text", ["", " \n\t", "\x01\x02", "🐄🐄🐄", "'; DROP TABLE task; --", "{{ 7 * 7 }}", "%s%n"])
def test_text_that_says_nothing(node: NodeHarness, text: str) -> None:
    output = node.process(UserInput(text=text))
    if _kind(node) is ModelMetadata and not text.strip():
        assert (output.header.outcome, output.header.error_code) == (Outcome.FAILED, "NO_TEXT")
    else:
        assert output.header.outcome is Outcome.SUCCEEDED
        assert output.explanation
        assert getattr(output, "unsure", True) or "TABLE" in text


@pytest.mark.parametrize("piece", ["count the cows in photos, ", "1", " ", "between 10 and ", "under 50 ms, ", "не "])
def test_a_megabyte_of_text_is_read_in_part_and_in_time(node: NodeHarness, piece: str) -> None:
    text = (piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE]
    # What it costs, since on a host that is busy with others any time may pass.
    began_s = time.process_time()
    output = node.process(UserInput(text=text), timeout_s=60.0)
    assert time.process_time() - began_s < MEGABYTE_CPU_S
    if output.header.outcome is Outcome.FAILED:
        assert (_kind(node), output.header.error_code, piece) == (ModelMetadata, "NO_TEXT", " ")
    else:
        assert "Only the first 20000 of the text's 1000000 characters were read." in output.explanation


@pytest.mark.parametrize("text", [GERMAN, "在照片中数奶牛", "Подсчитать коров на фотографиях", "عدّ الأبقار في الصور"])
def test_text_in_another_language(node: NodeHarness, text: str) -> None:
    output = node.process(UserInput(text=text))
    assert output.header.outcome is Outcome.SUCCEEDED
    if _kind(node) is ModelMetadata:
        # Some words are alike in German and English, and an embedder may know more; the answer then has to be right.
        assert output.unsure or (text is GERMAN and output.tasks[0].id == "object-detection")
        assert ("Unsure: " in output.explanation) == output.unsure


def test_fields_hold_whatever_the_language_of_the_text() -> None:
    harness = NodeHarness(ApplicationRequirements)
    output = harness.process(UserInput(text=GERMAN, max_latency_s=0.05))
    harness.close()
    assert [(one.name, one.value) for one in output.limits] == [("latency_s", 0.05)]


@pytest.mark.parametrize("field", ["max_latency_s", "max_memory_bytes", "max_carbon_gco2e"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf")])
def test_a_field_that_nothing_can_keep(node: NodeHarness, field: str, value: float) -> None:
    fields: dict[str, Any] = {field: value}
    output = node.process(UserInput(text="Count cows in photos", **fields))
    if _kind(node) is ModelMetadata:
        assert output.header.outcome is Outcome.SUCCEEDED
    else:
        assert (output.header.outcome, output.header.error_code) == (Outcome.FAILED, "BAD_LIMIT")
        assert f"{field} is {value:g}" in output.header.reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Count cows within 0 ms", "Nothing can keep latency at most 0 s: it must be above 0."),
        ("At least 30 fps, but at most 10 fps", "Nothing can keep both throughput at least 30 1/s and "),
        ("At least 4 GB of RAM and at most 1 GB of RAM", "Nothing can keep both memory at least 4 GB and "),
    ],
)
def test_limits_that_contradict_each_other_are_said(text: str, said: str) -> None:
    harness = NodeHarness(ApplicationRequirements)
    output = harness.process(UserInput(text=text))
    harness.close()
    assert output.header.outcome is Outcome.SUCCEEDED
    assert said in output.explanation


def test_memory_below_any_model_is_a_limit_like_any_other(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count cows in photos with 1 byte of memory", max_memory_bytes=1.0))
    assert output.header.outcome is Outcome.SUCCEEDED
    if _kind(node) is HardwareConstraints:
        assert output.max_memory_bytes == 1.0


@pytest.mark.parametrize(
    ("entry", "content", "said"),
    [
        ("dataset:cows.csv", PNG, "cows.csv is not what its name says: it is a PNG image"),
        ("cows.csv", PNG, "cows.csv is not what its name says: it is a PNG image"),
        ("dataset:cows.json", b"a,b\n1,2\n", "text that is no JSON"),
        ("dataset:cows.parquet", b"a,b\n1,2\n", "not a Parquet file"),
        ("dataset:cows.csv", b"", "is empty"),
        ("dataset:gone.csv", None, "is not in the folder datasets of HEDGEROW_HOME"),
        ("dataset:../secret.csv", None, "leads out of the folder datasets"),
        ("dataset:/etc/passwd", None, "leads out of the folder datasets"),
        ("dataset:", None, "is no name of a data set"),
        ("dataset:a\x01b", None, "is no name of a data set"),
        ("dataset:" + "x" * 5000, None, "is no name of a data set"),
    ],
)
def test_a_data_set_that_is_none(metadata: NodeHarness, entry: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (metadata.node.environment.home / FOLDER / entry.removeprefix("dataset:")).write_bytes(content)
    output = metadata.process(UserInput(text="Count cows in photos", inputs=[entry]))
    assert (output.header.outcome, output.header.error_code) == (Outcome.FAILED, "BAD_DATASET")
    assert said in output.header.reason


def test_a_link_out_of_the_folder_is_not_followed(metadata: NodeHarness) -> None:
    secret = metadata.node.environment.home / "secret.csv"
    secret.write_text("name,password\nx,y\n", encoding="utf-8")
    (metadata.node.environment.home / FOLDER / "inside.csv").symlink_to(secret)
    output = metadata.process(UserInput(text="Count cows", inputs=["dataset:inside.csv"]))
    assert output.header.error_code == "BAD_DATASET"
    assert "password" not in output.header.reason


def test_a_pipe_is_not_waited_for(metadata: NodeHarness) -> None:
    os.mkfifo(metadata.node.environment.home / FOLDER / "pipe.csv")
    output = metadata.process(UserInput(text="Count cows", inputs=["dataset:pipe.csv"]), timeout_s=DEADLINE_S)
    assert output.header.error_code == "BAD_DATASET"
    assert "neither a file nor a folder" in output.header.reason


def test_a_file_that_is_only_mentioned_may_be_missing(metadata: NodeHarness) -> None:
    output = metadata.process(UserInput(text="Predict who leaves", inputs=["customers.csv"]))
    assert output.header.outcome is Outcome.SUCCEEDED
    assert "customers.csv is not in the folder datasets of HEDGEROW_HOME" in output.explanation
