"""Which models are out and why: one reason for each, counted together where many share it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.models.exclusions import excludes
from hedgerow_nodes.estimators.models.grid import Costs
from hedgerow_nodes.estimators.models.pool import Group, Numbers, Pool
from hedgerow_nodes.estimators.quantity_text import quantity


@dataclass(frozen=True)
class Ask:
    """What is asked of a model; NaN, None and empty mean that nothing is.

    Attributes:
        objective: one of selection.OBJECTIVES; empty is carbon.
        group: metric and data set to compare quality in; the most usual one of the models left, if None.
        min_quality: in the unit of that metric; where less is better it is the most allowed.
        special: the form of the task; empty takes the plain form where there is one, and any where there is none.
        excluded: ids, last parts of ids, families, or kinds of architecture; see exclusions.excludes.
    """

    objective: str = ""
    group: Group | None = None
    min_quality: float = math.nan
    max_latency_s: float = math.nan
    max_memory_bytes: float = math.nan
    max_energy_j: float = math.nan
    max_parameters: float = math.nan
    special: str = ""
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """How many models one reason put out, and the one that came nearest, with its number."""

    kind: str
    count: int
    nearest_id: str
    nearest: str


@dataclass(frozen=True)
class Filtered:
    """What is left. `quality` has its sign turned where less is better, so that more always is (`sign`); `pairs` are
    the places of model and device of each pair that keeps every limit; `reasons` has every id, empty where kept."""

    kept: NDArray[np.bool_]
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
    group: Group | None
    quality: Numbers
    sign: int
    rejections: tuple[Rejection, ...]
    reasons: Mapping[str, str]


class _Sieve:
    """Takes models out for one reason after another; the first reason that fits is the one that is told."""

    def __init__(self, pool: Pool) -> None:
        self.keys = [row.key for row in pool.rows]
        self.kept = np.ones(len(pool), dtype=np.bool_)
        self.reasons = dict.fromkeys(self.keys, "")
        self.rejections: list[Rejection] = []

    def out(
        self,
        kind: str,
        mask: NDArray[np.bool_],
        say: str,
        broke: Numbers | None = None,
        unit: str | None = "",
        distance: Numbers | None = None,
    ) -> None:
        """Take out those of the mask; `broke` is the figure that broke the limit, and the least of it (or of another
        `distance`) came nearest."""
        places = np.flatnonzero(mask & self.kept)
        if not len(places):
            return
        self.kept[places] = False
        for place in places.tolist():
            figure = "" if broke is None else _written(float(broke[place]), unit)
            self.reasons[self.keys[place]] = say.format(figure)
        by = broke if distance is None else distance
        nearest = places[0] if by is None else places[int(np.argmin(by[places]))]
        name = self.keys[int(nearest)]
        self.rejections.append(Rejection(kind, len(places), name, self.reasons[name]))


def filtered(pool: Pool, costs: Costs, ask: Ask) -> Filtered:
    """Put out what breaks a limit, by value: an interval that straddles a limit keeps it."""
    sieve = _Sieve(pool)
    if ask.excluded:
        sieve.out("excluded", _named(pool, ask.excluded), "excluded by the user")
    forms = np.array([row.special for row in pool.rows])
    plain = bool((forms[sieve.kept] == "").any()) if len(pool) else False
    if ask.special or plain:
        said = f"its form of the task is another than {ask.special or 'the plain one'}"
        sieve.out("another form of the task", forms != ask.special, said)
    unknown = ~np.isfinite(costs.memory_bytes[0])
    sieve.out("of unknown size", unknown, "parameters or FLOPs are unknown, so nothing can be estimated")
    if not math.isnan(ask.max_parameters):
        allowed = quantity(ask.max_parameters, "")
        too_many = pool.parameters > ask.max_parameters
        sieve.out("too large", too_many, f"{{}} parameters, {allowed} are allowed", pool.parameters)
    if not math.isnan(ask.max_memory_bytes):
        needed, allowed = costs.memory_bytes[0], quantity(ask.max_memory_bytes, "B")
        said = f"needs {{}}, {allowed} are allowed"
        sieve.out("needs too much memory", needed > ask.max_memory_bytes, said, needed, "B")
    fits = _pairs_that_fit(costs, sieve)
    fits = _limited(sieve, fits, costs.latency_s[0], ask.max_latency_s, ("too slow", "would take {}", "s"))
    fits = _limited(sieve, fits, costs.energy_j[0], ask.max_energy_j, ("takes too much energy", "would take {}", "J"))
    group = ask.group or pool.usual_group(sieve.kept)
    sign = pool.better.get(group, 1) if group else 1
    unknown_quality = np.full(len(pool), math.nan)
    quality = unknown_quality if group is None else sign * pool.quality.get(group, unknown_quality)
    if group is not None:
        where = f"{group[0]} on {group[1]}" if group[1] else group[0]
        sieve.out("not comparable", np.isnan(quality), f"no {where} is published, so its quality is not compared")
        if not math.isnan(ask.min_quality):
            said = f"published {where} is {{}}, {ask.min_quality:g} is wanted"
            low = quality < sign * ask.min_quality
            sieve.out("not good enough", low, said, sign * quality, unit=None, distance=-quality)
    fits = fits & _ranked_devices(costs)
    model, device = np.nonzero(fits & sieve.kept[:, None])
    return Filtered(sieve.kept, (model, device), group, quality, sign, tuple(sieve.rejections), sieve.reasons)


def _written(value: float, unit: str | None) -> str:
    return f"{value:.3g}" if unit is None else quantity(value, unit)


def _ranked_devices(costs: Costs) -> NDArray[np.bool_]:
    """Where some devices have a known power, those without one cannot be compared in energy and are not ranked."""
    known = np.isfinite(costs.machines.rated_w)
    return known if bool(known.any()) else np.ones_like(known)


def _pairs_that_fit(costs: Costs, sieve: _Sieve) -> NDArray[np.bool_]:
    """Pairs where the device holds the model; a device of unknown memory is taken to hold it."""
    has = costs.machines.memory_bytes
    needed = costs.memory_bytes[0]
    fits: NDArray[np.bool_] = ~(needed[:, None] > has) & np.isfinite(costs.latency_s[0])
    sieve.out("too large for every device", ~np.any(fits, axis=1), "needs {}, no device has as much", needed, "B")
    return fits


def _limited(
    sieve: _Sieve, fits: NDArray[np.bool_], taken: Numbers, allowed: float, words: tuple[str, str, str]
) -> NDArray[np.bool_]:
    """The pairs within a limit; a model that has none left is out, with its best figure. Unknown keeps no limit."""
    if math.isnan(allowed):
        return fits
    within: NDArray[np.bool_] = fits & (taken <= allowed)
    kind, said, unit = words
    best = np.where(fits & np.isfinite(taken), taken, math.inf).min(axis=1, initial=math.inf)
    text = f"{said} at best, {quantity(allowed, unit)} are allowed"
    sieve.out(kind, ~np.any(within, axis=1), text, best, unit)
    return within


def _named(pool: Pool, names: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([excludes(names, row.id, row.family, row.efficiency) for row in pool.rows], dtype=bool)
