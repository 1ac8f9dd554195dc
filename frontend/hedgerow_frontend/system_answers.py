"""The answers of the REST interface that are about nodes, events, the pipeline and the system's health."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hedgerow_frontend.answers import Answer, TaskRef, documented

EVENT_STREAM = "text/event-stream"


class NodeAnswer(Answer):
    """A node as last seen; `info` is its announcement, `status` its newest report."""

    node_id: str
    name: str
    kind: str
    state: str
    incarnation: int
    last_seen_at: str | None
    info: dict[str, Any]
    status: dict[str, Any]


class NodeList(Answer):
    """Every node that was ever seen."""

    items: list[NodeAnswer]


class CommandAnswered(Answer):
    """What a node made of a command."""

    node_id: str
    name: str
    code: str
    state: str
    reason: str


class ConfigurationAnswered(Answer):
    """The configuration that a node has now."""

    node_id: str
    name: str
    code: str
    state: str
    configuration: dict[str, Any]
    reason: str


class EventAnswer(Answer):
    """Something that happened; ids grow, and are the ids of the event stream."""

    id: int
    at: str
    kind: str
    task: TaskRef | None
    stage: str | None
    node_id: str | None
    body: Any


class EventPage(Answer):
    """Events, oldest first."""

    model_config = documented(
        description="A page of events; with `Accept: text/event-stream` a stream that goes on for ever.",
        content={EVENT_STREAM: {"schema": {"type": "string"}}},
    )

    items: list[EventAnswer]
    next: int = Field(description="The `after` with which to ask for what follows, at any time.")


class StageOfPipeline(Answer):
    """One stage and the stages or messages it waits for."""

    name: str
    kind: str
    inputs: list[str]


class PipelineAnswer(Answer):
    """The stages that every task goes through."""

    name: str
    stages: list[StageOfPipeline]


class ComponentAnswer(Answer):
    """One part of the system."""

    name: str
    ok: bool
    detail: str


class ReadyAnswer(Answer):
    """Whether problems can be answered now."""

    ready: bool
    components: list[ComponentAnswer]


class AliveAnswer(Answer):
    """The process lives."""

    status: Literal["ok"]
