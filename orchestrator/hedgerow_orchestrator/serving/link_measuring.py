"""Measurements of links, one worker after the other: two at once share processors and links, and spoil each other."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hedgerow_idl.serve import LinkFigure, OrderCode, OrderKind, ServiceAnswer, ServiceOrder
from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.orders import Open, OrderBook
from hedgerow_orchestrator.serving.parts import PARTITION
from hedgerow_orchestrator.serving.workers import Worker

MEASURE_S = 60.0
"""How long a worker may take that a person asked for; FIRST_S of one before a network is placed."""

FIRST_S = 15.0


@dataclass(frozen=True)
class Job:
    """One worker that is to measure its links to others; `token` tells for whom, with a service's id or without."""

    node_id: str
    receivers: tuple[str, ...]
    token: str
    service_id: str = ""
    time_out_s: float = MEASURE_S

    @property
    def purpose(self) -> str:
        """Of its order."""
        return f"measure {self.token}"


@dataclass
class MeasureLine:
    """Jobs that wait, the command id of the one that is done, and the links that were asked for before a placement."""

    waiting: deque[Job] = field(default_factory=deque)
    current: str = ""
    asked: set[tuple[str, int, str, int]] = field(default_factory=set)

    def begin_next(
        self, workers: dict[str, Worker], orders: OrderBook, clock_s: float, now_s: float
    ) -> tuple[Open, ServiceAnswer] | None:
        """Order the next measurement; of one whose worker is gone what became of it."""
        if self.current or not self.waiting:
            return None
        job = self.waiting.popleft()
        worker = workers.get(job.node_id)
        order = ServiceOrder(
            kind=OrderKind.MEASURE,
            incarnation=worker.incarnation if worker is not None else 0,
            node_id=job.node_id,
            service_id=job.service_id,
            body=msgspec.json.encode({"workers": job.receivers}).decode(),
        )
        if worker is None or not worker.is_here:
            answer = ServiceAnswer(code=OrderCode.NOT_DONE, kind=order.kind, node_id=job.node_id, reason="is gone")
            return Open(order, job.purpose, clock_s, clock_s), answer
        self.current = orders.add(order, job.purpose, clock_s, now_s, job.time_out_s)
        return None

    def unmeasured(self, blueprint: Blueprint, workers: Iterable[Worker]) -> list[tuple[Worker, tuple[str, ...]]]:
        """Before a network is cut for the first time: senders with receivers that they never measured.

        Each pair is asked for once; what then stays unknown is assumed.
        """
        if all(not isinstance(each.partitions, str | int) for each in blueprint.networks):
            return []
        able = [each for each in workers if each.takes_new and PARTITION in each.catalogue]
        found = []
        for sender in able:
            pairs = {
                receiver.node_id: (sender.node_id, sender.incarnation, receiver.node_id, receiver.incarnation)
                for receiver in able
                if receiver is not sender and not _is_known(sender.link_to(receiver.node_id))
            }
            new = tuple(node_id for node_id, pair in pairs.items() if pair not in self.asked)
            self.asked |= set(pairs.values())
            if new:
                found.append((sender, new))
        return found


def links_of(answer: ServiceAnswer) -> list[dict[str, Any]]:
    """The links of an answer to MEASURE; none where it cannot be read."""
    try:
        found = msgspec.json.decode(answer.body) if answer.body else {}
    except msgspec.DecodeError:
        return []
    links = found.get("links", []) if isinstance(found, dict) else []
    return [each for each in links if isinstance(each, dict)]


def note(worker: Worker, links: Sequence[dict[str, Any]]) -> None:
    """Take measured links for the worker's, until its next status tells them as well."""
    for link in links:
        bandwidth, latency = link.get("bandwidth_bytes_per_s"), link.get("latency_s")
        if not bandwidth or latency is None:
            continue
        to = str(link.get("to_node_id", ""))
        figure = LinkFigure(to_node_id=to, bandwidth_bytes_per_s=bandwidth, latency_s=latency, age_s=0.0)
        worker.status.links = [*(each for each in worker.status.links if each.to_node_id != to), figure]


def _is_known(figure: LinkFigure | None) -> bool:
    return figure is not None and figure.bandwidth_bytes_per_s > 0 and math.isfinite(figure.latency_s)
