"""`hedgerow problem choices`: what it asks for and how it shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Hedgerow = Callable[..., Any]
FOUND = {
    "modalities": ["cv", "nlp"],
    "goals": [{"id": "translation", "name": "Translation", "modality": "nlp", "metrics": ["bleu"], "models": 7}],
    "devices": [{"id": "a-board", "name": "A Board", "device_class": "edge", "missing": ["power"]}],
}
MODELS = {"goal": "translation", "items": [{"id": "m", "family": "M", "accuracy": 0.5, "accuracy_metric": "BLEU"}]}
ANSWERS = {"GET /api/v1/choices": (200, FOUND), "GET /api/v1/choices/translation/models": (200, MODELS)}


def test_tasks_devices_and_models_are_listed(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = ANSWERS
    tasks = hedgerow("problem", "choices")
    assert tasks.stdout.split() == ["task", "modality", "models", "metrics", "translation", "nlp", "7", "bleu"]
    assert "modalities: cv, nlp" in tasks.stderr
    assert "A Board  edge   a-board  power" in hedgerow("problem", "choices", "--devices").stdout
    assert hedgerow("problem", "choices", "translation").stdout.split()[-4:] == ["m", "M", "0.5", "BLEU"]


def test_json_is_the_answer_itself(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = ANSWERS
    assert json.loads(hedgerow("problem", "choices", "--json").stdout) == FOUND
    assert json.loads(hedgerow("problem", "choices", "translation", "--json").stdout) == MODELS
