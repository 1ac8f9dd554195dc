"""Suggest models: filter by constraints with a reason each, take the Pareto front, choose on it by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.models import pareto
from hedgerow_nodes.estimators.models.filters import Ask, Filtered, Rejection, filtered
from hedgerow_nodes.estimators.models.grid import Costs
from hedgerow_nodes.estimators.models.pool import Group, Numbers, Pool, Row

OBJECTIVES = ("carbon", "energy", "latency", "memory", "accuracy")


class UnknownObjective(Exception):
    """An objective that models cannot be ranked by."""


@dataclass(frozen=True)
class Suggestion:
    """One model on the device where it serves the objective best. Intervals are (value, low, high); NaN is unknown."""

    row: Row
    device: str
    quality: float
    latency_s: tuple[float, float, float]
    energy_j: tuple[float, float, float]
    memory_bytes: tuple[float, float, float]
    compute_bound: bool
    on_front: bool


@dataclass(frozen=True)
class Suggestions:
    """The answer, best first, with all that it rests on.

    Attributes:
        group: metric and data set within which quality was compared; None where nothing could be compared.
        compared: the respects of the front.
        rule: how the order came about, in words.
        models, devices: how many were looked at; `kept` are the models left after filtering.
        front: ids of the models on the front.
    """

    suggestions: tuple[Suggestion, ...]
    group: Group | None
    compared: tuple[str, ...]
    rule: str
    models: int
    devices: int
    kept: int
    front: tuple[str, ...]
    rejections: tuple[Rejection, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, model_id: str) -> str:
        """Why a model is out, empty if it was kept; KeyError for one that was not looked at."""
        return self.reasons[model_id]


def suggest(pool: Pool, costs: Costs, ask: Ask, n: int = 1) -> Suggestions:
    """The n best different models: same input, same answer.

    The rule on the front: models whose quality is at least the median of those left come first, so that the least
    energy is not simply the worst model; then the objective on the model's best device; then quality; then the id. One
    of each family before a second of any. Where the front has fewer than n, those off it follow by the same rule.

    Raises:
        UnknownObjective: the objective is not one of those known.
    """
    objective = ask.objective or "carbon"
    if objective not in OBJECTIVES:
        raise UnknownObjective(f"objective {ask.objective!r} unknown; known: {', '.join(OBJECTIVES)}")
    left = filtered(pool, costs, ask)
    table, names = _respects(pool, costs, left)
    model, device = left.pairs
    on_front = _front(table, model, names)
    order = _ordered(pool, left, table, names, on_front, objective)
    picked = _different(pool, model, order, n)
    return Suggestions(
        suggestions=tuple(_suggestion(pool, costs, left, model[k], device[k], bool(on_front[k])) for k in picked),
        group=left.group,
        compared=names,
        rule=_rule(objective, left.group, names),
        models=len(pool),
        devices=len(costs.machines.ids),
        kept=int(left.kept.sum()),
        front=tuple(sorted({pool.rows[place].key for place in model[on_front]})),
        rejections=left.rejections,
        reasons=left.reasons,
    )


def _respects(pool: Pool, costs: Costs, left: Filtered) -> tuple[Numbers, tuple[str, ...]]:
    """One row a pair of model and device, less is better; a respect that is unknown for all pairs is left out."""
    model, device = left.pairs
    columns = {
        "latency": costs.latency_s[0][model, device],
        "energy": costs.energy_j[0][model, device],
        "memory": costs.memory_bytes[0][model],
    }
    if left.group is not None:
        columns = {"accuracy": -left.quality[model], **columns}
    columns = {name: values for name, values in columns.items() if len(values) and np.isfinite(values).all()}
    return np.column_stack(list(columns.values())) if columns else np.empty((0, 0)), tuple(columns)


def _front(table: Numbers, model: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """The front over all pairs, in two exact steps: within each model first, for there only latency and energy differ.

    A pair that another pair of the same model dominates is dominated over all, so nothing is lost.
    """
    found = np.zeros(len(table), dtype=np.bool_)
    if not len(table):
        return found
    survivors = np.flatnonzero(_best_of_model(table, model, names))
    found[survivors] = pareto.front(table[survivors])
    return found


def _best_of_model(table: Numbers, model: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.bool_]:
    latency = table[:, names.index("latency")]
    energy = table[:, names.index("energy")] if "energy" in names else latency
    order = np.lexsort((energy, latency, model))
    ranks = np.unique(energy, return_inverse=True)[1]
    # A later model's numbers all lie below an earlier one's, so one running minimum serves every model.
    falling = (ranks - (ranks.max() + 1) * model)[order]
    least = np.minimum.accumulate(falling)
    new = np.concatenate([[True], falling[1:] < least[:-1]])
    # A pair equal to the one before it, in everything, is kept if that one is.
    rows = np.column_stack([model, latency, energy])[order]
    equal = np.concatenate([[False], (rows[1:] == rows[:-1]).all(axis=1)])
    head = np.maximum.accumulate(np.where(equal, 0, np.arange(len(order))))
    keep = np.zeros(len(table), dtype=np.bool_)
    keep[order] = new[head]
    return keep


def _ordered(
    pool: Pool, left: Filtered, table: Numbers, names: tuple[str, ...], on_front: NDArray[np.bool_], objective: str
) -> NDArray[np.int64]:
    """All pairs, best first."""
    model, device = left.pairs
    if not len(table):
        return np.empty(0, dtype=np.int64)
    quality = -table[:, names.index("accuracy")] if "accuracy" in names else np.zeros(len(table))
    floor = np.median(left.quality[left.kept]) if "accuracy" in names else -math.inf
    wanted = {"carbon": "energy", "energy": "energy"}.get(objective, objective)
    if wanted not in names:
        wanted = "latency"
    ids = np.argsort(np.argsort([row.key for row in pool.rows]))[model]
    return np.lexsort((device, ids, -quality, table[:, names.index(wanted)], quality < floor, ~on_front))


def _different(pool: Pool, model: NDArray[np.int64], order: NDArray[np.int64], n: int) -> list[int]:
    """The first pair of each model, one of each family before a second of any."""
    first: dict[int, int] = {}
    for pair in order.tolist():
        first.setdefault(int(model[pair]), pair)
    seen: set[str] = set()
    new: list[int] = []
    again: list[int] = []
    for place, pair in first.items():
        family = pool.rows[place].family.lower()
        (again if family in seen else new).append(pair)
        seen.add(family)
    return [*new, *again][:n]


def _suggestion(pool: Pool, costs: Costs, left: Filtered, model: int, device: int, on_front: bool) -> Suggestion:
    def three(values: Numbers) -> tuple[float, float, float]:
        return float(values[0]), float(values[1]), float(values[2])

    return Suggestion(
        row=pool.rows[model],
        device=costs.machines.ids[device],
        quality=float(left.quality[model]) * left.sign,
        latency_s=three(costs.latency_s[:, model, device]),
        energy_j=three(costs.energy_j[:, model, device]),
        memory_bytes=three(costs.memory_bytes[:, model]),
        compute_bound=bool(costs.compute_bound[model, device]),
        on_front=on_front,
    )


def _rule(objective: str, group: Group | None, names: tuple[str, ...]) -> str:
    words = {"accuracy": "best quality", "carbon": "least energy, and so least carbon"}
    least = words.get(objective, f"least {objective}")
    if objective in ("carbon", "energy") and "energy" not in names:
        least = "least time, which on the same processors is the least energy"
    front = "on the Pareto front of " + " x ".join(names or ("nothing",))
    floor = f"quality no worse than the median by {group[0]} on {group[1] or 'its data set'}; " if group else ""
    return f"{front}; {floor}{least}; one of each family first; then id"
