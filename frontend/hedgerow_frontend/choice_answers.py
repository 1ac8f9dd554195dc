"""The answers of the REST interface about what there is to choose from."""

from __future__ import annotations

from pydantic import Field

from hedgerow_frontend.answers import Answer


class GoalChoice(Answer):
    """A task of machine learning, as `goal` may name it."""

    id: str
    name: str
    modality: str
    metrics: list[str] = Field(description="How such models are judged.")
    models: int = Field(description="How many models are known for it.")


class DeviceChoice(Answer):
    """A device, as `required_device` may name it."""

    id: str
    name: str
    device_class: str
    missing: list[str] = Field(description="Figures without which it is listed and not ranked, at fp32.")


class Choices(Answer):
    """What the fields of a problem may be."""

    modalities: list[str]
    goals: list[GoalChoice]
    devices: list[DeviceChoice]


class ModelChoice(Answer):
    """A model, as `required_model` may name it, and `excluded_models` by its family too."""

    id: str
    family: str
    parameters: int
    accuracy: float | None
    accuracy_metric: str | None
    weights: str = Field(description="bundled, or none where it is known by figures only.")


class ModelChoices(Answer):
    """The models for one goal."""

    goal: str
    items: list[ModelChoice]
