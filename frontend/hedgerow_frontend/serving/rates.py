"""What the instances of a service do now, as their workers report it, beside what was predicted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hedgerow_frontend.formatting import is_number, iso_moment
from hedgerow_frontend.serving.metering import Rate, RateMeter
from hedgerow_frontend.serving.predictions import predicted_seconds, predicted_throughput

View = Mapping[str, Any]
COUNTERS = ("queued", "dropped", "skipped", "refused", "failed", "memory_bytes")
NOT_YET = -1


def service_rates(service: View, workers: Iterable[View], meter: RateMeter) -> dict[str, Any]:
    """The live rates of a service.

    Args:
        service: with plan, placement and instances, as the store's reader gives it.
        workers: all, with their statuses.
        meter: remembers the counters from look to look.
    """
    plan = service["plan"] or {}
    predicted = (service["placement"] or {}).get("predicted") or {}
    known = {worker["node_id"]: worker for worker in workers}
    reports = dict(_reports(known.values(), service["service_id"]))
    rows = {instance["physical_id"]: instance for instance in service["instances"]}
    fans, stages, rates = fans_of(plan), [], {}
    for placed in plan.get("instances", ()):
        status, at_s = reports.get(placed["physical_id"], (None, None))
        rate = meter.rate(status, at_s) if status is not None else None
        fan = fans.get(placed["logical_id"], Fan())
        if rate is not None:
            rate = rates[placed["logical_id"]] = fan.items(rate)
        expected = predicted_seconds(predicted, placed)
        worker = known.get(placed["node_id"], {}).get("name", placed["node_id"])
        row = rows.get(placed["physical_id"], {})
        stages.append(_stage(placed, worker, row, status or {}, expected) | fan.shown(rate))
    newest = max((at_s for _, at_s in reports.values() if is_number(at_s)), default=None)
    return {
        "service_id": service["service_id"],
        "epoch": service["epoch"],
        "at": iso_moment(newest),
        "over_s": max((rate.over_s for rate in rates.values()), default=None),
        "throughput_per_s": throughput(plan, rates),
        "predicted_throughput_per_s": predicted_throughput(predicted),
        "stages": stages,
    }


@dataclass(frozen=True)
class Fan:
    """How many ports an instance gets each item at, and how many ways it sends one: workers count each of them."""

    ports_in: int = 0
    ways_out: int = 0

    def items(self, counted: Rate) -> Rate:
        """Items a second from what was counted: the mean over the ports, and over the ways."""
        ways_in, ways_out = max(1, self.ports_in), max(1, self.ways_out)
        return replace(counted, in_per_s=counted.in_per_s / ways_in, out_per_s=counted.out_per_s / ways_out)

    def shown(self, rate: Rate | None) -> dict[str, float | None]:
        """What a stage shows: nothing where it has no inputs, no outputs, or is not known."""
        return {
            "in_per_s": rate.in_per_s if rate and self.ports_in else None,
            "out_per_s": rate.out_per_s if rate and self.ways_out else None,
        }


def fans_of(plan: View) -> dict[str, Fan]:
    """The fan of each instance by its logical id; of links to replicas an item takes one, so they are one way."""
    names = {placed["logical_id"]: placed["name"] for placed in plan.get("instances", ())}
    ports, ways = defaultdict(set), defaultdict(set)
    for link in plan.get("links", ()):
        ports[link["receiver"]].add(link["input"])
        ways[link["sender"]].add((link["output"], names.get(link["receiver"]), link["input"]))
    return {each: Fan(len(ports[each]), len(ways[each])) for each in names}


def throughput(plan: View, rates: Mapping[str, Rate]) -> float | None:
    """Items a second that reach the end: of several sinks the slowest, of one its replicas together.

    None where one of them has no rate yet.
    """
    senders = {link["sender"] for link in plan.get("links", ())}
    ends: dict[str, list[Rate | None]] = defaultdict(list)
    for placed in plan.get("instances", ()):
        if placed["logical_id"] not in senders:
            ends[placed["name"]].append(rates.get(placed["logical_id"]))
    sums = [[rate.in_per_s for rate in found if rate is not None] for found in ends.values()]
    whole = [sum(found) for found, asked in zip(sums, ends.values(), strict=True) if len(found) == len(asked)]
    return min(whole) if whole and len(whole) == len(ends) else None


def _reports(workers: Iterable[View], service_id: str) -> Iterable[tuple[str, tuple[View, Any]]]:
    for worker in workers:
        status = worker["status"] or {}
        for instance in status.get("instances") or ():
            if instance.get("service_id") == service_id:
                yield instance["physical_id"], (instance, status.get("stamped_at_s"))


def _stage(placed: View, worker: str, row: View, status: View, expected: float | None) -> dict[str, Any]:
    real = status.get("compute_s")
    real = float(real) if is_number(real) else None
    last = status.get("last_sequence", NOT_YET)
    return {
        "name": placed["name"],
        "replica": placed.get("replica", 0),
        "handler": placed["handler"],
        "node": worker,
        "logical_id": placed["logical_id"],
        "state": status.get("state") or row.get("state") or "unknown",
        "restarts": status.get("restarts", row.get("restarts", 0)),
        "compute_s": real,
        "predicted_s": expected,
        "ratio": real / expected if real is not None and expected else None,
        **{name: status.get(name) for name in COUNTERS},
        "last_sequence": None if last == NOT_YET else last,
    }
