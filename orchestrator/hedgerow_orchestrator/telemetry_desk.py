"""Answers `telemetry.report`: stores what a collector hands over, each row once, and says what is stored."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass
from typing import Any

import msgspec

from hedgerow_idl import ReplyStatus, Request
from hedgerow_idl.codec import codec_of
from hedgerow_idl.errors import CodecError
from hedgerow_idl.telemetry import TelemetryBatch
from hedgerow_nodes.core.row_ranges import Range, RowRanges
from hedgerow_nodes.core.telemetry_rows import MOST_ID_CHARACTERS, cut, fault_of, range_of
from hedgerow_orchestrator.desk import Handler, Refused
from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.registry import Registry
from hedgerow_orchestrator.store import telemetry_recovery as recovery
from hedgerow_orchestrator.store.telemetry_changes import TelemetryRow, TelemetrySourceRow
from hedgerow_orchestrator.store.telemetry_schema import telemetry_source
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.telemetry_names import Names
from hedgerow_orchestrator.telemetry_rows import rows_of

REMEMBERED = 1024
"""Sources; what is known of others is read from the store again."""

_codec = codec_of(TelemetryBatch)
_ranges = msgspec.json.Decoder(list[tuple[int, int]])


class _Body(msgspec.Struct):
    """What a collector sends: sources of which it wants to know what is stored, and batches as base64 of their CDR."""

    sources: list[str] = []
    batches: list[str] = []


@dataclass(slots=True)
class _Source:
    row: TelemetrySourceRow
    known: RowRanges


class TelemetryDesk:
    """The verb of the collectors; it writes through the pass's effects, so what it answers is stored before it is told.

    Args:
        store: where it looks for what was stored before.
        registry: the names of nodes.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._names = Names(store, registry)
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._last_source: int | None = None
        self._step = Step(0.0, 0.0, EventLog(0))

    def table(self) -> dict[str, Handler]:
        """The verbs."""
        return {"telemetry.report": self.report}

    def next_pass(self, step: Step) -> None:
        """A pass begins: what the last one collected is stored."""
        self._step = step
        self._names.trim()
        while len(self._sources) > REMEMBERED:
            self._sources.popitem(last=False)

    def report(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Store the rows that are new; of every source named, the answer says which rows are stored.

        Raises:
            Refused: the body or a batch in it cannot be read; nothing of it is stored.
            StoreError: the store cannot be read now; nothing of it is stored.
        """
        report = _read(body)
        batches = [_decoded(text) for text in report.batches]
        counts = {"stored_rows": 0, "known_rows": 0, "refused_rows": 0}
        rows: list[TelemetryRow] = []
        touched: dict[str, _Source] = {}
        for batch in batches:
            source = touched.get(batch.source_id)
            if source is None:
                source = touched[batch.source_id] = self._copy(batch)
            self._add(batch, source, rows, counts)
        # From here on nothing can fail: the rows and what is known of their sources change together.
        for uuid, source in touched.items():
            source.row.known_rows = msgspec.json.encode(source.known.pairs()).decode()
            source.row.changed_at_s = self._step.now_s
            self._remember(uuid, source)
            self._step.save(source.row)
        self._step.changes += rows
        known = {uuid: source.known.pairs() for uuid, source in touched.items()}
        return {**counts, "known": known | {uuid: self._known(uuid) for uuid in report.sources if uuid not in known}}

    def _add(self, batch: TelemetryBatch, source: _Source, rows: list[TelemetryRow], counts: dict[str, int]) -> None:
        start, end = range_of(batch)
        new = source.known.missing(start, end)
        for part in new:
            before = len(rows)
            shown = batch if part == (start, end) else cut(batch, *part)
            rows.extend(rows_of(shown, source.row.id, self._keys))
            refused = part[1] - part[0] - (len(rows) - before)
            source.row.refused_rows += refused
            counts["refused_rows"] += refused
            counts["stored_rows"] += len(rows) - before
        counts["known_rows"] += end - start - sum(end - start for start, end in new)
        source.known.add(start, end)
        source.row.lost_rows = max(source.row.lost_rows, batch.lost)

    def _keys(self, service_id: str, logical_id: str, physical_id: str) -> tuple[int, int, int]:
        names, step = self._names, self._step
        return (
            names.session(step, service_id),
            names.handler(step, logical_id, physical_id),
            names.instance(step, logical_id, physical_id),
        )

    # --- sources --------------------------------------------------------------------------------------------------

    def _copy(self, batch: TelemetryBatch) -> _Source:
        """A source to change, as it is known, or a new one."""
        source = self._find(batch.source_id)
        if source is not None:
            return _Source(copy(source.row), RowRanges(source.known.pairs()))
        if self._last_source is None:
            self._last_source = int(self._store.read(recovery.last_id(telemetry_source))[0]["last"] or 0)
        node_key = self._names.node(self._step, batch.node_id)
        self._last_source += 1
        row = TelemetrySourceRow(
            id=self._last_source,
            uuid=batch.source_id,
            node_key=node_key,
            incarnation=batch.incarnation,
            known_rows="[]",
            lost_rows=0,
            refused_rows=0,
            changed_at_s=self._step.now_s,
        )
        return _Source(row, RowRanges())

    def _find(self, uuid: str) -> _Source | None:
        source = self._sources.get(uuid)
        if source is None:
            rows = self._store.read(recovery.source(uuid))
            if not rows:
                return None
            row = TelemetrySourceRow(**rows[0])
            source = _Source(row, RowRanges(_ranges.decode(row.known_rows)))
            self._remember(uuid, source)
        return source

    def _remember(self, uuid: str, source: _Source) -> None:
        self._sources[uuid] = source
        self._sources.move_to_end(uuid)

    def _known(self, uuid: str) -> list[Range]:
        source = self._find(uuid) if len(uuid) <= MOST_ID_CHARACTERS and "\0" not in uuid else None
        return [] if source is None else source.known.pairs()


def _read(body: dict[str, Any]) -> _Body:
    try:
        return msgspec.convert(body, _Body)
    except msgspec.ValidationError as error:
        raise Refused(ReplyStatus.INVALID, f"telemetry report refused: {error}") from error


def _decoded(text: str) -> TelemetryBatch:
    try:
        batch: TelemetryBatch = _codec.decode(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, CodecError) as error:
        raise Refused(ReplyStatus.INVALID, f"batch {text[:40]!r} is no TelemetryBatch: {error}") from error
    fault = fault_of(batch)
    if not fault and len(batch.node_id) > MOST_ID_CHARACTERS:
        fault = f"node id {batch.node_id[:MOST_ID_CHARACTERS]!r}… is longer than {MOST_ID_CHARACTERS}"
    if fault:
        raise Refused(ReplyStatus.INVALID, fault)
    return batch
