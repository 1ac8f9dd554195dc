"""The JSON bodies of serving: catalogues, and the plan of an epoch, which every worker concerned gets whole."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

LinkMode = Literal["newest", "lossless"]
"""Of a link that is full, `newest` drops the older item, `lossless` holds the sender back."""

Restart = Literal["always", "on_failure", "never"]
Strategy = Literal["optimal", "load_aware", "random", "round_robin", "manual"]


class PlacedInstance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance and where it runs.

    Attributes:
        logical_id: a UUID that stays as long as the service; `physical_id` is another one at every placement anew, and
            an instance that stays where it was keeps it from epoch to epoch.
        name: of the handler in the blueprint; `replica` counts its instances from 0.
        handler: the type, as the catalogue has it. `parameters` are those of the blueprint, and of a partition its
            boundaries as well.
        provider_id: of a source, sink or device the provider that it uses; empty for a handler.
        restart: what the worker does when its process ends by itself.
        first_sequence: what a source begins to count at.
        incarnation: of the worker's start that it is placed on, which ends with that start; 0 where that is not known.
    """

    logical_id: str
    physical_id: str
    name: str
    handler: str
    node_id: str
    replica: int = 0
    provider_id: str = ""
    parameters: dict[str, Any] = {}
    restart: Restart = "on_failure"
    memory_bytes: float = 0.0
    first_sequence: int = 0
    incarnation: int = 0


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What one output feeds, by logical ids; of several links from one output to replicas of a handler each item takes
    one, drawn by weight (or by sequence where the receiver joins several inputs); other links all get every item."""

    sender: str
    output: str
    receiver: str
    input: str
    mode: LinkMode = "lossless"
    weight: float = 1.0
    capacity: int = 8
    delay_s: float = 0.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of one service, whole: who runs where, and what feeds what.

    Attributes:
        predicted: JSON for people and pages: stage and link times as the placement engine sees them.
        trace: whether packet events are reported.
        lost: physical ids of earlier epochs that were given up with their workers: once this epoch works, nobody waits
            for them, even if they come back.
    """

    service_id: str
    service_name: str
    epoch: int
    instances: tuple[PlacedInstance, ...]
    links: tuple[Link, ...]
    trace: bool = True
    predicted: dict[str, Any] = {}
    lost: tuple[str, ...] = ()


ANY_TYPE = "any"
"""Of a port that takes, or gives, whatever comes; what does not fit is refused when it arrives."""


class PortDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A port: its name and the name of its value type (`image`, `encoded_image`, `boxes`, `tensors`, `record`, …)."""

    name: str
    type: str


class HandlerDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker can run, as its catalogue tells it.

    Attributes:
        name: the handler's type. `class_type` is set for resources, which are placed by their providers.
        role: `source`, `handler` or `sink`.
        parameters: JSON schema of the parameters, with defaults and ranges.
        run_time: `python` or another one that the worker must have.
    """

    name: str
    role: Literal["source", "handler", "sink"]
    description: str = ""
    inputs: tuple[PortDescription, ...] = ()
    outputs: tuple[PortDescription, ...] = ()
    parameters: dict[str, Any] = {}
    class_type: str = ""
    run_time: str = "python"
