"""Batches of telemetry as workers write them, and an orchestrator's part of the store that keeps what it is given."""

from __future__ import annotations

import base64
import json
from collections import Counter

from hedgerow_idl import Reply, ReplyStatus, Request
from hedgerow_idl.codec import codec_of
from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TelemetryBatch
from hedgerow_nodes.core.row_ranges import RowRanges
from hedgerow_nodes.core.telemetry_rows import cut, range_of

CODEC = codec_of(TelemetryBatch)


def a_batch(source_id: str, first_row: int, rows: int, lost: int = 0) -> TelemetryBatch:
    """Rows that carry their numbers, of all three kinds."""
    numbers = list(range(first_row, first_row + rows))
    systems, processes = rows // 4, rows // 3
    return TelemetryBatch(
        source_id=source_id,
        node_id=f"node of {source_id}",
        first_row=first_row,
        lost=lost,
        systems=[SystemRow(at_s=float(number)) for number in numbers[:systems]],
        processes=[ProcessRow(at_s=float(number)) for number in numbers[systems : systems + processes]],
        packets=[PacketRow(at_s=float(number), sequence_number=number) for number in numbers[systems + processes :]],
    )


def rows_of(batch: TelemetryBatch) -> list[tuple[int, float]]:
    """Each row's number and what it carries, which are the same unless rows were mixed up."""
    rows = [*batch.systems, *batch.processes, *batch.packets]
    return list(zip(range(*range_of(batch)), [row.at_s for row in rows], strict=True))


class KeepingStore:
    """Keeps every row that it does not have, as the verb `telemetry.report` does; `rows` counts how often each came."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[str, int]] = Counter()
        self.known: dict[str, RowRanges] = {}
        self.poison: set[tuple[str, int]] = set()

    def answer(self, request: Request) -> Reply:
        """Store what a report brings, and say what is stored."""
        body = json.loads(request.body)
        batches = [CODEC.decode(base64.b64decode(text)) for text in body["batches"]]
        for batch in batches:
            if any((batch.source_id, number) in self.poison for number, _ in rows_of(batch)):
                return self._reply(request, ReplyStatus.INVALID, {"message": "poison"})
        for batch in batches:
            known = self.known.setdefault(batch.source_id, RowRanges())
            for part in known.missing(*range_of(batch)):
                for number, carried in rows_of(cut(batch, *part)):
                    assert number == carried
                    self.rows[batch.source_id, number] += 1
            known.add(*range_of(batch))
        names = {*body["sources"], *(batch.source_id for batch in batches)}
        known_rows = {name: self.known[name].pairs() if name in self.known else [] for name in names}
        return self._reply(request, ReplyStatus.OK, {"known": known_rows})

    def _reply(self, request: Request, status: ReplyStatus, body: object) -> Reply:
        return Reply(status=status, request_id=request.request_id, client_id=request.client_id, body=json.dumps(body))
