"""The other orchestrators of the domain, and which of two has to leave. Pure."""

from __future__ import annotations

import json

from hedgerow_idl import NodeInfo

KIND = "orchestrator"
"""The kind under which orchestrators announce themselves; no stage can be served by it."""

SERVING = "serving"
"""The capability that an orchestrator announces once it accepts work."""


class Rivals:
    """Who else wants to be this domain's orchestrator.

    One that serves stays before one that only starts; of two that are equally far the one started first stays. So of
    any two exactly one leaves, whatever they see of each other first.
    """

    def __init__(self, own: NodeInfo) -> None:
        self._own = own
        self._others: dict[tuple[str, int], NodeInfo] = {}

    def on_info(self, info: NodeInfo) -> None:
        """An orchestrator announced itself, or that it serves now."""
        process = info.node_id, info.incarnation
        if process != (self._own.node_id, self._own.incarnation):
            self._others[process] = info

    def on_end(self, node_id: str, incarnation: int) -> None:
        """Some process left or was lost."""
        self._others.pop((node_id, incarnation), None)

    def stays(self) -> NodeInfo | None:
        """The one for which this orchestrator has to leave."""
        return min((info for info in self._others.values() if _rank(info) < _rank(self._own)), key=_rank, default=None)


def _rank(info: NodeInfo) -> tuple[bool, int, str]:
    return SERVING not in info.capabilities, info.incarnation, info.node_id


def rival_sentence(rival: NodeInfo, domain: int) -> str:
    """Who serves the domain already, and the way out."""
    try:
        home = json.loads(rival.configuration)["home"]
    except (ValueError, KeyError, TypeError):
        home = "unknown"
    return (
        f"an orchestrator already serves DDS domain {domain}: pid {rival.pid} on host {rival.host}, home {home}; stop "
        f"it first, or set HEDGEROW_DOMAIN to another number for this system"
    )
