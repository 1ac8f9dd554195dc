"""Where the node that chooses models asks the hub: settings in, findings and folders out, within one task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hedgerow_nodes.estimators.hub import required_model
from hedgerow_nodes.estimators.hub.access import Access
from hedgerow_nodes.estimators.hub.counting import count
from hedgerow_nodes.estimators.hub.finding import Finding
from hedgerow_nodes.estimators.hub.hugging_face import HuggingFace
from hedgerow_nodes.estimators.hub.interface import Hub
from hedgerow_nodes.estimators.hub.names import HubName
from hedgerow_nodes.estimators.quantity_text import quantity

CACHE_FOLDER = "hub"
ANSWER_TIMEOUT_S = 10.0


def open_hub(home: Path, endpoint: str = "", variables: Mapping[str, str] | None = None) -> HuggingFace:
    """The hub that the environment names, with its cache in Hedgerow's home.

    Raises:
        AccessError: an address or a token that cannot be used.
    """
    return HuggingFace(Access.read(variables, endpoint), home / CACHE_FOLDER, ANSWER_TIMEOUT_S)


class HubDesk:
    """Asks one hub for one task.

    Args:
        timeout_s: for all that is asked before a choice, and again for the weights.
        most_run_bytes: weights above this are not fetched.
    """

    def __init__(self, hub: Hub, timeout_s: float, most_run_bytes: int, cancelled: Callable[[], bool]) -> None:
        self._hub = hub
        self._timeout_s = timeout_s
        self._most_run_bytes = most_run_bytes
        self._cancelled = cancelled

    def look_up(self, required: str, task: str, counter: required_model.Count = count) -> Finding:
        """What is known of the required model before its weights are fetched.

        Raises:
            HubError: there is nothing to be known, or it is refused.
        """
        return required_model.look_up(self._hub, required, task, counter, self._cancelled, self._timeout_s)

    def why_not_run(self, finding: Finding) -> str:
        """Why its weights are not fetched and run; empty if they are."""
        if finding.why_not_run:
            return finding.why_not_run
        if finding.weights_bytes > self._most_run_bytes:
            has, allowed = quantity(finding.weights_bytes, "B"), quantity(self._most_run_bytes, "B")
            return f"its files have {has}, up to {allowed} are fetched to be run (hub_run_max_bytes)"
        return ""

    def folder(self, name: HubName, progress: Callable[[float], None]) -> Path:
        """The folder with its checked configuration and weights.

        Raises:
            HubError: they did not come, or are refused.
        """
        return required_model.fetch(self._hub, name, self._cancelled, self._timeout_s, progress)
