"""What there is to choose from for a problem: goals, metrics, models and devices of the catalogues that nodes read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import GoalPath
from hedgerow_frontend.choice_answers import Choices, ModelChoices
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.problem_details import not_found
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.models import whole_catalogue
from hedgerow_nodes.estimators.text.tasks import UnknownGoal, load_taxonomy

blueprint = APIBlueprint(
    "choices",
    __name__,
    url_prefix=f"{API}/choices",
    abp_tags=[Tag(name="choices", description="What there is to choose from.")],
)
page_blueprint = Blueprint("choices_page", __name__)


@blueprint.get("", responses={200: Choices})
def choices() -> dict[str, Any]:
    """List modalities, goals with their metrics, and devices."""
    return all_choices()


@blueprint.get("/<goal>/models", responses={200: ModelChoices, **errors(404)})
def models(path: GoalPath) -> dict[str, Any]:
    """List the models for a goal."""
    return models_for(path.goal)


@page_blueprint.get("/choices")
def choices_page() -> str:
    """The same as a page."""
    return render_template("choices.html", found=all_choices())


def all_choices() -> dict[str, Any]:
    """What the fields `modality`, `goal` and `required_device` may be, in plain values."""
    taxonomy, catalogue = load_taxonomy(), whole_catalogue.load()
    goals = [
        {
            "id": task.id,
            "name": task.name,
            "modality": task.modality,
            "metrics": list(task.metrics),
            "models": len(catalogue.for_task(task.id)),
        }
        for task in taxonomy.tasks
    ]
    devices = [
        {
            "id": device.id,
            "name": device.name,
            "device_class": device.device_class,
            "missing": device.missing_figures("fp32"),
        }
        for device in load_devices()
    ]
    return {"modalities": list(taxonomy.modalities), "goals": goals, "devices": devices}


def models_for(goal: str) -> dict[str, Any]:
    """The models for a goal, in plain values.

    Raises:
        ApiError: 404, nobody knows the goal.
    """
    try:
        task = load_taxonomy().task_of_goal(goal)
    except UnknownGoal as error:
        raise not_found(str(error)) from None
    items = [
        {
            "id": model.id,
            "family": model.family,
            "parameters": model.parameters,
            "accuracy": model.accuracy.value if model.accuracy else None,
            "accuracy_metric": model.accuracy.metric if model.accuracy else None,
            "weights": model.weights.kind,
        }
        for model in whole_catalogue.load().for_task(task.id)
    ]
    return {"goal": task.id, "items": items}
