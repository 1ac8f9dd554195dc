"""Which device is chosen: feasible ones in the order of the objective, the others by how nearly they missed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hedgerow_nodes.estimators.devices.assessment import Assessment

OBJECTIVES = ("carbon", "cost", "energy", "latency")


class NoDevice(Exception):
    """No device keeps every limit; the message names the nearest miss and the number that broke it."""


class UnknownObjective(Exception):
    """An objective that devices cannot be ranked by."""


@dataclass(frozen=True)
class Choice:
    """The device chosen, every feasible one best first, and the rejected ones, nearest miss first.

    `required` says that the user named the device, so that it was judged and not chosen.
    """

    chosen: Assessment
    feasible: tuple[Assessment, ...]
    rejected: tuple[Assessment, ...]
    objective: str
    required: bool = False

    @property
    def rivals(self) -> tuple[Assessment, ...]:
        """The next two after the one chosen."""
        return tuple(other for other in self.feasible if other is not self.chosen)[:2]

    def listed(self, count: int, always_id: str = "") -> list[Assessment]:
        """The most telling devices, best first: mostly feasible ones, a third for the nearest misses.

        The chosen device is among them (first, where it was required), and so is `always_id`.
        """
        feasible = [one for one in self.feasible if not (self.required and one is self.chosen)]
        rejected = [one for one in self.rejected if not (self.required and one is self.chosen)]
        kept = [self.chosen] if self.required else []
        for_feasible = max(count - count // 3, count - len(rejected)) - len(kept)
        kept += feasible[:for_feasible]
        kept += rejected[: count - len(kept)]
        always = [one for one in (*feasible, *rejected) if one.device.id == always_id and one not in kept]
        kept = kept[: count - len(always)] + always
        order = {id(one): place for place, one in enumerate((self.chosen, *feasible, *rejected))}
        return sorted(kept, key=lambda one: order[id(one)])


def choose(assessments: Iterable[Assessment], objective: str, required_id: str = "") -> Choice:
    """Choose by the objective: `carbon` and `energy` by energy per inference, `latency` by latency, `cost` by price.

    Place and time are the same for all candidates, so the least energy is also the least operational carbon. A price
    is that of the device alone, at release; devices without one come after all that have one, in the order of their
    energy. Ties go by energy, then by id.

    Args:
        assessments: every device, judged.
        objective: one of `OBJECTIVES`; empty means carbon.
        required_id: the device that the user named; it is taken even if it breaks limits.

    Raises:
        NoDevice: none is feasible and none is required.
        UnknownObjective: the objective is not one of those known.
    """
    goal = objective or "carbon"
    if goal not in OBJECTIVES:
        raise UnknownObjective(f"objective {objective!r} unknown; known: {', '.join(OBJECTIVES)}")
    everyone = list(assessments)
    feasible = sorted((one for one in everyone if one.feasible), key=lambda one: _order(one, goal))
    rejected = sorted((one for one in everyone if not one.feasible), key=_miss)
    if required_id:
        chosen = next(one for one in everyone if one.device.id == required_id)
    elif feasible:
        chosen = feasible[0]
    else:
        raise NoDevice(_nearest_miss(rejected))
    return Choice(chosen, tuple(feasible), tuple(rejected), goal, required=bool(required_id))


def _order(assessment: Assessment, objective: str) -> tuple[float, float, str]:
    return score(assessment, objective), score(assessment, "energy"), assessment.device.id


def score(assessment: Assessment, objective: str) -> float:
    """The number that the objective makes small; infinite where it is unknown."""
    if objective == "cost":
        price_usd = assessment.device.price_usd
        return math.inf if math.isnan(price_usd) else price_usd
    measure = assessment.latency_s if objective == "latency" else assessment.energy_j
    return math.inf if measure is None else measure.value


def _miss(assessment: Assessment) -> tuple[bool, float, float, str]:
    """Devices with figures first; then by the limit that is broken worst, then by energy."""
    worst = max((breach.ratio for breach in assessment.breaches), default=0.0)
    return bool(assessment.unranked), worst, score(assessment, "energy"), assessment.device.id


def _nearest_miss(rejected: list[Assessment]) -> str:
    if not rejected:
        return "no device is known"
    nearest = rejected[0]
    text = f"none of {len(rejected)} devices keeps every limit; nearest is {nearest.device.name}: {nearest.rejected}"
    silent = [one for one in rejected if one.unranked and not one.breaches]
    if not silent:
        return text
    known = "; ".join(f"{one.device.name}: {one.unranked}" for one in silent[:2])
    return f"{text}. Within the limits as far as known, but without figures, are {len(silent)} more ({known})"
