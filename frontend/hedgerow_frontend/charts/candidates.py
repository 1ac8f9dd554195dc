"""The candidates of an iteration as points of accuracy against a cost, and which of them no other beats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.comparison.cells import number
from hedgerow_nodes.estimators.models.pareto import front


@dataclass(frozen=True)
class Cost:
    """A cost by which candidates are compared: its field, its name and its unit."""

    field: str
    name: str
    unit: str


COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "latency": Cost("latency_s", "latency", "s"),
        "energy": Cost("energy_j", "energy", "J"),
        "memory": Cost("memory_bytes", "memory", "B"),
        "flops": Cost("flops_per_inference", "work per inference", "FLOP"),
    }
)


@dataclass(frozen=True)
class Point:
    """A candidate; the interval is that of the cost and None where none is known."""

    id: str
    cost: float
    low: float | None
    high: float | None
    accuracy: float
    chosen: bool
    rejected: str
    on_front: bool


@dataclass(frozen=True)
class Field:
    """The candidates that can be drawn, and how many cannot and why."""

    cost: Cost
    metric: str
    points: tuple[Point, ...]
    unknown: int
    other_metric: int


def field_of(model: Mapping[str, Any], cost: Cost) -> Field:
    """The candidates of a model stage's output.

    Only accuracies by one metric can be compared: that of the chosen model, else the one that most candidates have.
    The front is taken among the candidates that are not rejected.
    """
    listed = model.get("candidates")
    candidates = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, Mapping)]
    known = [one for one in candidates if number(one.get("accuracy")) is not None and _cost(one, cost)[0] is not None]
    metric = _metric(known, str(model.get("chosen") or ""))
    fitting = [one for one in known if one.get("accuracy_metric") == metric]
    usable = [one for one in fitting if not one.get("rejected")]
    rows = [[_cost(one, cost)[0], -(number(one.get("accuracy")) or 0.0)] for one in usable]
    marks = front(np.array(rows, dtype=np.float64).reshape(-1, 2))
    best = {id(one) for one, mark in zip(usable, marks, strict=True) if mark}
    points = tuple(_point(one, cost, str(model.get("chosen") or ""), id(one) in best) for one in fitting)
    return Field(cost, metric, points, len(candidates) - len(known), len(known) - len(fitting))


def _metric(known: list[Mapping[str, Any]], chosen: str) -> str:
    names = [str(one.get("accuracy_metric") or "") for one in known]
    of_chosen = [name for one, name in zip(known, names, strict=True) if one.get("id") == chosen]
    return of_chosen[0] if of_chosen else Counter(names).most_common(1)[0][0] if names else ""


def _cost(candidate: Mapping[str, Any], cost: Cost) -> tuple[float | None, float | None, float | None]:
    found = candidate.get(cost.field)
    if not isinstance(found, Mapping):
        return number(found), None, None
    return number(found.get("value")), number(found.get("low")), number(found.get("high"))


def _point(candidate: Mapping[str, Any], cost: Cost, chosen: str, on_front: bool) -> Point:
    value, low, high = _cost(candidate, cost)
    name = str(candidate.get("id") or "")
    return Point(
        name,
        value or 0.0,
        low,
        high,
        number(candidate.get("accuracy")) or 0.0,
        bool(chosen) and name == chosen,
        str(candidate.get("rejected") or ""),
        on_front,
    )
