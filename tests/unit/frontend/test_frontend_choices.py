"""What there is to choose from, over REST and as a page; what is listed is what the nodes take."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_frontend.choice_answers import Choices, ModelChoices
from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.hw_constraints import HardwareConstraints
from hedgerow_nodes.ml_model_metadata import ModelMetadata

ADDRESS = "/api/v1/choices"


def test_goals_modalities_metrics_and_devices_are_listed(web: Any) -> None:
    found = Choices.model_validate(web.get(ADDRESS).json)
    goals = {goal.id: goal for goal in found.goals}
    assert (goals["object-detection"].modality, goals["object-detection"].name) == ("cv", "Object Detection")
    assert goals["object-detection"].models > 100
    assert "accuracy" in goals["image-classification"].metrics
    assert {goal.modality for goal in found.goals} <= set(found.modalities)
    devices = {device.id: device for device in found.devices}
    assert len(devices) >= 300
    assert devices["nvidia-jetson-nano"].missing == []
    assert "memory bandwidth" in devices["amd-zcu102"].missing


def test_the_nodes_take_whatever_is_listed(web: Any) -> None:
    found = Choices.model_validate(web.get(ADDRESS).json)
    metadata, constraints = NodeHarness(ModelMetadata), NodeHarness(HardwareConstraints)
    try:
        for goal in found.goals:
            output = metadata.process(UserInput(text="x", goal=goal.id))
            assert [one.id for one in output.tasks] == [goal.id]
            assert list(output.metrics) == goal.metrics
        for modality in found.modalities:
            output = metadata.process(UserInput(text="Count cows in photos", modality=modality))
            assert output.header.outcome is Outcome.SUCCEEDED
        for device in found.devices:
            output = constraints.process(UserInput(required_device=device.id))
            assert output.required_device == device.id
    finally:
        metadata.close()
        constraints.close()


def test_the_models_for_a_goal_are_listed(web: Any) -> None:
    found = ModelChoices.model_validate(web.get(f"{ADDRESS}/Object Detection/models").json)
    models = {model.id: model for model in found.items}
    assert found.goal == "object-detection"
    assert (models["nanodet-g-416"].family, models["nanodet-g-416"].weights) == ("NanoDet", "bundled")
    [goal] = [one for one in web.get(ADDRESS).json["goals"] if one["id"] == found.goal]
    assert goal["models"] == len(models)


@pytest.mark.parametrize("goal", ["fly", "x" * 2000, "ü"])
def test_a_goal_that_nobody_knows_is_answered_with_the_known_ones(web: Any, goal: str) -> None:
    reply = web.get(f"{ADDRESS}/{goal}/models")
    assert (reply.status_code, reply.json["code"]) == (404, "not_found")
    assert "known: " in reply.json["detail"]
    assert "object-detection" in reply.json["detail"]


def test_the_page_lists_the_same_and_the_form_leads_there(web: Any) -> None:
    page = web.get("/choices").text
    for text in ("object-detection", "Raspberry Pi 4", "nvidia-jetson-nano", "memory bandwidth"):
        assert text in page, text
    assert 'href="/api/v1/choices/object-detection/models"' in page
    assert 'href="/choices"' in web.get("/").text
