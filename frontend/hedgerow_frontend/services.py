"""What the views work with: the store's reader, the request client, the settings and the event hub of their app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from flask import current_app

from hedgerow_frontend.serving.metering import RateMeter
from hedgerow_frontend.serving.places import Places
from hedgerow_frontend.settings import Settings
from hedgerow_frontend.sse import EventHub
from hedgerow_idl import Event, ReplyStatus
from hedgerow_orchestrator.store.telemetry_queries import RowFilter

_KEY = "hedgerow"


class Page(Protocol):
    """One page of a list; `next` is the cursor of the following one, None at the end."""

    @property
    def items(self) -> list[dict[str, Any]]: ...
    @property
    def next(self) -> str | None: ...


class Reader(Protocol):
    """The part of `hedgerow_orchestrator.store.reader.StoreReader` that the front end reads."""

    def problems(self, limit: int = 50, cursor: str | None = None) -> Page: ...
    def problem(self, problem_id: int) -> dict[str, Any] | None: ...
    def task(self, problem_id: int, iteration_id: int) -> dict[str, Any] | None: ...
    def attempts(self, problem_id: int, iteration_id: int) -> list[dict[str, Any]]: ...
    def tasks(self, state: str | None = None, limit: int = 50, cursor: str | None = None) -> Page: ...
    def nodes(self) -> list[dict[str, Any]]: ...
    def node(self, name_or_id: str) -> dict[str, Any] | None: ...
    def events(
        self, after_id: int = 0, limit: int = 200, problem_id: int | None = None, iteration_id: int | None = None
    ) -> list[dict[str, Any]]: ...
    def last_event_id(self) -> int: ...
    def services(self, *, deleted: bool = False) -> list[dict[str, Any]]: ...
    def service(self, name_or_id: str) -> dict[str, Any] | None: ...
    def service_epochs(self, service_id: str) -> list[dict[str, Any]]: ...
    def service_instances(self, service_id: str) -> list[dict[str, Any]]: ...
    def workers(self) -> list[dict[str, Any]]: ...
    def worker(self, name_or_id: str) -> dict[str, Any] | None: ...
    def handlers(self) -> list[dict[str, Any]]: ...
    def trace(self, service: str, sequence: int) -> dict[str, Any] | None: ...
    def telemetry(
        self, kind: str, wanted: RowFilter | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page: ...
    def worker_links(self) -> list[dict[str, Any]]: ...
    def telemetry_sources(self) -> list[dict[str, Any]]: ...


class Answer(Protocol):
    """What the orchestrator made of a request."""

    @property
    def status(self) -> ReplyStatus: ...
    @property
    def body(self) -> dict[str, Any]: ...


class Client(Protocol):
    """The part of `hedgerow_nodes.core.request_client.RequestClient` that the front end uses."""

    def call(self, verb: str, body: dict[str, Any], timeout_s: float = 5.0) -> Answer: ...
    def on_event(self, callback: Callable[[Event], None]) -> None: ...


@dataclass(frozen=True)
class Services:
    """One app's dependencies."""

    reader: Reader
    client: Client
    settings: Settings
    hub: EventHub
    meter: RateMeter = field(default_factory=RateMeter)
    previews: Places = field(default_factory=Places)


def services() -> Services:
    """The dependencies of the app that handles the current request."""
    return cast(Services, current_app.extensions[_KEY])


def provide(extensions: dict[str, Any], dependencies: Services) -> None:
    """Hand an app its dependencies."""
    extensions[_KEY] = dependencies
