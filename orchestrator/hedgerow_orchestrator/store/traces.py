"""The way of one item through a service, from its events: what waited, computed and travelled for how long. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

Event = Mapping[str, Any]
Link = tuple[str, str, str, str]
"""Sender's logical id, its output, receiver's logical id, its input."""


def links_of(plan: Mapping[str, Any]) -> list[Link]:
    """The links of a stored plan."""
    return [(link["sender"], link["output"], link["receiver"], link["input"]) for link in plan.get("links") or ()]


def of_newest_epoch(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those events of one number that belong to the newest item with it: an item keeps the epoch that it began in."""
    newest = max((event["epoch"] for event in events), default=None)
    return [event for event in events if event["epoch"] == newest]


def hops(events: Sequence[Event], links: Iterable[Link]) -> list[dict[str, Any]]:
    """One entry for each instance that an item met, in the order of time.

    Args:
        events: all of one item, oldest first, with `logical_id`, `physical_id`, `event`, `port_name`, `at_s`.
        links: of the plan that the item followed; where it is not known, what was sent last before counts.

    Returns:
        Of each instance the times in seconds, None where the events that bound them are missing: `network_s` from
        `sent` to the last `recv`, over hosts by two clocks; `queue_s` from the last input's arrival to `start`, in
        which it waited for the handler and for its other inputs; `compute_s` from `start` to `end`.
    """
    into: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        into[link[2]].append(link)
    met: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        met[event["logical_id"], event["physical_id"]].append(event)
    found = [_hop(own, events, into[logical_id]) for (logical_id, _), own in met.items()]
    return sorted(found, key=lambda hop: hop["first_at_s"])


def _hop(own: Sequence[Event], events: Sequence[Event], links: Sequence[Link]) -> dict[str, Any]:
    start_s, end_s = _first(own, "start"), _first(own, "end")
    arrivals = [event for event in own if event["event"] == "recv" and (start_s is None or event["at_s"] <= start_s)]
    received_s = arrivals[-1]["at_s"] if arrivals else None
    travelled = [time for arrival in arrivals if (time := _travelled(arrival, events, links)) is not None]
    ready_s = received_s if received_s is not None else _handed_over(events, links, start_s)
    return {
        "logical_id": own[0]["logical_id"],
        "physical_id": own[0]["physical_id"],
        "name": own[0]["name"],
        "node": own[0]["node"],
        "first_at_s": own[0]["at_s"],
        "network_s": max(travelled) if travelled else None,
        "queue_s": _difference(ready_s, start_s),
        "compute_s": _difference(start_s, end_s),
        "dropped": any(event["event"] == "drop" for event in own),
        "sent_bytes": sum(event["size_bytes"] or 0 for event in own if event["event"] == "sent"),
    }


def _travelled(arrival: Event, events: Sequence[Event], links: Sequence[Link]) -> float | None:
    """From when what arrived was sent; by two clocks it may come out negative."""
    sent = [event for event in events if event["event"] == "sent" and event["logical_id"] != arrival["logical_id"]]
    if links:
        senders = {(link[0], link[1]) for link in links if not arrival["port_name"] or link[3] == arrival["port_name"]}
        sent = [event for event in sent if (event["logical_id"], event["port_name"]) in senders]
    else:
        sent = [event for event in sent if event["at_s"] <= arrival["at_s"]]
    return arrival["at_s"] - sent[-1]["at_s"] if sent else None


def _handed_over(events: Sequence[Event], links: Sequence[Link], start_s: float | None) -> float | None:
    """When an instance that received nothing over a link had its inputs: when the last handler before it had ended."""
    senders = {link[0] for link in links}
    ends = [event["at_s"] for event in events if event["event"] == "end" and event["logical_id"] in senders]
    ends = [at_s for at_s in ends if start_s is None or at_s <= start_s]
    return ends[-1] if ends else None


def link_figures(events: Iterable[Event], links: Sequence[Link], window_s: float) -> list[dict[str, Any]]:
    """Of each link of a plan what it carried in a window: items, bytes, and the mean time on the way in seconds.

    An item counts where both its `sent` and its `recv` were seen; of what was sent and never received `unseen` counts.
    """
    sent: dict[tuple[str, str], dict[tuple[int, int], Event]] = defaultdict(dict)
    received: dict[tuple[str, str], dict[tuple[int, int], Event]] = defaultdict(dict)
    for event in events:
        sides = {"sent": sent, "recv": received}.get(event["event"])
        if sides is not None:
            sides[event["logical_id"], event["port_name"]][event["epoch"], event["sequence_number"]] = event
    return [
        _link_figure(link, sent[link[0], link[1]], received[link[2], link[3]], window_s)
        for link in links
        if (link[0], link[1]) in sent or (link[2], link[3]) in received
    ]


def _link_figure(
    link: Link, sent: Mapping[Any, Event], received: Mapping[Any, Event], window_s: float
) -> dict[str, Any]:
    both = sent.keys() & received.keys()
    sizes = [received[key]["size_bytes"] or 0 for key in received]
    times = [received[key]["at_s"] - sent[key]["at_s"] for key in both]
    return {
        "sender": link[0],
        "output": link[1],
        "receiver": link[2],
        "input": link[3],
        "items": len(received),
        "items_per_s": len(received) / window_s,
        "bytes_per_s": sum(sizes) / window_s,
        "network_s": fmean(times) if times else None,
        "unseen": len(sent.keys() - received.keys()),
    }


def mean_times(events: Iterable[Event]) -> dict[str, float]:
    """The mean time in seconds from `start` to `end` of an item, by physical id."""
    began: dict[tuple[str, int, int], float] = {}
    times: dict[str, list[float]] = defaultdict(list)
    for event in sorted(events, key=lambda each: each["at_s"]):
        key = event["physical_id"], event["epoch"], event["sequence_number"]
        if event["event"] == "start":
            began[key] = event["at_s"]
        elif event["event"] == "end" and key in began:
            times[event["physical_id"]].append(event["at_s"] - began.pop(key))
    return {physical_id: fmean(each) for physical_id, each in times.items()}


def _first(events: Iterable[Event], kind: str) -> float | None:
    return next((event["at_s"] for event in events if event["event"] == kind), None)


def _difference(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else later - earlier
