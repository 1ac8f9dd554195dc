"""Every model that ships, run on its sample: what it finds, at each precision, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.estimators.models.anchored_faces import GRIDS, faces, overlap
from hedgerow_nodes.estimators.models.bundled_weights import WeightsError
from hedgerow_nodes.estimators.models.catalogue import load
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, perform
from hedgerow_nodes.estimators.models.text_lines import letters, lines
from hedgerow_nodes.estimators.models.variant_runs import agreement, difference
from hedgerow_nodes.estimators.onnx_runtime import BrokenModel

SHIPPED = {model.id: model for model in load().models if model.weights.kind == "bundled"}
TASKS = {"image-classification", "object-detection", "sentence-similarity", "image-to-text", "tabular-classification"}
PAGE = ["Hedgerow reads this page", "without any network.", "It took 3 lines, 1 model."]
FACE = [180.0, 75.0, 275.0, 175.0]  # the face of the astronaut in pixels of the sample, drawn by hand


@cache
def run(model_id: str, precision: str = "") -> ExecutionReport:
    entry = SHIPPED[model_id]
    return perform(
        ExecutionOrder(kind="onnx", bundled=entry.weights.file, entry=entry, precision=precision, budget_s=0.05)
    )


def found(model_id: str, precision: str = "") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(model_id, precision).sample_result)
    return result


def test_each_of_the_tasks_has_a_model_that_ships() -> None:
    assert {task for model in SHIPPED.values() for task in model.tasks} >= TASKS
    assert [model.id for model in SHIPPED.values() if model.special == "faces"] == ["blazeface-256"]


def test_a_cat_is_a_cat() -> None:
    assert found("efficientnet-lite0")["classes"][0]["label"] == "Egyptian cat"


def test_a_person_is_found() -> None:
    assert [one["label"] for one in found("nanodet-g-416")["objects"]] == ["person"]


@pytest.mark.parametrize("precision", ["", "float16"])
def test_the_only_face_is_found_where_it_is(precision: str) -> None:
    (face,) = found("blazeface-256", precision)["objects"]
    assert face["label"] == "face"
    assert overlap(np.float32(face["box"]), np.float32(FACE)) > 0.6


@pytest.mark.parametrize("precision", ["", "float16", "int8"])
def test_sentences_about_the_same_are_alike(precision: str) -> None:
    told = found("minilm-l6-v2", precision)
    assert told["related"]["cosine"] == pytest.approx(0.57, abs=0.05)
    assert told["unrelated"]["cosine"] == pytest.approx(0.11, abs=0.05)


@pytest.mark.parametrize("precision", ["", "float16", "int8"])
def test_the_page_is_read(precision: str) -> None:
    assert [line["text"] for line in found("ppocr-v4-reader", precision)["text"]] == PAGE


@pytest.mark.parametrize("precision", ["", "float16", "int8"])
def test_a_digit_is_what_it_is(precision: str) -> None:
    sample = json.loads((bundled_weights.folder() / "samples/digit.json").read_text(encoding="utf-8"))
    assert found("digits-mlp", precision)["classes"][0]["label"] == str(sample["is"])


@pytest.mark.parametrize(
    ("model_id", "words"),
    [
        ("efficientnet-lite0", "Given a cat, it says: Egyptian cat 0."),
        ("blazeface-256", "it found: face 0."),
        ("ppocr-v4-reader", f"it read: “{' / '.join(PAGE)}”."),
        ("minilm-l6-v2", "have a cosine of 0.5"),
    ],
)
def test_the_result_is_told_in_words(model_id: str, words: str) -> None:
    assert words in run(model_id).sample_words


@pytest.mark.parametrize("model_id", sorted(SHIPPED))
def test_every_precision_is_measured_against_float32(model_id: str) -> None:
    item = bundled_weights.entry(SHIPPED[model_id].weights.file)
    first, *others = run(model_id).variants
    assert (first.id, first.largest_difference, first.relative_difference) == ("float32", 0.0, 0.0)
    assert [one.id for one in others] == [variant.name for variant in item.variants]
    assert "float16" in [one.precision for one in others]
    for one in others:
        assert one.relative_difference is not None
        assert 0 < one.relative_difference < (0.01 if one.precision == "float16" else 0.35)
        assert one.agreement is not None
        assert one.agreement > 0.9
        assert 0 < one.wall_p05_s <= one.wall_p50_s <= one.wall_p95_s
        assert one.weights_bytes is not None
        assert one.weights_bytes < SHIPPED[model_id].weights_bytes


def test_differences_do_not_depend_on_which_precision_was_asked_for() -> None:
    apart = [[one.relative_difference for one in run("digits-mlp", precision).variants] for precision in ("", "int8")]
    assert apart[0] == apart[1]


def test_the_measured_size_is_that_of_the_precision() -> None:
    sizes = [run("efficientnet-lite0", precision).weights_bytes or 0.0 for precision in ("", "int8")]
    assert sizes[1] < 0.6 * sizes[0]


def test_no_telemetry_is_left_behind(tmp_path: Path) -> None:
    order = "from hedgerow_nodes.estimators.onnx_runtime import session; from pathlib import Path; import sys"
    code = f"{order}; session(Path(sys.argv[1]), 1)"
    model = str(bundled_weights.checked_path("digits-mlp.onnx"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    subprocess.run([sys.executable, "-c", code, model], check=True, env=environment, timeout=60)
    assert list(tmp_path.rglob("*")) == []


def test_a_corrupt_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "leaf.onnx").write_bytes(b"\x08\x07not a model")
    with pytest.raises(BrokenModel, match=r"leaf\.onnx cannot be opened"):
        perform(ExecutionOrder(kind="onnx", path=str(tmp_path / "leaf.onnx")))


def test_a_variant_of_changed_weights_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = bundled_weights.entry("efficientnet-lite0.onnx")
    half = next(one for one in item.variants if one.precision == "float16")
    assert half.shares == ("efficientnet-lite0.onnx",)
    (tmp_path / half.file).write_bytes(bundled_weights.checked_variant_path(half).read_bytes())
    monkeypatch.setattr(bundled_weights, "folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match=r"efficientnet-lite0\.onnx.*install the package again"):
        bundled_weights.checked_variant_path(half)
    (tmp_path / "efficientnet-lite0.onnx").write_bytes(b"other")
    with pytest.raises(WeightsError, match="SHA-256"):
        bundled_weights.checked_variant_path(half)


def test_faces_are_decoded_scaled_and_suppressed() -> None:
    outputs = []
    for cells, anchors in GRIDS:
        count = cells * cells * anchors
        outputs += [np.full((1, count, 1), -9, np.float32), np.zeros((1, count, 16), np.float32)]
    outputs[0][0, 34, 0], outputs[0][0, 35, 0] = 3.0, 2.0  # both anchors of the second cell of the second row
    outputs[1][0, 34:36, 2:4] = 16.0
    (face,) = faces(outputs, size=256, scale=0.5, label="face")
    assert face == {"label": "face", "score": 0.953, "box": [32, 32, 64, 64]}


def test_lines_are_found_in_reading_order_and_grow() -> None:
    likely = np.zeros((60, 100), np.float32)
    likely[40:50, 10:90] = likely[10:20, 20:40] = 0.9
    likely[2, 2] = 1.0
    likely[10:14, 60:90] = 0.4
    assert [line.box for line in lines(likely)] == [(15, 5, 45, 25), (3, 33, 97, 57)]


def test_a_crooked_stroke_is_one_region() -> None:
    likely = np.zeros((30, 30), np.float32)
    for step in range(5, 20):
        likely[step, step : step + 4] = 0.9
        likely[step, 25 - step // 2 : 28 - step // 2] = 0.9
    assert len(lines(likely)) == 1


def test_letters_are_collapsed() -> None:
    shares = np.eye(4, dtype=np.float32)[[1, 1, 0, 1, 2, 2, 0, 3]]
    assert letters(shares, ("", "a", "b", " ")) == ("aab", 1.0)
    assert letters(np.eye(2, dtype=np.float32)[[0, 0]], ("", "a")) == ("", 0.0)


def test_a_difference_of_other_shapes_is_unknown() -> None:
    one, two = np.array([[3.0, 4.0]], np.float32), np.array([[3.0, 4.5]], np.float32)
    assert difference([one], [two]).largest == 0.5
    assert difference([one], [two]).relative == pytest.approx(0.1)
    assert np.isnan(difference([one], [two, two]).relative)


def test_agreement_is_about_what_the_model_does() -> None:
    box = {"label": "cat", "box": [0, 0, 10, 10]}
    assert agreement({"objects": [box]}, {"objects": []}) == (0.0, "overlap of boxes, mean")
    assert agreement({"objects": []}, {"objects": []})[0] is None
    assert agreement({"objects": [box]}, {"objects": [box | {"label": "dog"}]})[0] == 0.0
    assert agreement({"text": [{"text": "abcd"}]}, {"text": [{"text": "abxd"}]})[0] == 0.75
    cosines = [{kind: {"cosine": value} for kind in ("related", "unrelated")} for value in (0.5, 0.4)]
    assert agreement(cosines[0], cosines[1])[0] == pytest.approx(0.9)
