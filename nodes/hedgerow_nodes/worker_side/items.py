"""Between the host of the instances and the data plane: items out and in, and what becomes of those that get lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hedgerow_idl.plan import Link
from hedgerow_idl.serve import ItemKind
from hedgerow_idl.telemetry import PacketRow, TraceEvent
from hedgerow_nodes.worker_side.data_plane import DataPlane
from hedgerow_nodes.worker_side.item_assembly import Arrived
from hedgerow_nodes.worker_side.item_chunks import Part
from hedgerow_nodes.worker_side.item_stream import Outgoing
from hedgerow_nodes.worker_side.plan_book import PlanBook

CREDIT = "credit"
"""The type of an item by which a lossless link's receiver says that it is through with one; see `serve.traffic`."""

GAP = "gap"
"""The type of an item that says that a sequence will not come; nothing replaces it."""

KINDS = {"call": ItemKind.CALL, "reply": ItemKind.REPLY, "end": ItemKind.END}
_NAME = ("service", "epoch", "from", "out", "to", "in", "seq")


class Items:
    """Gives items of the host to the data plane and the other way.

    Args:
        plans: the epochs known here.
        on_rows: takes packet events.
        incoming: the host's.
        wake: ends the loop's wait.
        now: the wall clock.
    """

    def __init__(
        self,
        plans: PlanBook,
        on_rows: Callable[[list[PacketRow]], None],
        incoming: Callable[[dict[str, Any], memoryview], None],
        wake: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._plans = plans
        self._on_rows = on_rows
        self._incoming = incoming
        self._wake = wake
        self._now = now
        self._data: DataPlane | None = None
        self.dropped = 0
        self.malformed = 0

    def connect(self, data: DataPlane) -> None:
        """From now on items go this way."""
        self._data = data

    def outgoing(
        self, to_node_id: str, header: dict[str, Any], payload: Sequence[Part], mode: str, link: Link | None
    ) -> None:
        """The host has an item for another worker; called in any thread."""
        kind = KINDS.get(header["kind"], ItemKind.CAST)
        is_item = kind is ItemKind.CAST and header["type"] not in (CREDIT, GAP)
        flow = tuple(header[name] for name in _NAME[:-1])
        newest = is_item and mode == "newest"
        item = Outgoing(header, payload, kind, flow if header["type"] != CREDIT else (CREDIT, *flow), newest)
        assert self._data is not None
        self._data.send(to_node_id, item)
        self._wake()

    def arrived(self, arrived: Arrived) -> None:
        """An item of another worker is whole."""
        header = arrived.header
        if any(name not in header for name in (*_NAME, "type", "kind")):
            self.malformed += 1
            return
        self._incoming(header, arrived.payload)

    def lost(self, items: Sequence[Outgoing]) -> None:
        """Items will not arrive: they are counted and told."""
        rows = []
        for item in items:
            header = item.header
            if item.kind is ItemKind.PROBE or header.get("type") == CREDIT:
                continue
            self.dropped += 1
            plan = self._plans.plan(header["service"], header["epoch"])
            sender = self._plans.instance(header["service"], header["epoch"], header["from"])
            if plan is not None and plan.trace and sender is not None:
                rows.append(
                    PacketRow(
                        at_s=self._now(),
                        sequence_number=header["seq"],
                        epoch=header["epoch"],
                        event=TraceEvent.DROP,
                        size_bytes=math.nan,
                        service_id=header["service"],
                        logical_id=header["from"],
                        physical_id=sender.physical_id,
                        port_name=header["out"],
                    )
                )
        if rows:
            self._on_rows(rows)
