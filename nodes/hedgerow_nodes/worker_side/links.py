"""How fast the links to other workers are: measured by probes or seen in live traffic, with their age."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, field

from hedgerow_idl.serve import LinkFigure
from hedgerow_nodes.worker_side.link_probe import LONG_ENOUGH_S

SMOOTHING = 0.3
"""The weight of a new figure from live traffic; a measured one replaces all before."""

TELLS_BANDWIDTH_BYTES = 64 << 10
"""Of a smaller item the time is latency more than transfer: it says nothing of bandwidth."""

TELLS_LATENCY_BYTES = 4 << 10

ALONE, KNOWN = 9, 5
"""Of so many items alone the middle one counts, and what was known before counts as so many: each has waited for
processors at both ends too, now and then for as long as it was on its way."""

CARRIED_S = 2.0
"""What a link has carried in so long it can carry, whatever else was said of it."""

FOLLOWED_S = 10.0
"""For so long what items behind each other took counts for more: that they have waited cancels out."""


@dataclass
class _Link:
    bandwidth_bytes_per_s: float = math.nan
    latency_s: float = math.nan
    at_s: float = math.nan
    is_passive: bool = False
    followed_at_s: float = -math.inf
    alone_s_per_byte: deque[float] = field(default_factory=lambda: deque(maxlen=ALONE))
    carried_bytes: int = 0
    carried_since_s: float = math.nan
    busy_s: float = 0.0
    busy_bytes: int = 0
    is_steady: bool = False
    sent_items: int = 0
    sent_bytes: int = 0
    transfer_s: float = math.nan


class LinkBook:
    """The links from here, by receiver. A figure that was never measured is NaN, which is unknown and not free."""

    def __init__(self) -> None:
        self._links: dict[str, _Link] = {}

    def measured(self, to_node_id: str, bandwidth_bytes_per_s: float, latency_s: float, clock_s: float) -> None:
        """Probes have been answered."""
        link = self._link(to_node_id)
        if not math.isnan(bandwidth_bytes_per_s):
            _know(link, bandwidth_bytes_per_s)
        if not math.isnan(latency_s):
            link.latency_s = latency_s
        link.at_s, link.is_passive = clock_s, False

    def delivered(self, to_node_id: str, size_bytes: int, took_s: float, clock_s: float, *, alone: bool) -> None:
        """An item has arrived; `alone` if nothing else was on its way, so that its time tells of the link.

        An item behind others has waited for them: its time counts for `transfer_s`, not for the link's figures. The
        answer takes a latency too, so bandwidth is size / (took - 2 latencies).
        """
        link = self._link(to_node_id)
        link.sent_items += 1
        link.sent_bytes += size_bytes
        link.transfer_s = _smoothed(link.transfer_s, took_s)
        self._carried(link, size_bytes, clock_s)
        if not alone or took_s <= 0:
            return
        if size_bytes <= TELLS_LATENCY_BYTES:
            link.latency_s = _smoothed(link.latency_s, took_s / 2)
        elif size_bytes >= TELLS_BANDWIDTH_BYTES:
            latency_s = 0.0 if math.isnan(link.latency_s) else link.latency_s
            if clock_s < link.followed_at_s + FOLLOWED_S:
                return
            moving_s = max(took_s - 2 * latency_s, took_s / 10)
            link.alone_s_per_byte.append(moving_s / size_bytes)
            link.bandwidth_bytes_per_s = 1 / statistics.median(link.alone_s_per_byte)
        else:
            return
        link.at_s, link.is_passive = clock_s, True

    def followed(self, to_node_id: str, size_bytes: int, since_s: float, clock_s: float) -> None:
        """So much has arrived since the answer before; NaN for `since_s` where the link may have been idle meanwhile.

        The time from answer to answer holds no latency: those of both are the same. It tells of the link only while
        more waits than may be on its way, else of him who sends (N. Cardwell et al., Delivery Rate Estimation, IETF,
        2022). What comes first after a pause tells nothing: a shaper lets through at once what it has saved up.
        """
        link = self._link(to_node_id)
        if math.isnan(since_s):
            link.busy_s, link.busy_bytes, link.is_steady = 0.0, 0, False
            return
        link.busy_s, link.busy_bytes = link.busy_s + since_s, link.busy_bytes + size_bytes
        if link.busy_s < LONG_ENOUGH_S or link.busy_bytes < TELLS_BANDWIDTH_BYTES:
            return
        if link.is_steady:
            # Smoothed is the time a byte takes: its mean is what many take together, which the mean of rates is not.
            _know(link, 1 / _smoothed(1 / link.bandwidth_bytes_per_s, link.busy_s / link.busy_bytes))
            link.at_s = link.followed_at_s = clock_s
            link.is_passive = True
        link.busy_s, link.busy_bytes, link.is_steady = 0.0, 0, True

    def forget(self, to_node_id: str) -> None:
        """A worker is gone: whoever comes back may come back elsewhere."""
        self._links.pop(to_node_id, None)

    def figures(self, clock_s: float) -> list[LinkFigure]:
        """All links, as the status tells them."""
        return [
            LinkFigure(
                to_node_id=to_node_id,
                bandwidth_bytes_per_s=link.bandwidth_bytes_per_s,
                latency_s=link.latency_s,
                age_s=clock_s - link.at_s,
                is_passive=link.is_passive,
                sent_items=link.sent_items,
                sent_bytes=link.sent_bytes,
                transfer_s=link.transfer_s,
            )
            for to_node_id, link in self._links.items()
        ]

    def _carried(self, link: _Link, size_bytes: int, clock_s: float) -> None:
        """Items may neither be alone nor fill the window for hours: then this is all that refreshes a link."""
        link.carried_bytes += size_bytes
        over_s = clock_s - link.carried_since_s
        if over_s < CARRIED_S:
            return
        if over_s < 2 * CARRIED_S and link.carried_bytes / over_s > link.bandwidth_bytes_per_s:
            _know(link, link.carried_bytes / over_s)
            link.at_s, link.is_passive = clock_s, True
        link.carried_bytes, link.carried_since_s = 0, clock_s

    def _link(self, to_node_id: str) -> _Link:
        return self._links.setdefault(to_node_id, _Link())


def _know(link: _Link, bandwidth_bytes_per_s: float) -> None:
    link.bandwidth_bytes_per_s = bandwidth_bytes_per_s
    link.alone_s_per_byte.clear()
    link.alone_s_per_byte.extend([1 / bandwidth_bytes_per_s] * KNOWN)


def _smoothed(before: float, value: float) -> float:
    return value if math.isnan(before) else before + SMOOTHING * (value - before)
