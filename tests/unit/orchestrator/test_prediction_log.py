"""The log of predicted and real times: one line a second and service, what is not known is said so."""

from __future__ import annotations

import pytest

from hedgerow_nodes.core.environment import ConfigurationError
from hedgerow_orchestrator.prediction_log import PredictionLog, wanted


def test_a_line_names_stages_and_links(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "hedgerow.predictions")
    log = PredictionLog(lambda: 0.0)
    log.write("faces", {"detect": (0.0412031, 0.04), "draw": (float("nan"), 0.001)}, {"a>b": (0.0021, float("nan"))})
    log.write("empty", {}, {})
    assert caplog.messages == [
        "faces: compute detect 0.041203(0.040000) draw unknown(0.001000) | link a>b 0.002100(unknown)",
        "empty: nothing is predicted and nothing measured",
    ]


def test_each_service_has_its_second() -> None:
    now_s = 10.0
    log = PredictionLog(lambda: now_s)
    assert [log.due("a"), log.due("a"), log.due("b")] == [True, False, True]
    now_s = 11.0
    assert log.due("a")


def test_the_setting() -> None:
    assert [wanted({}), wanted({"HEDGEROW_PREDICTION_LOG": "1"}), wanted({"HEDGEROW_PREDICTION_LOG": "0"})] == [
        False,
        True,
        False,
    ]
    with pytest.raises(ConfigurationError, match="neither 0 nor 1"):
        wanted({"HEDGEROW_PREDICTION_LOG": "yes"})
