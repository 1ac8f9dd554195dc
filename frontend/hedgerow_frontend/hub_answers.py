"""What a search of the hub may ask, and what it answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hedgerow_frontend.answers import Answer
from hedgerow_frontend.bodies import Entry, Word
from hedgerow_nodes.estimators.hub.searching import MOST_FOUND


class HubQuery(BaseModel):
    """What is looked for on the hub."""

    model_config = ConfigDict(extra="forbid")

    search: Entry = Field(description="In words, or a part of a name.")
    task: Word = Field("", description="Only models for this task; guessed from the words without it.")
    limit: int = Field(10, ge=1, le=MOST_FOUND)


class HubTask(Answer):
    """A task that the words speak of."""

    id: str
    score: float


class HubModelAnswer(Answer):
    """A model as the hub lists it; null is unknown."""

    id: str
    required_model: str = Field(description="What a problem says in `required_model` to have it.")
    task: str | None
    downloads: int | None
    likes: int | None
    licence: str | None
    last_modified: str | None
    gated: bool
    fit: float = Field(description="Share of the words that stand in its name, task or tags.")


class HubSearchAnswer(Answer):
    """Models of the hub, those that fit the words best first."""

    query: str
    task: str | None = Field(description="That was looked for; null is any.")
    tasks: list[HubTask] = Field(description="What the words speak of, best first; empty where the task was given.")
    models: list[HubModelAnswer]
    explanation: str
