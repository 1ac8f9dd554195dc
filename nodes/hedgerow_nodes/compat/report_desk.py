"""Takes posted reports in: each row once, however often it is posted, answered when it is stored."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any

from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TelemetryBatch
from hedgerow_nodes.compat.posted_rows import ReportRefused, Row, RowKey, read_report

REMEMBERED_ROWS = 100_000
"""A row that is posted again is known among so many; a reporter repeats what was not answered within a second or so."""

SUCCEEDED = {"result": "Succeeded"}
Answer = tuple[int, dict[str, str]]


@dataclass(slots=True)
class _Source:
    source_id: str
    next_row: int = 1


class ReportDesk:
    """Answers reports; may be called from any number of threads.

    Args:
        post: hands a batch on; the future is done when it is stored.
        timeout_s: how long a report waits for that; then it is to be posted again.
    """

    def __init__(self, post: Callable[[TelemetryBatch], Future[None]], timeout_s: float = 10.0) -> None:
        self._post = post
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._sources: dict[str, _Source] = {}
        self._rows: OrderedDict[tuple[str, RowKey], Future[None]] = OrderedDict()

    def answer(self, address: str, report: Any) -> Answer:
        """The HTTP status and the body for a report from this address."""
        try:
            posted = read_report(report)
        except ReportRefused as refused:
            return 400, {"result": "Failed", "reason": str(refused)}
        futures: set[Future[None]] = set()
        with self._lock:
            for node, rows in posted.by_node.items():
                node_id = f"posted:{node}" if node else f"address:{address}"
                futures |= self._take(node_id, rows)
        try:
            for future in futures:
                future.result(self._timeout_s)
        except FutureTimeout:
            return 503, {"result": "Failed", "reason": "the rows are held, but not stored yet; post them again later"}
        return 200, SUCCEEDED

    def _take(self, node_id: str, rows: dict[RowKey, Row]) -> set[Future[None]]:
        known = {self._rows[node_id, key] for key in rows if (node_id, key) in self._rows}
        new = {key: row for key, row in rows.items() if (node_id, key) not in self._rows}
        if not new:
            return known
        future = self._post(self._batch(node_id, list(new.values())))
        for key in new:
            self._rows[node_id, key] = future
        while len(self._rows) > REMEMBERED_ROWS:
            self._rows.popitem(last=False)
        return known | {future}

    def _batch(self, node_id: str, rows: list[Row]) -> TelemetryBatch:
        source = self._sources.setdefault(node_id, _Source(str(uuid.uuid4())))
        first_row, source.next_row = source.next_row, source.next_row + len(rows)
        return TelemetryBatch(
            source_id=source.source_id,
            node_id=node_id,
            first_row=first_row,
            systems=[row for row in rows if isinstance(row, SystemRow)],
            processes=[row for row in rows if isinstance(row, ProcessRow)],
            packets=[row for row in rows if isinstance(row, PacketRow)],
        )
