"""The collector's buffer and delivery: whatever comes twice, late or in any order, each row is stored exactly once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from telemetry_batches import CODEC, KeepingStore, a_batch, rows_of

from hedgerow_idl import Reply, ReplyStatus, Request
from hedgerow_idl.telemetry import TelemetryBatch
from hedgerow_nodes.collecting.buffer import MOST_SOURCES, Buffer
from hedgerow_nodes.collecting.delivery import LONGEST_RESEND_S, RESEND_S, RETRY_S, Delivery
from hedgerow_nodes.core.telemetry_rows import cut, range_of

MANY = 10**9
NO_ORCHESTRATOR = "the orchestrator does not answer; rows are held"


def asked(buffer: Buffer, *sources: str) -> Buffer:
    for source in sources:
        buffer.known(source, [])
    return buffer


def held(buffer: Buffer) -> list[TelemetryBatch]:
    return [CODEC.decode(piece.cdr) for piece in buffer.take(MANY, MANY)]


@given(st.integers(0, 30), st.integers(1, 5), st.integers(0, 40), st.integers(0, 40))
def test_a_cut_has_the_rows_of_its_numbers(rows: int, first: int, start: int, end: int) -> None:
    batch = a_batch("s", first, rows)
    start, end = sorted((max(first, min(start, first + rows)), max(first, min(end, first + rows))))
    part = cut(batch, start, end)
    assert rows_of(part) == [(number, float(number)) for number in range(start, end)]


def test_what_came_once_is_held_as_it_came() -> None:
    buffer = asked(Buffer(MANY, MANY), "s")
    batch = a_batch("s", 1, 10, lost=3)
    raw = CODEC.encode(batch)
    assert buffer.put(batch, raw) == 10
    assert buffer.put(batch, raw) == 0
    assert buffer.take(MANY, MANY)[0].cdr is raw
    assert (buffer.held_rows, buffer.held_bytes, buffer.repeated_rows, buffer.lost_rows) == (10, len(raw), 10, 3)


def test_of_a_batch_that_overlaps_only_the_new_rows_are_held() -> None:
    buffer = asked(Buffer(MANY, MANY), "s")
    buffer.put(a_batch("s", 5, 5))
    assert buffer.put(a_batch("s", 1, 20)) == 15
    assert [range_of(each) for each in held(buffer)] == [(5, 10), (1, 5), (10, 21)]


def test_large_batches_are_cut_into_pieces() -> None:
    buffer = asked(Buffer(MANY, 4096), "s")
    batch = a_batch("s", 1, 1000)
    buffer.put(batch, CODEC.encode(batch))
    pieces = buffer.take(MANY, MANY)
    assert len(pieces) > 10
    assert max(len(piece.cdr) for piece in pieces) <= 4096
    assert [number for each in held(buffer) for number, _ in rows_of(each)] == list(range(1, 1001))


def test_a_row_that_no_request_can_carry_is_refused() -> None:
    buffer = asked(Buffer(MANY, 4096), "s")
    batch = a_batch("s", 1, 9)
    batch.packets[0].port_name = "x" * 5000
    assert buffer.put(batch) == 9
    assert (buffer.held_rows, buffer.refused_rows) == (8, 1)
    assert "row 6 has" in buffer.fault


@pytest.mark.parametrize(
    "batch", [a_batch("", 1, 3), a_batch("x" * 129, 1, 3), TelemetryBatch(source_id="s", incarnation=2**63)]
)
def test_what_cannot_be_kept_is_refused(batch: TelemetryBatch) -> None:
    buffer = Buffer(MANY, MANY)
    assert buffer.put(batch) == 0
    assert buffer.refused_rows == range_of(batch)[1] - range_of(batch)[0]
    assert buffer.fault


def test_beyond_the_limit_the_oldest_are_dropped_and_counted_but_not_those_on_their_way() -> None:
    size = len(CODEC.encode(a_batch("s", 1, 10)))
    buffer = asked(Buffer(3 * size, MANY), "s")
    buffer.put(a_batch("s", 1, 10))
    assert [piece.start for piece in buffer.take(size, MANY)] == [1]
    for first in (11, 21, 31, 41):
        buffer.put(a_batch("s", first, 10))
    assert buffer.held_bytes <= 3 * size
    assert [range_of(each) for each in held(buffer)] == [(1, 11), (31, 41), (41, 51)]
    assert buffer.dropped_rows == 20


def test_sources_without_rows_in_hand_are_forgotten_at_last() -> None:
    buffer = Buffer(MANY, MANY)
    for number in range(MOST_SOURCES + 50):
        source = f"source-{number}"
        buffer.put(a_batch(source, 1, 1, lost=1))
        buffer.known(source, [(1, 2)])
    assert len(buffer._sources) == MOST_SOURCES
    assert buffer.lost_rows == MOST_SOURCES + 50


def delivery(buffer: Buffer) -> Delivery:
    return Delivery(buffer, "client", period_s=0.5, report_bytes=MANY)


def reply(request: Request, status: ReplyStatus, body: str = "{}") -> Reply:
    return Reply(status=status, request_id=request.request_id, body=body)


def test_the_store_is_asked_before_anything_of_a_source_is_sent() -> None:
    buffer, store = Buffer(MANY, MANY), KeepingStore()
    going = delivery(buffer)
    buffer.put(a_batch("s", 1, 10))
    question = going.due(0.0)
    assert question is not None
    assert '"batches":[]' in question.body
    store.known["s"] = store.known.get("s") or type(buffer._source("s").seen)([(1, 8)])
    going.on_reply(store.answer(question), 0.0)
    # What the store has is not sent again, though the piece goes as a whole.
    report = going.due(0.0)
    assert report is not None
    going.on_reply(store.answer(report), 0.1)
    assert sorted(number for _, number in store.rows) == [8, 9, 10]
    assert (buffer.held_rows, going.due(0.1), going.next_due_at_s) == (0, None, 0.5)


def test_a_report_is_written_again_less_and_less_often() -> None:
    going = delivery(Buffer(MANY, MANY))
    going._buffer.put(a_batch("s", 1, 10))
    first = going.due(0.0)
    pauses, at_s = [], 0.0
    for _ in range(6):
        assert going.due(going.next_due_at_s - 0.01) is None
        pauses.append(going.next_due_at_s - at_s)
        at_s = going.next_due_at_s
        assert going.due(at_s) is first
    assert pauses == [RESEND_S, 2 * RESEND_S, 4 * RESEND_S, 4.0, LONGEST_RESEND_S, LONGEST_RESEND_S]
    assert going.trouble == NO_ORCHESTRATOR


def test_not_now_is_asked_again_later() -> None:
    going = delivery(Buffer(MANY, MANY))
    going._buffer.put(a_batch("s", 1, 10))
    first = going.due(0.0)
    assert first is not None
    going.on_reply(reply(first, ReplyStatus.UNAVAILABLE, '{"message": "disk full"}'), 0.2)
    assert (going.trouble, going.due(0.9), going.next_due_at_s) == ("disk full", None, 0.2 + RETRY_S)
    again = going.due(1.3)
    assert again is not None
    assert again.request_id != first.request_id
    going.on_reply(reply(first, ReplyStatus.OK), 1.4)  # an answer to an older one
    assert going.trouble == "disk full"
    going.on_reply(reply(again, ReplyStatus.OK, "nonsense"), 1.5)
    assert "cannot be read" in going.trouble


def test_an_orchestrator_that_does_not_know_the_verb_costs_no_row() -> None:
    going = delivery(Buffer(MANY, MANY))
    going._buffer.put(a_batch("s", 1, 10))
    for at_s in (0.0, 10.0, 20.0):
        request = going.due(at_s)
        assert request is not None
        going.on_reply(reply(request, ReplyStatus.INVALID, '{"message": "request unknown"}'), at_s)
    assert (going._buffer.held_rows, going.trouble) == (10, "request unknown")


def test_of_a_report_that_is_refused_only_the_bad_piece_is_left_out() -> None:
    buffer, store = asked(Buffer(MANY, MANY), "s"), KeepingStore()
    store.poison.add(("s", 37))
    for first in range(1, 101, 10):
        buffer.put(a_batch("s", first, 10))
    going = delivery(buffer)
    for at in range(40):
        request = going.due(float(at))
        if request is not None:
            going.on_reply(store.answer(request), float(at))
    assert {number for _, number in store.rows} == set(range(1, 101)) - set(range(31, 41))
    assert (buffer.held_rows, buffer.refused_rows, buffer.fault) == (0, 10, "poison")


class Collecting(RuleBasedStateMachine):
    """Workers, a collector that restarts, an orchestrator and a store that go away: at last each row is there once."""

    @initialize()
    def begin(self) -> None:
        self.store = KeepingStore()
        self.rings: dict[str, list[TelemetryBatch]] = {}
        self.away = False
        self.clock_s = 0.0
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.restart()

    @rule()
    def restart(self) -> None:
        """The new collector gets the rings' history, from each worker in order."""
        self.buffer = Buffer(MANY, 700)
        self.going = Delivery(self.buffer, "client", 0.5, 2000)
        for ring in self.rings.values():
            for batch in ring:
                self.buffer.put(batch, CODEC.encode(batch))

    @rule(source=st.sampled_from("abc"), rows=st.integers(0, 12))
    def write(self, source: str, rows: int) -> None:
        ring = self.rings.setdefault(source, [])
        first = range_of(ring[-1])[1] if ring else 1
        ring.append(a_batch(source, first, rows))
        self.buffer.put(ring[-1])

    @rule(source=st.sampled_from("abc"), number=st.integers(0, 100))
    def hear_again(self, source: str, number: int) -> None:
        ring = self.rings.get(source)
        if ring:
            self.buffer.put(ring[number % len(ring)])

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.6, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock_s += seconds
        request = self.going.due(self.clock_s)
        if request is not None:
            self.requests.append(request)

    @rule(number=st.integers(0, 100), lost=st.booleans())
    def orchestrator_answers(self, number: int, lost: bool) -> None:
        """Any request that was written, also an old one or one again; the answer may get lost on the way."""
        if self.requests:
            request = self.requests[number % len(self.requests)]
            if self.away:
                status = ReplyStatus.UNAVAILABLE
                answer = Reply(status=status, request_id=request.request_id, body='{"message": "away"}')
            else:
                answer = self.store.answer(request)
            if not lost:
                self.replies.append(answer)

    @rule(number=st.integers(0, 100))
    def hear_answer(self, number: int) -> None:
        if self.replies:
            self.going.on_reply(self.replies[number % len(self.replies)], self.clock_s)

    @rule(away=st.booleans())
    def store_goes_or_comes(self, away: bool) -> None:
        self.away = away

    @invariant()
    def no_row_is_stored_twice(self) -> None:
        assert all(count == 1 for count in self.store.rows.values())

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for _ in range(200):
            self.clock_s += LONGEST_RESEND_S
            request = self.going.due(self.clock_s)
            if request is None:
                break
            self.going.on_reply(self.store.answer(request), self.clock_s)
        written = {(source, number) for source, ring in self.rings.items() for b in ring for number, _ in rows_of(b)}
        assert self.store.rows == Counter(dict.fromkeys(written, 1))
        assert (self.buffer.held_rows, self.buffer.held_bytes, self.buffer.dropped_rows) == (0, 0, 0)


TestCollecting = Collecting.TestCase
TestCollecting.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
