"""The way of one item through a service: read from telemetry, and turned into the rows of a waterfall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hedgerow_frontend.charts.waterfall import Span
from hedgerow_frontend.formatting import is_number, quantity
from hedgerow_frontend.services import services
from hedgerow_orchestrator.store.telemetry_queries import RowFilter

View = Mapping[str, Any]
NOTHING: Mapping[str, Any] = {"sequence": None, "events": [], "hops": [], "total_s": None}


def trace_of(service: View, stages: Iterable[View], sequence: int | None) -> dict[str, Any]:
    """What an item met, in the order of time; the newest one that all ends have seen where none is named.

    `stages` are those of `service_rates`.
    """
    plan = service["plan"] or {}
    number = sequence
    if number is None:
        stored = newest_stored(service["service_id"], plan)
        number = newest(plan, stages) if stored is None else stored
    about = {"service_id": service["service_id"], "service": service["name"]}
    found = None if number is None else services().reader.trace(service["service_id"], number)
    return {**about, **(found or {**NOTHING, "sequence": number})}


def newest_stored(service_id: str, plan: View) -> int | None:
    """The number of the newest item that every end of a service is known to have worked; None before there is one.

    What workers tell live is ahead of the store by what telemetry is on its way.
    """
    senders = {link["sender"] for link in plan.get("links", ())}
    ends: dict[str, list[int]] = {}
    for placed in plan.get("instances", ()):
        if placed["logical_id"] not in senders:
            wanted = RowFilter(service=service_id, handler=placed["logical_id"], event="end")
            rows = services().reader.telemetry("packet_info", wanted, 1).items
            ends.setdefault(placed["name"], []).extend(row["sequence"] for row in rows)
    return min(map(max, ends.values())) if ends and all(ends.values()) else None


def newest(plan: View, stages: Iterable[View]) -> int | None:
    """The number of the newest item that every end of a service has seen; None before there is one."""
    senders = {link["sender"] for link in plan.get("links", ())}
    last = [stage["last_sequence"] for stage in stages if stage["logical_id"] not in senders]
    known = [number for number in last if number is not None]
    return min(known) if known and len(known) == len(last) else None


def spans_of(events: Iterable[View], links: Sequence[View] = ()) -> list[Span]:
    """The events of an item as rows: from start to end at an instance, from sent to received between two.

    Args:
        events: of one item, as the store's reader gives them.
        links: of the plan, to tell who sent what was received; without them the last one who sent counts.

    An event without its counterpart has no end; the clocks of two machines may differ, so that a link's row can be
    shorter than the link was slow.
    """
    spans: list[Span] = []
    working: dict[str, list[View]] = {}
    sent: list[View] = []
    for event in sorted(events, key=lambda one: one["at_s"]):
        kind = event["event"]
        if kind == "start":
            working.setdefault(event["physical_id"], []).append(event)
        elif kind == "end" and working.get(event["physical_id"]):
            spans.append(_work(working[event["physical_id"]].pop(), event["at_s"]))
        elif kind == "sent":
            sent.append(event)
        elif kind == "recv" and (sending := _sending(sent, event, links)) is not None:
            spans.append(_link(sending, event))
        elif kind == "drop":
            spans.append(Span(_where(event), "drop", event["at_s"], None, event["port"]))
    return spans + [_work(begun, None) for found in working.values() for begun in found]


def _sending(sent: Sequence[View], received: View, links: Sequence[View]) -> View | None:
    """The newest sending that fits a receiving."""
    fits = [one for one in sent if one["logical_id"] != received["logical_id"]]
    senders = {(link["sender"], link["output"]) for link in links if _into(link, received)}
    by_link = [one for one in fits if (one["logical_id"], one["port"]) in senders]
    found = by_link or ([] if senders else fits)
    return found[-1] if found else None


def _into(link: View, received: View) -> bool:
    return link["receiver"] == received["logical_id"] and received["port"] in ("", link["input"])


def _work(begun: View, end_s: float | None) -> Span:
    return Span(_where(begun), "work", begun["at_s"], end_s)


def _link(sent: View, received: View) -> Span:
    size = quantity(received["size_bytes"], "B") if is_number(received["size_bytes"]) else ""
    end_s = max(received["at_s"], sent["at_s"])
    return Span(f"{sent['handler']} → {received['handler']}", "link", sent["at_s"], end_s, size)


def _where(event: View) -> str:
    return f"{event['handler']} on {event['node']}" if event["node"] else str(event["handler"])
