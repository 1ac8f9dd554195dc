"""Events: JSON pages, and streams in which nothing is missing and nothing comes twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_frontend.bodies import EventQuery
from hedgerow_frontend.events import past, stream
from hedgerow_frontend.sse import EventHub, HubFullError, Subscription
from hedgerow_frontend.system_answers import EventPage
from hedgerow_orchestrator.store.errors import StoreUnavailable

EVENTS = "/api/v1/events"
STREAM = {"Accept": "text/event-stream"}


@dataclass
class Log:
    """An event table that grows under the test's hands."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    reads: int = 0
    broken: bool = False
    while_reading: list[Callable[[], None]] = field(default_factory=list)

    def add(self, count: int = 1, problem_id: int = 1) -> None:
        for _ in range(count):
            task = {"problem_id": problem_id, "iteration_id": 1}
            row = {"id": len(self.rows) + 1, "at": "", "kind": "task.running", "task": task, "stage": ""}
            self.rows.append({**row, "node_id": "", "body": {}})

    def events(
        self, after_id: int = 0, limit: int = 200, problem_id: int | None = None, iteration_id: int | None = None
    ) -> list[dict[str, Any]]:
        self.reads += 1
        if self.broken:
            raise StoreUnavailable("locked")
        found = [row for row in self.rows if row["id"] > after_id]
        if problem_id is not None:
            found = [row for row in found if row["task"]["problem_id"] == problem_id]
        if self.while_reading:
            self.while_reading.pop(0)()
        return found[:limit]

    def last_event_id(self) -> int:
        return len(self.rows)


def everything(_row: object) -> bool:
    return True


def taken(subscription: Subscription) -> list[Any]:
    found = []
    while (item := subscription.take(0)) is not None:
        found.append(item if isinstance(item, int) else item["id"])
    return found


def test_a_page_says_where_to_go_on(web: Any) -> None:
    first = EventPage.model_validate(web.get(EVENTS, query_string={"limit": 3}).json)
    assert ([row.id for row in first.items], first.next) == ([1, 2, 3], 3)
    rest = EventPage.model_validate(web.get(EVENTS, query_string={"after": first.next}).json)
    assert [row.id for row in rest.items] == [4, 5, 6, 7]
    assert web.get(EVENTS, query_string={"after": 7}).json == {"items": [], "next": 7}


def test_pages_of_one_problem_and_of_one_iteration(web: Any) -> None:
    def ids(**query: int) -> list[int]:
        return [row["id"] for row in web.get(EVENTS, query_string=query).json["items"]]

    assert ids(problem_id=1) == [2, 3, 4, 5, 6]
    assert ids(problem_id=1, iteration_id=2) == [5, 6]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"iteration_id": 1}, "iteration_id"), ({"after": -1}, "after"), ({"after": "x"}, "after"), ({"at": 1}, "at")],
)
def test_a_bad_query_is_refused(web: Any, query: Any, field: str) -> None:
    reply = web.get(EVENTS, query_string=query)
    assert (reply.status_code, reply.json["field"]) == (422, field)


def read_stream(app: Any, query: dict[str, int] | None = None, **headers: str) -> list[dict[str, str]]:
    """Open a stream over a hub that has been stopped in the meantime: what was stored comes, then it ends."""
    hub = app.extensions["hedgerow"].hub
    reply = app.test_client().get(EVENTS, headers={**STREAM, **headers}, query_string=query or {})
    assert (reply.status_code, reply.mimetype) == (200, "text/event-stream")
    hub.stop()
    blocks = reply.text.split("\n\n")
    reply.close()
    messages = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if block]
    return [message for message in messages if "data" in message]


def test_a_stream_begins_after_the_last_event_that_the_browser_saw(make_app: Any) -> None:
    messages = read_stream(make_app(), **{"Last-Event-ID": "5"})
    assert [message["id"] for message in messages] == ["6", "7"]
    assert messages[0]["event"] == "task.failed"
    assert json.loads(messages[0]["data"])["task"] == {"problem_id": 1, "iteration_id": 2}


def test_a_stream_keeps_to_its_problem(make_app: Any) -> None:
    messages = read_stream(make_app(), {"after": 0, "problem_id": 2})
    assert [message["id"] for message in messages] == ["7"]


def test_a_stream_without_a_place_begins_now(make_app: Any) -> None:
    assert read_stream(make_app()) == []


def test_a_client_from_the_future_is_told_to_look_anew(make_app: Any) -> None:
    [message] = read_stream(make_app(), {"after": 99})
    assert (message["event"], message["id"]) == ("resync", "7")


def test_a_place_that_is_none_is_refused(web: Any) -> None:
    reply = web.get(EVENTS, headers={**STREAM, "Last-Event-ID": "7; drop"})
    assert (reply.status_code, reply.json["field"]) == (422, "Last-Event-ID")


def test_streams_above_the_limit_are_refused_and_a_closed_one_makes_room(make_app: Any) -> None:
    web = make_app(sse_clients_max=1).test_client()
    first = web.get(EVENTS, headers=STREAM)
    refused = web.get(EVENTS, headers=STREAM)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert web.get(EVENTS).status_code == 200
    first.close()
    again = web.get(EVENTS, headers=STREAM)
    assert again.status_code == 200
    again.close()


def test_a_head_request_leaves_no_stream_behind(make_app: Any) -> None:
    web = make_app(sse_clients_max=1).test_client()
    for _ in range(3):
        with web.head(EVENTS, headers=STREAM) as reply:
            assert reply.status_code == 200


def test_an_event_on_the_bus_wakes_the_hub(make_app: Any, client: Any) -> None:
    hub = make_app().extensions["hedgerow"].hub
    assert client.callbacks == [hub.wake]


def test_the_hub_hands_on_what_is_new_to_everybody_once() -> None:
    log = Log()
    log.add(3)
    hub = EventHub(log)
    first, second = hub.subscribe(everything), hub.subscribe(lambda row: row["task"]["problem_id"] == 2)
    log.add(2)
    log.add(1, problem_id=2)
    assert hub.step() == 3
    assert hub.step() == 0
    assert (first.start_id, taken(first), taken(second)) == (3, [4, 5, 6], [6])


def test_the_hub_reads_nothing_while_nobody_listens() -> None:
    log = Log()
    hub = EventHub(log)
    subscription = hub.subscribe(everything)
    hub.leave(subscription)
    log.add(5)
    assert hub.step() == 0
    assert log.reads == 0
    assert hub.subscribe(everything).start_id == 5


def test_who_joins_while_the_hub_reads_gets_the_rest_and_nothing_twice() -> None:
    log = Log()
    hub = EventHub(log)
    hub.subscribe(everything)
    log.add(2)
    late: list[Subscription] = []
    log.while_reading = [lambda: late.append(hub.subscribe(everything))]
    hub.step()
    assert [late[0].start_id, *taken(late[0])] == [0, 1, 2]


def test_a_queue_that_overflows_is_replaced_by_one_notice() -> None:
    log = Log()
    hub = EventHub(log, queue_rows=3)
    slow, quick = hub.subscribe(everything), hub.subscribe(everything)
    for _ in range(5):
        log.add()
        hub.step()
        taken(quick)
    assert taken(slow) == [5]
    log.add()
    hub.step()
    assert (taken(slow), taken(quick)) == ([6], [6])


def test_a_stopped_hub_ends_its_streams_and_takes_no_more() -> None:
    log = Log()
    hub = EventHub(log)
    subscription = hub.subscribe(everything)
    log.add()
    hub.step()
    hub.stop()
    assert subscription.closed
    assert subscription.take(60) is None
    with pytest.raises(HubFullError):
        hub.subscribe(everything)


def test_the_hubs_thread_survives_a_store_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    hub = EventHub(log, poll_s=0.01)
    subscription = hub.subscribe(everything)
    log.broken = True
    log.while_reading = []
    hub.start()
    hub.wake()
    log.add()
    while log.reads < 3:
        subscription.take(0.01)
    log.broken = False
    item = subscription.take(10)
    hub.stop()
    assert isinstance(item, dict)
    assert item["id"] == 1
    assert [record.getMessage() for record in caplog.records] == ["frontend: no new events: locked"]


def test_a_silent_stream_is_kept_alive_and_ends_when_the_client_has_gone() -> None:
    looks = iter([False, False, True])
    subscription = Subscription(0, 8, everything)
    parts = list(stream(iter(()), subscription, None, gone=lambda: next(looks), keep_alive_s=0))
    assert parts == ["retry: 2000\n\n", ": still here\n\n", ": still here\n\n"]


@given(
    before=st.integers(0, 450),
    after=st.integers(0, 450),
    added=st.lists(st.integers(0, 5), max_size=12),
    step_first=st.booleans(),
)
def test_between_replay_and_live_nothing_is_missing_and_nothing_comes_twice(
    before: int, after: int, added: list[int], step_first: bool
) -> None:
    log = Log()
    log.add(before)
    after = min(after, before)
    hub = EventHub(log, queue_rows=10_000)
    if step_first:
        hub.subscribe(everything)
        log.add(2)
        hub.step()
    subscription = hub.subscribe(everything)
    pending = list(added)

    def gone() -> bool:
        if pending:
            log.add(pending.pop(0))
            hub.step()
            return False
        hub.step()
        return not subscription.pending

    old = past(log, after, subscription.start_id, EventQuery())
    parts = stream(old, subscription, after, gone=gone, keep_alive_s=0)
    ids = [int(part.split("\n")[0][4:]) for part in parts if part.startswith("id: ")]
    assert ids == list(range(after + 1, len(log.rows) + 1))
