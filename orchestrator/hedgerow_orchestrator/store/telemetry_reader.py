"""What the reader tells of telemetry: rows, the trace of an item, rates and links, what is missing of each source."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_orchestrator.store import telemetry_queries as queries
from hedgerow_orchestrator.store import telemetry_views as shapes
from hedgerow_orchestrator.store import traces
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.pages import Page, capped, cut, decode_cursor
from hedgerow_orchestrator.store.serving_reader import ServingReader
from hedgerow_orchestrator.store.telemetry_queries import RowFilter
from hedgerow_orchestrator.store.views import View, iso_time

MOST_EVENTS_OF_AN_ITEM = 2_000
MOST_EVENTS_OF_A_WINDOW = 20_000


class TelemetryReader(ServingReader):
    """The part of `StoreReader` about telemetry; each method may raise what those of `StoreReader` raise."""

    def telemetry(self, kind: str, wanted: RowFilter | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        """List rows of a kind (`sys_info`, `proc_info` or `packet_info`), newest first.

        Raises:
            BadCursor: the cursor is not from this list.
            StoreError: there is no such kind.
        """
        if kind not in queries.TABLES:
            raise StoreError(f"telemetry {kind!r} unknown; known: {', '.join(queries.TABLES)}")
        before = decode_cursor(kind, cursor, 3)
        limit = capped(limit)
        wanted = wanted or RowFilter()
        rows = self._rows(queries.rows(kind, wanted, self._keys(wanted), before, limit + 1))
        return cut(kind, rows, limit, queries.cursor_key, shapes.VIEWS[kind])

    def trace(self, service: str, sequence: int) -> View | None:
        """Give all that happened to one item of a service, and how long it waited, computed and travelled at each hop.

        None when nothing is known of that service; an item that nobody has seen has no events. A source that was
        started anew counts from 0 again: of several items with one number it is the one of the newest epoch.
        """
        session = self._session(service)
        if session is None:
            return None
        in_range = -(2**63) <= sequence < 2**63
        query = queries.events_of(session["id"], sequence, MOST_EVENTS_OF_AN_ITEM)
        rows = traces.of_newest_epoch(self._rows(query)) if in_range else []
        events = [shapes.trace_event(row) for row in rows]
        hops = traces.hops(events, self._links(session["uuid"], {event["epoch"] for event in events}))
        return {
            "service_id": session["uuid"],
            "service": session["name"],
            "sequence": sequence,
            "events": [shapes.packet_view(row) for row in rows],
            "hops": [{**hop, "first_at": iso_time(hop["first_at_s"])} for hop in hops],
            "total_s": events[-1]["at_s"] - events[0]["at_s"] if events else None,
        }

    def rates(self, service: str, window_s: float = 10.0, until_s: float | None = None) -> View | None:
        """Give what each instance of a service did in the last seconds, and what each of its links carried.

        None when nothing is known of that service. The means are of the newest 20,000 events of the window.
        """
        session = self._session(service)
        if session is None:
            return None
        until_s = time.time() if until_s is None else until_s
        since_s = until_s - window_s
        rows = self._rows(queries.packets_since(session["id"], since_s, until_s, MOST_EVENTS_OF_A_WINDOW))
        events = [shapes.trace_event(row) for row in rows]
        means = traces.mean_times(events)
        counted = self._rows(queries.counts(session["id"], since_s, until_s))
        links = self._links(session["uuid"], {event["epoch"] for event in events})
        return {
            "service_id": session["uuid"],
            "service": session["name"],
            "window_s": window_s,
            "until": iso_time(until_s),
            "instances": [shapes.rate_view(row, window_s, means.get(row["physical_id"])) for row in counted],
            "links": traces.link_figures(events, links, window_s),
        }

    def worker_links(self) -> list[View]:
        """List the links between workers as their senders measured them, by the names of both."""
        workers = self.workers()
        names = {worker["node_id"]: worker["name"] for worker in workers}
        found = [
            shapes.link_view(worker, link, names) for worker in workers for link in worker["status"].get("links") or ()
        ]
        return sorted(found, key=lambda link: (link["from"], link["to"]))

    def telemetry_sources(self) -> list[View]:
        """List every source of rows, the one heard of last first."""
        return [shapes.source_view(row) for row in self._rows(queries.sources())]

    def _keys(self, wanted: RowFilter) -> queries.Keys:
        named = {"sessions": wanted.service, "handlers": wanted.handler, "sources": wanted.worker}
        found = {
            kind: [int(row["id"]) for row in self._rows(queries.keys_named(kind, name))]
            for kind, name in named.items()
            if name
        }
        return queries.Keys(**found)

    def _session(self, service: str) -> dict[str, Any] | None:
        known = self.service(service)
        rows = self._rows(queries.sessions(known["service_id"] if known else service))
        return rows[0] if rows else None

    def _links(self, service_id: str, epochs: set[int]) -> list[traces.Link]:
        """The links of the plans of these epochs, each once."""
        plans = [each["plan"] for each in self.service_epochs(service_id) if each["epoch"] in epochs]
        return list(dict.fromkeys(link for plan in plans for link in traces.links_of(plan)))
