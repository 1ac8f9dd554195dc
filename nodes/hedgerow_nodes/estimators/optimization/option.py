"""One change that the loop may make."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow_idl import NAN


@dataclass(frozen=True)
class Move:
    """A change of one thing.

    Attributes:
        what: `model`, `precision`, `device` or `region`.
        ratio: the target's figure after it over that before it, NaN where nothing at hand tells.
        accuracy_lost: how much published accuracy it gives up, in the metric's own unit, 0 if none.
        risk: 0 if it leaves the model's numbers alone, higher the more it rounds them.
        reason: what the ratio is from.
    """

    what: str
    before: str
    after: str
    ratio: float = NAN
    accuracy_lost: float = 0.0
    risk: int = 0
    reason: str = ""


def share(part: float, whole: float) -> float:
    """A ratio of two figures that are not negative; NaN where it says nothing."""
    return part / whole if whole > 0 and part >= 0 else NAN
