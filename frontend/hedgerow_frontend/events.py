"""REST: events, as a JSON page or as a stream of server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import EventQuery, StreamHeader
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.problem_details import field_error
from hedgerow_frontend.services import services
from hedgerow_frontend.sse import READ_ROWS, EventSource, HubFullError, Row, Subscription
from hedgerow_frontend.system_answers import EVENT_STREAM, EventPage
from hedgerow_frontend.wishes import unavailable

RECONNECT_MS = 2000
LOOK_UP_S = 1.0
STREAM_EXPLAINED = (
    "In a stream `id:` is the event's id, `event:` its kind and `data:` its JSON. It begins after `Last-Event-ID` or "
    "`after`, without them now. An event `resync` says that events were left out: look anew at what you show."
)

blueprint = APIBlueprint(
    "events",
    __name__,
    url_prefix=f"{API}/events",
    abp_tags=[Tag(name="events", description="What happened, in the order in which it happened.")],
    abp_responses=errors(503),
)


@blueprint.get("", description=STREAM_EXPLAINED, responses={200: EventPage, **errors(422)})
def events(header: StreamHeader, query: EventQuery) -> Response | dict[str, Any]:
    """Read events: a JSON page, or a stream that goes on for ever."""
    if query.iteration_id is not None and query.problem_id is None:
        raise field_error("iteration_id", f"{query.iteration_id} needs `problem_id` beside it")
    if request.accept_mimetypes.best_match(["application/json", EVENT_STREAM]) == EVENT_STREAM:
        after = int(header.last_event_id) if header.last_event_id else query.after
        return _stream(after, query)
    return event_page(query)


def event_page(query: EventQuery) -> dict[str, Any]:
    """One page of events, and where the next one begins."""
    after = query.after or 0
    rows = services().reader.events(after, query.limit, query.problem_id, query.iteration_id)
    return {"items": rows, "next": rows[-1]["id"] if rows else after}


def _stream(after: int | None, query: EventQuery) -> Response:
    tools = services()
    try:
        subscription = tools.hub.subscribe(_filter(query))
    except HubFullError:
        raise unavailable(
            f"{tools.settings.sse_clients_max} event streams are open already; ask for JSON pages meanwhile (?after=)"
        ) from None
    gone = request.environ.get("waitress.client_disconnected") or (lambda: False)
    stored = past(tools.reader, after, subscription.start_id, query)
    parts = stream(stored, subscription, after, gone=gone, keep_alive_s=tools.settings.sse_keep_alive_s)
    response = Response(parts, mimetype=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})
    response.call_on_close(lambda: tools.hub.leave(subscription))
    return response


def stream(
    stored: Iterator[Row],
    subscription: Subscription,
    after: int | None,
    *,
    gone: Callable[[], bool],
    keep_alive_s: float,
) -> Iterator[str]:
    """The text of an event stream: first what the store holds, then what the hub hands on, each event once."""
    yield f"retry: {RECONNECT_MS}\n\n"
    if after is not None and after > subscription.start_id:
        yield _resync(subscription.start_id)
    for row in stored:
        yield _message(row)
    spoke_at = time.monotonic()
    while not gone():
        taken = subscription.take(min(LOOK_UP_S, keep_alive_s))
        if subscription.closed:
            return
        if taken is not None:
            yield _resync(taken) if isinstance(taken, int) else _message(taken)
        elif time.monotonic() - spoke_at < keep_alive_s:
            continue
        else:
            yield ": still here\n\n"
        spoke_at = time.monotonic()


def past(source: EventSource, after: int | None, until: int, query: EventQuery) -> Iterator[Row]:
    """The events after one id up to another that the store holds; none where there is no place to begin from."""
    while after is not None and after < until:
        rows = source.events(after, READ_ROWS, query.problem_id, query.iteration_id)
        yield from (row for row in rows if row["id"] <= until)
        after = rows[-1]["id"] if len(rows) == READ_ROWS else until


def _filter(query: EventQuery) -> Callable[[Row], bool]:
    wanted = {
        name: value
        for name, value in (("problem_id", query.problem_id), ("iteration_id", query.iteration_id))
        if value is not None
    }
    return lambda row: all((row["task"] or {}).get(name) == value for name, value in wanted.items())


def _message(row: Row) -> str:
    return f"id: {row['id']}\nevent: {row['kind']}\ndata: {json.dumps(row)}\n\n"


def _resync(event_id: int) -> str:
    return f"id: {event_id}\nevent: resync\ndata: {json.dumps({'id': event_id})}\n\n"
