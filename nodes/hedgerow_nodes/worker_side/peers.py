"""Which other workers there are, by their announcements: each start of one is told apart, and its end is noticed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hedgerow_idl.serve import WorkerInfo, WorkerStatus
from hedgerow_nodes.core.bus import Kind, Received


@dataclass(frozen=True)
class Change:
    """What happened to a worker: `there` now or not, and why its streams are of no use any more if they are."""

    node_id: str
    there: bool
    why_gone: str = ""


class Peers:
    """The starts of other workers that are alive; of two under one id the later one counts.

    An end is taken from their statuses too: with three workers under load the library was seen, in some runs, to tell
    the loss of a killed worker's status and not that of its announcement.
    """

    def __init__(self) -> None:
        self._incarnations: dict[str, int] = {}

    def see(self, arrivals: Iterable[Received[WorkerInfo] | Received[WorkerStatus]]) -> list[Change]:
        """Take what has arrived; what it changes."""
        changes = []
        for received in arrivals:
            info = received.sample
            known = self._incarnations.get(info.node_id)
            if received.kind is Kind.DATA:
                if known is None or info.incarnation > known:
                    self._incarnations[info.node_id] = info.incarnation
                    why = "" if known is None else "the worker has started anew"
                    changes.append(Change(info.node_id, True, why))
            elif known == info.incarnation:
                del self._incarnations[info.node_id]
                left = received.kind is Kind.DISPOSED
                changes.append(Change(info.node_id, False, "the worker has left" if left else "the worker is lost"))
        return changes

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._incarnations
