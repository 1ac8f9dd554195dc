"""MEASURE orders: the links to the workers that each names, one after the other, so that none disturbs another."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hedgerow_idl.serve import ItemKind
from hedgerow_nodes.worker_side.item_stream import Delivered, Outgoing
from hedgerow_nodes.worker_side.link_probe import PATIENCE_S, LinkProbe
from hedgerow_nodes.worker_side.links import LinkBook

_NOTHING = bytes(16 << 20)
"""What bursts consist of; they are views of it."""


@dataclass
class _Measurement:
    command_id: str
    receivers: deque[str]
    links: list[dict[str, object]] = field(default_factory=list)
    probe: LinkProbe | None = None


class Measuring:
    """Runs measurements.

    Args:
        send: hands a probe over to the data plane.
        there: whether a worker is there.
        links: where the figures are kept.
        on_done: called with the order's id and the answer's body, JSON.
    """

    def __init__(
        self,
        send: Callable[[str, Outgoing], None],
        there: Callable[[str], bool],
        links: LinkBook,
        on_done: Callable[[str, str], None],
    ) -> None:
        self._send = send
        self._there = there
        self._links = links
        self._on_done = on_done
        self._waiting: deque[_Measurement] = deque()

    def begin(self, command_id: str, receivers: Sequence[str]) -> None:
        """Measure after what was begun before."""
        self._waiting.append(_Measurement(command_id, deque(dict.fromkeys(receivers))))

    @property
    def next_due_at_s(self) -> float:
        """When a probe is overdue."""
        probe = self._waiting[0].probe if self._waiting else None
        return math.inf if probe is None or math.isnan(probe.sent_at_s) else probe.sent_at_s + PATIENCE_S

    def step(self, clock_s: float) -> None:
        """Send what is to be sent now, and end what has ended."""
        while self._waiting:
            one = self._waiting[0]
            if one.probe is None and one.receivers:
                one.probe = LinkProbe(one.receivers.popleft())
            if one.probe is None:
                self._waiting.popleft()
                self._on_done(one.command_id, json.dumps({"links": one.links}))
                continue
            probe, receiver = one.probe, one.probe.to_node_id
            if probe.overdue(clock_s) or not self._there(receiver):
                one.links.append(self._result(probe, clock_s))
                one.probe = None
                continue
            wanted = probe.next_probe(clock_s)
            if wanted is not None:
                number, size_bytes = wanted
                payload = [memoryview(_NOTHING)[:size_bytes]]
                self._send(receiver, Outgoing({"probe": number}, payload, ItemKind.PROBE, flow=("probe",)))
            return

    def delivered(self, to_node_id: str, delivered: Delivered, clock_s: float) -> None:
        """A probe has arrived."""
        probe = self._waiting[0].probe if self._waiting else None
        if probe is not None and probe.to_node_id == to_node_id:
            # From its first chunk, not from its order: what the worker itself waited for is none of the link's.
            probe.sent_at_s = clock_s - delivered.took_s
            probe.answered(int(delivered.item.header["probe"]), clock_s)

    def cancel(self) -> list[str]:
        """Give up everything; the ids of the orders."""
        ids = [one.command_id for one in self._waiting]
        self._waiting.clear()
        return ids

    def _result(self, probe: LinkProbe, clock_s: float) -> dict[str, object]:
        bandwidth, latency_s = probe.bandwidth_bytes_per_s, probe.latency_s
        if not math.isnan(bandwidth) or not math.isnan(latency_s):
            self._links.measured(probe.to_node_id, bandwidth, latency_s, clock_s)
        reason = "" if probe.complete else self._reason(probe)
        return {
            "to_node_id": probe.to_node_id,
            "bandwidth_bytes_per_s": None if math.isnan(bandwidth) else bandwidth,
            "latency_s": None if math.isnan(latency_s) else latency_s,
            "reason": reason,
        }

    def _reason(self, probe: LinkProbe) -> str:
        if not self._there(probe.to_node_id):
            return f"worker {probe.to_node_id} is not there"
        return f"worker {probe.to_node_id} did not answer a probe within {PATIENCE_S:g} s"
