"""The front end: REST, SSE and pages. Reads the store, and sends wishes over the bus."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response
from flask_openapi3.openapi import OpenAPI

from hedgerow_frontend import (
    actions,
    choices,
    compare_page,
    comparisons,
    documents,
    drawings,
    events,
    exports,
    health,
    hub_models,
    login,
    nodes,
    pages,
    presentation,
    problem_details,
    problems,
    security,
    tasks,
    validation,
)
from hedgerow_frontend.answers import ProblemDetails
from hedgerow_frontend.formatting import register_filters
from hedgerow_frontend.services import Client, Reader, Services, provide
from hedgerow_frontend.serving import actions as serving_actions
from hedgerow_frontend.serving import (
    asking_actions,
    inference_api,
    messages,
    preview_api,
    services_api,
    telemetry_api,
    telemetry_page,
    trace_api,
    workers_api,
)
from hedgerow_frontend.serving import pages as serving_pages
from hedgerow_frontend.settings import Settings
from hedgerow_frontend.sse import EventHub
from hedgerow_frontend.wishes import unavailable
from hedgerow_orchestrator.store.errors import StoreMissing, StoreUnavailable

__all__ = ["create_app"]

_REST_MODULES: tuple[Any, ...] = (
    problems,
    drawings,
    exports,
    comparisons,
    choices,
    tasks,
    nodes,
    services_api,
    inference_api,
    preview_api,
    workers_api,
    trace_api,
    telemetry_api,
    events,
    hub_models,
    health,
)
_PAGE_MODULES: tuple[Any, ...] = (
    pages,
    compare_page,
    actions,
    serving_pages,
    serving_actions,
    asking_actions,
    telemetry_page,
    login,
)


def create_app(*, reader: Reader, client: Client, settings: Settings, hub: EventHub | None = None) -> OpenAPI:
    """Build the app over a store reader and a request client.

    The hub is made here unless one is given; its thread is the caller's to start and to stop.
    """
    app = _rest_app()
    if hub is None:
        hub = EventHub(reader, clients_max=settings.sse_clients_max, queue_rows=settings.sse_queue_rows)
    client.on_event(hub.wake)
    provide(app.extensions, Services(reader=reader, client=client, settings=settings, hub=hub))
    security.protect(app, settings)
    problem_details.register_errors(app)
    app.register_error_handler(StoreMissing, _store_error)
    app.register_error_handler(StoreUnavailable, _store_error)
    for module in _PAGE_MODULES:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(choices.page_blueprint)
    _prepare_templates(app, settings)
    return app


def openapi_document() -> dict[str, Any]:
    """Describe the REST interface (OpenAPI 3.1)."""
    return dict(_rest_app().api_doc)


class _Frontend(OpenAPI):
    """A Flask app that reads JSON strictly."""

    request_class = validation.JsonRequest


def _rest_app() -> OpenAPI:
    app = _Frontend(
        __name__,
        info=documents.INFO,
        security_schemes=dict(documents.SECURITY_SCHEMES),
        openapi_extensions=dict(documents.SECURITY),
        validation_error_model=ProblemDetails,
        validation_error_callback=validation.refuse,
        doc_ui=False,
    )
    for module in _REST_MODULES:
        app.register_api(module.blueprint)
    app.add_url_rule(f"{documents.API}/openapi.json", "openapi", lambda: app.api_doc)
    return app


def _prepare_templates(app: Flask, settings: Settings) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined]  # stages stay in the order of the pipeline
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    register_filters(app)
    app.jinja_env.globals.update(
        mark=presentation.mark,
        is_final=presentation.is_final,
        commands_in=presentation.commands_in,
        output_template=presentation.output_template,
        clauses=messages.clauses,
        sentence=messages.sentence,
        token_set=bool(settings.token),
    )


def _store_error(error: StoreMissing | StoreUnavailable) -> Response:
    return problem_details.respond(unavailable(str(error)))
