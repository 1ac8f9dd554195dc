"""Lines that say of each stage and link of a service what was predicted and what is: once a second, if it is wanted."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping

from hedgerow_nodes.core.environment import ConfigurationError

EVERY_S = 1.0
_WORDS = {"": False, "0": False, "1": True}
log = logging.getLogger("hedgerow.predictions")

Times = Mapping[str, tuple[float, float]]
"""Of each stage or link, by its name, the real and the predicted time in seconds; NaN where it is not known."""


def wanted(variables: Mapping[str, str] | None = None) -> bool:
    """Whether the log is switched on (`HEDGEROW_PREDICTION_LOG`).

    Raises:
        ConfigurationError: it is neither 0 nor 1.
    """
    text = (os.environ if variables is None else variables).get("HEDGEROW_PREDICTION_LOG", "").strip()
    if text not in _WORDS:
        raise ConfigurationError(f"HEDGEROW_PREDICTION_LOG={text!r} is neither 0 nor 1")
    return _WORDS[text]


class PredictionLog:
    """Writes at most one line a second for each service; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_at_s: dict[str, float] = {}

    def due(self, service: str) -> bool:
        """Whether a line may be written now; then the next one is due a second later."""
        now_s = self._clock()
        if now_s < self._next_at_s.get(service, -math.inf):
            return False
        self._next_at_s[service] = now_s + EVERY_S
        return True

    def write(self, service: str, stages: Times, links: Times) -> None:
        """Write a line, such as `faces: compute detect 0.041203(0.040000) | link camera>detect 0.002100(unknown)`."""
        parts = [f"compute {_told(stages)}"] if stages else []
        parts += [f"link {_told(links)}"] if links else []
        log.info("%s: %s", service, " | ".join(parts) or "nothing is predicted and nothing measured")


def _told(times: Times) -> str:
    return " ".join(f"{name} {_seconds(real)}({_seconds(predicted)})" for name, (real, predicted) in times.items())


def _seconds(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else "unknown"
