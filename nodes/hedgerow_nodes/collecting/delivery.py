"""Hands the buffer's rows to the orchestrator, one report at a time, again and again until each is stored. Pure."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass

import msgspec

from hedgerow_idl import Reply, ReplyStatus, Request
from hedgerow_nodes.collecting.buffer import Buffer, Piece

VERB = "telemetry.report"
MOST_PIECES = 256
MOST_SOURCES_ASKED = 64

RESEND_S = 0.5
LONGEST_RESEND_S = 5.0
"""A request is written again, less and less often: commands are volatile, and the orchestrator may be away. Not more
often, for what is written to a reader that stands still is kept for it."""

RETRY_S = 1.0
"""The pause after an answer that says "not now"."""


class _Stored(msgspec.Struct):
    """The orchestrator's answer: of the sources concerned the rows that are stored, as half-open ranges."""

    known: dict[str, list[tuple[int, int]]]


@dataclass(slots=True)
class _Report:
    request: Request
    pieces: list[Piece]
    write_at_s: float
    pause_s: float = RESEND_S


class Delivery:
    """What is on its way to the orchestrator.

    Args:
        buffer: the rows.
        client_id: whose partition of the replies is read.
        period_s: how often new rows are handed over; what has piled up goes at once.
        report_bytes: how much one request carries at most.
    """

    def __init__(self, buffer: Buffer, client_id: str, period_s: float, report_bytes: int) -> None:
        self.period_s = period_s
        self.report_bytes = report_bytes
        self.reports = 0
        self.trouble = ""
        self._buffer = buffer
        self._client_id = client_id
        self._report: _Report | None = None
        self._next_at_s = 0.0
        self._most_pieces = MOST_PIECES

    @property
    def next_due_at_s(self) -> float:
        """When `due` may have something to write, by the monotonic clock."""
        return self._next_at_s if self._report is None else self._report.write_at_s

    def due(self, clock_s: float) -> Request | None:
        """The request to write now, None if there is none."""
        report = self._report
        if report is None:
            if clock_s < self._next_at_s:
                return None
            self._next_at_s = clock_s + self.period_s
            report = self._report = self._new_report(clock_s)
            if report is None:
                return None
        elif clock_s < report.write_at_s:
            return None
        else:
            self.trouble = self.trouble or "the orchestrator does not answer; rows are held"
        report.write_at_s = clock_s + report.pause_s
        report.pause_s = min(2 * report.pause_s, LONGEST_RESEND_S)
        return report.request

    def on_reply(self, reply: Reply, clock_s: float) -> None:
        """The orchestrator has answered; what it answers to an older report changes nothing."""
        report = self._report
        if report is None or reply.request_id != report.request.request_id:
            return
        self._report = None
        self._buffer.give_back()
        if reply.status is ReplyStatus.OK:
            self._stored(report, reply, clock_s)
        elif reply.status is ReplyStatus.INVALID and report.pieces:
            self._refused(report, _message(reply), clock_s)
        else:
            self._later(_message(reply), clock_s)

    def ask_again(self) -> None:
        """Forget the report on its way; what it held goes with the next one."""
        self._report = None
        self._buffer.give_back()

    def _stored(self, report: _Report, reply: Reply, clock_s: float) -> None:
        try:
            answer = msgspec.json.decode(reply.body, type=_Stored)
        except msgspec.MsgspecError as error:
            self._later(f"the orchestrator's answer cannot be read: {error}", clock_s)
            return
        self.trouble = ""
        self.reports += 1
        self._most_pieces = min(2 * self._most_pieces, MOST_PIECES)
        for source_id, ranges in answer.known.items():
            self._buffer.known(source_id, ranges)
        size = sum(len(piece.cdr) for piece in report.pieces)
        if 2 * size > self.report_bytes or not report.pieces:
            self._next_at_s = clock_s

    def _refused(self, report: _Report, reason: str, clock_s: float) -> None:
        """Something of it cannot be stored: find out what, and leave only that out."""
        if len(report.pieces) == 1:
            self._buffer.refuse(report.pieces[0], reason)
        else:
            self._most_pieces = len(report.pieces) // 2
        self._next_at_s = clock_s

    def _later(self, reason: str, clock_s: float) -> None:
        self.trouble = reason
        self._next_at_s = clock_s + RETRY_S

    def _new_report(self, clock_s: float) -> _Report | None:
        sources = self._buffer.unasked()[:MOST_SOURCES_ASKED]
        # Who is asked what it has gets nothing with it: a refusal is then never one of rows.
        pieces = [] if sources else self._buffer.take(self.report_bytes, self._most_pieces)
        if not sources and not pieces:
            return None
        batches = [base64.b64encode(piece.cdr).decode() for piece in pieces]
        body = msgspec.json.encode({"sources": sources, "batches": batches}).decode()
        request_id = str(uuid.uuid4())
        request = Request(request_id=request_id, client_id=self._client_id, verb=VERB, body=body)
        return _Report(request, pieces, clock_s)


def _message(reply: Reply) -> str:
    try:
        body = msgspec.json.decode(reply.body) if reply.body else {}
    except msgspec.DecodeError:
        body = {}
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or f"the orchestrator answered {reply.status.name}")
