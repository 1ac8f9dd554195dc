"""What the REST interface answers, as models: they make the OpenAPI document, and the tests hold answers to them."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ConfigDict


def documented(**extra: Any) -> ConfigDict:
    """What flask-openapi3 adds to a model's place in the document; pydantic itself ignores it."""
    return cast(ConfigDict, {"openapi_extra": extra})


class Answer(BaseModel):
    """A JSON answer, with every field it has."""

    model_config = ConfigDict(extra="forbid")


class TaskRef(Answer):
    """The pair that names one answer to one problem; both numbers begin at 1."""

    problem_id: int
    iteration_id: int


class FieldErrorAnswer(Answer):
    """One field that cannot be used."""

    field: str
    message: str


class ProblemDetails(Answer):
    """An error after RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    field: str | None = None
    errors: list[FieldErrorAnswer] | None = None
